//! What is behind the functions.

use std::ffi::CString;
use std::time::Duration;

use hufu_offline::{Errand, KeeperFault, NotDecided};
use hufu_wire::{Lane, OFFLINE_RECORDS_PATH, Reason, RecordsKept, read};

use super::HufuOffline;
use super::abi::{
    HUFU_GET, HUFU_LACKS, HUFU_NO_FOLDER, HUFU_NO_RECORD, HUFU_NO_TIME, HUFU_NOT_TAKEN, HUFU_POST,
    HUFU_TIME_UNCERTAIN, HufuErrand, HufuOfflineVerdict, no_errand, not_decided,
};
use crate::abi::{HUFU_BAD_ARGUMENT, HUFU_VERDICT, of};

/// Holders who turned red and that the caller has not asked for yet; further ones are left out.
const TURNED_RED_MAX: usize = 1 << 16;

impl HufuOffline {
    /// Keeps what went wrong for `hufu_offline_says`.
    pub(super) fn say(&mut self, fault: &KeeperFault) -> i32 {
        self.says = fault.to_string();
        if matches!(fault, KeeperFault::Disk(_)) { HUFU_NO_FOLDER } else { HUFU_NOT_TAKEN }
    }

    pub(super) fn errand(&mut self, at: Duration) -> Result<HufuErrand, i32> {
        self.errand = None;
        let Some(errand) = self.keeper.errand(at).map_err(|fault| self.say(&fault))? else {
            return Ok(no_errand());
        };
        let path = match &errand {
            Errand::Ask(ask) => ask.to_string(),
            Errand::HandOver(_) => OFFLINE_RECORDS_PATH.to_owned(),
        };
        let path = CString::new(path).map_err(|_| HUFU_NOT_TAKEN)?;
        let (errand, path) = self.errand.insert((errand, path));
        let path = path.as_ptr();
        Ok(match errand {
            Errand::Ask(_) => HufuErrand { what: HUFU_GET, path, ..no_errand() },
            Errand::HandOver(records) => {
                HufuErrand { what: HUFU_POST, path, bytes: records.as_ptr(), length: records.len() }
            }
        })
    }

    pub(super) fn answered(&mut self, at: Duration, body: &[u8]) -> Result<(), i32> {
        let (errand, _) = self.errand.take().ok_or(HUFU_BAD_ARGUMENT)?;
        let mut turned_red = Vec::new();
        let taken = match &errand {
            Errand::Ask(ask) => self.keeper.take(at, *ask, body, &mut turned_red),
            // What is no counter takes no record.
            Errand::HandOver(_) => self.keeper.handed_over(read(body).map_or(0, |RecordsKept(up_to)| up_to)),
        };
        let room = TURNED_RED_MAX - self.turned_red.len();
        self.turned_red.extend(turned_red.into_iter().take(room));
        taken.map_err(|fault| self.say(&fault))
    }

    pub(super) fn refused(&mut self, body: &[u8]) -> Result<(), i32> {
        // What is no reason comes from something before the engine.
        let reason = Reason::ALL.into_iter().find(|reason| reason.slug().as_bytes() == body);
        let reason = reason.unwrap_or(Reason::Busy);
        let refused = match self.errand.take() {
            Some((errand, _)) => self.keeper.refused(&errand, reason),
            None if reason == Reason::DeviceRevoked => self.keeper.forget(),
            None => Ok(()),
        };
        refused.map_err(|fault| self.say(&fault))
    }

    pub(super) fn check(&mut self, at: Duration, lane: Lane, scanned: &[u8]) -> HufuOfflineVerdict {
        let fault = match self.keeper.check(at, lane, scanned) {
            Ok(decided) => {
                return HufuOfflineVerdict {
                    what: HUFU_VERDICT,
                    fault: 0,
                    since_ms: decided.since.0,
                    uncertain_ms: decided.uncertain_ms,
                    verdict: of(&decided.verdict),
                };
            }
            Err(fault) => fault,
        };
        self.says = fault.to_string();
        match fault {
            NotDecided::NoTime => not_decided(HUFU_NO_TIME, 0),
            NotDecided::TimeUncertain { uncertain_ms } => not_decided(HUFU_TIME_UNCERTAIN, uncertain_ms),
            NotDecided::Lacks { .. } => not_decided(HUFU_LACKS, 0),
            NotDecided::NoRecord(_) => not_decided(HUFU_NO_RECORD, 0),
        }
    }
}
