//! The one session of a device's lanes: they ask in turn, and each gets an answer in time.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hufu_client::{AsyncGate, CheckFault, ControlFault, GateFault, GateOptions};
use hufu_offline::{OfflineVerdict, since_boot};
use hufu_wire::{Decision, Lane, UnixMillis, Verdict};
use tokio::sync::{mpsc, oneshot, watch};

use super::alone::Alone;
use crate::gate::Device;

/// What a lane wants to know.
pub(crate) struct Question {
    /// What was scanned.
    code: Vec<u8>,
    /// Where.
    lane: Lane,
    /// When.
    asked: Instant,
    /// Where the answer goes.
    answer: oneshot::Sender<Result<Decided, CheckFault>>,
}

/// Who decided, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Decided {
    /// An engine.
    Engine(Verdict),
    /// The gate, without a network.
    Alone(OfflineVerdict),
}

/// What became of a question; nothing when no one answers any more.
pub(crate) type Answered = oneshot::Receiver<Result<Decided, CheckFault>>;

impl Decided {
    /// The verdict.
    pub(crate) fn verdict(&self) -> &Verdict {
        match self {
            Decided::Engine(verdict) | Decided::Alone(OfflineVerdict { verdict, .. }) => verdict,
        }
    }
}

impl Question {
    /// A question that is asked now, and where its answer comes.
    pub(crate) fn new(code: &[u8], lane: Lane) -> (Question, Answered) {
        let (answer, answered) = oneshot::channel();
        (Question { code: code.to_vec(), lane, asked: Instant::now(), answer }, answered)
    }
}

/// How the device stands to its engines.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Link {
    /// The first attempt to get a session is under way.
    Opening,
    /// No engine answers; what the engines' clock was, if one ever did.
    Down(Option<Heard>),
    /// An engine answered the last time one was asked.
    Up(Heard),
}

/// The engines' clock at a moment of this machine's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    time: UnixMillis,
    at: Instant,
}

impl Link {
    /// The engines' clock now, once an engine has told it.
    pub(crate) fn server_time(self) -> Option<UnixMillis> {
        let (Link::Up(heard) | Link::Down(Some(heard))) = self else { return None };
        let since = u64::try_from(heard.at.elapsed().as_millis()).unwrap_or(u64::MAX);
        Some(UnixMillis(heard.time.0.saturating_add(since)))
    }

    fn down(self) -> Link {
        match self {
            Link::Up(heard) => Link::Down(Some(heard)),
            Link::Opening => Link::Down(None),
            Link::Down(_) => self,
        }
    }
}

/// Between two attempts to get the first session, at most; the first pause is a second.
const PAUSE_MAX: Duration = Duration::from_secs(16);

/// Gets a session and answers questions until no lane is left. A device has few sessions at a time, so all lanes share
/// one, and one check is under way at a time. A question that waited for longer than the budget behind others gets no
/// verdict: no lane waits for more than twice the budget. Where no engine answers, `alone` decides if there is one.
pub(crate) async fn answer(
    device: Device,
    options: GateOptions,
    mut questions: mpsc::Receiver<Question>,
    link: watch::Sender<Link>,
    alone: Option<Alone>,
) {
    let alone = alone.as_ref();
    let mut pause = Duration::from_secs(1);
    let mut why = unreachable("the gate has just started");
    loop {
        let opening = AsyncGate::open(device.servers.clone(), device.identity.clone(), options);
        match meanwhile(&mut questions, &why, alone, opening).await {
            Ok(mut gate) => {
                tracing::info!("the gate has a session");
                link.send_replace(up(&gate));
                pause = Duration::from_secs(1);
                why = match check(&mut gate, options.budget, &mut questions, &link, alone).await {
                    Some(fault) => unreachable(&fault.to_string()),
                    None => return,
                };
            }
            Err(GateFault::NoSession(fault)) => why = Arc::new(fault),
            Err(fault) => why = unreachable(&fault.to_string()),
        }
        if alone.is_some_and(Alone::is_ready) {
            tracing::warn!("no session, the gate goes on without a network: {why}");
        } else {
            tracing::error!("no session, the gate stays shut: {why}");
        }
        link.send_modify(|link| *link = link.down());
        // Many gates begin together when power comes back.
        let part = RandomState::new().build_hasher().finish() % 512;
        meanwhile(
            &mut questions,
            &why,
            alone,
            tokio::time::sleep(pause * (512 + u32::try_from(part).unwrap_or(0)) / 1024),
        )
        .await;
        pause = PAUSE_MAX.min(pause * 2);
    }
}

