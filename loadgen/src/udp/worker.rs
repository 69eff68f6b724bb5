//! The loop of one thread: send what is due, read what has come, sleep until either.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hufu_client::Session;
use hufu_fixtures::Expected;
use hufu_wire::{Enrolled, Lane, Reason};

use super::garbage::Garbage;
use super::inbox::Inbox;
use super::line::Line;
use super::port::Port;
use crate::clock::{self, Clock};
use crate::live::Live;
use crate::mix::{Draw, Kind};
use crate::pending::Asked;
use crate::schedule::Schedule;
use crate::stock::Supply;
use crate::tally::Tally;

/// Garbage is given this long to be answered after the last check: it must not be.
const SILENCE_NS: u64 = 50_000_000;

/// A scan that is no code: what a device asks before a load, so that sessions, routes and replays are there.
const FIRST_SCAN: &[u8] = b"HELLO";

/// What one thread is to do in one load.
pub(crate) struct Work {
    /// When each check is due.
    pub(crate) schedule: Schedule,
    /// Which kind each check is.
    pub(crate) draw: Draw,
    /// Where the codes come from.
    pub(crate) supply: Supply,
    /// Most datagrams that leave in one call.
    pub(crate) burst_max: usize,
    /// How long a check may wait for others to leave with.
    pub(crate) coalesce_ns: u64,
    /// From when an answer is no use to a gate.
    pub(crate) timeout: Duration,
    /// Checks that one device may have under way before the oldest is given up.
    pub(crate) waiting: usize,
}

/// One thread's devices and counts.
pub(crate) struct Worker {
    lines: Vec<Line>,
    at: usize,
    inbox: Inbox,
    silent: Port,
    garbage: Garbage,
    tally: Tally,
}

impl Worker {
    /// Opens a socket for each of `devices` towards where `server` answers sealed requests.
    pub(crate) fn new(devices: Vec<Enrolled>, server: SocketAddr, seed: u64) -> io::Result<Worker> {
        let open = |enrolled| Line::open(enrolled, server);
        let mut lines = devices.into_iter().map(open).collect::<io::Result<Vec<_>>>()?;
        let silent = Port::open(server)?;
        let inbox = Inbox::new(lines.iter().map(|line| &line.port).chain([&silent]))?;
        let mut genuine = [0; Session::REQUEST_BYTES_MAX];
        let first = lines.first_mut().ok_or_else(|| io::Error::other("a load needs a device"))?;
        // Its number is never sent, so nothing genuine carries it.
        let (_, length) = first.session.seal(FIRST_SCAN, Lane(0), &mut genuine).map_err(io::Error::other)?;
        Ok(Worker {
            garbage: Garbage::around(&genuine[..length], seed),
            lines,
            at: 0,
            inbox,
            silent,
            tally: Tally::new(),
        })
    }

    /// The local ports of its sockets.
    pub(crate) fn ports(&self) -> io::Result<Vec<u16>> {
        self.lines.iter().map(|line| &line.port).chain([&self.silent]).map(Port::number).collect()
    }

    /// Makes room for a load and lets every device ask once.
    pub(crate) fn prepare(&mut self, work: &Work) -> io::Result<()> {
        for line in &mut self.lines {
            line.prepare(work.waiting, work.burst_max);
        }
        self.ask_once(work)
    }

    /// Shows every seen-again code once, unhurried, so that the server has seen them.
    pub(crate) fn warm_up(&mut self, work: &mut Work, codes: usize) -> io::Result<()> {
        const AT_ONCE: usize = 64;
        let mut left = codes;
        while left > 0 {
            let clock = Clock::starting_in(Duration::ZERO);
            for _ in 0..left.min(AT_ONCE) {
                self.ask(work, Kind::PhoneAgain, 0, clock)?;
                left -= 1;
            }
            self.flush(clock)?;
            self.listen_until_quiet(clock, work.timeout)?;
        }
        self.forget();
        Ok(())
    }

    /// Runs the load; `live` is told how it goes.
    pub(crate) fn run(&mut self, mut work: Work, clock: Clock, live: &Live) -> io::Result<Tally> {
        // Without this the kernel may round short sleeps up by 50 microseconds.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        let cpu_before = clock::thread_cpu();
        clock.wait();
        let mut schedule = work.schedule.clone().zip(0..).peekable();
        while let Some(&(due_ns, _)) = schedule.peek() {
            let leaves_ns = due_ns + work.coalesce_ns;
            let now_ns = clock.now_ns();
            if now_ns >= leaves_ns {
                // At most a round of bursts before answers are read: those must not pile up.
                for _ in 0..work.burst_max * self.lines.len() {
                    let Some((due_ns, index)) = schedule.next_if(|&(due_ns, _)| due_ns <= now_ns) else {
                        break;
                    };
                    let kind = work.draw.kind(index);
                    self.ask(&mut work, kind, due_ns, clock)?;
                }
                self.flush(clock)?;
            }
            self.listen(clock, leaves_ns.saturating_sub(clock.now_ns()), work.timeout)?;
            live.update(&self.tally);
        }
        self.listen_until_quiet(clock, work.timeout)?;
        self.listen_for_garbage(clock, work.timeout)?;
        self.give_up();
        self.tally.cpu += clock::thread_cpu().saturating_sub(cpu_before);
        live.update(&self.tally);
        Ok(std::mem::replace(&mut self.tally, Tally::new()))
    }

