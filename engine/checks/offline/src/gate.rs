//! A gate that decides without a network.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hufu_check::{Foreign, NotEnrolled, SingleCheck};
use hufu_codes::chain::Authorities;
use hufu_codes::code;
use hufu_codes::keyring::Keyring;
use hufu_policy::Sites;
use hufu_sync::{Follower, HeadAnswer, SetAnswer, SyncFault};
use hufu_wire::{
    CheckNumber, CheckRequest, CodeKind, Colour, Decision, Grant, HolderIndex, IssuerId, Lane, Reason,
    Sequence, UnixMillis, Verdict, limits,
};

use crate::book::Book;
use crate::clock::{OfflineClock, Reading, UNCERTAIN_MS_MAX};
use crate::fault::ListFault;
use crate::format::OfflineFile;
use crate::list::OfflineList;
use crate::record::OfflineRecord;
use crate::statuses::Known;

/// Lists, clock, policy and book of one gate. Every `at` is [`since_boot`](crate::since_boot).
pub struct OfflineGate {
    grant: Grant,
    check: SingleCheck,
    lists: Vec<Follower<OfflineList>>,
    clock: OfflineClock,
    book: Book,
    /// The holders that it admitted on its own, in memory alone, with the counters of their last records.
    admitted: BTreeMap<(IssuerId, HolderIndex), u64>,
}

/// A verdict that the gate gave on its own. It says how old its data is: the verdict's `as_of` and `age`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfflineVerdict {
    /// The verdict. Its number is the device's counter, its time the gate's own.
    pub verdict: Verdict,
    /// Since when the gate has been alone: the last time that an engine told.
    pub since: UnixMillis,
    /// How far the gate's time may be off, milliseconds.
    pub uncertain_ms: u64,
}

/// Why the gate does not decide on its own. It never opens a gate.
#[derive(Debug, thiserror::Error)]
pub enum NotDecided {
    /// No engine has told the time since the machine started.
    #[error("no engine has told the time since this machine started; the gate decides again once one does")]
    NoTime,
    /// Too long ago.
    #[error(
        "an engine told the time so long ago that it may be off by {uncertain_ms} ms, more than {UNCERTAIN_MS_MAX}"
    )]
    TimeUncertain {
        /// How far it may be off, milliseconds.
        uncertain_ms: u64,
    },
    /// It has not been given all that decides.
    #[error("it does not have {what} yet; the gate decides once an engine has given it")]
    Lacks {
        /// What is missing.
        what: &'static str,
    },
    /// The record cannot be kept, so there is no verdict.
    #[error("the record of the check cannot be kept: {0}")]
    NoRecord(#[from] io::Error),
}

/// Why a change set or a head is not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// No engine has told the time since the machine started.
    #[error("no engine has told the time since this machine started")]
    NoTime,
    /// The gate has no list of this issuer to keep current.
    #[error("there is no offline list of issuer {issuer}")]
    NoList {
        /// Whose chain it is of.
        issuer: IssuerId,
    },
    /// It is not believed, or there is no room.
    #[error(transparent)]
    Refused(#[from] SyncFault),
}

/// A holder that the gate admitted on its own has turned red since. The record stays as it is. A gate remembers the first
/// 65,536 holders that it admitted, until [`OfflineGate::forget_admitted`] or a restart of its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TurnedRed {
    /// The counter of the holder's last record.
    pub counter: u64,
    /// Whose holder it was.
    pub issuer: IssuerId,
    /// The change set that says so.
    pub sequence: Sequence,
}

/// Holders who are remembered as admitted, about 30 bytes each.
const ADMITTED_MAX: usize = 1 << 16;
/// Credentials that are remembered as verified, and presentations as used; 16 bytes each.
const REMEMBERED: usize = 1 << 14;

impl OfflineGate {
    /// A gate with what it knows of the device, the keys and its site's policy. It has no list yet.
    ///
    /// # Errors
    /// [`NotEnrolled::NoRandomness`] when the operating system gives no random bytes.
    pub fn new(
        grant: Grant,
        keyring: Keyring,
        sites: &Sites,
        clock: OfflineClock,
        book: Book,
    ) -> Result<OfflineGate, NotEnrolled> {
        let check = SingleCheck::new(keyring, sites.offline(), REMEMBERED, REMEMBERED)?;
        Ok(OfflineGate { grant, check, lists: Vec::new(), clock, book, admitted: BTreeMap::new() })
    }

