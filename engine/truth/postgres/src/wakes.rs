//! Whose chain has grown: told in this process at once, and to every other process on the database through
//! LISTEN and NOTIFY.

use std::time::Duration;

use hufu_registry::Fault;
use hufu_wire::IssuerId;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::fault::fault;

/// The channel; its payloads are issuers in decimal.
pub(crate) const CHANNEL: &str = "hufu_chain";
/// Wakes that a slow listener may be behind before it misses some.
const WAKES_MAX: usize = 1024;
/// After this much silence the connection is tried: a server that vanished says nothing either.
const SILENCE: Duration = Duration::from_secs(15);
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);

/// Hears and passes on wakes until it is dropped.
pub(crate) struct Wakes {
    send: broadcast::Sender<IssuerId>,
    task: JoinHandle<()>,
}

impl Wakes {
    /// Listens on a connection of its own, so that requests cannot take it.
    pub(crate) fn listen(options: PgConnectOptions) -> Wakes {
        let (send, _) = broadcast::channel(WAKES_MAX);
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(ANSWER_WITHIN)
            .connect_lazy_with(options);
        let task = tokio::spawn(listen_for_ever(pool, send.clone()));
        Wakes { send, task }
    }

    /// Tells this process. The others are told by the transaction, when it is committed.
    pub(crate) fn tell(&self, issuer: IssuerId) {
        // There may be no receiver.
        let _ = self.send.send(issuer);
    }

    /// What is told from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<IssuerId> {
        self.send.subscribe()
    }

    /// Gives the connection back.
    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn listen_for_ever(pool: PgPool, wakes: broadcast::Sender<IssuerId>) {
    let mut is_lost = false;
    loop {
        let Err(fault) = listen_once(&pool, &wakes, &mut is_lost).await;
        if !is_lost {
            tracing::warn!(%fault, "notifications of other registries are lost until PostgreSQL answers again");
            is_lost = true;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Listens until the connection breaks.
async fn listen_once(
    pool: &PgPool,
    wakes: &broadcast::Sender<IssuerId>,
    is_lost: &mut bool,
) -> Result<std::convert::Infallible, Fault> {
    let mut listener = PgListener::connect_with(pool).await.map_err(fault)?;
    // A break is to be heard of, not mended silently.
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await.map_err(fault)?;
    if std::mem::take(is_lost) {
        tracing::info!("notifications of other registries arrive again");
    }
    // Notifications from before this connection are lost: every follower looks once.
    for issuer in sqlx::query_scalar::<_, i64>("SELECT id FROM issuers")
        .fetch_all(&mut listener)
        .await
        .map_err(fault)?
    {
        pass_on(&issuer.to_string(), wakes);
    }
    loop {
        match tokio::time::timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notice))) => pass_on(notice.payload(), wakes),
            Ok(Ok(None)) => return Err(Fault::Unavailable("the connection broke".into())),
            Ok(Err(error)) => return Err(fault(error)),
            Err(_) => answers(&mut listener).await?,
        }
    }
}

async fn answers(listener: &mut PgListener) -> Result<(), Fault> {
    let asked = sqlx::query("SELECT 1").execute(listener);
    match tokio::time::timeout(ANSWER_WITHIN, asked).await {
        Ok(answer) => answer.map(drop).map_err(fault),
        Err(_) => Err(Fault::Unavailable(format!("no answer within {ANSWER_WITHIN:?}"))),
    }
}

fn pass_on(payload: &str, wakes: &broadcast::Sender<IssuerId>) {
    let Ok(issuer) = payload.parse() else {
        tracing::warn!(
            payload,
            "a notification without an issuer id: does another program use the channel {CHANNEL}?"
        );
        return;
    };
    // There may be no receiver.
    let _ = wakes.send(IssuerId(issuer));
}
