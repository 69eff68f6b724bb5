//! The local authority and the national platform at work.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use hufu_codes::chain::{AuthoritySigner, Tip, chain_digest, content_digest, open_instruction};
use hufu_codes::keyring::Keyring;
use hufu_registry::ProposalId;
use hufu_signature::backend;
use hufu_upstream::{Api, ApiFault};
use hufu_wire::chain::{Change, ChangeSet, Changes, Content, InputsDigest, Parts, Record};
use hufu_wire::{Colour, HolderIndex, RuleId, Sequence, StatusWord, UnixMillis, read};
use tokio::runtime::{Builder, Runtime};

use crate::land::{ISSUER, Land, NATIONAL, now};
use crate::process::PATIENCE;
use crate::truth::Truth;

/// Signs changes and hands them in until the registry has them.
pub struct Author {
    api: Api,
    runtime: Runtime,
    land: Arc<Land>,
    keyring: Keyring,
    local: AuthoritySigner,
    national: AuthoritySigner,
    truth: Arc<Truth>,
    tip: Tip,
    proposed: UnixMillis,
}

/// A change set that is in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Its sequence.
    pub sequence: Sequence,
    /// When the registry had committed it, microseconds since 1970; `None` when it had been there before.
    pub committed_us: Option<u64>,
    /// When its confirmation left here, microseconds since 1970.
    pub sent_us: u64,
}

impl Author {
    /// The one author of a chain that is empty yet.
    ///
    /// # Errors
    /// Keys are missing.
    pub fn new(land: Arc<Land>, api: Api, truth: Arc<Truth>) -> Result<Author> {
        Ok(Author {
            api,
            runtime: Builder::new_current_thread().enable_all().build()?,
            keyring: land.keyring()?,
            local: land.signer("local", ISSUER)?,
            national: land.signer("national", NATIONAL)?,
            land,
            truth,
            tip: Tip::START,
            proposed: UnixMillis(0),
        })
    }

    /// Calls another registry from now on.
    pub fn call(&mut self, api: Api) {
        self.api = api;
    }

    /// The truth that it writes.
    pub fn truth(&self) -> &Arc<Truth> {
        &self.truth
    }

    /// The chain's last set.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// Gives holders of the truth these colours. Tries until the registry has it: it may be away for a while.
    ///
    /// # Errors
    /// The registry refuses it, or is away too long.
    pub fn set(&mut self, changed: &[(u32, Colour)]) -> Result<Committed> {
        let sequence = self.truth.push(changed);
        let records: Vec<_> = changed
            .iter()
            .map(|(holder, colour)| {
                Record::new(HolderIndex(*holder), Change::Status(StatusWord::new(*colour, 0)))
            })
            .collect();
        let committed = self.append(&records)?;
        anyhow::ensure!(committed.sequence == sequence, "{committed:?} is not {sequence}");
        Ok(committed)
    }

    /// Signs records of any holders and hands them in, as [`set`](Self::set) does.
    ///
    /// # Errors
    /// Those of [`set`](Self::set).
    pub fn append(&mut self, records: &[Record]) -> Result<Committed> {
        let (instruction, set) = self.sign(records)?;
        let begun = Instant::now();
        loop {
            match self.hand_in(&instruction, &set) {
                Ok(committed) => {
                    self.tip = tip_of(&set)?;
                    return Ok(committed);
                }
                Err(fault) if fault.is_passing() && begun.elapsed() < PATIENCE => {
                    thread::sleep(Duration::from_millis(50));
                }
                Err(fault) => bail!("the registry does not take the set: {fault}"),
            }
        }
    }

    /// Both signatures on the set that comes next: the bytes of the instruction and of the set.
    ///
    /// # Errors
    /// The records do not go together.
    pub fn sign(&mut self, records: &[Record]) -> Result<(Vec<u8>, Vec<u8>)> {
        self.proposed = UnixMillis(now().0.max(self.proposed.0 + 1));
        let instruction = self.local.instruct(&Content {
            proposed: self.proposed.into(),
            valid_s: 3600,
            rule: RuleId(7),
            inputs: InputsDigest([7; 32]),
            local_key: self.local.key(),
            reason: "a test of the field",
            changes: Changes::new(records)?,
        })?;
        let authorities = self.land.authorities()?;
        let verified = open_instruction(&instruction, &authorities, &self.keyring, backend())?;
        let set = self.national.confirm(&verified, &self.tip, self.proposed)?;
        Ok((instruction, set))
    }

    /// The set that would come next, with the local authority's signature in place of the national platform's: one
    /// authority alone. Nothing is handed in.
    ///
    /// # Errors
    /// Those of [`sign`](Self::sign).
    pub fn sign_alone(&mut self, records: &[Record]) -> Result<Vec<u8>> {
        let (_, mut set) = self.sign(records)?;
        let ChangeSet { position, .. } = read(&set)?;
        let content = content_digest(Parts::of(&set).context("a set of our own")?.content);
        let signature = self.local.sign_position(&position, &content);
        let at = set.len() - signature.len();
        set[at..].copy_from_slice(&signature);
        Ok(set)
    }

    /// Signs the set that comes next and hands it to nobody: the chain goes on here from it. The registry has seen the
    /// last of this author then.
    ///
    /// # Errors
    /// Those of [`sign`](Self::sign).
    pub fn sign_next(&mut self, records: &[Record]) -> Result<Vec<u8>> {
        let (_, set) = self.sign(records)?;
        self.tip = tip_of(&set)?;
        Ok(set)
    }

    /// A set as the registry hands it out.
    ///
    /// # Errors
    /// It has no such set, or does not answer.
    pub fn fetch(&self, sequence: Sequence) -> Result<Vec<u8>> {
        Ok(self.runtime.block_on(self.api.set(ISSUER, sequence))?.to_vec())
    }

    fn hand_in(&self, instruction: &[u8], set: &[u8]) -> Result<Committed, ApiFault> {
        self.runtime.block_on(async {
            let proposal = self.api.propose(ISSUER, instruction.to_vec()).await?;
            let sent_us = now_us();
            let confirmed = self.api.confirm(ISSUER, ProposalId(proposal.id), set.to_vec()).await?;
            Ok(Committed {
                sequence: Sequence(confirmed.sequence),
                committed_us: confirmed.committed_us,
                sent_us,
            })
        })
    }
}

/// The tip of a chain that ends with this set.
fn tip_of(set: &[u8]) -> Result<Tip> {
    let ChangeSet { position, content, .. } = read(set)?;
    let parts = Parts::of(set).context("a set of our own")?;
    Ok(Tip {
        sequence: position.sequence,
        digest: chain_digest(parts.position, &content_digest(parts.content)),
        proposed: content.proposed,
        confirmed: position.confirmed,
    })
}

/// Microseconds since 1970 by this machine's clock.
fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
