//! A real engine process, stopped and killed while it follows and makes warm copies.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread::{sleep, spawn};
use std::time::Duration;

use hufu_follow::{Bundle, FileDrop, Timings};
use hufu_wire::Sequence;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::tempdir;

use crate::chain::Link;
use crate::restarts::copied;
use crate::source::{Manner, Source, Store};
use crate::world::{QUICK, grown, start};

const DROP: &str = "HUFU_TEST_DROP";
const FOLDER: &str = "HUFU_TEST_FOLDER";
const SETS: u64 = 600;

/// Warm copies one after another, without a pause.
const BUSY: Timings = Timings { warm_every_s: 0, ..QUICK };

#[test]
fn r22_killed_at_any_instant_it_has_every_red_that_it_served() {
    let (links, home) = (grown(SETS), tempdir().unwrap());
    let (drop, folder) = (home.path().join("drop"), home.path().join("110000"));
    let bundle = Bundle::open(&drop).unwrap();
    let bytes: Vec<_> = links.iter().map(|link| link.bytes.clone()).collect();
    let filling = spawn(move || {
        for set in bytes {
            bundle.set(&set).unwrap();
            sleep(Duration::from_millis(4));
        }
    });
    let mut rounds = 0;
    let mut served = 0;
    while served < SETS {
        let mut engine = Process::start(&drop, &folder);
        // It has at least what it had before it was killed, before it has heard of anything.
        let at_start = engine.serves();
        assert!(at_start >= served, "{served} was served, {at_start} is after the kill");
        for pause_ms in [7, 31, 83, 5, 149, 61] {
            sleep(Duration::from_millis(pause_ms));
            engine.signal(Signal::STOP);
            // What it has told by now was served by now.
            sleep(Duration::from_millis(5));
            served = engine.served.load(std::sync::atomic::Ordering::SeqCst);
            holds(&links, &folder, served);
            rounds += 1;
            engine.signal(Signal::CONT);
        }
        served = engine.kill();
    }
    filling.join().unwrap();
    holds(&links, &folder, SETS);
    assert!(rounds >= 12, "{rounds} looks only");
}

/// An engine that starts on this folder serves at least this sequence, with the oracle's words.
#[track_caller]
fn holds(links: &[Link], folder: &Path, served: u64) {
    let copy = copied(folder);
    let silent = Source::default();
    silent.is(Manner::Silent);
    let engine = start(copy.path(), silent.feed(), Arc::new(Store::default()), QUICK);
    let sequence = engine.sequence().0;
    assert!(sequence >= served, "{served} was served, {sequence} is there");
    assert_eq!(engine.following.status().tally.warm_refused, 0);
    if let Some(at) = usize::try_from(sequence).unwrap().checked_sub(1) {
        engine.is_at(&links[at]);
    }
}

struct Process {
    child: Child,
    served: Arc<std::sync::atomic::AtomicU64>,
    lines: Option<std::thread::JoinHandle<()>>,
    first: std::sync::mpsc::Receiver<u64>,
}

impl Process {
    fn start(drop: &Path, folder: &Path) -> Process {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture", "kills::in_a_process_that_is_killed"])
            .env(DROP, drop)
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("this very program");
        let served = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let (told, first) = std::sync::mpsc::channel();
        let (output, seen) = (child.stdout.take().unwrap(), Arc::clone(&served));
        let lines = Some(spawn(move || read(output, &seen, &told)));
        Process { child, served, lines, first }
    }

    fn serves(&self) -> u64 {
        self.first.recv_timeout(Duration::from_secs(20)).expect("it tells what it serves")
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("it is ours");
    }

    fn kill(&mut self) -> u64 {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is ours");
        if let Some(lines) = self.lines.take() {
            lines.join().unwrap();
        }
        self.served.load(std::sync::atomic::Ordering::SeqCst)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Of a test that fails: nobody else would end it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(output: ChildStdout, served: &std::sync::atomic::AtomicU64, first: &std::sync::mpsc::Sender<u64>) {
    for line in BufReader::new(output).lines() {
        let Ok(line) = line else { return };
        // A line that is cut off by the kill is not read as a smaller number: it has its end.
        let told = line.strip_prefix("serves ").and_then(|rest| rest.strip_suffix('.'));
        if let Some(sequence) = told.and_then(|digits| digits.parse().ok()) {
            served.fetch_max(sequence, std::sync::atomic::Ordering::SeqCst);
            let _ = first.send(sequence);
        }
    }
}

#[test]
#[ignore = "run by the test above, in a process that is killed"]
fn in_a_process_that_is_killed() {
    use std::io::Write as _;
    let (Some(drop), Some(folder)) = (std::env::var_os(DROP), std::env::var_os(FOLDER)) else { return };
    let feed = Box::new(FileDrop::new(&drop));
    let engine = start(Path::new(&folder), feed, Arc::new(FileDrop::new(&drop)), BUSY);
    let mut output = std::io::stdout().lock();
    let mut last = None;
    // A parent that is gone closes the pipe, and the write fails.
    loop {
        let sequence = engine.sequence();
        if last != Some(sequence) {
            last = Some(sequence);
            // The red of this set is served.
            let Sequence(n) = sequence;
            if n > 0 {
                assert_eq!(engine.word(u32::try_from(n).unwrap()), crate::world::RED);
            }
            writeln!(output, "serves {n}.").and_then(|()| output.flush()).expect("a parent");
        }
        sleep(Duration::from_micros(200));
    }
}
