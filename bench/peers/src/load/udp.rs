//! Datagrams to the engine and to a bare echo, driven by one and the same spinning thread: whatever differs
//! between the two is the server's.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::ensure;
use hufu_client::Session;
use hufu_fixtures::Expected;
use hufu_wire::sealed::REPLY_BYTES;
use hufu_wire::{Enrolled, Lane, Verdict, limits};
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;

use super::codes::Codes;
use super::pace::{Clock, Pace};
use super::sample::Sample;
use crate::moment;

/// What travels in the datagrams.
pub trait Protocol {
    /// Writes the next request of `line` to `out`; returns its number, unique to the line, and its bytes.
    ///
    /// # Errors
    /// When there are no more requests.
    fn request(&mut self, line: usize, out: &mut [u8]) -> anyhow::Result<(u64, usize)>;

    /// The number of the request that `reply` answers, and whether it is answered right; `None` for anything else.
    fn reply(&mut self, line: usize, reply: &[u8]) -> Option<(u64, bool)>;
}

/// Sealed checks, a session for each line.
pub struct Sealed {
    sessions: Vec<Session>,
    codes: Codes,
    expected: Vec<HashMap<u64, Expected>>,
}

/// Datagrams of the size of a phone code's check.
#[derive(Default)]
pub struct Plain {
    sent: u64,
}

/// Sockets of one generator, each with a port of its own.
pub struct Udp<S> {
    protocol: S,
    lines: Vec<Line>,
    poll: OwnedFd,
    turn: usize,
}

struct Line {
    socket: UdpSocket,
    /// When each request that is under way was due, by number.
    under_way: HashMap<u64, u64>,
}

/// Bytes of a sealed request for a phone code of 440 characters.
const REQUEST_BYTES: usize = 572;
/// A server whose queue is empty has been silent for this long.
const QUIET: Duration = Duration::from_millis(300);
/// How long after its end a round waits for the last replies.
const REPLIES_WITHIN: Duration = Duration::from_millis(500);

impl Sealed {
    /// Gates that have enrolled, and the codes they scan in turn.
    pub fn new(gates: Vec<Enrolled>, codes: Codes) -> Sealed {
        let expected = gates.iter().map(|_| HashMap::new()).collect();
        Sealed { sessions: gates.into_iter().map(Session::new).collect(), codes, expected }
    }
}

impl Protocol for Sealed {
    fn request(&mut self, line: usize, out: &mut [u8]) -> anyhow::Result<(u64, usize)> {
        let (code, expected) = self.codes.next(moment::now());
        let (number, bytes) = self.sessions[line].seal(code, Lane(0), out)?;
        self.expected[line].insert(number.0, expected);
        Ok((number.0, bytes))
    }

    fn reply(&mut self, line: usize, reply: &[u8]) -> Option<(u64, bool)> {
        let Verdict { number, decision, reason, .. } = self.sessions[line].open(reply).ok()?;
        let expected = self.expected[line].remove(&number.0)?;
        Some((number.0, Expected { decision, reason } == expected))
    }
}

impl Protocol for Plain {
    fn request(&mut self, _line: usize, out: &mut [u8]) -> anyhow::Result<(u64, usize)> {
        self.sent += 1;
        out[..8].copy_from_slice(&self.sent.to_le_bytes());
        Ok((self.sent, REQUEST_BYTES))
    }

    fn reply(&mut self, _line: usize, reply: &[u8]) -> Option<(u64, bool)> {
        Some((u64::from_le_bytes(*reply.first_chunk()?), reply.len() == REPLY_BYTES))
    }
}

impl<S: Protocol> Udp<S> {
    /// Opens `lines` sockets to `server`.
    ///
    /// # Errors
    /// When the system gives no sockets.
    pub fn connect(server: SocketAddr, lines: usize, protocol: S) -> anyhow::Result<Udp<S>> {
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut opened = Vec::with_capacity(lines);
        for index in 0..lines {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.connect(server)?;
            socket.set_nonblocking(true)?;
            epoll::add(&poll, &socket, epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)?;
            opened.push(Line { socket, under_way: HashMap::new() });
        }
        Ok(Udp { protocol, lines: opened, poll, turn: 0 })
    }

