//! A gate without sockets, threads or a clock: what it is told, what it wants done, and when.
//!
//! ```text
//! scan, datagram, session, time ──step──▶ Core ──output──▶ send this, enrol there, the verdict
//!                                          └──deadline──▶ call again at this moment at the latest
//! ```
//! The gates of `hufu-client`, and firmware with sockets of its own, move the bytes for it.

mod pacing;
mod route;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hufu_wire::limits::SEALED_REQUEST_BYTES_MAX;
use hufu_wire::{CheckNumber, CheckRequest, Enrolled, Grant, Lane, Reason, Reference, UnixMillis, Verdict};

use crate::session::{SealFault, Session};

use self::pacing::{Backoff, Silence};
use self::route::Route;

/// How long a gate waits.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From a scan to its outcome, at most. A turnstile's own budget is 200 to 500 ms.
    pub budget: Duration,
    /// Before the same request is sent again.
    pub retry_after: Duration,
    /// How often one engine is asked before the next one is.
    pub tries_per_engine: u32,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            budget: Duration::from_millis(400),
            // PROTOCOL 4, "Retry".
            retry_after: Duration::from_millis(50),
            tries_per_engine: 3,
        }
    }
}

/// A session, who gave it, and where all engines are now.
#[derive(Debug)]
pub struct Renewed {
    /// The engine's place among the gate's engines.
    pub server: usize,
    /// The address at which it answered.
    pub reached: SocketAddr,
    /// What it answered.
    pub enrolled: Enrolled,
    /// When the enrolment was over, by this machine's clock, at most seconds after the answer: a session may wait before it is
    /// used.
    pub at: Instant,
    /// The QUIC addresses of each engine, in their order; none where a host name was not found.
    pub addresses: Vec<Vec<SocketAddr>>,
}

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    /// Something was scanned in a lane. A check that was under way is given up.
    Scan(&'a [u8], Lane),
    /// The device has verified a credential of another system that names this entry of a status list (R64). A check that was
    /// under way is given up. Never make one of what was scanned: anyone can print it.
    Reference(Reference, Lane),
    /// A datagram came. Anyone can send one: what is not genuine changes nothing.
    Datagram(&'a [u8]),
    /// The enrolment that was asked for gave a session. One that the gate [has](Core::has_session) already
    /// counts as none.
    Enrolled(Box<Renewed>),
    /// It gave none.
    NotEnrolled,
    /// Time passed.
    Time,
}

/// What is to be done.
#[derive(Debug)]
pub enum Output<'a> {
    /// Send this datagram. A loss is taken care of.
    Send(SocketAddr, &'a [u8]),
    /// Enrol, at the engine of this place first, and say how that ended. At most one enrolment is under way.
    Enrol(usize),
    /// The outcome of the scan or reference.
    Outcome(Result<Verdict, NoVerdict>),
}

/// Why there is no verdict. It never opens a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoVerdict {
    /// No engine answered within the budget.
    #[error("no engine answered in time")]
    NoAnswer,
    /// The session is over and no engine gives a new one.
    #[error("no engine gives a new session")]
    NoSession,
    /// The request cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealFault),
}

/// A gate with a session: asks one engine, and the next one when that is silent.
///
/// Any engine of a cluster opens any cookie of that cluster, so changing engines needs no new session. The session is
/// renewed from half its life on. When no engine answers for a few checks, the gate enrols again: engines may not know
/// its session any more.
#[derive(Debug)]
pub struct Core {
    /// The port for sealed requests of each engine, where it is not the one that enrolments name.
    ports: Vec<Option<u16>>,
    pace: Pace,
    route: Route,
    session: Session,
    /// The engines' clock at a moment of this machine's.
    clock: (UnixMillis, Instant),
    /// Between renewals that fail or bring nothing.
    backoff: Backoff,
    silence: Silence,
    /// Whether no verdict but `cookie-expired` has come in this session yet.
    unproved: bool,
    enrolling: bool,
    /// Whether the last enrolment failed.
    failed: bool,
    /// A session that came while the one before may still be answered.
    next: Option<Renewed>,
    /// The text that is asked about.
    text: Vec<u8>,
    check: Option<Check>,
    packet: Box<[u8; SEALED_REQUEST_BYTES_MAX]>,
    send: Option<usize>,
    enrol: Option<usize>,
    outcome: Option<Result<Verdict, NoVerdict>>,
}

/// A scan or a reference that has no outcome yet.
#[derive(Debug)]
struct Check {
    lane: Lane,
    is_reference: bool,
    deadline: Instant,
    /// Whether a verdict said already that the session is over.
    expired: bool,
    /// `None` while it waits for a session.
    asked: Option<Asked>,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    number: CheckNumber,
    bytes: usize,
    again_at: Instant,
    tries: u32,
    /// Engines that were busy or stopping.
    unwilling: usize,
}

