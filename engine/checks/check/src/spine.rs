//! One worker's path from packets to sealed verdicts.

use std::sync::Arc;

use hufu_wire::{CheckNumber, CheckRequest, Grant, Reason, Scope, UnixMillis, Verdict, limits, read};

use crate::cases::{Batch, Binaries, Case};
use crate::counters::{Counters, Silence};
use crate::devices::Charge;
use crate::engine::{Engine, KeysOf};
use crate::fault::NotEnrolled;
use crate::journal::{Channel, Journal, Mark, NoJournal};
use crate::numbers::AHEAD_S;
use crate::replies::Replies;
use crate::roster;
use crate::sealed::{self, Nonces, Opened};
use crate::sessions::Sessions;

/// One worker's own: opened sessions, room to decode codes, nonces, counters, its journal. Everything is allocated
/// here, before the first check.
pub struct Spine<J = NoJournal> {
    engine: Arc<Engine>,
    counters: Arc<Counters>,
    sessions: Sessions,
    /// Which keys those are opened with; none before the first packet.
    keys_of: Option<KeysOf>,
    nonces: Nonces,
    binaries: Box<Binaries>,
    journal: J,
}

/// A packet that was opened and is to be answered.
struct Asked {
    /// Its place in the batch.
    index: usize,
    opened: Opened,
    grant: Grant,
    /// Whether it was seen before, or may have been; or why it is answered without being checked.
    repeated: Result<bool, Reason>,
}

impl Spine {
    /// A worker of this engine that notes nothing.
    ///
    /// # Errors
    /// [`NotEnrolled::NoRandomness`] when the operating system gives no random bytes for nonces.
    pub fn new(engine: Arc<Engine>) -> Result<Spine, NotEnrolled> {
        Spine::with_journal(engine, NoJournal)
    }
}

impl<J: Journal> Spine<J> {
    /// A worker of this engine that notes its checks in `journal`.
    ///
    /// # Errors
    /// As [`new`](Spine::new).
    pub fn with_journal(engine: Arc<Engine>, journal: J) -> Result<Spine<J>, NotEnrolled> {
        Ok(Spine {
            sessions: Sessions::new(engine.suites()),
            keys_of: None,
            nonces: Nonces::random().map_err(|_| NotEnrolled::NoRandomness)?,
            binaries: Box::new([[0; limits::CODE_BINARY_BYTES_MAX]; limits::BATCH_MAX]),
            counters: Arc::default(),
            engine,
            journal,
        })
    }

    /// What this worker has done, for the metrics page.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Where it notes its checks.
    pub fn journal(&self) -> &J {
        &self.journal
    }

    /// Answers a batch of datagrams: opens each in place, checks them together, seals the verdicts, notes the checks.
    /// A reply is shorter than its request; what is not authentic gets none. No reply may leave before the records up
    /// to the mark are [durable](crate::Standing::Durable), and none when they are [lost](crate::Standing::Lost).
    ///
    /// # Panics
    /// When there are more than [`limits::BATCH_MAX`] datagrams.
    pub fn check_sealed(
        &mut self,
        now: UnixMillis,
        datagrams: &mut [&mut [u8]],
        replies: &mut Replies,
    ) -> Mark {
        assert!(datagrams.len() <= limits::BATCH_MAX, "a batch is at most {}", limits::BATCH_MAX);
        replies.clear();
        self.keep_keys(now);
        self.sessions.begin_batch();

        let mut asked: Batch<Asked> = Batch::new();
        for (index, datagram) in datagrams.iter_mut().enumerate() {
            let opened = sealed::open(datagram, &mut self.sessions, &self.counters);
            match opened.and_then(|opened| self.charge(now, index, opened)) {
                Ok(request) => asked.push(request),
                Err(cause) => self.counters.count_silence(cause),
            }
        }

        let kept = self.begin(asked.len());
        if !kept {
            self.turn_down(&mut asked, now);
        }
        let mut cases: Batch<Case<'_, '_>> = Batch::new();
        for Asked { index, opened, grant, repeated } in &asked {
            let request = read::<CheckRequest<'_>>(opened.plain(datagrams[*index])).ok();
            cases.push(Case::new(now, opened.number, *grant, request.as_ref(), *repeated));
        }
        self.engine.judge(now, &self.counters, &mut cases, &mut self.binaries);

        for (Asked { index, opened, .. }, case) in asked.iter().zip(&cases) {
            let Some(session) = self.sessions.get(opened.session) else { continue };
            let reply = replies.place(*index);
            if sealed::seal(case.verdict(), &session.reply_key, &mut self.nonces, reply).is_err() {
                replies.withdraw(*index);
            }
        }
        note(&mut self.journal, kept, &cases, Channel::Sealed)
    }