/// Answers until no lane is left, or until the gate cannot go on.
async fn check(
    gate: &mut AsyncGate,
    budget: Duration,
    questions: &mut mpsc::Receiver<Question>,
    link: &watch::Sender<Link>,
    alone: Option<&Alone>,
) -> Option<CheckFault> {
    while let Some(Question { code, lane, asked, answer }) = questions.recv().await {
        let (waited, begun) = (asked.elapsed(), since_boot());
        let checked = if alone.is_some_and(Alone::is_cut) {
            Err(CheckFault::NoAnswer { waited })
        } else if waited < budget {
            let checked = gate.check(&code, lane).await;
            note(gate, checked.as_ref().err(), link);
            checked
        } else {
            Err(CheckFault::NoAnswer { waited })
        };
        let ended = match &checked {
            Err(CheckFault::Local(error)) => Some(CheckFault::Local(error.kind().into())),
            _ => None,
        };
        let given = match (checked, alone) {
            (checked, None) => checked.map(Decided::Engine),
            (Ok(verdict), Some(alone)) => {
                alone.answered(begun, gate.server_time()).await;
                if verdict.decision == Decision::Admit {
                    alone.admitted(lane, &code).await;
                }
                Ok(Decided::Engine(verdict))
            }
            (Err(why), Some(alone)) => decide(alone, &code, lane, why).await,
        };
        // A lane that is gone needs no answer.
        let _ = answer.send(given);
        if ended.is_some() {
            return ended;
        }
    }
    None
}

/// Decides without an engine, which gave no verdict because of `why`.
async fn decide(alone: &Alone, code: &[u8], lane: Lane, why: CheckFault) -> Result<Decided, CheckFault> {
    alone.cut();
    alone.check(lane, code).await.map(Decided::Alone).map_err(|fault| {
        tracing::error!("no verdict: {why}, and without a network: {fault}");
        why
    })
}

/// Waits for `what`, and decides without an engine or tells every lane that asks meanwhile why there is no verdict.
async fn meanwhile<T>(
    questions: &mut mpsc::Receiver<Question>,
    why: &Arc<ControlFault>,
    alone: Option<&Alone>,
    what: impl Future<Output = T>,
) -> T {
    let mut what = pin!(what);
    loop {
        tokio::select! {
            done = &mut what => return done,
            Some(Question { code, lane, answer, .. }) = questions.recv() => {
                let why = CheckFault::NoSession(Arc::clone(why));
                let given = match alone {
                    Some(alone) => decide(alone, &code, lane, why).await,
                    None => Err(why),
                };
                drop(answer.send(given));
            }
        }
    }
}

/// Keeps the link as the last check showed it, and tells the log when that changes.
fn note(gate: &AsyncGate, fault: Option<&CheckFault>, link: &watch::Sender<Link>) {
    let was_up = matches!(*link.borrow(), Link::Up(_));
    let device = gate.grant().device.0;
    if let Some(why) = fault {
        link.send_modify(|link| *link = link.down());
        if was_up {
            tracing::warn!(device, "no verdict: {why}");
        }
    } else {
        link.send_replace(up(gate));
        if !was_up {
            tracing::info!(device, "an engine answers again");
        }
    }
}

fn up(gate: &AsyncGate) -> Link {
    Link::Up(Heard { time: gate.server_time(), at: Instant::now() })
}

fn unreachable(why: &str) -> Arc<ControlFault> {
    Arc::new(ControlFault::Unreachable { why: why.to_owned() })
}