    /// Asks one check at the device whose turn it is. A device keeps its turn until its burst has left.
    fn ask(&mut self, work: &mut Work, kind: Kind, due_ns: u64, clock: Clock) -> io::Result<()> {
        match kind {
            Kind::Garbage => {
                let now_ns = clock.now_ns();
                self.tally.held_up += self.silent.send_all(self.garbage.next(), None)?;
                self.tally.sends += 1;
                self.tally.sent(kind, due_ns, now_ns);
                return Ok(());
            }
            Kind::Replayed => {
                for _ in 0..self.lines.len() {
                    let asked = self.lines[self.at].ask_again(due_ns, clock, &mut self.tally)?;
                    self.next_line();
                    if asked {
                        return Ok(());
                    }
                }
                // Every datagram kept for this is on its way already.
                self.tally.skipped += 1;
                return Ok(());
            }
            _ => {}
        }
        let (code, expected) = work.supply.next(kind, clock::step());
        let line = &mut self.lines[self.at];
        line.ask(Asked { kind, expected, due_ns }, code, clock, &mut self.tally)?;
        if line.is_flushed() {
            self.next_line();
        }
        Ok(())
    }

    fn flush(&mut self, clock: Clock) -> io::Result<()> {
        for line in &mut self.lines {
            line.flush(clock, &mut self.tally)?;
        }
        self.next_line();
        Ok(())
    }

    fn next_line(&mut self) {
        self.at = (self.at + 1) % self.lines.len();
    }

    /// Reads answers, waiting at most `wait_ns` for the first.
    fn listen(&mut self, clock: Clock, wait_ns: u64, timeout: Duration) -> io::Result<()> {
        let ready = self.inbox.wait(wait_ns)?.to_vec();
        for place in ready {
            let Some(line) = self.lines.get_mut(place) else {
                let tally = &mut self.tally;
                self.inbox.read(&self.silent, |_| tally.wrong(Kind::Garbage, None, None))?;
                continue;
            };
            let Line { session, pending, port, .. } = line;
            let tally = &mut self.tally;
            let now_ns = clock.now_ns();
            self.inbox.read(port, |datagram| {
                let Ok(verdict) = session.open(datagram) else {
                    tally.strays += 1;
                    return;
                };
                tally.take(pending, &verdict, now_ns, timeout);
            })?;
        }
        Ok(())
    }

    /// Reads answers until none is waited for, or `within` from now.
    fn listen_until_quiet(&mut self, clock: Clock, within: Duration) -> io::Result<()> {
        let until_ns = clock.now_ns() + u64::try_from(within.as_nanos()).unwrap_or(u64::MAX);
        while self.lines.iter().any(|line| line.pending.waiting() > 0) {
            let left_ns = until_ns.saturating_sub(clock.now_ns());
            if left_ns == 0 {
                break;
            }
            self.listen(clock, left_ns.min(10_000_000), within)?;
        }
        Ok(())
    }

    fn listen_for_garbage(&mut self, clock: Clock, timeout: Duration) -> io::Result<()> {
        if self.tally.counts[Kind::Garbage as usize].sent == 0 {
            return Ok(());
        }
        let until_ns = clock.now_ns() + SILENCE_NS;
        while clock.now_ns() < until_ns {
            self.listen(clock, until_ns.saturating_sub(clock.now_ns()), timeout)?;
        }
        Ok(())
    }

    /// Lets every device ask something simple and wait for the answer.
    fn ask_once(&mut self, work: &Work) -> io::Result<()> {
        let clock = Clock::starting_in(Duration::ZERO);
        let asked = Asked { kind: Kind::Malformed, expected: Expected::of(Reason::NotACode), due_ns: 0 };
        for _ in 0..super::replay::KEPT {
            for line in &mut self.lines {
                line.ask(asked, FIRST_SCAN, clock, &mut self.tally)?;
            }
            self.flush(clock)?;
            self.listen_until_quiet(clock, work.timeout)?;
            let silent = self.lines.iter().filter(|line| line.pending.waiting() > 0).count();
            if silent > 0 {
                let why = format!("{silent} of {} devices got no answer", self.lines.len());
                return Err(io::Error::new(io::ErrorKind::TimedOut, why));
            }
        }
        if let Some(complaint) = self.tally.complaints.first() {
            return Err(io::Error::other(format!("before the load began: {complaint}")));
        }
        self.forget();
        Ok(())
    }

    /// Forgets what was counted before the load. Wrong answers are not forgotten.
    fn forget(&mut self) {
        self.give_up();
        let before = std::mem::replace(&mut self.tally, Tally::new());
        for complaint in before.complaints {
            self.tally.wrong(complaint.kind, complaint.expected, complaint.verdict);
        }
    }

    fn give_up(&mut self) {
        for line in &mut self.lines {
            for kind in line.pending.give_up() {
                self.tally.lost(kind);
            }
        }
    }
}
