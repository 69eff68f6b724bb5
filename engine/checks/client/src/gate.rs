//! One code in, one verdict out: a blocking UDP socket, a session, and the time that a turnstile has.

mod fault;
mod route;

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hufu_wire::limits::SEALED_REQUEST_BYTES_MAX;
use hufu_wire::{CheckNumber, Grant, Lane, Reason, UnixMillis, Verdict, sealed};

use crate::fault::ControlFault;
use crate::identity::Identity;
use crate::pacing::{Backoff, Silence};
use crate::renewal::{Renewal, Renewed};
use crate::server::Server;
use crate::session::Session;

pub use fault::{CheckFault, GateFault};
use route::{GateSocket, Route};

/// How long a gate waits.
#[derive(Clone, Copy, Debug)]
pub struct GateOptions {
    /// From [`Gate::check`] to its return, at most. A turnstile's own budget is 200 to 500 ms.
    pub budget: Duration,
    /// Before the same request is sent again.
    pub retry_after: Duration,
    /// How often one engine is asked before the next one is.
    pub tries_per_engine: u32,
    /// For the first enrolment.
    pub open_budget: Duration,
}

impl Default for GateOptions {
    fn default() -> GateOptions {
        GateOptions {
            budget: Duration::from_millis(400),
            // PROTOCOL 4, "Retry".
            retry_after: Duration::from_millis(50),
            tries_per_engine: 3,
            open_budget: Duration::from_secs(10),
        }
    }
}

/// A gate with a session: asks one engine, and the next one when that is silent.
///
/// Any engine of a cluster opens any cookie of that cluster, so changing engines needs no new session. The
/// session is renewed in the background from half its life on. When no engine answers for a few checks, the gate
/// enrols again: engines may not know its session any more.
pub struct Gate {
    socket: GateSocket,
    servers: Vec<Server>,
    route: Route,
    session: Session,
    clock: Clock,
    renewal: Renewal,
    /// Between renewals that fail or bring nothing.
    backoff: Backoff,
    /// Whether no verdict but `cookie-expired` has come in this session yet.
    unproved: bool,
    silence: Silence,
    /// Why the last enrolment failed.
    fault: Option<Arc<ControlFault>>,
    options: GateOptions,
    packet: Box<[u8; SEALED_REQUEST_BYTES_MAX]>,
}

impl Gate {
    /// Enrols at the first of `servers` that answers.
    ///
    /// # Errors
    /// [`GateFault`].
    pub fn open(servers: Vec<Server>, identity: Identity, options: GateOptions) -> Result<Gate, GateFault> {
        if servers.is_empty() {
            return Err(GateFault::NoServer);
        }
        let socket = GateSocket::open().map_err(GateFault::Local)?;
        let mut renewal = Renewal::start(servers.clone(), identity).map_err(GateFault::Local)?;
        renewal.ask(0);
        let Renewed { server, reached, enrolled, addresses } = renewal
            .wait(options.open_budget)
            .unwrap_or(Err(ControlFault::Unreachable { why: "no engine answered in time".to_owned() }))?;
        Ok(Gate {
            socket,
            servers,
            route: Route::new(server, reached, &addresses),
            clock: Clock::set(enrolled.server_time),
            backoff: Backoff::new(enrolled.grant),
            unproved: true,
            silence: Silence::new(enrolled.grant),
            fault: None,
            session: Session::new(enrolled),
            renewal,
            options,
            packet: Box::new([0; SEALED_REQUEST_BYTES_MAX]),
        })
    }

    /// Checks one code, exactly as it was scanned.
    ///
    /// # Errors
    /// [`CheckFault`] when there is no verdict within the budget. A fault never opens a gate.
    pub fn check(&mut self, code: &[u8], lane: Lane) -> Result<Verdict, CheckFault> {
        let deadline = Instant::now() + self.options.budget;
        let outcome = self.check_within(code, lane, deadline);
        match &outcome {
            Ok(verdict) => {
                self.silence.end();
                if self.unproved && verdict.reason != Reason::CookieExpired {
                    self.unproved = false;
                    self.backoff.reset();
                }
            }
            Err(CheckFault::NoAnswer { .. }) => self.silence.deepen(Instant::now()),
            Err(_) => {}
        }
        outcome
    }

    fn check_within(&mut self, code: &[u8], lane: Lane, deadline: Instant) -> Result<Verdict, CheckFault> {
        self.enrol_in_background(Instant::now());
        if self.session.expired(self.clock.now().seconds()) {
            // An engine may have forgotten the key of a cookie this old, and would stay silent.
            self.renew_before(deadline)?;
        }
        let verdict = self.check_once(code, lane, deadline)?;
        if verdict.reason != Reason::CookieExpired {
            return Ok(verdict);
        }
        self.renew_before(deadline)?;
        self.check_once(code, lane, deadline)
    }

    /// The engines' clock, as of the last answer plus the time since.
    pub fn server_time(&self) -> UnixMillis {
        self.clock.now()
    }

    /// What the device may ask.
    pub fn grant(&self) -> Grant {
        self.session.grant()
    }