    /// Its clock, to be told the time whenever an engine answers.
    pub fn clock(&mut self) -> &mut OfflineClock {
        &mut self.clock
    }

    /// Its records.
    pub fn book(&mut self) -> &mut Book {
        &mut self.book
    }

    /// Its lists, each with the place of its chain.
    pub fn lists(&self) -> &[Follower<OfflineList>] {
        &self.lists
    }

    /// The chain of this issuer is current: forgets which of its holders it admitted. Apply the change sets that were missed
    /// first.
    pub fn forget_admitted(&mut self, issuer: IssuerId) {
        self.admitted.retain(|(of, _), _| *of != issuer);
    }

    /// Replaces the keys that it trusts.
    ///
    /// # Errors
    /// [`NotEnrolled::NoRandomness`]; the keys stay as they were.
    pub fn set_keyring(&mut self, keyring: Keyring) -> Result<(), NotEnrolled> {
        self.check.set_keyring(keyring)
    }

    /// Replaces the policies.
    pub fn set_sites(&mut self, sites: &Sites) {
        self.check.set_sites(sites.offline());
    }

    /// Replaces what verifies certificates of other systems; there is nothing at the start.
    pub fn set_foreign(&mut self, foreign: Option<Arc<dyn Foreign>>) {
        self.check.set_foreign(foreign);
    }

    /// The keys that it trusts.
    pub fn keyring(&self) -> &Keyring {
        self.check.keyring()
    }

    /// Forgets the lists of all other issuers.
    pub fn keep_lists(&mut self, stays: impl Fn(IssuerId) -> bool) {
        self.lists.retain(|list| stays(list.issuer()));
    }

    /// Takes a list that came from an engine over the device's own connection, in the place of the one it has of this
    /// issuer. Adds to `turned_red` the holders that are red in it, and were not when the gate admitted them on its own.
    ///
    /// # Errors
    /// [`ListFault::Older`], [`ListFault::AnotherHistory`], [`ListFault::AnotherIssuer`]; the list held stays.
    pub fn take_list(
        &mut self,
        file: OfflineFile,
        authorities: Authorities,
        turned_red: &mut Vec<TurnedRed>,
    ) -> Result<(), ListFault> {
        let OfflineFile { list, tip } = file;
        let (issuer, heard) = (list.issuer(), list.as_of().heard);
        let place = self.lists.iter().position(|held| held.issuer() == issuer);
        if let Some(place) = place {
            let held = self.lists[place].tip();
            if tip.sequence == held.sequence && tip.digest != held.digest {
                return Err(ListFault::AnotherHistory { issuer, at: tip.sequence });
            }
            let is_older = heard < self.lists[place].heard();
            if tip.sequence < held.sequence || tip.sequence == held.sequence && is_older {
                return Err(ListFault::Older { issuer, held: held.sequence, offered: tip.sequence });
            }
        }
        let follower = Follower::at(list, authorities, tip, heard)
            .map_err(|_| ListFault::AnotherIssuer { found: issuer })?;
        let first = (issuer, HolderIndex(0));
        let admitted = self.admitted.range(first..=(issuer, HolderIndex(u32::MAX)));
        for ((_, holder), counter) in admitted {
            let is_red =
                |list: &Follower<OfflineList>| list.words().status(*holder).colour() == Some(Colour::Red);
            if is_red(&follower) && !place.is_some_and(|place| is_red(&self.lists[place])) {
                turned_red.push(TurnedRed { counter: *counter, issuer, sequence: follower.tip().sequence });
            }
        }
        match place {
            Some(place) => self.lists[place] = follower,
            None => self.lists.push(follower),
        }
        Ok(())
    }

