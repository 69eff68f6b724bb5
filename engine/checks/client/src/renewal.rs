//! Enrolment in the background: a thread that enrols when the gate asks and hands back the session.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use hufu_wire::Enrolled;
use tokio::task::JoinSet;

use crate::address::EngineAddress;
use crate::control::Control;
use crate::fault::ControlFault;
use crate::identity::Identity;
use crate::server::Server;
use hufu_gate::Renewed;

/// How an enrolment ended.
pub(crate) type Answer = Result<Renewed, ControlFault>;

/// The gate's end of the enrolling thread. Dropping it ends the thread after what it is doing.
pub(crate) struct Renewal {
    ask: SyncSender<usize>,
    answers: Receiver<Answer>,
}

impl Renewal {
    pub(crate) fn start(servers: Vec<Server>, identity: Identity) -> io::Result<Renewal> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (ask, asked) = sync_channel::<usize>(1);
        let (answer, answers) = sync_channel(1);
        thread::Builder::new().name("hufu-renew".to_owned()).spawn(move || {
            let mut enroller = Enroller::new(servers, identity);
            while let Ok(first) = asked.recv() {
                let (answered, control) = runtime.block_on(enroller.enrol(first));
                if answer.send(answered).is_err() {
                    return;
                }
                // A gate may be waiting for the session: the connection is closed after it was handed over.
                if let Some(control) = control {
                    runtime.block_on(control.close());
                }
            }
        })?;
        Ok(Renewal { ask, answers })
    }

    /// Starts an enrolment, trying server `first` before the others. One is asked for only when the one before has come
    /// back.
    pub(crate) fn ask(&self, first: usize) {
        // There is room then.
        let _ = self.ask.try_send(first);
    }

    /// What has come back, without waiting.
    pub(crate) fn poll(&self) -> Option<Answer> {
        self.answers.try_recv().ok()
    }

    /// What comes back within `wait`.
    pub(crate) fn wait(&self, wait: Duration) -> Option<Answer> {
        self.answers.recv_timeout(wait).ok()
    }
}

/// Enrols at one of several engines.
pub(crate) struct Enroller {
    servers: Vec<Server>,
    identity: Identity,
    /// The addresses found last, which are tried when a look-up fails.
    known: Vec<Vec<SocketAddr>>,
}

/// Handshake and enrolment at one server, before the next is tried.
const SERVER_TRY: Duration = Duration::from_secs(3);

impl Enroller {
    pub(crate) fn new(servers: Vec<Server>, identity: Identity) -> Enroller {
        Enroller { known: vec![Vec::new(); servers.len()], servers, identity }
    }

    /// Looks every server up, and enrols at the first that gives a session, `first` before the others. The connection
    /// is to be closed once the session was handed over.
    pub(crate) async fn enrol(&mut self, first: usize) -> (Answer, Option<Control>) {
        match self.try_enrol(first).await {
            Ok((renewed, control)) => (Ok(renewed), Some(control)),
            Err(fault) => (Err(fault), None),
        }
    }

    async fn try_enrol(&mut self, first: usize) -> Result<(Renewed, Control), ControlFault> {
        let mut fault = self.look_up().await;
        for server in (0..self.servers.len()).map(|turn| (first + turn) % self.servers.len()) {
            let addresses = &self.known[server];
            if addresses.is_empty() {
                continue;
            }
            match tokio::time::timeout(SERVER_TRY, self.enrol_at(server)).await {
                Ok(Ok((enrolled, control))) => {
                    let (reached, at, addresses) = (control.server(), Instant::now(), self.known.clone());
                    return Ok((Renewed { server, reached, enrolled, at, addresses }, control));
                }
                Ok(Err(other)) => fault = fault.or(other),
                Err(_) => {
                    let why = format!("{} is silent", self.servers[server].control);
                    fault = fault.or(ControlFault::Unreachable { why });
                }
            }
        }
        Err(fault)
    }

    async fn enrol_at(&self, server: usize) -> Result<(Enrolled, Control), ControlFault> {
        let name = &self.servers[server].name;
        let control = Control::connect_any(&self.known[server], name, &self.identity).await?;
        let enrolled = control.enrol().await?;
        Ok((enrolled, control))
    }

    /// Finds the addresses of all servers at once; returns the fault of the last that was not found.
    async fn look_up(&mut self) -> ControlFault {
        let mut fault = ControlFault::Unreachable { why: "no engine is known".to_owned() };
        let mut looking: JoinSet<(usize, Result<Vec<SocketAddr>, ControlFault>)> = JoinSet::new();
        for (index, server) in self.servers.iter().enumerate() {
            if let Some(address) = server.control.literal() {
                self.known[index] = vec![address];
            } else {
                let name: EngineAddress = server.control.clone();
                looking.spawn(async move { (index, name.look_up().await) });
            }
        }
        while let Some(found) = looking.join_next().await {
            match found {
                Ok((index, Ok(addresses))) => self.known[index] = addresses,
                Ok((_, Err(other))) => fault = other,
                // A look-up that panicked has said so on standard error.
                Err(_) => {}
            }
        }
        fault
    }
}
