//! How far a registry's chains have come, noted beside the database: an old copy of the database is known by it.
//!
//! The note lies in a file of its own, which no restore of the database brings back. It is written after a set was
//! appended, by the way and not more often than every [`PAUSE`]: sets of the last moment before a machine dies may be
//! missing in it, and sets that another registry appended to the same database come in within a second.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use hufu_contract::{ChainSource as _, Hex};
use hufu_files::{self as files, Readable};
use hufu_registry::{Caller, Fault, Registry};
use hufu_wire::chain::ChainDigest;
use hufu_wire::{IssuerId, Sequence, UnixMillis};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// Where chains ended when that was noted last.
#[derive(Debug)]
pub struct ChainEnds {
    path: PathBuf,
    ends: BTreeMap<IssuerId, End>,
}

/// The last set of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    sequence: Sequence,
    digest: ChainDigest,
}

/// A chain in the database that is not the one that was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Whose.
    pub issuer: IssuerId,
    /// Where it ended when that was noted.
    pub noted: Sequence,
    /// Where it ends in the database.
    pub found: Sequence,
}

/// Shortest time between two notes.
const PAUSE: Duration = Duration::from_millis(100);
/// How often chains are looked at without a sign that one has grown.
const LOOK: Duration = Duration::from_secs(1);
/// The first line of the file.
const MAGIC: &str = "hufu-chain-ends 1";

impl ChainEnds {
    /// Reads the note; an empty one when there is no file.
    ///
    /// # Errors
    /// The file cannot be read, or is no note.
    pub fn load(path: &Path) -> anyhow::Result<ChainEnds> {
        let mut ends = BTreeMap::new();
        if path.exists() {
            let text = files::read_text(path)?;
            let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
            let is_note = lines.next() == Some(MAGIC);
            let read: Option<Vec<_>> = lines.map(read_line).collect();
            match read {
                Some(read) if is_note => ends.extend(read),
                _ => {
                    bail!("{} does not say where chains end: restore it from its own backup", path.display())
                }
            }
        }
        Ok(ChainEnds { path: path.to_owned(), ends })
    }

    /// Whether no chain was noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The chains of the database that lack sets which were noted, or have others in their place.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn lost(&self, registry: &Registry) -> Result<Vec<Lost>, Fault> {
        let found: BTreeMap<_, _> = registry.chain_ends().await?.into_iter().collect();
        let mut lost = Vec::new();
        for (issuer, end) in &self.ends {
            let digest = registry.digest_at(*issuer, end.sequence).await?;
            if digest != Some(end.digest) {
                let found = found.get(issuer).map_or(Sequence(0), |tip| tip.sequence);
                lost.push(Lost { issuer: *issuer, noted: end.sequence, found });
            }
        }
        Ok(lost)
    }

    /// Refuses a database that lacks sets which were noted.
    ///
    /// # Errors
    /// Every chain of which that is so, and what to do.
    pub async fn check(&self, registry: &Registry) -> anyhow::Result<()> {
        let lost = self.lost(registry).await?;
        if lost.is_empty() {
            return Ok(());
        }
        let lost: Vec<_> = lost.iter().map(ToString::to_string).collect();
        bail!(
            "the database is an old copy, or not all of one: {}. Restore a newer backup (`hufu registry restore`), together with \
             its log. If there is none, read docs/OPERATIONS.md, A registry restored from a backup, and run `hufu registry \
             accept-loss`",
            lost.join("; ")
        )
    }

    /// Notes where the chains end now, if any of them has come further.
    ///
    /// # Errors
    /// Those of the store; the file cannot be written.
    pub async fn note(&mut self, registry: &Registry) -> anyhow::Result<()> {
        let mut ends = self.ends.clone();
        for (issuer, tip) in registry.chain_ends().await? {
            let is_further = ends.get(&issuer).is_none_or(|end| tip.sequence > end.sequence);
            if tip.sequence > Sequence(0) && is_further {
                ends.insert(issuer, End { sequence: tip.sequence, digest: tip.digest });
            }
        }
        if ends != self.ends {
            self.write(ends).await?;
        }
        Ok(())
    }

    /// Takes the chains of the database for what they are from now on, with a line of the trail for each that is lost.
    ///
    /// # Errors
    /// Those of the store; the file cannot be written.
    pub async fn accept(&mut self, registry: &Registry, now: UnixMillis) -> anyhow::Result<()> {
        for lost in self.lost(registry).await? {
            registry.note_loss(&Caller::operator(), lost.issuer, &lost.to_string(), now).await?;
        }
        self.write(BTreeMap::new()).await?;
        self.note(registry).await
    }

    async fn write(&mut self, ends: BTreeMap<IssuerId, End>) -> anyhow::Result<()> {
        let mut text = format!(
            "# Where the chains ended that this registry has appended. It keeps an old copy of the database from being served:\n\
             # never restore this file together with the database.\n{MAGIC}\n"
        );
        for (issuer, End { sequence, digest }) in &ends {
            // Writing into a string does not fail.
            let _ = writeln!(text, "{issuer} {sequence} {}", Hex(digest.0));
        }
        let path = self.path.clone();
        let written =
            tokio::task::spawn_blocking(move || files::replace(&path, text.as_bytes(), Readable::Owner));
        written.await.context("the chains' ends were not written")??;
        self.ends = ends;
        Ok(())
    }
}

fn read_line(line: &str) -> Option<(IssuerId, End)> {
    let mut words = line.split(' ');
    let issuer = IssuerId(words.next()?.parse().ok()?);
    let sequence = Sequence(words.next()?.parse().ok()?);
    let digest: Hex<32> = words.next()?.parse().ok()?;
    words.next().is_none().then_some((issuer, End { sequence, digest: ChainDigest(digest.0) }))
}

/// Notes the ends whenever a chain has grown.
#[derive(Debug)]
pub(crate) struct Noting {
    task: JoinHandle<()>,
    ends: Arc<Mutex<ChainEnds>>,
    registry: Arc<Registry>,
}

impl Noting {
    /// Begins, within a tokio runtime.
    pub(crate) fn start(ends: Arc<Mutex<ChainEnds>>, registry: Arc<Registry>) -> Noting {
        let task = tokio::spawn(follow(Arc::clone(&ends), Arc::clone(&registry)));
        Noting { task, ends, registry }
    }

    /// Ends with a last note.
    pub(crate) async fn stop(self) {
        self.task.abort();
        let _ = self.task.await;
        if let Err(error) = self.ends.lock().await.note(&self.registry).await {
            tracing::error!("{UNNOTED}: {error:#}");
        }
    }
}

const UNNOTED: &str = "cannot note where the chains end";

async fn follow(ends: Arc<Mutex<ChainEnds>>, registry: Arc<Registry>) {
    let mut grown = registry.grown();
    let mut is_failing = false;
    loop {
        let noted = ends.lock().await.note(&registry).await;
        // Once, and not every second as long as it lasts.
        if let Some(error) = noted.as_ref().err().filter(|_| !is_failing) {
            tracing::error!("{UNNOTED}: {error:#}");
        }
        is_failing = noted.is_err();
        tokio::time::sleep(PAUSE).await;
        // A wake that was missed is made up for by the next look.
        let _ = tokio::time::timeout(LOOK, grown.recv()).await;
    }
}

impl std::fmt::Display for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Lost { issuer, noted, found } = self;
        if found < noted {
            write!(
                f,
                "the chain of issuer {issuer} ends with set {found}, and this registry has had set {noted}"
            )
        } else {
            write!(f, "the chain of issuer {issuer} has another set {noted} than this registry has had")
        }
    }
}