    /// Takes a change set of an issuer's chain, from any source: both authorities' signatures are verified here. Adds to
    /// `turned_red` the holders that it makes red and that the gate admitted on its own.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing has changed then.
    pub fn change_set(
        &mut self,
        at: Duration,
        issuer: IssuerId,
        bytes: &[u8],
        turned_red: &mut Vec<TurnedRed>,
    ) -> Result<SetAnswer, NotTaken> {
        let now = self.latest(at)?;
        let list = self.lists.iter_mut().find(|list| list.issuer() == issuer);
        let list = list.ok_or(NotTaken::NoList { issuer })?;
        let answer = list.change_set(bytes, self.check.keyring(), now)?;
        if let SetAnswer::Applied { sequence, .. } = answer {
            let admitted = |holder: &HolderIndex| self.admitted.get(&(issuer, *holder));
            let counters = list.words().turned_red().iter().filter_map(admitted);
            turned_red.extend(counters.map(|counter| TurnedRed { counter: *counter, issuer, sequence }));
        }
        Ok(answer)
    }

    /// Takes a head of an issuer's chain: how current its list is.
    ///
    /// # Errors
    /// As for [`change_set`](Self::change_set).
    pub fn head(&mut self, at: Duration, issuer: IssuerId, bytes: &[u8]) -> Result<HeadAnswer, NotTaken> {
        let now = self.latest(at)?;
        let list = self.lists.iter_mut().find(|list| list.issuer() == issuer);
        let list = list.ok_or(NotTaken::NoList { issuer })?;
        Ok(list.head(bytes, self.check.keyring(), now)?)
    }

    /// An engine admitted this code in this lane: should the network go now, it is used here too.
    pub fn admitted_elsewhere(&mut self, at: Duration, lane: Lane, scanned: &[u8]) {
        let Some(Reading { time, uncertain_ms, .. }) = self.clock.read(at) else { return };
        let known = Known { lists: &self.lists, uncertain_ms };
        // What this gate would have answered is of no interest, that it claims the presentation is.
        self.check.check(time, &self.grant, CheckNumber(0), &CheckRequest::of_scan(lane, scanned), &known);
    }

    /// Checks what was scanned in a lane. Its record is on the disk before this returns.
    ///
    /// # Errors
    /// [`NotDecided`]: the gate stays shut.
    pub fn check(&mut self, at: Duration, lane: Lane, scanned: &[u8]) -> Result<OfflineVerdict, NotDecided> {
        let Reading { time, uncertain_ms, since } = self.clock.read(at).ok_or(NotDecided::NoTime)?;
        if uncertain_ms > UNCERTAIN_MS_MAX {
            return Err(NotDecided::TimeUncertain { uncertain_ms });
        }
        let number = CheckNumber(self.book.next());
        let request = CheckRequest::of_scan(lane, scanned);
        let known = Known { lists: &self.lists, uncertain_ms };
        let mut verdict = self.check.check(time, &self.grant, number, &request, &known);
        // A list has no tests and no doses. That it has none is no fault of the holder's, whatever the site says of a
        // holder who has none.
        let is_listed = verdict.kind != Some(CodeKind::Foreign);
        if is_listed && matches!(verdict.reason, Reason::TestMissing | Reason::DosesTooFew) {
            let reason = Reason::UnseenOffline;
            (verdict.decision, verdict.reason) = (reason.decision(), reason);
        }
        let uncertain = u32::try_from(uncertain_ms).unwrap_or(u32::MAX);
        self.book.append(OfflineRecord { verdict, lane, uncertain_ms: uncertain })?;
        if verdict.decision == Decision::Admit && self.admitted.len() < ADMITTED_MAX {
            self.remember(request.code, number.0);
        }
        Ok(OfflineVerdict { verdict, since, uncertain_ms })
    }

    /// The latest time that it may be: a clock that lags takes no change set for one of the future.
    fn latest(&self, at: Duration) -> Result<UnixMillis, NotTaken> {
        let Reading { time, uncertain_ms, .. } = self.clock.read(at).ok_or(NotTaken::NoTime)?;
        Ok(UnixMillis(time.0.saturating_add(uncertain_ms)))
    }

    /// Remembers the holder of an admitted code.
    fn remember(&mut self, code: &[u8], counter: u64) {
        let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
        let Ok(code) = code::parse_text(code, &mut binary) else { return };
        let claims = code.credential.claims();
        if let Some(key) = self.check.keyring().find(claims.key) {
            self.admitted.insert((key.issuer, claims.holder), counter);
        }
    }
}