impl Core {
    /// A gate of as many engines as `ports`, with its first session.
    ///
    /// # Panics
    /// When there is no engine.
    pub fn new(ports: Vec<Option<u16>>, pace: Pace, first: Renewed) -> Core {
        assert!(!ports.is_empty(), "a gate has an engine to ask");
        let Renewed { server, reached, enrolled, at, addresses } = first;
        Core {
            ports,
            pace,
            route: Route::new(server, reached, &addresses),
            clock: (enrolled.server_time, at),
            backoff: Backoff::new(enrolled.grant),
            silence: Silence::new(enrolled.grant),
            unproved: true,
            enrolling: false,
            failed: false,
            next: None,
            text: Vec::new(),
            check: None,
            packet: Box::new([0; SEALED_REQUEST_BYTES_MAX]),
            send: None,
            enrol: None,
            outcome: None,
            session: Session::new(enrolled),
        }
    }

    /// Takes one thing that happened. What is to be done then is told by [`output`](Self::output).
    pub fn step(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Scan(scanned, lane) => self.begin(now, &CheckRequest::of_scan(lane, scanned)),
            Input::Reference(reference, lane) => {
                self.begin(now, &CheckRequest::of_reference(lane, &reference.to_string()));
            }
            Input::Datagram(bytes) => self.datagram(now, bytes),
            Input::Enrolled(renewed) => self.enrolled(now, *renewed),
            Input::NotEnrolled => self.not_enrolled(now),
            Input::Time => {}
        }
        self.time(now);
    }

    /// The next thing to do; `None` until something happens.
    pub fn output(&mut self) -> Option<Output<'_>> {
        if let Some(first) = self.enrol.take() {
            return Some(Output::Enrol(first));
        }
        if let Some(outcome) = self.outcome.take() {
            return Some(Output::Outcome(outcome));
        }
        let bytes = self.send.take()?;
        Some(Output::Send(self.target(), &self.packet[..bytes]))
    }

    /// When it wants to be told the time; `None` while nothing is asked.
    pub fn deadline(&self) -> Option<Instant> {
        let check = self.check.as_ref()?;
        Some(check.asked.map_or(check.deadline, |asked| asked.again_at.min(check.deadline)))
    }

    /// Whether only a session can help what is asked, and no datagram.
    pub fn waits_for_session(&self) -> bool {
        self.check.as_ref().is_some_and(|check| check.asked.is_none())
    }

    /// The engines' clock, as of the last answer plus the time since.
    pub fn server_time(&self, now: Instant) -> UnixMillis {
        let (server, read) = self.clock;
        let since = u64::try_from(now.saturating_duration_since(read).as_millis()).unwrap_or(u64::MAX);
        UnixMillis(server.0.saturating_add(since))
    }

    /// How many engines it may ask.
    pub fn engines(&self) -> usize {
        self.ports.len()
    }

    /// What the device may ask.
    pub fn grant(&self) -> Grant {
        self.session.grant()
    }

    /// Whether it has been given this session already, and seals in it or is about to.
    pub fn has_session(&self, enrolled: &Enrolled) -> bool {
        let waits = self.next.as_ref().is_some_and(|next| next.enrolled.cookie == enrolled.cookie);
        waits || self.session.is_of(enrolled)
    }

    fn begin(&mut self, now: Instant, request: &CheckRequest<'_>) {
        let CheckRequest { lane, code, is_reference } = *request;
        self.text.clear();
        self.text.extend_from_slice(code);
        (self.send, self.outcome) = (None, None);
        if let Some(next) = self.next.take() {
            self.take(next);
        }
        self.enrol_where_due(now);
        let deadline = now + self.pace.budget;
        self.check = Some(Check { lane, is_reference, deadline, expired: false, asked: None });
        if self.session.expired(self.server_time(now).seconds()) {
            // An engine may have forgotten the key of a cookie this old, and would stay silent.
            self.wait_for_session(now);
        } else {
            self.ask(now);
        }
    }

    /// Seals what is asked about and sends it.
    fn ask(&mut self, now: Instant) {
        let Some(check) = &mut self.check else { return };
        let Check { lane, is_reference, .. } = *check;
        let request = CheckRequest { lane, code: &self.text, is_reference };
        match self.session.seal_request(&request, &mut self.packet[..]) {
            Ok((number, bytes)) => {
                let again_at = now + self.pace.retry_after;
                check.asked = Some(Asked { number, bytes, again_at, tries: 0, unwilling: 0 });
                self.send = Some(bytes);
            }
            Err(fault) => self.finish(now, Err(fault.into())),
        }
    }

    fn wait_for_session(&mut self, now: Instant) {
        self.ask_for_session(now);
        if !self.enrolling && self.failed {
            self.finish(now, Err(NoVerdict::NoSession));
        } else if let Some(check) = &mut self.check {
            (check.asked, self.send) = (None, None);
        }
    }

    fn datagram(&mut self, now: Instant, bytes: &[u8]) {
        let Some(check) = &mut self.check else { return };
        let Some(asked) = &mut check.asked else { return };
        let Ok(verdict) = self.session.open(bytes) else { return };
        #[cfg(feature = "planted")]
        let asked = if hufu_wire::planted::has(hufu_wire::planted::Bug::AnyReplyTaken) {
            asked.number = verdict.number;
            asked
        } else {
            asked
        };
        if verdict.number != asked.number {
            return;
        }
        self.clock = (verdict.server_time, now);
        if asks_for_another(verdict.reason) && asked.unwilling + 1 < self.ports.len() {
            (asked.unwilling, asked.tries) = (asked.unwilling + 1, 0);
            asked.again_at = now + self.pace.retry_after;
            self.send = Some(asked.bytes);
            self.route.leave_server();
        } else if verdict.reason == Reason::CookieExpired && !check.expired {
            check.expired = true;
            self.wait_for_session(now);
        } else {
            self.finish(now, Ok(verdict));
        }
    }

    fn time(&mut self, now: Instant) {
        let Some(check) = &mut self.check else { return };
        if now >= check.deadline {
            return self.finish(now, Err(NoVerdict::NoAnswer));
        }
        let Some(asked) = &mut check.asked else { return };
        if now < asked.again_at {
            return;
        }
        // The same bytes each time: an engine gives the same number the same verdict (R09).
        (asked.again_at, asked.tries) = (now + self.pace.retry_after, asked.tries + 1);
        self.send = Some(asked.bytes);
        if asked.tries >= self.pace.tries_per_engine {
            asked.tries = 0;
            self.route.advance();
        }
        if self.silence.is_long() {
            self.enrol_where_due(now);
        }
    }

    fn enrolled(&mut self, now: Instant, renewed: Renewed) {
        // Its numbers would begin again, and each of them is a nonce.
        if self.has_session(&renewed.enrolled) {
            return self.not_enrolled(now);
        }
        self.enrolling = false;
        let is_asked = self.check.as_ref().is_some_and(|check| check.asked.is_some());
        if is_asked && !self.silence.is_long() {
            // An answer in the old session may be on its way.
            self.next = Some(renewed);
            return;
        }
        self.take(renewed);
        // No engine knew the old session: the holder at the gate need not scan again.
        self.ask(now);
    }

    fn not_enrolled(&mut self, now: Instant) {
        (self.enrolling, self.failed) = (false, true);
        if self.waits_for_session() {
            self.finish(now, Err(NoVerdict::NoSession));
        }
    }

    fn take(&mut self, renewed: Renewed) {
        let Renewed { server, reached, enrolled, at, addresses } = renewed;
        self.route = Route::new(server, reached, &addresses);
        self.clock = (enrolled.server_time, at);
        self.session = Session::new(enrolled);
        (self.unproved, self.failed) = (true, false);
    }

    fn finish(&mut self, now: Instant, outcome: Result<Verdict, NoVerdict>) {
        match &outcome {
            Ok(verdict) => {
                self.silence.end(now);
                if self.unproved && verdict.reason != Reason::CookieExpired {
                    self.unproved = false;
                    self.backoff.reset();
                }
            }
            Err(NoVerdict::NoAnswer) => self.silence.deepen(now),
            Err(_) => {}
        }
        (self.check, self.send, self.outcome) = (None, None, Some(outcome));
    }

    /// Asks for a session where it is time.
    fn enrol_where_due(&mut self, now: Instant) {
        if self.silence.wants_enrolment(now) {
            if self.enrol() {
                self.silence.enrolling(now);
            }
        } else if self.session.renew_due(self.server_time(now).seconds()) {
            self.ask_for_session(now);
        }
    }

    /// Asks for a session unless the pause after the last attempt is not over.
    fn ask_for_session(&mut self, now: Instant) {
        if self.backoff.is_over(now) && self.enrol() {
            self.backoff.begin(now);
        }
    }

    /// Begins an enrolment; `false` while one is under way.
    fn enrol(&mut self) -> bool {
        if self.enrolling || self.next.is_some() {
            return false;
        }
        (self.enrolling, self.enrol) = (true, Some(self.route.current().server));
        true
    }

    fn target(&self) -> SocketAddr {
        let target = self.route.current();
        let port = self.ports[target.server].unwrap_or_else(|| self.session.udp_port());
        // The whole address, so that a link-local one keeps its interface.
        let mut to = target.address;
        to.set_port(port);
        to
    }
}

/// An engine that answers so is alive and authentic, and another one should be asked.
fn asks_for_another(reason: Reason) -> bool {
    matches!(reason, Reason::Busy | Reason::Stopping)
}
