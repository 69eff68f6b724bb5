//! What was served before a restart is served after it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use hufu_follow::{Options, Timings};
use hufu_wire::Sequence;
use tempfile::{TempDir, tempdir};

use crate::chain::{ISSUER, Link, authorities, table};
use crate::snapshots::is_tidy;
use crate::source::{Manner, Source, Store};
use crate::world::{Engine, QUICK, grown, keys, start};

/// A folder as it is at this moment.
pub fn copied(folder: &Path) -> TempDir {
    let copy = tempdir().unwrap();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    copy
}

/// Starts on a folder, with a feed that says nothing.
fn alone(folder: &Path) -> Engine {
    let source = Source::default();
    source.is(Manner::Silent);
    start(folder, source.feed(), Arc::new(Store::default()), QUICK)
}

/// Follows these and stops; or is killed, as far as its folder is concerned.
fn followed(links: &[Link], folder: &Path, timings: Timings, stops: bool) -> TempDir {
    let engine = start(folder, Source::with(links).feed(), Arc::new(Store::default()), timings);
    engine.until_at(links.len() as u64);
    engine.until("a head that agrees", |status| status.heard.is_some());
    let killed = copied(folder);
    if stops {
        assert!(engine.following.stop());
        return copied(folder);
    }
    killed
}

#[test]
fn r22_a_restart_serves_what_was_served() {
    let (links, folder) = (grown(6), tempdir().unwrap());
    let stopped = followed(&links[..4], folder.path(), QUICK, true);
    let engine = alone(stopped.path());
    engine.is_at(&links[3]);
    let status = engine.following.status();
    assert!(status.heard.is_some(), "as old as it was");
    assert_eq!((status.tally.warm_refused, status.tally.tail_sets), (0, 0));
    assert!(engine.following.stop());
    let engine = start(stopped.path(), Source::with(&links).feed(), Arc::new(Store::default()), QUICK);
    engine.until_at(6);
    engine.is_at(&links[5]);
}

#[test]
fn r22_an_engine_that_is_killed_forgets_nothing_that_it_served() {
    let (links, folder) = (grown(9), tempdir().unwrap());
    // Without a warm copy; with one and sets after it; and killed once more. An engine that is dropped still makes its
    // last warm copy, beside what comes next: each is alone in a copy of the folder.
    let mut home = followed(&links[..4], folder.path(), QUICK, false);
    let copy = copied(home.path());
    alone(copy.path()).is_at(&links[3]);
    home = followed(&links[..5], home.path(), QUICK, true);
    for count in [7, 9] {
        home = followed(&links[..count], home.path(), QUICK, false);
        let copy = copied(home.path());
        let engine = alone(copy.path());
        engine.is_at(&links[count - 1]);
        assert!(engine.following.status().tally.tail_sets > 0);
    }
}

#[test]
fn r22_killed_between_any_two_steps_of_a_warm_copy_it_has_the_old_one_or_the_new_one() {
    let (links, home) = (grown(9), tempdir().unwrap());
    let old = followed(&links[..3], home.path(), QUICK, true);
    // The sets after it, in a tail; then the new copy.
    let before = followed(&links[..6], old.path(), QUICK, false);
    let after = followed(&links[..6], before.path(), QUICK, true);
    let before = followed(&links[..6], copied(old.path()).path(), QUICK, false);
    let new = |end: &str| {
        let files = fs::read_dir(after.path()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.to_str().unwrap().ends_with(end)).collect::<Vec<_>>()
    };
    let [snapshot] = new(".snapshot").try_into().unwrap();
    let [state] = new("warm.state").try_into().unwrap();
    let step = |files: &[(&Path, &str)]| {
        let folder = copied(before.path());
        for (from, to) in files {
            fs::copy(from, folder.path().join(to)).unwrap();
        }
        folder
    };
    let name = snapshot.file_name().unwrap().to_str().unwrap();
    let steps = [
        step(&[]),
        step(&[(&snapshot, ".copy.partial.Ab3.partial")]),
        step(&[(&snapshot, "copy.partial")]),
        step(&[(&snapshot, name)]),
        step(&[(&snapshot, name), (&state, ".tmpQ7.partial")]),
        step(&[(&snapshot, name), (&state, "warm.state")]),
        copied(after.path()),
    ];
    for (n, folder) in steps.iter().enumerate() {
        let engine = alone(folder.path());
        assert_eq!(engine.following.status().tally.warm_refused, 0, "step {n}");
        engine.is_at(&links[5]);
        assert!(engine.following.stop());
        let engine = start(folder.path(), Source::with(&links).feed(), Arc::new(Store::default()), QUICK);
        engine.until_at(9);
        engine.is_at(&links[8]);
        assert!(engine.following.stop());
        is_tidy(folder.path());
    }
}