    /// Asks `rate_per_s` times a second for `round`, then waits for what is under way. The server's CPU time is
    /// not measured here.
    ///
    /// # Errors
    /// When a socket fails.
    pub fn round(&mut self, rate_per_s: f64, round: Duration) -> anyhow::Result<Sample> {
        let mut sample = Sample::default();
        let mut clock = Clock::start(Pace::PerSecond(rate_per_s), round);
        loop {
            let now_ns = clock.now_ns();
            let due_ns = clock.due_ns(now_ns);
            if let Some(due_ns) = due_ns.filter(|&due_ns| due_ns <= now_ns) {
                self.send(due_ns)?;
                clock.given();
            }
            // Never sleeps: waking up would count as the server's latency.
            self.receive(&clock, &mut sample)?;
            let over = due_ns.is_none() && self.under_way() == 0;
            if over || u128::from(now_ns) > (round + REPLIES_WITHIN).as_nanos() {
                break;
            }
        }
        sample.seconds = round.as_secs_f64();
        sample.lost = self.give_up();
        Ok(sample)
    }

    /// Puts `count` requests into the receive buffer of a server that is not running now.
    ///
    /// # Errors
    /// When a socket fails.
    pub fn fill(&mut self, count: usize) -> anyhow::Result<()> {
        (0..count).try_for_each(|_| self.send(0))
    }

    /// Waits for the replies to what was [filled](Self::fill) in, until none has come for a while: what did not
    /// fit the server's buffer is lost.
    ///
    /// # Errors
    /// When a socket fails.
    pub fn drain(&mut self) -> anyhow::Result<Sample> {
        let mut sample = Sample::default();
        let mut clock = Clock::start(Pace::Saturation, QUIET);
        while self.under_way() > 0 && clock.due_ns(clock.now_ns()).is_some() {
            let before = sample.answered;
            self.receive(&clock, &mut sample)?;
            if sample.answered > before {
                clock = Clock::start(Pace::Saturation, QUIET);
            }
        }
        sample.lost = self.give_up();
        Ok(sample)
    }

    fn send(&mut self, due_ns: u64) -> anyhow::Result<()> {
        let index = self.turn % self.lines.len();
        self.turn += 1;
        let mut datagram = [0; limits::SEALED_REQUEST_BYTES_MAX];
        let (number, bytes) = self.protocol.request(index, &mut datagram)?;
        let line = &mut self.lines[index];
        let sent = line.socket.send(&datagram[..bytes])?;
        ensure!(sent == bytes, "a datagram was cut");
        line.under_way.insert(number, due_ns);
        Ok(())
    }

    fn receive(&mut self, clock: &Clock, sample: &mut Sample) -> anyhow::Result<()> {
        let mut events = [const { std::mem::MaybeUninit::<epoll::Event>::uninit() }; 64];
        let (ready, _) = epoll::wait(&self.poll, &mut events, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
        for event in ready {
            let index = usize::try_from(event.data.u64())?;
            let line = &mut self.lines[index];
            let mut reply = [0; 2048];
            loop {
                let bytes = match line.socket.recv(&mut reply) {
                    Ok(bytes) => bytes,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error.into()),
                };
                let now_ns = clock.now_ns();
                let Some((number, right)) = self.protocol.reply(index, &reply[..bytes]) else { continue };
                let Some(due_ns) = line.under_way.remove(&number) else { continue };
                sample.answered += 1;
                sample.wrong += u64::from(!right);
                sample.latencies_ns.push(now_ns.saturating_sub(due_ns));
            }
        }
        Ok(())
    }

    fn under_way(&self) -> usize {
        self.lines.iter().map(|line| line.under_way.len()).sum()
    }

    /// Forgets what was not answered; returns how many that were.
    fn give_up(&mut self) -> u64 {
        let lost = self.under_way() as u64;
        self.lines.iter_mut().for_each(|line| line.under_way.clear());
        lost
    }
}
