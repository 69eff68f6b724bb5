//! What a follower keeps beside its snapshot on the engine's own disk, so that a restart serves at once.

use core::mem::size_of;

use hufu_codes::chain::{Authorities, Tip};
use hufu_table::{AsOf, Snapshot, SnapshotDigest, SnapshotInfo, Writer};
use hufu_wire::chain::{ChainDigest, Proposed};
use hufu_wire::{IssuerId, Sequence, UnixMillis};
use sha2::{Digest as _, Sha256};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::fault::SyncFault;
use crate::follower::Follower;

/// Bytes of the state beside a warm copy.
pub const WARM_BYTES: usize = size_of::<Layout>();

/// What a follower knew at one moment. Write a snapshot [`as_of`](Self::as_of) it, then [`seal`](Self::seal) it with
/// that file; the follower may go on meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarmCopy {
    issuer: IssuerId,
    tip: Tip,
    settled: Sequence,
    heard: UnixMillis,
    is_forked: bool,
}

#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    /// SHA-256 of everything after it.
    seal: [u8; 32],
    magic: [u8; 8],
    version: U32,
    issuer: U32,
    sequence: U64,
    proposed: U64,
    confirmed_ms: U64,
    settled: U64,
    heard_ms: U64,
    is_forked: u8,
    zero: [u8; 7],
    digest: [u8; 32],
    snapshot: [u8; 32],
}

const _: () = assert!(WARM_BYTES == 160);

const MAGIC: [u8; 8] = *b"HUFUWARM";

/// The only version there is.
const VERSION: u32 = 1;

impl Follower {
    /// What to keep now.
    pub fn warm(&self) -> WarmCopy {
        WarmCopy {
            issuer: self.issuer(),
            tip: self.tip,
            settled: self.settled,
            heard: self.heard,
            is_forked: self.is_forked,
        }
    }

    /// Goes on where a warm copy was made. The words are served at once, as old as they are; the tail comes as
    /// always.
    ///
    /// The seal notices damage, not intent: write access to the engine's state folder is enough to replace its words.
    ///
    /// # Errors
    /// [`SyncFault::WarmCopy`] when `state` is damaged, of another issuer or of another snapshot,
    /// [`SyncFault::Snapshot`] when the snapshot is, [`SyncFault::WrongWriter`]. Then start from a checkpoint.
    pub fn resume(
        writer: Writer,
        authorities: Authorities,
        state: &[u8],
        snapshot: &Snapshot,
        now: UnixMillis,
    ) -> Result<Follower, SyncFault> {
        let mut follower = Follower::new(writer, authorities)?;
        follower.restore(state, snapshot, now)?;
        Ok(follower)
    }

    /// As [`resume`](Self::resume), for a follower that has applied nothing yet: it keeps its writer when the copy
    /// is refused, and can go on from a checkpoint or from the chain's beginning.
    ///
    /// # Errors
    /// [`SyncFault::WarmCopy`], [`SyncFault::Snapshot`]; the words and the tip are then as they were.
    pub fn restore(&mut self, state: &[u8], snapshot: &Snapshot, now: UnixMillis) -> Result<(), SyncFault> {
        let issuer = self.issuer();
        let (warm, digest) = WarmCopy::open(state, issuer)?;
        let sequence = warm.tip.sequence;
        if self.tip.sequence != Sequence(0) {
            return Err(SyncFault::WarmCopy { issuer, what: "the words are further on already" });
        }
        let info = snapshot.info();
        if (info.digest, info.sequence) != (digest, sequence) {
            return Err(SyncFault::WarmCopy { issuer, what: "its snapshot is another one" });
        }
        snapshot.load(&mut self.words).map_err(|fault| SyncFault::Snapshot { issuer, sequence, fault })?;
        self.tip = warm.tip;
        self.settled = warm.settled;
        self.era_known = warm.tip.proposed.era();
        self.is_forked = warm.is_forked;
        self.hear_loaded(Some(warm.heard), now);
        Ok(())
    }
}

impl WarmCopy {
    /// Reads the bytes that were kept, and the digest of the snapshot that belongs to them.
    ///
    /// # Errors
    /// [`SyncFault::WarmCopy`] when they are damaged or of another issuer.
    pub fn open(state: &[u8], issuer: IssuerId) -> Result<(WarmCopy, SnapshotDigest), SyncFault> {
        let (warm, snapshot) = WarmCopy::read(state).map_err(|what| SyncFault::WarmCopy { issuer, what })?;
        if warm.issuer != issuer {
            return Err(SyncFault::WarmCopy { issuer, what: "it is of another issuer" });
        }
        Ok((warm, snapshot))
    }

    /// Whether `other` is of the same moment of the same history: at most the time of its head differs, and the
    /// snapshot of one can be sealed again with the other.
    pub fn is_at(&self, other: &WarmCopy) -> bool {
        *self == WarmCopy { heard: self.heard, ..*other }
    }

    /// What the snapshot beside it says it is as of.
    pub fn as_of(&self) -> AsOf {
        let heard = (self.heard != UnixMillis(0)).then_some(self.heard);
        AsOf { sequence: self.tip.sequence, heard }
    }

    /// The bytes to keep beside the snapshot that was written [`as_of`](Self::as_of) this, `None` when it was
    /// not.
    pub fn seal(&self, snapshot: &SnapshotInfo) -> Option<[u8; WARM_BYTES]> {
        if (snapshot.issuer, snapshot.sequence) != (self.issuer, self.tip.sequence) {
            return None;
        }
        let mut layout = Layout {
            seal: [0; 32],
            magic: MAGIC,
            version: VERSION.into(),
            issuer: self.issuer.0.into(),
            sequence: self.tip.sequence.0.into(),
            proposed: self.tip.proposed.bits().into(),
            confirmed_ms: self.tip.confirmed.0.into(),
            settled: self.settled.0.into(),
            heard_ms: self.heard.0.into(),
            is_forked: u8::from(self.is_forked),
            zero: [0; 7],
            digest: self.tip.digest.0,
            snapshot: snapshot.digest.0,
        };
        layout.seal = seal(&layout);
        let mut bytes = [0; WARM_BYTES];
        bytes.copy_from_slice(layout.as_bytes());
        Some(bytes)
    }

    fn read(bytes: &[u8]) -> Result<(WarmCopy, SnapshotDigest), &'static str> {
        let layout = Layout::ref_from_bytes(bytes).map_err(|_| "its state has a wrong length")?;
        if seal(layout) != layout.seal {
            return Err("its state is damaged");
        }
        if layout.magic != MAGIC || layout.version.get() != VERSION {
            return Err("its state is of another version");
        }
        let is_era_known = Proposed::from_bits(layout.proposed.get()).era() <= Proposed::ERA_MAX;
        if layout.zero != [0; 7] || layout.is_forked > 1 || !is_era_known {
            return Err("its state is not one that is written");
        }
        let warm = WarmCopy {
            issuer: IssuerId(layout.issuer.get()),
            tip: Tip {
                sequence: Sequence(layout.sequence.get()),
                digest: ChainDigest(layout.digest),
                proposed: Proposed::from_bits(layout.proposed.get()),
                confirmed: UnixMillis(layout.confirmed_ms.get()),
            },
            settled: Sequence(layout.settled.get()),
            heard: UnixMillis(layout.heard_ms.get()),
            is_forked: layout.is_forked == 1,
        };
        Ok((warm, SnapshotDigest(layout.snapshot)))
    }
}

fn seal(layout: &Layout) -> [u8; 32] {
    Sha256::digest(&layout.as_bytes()[32..]).into()
}