    /// Takes the cookie keys that count at `now`, and forgets expired sessions. Every batch does this, and
    /// nothing is done unless a new epoch of six hours has begun or the cluster's keys were changed. Call it now and
    /// then while nothing arrives, so that no old key stays in memory.
    pub fn keep_keys(&mut self, now: UnixMillis) {
        let wanted = self.engine.keys_of(now);
        if self.keys_of == Some(wanted) {
            return;
        }
        // Without them the old ones stay, and the next batch tries again.
        if let Some(keys) = self.engine.cookie_keys(now) {
            self.sessions.set_keys(keys, now);
            self.keys_of = Some(wanted);
        }
    }

    /// Checks requests that arrived in a connection whose certificate proved `grant`, fills `verdicts` in the same
    /// order, and notes the checks. As for [`check_sealed`](Self::check_sealed) no verdict may leave before the mark.
    ///
    /// # Panics
    /// When `requests` and `verdicts` differ in length or exceed [`limits::BATCH_MAX`].
    pub fn check(
        &mut self,
        now: UnixMillis,
        grant: &Grant,
        requests: &[(CheckNumber, CheckRequest<'_>)],
        verdicts: &mut [Verdict],
    ) -> Mark {
        assert_eq!(requests.len(), verdicts.len(), "one verdict for each request");
        assert!(requests.len() <= limits::BATCH_MAX, "a batch is at most {}", limits::BATCH_MAX);
        let kept = self.begin(requests.len());
        let served = kept || self.serves_unrecorded(grant, now, requests.len());
        let mut cases: Batch<Case<'_, '_>> = Batch::new();
        for (number, request) in requests {
            let fault = if served { self.objection(grant, now) } else { Some(Reason::Busy) };
            // Nothing in a connection can be replayed.
            cases.push(Case::new(now, *number, *grant, Some(request), fault.map_or(Ok(false), Err)));
        }
        self.engine.judge(now, &self.counters, &mut cases, &mut self.binaries);
        for (case, verdict) in cases.iter().zip(verdicts) {
            *verdict = *case.verdict();
        }
        note(&mut self.journal, kept, &cases, Channel::Connection)
    }

    /// Checks every member of a signed roster (R12), notes the roster, and appends the reply to `out`: a summary, then
    /// four bytes a member. Grows `out` once, by exactly the reply. No part of it may leave before the mark.
    pub fn check_roster(&mut self, now: UnixMillis, grant: &Grant, roster: &[u8], out: &mut Vec<u8>) -> Mark {
        let devices = &self.engine.devices;
        // Charged before it is read, whatever it is: beyond its rate a device makes no records.
        if !devices.is_revoked(grant) && !devices.charge(grant, now) {
            let reason = Reason::RateExceeded;
            self.counters.count_verdict(grant.site, reason.decision(), reason);
            roster::turn_down_roster(now, reason, out);
            return Mark::default();
        }
        let kept = self.begin(1);
        let served = kept || self.serves_unrecorded(grant, now, 1);
        let fault =
            if served { self.device_fault(grant, Scope::CHECKS_AND_ROSTERS) } else { Some(Reason::Busy) };
        let check = roster::Check { now, grant, counters: &self.counters };
        let record = check.run(&self.engine, fault, roster, out);
        if kept { self.journal.note(core::iter::once(record)) } else { Mark::default() }
    }

    /// Whether the journal takes the records of so many requests.
    fn begin(&mut self, requests: usize) -> bool {
        requests == 0 || self.journal.begin(requests)
    }

    /// Whether requests are served without the records that the journal does not take, as their site announced. Those
    /// that are, and those that are not, are counted.
    fn serves_unrecorded(&self, grant: &Grant, now: UnixMillis, requests: usize) -> bool {
        let unrecorded = self.engine.goes_unrecorded(grant.site, now);
        if unrecorded {
            self.counters.count_served_unrecorded(requests);
        } else {
            self.counters.count_records_refused(requests);
        }
        unrecorded
    }

    /// Answers these `busy`, unless their site announced that it goes on without records. A number that is not served
    /// stays new, for the gate to ask again with it.
    fn turn_down(&self, asked: &mut Batch<Asked>, now: UnixMillis) {
        for Asked { opened, grant, repeated, .. } in asked {
            if self.serves_unrecorded(grant, now, 1) {
                continue;
            }
            if *repeated == Ok(false)
                && let Some(session) = self.sessions.get(opened.session)
            {
                self.engine.devices.take_back(grant, session.key(), opened.number);
            }
            *repeated = Err(Reason::Busy);
        }
    }

    /// Charges one opened packet, and says whether it is to be checked. Revocation and the cookie's own times come
    /// first: what they turn away leaves no trace in what is remembered of its device.
    fn charge(&self, now: UnixMillis, index: usize, opened: Opened) -> Result<Asked, Silence> {
        let session = self.sessions.get(opened.session).ok_or(Silence::Cookie)?;
        let (cookie, devices) = (&session.cookie, &self.engine.devices);
        let grant = cookie.grant;
        let ahead = cookie.issued.0 > now.seconds().0.saturating_add(AHEAD_S);
        let outdated = (now.seconds() >= cookie.expires || ahead).then_some(Reason::CookieExpired);
        let repeated = match self.device_fault(&grant, Scope::CHECKS).or(outdated) {
            Some(_) if devices.charge_unread(&grant, now) == Charge::Flood => return Err(Silence::Flood),
            Some(reason) => Err(reason),
            None => match devices.charge_sealed(&grant, session.key(), opened.number, now) {
                Charge::New => Ok(false),
                Charge::Repeated => Ok(true),
                Charge::Unknown => {
                    self.counters.count_numbers_untold(1);
                    Ok(true)
                }
                Charge::OverRate => Err(Reason::RateExceeded),
                Charge::Flood => return Err(Silence::Flood),
            },
        };
        Ok(Asked { index, opened, grant, repeated })
    }

    /// Why a request over a connection is not checked.
    fn objection(&self, grant: &Grant, now: UnixMillis) -> Option<Reason> {
        self.device_fault(grant, Scope::CHECKS).or_else(|| {
            let charged = self.engine.devices.charge(grant, now);
            (!charged).then_some(Reason::RateExceeded)
        })
    }

    /// Why this device may not ask this at all.
    fn device_fault(&self, grant: &Grant, wanted: Scope) -> Option<Reason> {
        if !self.engine.devices.has_room_for(grant.device) {
            return Some(Reason::DeviceUnknown);
        }
        if self.engine.devices.is_revoked(grant) {
            return Some(Reason::DeviceRevoked);
        }
        (!grant.scope.allows(wanted)).then_some(Reason::OutOfScope)
    }
}

/// Notes a batch that the journal took. A batch without records, as one of packets that are not authentic, waits for
/// nothing.
fn note(journal: &mut impl Journal, kept: bool, cases: &Batch<Case<'_, '_>>, channel: Channel) -> Mark {
    if kept && !cases.is_empty() {
        journal.note(cases.iter().map(|case| case.record(channel)))
    } else {
        Mark::default()
    }
}
