//! `GET /records/events` on the metrics page: records as they are written, without their slips.

use std::fmt::Write as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use hufu_files::keys::read_seed;
use hufu_records::{Heard, Listener, record_json};
use hufu_transport::{Events, NoEvents};
use hufu_wire::StrangerLines;
use sha2::{Digest as _, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Where they are.
pub(super) const PATH: &str = "/records/events";
/// Consoles and alarms; each has its own place.
const READERS_MAX: usize = 8;

/// Who may read them.
pub(super) struct Door {
    /// Of the token: digests are compared, so that the time of it tells nothing.
    token: [u8; 32],
    places: Arc<Semaphore>,
    strangers: StrangerLines,
}

/// One reader.
struct Reader {
    listener: Listener,
    _place: OwnedSemaphorePermit,
}

impl Door {
    /// The door for who has the token in this file.
    ///
    /// # Errors
    /// The file that cannot be used.
    pub(super) fn open(token: &Path) -> anyhow::Result<Door> {
        let token = Sha256::digest(read_seed(token)?.as_slice()).into();
        Ok(Door::of(token))
    }

    fn of(token: [u8; 32]) -> Door {
        Door { token, places: Arc::new(Semaphore::new(READERS_MAX)), strangers: StrangerLines::new() }
    }

    /// Lets a reader in.
    pub(super) fn enter(
        &self,
        token: Option<&str>,
        listen: impl FnOnce() -> Listener,
    ) -> Result<Box<dyn Events>, NoEvents> {
        let token = token.and_then(|token| hex::decode(token).ok());
        if token.is_none_or(|token| <[u8; 32]>::from(Sha256::digest(token)) != self.token) {
            if self.strangers.may_log(Instant::now()) {
                tracing::warn!("a reader of live records has no valid token");
            }
            return Err(NoEvents::Unauthorized);
        }
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| NoEvents::Busy)?;
        tracing::info!("a reader of live records has come");
        Ok(Box::new(Reader { listener: listen(), _place: place }))
    }
}

impl Events for Reader {
    fn next(&mut self) -> Pin<Box<dyn Future<Output = Option<String>> + Send + '_>> {
        Box::pin(async { self.listener.next().await.map(|heard| text_of(&heard)) })
    }
}

/// An event for each record; before them one that says how many were lost.
fn text_of(Heard { lost, first, rows }: &Heard) -> String {
    let mut text = String::new();
    if *lost > 0 {
        // Writing to a string does not fail.
        let _ = write!(text, "event: lost\ndata: {{\"lost\":{lost}}}\n\n");
    }
    for (number, row) in (*first..).zip(rows.iter()) {
        let _ = write!(text, "id: {number}\ndata: {}\n\n", record_json(number, row));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_without_a_token_fill_no_log() {
        let door = Door::of([0; 32]);
        for _ in 0..100 {
            let entered = door.enter(Some("00"), || -> Listener { unreachable!("a stranger came in") });
            assert_eq!(entered.err(), Some(NoEvents::Unauthorized));
        }
        assert!(!door.strangers.may_log(Instant::now()), "they have used up this second's lines");
    }

    #[test]
    fn what_was_lost_is_told_before_what_follows() {
        let heard = Heard { lost: 3, first: 7, rows: Arc::new([]) };
        assert_eq!(text_of(&heard), "event: lost\ndata: {\"lost\":3}\n\n");
        assert_eq!(text_of(&Heard { lost: 0, ..heard }), "");
    }
}
