//! A disk that fills up: following goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use hufu_follow::Timings;
use hufu_wire::chain::Change;
use tempfile::{TempDir, tempdir};

use crate::chain::{Link, next};
use crate::snapshots::is_tidy;
use crate::source::{Manner, Source, Store};
use crate::world::{RED, grown, start};

/// A disk of one megabyte.
struct SmallDisk {
    path: PathBuf,
    _home: TempDir,
}

impl SmallDisk {
    /// `None` where nothing may be mounted: only root may.
    fn mount() -> Option<SmallDisk> {
        let home = tempdir().unwrap();
        let path = home.path().join("disk");
        fs::create_dir(&path).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(&path)
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then_some(SmallDisk { path, _home: home })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.path).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{} stays mounted", self.path.display());
    }
}

const TIMINGS: Timings = Timings { warm_every_s: 1, ..crate::world::QUICK };

/// Sets of a thousand changes, 16 kB each.
fn wide(count: usize) -> Vec<Link> {
    let mut links = grown(1);
    while links.len() < count {
        let last = links.last().unwrap();
        let changes: Vec<_> = (1000..2000).map(|holder| (holder, Change::Status(RED))).collect();
        links.push(next(&last.tip, &last.words, &changes));
    }
    links
}

#[test]
fn r22_a_tail_that_cannot_be_written_is_told_and_a_warm_copy_takes_its_place() {
    let (links, home) = (grown(3), tempdir().unwrap());
    // A folder stands where the tail belongs.
    let tail = home.path().join(format!("tail-{:020}.sets", 0));
    fs::create_dir_all(&tail).unwrap();
    let source = Source::with(&links);
    let engine = start(home.path(), source.feed(), Arc::new(Store::default()), crate::world::QUICK);
    engine.until_at(3);
    engine.until("the fault is told", |status| status.tally.disk_faults >= 1);
    // Long before one is due by the clock: what the tail lacks is in a warm copy.
    engine.until("a warm copy", |status| status.tally.warm_copies >= 1);
    engine.is_at(&links[2]);
    let killed = crate::restarts::copied(home.path());
    let silent = Source::with(&[]);
    silent.is(Manner::Silent);
    let again = start(killed.path(), silent.feed(), Arc::new(Store::default()), crate::world::QUICK);
    again.is_at(&links[2]);
}

#[test]
fn a_full_disk_stops_neither_following_nor_the_old_warm_copy() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("nothing may be mounted here; the limit of a process stands in for a full disk");
        return with_a_limit();
    };
    let (folder, links) = (disk.path.join("110000"), wide(60));
    let source = Source::with(&links[..3]);
    let engine = start(&folder, source.feed(), Arc::new(Store::default()), TIMINGS);
    engine.until("a warm copy", |status| status.tally.warm_copies >= 1);
    // All but a little of the disk is somebody else's now.
    let ballast = disk.path.join("ballast");
    fill(&ballast);
    links[3..].iter().for_each(|link| source.push(link));
    engine.until_at(60);
    engine.is_at(&links[59]);
    let status = engine.until("disk faults", |status| status.tally.disk_faults >= 3);
    assert_eq!(status.counters.sets_applied, 60);
    let partial = |path: &Path| path.to_str().unwrap().contains("partial");
    let copies = status.tally.warm_copies;
    let killed = crate::restarts::copied(&folder);
    fs::remove_file(&ballast).unwrap();
    engine.until("a warm copy again", |status| status.tally.warm_copies > copies);
    assert!(!fs::read_dir(&folder).unwrap().any(|entry| partial(&entry.unwrap().path())));
    assert!(engine.following.stop());
    is_tidy(&folder);

    let alone = Source::default();
    alone.is(Manner::Silent);
    let again = start(killed.path(), alone.feed(), Arc::new(Store::default()), TIMINGS);
    assert_eq!(again.following.status().tally.warm_refused, 0, "the old copy was kept");
    assert!(again.following.status().tip.sequence >= links[2].tip.sequence);
    let again = start(&folder, alone.feed(), Arc::new(Store::default()), TIMINGS);
    again.is_at(&links[59]);
    drop(again);
}

/// Until not even a page is free.
fn fill(path: &Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(path).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
}

const FOLDER: &str = "HUFU_TEST_FOLDER";

/// The shell gives a child process a limit on the size of its files.
fn with_a_limit() {
    let home = tempdir().unwrap();
    let limited = "trap '' XFSZ; ulimit -f 32; exec \"$0\" --exact --ignored disk::in_a_limited_process";
    let child = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, home.path())
        .output()
        .expect("a shell");
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
}

#[test]
#[ignore = "run by the test above, in a process with a limit"]
fn in_a_limited_process() {
    let Some(home) = std::env::var_os(FOLDER) else { return };
    let (folder, links) = (Path::new(&home).join("110000"), wide(20));
    let engine = start(&folder, Source::with(&links).feed(), Arc::new(Store::default()), TIMINGS);
    let status = engine.until("disk faults", |status| status.tally.disk_faults >= 1);
    assert!(status.tip.sequence.0 >= 1);
    engine.until_at(20);
    engine.is_at(&links[19]);
}
