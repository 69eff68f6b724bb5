//! A gate for programs that wait for many things at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hufu_wire::{Grant, Lane, Reference, UnixMillis, Verdict, sealed};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time;

use super::socket::{self, GateSocket};
use super::{CheckFault, GateFault, GateOptions, input_of, passes, silent, why_not};
use crate::fault::ControlFault;
use crate::identity::Identity;
use crate::renewal::{Answer, Enroller};
use crate::server::Server;
use hufu_gate::{Core, Input, Output};

/// A gate with a session, as a [`Gate`](super::Gate), on a tokio runtime. It checks one code after the other.
pub struct AsyncGate {
    socket: UdpSocket,
    is_ipv4: bool,
    core: Core,
    ask: Sender<usize>,
    answers: Receiver<Answer>,
    fault: Option<Arc<ControlFault>>,
    budget: Duration,
}

impl AsyncGate {
    /// Enrols at the first of `servers` that answers.
    ///
    /// # Errors
    /// [`GateFault`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn open(
        servers: Vec<Server>,
        identity: Identity,
        options: GateOptions,
    ) -> Result<AsyncGate, GateFault> {
        if servers.is_empty() {
            return Err(GateFault::NoServer);
        }
        let GateSocket { socket, is_ipv4 } = GateSocket::open().map_err(GateFault::Local)?;
        socket.set_nonblocking(true).map_err(GateFault::Local)?;
        let socket = UdpSocket::from_std(socket).map_err(GateFault::Local)?;
        let ports = servers.iter().map(|server| server.udp_port).collect();
        let (ask, mut asked) = mpsc::channel(1);
        let (answer, mut answers) = mpsc::channel(1);
        let mut enroller = Enroller::new(servers, identity);
        tokio::spawn(async move {
            while let Some(first) = asked.recv().await {
                let (answered, control) = enroller.enrol(first).await;
                if answer.send(answered).await.is_err() {
                    return;
                }
                // A gate may be waiting for the session: the connection is closed after it was handed over.
                if let Some(control) = control {
                    control.close().await;
                }
            }
        });
        // There is room: nothing was asked yet.
        let _ = ask.try_send(0);
        let first = time::timeout(options.open_budget, answers.recv()).await.ok().flatten();
        let first = first.unwrap_or_else(|| Err(silent()))?;
        let core = Core::new(ports, options.pace(), first);
        Ok(AsyncGate { socket, is_ipv4, core, ask, answers, fault: None, budget: options.budget })
    }

    /// Checks one code, exactly as it was scanned. One that is dropped before its end is given up.
    ///
    /// # Errors
    /// [`CheckFault`] when there is no verdict within the budget. A fault never opens a gate.
    pub async fn check(&mut self, code: &[u8], lane: Lane) -> Result<Verdict, CheckFault> {
        self.ask(Input::Scan(code, lane)).await
    }

    /// As [`Gate::check_reference`](super::Gate::check_reference).
    ///
    /// # Errors
    /// As [`check`](AsyncGate::check).
    pub async fn check_reference(&mut self, reference: Reference, lane: Lane) -> Result<Verdict, CheckFault> {
        self.ask(Input::Reference(reference, lane)).await
    }

    async fn ask(&mut self, what: Input<'_>) -> Result<Verdict, CheckFault> {
        if let Ok(answer) = self.answers.try_recv() {
            self.core.step(Instant::now(), input_of(answer, &mut self.fault));
        }
        self.core.step(Instant::now(), what);
        loop {
            while let Some(output) = self.core.output() {
                match output {
                    // A send that fails is a datagram lost; the retry and the budget take care of both.
                    Output::Send(to, datagram) => {
                        drop(self.socket.send_to(datagram, socket::reachable(to, self.is_ipv4)).await);
                    }
                    // The core asks again only after an answer: there is room.
                    Output::Enrol(first) => drop(self.ask.try_send(first)),
                    Output::Outcome(outcome) => {
                        return outcome.map_err(|why| why_not(why, self.budget, self.fault.as_ref()));
                    }
                }
            }
            self.wait().await?;
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

    async fn wait(&mut self) -> Result<(), CheckFault> {
        let until = self.core.deadline().unwrap_or_else(Instant::now);
        // One byte more than any reply, so that a longer datagram is not cut to the right length.
        let mut reply = [0; sealed::REPLY_BYTES + 1];
        let input = tokio::select! {
            received = self.socket.recv_from(&mut reply) => match received {
                Ok((bytes, _)) => Input::Datagram(&reply[..bytes]),
                Err(error) if passes(&error) => Input::Time,
                Err(error) => return Err(CheckFault::Local(error)),
            },
            Some(answer) = self.answers.recv() => input_of(answer, &mut self.fault),
            () = time::sleep_until(until.into()) => Input::Time,
        };
        self.core.step(Instant::now(), input);
        Ok(())
    }
}
