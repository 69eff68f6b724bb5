//! Foreign issuers whose Token Status Lists are followed, one thread each (R64). Tokens that were taken are kept in the state
//! folder: an engine that starts serves them at once, as old as they are, and takes no older ones.

mod figures;

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use hufu_codes::keyring::Keyring;
use hufu_files as files;
use hufu_files::{Readable, moment, unavailable};
use hufu_follow::one_line;
use hufu_statuslist::{Follower, Keys, TOKEN_BYTES_MAX};
use hufu_upstream::Documents;
use hufu_wire::{IssuerId, Sequence, UnixSeconds};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use self::figures::{Figures, Told};
use super::state::State;
use super::statuses::Statuses;
use crate::config::StatusList;

/// The shorter form first: both say the same.
const ACCEPT: &str = "application/statuslist+cwt, application/statuslist+jwt;q=0.9";

/// How often a thread looks whether a list has expired.
const LOOK: Duration = Duration::from_secs(1);

/// A token, and the tag by which the next look can tell that it is the same.
type Found = (Vec<u8>, Option<String>);

/// Lists that can be followed: their keys were read, and nothing was fetched.
pub(super) struct Planned(Vec<(StatusList, Follower)>);

/// Lists that are followed, until this is dropped.
pub(super) struct StatusLists {
    followed: Vec<Followed>,
    stop: watch::Sender<bool>,
}

struct Followed {
    issuer: IssuerId,
    told: Arc<Told>,
    thread: Option<JoinHandle<()>>,
}

/// What one thread has.
struct Work {
    list: StatusList,
    follower: Follower,
    /// Of each list: the tag of the newest document, and why the last look failed.
    seen: Vec<(Option<String>, Option<String>)>,
    folder: PathBuf,
    told: Arc<Told>,
}

impl Planned {
    /// Reads the keys and takes each issuer's writer.
    ///
    /// # Errors
    /// What the configuration names cannot be used.
    pub(super) fn new(
        lists: &[StatusList],
        statuses: &mut Statuses,
        keyring: &Keyring,
    ) -> anyhow::Result<Planned> {
        let mut plan = |list: &StatusList| {
            let issuer = list.issuer();
            ensure!(
                keyring.list().keys().iter().all(|(_, key)| key.issuer != issuer),
                "issuer {issuer} has keys in the trust list, so no device may refer to its holders; give the foreign \
                 issuer another number"
            );
            let mut keys = Keys::default();
            for file in &list.keys {
                keys.add_file(&files::read_pem(file)?).with_context(|| file.display().to_string())?;
            }
            let writer = statuses.give_writer(issuer, format!("{}, {}", list.place, list.uri.get_ref()))?;
            let entries = list.entries().map(u64::from);
            let follower = Follower::new(writer, list.shards(), *list.lists.get_ref(), entries, keys);
            Ok((list.clone(), follower))
        };
        let planned = lists.iter().map(|list| plan(list).with_context(|| list.place.clone()));
        Ok(Planned(planned.collect::<anyhow::Result<_>>()?))
    }

    /// The issuers to whose entries devices may refer.
    pub(super) fn issuers(&self) -> Vec<IssuerId> {
        self.0.iter().map(|(list, _)| list.issuer()).collect()
    }

    /// Takes up each where it was left, and follows it from now on.
    pub(super) fn start(self, state: &State) -> anyhow::Result<StatusLists> {
        let (stop, stopped) = watch::channel(false);
        let mut lists = StatusLists { followed: Vec::new(), stop };
        for (list, mut follower) in self.0 {
            let issuer = list.issuer();
            let folder = state.folder().join(format!("status-list-{issuer}"));
            files::folder(&folder)?;
            follower.not_before(UnixSeconds(u32::try_from(state.sequence(issuer).0).unwrap_or(u32::MAX)));
            let told = Arc::default();
            let seen = vec![(None, None); follower.count() as usize];
            let mut work = Work { list, follower, seen, folder, told: Arc::clone(&told) };
            work.recall();
            let stopped = stopped.clone();
            let thread =
                thread::Builder::new().name(format!("list-{issuer}")).spawn(move || work.run(stopped));
            let thread = Some(thread.map_err(unavailable)?);
            lists.followed.push(Followed { issuer, told, thread });
        }
        Ok(lists)
    }
}

impl StatusLists {
    /// Whether any is followed.
    pub(super) fn are_any(&self) -> bool {
        !self.followed.is_empty()
    }

    /// What the metrics page shows of them.
    pub(super) fn figures(&self) -> Figures {
        Figures::new(self.followed.iter().map(|one| (one.issuer, Arc::clone(&one.told))).collect())
    }

    /// Remembers how far each has come, and tells the log, once, should a thread have ended.
    pub(super) fn look(&mut self, state: &State) {
        // Relaxed: one number, which only grows.
        let dates =
            self.followed.iter().map(|one| (one.issuer, Sequence(one.told.as_of.load(Relaxed).into())));
        state.remember_followed(dates);
        for followed in &mut self.followed {
            if followed.thread.as_ref().is_some_and(JoinHandle::is_finished) {
                followed.thread = None;
                let issuer = followed.issuer;
                tracing::error!(
                    "issuer {issuer}: the thread that follows its status list has stopped; its statuses grow old until \
                     a restart"
                );
            }
        }
    }
}

impl Drop for StatusLists {
    fn drop(&mut self) {
        // Fails when every thread has ended.
        let _ = self.stop.send(true);
        for thread in self.followed.iter_mut().filter_map(|followed| followed.thread.take()) {
            // One that has panicked has said so.
            let _ = thread.join();
        }
    }
}

