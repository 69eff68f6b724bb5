//! One worker's path from packets to sealed verdicts.

use std::sync::Arc;

use hufu_wire::{CheckNumber, CheckRequest, Grant, Reason, Scope, UnixMillis, Verdict, limits, read};

use crate::cases::{Batch, Binaries, Case, judge};
use crate::counters::{Counters, Silence};
use crate::devices::Charge;
use crate::engine::{Engine, KeysOf, NotEnrolled};
use crate::numbers::AHEAD_S;
use crate::replies::Replies;
use crate::roster;
use crate::sealed::{self, Nonces, Opened};
use crate::sessions::Sessions;

/// One worker's own: opened sessions, room to decode codes, nonces, counters. Everything is allocated here,
/// before the first check.
pub struct Spine {
    engine: Arc<Engine>,
    counters: Arc<Counters>,
    sessions: Sessions,
    /// Which keys those are opened with; none before the first packet.
    keys_of: Option<KeysOf>,
    nonces: Nonces,
    binaries: Box<Binaries>,
}

/// What becomes of a packet that was opened.
#[derive(Clone, Copy)]
enum Standing {
    /// It is answered with this reason, and not checked.
    Settled(Reason),
    /// It is checked.
    Asks {
        /// Whether it was seen before, or may have been.
        repeated: bool,
    },
}

impl Spine {
    /// A worker of this engine.
    ///
    /// # Errors
    /// [`NotEnrolled::NoRandomness`] when the operating system gives no random bytes for nonces.
    pub fn new(engine: Arc<Engine>) -> Result<Spine, NotEnrolled> {
        Ok(Spine {
            sessions: Sessions::new(),
            keys_of: None,
            nonces: Nonces::random().map_err(|_| NotEnrolled::NoRandomness)?,
            binaries: Box::new([[0; limits::CODE_BINARY_BYTES_MAX]; limits::BATCH_MAX]),
            counters: Arc::default(),
            engine,
        })
    }

    /// What this worker has done, for whoever scrapes it.
    pub fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    /// Answers a batch of datagrams: opens each in place, checks them together, seals the verdicts. A reply is
    /// shorter than its request; what is not authentic gets none.
    ///
    /// # Panics
    /// When there are more than [`limits::BATCH_MAX`] datagrams.
    pub fn check_sealed(&mut self, now: UnixMillis, datagrams: &mut [&mut [u8]], replies: &mut Replies) {
        assert!(datagrams.len() <= limits::BATCH_MAX, "a batch is at most {}", limits::BATCH_MAX);
        replies.clear();
        self.keep_keys(now);
        self.sessions.begin_batch();

        let mut opened: Batch<(usize, Opened, Standing)> = Batch::new();
        for (index, datagram) in datagrams.iter_mut().enumerate() {
            let request = sealed::open(datagram, &mut self.sessions, &self.counters)
                .and_then(|request| Ok((index, request, self.standing(now, &request)?)));
            match request {
                Ok(request) => opened.push(request),
                Err(cause) => self.counters.count_silence(cause),
            }
        }

        let mut cases: Batch<Case<'_>> = Batch::new();
        for (index, request, standing) in &opened {
            cases.push(self.case_of(request, *standing, request.plain(datagrams[*index])));
        }
        judge(now, &self.engine, &self.counters, &mut cases, &mut self.binaries);

        for ((index, request, _), case) in opened.iter().zip(&cases) {
            let Some(session) = self.sessions.get(request.session) else { continue };
            let reply = replies.place(*index);
            if sealed::seal(&case.verdict(now), &session.reply_key, &mut self.nonces, reply).is_err() {
                replies.withdraw(*index);
            }
        }
    }

    /// Takes the cookie keys that count at `now`, and forgets sessions that have ended. Every batch does this, and
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

    /// Checks requests that arrived in a connection whose certificate proved `grant`, and fills `verdicts` in
    /// the same order.
    ///
    /// # Panics
    /// When `requests` and `verdicts` differ in length or exceed [`limits::BATCH_MAX`].
    pub fn check(
        &mut self,
        now: UnixMillis,
        grant: &Grant,
        requests: &[(CheckNumber, CheckRequest<'_>)],
        verdicts: &mut [Verdict],
    ) {
        assert_eq!(requests.len(), verdicts.len(), "one verdict for each request");
        assert!(requests.len() <= limits::BATCH_MAX, "a batch is at most {}", limits::BATCH_MAX);
        let mut cases: Batch<Case<'_>> = Batch::new();
        for (number, request) in requests {
            let fault = self.device_fault(grant, Scope::CHECKS).or_else(|| {
                let charged = self.engine.devices.charge(grant, now);
                (!charged).then_some(Reason::RateExceeded)
            });
            cases.push(match fault {
                Some(reason) => Case::settled(*number, reason),
                None => Case::new(*number, *grant, request, false),
            });
        }
        judge(now, &self.engine, &self.counters, &mut cases, &mut self.binaries);
        for (case, verdict) in cases.iter().zip(verdicts) {
            *verdict = case.verdict(now);
        }
    }

    /// Checks every member of a signed roster (R12) and appends the reply to `out`: a summary, then four bytes
    /// a member. Grows `out` once, by exactly the reply.
    pub fn check_roster(&mut self, now: UnixMillis, grant: &Grant, roster: &[u8], out: &mut Vec<u8>) {
        let fault = self.device_fault(grant, Scope::CHECKS_AND_ROSTERS);
        roster::check(now, &self.engine, &self.counters, grant, roster, fault, out);
    }

    /// Charges one opened packet, and says whether it is to be checked. Revocation and the cookie's own times come
    /// first: what they turn away leaves no trace in what is remembered of its device.
    fn standing(&self, now: UnixMillis, opened: &Opened) -> Result<Standing, Silence> {
        let session = self.sessions.get(opened.session).ok_or(Silence::Cookie)?;
        let (cookie, devices) = (&session.cookie, &self.engine.devices);
        let ahead = cookie.issued.0 > now.seconds().0.saturating_add(AHEAD_S);
        let outdated = (now.seconds() >= cookie.expires || ahead).then_some(Reason::CookieExpired);
        if let Some(reason) = self.device_fault(&cookie.grant, Scope::CHECKS).or(outdated) {
            return match devices.charge_unread(&cookie.grant, now) {
                Charge::Flood => Err(Silence::Flood),
                _ => Ok(Standing::Settled(reason)),
            };
        }
        match devices.charge_sealed(&cookie.grant, session.key(), opened.number, now) {
            Charge::New => Ok(Standing::Asks { repeated: false }),
            Charge::Repeated => Ok(Standing::Asks { repeated: true }),
            Charge::Untold => {
                self.counters.count_number_untold();
                Ok(Standing::Asks { repeated: true })
            }
            Charge::OverRate => Ok(Standing::Settled(Reason::RateExceeded)),
            Charge::Flood => Err(Silence::Flood),
        }
    }

    /// The case of one opened packet, settled at once where the device may not ask or its request is none.
    fn case_of<'d>(&self, opened: &Opened, standing: Standing, plain: &'d [u8]) -> Case<'d> {
        let repeated = match standing {
            Standing::Settled(reason) => return Case::settled(opened.number, reason),
            Standing::Asks { repeated } => repeated,
        };
        let Some(session) = self.sessions.get(opened.session) else {
            return Case::settled(opened.number, Reason::BadRequest);
        };
        match read::<CheckRequest<'_>>(plain) {
            Ok(request) => Case::new(opened.number, session.cookie.grant, &request, repeated),
            Err(_) => Case::settled(opened.number, Reason::BadRequest),
        }
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
