//! A terminal, and the device that it asks as.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hufu_client::{CheckFault, GateOptions, Scanner};
use hufu_texts::Language;
use hufu_wire::{Decision, Lane, UnixMillis};
use serde_json::{Value, json};
use tokio::sync::{Mutex, Semaphore, mpsc, watch};

use crate::channel::Channel;
use crate::gate::Device;
use crate::lanes::ask::{self, Answered, Decided, Link, Question};
use crate::verdict::{Answer, without_verdict};

/// A device: one session, which all its terminals share, for an engine keeps few of each.
pub(super) struct Asker {
    questions: mpsc::Sender<Question>,
    link: watch::Receiver<Link>,
    scanner: Scanner,
    channel: Channel,
}

/// What a device needs to begin to ask.
pub(super) struct Asking {
    device: Device,
    questions: mpsc::Receiver<Question>,
    link: watch::Sender<Link>,
}

/// One terminal.
pub(super) struct Terminal {
    lane: Lane,
    /// What it is answered in, unless a request names another language.
    pub(super) language: Option<Language>,
    asker: Arc<Asker>,
    /// The last scan that has a verdict. One scan after the other: a terminal has one window.
    last: Mutex<Option<Last>>,
    /// Room for scans that wait.
    room: Semaphore,
}

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
    /// The engines' clock, once an engine told it.
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
/// Scans of one device that wait for the session.
const QUESTIONS_MAX: usize = 64;

impl Asker {
    /// A device that begins to ask with [`Asking::run`].
    pub(super) fn new(device: Device) -> (Arc<Asker>, Asking) {
        let (ask, questions) = mpsc::channel(QUESTIONS_MAX);
        let (tell, link) = watch::channel(Link::Opening);
        let (scanner, channel) = (device.scanner.clone(), device.channel.clone());
        let asker = Asker { questions: ask, link, scanner, channel };
        (Arc::new(asker), Asking { device, questions, link: tell })
    }
}

impl Asking {
    /// Gets a session, tries again until an engine gives one, and asks.
    pub(super) async fn run(self) {
        ask::answer(self.device, GateOptions::default(), self.questions, self.link, None).await;
    }
}

impl Terminal {
    pub(super) fn new(asker: Arc<Asker>, lane: Lane, language: Option<Language>) -> Terminal {
        Terminal { lane, language, asker, last: Mutex::default(), room: Semaphore::new(WAITING_MAX) }
    }

    /// Whether an engine answered the last time one was asked.
    pub(super) fn is_online(&self) -> bool {
        matches!(*self.asker.link.borrow(), Link::Up(_))
    }

    /// Asks about what was scanned. `id` names the scan where the terminal has a name for it: sent again, it has the
    /// same answer.
    pub(super) async fn check(
        self: &Arc<Terminal>,
        scanned: Vec<u8>,
        id: Option<String>,
        language: Language,
    ) -> Given {
        let terminal = Arc::clone(self);
        // It goes on when the terminal hangs up: what an engine counted is told to the terminal when it asks again.
        let checked = tokio::spawn(async move {
            let Ok(_room) = terminal.room.try_acquire() else {
                return terminal
                    .given(Outcome::Busy, without_verdict("too many scans of this terminal wait", language));
            };
            terminal.check_in_turn(scanned, id, language).await
        });
        let stopping = |_| self.given(Outcome::Offline, without_verdict("the bridge stops", language));
        checked.await.unwrap_or_else(stopping)
    }

    async fn check_in_turn(&self, scanned: Vec<u8>, id: Option<String>, language: Language) -> Given {
        let mut last = self.last.lock().await;
        if let (Some(last), Some(id)) = (&*last, &id)
            && last.id == *id
            && last.scanned == scanned
            && last.at.elapsed() < REPEATED_WITHIN
        {
            return last.given.clone();
        }
        let code = match self.asker.scanner.text(&scanned) {
            Ok(code) => code,
            Err(fault) => return self.given(Outcome::Shut, Answer::misread(fault).to_json(language)),
        };
        let asked = Instant::now();
        let (question, answered) = Question::new(code, self.lane);
        let given = match self.ask(question, answered).await {
            Some(Ok(given)) => {
                let is_admitted = given.verdict().decision == Decision::Admit;
                let outcome = if is_admitted { Outcome::Admit } else { Outcome::Shut };
                let answer = Answer::decided(given, code, asked.elapsed()).with_channel(&self.asker.channel);
                self.given(outcome, answer.to_json(language))
            }
            Some(Err(fault)) => self.given(Outcome::Offline, Answer::none(&fault, code).to_json(language)),
            None => self.given(Outcome::Offline, without_verdict("the bridge stops", language)),
        };
        *last = id.filter(|_| given.outcome != Outcome::Offline).map(|id| Last {
            id,
            scanned,
            at: Instant::now(),
            given: given.clone(),
        });
        given
    }

    /// `None` when nothing asks any more.
    async fn ask(&self, question: Question, answered: Answered) -> Option<Result<Decided, CheckFault>> {
        self.asker.questions.send(question).await.ok()?;
        answered.await.ok()
    }

    fn given(&self, outcome: Outcome, mut answer: Value) -> Given {
        let server_time = self.asker.link.borrow().server_time();
        if let Some(time) = server_time {
            answer["server_time_ms"] = json!(time.0);
        }
        Given { outcome, answer, server_time }
    }
}
