//! Issuers whose chains are followed, one thread each (R22, R26). They begin with what they knew before a restart,
//! before any socket opens: an engine serves at once, and says how old that is.

mod feeds;
mod figures;
mod short;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use hufu_codes::chain::{Authorities, Role};
use hufu_codes::keyring::Keyring;
use hufu_follow::{FollowStatus, Following, Keys, Life, Options, Timings};
use hufu_table::Writer;
use hufu_wire::IssuerId;

use self::feeds::Source;
pub(super) use self::figures::Figures;
pub(super) use self::short::resolve;
use super::state::State;
use super::statuses::Statuses;
use crate::config::{Follow, Memory};
use hufu_files::moment;
use hufu_files::unavailable;

/// Chains that can be followed: everything about them was read, and nothing was started.
pub(super) struct Planned {
    chains: Vec<PlannedChain>,
}

struct PlannedChain {
    follow: Follow,
    authorities: Authorities,
    writer: Writer,
    source: Source,
}

/// The metrics page looks at them too.
pub(super) type Followed = Arc<Mutex<Vec<Following>>>;

/// Chains that are followed.
pub(super) struct Chains {
    keys: Keys,
    followed: Followed,
    authorities: Vec<Authorities>,
    /// Those whose thread has ended, which was told.
    dead: Vec<IssuerId>,
}

/// Above the eight bytes of a holder, for digests and what stands around them (docs/SNAPSHOT.md).
const SNAPSHOT_BYTES_A_HOLDER: u64 = 9;
const SNAPSHOT_BYTES_MORE: u64 = 64 << 20;

impl Planned {
    /// Takes each issuer's writer and looks at what its feed needs.
    ///
    /// # Errors
    /// What the configuration names cannot be used.
    pub(super) fn new(
        follow: Vec<Follow>,
        statuses: &mut Statuses,
        keyring: &Keyring,
        memory: &Memory,
    ) -> anyhow::Result<Planned> {
        let bytes_max = SNAPSHOT_BYTES_A_HOLDER * memory.holders_max.get_ref() + SNAPSHOT_BYTES_MORE;
        let plan = |follow: Follow| {
            let place = follow.place.clone();
            PlannedChain::new(follow, statuses, keyring, bytes_max).context(place)
        };
        Ok(Planned { chains: follow.into_iter().map(plan).collect::<anyhow::Result<_>>()? })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.chains.len()
    }

    /// Takes up each where it was left, and follows it from now on.
    pub(super) fn start(self, keyring: &Keyring, state: &State) -> anyhow::Result<Chains> {
        let keys = Keys::new(Arc::new(keyring.clone()));
        let authorities = self.chains.iter().map(|planned| planned.authorities).collect();
        let mut followed = Vec::with_capacity(self.chains.len());
        for planned in self.chains {
            let place = planned.follow.place.clone();
            // Whatever fails, those that have been started are dropped, which stops them.
            let following = planned.start(&keys, state.folder()).context(place)?;
            tell_of_older(&following.status(), state);
            followed.push(following);
        }
        Ok(Chains { keys, followed: Arc::new(Mutex::new(followed)), authorities, dead: Vec::new() })
    }
}

impl PlannedChain {
    fn new(
        follow: Follow,
        statuses: &mut Statuses,
        keyring: &Keyring,
        bytes_max: u64,
    ) -> anyhow::Result<PlannedChain> {
        let authorities = follow.authorities()?;
        let source = Source::open(&follow, bytes_max)?;
        let writer =
            statuses.give_writer(follow.issuer(), format!("{}, {}", follow.place, follow.feed.get_ref()))?;
        warn_without_keys(&authorities, keyring);
        Ok(PlannedChain { follow, authorities, writer, source })
    }