    fn check_once(&mut self, code: &[u8], lane: Lane, deadline: Instant) -> Result<Verdict, CheckFault> {
        let (mut number, mut bytes) = self.session.seal(code, lane, &mut self.packet[..])?;
        let mut tries = 0;
        let mut unwilling = 0;
        while Instant::now() < deadline {
            // The same bytes each time: an engine gives the same number the same verdict (R09).
            self.send(bytes);
            let until = deadline.min(Instant::now() + self.options.retry_after);
            match self.receive(number, until).map_err(CheckFault::Local)? {
                Some(verdict) if unwilling + 1 < self.servers.len() && asks_for_another(verdict.reason) => {
                    unwilling += 1;
                    tries = 0;
                    self.route.leave_server();
                }
                Some(verdict) => return Ok(verdict),
                None => tries += 1,
            }
            if tries >= self.options.tries_per_engine {
                self.route.advance();
                tries = 0;
            }
            // No engine knew the old session: the holder at the gate need not scan again.
            if self.silence.is_long() && self.enrol_in_background(Instant::now()) {
                (number, bytes) = self.session.seal(code, lane, &mut self.packet[..])?;
                tries = 0;
            }
        }
        Err(CheckFault::NoAnswer { waited: self.options.budget })
    }

    fn send(&self, bytes: usize) {
        let target = self.route.current();
        let port = self.servers[target.server].udp_port.unwrap_or_else(|| self.session.udp_port());
        // The whole address, so that a link-local one keeps its interface.
        let mut to = target.address;
        to.set_port(port);
        // A send that fails is a datagram lost; the retry and the budget take care of both.
        let _ = self.socket.send_to(&self.packet[..bytes], to);
    }

    /// Waits for the reply to `number` and ignores everything else that arrives.
    fn receive(&mut self, number: CheckNumber, until: Instant) -> io::Result<Option<Verdict>> {
        // One byte more than any reply, so that a longer datagram is not cut to the right length.
        let mut reply = [0; sealed::REPLY_BYTES + 1];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.socket.socket.set_read_timeout(Some(left))?;
            match self.socket.socket.recv_from(&mut reply) {
                Ok((bytes, _)) => match self.session.open(&reply[..bytes]) {
                    Ok(verdict) if verdict.number == number => {
                        self.clock = Clock::set(verdict.server_time);
                        return Ok(Some(verdict));
                    }
                    Ok(_) | Err(_) => {}
                },
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(None),
                    ErrorKind::Interrupted
                    | ErrorKind::ConnectionRefused
                    | ErrorKind::ConnectionReset
                    | ErrorKind::HostUnreachable
                    | ErrorKind::NetworkUnreachable => {}
                    _ => return Err(error),
                },
            }
        }
    }

    /// Takes up a session that has come, and asks for one where it is time; whether one has come.
    fn enrol_in_background(&mut self, now: Instant) -> bool {
        let renewed = match self.renewal.poll() {
            Some(Ok(renewed)) => {
                self.take(renewed);
                true
            }
            Some(Err(fault)) => {
                self.fault = Some(Arc::new(fault));
                false
            }
            None => false,
        };
        if self.silence.wants_enrolment(now) {
            if self.renewal.ask(self.route.current().server) {
                self.silence.enrolling(now);
            }
        } else if self.session.renew_due(self.clock.now().seconds()) {
            self.ask_again(now);
        }
        renewed
    }

    /// Asks for a session unless the pause after the last attempt is not over.
    fn ask_again(&mut self, now: Instant) {
        if self.backoff.is_over(now) && self.renewal.ask(self.route.current().server) {
            self.backoff.begin(now);
        }
    }

    fn renew_before(&mut self, deadline: Instant) -> Result<(), CheckFault> {
        self.ask_again(Instant::now());
        if !self.renewal.is_under_way()
            && let Some(fault) = &self.fault
        {
            return Err(CheckFault::NoSession(Arc::clone(fault)));
        }
        match self.renewal.wait(deadline.saturating_duration_since(Instant::now())) {
            Some(Ok(renewed)) => {
                self.take(renewed);
                Ok(())
            }
            Some(Err(fault)) => {
                let fault = Arc::new(fault);
                self.fault = Some(Arc::clone(&fault));
                Err(CheckFault::NoSession(fault))
            }
            // The enrolment goes on; a later check finds its session.
            None => Err(CheckFault::NoAnswer { waited: self.options.budget }),
        }
    }

    fn take(&mut self, renewed: Renewed) {
        let Renewed { server, reached, enrolled, addresses } = renewed;
        self.route = Route::new(server, reached, &addresses);
        self.clock = Clock::set(enrolled.server_time);
        self.session = Session::new(enrolled);
        self.unproved = true;
        self.fault = None;
    }
}

/// An engine that answers so is alive and authentic, and another one should be asked.
fn asks_for_another(reason: Reason) -> bool {
    matches!(reason, Reason::Busy | Reason::Stopping)
}

/// The engines' clock, carried on by this machine's monotonic one.
struct Clock {
    server: UnixMillis,
    read: Instant,
}

impl Clock {
    fn set(server: UnixMillis) -> Clock {
        Clock { server, read: Instant::now() }
    }

    fn now(&self) -> UnixMillis {
        let since = u64::try_from(self.read.elapsed().as_millis()).unwrap_or(u64::MAX);
        UnixMillis(self.server.0.saturating_add(since))
    }
}
