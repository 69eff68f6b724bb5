//! A terminal's gate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hufu_client::{AsyncGate, GateOptions};
use hufu_wire::{Decision, Lane, UnixMillis};
use serde_json::{Value, json};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::sleep;

use crate::gate::Device;
use crate::verdict::Answer;

/// One terminal. Its gate enrols when the bridge starts.
pub(super) struct Terminal {
    name: String,
    lane: Lane,
    device: Device,
    /// One scan after the other: a terminal has one window.
    line: Mutex<Line>,
    /// Room for scans that wait for the line.
    room: Semaphore,
    is_online: AtomicBool,
}

#[derive(Default)]
struct Line {
    gate: Option<AsyncGate>,
    last: Option<Last>,
}

/// The last scan that has a verdict.
struct Last {
    id: String,
    scanned: Vec<u8>,
    at: Instant,
    given: Given,
}

/// What a terminal is told.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) outcome: Outcome,
    /// As `hufu check --json` says it.
    pub(super) answer: Value,
    /// The engines' clock, once a session told it.
    pub(super) server_time: Option<UnixMillis>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The gate may open.
    Admit,
    /// It stays shut.
    Shut,
    /// It stays shut, because no engine said anything.
    Offline,
    /// It stays shut: too many scans of this terminal wait.
    Busy,
}

/// A scan that is sent again within this time has the answer of the first: the terminal did not hear it.
const REPEATED_WITHIN: Duration = Duration::from_secs(10);
/// Scans of one terminal that wait, those among them whose terminal hung up.
const WAITING_MAX: usize = 8;
/// Between two attempts to enrol while no engine ever answered.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

impl Terminal {
    pub(super) fn new(name: String, device: Device, lane: Lane) -> Terminal {
        let (line, room) = (Mutex::default(), Semaphore::new(WAITING_MAX));
        Terminal { name, lane, device, line, room, is_online: AtomicBool::new(false) }
    }

    /// Whether an engine answered the last time one was asked.
    pub(super) fn is_online(&self) -> bool {
        self.is_online.load(Ordering::Relaxed)
    }

    /// Enrols, and tries again until an engine gives a session.
    pub(super) async fn connect(self: Arc<Terminal>) {
        let mut pause = PAUSE;
        let mut is_said = false;
        loop {
            let Device { servers, identity, .. } = &self.device;
            match AsyncGate::open(servers.clone(), identity.clone(), GateOptions::default()).await {
                Ok(gate) => {
                    self.line.lock().await.gate = Some(gate);
                    self.note(None);
                    return;
                }
                Err(fault) if !is_said => {
                    tracing::warn!(
                        terminal = self.name,
                        "no session yet; the bridge goes on trying: {fault}"
                    );
                    is_said = true;
                }
                Err(_) => {}
            }
            sleep(pause).await;
            pause = PAUSE_MAX.min(pause * 2);
        }
    }

    /// Asks about what was scanned. `id` names the scan where the terminal has a name for it: sent again, it has the
    /// same answer.
    pub(super) async fn check(self: &Arc<Terminal>, scanned: Vec<u8>, id: Option<String>) -> Given {
        let terminal = Arc::clone(self);
        // It goes on when the terminal hangs up: what an engine counted is told to the terminal when it asks again.
        let checked = tokio::spawn(async move {
            let Ok(_room) = terminal.room.try_acquire() else {
                return Given::without_verdict(Outcome::Busy, "too many scans of this terminal wait");
            };
            terminal.check_in_line(scanned, id).await
        });
        checked.await.unwrap_or_else(|_| Given::without_verdict(Outcome::Offline, "the bridge stops"))
    }

    async fn check_in_line(&self, scanned: Vec<u8>, id: Option<String>) -> Given {
        let begun = Instant::now();
        let mut line = self.line.lock().await;
        let Line { gate, last } = &mut *line;
        if let (Some(last), Some(id)) = (&last, &id)
            && last.id == *id
            && last.scanned == scanned
            && last.at.elapsed() < REPEATED_WITHIN
        {
            return last.given.clone();
        }
        let Some(gate) = gate else {
            return Given::without_verdict(Outcome::Offline, "no engine has given a session yet");
        };
        let code = match self.device.scanner.text(&scanned) {
            Ok(code) => code,
            Err(fault) => return Given::of(Outcome::Shut, &Answer::misread(fault)).at(gate.server_time()),
        };
        let given = match gate.check(code, self.lane).await {
            Ok(verdict) => {
                self.note(None);
                let is_admitted = verdict.decision == Decision::Admit;
                let outcome = if is_admitted { Outcome::Admit } else { Outcome::Shut };
                Given::of(outcome, &Answer::of(verdict, code, begun.elapsed()))
            }
            Err(fault) => {
                self.note(Some(&fault.to_string()));
                Given::of(Outcome::Offline, &Answer::none(&fault, code))
            }
        };
        let given = given.at(gate.server_time());
        *last = id.filter(|_| given.outcome != Outcome::Offline).map(|id| Last {
            id,
            scanned,
            at: Instant::now(),
            given: given.clone(),
        });
        given
    }

    /// Tells the log when engines stop answering, and when they answer again.
    fn note(&self, fault: Option<&str>) {
        let was_online = self.is_online.swap(fault.is_none(), Ordering::Relaxed);
        match fault {
            Some(why) if was_online => tracing::warn!(terminal = self.name, "no verdict: {why}"),
            None if !was_online => tracing::info!(terminal = self.name, "an engine answers"),
            _ => {}
        }
    }
}

impl Given {
    fn of(outcome: Outcome, answer: &Answer) -> Given {
        Given { outcome, answer: answer.to_json(), server_time: None }
    }

    fn without_verdict(outcome: Outcome, why: &str) -> Given {
        Given { outcome, answer: json!({ "decision": null, "offline": why }), server_time: None }
    }

    fn at(mut self, server_time: UnixMillis) -> Given {
        self.answer["server_time_ms"] = json!(server_time.0);
        self.server_time = Some(server_time);
        self
    }
}
