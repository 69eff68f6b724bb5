//! Renewal in the background: a thread that enrols when the gate asks and hands back the session.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use hufu_wire::Enrolled;

use crate::control::{Control, ControlFault};
use crate::gate::Server;
use crate::identity::Identity;

/// A session and the server that gave it.
pub(crate) struct Renewed {
    pub(crate) server: usize,
    pub(crate) enrolled: Enrolled,
}

type Answer = Result<Renewed, ControlFault>;

/// The gate's end of the renewal thread. Dropping it ends the thread after what it is doing.
pub(crate) struct Renewal {
    ask: SyncSender<usize>,
    answers: Receiver<Answer>,
    under_way: bool,
}

impl Renewal {
    pub(crate) fn start(servers: Vec<Server>, identity: Identity) -> io::Result<Renewal> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (ask, asked) = sync_channel::<usize>(1);
        let (answer, answers) = sync_channel(1);
        thread::Builder::new().name("hufu-renew".to_owned()).spawn(move || {
            while let Ok(first) = asked.recv() {
                let (answered, control) = match runtime.block_on(enrol_at_any(&servers, first, &identity)) {
                    Ok((renewed, control)) => (Ok(renewed), Some(control)),
                    Err(fault) => (Err(fault), None),
                };
                if answer.send(answered).is_err() {
                    return;
                }
                // A gate may be waiting for the session: the farewell comes after it.
                if let Some(control) = control {
                    runtime.block_on(control.close());
                }
            }
        })?;
        Ok(Renewal { ask, answers, under_way: false })
    }

    /// Starts an enrolment, trying server `first` before the others; does nothing while one is under way.
    pub(crate) fn ask(&mut self, first: usize) {
        self.under_way = self.under_way || self.ask.try_send(first).is_ok();
    }

    /// What has come back, without waiting.
    pub(crate) fn poll(&mut self) -> Option<Answer> {
        match self.answers.try_recv() {
            Ok(answer) => {
                self.under_way = false;
                Some(answer)
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }

    /// What comes back within `wait`.
    pub(crate) fn wait(&mut self, wait: Duration) -> Option<Answer> {
        match self.answers.recv_timeout(wait) {
            Ok(answer) => {
                self.under_way = false;
                Some(answer)
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }
}

/// Handshake and enrolment at one server, before the next is tried.
const SERVER_TRY: Duration = Duration::from_secs(3);

async fn enrol_at_any(
    servers: &[Server],
    first: usize,
    identity: &Identity,
) -> Result<(Renewed, Control), ControlFault> {
    let mut last = ControlFault::Unreachable { why: "no server is known".to_owned() };
    for index in (0..servers.len()).map(|turn| (first + turn) % servers.len()) {
        let server = &servers[index];
        match tokio::time::timeout(SERVER_TRY, enrol_at(server, identity)).await {
            Ok(Ok((enrolled, control))) => return Ok((Renewed { server: index, enrolled }, control)),
            Ok(Err(fault)) => last = fault,
            Err(_) => last = ControlFault::Unreachable { why: format!("{} is silent", server.control) },
        }
    }
    Err(last)
}

async fn enrol_at(server: &Server, identity: &Identity) -> Result<(Enrolled, Control), ControlFault> {
    let control = Control::connect(server.control, &server.name, identity).await?;
    let enrolled = control.enrol().await?;
    Ok((enrolled, control))
}
