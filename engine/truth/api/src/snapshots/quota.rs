//! How many bytes of snapshots are kept and arrive, and how many may.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hufu_wire::IssuerId;

use super::files::{issuers, whole_bytes};
use crate::options::SnapshotLimits;
use crate::problem::{ApiProblem, Kind};

/// Bytes that are kept and that arrive, by issuer.
#[derive(Debug)]
pub(super) struct Quota {
    limits: SnapshotLimits,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    kept: HashMap<IssuerId, u64>,
    arriving: HashMap<IssuerId, u64>,
}

/// The bytes of one upload; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    quota: Arc<Quota>,
    issuer: IssuerId,
    bytes: u64,
}

impl Quota {
    /// Nothing is kept yet.
    pub(super) fn new(limits: SnapshotLimits) -> Quota {
        Quota { limits, used: Mutex::default() }
    }

    /// Counts what `folder` keeps.
    pub(super) fn count(&self, folder: &Path) -> io::Result<()> {
        let mut kept = HashMap::new();
        for (issuer, folder) in issuers(folder)? {
            kept.insert(issuer, whole_bytes(&folder)?);
        }
        self.used().kept = kept;
        Ok(())
    }

    /// Bytes of all snapshots that are kept.
    pub(super) fn kept(&self) -> u64 {
        self.used().kept.values().sum()
    }

    /// Holds `bytes` for an upload that begins.
    ///
    /// # Errors
    /// [`Kind::Full`] when the issuer's or everybody's share is used up.
    pub(super) fn hold(self: &Arc<Quota>, issuer: IssuerId, bytes: u64) -> Result<Reservation, ApiProblem> {
        let mut share = Reservation { quota: Arc::clone(self), issuer, bytes: 0 };
        share.grow_to(bytes)?;
        Ok(share)
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        // Sums are whole at every moment.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, used: &Used, issuer: IssuerId, more: u64) -> Result<(), ApiProblem> {
        let of = |bytes: &HashMap<IssuerId, u64>| bytes.get(&issuer).copied().unwrap_or(0);
        let all = |bytes: &HashMap<IssuerId, u64>| bytes.values().sum::<u64>();
        let full = |whose: &str, key: &str, kept: u64, arriving: u64, most: u64| {
            Err(ApiProblem::new(
                Kind::Full,
                format!(
                    "snapshots {whose} may have {most} bytes ([snapshots] {key}); {kept} are kept and {arriving} \
                     arrive: wait until older ones are dropped, or ask the operator for more"
                ),
            ))
        };
        let SnapshotLimits { bytes_max, issuer_bytes_max, .. } = self.limits;
        let (kept, arriving) = (of(&used.kept), of(&used.arriving));
        if kept.saturating_add(arriving).saturating_add(more) > issuer_bytes_max {
            return full("of this issuer", "issuer_bytes_max", kept, arriving, issuer_bytes_max);
        }
        let (kept, arriving) = (all(&used.kept), all(&used.arriving));
        if kept.saturating_add(arriving).saturating_add(more) > bytes_max {
            return full("in all", "bytes_max", kept, arriving, bytes_max);
        }
        Ok(())
    }
}

impl Reservation {
    /// Holds as many bytes as have arrived, if it holds fewer.
    pub(super) fn grow_to(&mut self, bytes: u64) -> Result<(), ApiProblem> {
        let more = bytes.saturating_sub(self.bytes);
        let mut used = self.quota.used();
        self.quota.check(&used, self.issuer, more)?;
        *used.arriving.entry(self.issuer).or_default() += more;
        drop(used);
        self.bytes += more;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut used = self.quota.used();
        if let Some(arriving) = used.arriving.get_mut(&self.issuer) {
            *arriving = arriving.saturating_sub(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_at_once_share_one_quota() {
        let limits = SnapshotLimits { bytes_max: 100, issuer_bytes_max: 60, ..SnapshotLimits::DEFAULT };
        let quota = Arc::new(Quota::new(limits));
        let [one, two] = [IssuerId(1), IssuerId(2)];
        let first = quota.hold(one, 40).unwrap();
        assert!(quota.hold(one, 21).is_err(), "the issuer's share");
        let mut second = quota.hold(two, 50).unwrap();
        assert!(quota.hold(one, 11).is_err(), "everybody's");
        assert!(second.grow_to(61).is_err());
        second.grow_to(60).unwrap();
        drop(first);
        assert!(quota.hold(one, 40).is_ok(), "given back");
        drop(second);
        quota.used().kept.insert(two, 70);
        assert!(quota.hold(one, 31).is_err(), "what is kept counts too");
        assert!(quota.hold(one, 30).is_ok());
    }
}
