//! One code in, one verdict out: a blocking UDP socket, a session, and the patience of a turnstile.

mod fault;

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use hufu_wire::limits::SEALED_REQUEST_BYTES_MAX;
use hufu_wire::{CheckNumber, Grant, Lane, Reason, UnixMillis, Verdict, sealed};

use crate::control::ControlFault;
use crate::identity::Identity;
use crate::renewal::{Renewal, Renewed};
use crate::session::Session;

pub use fault::{CheckFault, GateFault};

/// An engine a gate may ask.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its QUIC address.
    pub control: SocketAddr,
    /// The name its certificate carries.
    pub name: String,
    /// Its port for sealed requests. `None` takes the port that the last enrolment named, which is right
    /// whenever all engines of a cluster are set up alike.
    pub udp_port: Option<u16>,
}

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
/// session is renewed in the background from half its life on.
pub struct Gate {
    socket: UdpSocket,
    servers: Vec<Server>,
    current: usize,
    session: Session,
    clock: Clock,
    renewal: Renewal,
    renewal_failed: Option<Instant>,
    options: GateOptions,
    packet: Box<[u8; SEALED_REQUEST_BYTES_MAX]>,
}

/// Pause between two failed renewals in the background.
const RENEWAL_PAUSE: Duration = Duration::from_secs(5);

impl Gate {
    /// Enrols at the first of `servers` that answers.
    ///
    /// # Errors
    /// [`GateFault`].
    pub fn open(servers: Vec<Server>, identity: Identity, options: GateOptions) -> Result<Gate, GateFault> {
        let Some(first) = servers.first() else { return Err(GateFault::NoServer) };
        if servers.iter().any(|server| server.control.is_ipv4() != first.control.is_ipv4()) {
            return Err(GateFault::MixedAddresses);
        }
        let local: SocketAddr = if first.control.is_ipv4() {
            (Ipv4Addr::UNSPECIFIED, 0).into()
        } else {
            (Ipv6Addr::UNSPECIFIED, 0).into()
        };
        let socket = UdpSocket::bind(local).map_err(GateFault::Local)?;
        let mut renewal = Renewal::start(servers.clone(), identity).map_err(GateFault::Local)?;
        renewal.ask(0);
        let Renewed { server, enrolled } = renewal
            .wait(options.open_budget)
            .unwrap_or(Err(ControlFault::Unreachable { why: "no engine answered in time".to_owned() }))?;
        Ok(Gate {
            socket,
            servers,
            current: server,
            clock: Clock::set(enrolled.server_time),
            session: Session::new(enrolled),
            renewal,
            renewal_failed: None,
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
        self.renew_in_background();
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
        let (number, bytes) = self.session.seal(code, lane, &mut self.packet[..])?;
        let mut tries = 0;
        let mut unwilling = 0;
        while Instant::now() < deadline {
            // The same bytes each time: an engine gives the same number the same verdict (R09).
            self.send(bytes);
            let until = deadline.min(Instant::now() + self.options.retry_after);
            match self.receive(number, until).map_err(CheckFault::Local)? {
                Some(verdict) if unwilling + 1 < self.servers.len() && asks_for_another(verdict.reason) => {
                    unwilling += 1;
                    tries = self.options.tries_per_engine;
                }
                Some(verdict) => return Ok(verdict),
                None => tries += 1,
            }
            if tries >= self.options.tries_per_engine {
                self.current = (self.current + 1) % self.servers.len();
                tries = 0;
            }
        }
        Err(CheckFault::NoAnswer { waited: self.options.budget })
    }

    fn send(&self, bytes: usize) {
        let server = &self.servers[self.current];
        let port = server.udp_port.unwrap_or_else(|| self.session.udp_port());
        // A send that fails is a datagram lost; the retry and the budget take care of both.
        let _ = self.socket.send_to(&self.packet[..bytes], SocketAddr::new(server.control.ip(), port));
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
            self.socket.set_read_timeout(Some(left))?;
            match self.socket.recv_from(&mut reply) {
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

    fn renew_in_background(&mut self) {
        match self.renewal.poll() {
            Some(Ok(renewed)) => self.take(renewed),
            Some(Err(_)) => self.renewal_failed = Some(Instant::now()),
            None => {}
        }
        let pausing = self.renewal_failed.is_some_and(|failed| failed.elapsed() < RENEWAL_PAUSE);
        if !pausing && self.session.renew_due(self.clock.now().seconds()) {
            self.renewal.ask(self.current);
        }
    }

    fn renew_before(&mut self, deadline: Instant) -> Result<(), CheckFault> {
        self.renewal.ask(self.current);
        match self.renewal.wait(deadline.saturating_duration_since(Instant::now())) {
            Some(Ok(renewed)) => {
                self.take(renewed);
                Ok(())
            }
            Some(Err(fault)) => Err(CheckFault::NoSession(Box::new(fault))),
            // The enrolment goes on; a later check finds its session.
            None => Err(CheckFault::NoAnswer { waited: self.options.budget }),
        }
    }

    fn take(&mut self, Renewed { server, enrolled }: Renewed) {
        self.current = server;
        self.clock = Clock::set(enrolled.server_time);
        self.session = Session::new(enrolled);
        self.renewal_failed = None;
    }
}

/// An engine that says so is alive, authentic and better left alone.
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
