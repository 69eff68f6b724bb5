//! One code in, one verdict out: a [`Core`] with a blocking UDP socket and a thread that enrols.

mod fault;
mod later;
mod socket;

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hufu_wire::{Grant, Lane, Reference, UnixMillis, Verdict, sealed};

use crate::fault::ControlFault;
use crate::identity::Identity;
use crate::renewal::{Answer, Renewal};
use crate::server::Server;
use hufu_gate::{Core, Input, NoVerdict, Output, Pace};

pub use fault::{CheckFault, GateFault};
pub use later::AsyncGate;
use socket::GateSocket;

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
        let Pace { budget, retry_after, tries_per_engine } = Pace::default();
        GateOptions { budget, retry_after, tries_per_engine, open_budget: Duration::from_secs(10) }
    }
}

impl GateOptions {
    fn pace(&self) -> Pace {
        let GateOptions { budget, retry_after, tries_per_engine, .. } = *self;
        Pace { budget, retry_after, tries_per_engine }
    }
}

/// A gate with a session, for a program that waits for each verdict.
pub struct Gate {
    socket: GateSocket,
    core: Core,
    renewal: Renewal,
    /// Why the last enrolment failed.
    fault: Option<Arc<ControlFault>>,
    budget: Duration,
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
        let ports = servers.iter().map(|server| server.udp_port).collect();
        let renewal = Renewal::start(servers, identity).map_err(GateFault::Local)?;
        renewal.ask(0);
        let first = renewal.wait(options.open_budget).unwrap_or_else(|| Err(silent()))?;
        let core = Core::new(ports, options.pace(), first);
        Ok(Gate { socket, core, renewal, fault: None, budget: options.budget })
    }

    /// Checks one code, exactly as it was scanned.
    ///
    /// # Errors
    /// [`CheckFault`] when there is no verdict within the budget. A fault never opens a gate.
    pub fn check(&mut self, code: &[u8], lane: Lane) -> Result<Verdict, CheckFault> {
        self.ask(Input::Scan(code, lane))
    }

    /// Checks an entry of a status list, for a device that has itself verified a credential which names it (R64). Never
    /// for what was scanned: anyone can print it.
    ///
    /// # Errors
    /// As [`check`](Gate::check).
    pub fn check_reference(&mut self, reference: Reference, lane: Lane) -> Result<Verdict, CheckFault> {
        self.ask(Input::Reference(reference, lane))
    }

    fn ask(&mut self, what: Input<'_>) -> Result<Verdict, CheckFault> {
        self.hear_of_renewal();
        self.core.step(Instant::now(), what);
        loop {
            while let Some(output) = self.core.output() {
                match output {
                    // A send that fails is a datagram lost; the retry and the budget take care of both.
                    Output::Send(to, datagram) => drop(self.socket.send_to(datagram, to)),
                    Output::Enrol(first) => self.renewal.ask(first),
                    Output::Outcome(outcome) => {
                        return outcome.map_err(|why| why_not(why, self.budget, self.fault.as_ref()));
                    }
                }
            }
            self.wait()?;
        }
    }

    /// The engines' clock, as of the last answer plus the time since.
    pub fn server_time(&self) -> UnixMillis {
        self.core.server_time(Instant::now())
    }

    /// What the device may ask.
    pub fn grant(&self) -> Grant {
        self.core.grant()
    }

    /// Waits until something happens to what was scanned.
    fn wait(&mut self) -> Result<(), CheckFault> {
        let left = self.core.deadline().map(|until| until.saturating_duration_since(Instant::now()));
        // A socket cannot wait for no time at all.
        let left = left.unwrap_or_default().max(Duration::from_millis(1));
        if self.core.waits_for_session() {
            match self.renewal.wait(left) {
                Some(answer) => self.tell(answer),
                None => self.core.step(Instant::now(), Input::Time),
            }
            return Ok(());
        }
        // One byte more than any reply, so that a longer datagram is not cut to the right length.
        let mut reply = [0; sealed::REPLY_BYTES + 1];
        let received = self.receive(&mut reply, left).map_err(CheckFault::Local)?;
        let input = received.map_or(Input::Time, |bytes| Input::Datagram(&reply[..bytes]));
        self.core.step(Instant::now(), input);
        self.hear_of_renewal();
        Ok(())
    }

    fn receive(&self, reply: &mut [u8], wait: Duration) -> io::Result<Option<usize>> {
        self.socket.socket.set_read_timeout(Some(wait))?;
        match self.socket.socket.recv_from(reply) {
            Ok((bytes, _)) => Ok(Some(bytes)),
            Err(error) if passes(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn hear_of_renewal(&mut self) {
        if let Some(answer) = self.renewal.poll() {
            self.tell(answer);
        }
    }

    fn tell(&mut self, answer: Answer) {
        let input = input_of(answer, &mut self.fault);
        self.core.step(Instant::now(), input);
    }
}

/// How an enrolment ended, for the core, and why it failed, for people.
fn input_of(answer: Answer, why: &mut Option<Arc<ControlFault>>) -> Input<'static> {
    match answer {
        Ok(renewed) => {
            *why = None;
            Input::Enrolled(Box::new(renewed))
        }
        Err(fault) => {
            *why = Some(Arc::new(fault));
            Input::NotEnrolled
        }
    }
}

fn why_not(why: NoVerdict, waited: Duration, fault: Option<&Arc<ControlFault>>) -> CheckFault {
    match why {
        NoVerdict::NoAnswer => CheckFault::NoAnswer { waited },
        NoVerdict::NoSession => CheckFault::NoSession(fault.cloned().unwrap_or_else(|| Arc::new(silent()))),
        NoVerdict::Seal(fault) => CheckFault::Seal(fault),
    }
}

fn silent() -> ControlFault {
    ControlFault::Unreachable { why: "no engine answered in time".to_owned() }
}

/// Whether a socket still works after this: nothing came, or a network said that something did not arrive.
fn passes(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock
            | ErrorKind::TimedOut
            | ErrorKind::Interrupted
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
    )
}
