//! One worker's path from packets to sealed verdicts.

use std::sync::Arc;

use hufu_wire::{CheckNumber, CheckRequest, Grant, Reason, Scope, UnixMillis, Verdict, limits, read};

use crate::cases::{Batch, Binaries, Case, judge};
use crate::counters::{Counters, Silence};
use crate::devices::Charge;
use crate::engine::{Engine, NotEnrolled};
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
    nonces: Nonces,
    binaries: Box<Binaries>,
}

impl Spine {
    /// A worker of this engine.
    ///
    /// # Errors
    /// [`NotEnrolled::NoRandomness`] when the operating system gives no random bytes for nonces.
    pub fn new(engine: Arc<Engine>) -> Result<Spine, NotEnrolled> {
        Ok(Spine {
            sessions: Sessions::new(engine.cookie_keys()),
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
        self.sessions.begin_batch();

        let mut opened: Batch<(usize, Opened, Charge)> = Batch::new();
        for (index, datagram) in datagrams.iter_mut().enumerate() {
            let request = sealed::open(now, datagram, &mut self.sessions, &self.counters)
                .and_then(|request| Ok((index, request, self.charge(now, &request)?)));
            match request {
                Ok(request) => opened.push(request),
                Err(cause) => self.counters.count_silence(cause),
            }
        }

        let mut cases: Batch<Case<'_>> = Batch::new();
        for (index, request, charge) in &opened {
            cases.push(self.case_of(now, request, *charge, request.plain(datagrams[*index])));
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
                let charged = self.engine.devices.charge(grant.device, now);
                (!charged).then_some(Reason::RateExceeded)
            });
            cases.push(match fault {
                Some(reason) => Case::settled(*number, reason),
                None => Case::new(*number, *grant, request.code, false),
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

    /// Charges one opened packet, whatever becomes of it.
    fn charge(&self, now: UnixMillis, opened: &Opened) -> Result<Charge, Silence> {
        let cookie = &self.sessions.get(opened.session).ok_or(Silence::Cookie)?.cookie;
        match self.engine.devices.charge_sealed(cookie.grant.device, cookie.issued, opened.number, now) {
            Charge::Flood => Err(Silence::Flood),
            charge => Ok(charge),
        }
    }

    /// The case of one opened packet, settled at once where the device may not ask or its request is none.
    fn case_of<'d>(&self, now: UnixMillis, opened: &Opened, charge: Charge, plain: &'d [u8]) -> Case<'d> {
        let Some(session) = self.sessions.get(opened.session) else {
            return Case::settled(opened.number, Reason::BadRequest);
        };
        let cookie = &session.cookie;
        if let Some(reason) = self.device_fault(&cookie.grant, Scope::CHECKS) {
            return Case::settled(opened.number, reason);
        }
        if now.seconds() >= cookie.expires {
            return Case::settled(opened.number, Reason::CookieExpired);
        }
        if charge == Charge::OverRate {
            return Case::settled(opened.number, Reason::RateExceeded);
        }
        match read::<CheckRequest<'_>>(plain) {
            Ok(request) => Case::new(opened.number, cookie.grant, request.code, charge == Charge::Repeated),
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
