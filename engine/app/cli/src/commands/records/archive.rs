//! `hufu records archive`: a copy of everything closed in a folder or a bucket. What is copied is sealed; what was
//! destroyed here is deleted there.

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use hufu_files::{self as files, unavailable};
use hufu_objects::{Objects, Published, unfinished};
use hufu_records::{Closed, DAYS, SegmentHeader, VERIFIER, is_segment, public_key};
use hufu_sync::FeedFault;
use serde_json::json;

use super::{ArchiveArgs, open};
use crate::outcome::Exit;
use crate::signals::{Request, Signals};
use crate::term::{self, note};

/// How long after a failure the store is tried again: the first time, and at most.
const TRY_AGAIN: Duration = Duration::from_secs(1);
const TRY_AGAIN_MAX: Duration = Duration::from_secs(60);

struct Archive<'a> {
    args: &'a ArchiveArgs,
    /// Segments that this run found to be in the store as they are here.
    known: BTreeSet<String>,
}

/// What one pass did.
struct Pass {
    stored: Vec<String>,
    deleted: Vec<String>,
    /// Segments in the store that are here, too.
    segments: usize,
    days: usize,
}

pub(super) fn run(args: &ArchiveArgs) -> anyhow::Result<Exit> {
    let _lock = lock(&args.folder)?;
    let mut archive = Archive { args, known: BTreeSet::new() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match args.every {
            None => {
                let pass = archive.pass().await.map_err(once)?;
                term::outcome(|| pass.to_json(), || pass.to_text());
            }
            Some(every) => archive.keep_on(Duration::from_secs(every.into())).await?,
        }
        Ok(Exit::Yes)
    })
}

/// Two archives of one folder would take each other's uploads for abandoned ones.
fn lock(folder: &Path) -> anyhow::Result<File> {
    let file =
        File::open(folder).with_context(|| format!("{} is not a folder of records", folder.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!("another `hufu records archive` works on {}; stop it first", folder.display())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", folder.display()))
        }
    }
}

impl Archive<'_> {
    /// Looks again and again until it is told to stop.
    async fn keep_on(&mut self, every: Duration) -> anyhow::Result<()> {
        let mut signals = Signals::new(false)?;
        let mut again = TRY_AGAIN;
        loop {
            let passed = tokio::select! {
                passed = self.pass() => passed,
                () = stop(&mut signals) => return Ok(()),
            };
            let pause = match passed {
                Ok(pass) => {
                    if !pass.stored.is_empty() || !pass.deleted.is_empty() {
                        term::event(|| pass.to_json(), || pass.to_text());
                    }
                    again = TRY_AGAIN;
                    every
                }
                Err(error) if is_lasting(&error) => return Err(error),
                Err(error) => {
                    note!("hufu: {}; tried again in {} s", crate::message::of(&error), again.as_secs());
                    let pause = again;
                    again = (again * 2).min(TRY_AGAIN_MAX);
                    pause
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop(&mut signals) => return Ok(()),
            }
        }
    }

    /// Brings the store up to date. It may end anywhere: the next pass goes on.
    async fn pass(&mut self) -> anyhow::Result<Pass> {
        let (folder, place) = (&self.args.folder, &self.args.store);
        let key = public_key(&files::read(&folder.join(VERIFIER))?)
            .ok_or_else(|| anyhow!("{VERIFIER} in {} is not a public key", folder.display()))?;
        let closed = Closed::read(&open(folder)?, &key)
            .with_context(|| format!("the records in {} cannot be read", folder.display()))?;
        let objects = Objects::at(place)?;
        let mut pass =
            Pass { stored: Vec::new(), deleted: Vec::new(), segments: 0, days: closed.days.entries().len() };
        // First: the place of another engine is noticed by it.
        if objects.keep_file(&folder.join(VERIFIER), VERIFIER).await? == Published::Stored {
            pass.stored.push(VERIFIER.to_owned());
        }
        let mut conflict = None;
        for name in &closed.segments {
            let path = folder.join(name);
            if !self.known.contains(name) {
                match objects.keep_file(&path, name).await {
                    Ok(Published::Known) => {}
                    Ok(Published::Stored) => pass.stored.push(name.clone()),
                    Err(fault @ FeedFault::Garbled { .. }) => {
                        conflict.get_or_insert(fault);
                        continue;
                    }
                    // Its day was destroyed since.
                    Err(FeedFault::Disk { .. }) if !path.exists() => continue,
                    Err(fault) => return Err(fault.into()),
                }
                self.known.insert(name.clone());
            }
            pass.segments += 1;
        }
        if let Some(fault) = conflict {
            return Err(fault.into());
        }
        // The chain calls a day closed only once its segments are there, and destroyed before they go.
        if !closed.days.entries().is_empty()
            && objects.grow_file(DAYS, closed.days.bytes()).await? == Published::Stored
        {
            pass.stored.push(DAYS.to_owned());
        }
        delete(&objects, &closed, &mut pass).await?;
        Ok(pass)
    }
}

/// Deletes segments of days whose keys were destroyed, and what is left of uploads that were killed.
async fn delete(objects: &Objects, closed: &Closed, pass: &mut Pass) -> anyhow::Result<()> {
    for name in objects.file_names().await? {
        let is_over = if is_segment(&name) {
            !closed.segments.contains(&name) && is_destroyed(objects, closed, &name).await?
        } else {
            unfinished(&name).is_some_and(is_segment)
        };
        if is_over {
            objects.delete_file(&name).await?;
            pass.deleted.push(name);
        }
    }
    Ok(())
}

async fn is_destroyed(objects: &Objects, closed: &Closed, name: &str) -> anyhow::Result<bool> {
    let front = objects.file_front(name, SegmentHeader::BYTES as u64).await?;
    let front = front.as_deref().and_then(|front| front.try_into().ok());
    let header = front.and_then(SegmentHeader::from_bytes);
    Ok(header.is_some_and(|header| closed.days.destroyed(header.day)))
}

/// Whether trying again is of no use.
fn is_lasting(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(FeedFault::Garbled { .. }))
}

/// For a run without `--every`: a store that does not answer is no mistake of the command line.
fn once(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(FeedFault::Unreachable { .. }) => {
            unavailable(format!("{error:#}; nothing is lost: run it again, or with --every"))
        }
        _ => error,
    }
}

async fn stop(signals: &mut Signals) {
    while signals.next().await == Request::Reload {}
}

impl Pass {
    fn to_json(&self) -> serde_json::Value {
        let Pass { stored, deleted, segments, days } = self;
        json!({ "stored": stored, "deleted": deleted, "segments": segments, "days": days })
    }

    fn to_text(&self) -> String {
        let Pass { stored, deleted, segments, days } = self;
        format!(
            "{} files stored, {} deleted; the archive has {segments} segments and {days} entries of the chain of days",
            stored.len(),
            deleted.len()
        )
    }
}
