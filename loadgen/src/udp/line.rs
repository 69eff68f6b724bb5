//! One device: its session, its socket, and what it waits for.

use std::io;
use std::net::SocketAddr;

use hufu_client::Session;
use hufu_wire::{CheckNumber, Enrolled, Lane, limits};

use super::port::Port;
use super::replay::Replays;
use crate::clock::Clock;
use crate::mix::Kind;
use crate::pending::{Asked, Pending};
use crate::tally::Tally;

/// One device. Datagrams of one size leave together in one call; the last of them may be shorter.
pub(super) struct Line {
    pub(super) session: Session,
    pub(super) port: Port,
    pub(super) pending: Pending,
    replays: Replays,
    bytes: Vec<u8>,
    filled: usize,
    /// Size of all datagrams but the last.
    segment: usize,
    /// The kind of each datagram and when it was due.
    burst: Vec<(Kind, u64)>,
    burst_max: usize,
}

impl Line {
    /// A device that has enrolled.
    pub(super) fn open(enrolled: Enrolled, server: SocketAddr) -> io::Result<Line> {
        Ok(Line {
            session: Session::new(enrolled),
            port: Port::open(server)?,
            pending: Pending::new(1),
            replays: Replays::new(1),
            bytes: Vec::new(),
            filled: 0,
            segment: 0,
            burst: Vec::new(),
            burst_max: 1,
        })
    }

    /// Makes room for `waiting` checks under way and `burst_max` in one call, and forgets what was before.
    pub(super) fn prepare(&mut self, waiting: usize, burst_max: usize) {
        self.pending = Pending::new(waiting);
        self.replays = Replays::new(self.pending.remembers() / 2);
        self.burst_max = burst_max.clamp(1, self.port.burst_max());
        self.bytes = vec![0; (self.burst_max + 1) * limits::SEALED_REQUEST_BYTES_MAX];
        self.burst = Vec::with_capacity(self.burst_max);
        self.filled = 0;
    }

    /// Seals `code` into the burst, which leaves when it is full.
    pub(super) fn ask(
        &mut self,
        asked: Asked,
        code: &[u8],
        clock: Clock,
        tally: &mut Tally,
    ) -> io::Result<()> {
        let tail = &mut self.bytes[self.filled..];
        let (number, length) = self.session.seal(code, Lane(0), tail).map_err(io::Error::other)?;
        self.replays.offer(number, &tail[..length]);
        if let Some(lost) = self.pending.ask(number, asked) {
            tally.lost(lost);
        }
        self.add(length, (asked.kind, asked.due_ns), clock, tally)
    }

    /// Sends an answered datagram once more. `Ok(false)` when there is none.
    pub(super) fn ask_again(&mut self, due_ns: u64, clock: Clock, tally: &mut Tally) -> io::Result<bool> {
        let pending = &mut self.pending;
        let usable = |number: CheckNumber| pending.ask_again(number, due_ns, Kind::Replayed);
        let Some(datagram) = self.replays.find(usable) else { return Ok(false) };
        self.bytes[self.filled..self.filled + datagram.len()].copy_from_slice(datagram);
        let length = datagram.len();
        self.add(length, (Kind::Replayed, due_ns), clock, tally)?;
        Ok(true)
    }

    /// Whether nothing waits to be sent.
    pub(super) fn is_flushed(&self) -> bool {
        self.burst.is_empty()
    }

    /// Sends what is in the burst.
    pub(super) fn flush(&mut self, clock: Clock, tally: &mut Tally) -> io::Result<()> {
        if self.burst.is_empty() {
            return Ok(());
        }
        let segment = (self.burst.len() > 1).then_some(self.segment);
        let now_ns = clock.now_ns();
        tally.held_up += self.port.send_all(&self.bytes[..self.filled], segment)?;
        tally.sends += 1;
        for (kind, due_ns) in self.burst.drain(..) {
            tally.sent(kind, due_ns, now_ns);
        }
        self.filled = 0;
        Ok(())
    }

    /// Takes the `length` bytes behind the burst into it, or into the next one.
    fn add(&mut self, length: usize, check: (Kind, u64), clock: Clock, tally: &mut Tally) -> io::Result<()> {
        let fits = self.burst.is_empty() || length <= self.segment;
        if !fits {
            let tail = self.filled..self.filled + length;
            self.flush(clock, tally)?;
            self.bytes.copy_within(tail, 0);
        }
        if self.burst.is_empty() {
            self.segment = length;
        }
        self.filled += length;
        self.burst.push(check);
        // Nothing may follow a shorter datagram: the kernel cuts at even distances.
        if length < self.segment || self.burst.len() == self.burst_max {
            self.flush(clock, tally)?;
        }
        Ok(())
    }
}