impl Work {
    /// Takes the tokens of an earlier run.
    fn recall(&mut self) {
        for shard in 0..self.follower.count() {
            let path = self.kept(shard);
            let Ok(token) = files::read(&path) else { continue };
            match self.follower.recall(shard, &token, moment::now().seconds()) {
                Ok(_) => self.note(),
                // A key that counts no more, most often: a new token is fetched anyway.
                Err(fault) => tracing::warn!("{} {fault}", path.display()),
            }
        }
    }

    fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return tracing::error!("{}: no thread can fetch: {error}", self.list.place),
        };
        runtime.block_on(async {
            tokio::select! {
                () = self.follow() => {}
                _ = stopped.changed() => {}
            }
        });
    }

    async fn follow(&mut self) {
        let mut next = Instant::now();
        loop {
            if Instant::now() >= next {
                // For every list of a round, and made again for the next: the host's roots may have been replaced.
                let mut documents = None;
                for shard in 0..self.follower.count() {
                    let answer = self.fetch(shard, &mut documents).await;
                    let answer = answer.map_err(|fault| format!("{fault:#}"));
                    self.tell(shard, answer);
                    self.look();
                }
                let failing = self.seen.iter().filter(|(_, fault)| fault.is_some()).count();
                // Relaxed: figures for people.
                self.told.failing.store(failing as u64, Relaxed);
                next = Instant::now()
                    + Duration::from_secs(self.follower.wait_s(*self.list.interval_s.get_ref()).into());
            }
            self.look();
            sleep(LOOK).await;
        }
    }

    /// Forgets what lists said whose time is over.
    fn look(&mut self) {
        for shard in self.follower.look(moment::now().seconds()) {
            tracing::warn!(
                "{}: the list has expired, and nothing newer has come: its holders are unknown, but for red",
                self.follower.uri(shard)
            );
        }
    }

    /// Looks for a newer token, and takes it. `None` when there is none.
    async fn fetch(
        &mut self,
        shard: u32,
        documents: &mut Option<Documents>,
    ) -> anyhow::Result<Option<String>> {
        let (place, ca) = (self.list.place_of_list(shard), self.list.ca.clone());
        let seen = self.seen[shard as usize].0.clone();
        let mut found = pin!(find(&place, ca.as_deref(), seen.as_deref(), documents));
        // A host that does not answer keeps no list from expiring.
        let found = loop {
            tokio::select! {
                found = &mut found => break found?,
                () = sleep(LOOK) => self.look(),
            }
        };
        let Some((token, tag)) = found else { return Ok(None) };
        let taken = self.follower.take(shard, &token, moment::now().seconds())?;
        files::replace(&self.kept(shard), &token, Readable::All)?;
        self.note();
        self.seen[shard as usize].0 = tag;
        let told = format!(
            "{} entries of {}, {} have changed",
            taken.entries,
            moment::show(taken.issued),
            taken.changed
        );
        Ok((taken.changed > 0).then_some(told))
    }

    /// Tells the log what is new, and the same fault once.
    fn tell(&mut self, shard: u32, answer: Result<Option<String>, String>) {
        let place = self.list.place_of_list(shard);
        let fault = &mut self.seen[shard as usize].1;
        // Relaxed: figures for people.
        let count = if answer.is_ok() { &self.told.fetched } else { &self.told.failed };
        count.fetch_add(1, Relaxed);
        match answer.map_err(|why| one_line(&why)) {
            Ok(told) => {
                if let Some(told) = told {
                    tracing::info!("{place}: {told}");
                }
                *fault = None;
            }
            Err(why) if fault.as_ref() == Some(&why) => {}
            Err(why) => {
                tracing::warn!("{place} {why}; what was taken before stays, as old as it is");
                *fault = Some(why);
            }
        }
    }

    fn note(&self) {
        // Relaxed: numbers that stand alone.
        self.told.as_of.store(self.follower.as_of().map_or(0, |as_of| as_of.0), Relaxed);
        self.told.entries.store(self.follower.entries(), Relaxed);
    }

    fn kept(&self, shard: u32) -> PathBuf {
        self.folder.join(format!("{shard}.token"))
    }
}

/// The token at `place`, or `None` where it is still the one with the tag `seen`.
async fn find(
    place: &str,
    ca: Option<&Path>,
    seen: Option<&str>,
    documents: &mut Option<Documents>,
) -> anyhow::Result<Option<Found>> {
    if let Some(path) = place.strip_prefix("file:") {
        let token = files::read(Path::new(path))?;
        let tag = hex::encode(digest(&SHA256, &token));
        return Ok((seen != Some(&*tag)).then_some((token, Some(tag))));
    }
    let documents = match documents {
        Some(documents) => documents,
        None => documents.insert(Documents::of(place, ca)?),
    };
    let document = documents.get(place, ACCEPT, seen, TOKEN_BYTES_MAX).await?;
    Ok(document.map(|document| (document.bytes.to_vec(), document.tag)))
}

#[cfg(test)]
mod tests {
    use hufu_follow::LINE_CHARS_MAX;

    use super::*;

    #[test]
    fn r64_a_peer_writes_no_lines_of_its_own_into_the_log() {
        let line =
            one_line(format!("names a\nERROR all is lost\u{1b}[2J\u{9b}{} twice", "long ".repeat(1_000)));
        assert!(line.starts_with("names a ERROR"), "{line}");
        assert!(line.chars().count() == LINE_CHARS_MAX && !line.contains(char::is_control), "{line}");
    }
}