    fn start(self, keys: &Keys, state: &Path) -> anyhow::Result<Following> {
        let PlannedChain { follow, authorities, writer, source } = self;
        let timings = Timings {
            silent_ms: (*follow.silent_ms.get_ref()).into(),
            hung_ms: (*follow.hung_ms.get_ref()).into(),
            warm_every_s: (*follow.warm_every_s.get_ref()).into(),
            ..Timings::default()
        };
        let options = Options {
            writer,
            authorities,
            feed: source.feed,
            snapshots: source.snapshots,
            folder: state.join(format!("follow-{}", follow.issuer())),
            keys: keys.clone(),
            timings,
        };
        Following::start(options).map_err(unavailable)
    }
}

impl Chains {
    /// Whether anybody is followed.
    pub(super) fn are_any(&self) -> bool {
        !lock(&self.followed).is_empty()
    }

    /// What the metrics page shows of them.
    pub(super) fn figures(&self) -> Figures {
        Figures::new(Arc::clone(&self.followed))
    }

    /// All of them, and who signs their chains.
    pub(super) fn for_gates(&self) -> (Followed, Vec<Authorities>) {
        (Arc::clone(&self.followed), self.authorities.clone())
    }

    /// Another keyring is in force: what was refused under the one before is asked for again.
    pub(super) fn set_keyring(&self, keyring: &Keyring) {
        self.keys.change(Arc::new(keyring.clone()));
    }

    /// Remembers how far each has come, and tells the log, once, should a thread have ended.
    pub(super) fn look(&mut self, state: &State) {
        let statuses = statuses(&self.followed);
        state.remember_followed(statuses.iter().map(|status| (status.issuer, status.tip.sequence)));
        for status in statuses.iter().filter(|status| status.life == Life::Dead) {
            if !self.dead.contains(&status.issuer) {
                self.dead.push(status.issuer);
                tracing::error!(
                    "issuer {}: the thread that follows it has stopped at sequence {}; its statuses grow old until a \
                     restart",
                    status.issuer,
                    status.tip.sequence
                );
            }
        }
    }

    /// Stops all of them at the same time; each leaves a warm copy.
    pub(super) fn stop(mut self, state: &State) {
        lock(&self.followed).iter().for_each(Following::end);
        self.look(state);
        let followed = std::mem::take(&mut *lock(&self.followed));
        for following in followed {
            // One that does not end in time has said so.
            following.stop();
        }
    }
}

fn statuses(followed: &Followed) -> Vec<Arc<FollowStatus>> {
    lock(followed).iter().map(Following::status).collect()
}

fn lock(followed: &Followed) -> MutexGuard<'_, Vec<Following>> {
    // Nothing that can panic is done while it is held.
    followed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A followed issuer may begin with an older state than it had: its folder was lost, or the disk took no more sets.
/// Nothing but the sets themselves can bring the rest back, so it is told and not refused (R22).
fn tell_of_older(status: &FollowStatus, state: &State) {
    let (issuer, sequence, before) = (status.issuer, status.tip.sequence, state.sequence(status.issuer));
    if sequence < before {
        tracing::error!(
            "issuer {issuer} begins at sequence {sequence}, and this engine has served {before} before: what it kept \
             of the sets between is lost. Colours of before them may show, as old as they are, until {} has brought \
             them again",
            status.feed
        );
    }
}

/// Without all three keys nothing is believed; the trust list may yet bring them.
fn warn_without_keys(authorities: &Authorities, keyring: &Keyring) {
    let now = moment::now().seconds();
    for role in [Role::Local, Role::National, Role::Publisher] {
        let signs = |key: &&hufu_codes::keyring::IssuerKey| {
            key.issuer == authorities.of(role) && keyring.key_for(key.kid, role.uses(), now).is_ok()
        };
        if keyring.keys().iter().find(signs).is_none() {
            tracing::warn!(
                "issuer {}: the trust list has no valid key with which issuer {} may sign as {role} authority; \
                 `hufu keys trust add` adds one",
                authorities.issuer(),
                authorities.of(role)
            );
        }
    }
}