#[test]
fn r22_a_damaged_warm_copy_is_refused_and_named() {
    let (links, home) = (grown(4), tempdir().unwrap());
    let good = followed(&links, home.path(), QUICK, true);
    let files: Vec<_> = fs::read_dir(good.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let damages: [fn(&mut Vec<u8>); 3] =
        [|bytes| bytes[100] ^= 1, |bytes| bytes.truncate(bytes.len() - 1), |bytes| bytes.clear()];
    let is_of_copy = |name: &str| name == "warm.state" || name.ends_with(".snapshot");
    for name in files.iter().filter(|name| is_of_copy(name.to_str().unwrap())) {
        for damage in damages {
            let folder = copied(good.path());
            let path = folder.path().join(name);
            let mut bytes = fs::read(&path).unwrap();
            damage(&mut bytes);
            fs::write(&path, bytes).unwrap();
            let log = Log::default();
            let engine = log.hears(|| {
                start(folder.path(), Source::with(&links).feed(), Arc::new(Store::default()), QUICK)
            });
            let said = log.said();
            assert!(
                said.contains("issuer 110000") && said.contains(name.to_str().unwrap()),
                "{name:?}: {said}"
            );
            assert_eq!(engine.following.status().tally.warm_refused, 1);
            engine.until_at(4);
            engine.is_at(&links[3]);
        }
    }
}

#[test]
fn r22_a_torn_tail_is_replayed_up_to_where_it_is_torn() {
    let (links, home) = (grown(5), tempdir().unwrap());
    let killed = followed(&links, home.path(), QUICK, false);
    let name = format!("tail-{:020}.sets", 0);
    let whole = fs::read(killed.path().join(&name)).unwrap();
    let size = |count: usize| 24 + links[..count].iter().map(|link| 12 + link.bytes.len()).sum::<usize>();
    assert_eq!(whole.len(), size(5));
    for (length, left) in
        [(size(5) - 1, 4), (size(4) + 3, 4), (size(2) + 40, 2), (size(1), 1), (10, 0), (0, 0)]
    {
        fs::write(killed.path().join(&name), &whole[..length]).unwrap();
        let folder = copied(killed.path());
        let engine = alone(folder.path());
        assert_eq!(engine.sequence(), Sequence(left), "cut to {length}");
        assert!(engine.following.stop());
        // What is followed after that is not lost behind the torn record.
        let again = followed(&links, folder.path(), QUICK, false);
        alone(again.path()).is_at(&links[4]);
    }
    let mut flipped = whole.clone();
    flipped[size(2) + 200] ^= 1;
    fs::write(killed.path().join(&name), flipped).unwrap();
    assert_eq!(alone(killed.path()).sequence(), Sequence(2));
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let home = tempdir().unwrap();
    let file = home.path().join("a-file");
    fs::write(&file, b"").unwrap();
    let table = table();
    let fault = hufu_follow::Following::start(Options {
        writer: table.writer(ISSUER).unwrap(),
        authorities: authorities(),
        feed: Source::default().feed(),
        snapshots: Arc::new(Store::default()),
        folder: file.join("110000"),
        keys: keys(),
        timings: QUICK,
    });
    let Err(fault) = fault else { panic!("there is no such folder") };
    assert!(fault.to_string().contains("a-file/110000"), "{fault}");
    assert!(table.writer(ISSUER).is_ok(), "the writer is free again");
}

/// What was said on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn hears<T>(&self, work: impl FnOnce() -> T) -> T {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || log.clone()).finish();
        tracing::subscriber::with_default(subscriber, work)
    }

    fn said(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
