//! Two authorities, a population they vouch for, and a feed of it.

use std::error::Error;
use std::future::pending;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use hufu_codes::chain::{Authorities, AuthoritySigner, Tip, Unconfirmed, open_instruction};
use hufu_codes::issue::OperatorSigner;
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_follow::{Bundle, FileDrop, Following, Keys, Options, Timings};
use hufu_signature::PreparedKey;
use hufu_sync::{Delivery, Feed, FeedFault};
use hufu_table::{SnapshotWriter, Table};
use hufu_wire::chain::{ChainDigest, Change, Changes, Checkpoint, Content, InputsDigest, Record};
use hufu_wire::{
    Colour, HolderIndex, IssuerId, Message as _, RuleId, Sequence, StatusWord, UnixMillis, UnixSeconds,
};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

pub(crate) const ISSUER: IssuerId = IssuerId(110_000);
const NATIONAL: IssuerId = IssuerId(100_000);
const START: UnixMillis = UnixMillis(1_790_000_000_000);
/// Where the population is vouched for.
pub(crate) const VOUCHED: Sequence = Sequence(1_000);

/// Who signs.
pub(crate) struct Signers {
    local: AuthoritySigner,
    national: AuthoritySigner,
    pub(crate) authorities: Authorities,
    keyring: Arc<Keyring>,
}

impl Signers {
    pub(crate) fn new() -> Outcome<Signers> {
        let local = AuthoritySigner::from_seed(&[0x61; 32], ISSUER);
        let national = AuthoritySigner::from_seed(&[0x62; 32], NATIONAL);
        let operator = OperatorSigner::from_seed(&[0x22; 32]);
        let since = UnixSeconds(1_780_000_000);
        let keys = [
            local.listed(Uses::INSTRUCTION, since, since, UnixSeconds(u32::MAX)),
            national.listed(Uses::CONFIRMATION, since, since, UnixSeconds(u32::MAX)),
        ];
        let list = TrustList::sign(1, since, &keys, &operator);
        let list = TrustList::open(&list, &PreparedKey::new(operator.public())?)?;
        let keyring = Arc::new(Keyring::empty().update(&list, START.seconds())?);
        Ok(Signers { local, national, authorities: Authorities::new(ISSUER, NATIONAL, NATIONAL)?, keyring })
    }

    /// A checkpoint of `holders` greens, with its snapshot in `drop`.
    pub(crate) fn vouch(&self, holders: u32, drop: &Path) -> Outcome<(Bytes, Tip)> {
        let path = drop.join("population");
        let mut snapshot = SnapshotWriter::create(&path, ISSUER, VOUCHED, Some(START))?;
        let words = vec![StatusWord::new(Colour::Green, 1); 1 << 18];
        let mut left = holders as usize;
        while left > 0 {
            let now = left.min(words.len());
            snapshot.push(&words[..now])?;
            left -= now;
        }
        let digest = snapshot.finish()?.digest;
        Bundle::open(drop)?.snapshot(&path)?;
        std::fs::remove_file(path)?;
        let chain = ChainDigest([7; 32]);
        let mut checkpoint = Checkpoint {
            issuer: ISSUER,
            sequence: VOUCHED,
            made: START,
            proposed: START.into(),
            local_key: self.local.key(),
            national_key: self.national.key(),
            digest: chain,
            snapshot: digest.0,
            local_signature: [0; 64],
            national_signature: [0; 64],
        };
        checkpoint.local_signature = self.local.vouch(&checkpoint)?;
        checkpoint.national_signature = self.national.vouch(&checkpoint)?;
        let mut bytes = vec![0; checkpoint.size()];
        checkpoint.write_to(&mut bytes);
        let tip = Tip { sequence: VOUCHED, digest: chain, proposed: START.into(), confirmed: START };
        Ok((bytes.into(), tip))
    }

    /// `count` sets after `tip`, of `changes` changes each.
    #[allow(dead_code, reason = "one of the examples has none")]
    pub(crate) fn sets(&self, mut tip: Tip, count: u32, changes: u32) -> Outcome<Vec<Bytes>> {
        let mut sets = Vec::new();
        for set in 1..=count {
            let proposed = UnixMillis(START.0 + 1000 * u64::from(set));
            let red = Change::Status(StatusWord::new(Colour::Red, 0));
            let records: Vec<_> =
                (0..changes).map(|nth| Record::new(HolderIndex(nth * 97 + set), red)).collect();
            let content = Content {
                proposed: proposed.into(),
                valid_s: 60,
                rule: RuleId(7),
                inputs: InputsDigest([0x55; 32]),
                local_key: self.local.key(),
                reason: "a measurement",
                changes: Changes::new(&records)?,
            };
            let instruction = self.local.instruct(&content)?;
            let backend = hufu_signature::backend();
            let instruction = open_instruction(&instruction, &self.authorities, &self.keyring, backend)?;
            let bytes = self.national.confirm(&instruction, &tip, proposed)?;
            tip = *Unconfirmed::read(&bytes, &self.authorities)?.confirm(&self.keyring, backend)?.tip();
            sets.push(bytes.into());
        }
        Ok(sets)
    }

    pub(crate) fn start(
        &self,
        table: &Table,
        feed: Script,
        drop: &Path,
        folder: &Path,
    ) -> Outcome<Following> {
        Ok(Following::start(Options {
            writer: table.writer(ISSUER)?,
            authorities: self.authorities,
            feed: Box::new(feed),
            snapshots: Arc::new(FileDrop::new(drop)),
            folder: folder.to_owned(),
            keys: Keys::new(Arc::clone(&self.keyring)),
            timings: Timings::default(),
        })?)
    }
}

/// A feed of one checkpoint and some sets.
pub(crate) struct Script {
    pub(crate) checkpoint: Option<Bytes>,
    pub(crate) sets: std::vec::IntoIter<Bytes>,
}

#[async_trait]
impl Feed for Script {
    fn name(&self) -> &'static str {
        "a script"
    }

    fn is_live(&self) -> bool {
        false
    }

    async fn subscribe(&mut self, _after: Sequence) -> Result<(), FeedFault> {
        Ok(())
    }

    async fn next(&mut self) -> Result<Delivery, FeedFault> {
        if let Some(checkpoint) = self.checkpoint.take() {
            return Ok(Delivery::Checkpoint(checkpoint));
        }
        match self.sets.next() {
            Some(set) => Ok(Delivery::ChangeSet(set)),
            None => pending().await,
        }
    }

    async fn checkpoint(&mut self) -> Result<Option<Bytes>, FeedFault> {
        Ok(None)
    }
}

/// Waits until the words are at `sequence`; how long that took.
pub(crate) fn until(following: &Following, sequence: Sequence) -> Outcome<Duration> {
    let begun = Instant::now();
    while following.status().tip.sequence < sequence {
        if begun.elapsed() > Duration::from_secs(120) {
            return Err(format!("it stays at {:?}", following.status()).into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(begun.elapsed())
}

/// Reads every snapshot of a folder, so that it is in the page cache.
pub(crate) fn warm_up(folder: &Path) -> Outcome<u64> {
    let (mut bytes, mut scratch) = (0, vec![0; 1 << 20]);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            let mut file = std::fs::File::open(path)?;
            while let read @ 1.. = file.read(&mut scratch)? {
                bytes += read as u64;
            }
        }
    }
    Ok(bytes)
}
