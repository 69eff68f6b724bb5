//! The local authority and the national platform at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use hufu_authority::{Justification, Proposer, SignedSet, place};
use hufu_codes::chain::{Authorities, AuthoritySigner, Tip, content_digest, open_instruction};
use hufu_codes::keyring::Keyring;
use hufu_contract::ProposalId;
use hufu_files::moment::Span;
use hufu_signature::backend;
use hufu_upstream::{Api, ApiFault};
use hufu_wire::chain::{Change, ChangeSet, InputsDigest, Parts, Proposed, Record};
use hufu_wire::{Colour, HolderIndex, RuleId, Sequence, StatusWord, read};
use tokio::runtime::{Builder, Runtime};

use crate::deployment::{Deployment, ISSUER};
use crate::process::PATIENCE;
use crate::truth::{HOLDERS, Truth};

/// Signs changes and hands them in until the registry has them.
pub struct Author {
    api: Api,
    runtime: Runtime,
    authorities: Authorities,
    keyring: Keyring,
    local: AuthoritySigner,
    national: AuthoritySigner,
    truth: Arc<Truth>,
    tip: Tip,
    proposed: Proposed,
    /// Turns taken.
    turn: u32,
    /// Answers that a disk was full.
    without_room: Arc<AtomicU64>,
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
    pub fn new(deployment: &Deployment, api: Api, truth: Arc<Truth>) -> Result<Author> {
        Ok(Author {
            api,
            runtime: Builder::new_current_thread().enable_all().build()?,
            authorities: deployment.authorities()?,
            keyring: deployment.keyring()?,
            local: deployment.signer("local")?,
            national: deployment.signer("national")?,
            truth,
            tip: Tip::START,
            proposed: Proposed::START,
            turn: 0,
            without_room: Arc::default(),
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

    /// Turns three holders red, amber and green again, each turn others: one change set.
    ///
    /// # Errors
    /// Those of [`set`](Self::set).
    pub fn turn(&mut self) -> Result<Committed> {
        self.turn += 1;
        let holder = |of: u32| (self.turn * 5 + of) % HOLDERS;
        let next = |holder: u32| match self.truth.colour(holder) {
            Some(Colour::Green) => Colour::Red,
            Some(Colour::Red) => Colour::Amber,
            Some(Colour::Amber) | None => Colour::Green,
        };
        let mut changed: Vec<_> = (0..3).map(|of| (holder(of * 7), next(holder(of * 7)))).collect();
        changed.sort_by_key(|(holder, _)| *holder);
        changed.dedup_by_key(|(holder, _)| *holder);
        self.set(&changed)
    }

    /// How often it was told that a disk is full, as a count that goes on elsewhere.
    pub fn without_room(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.without_room)
    }

    /// Whether the same set may be taken a moment later: an operator who is told of a full disk makes room.
    fn passes(&self, fault: &ApiFault) -> bool {
        let is_full = fault.problem().is_some_and(|problem| problem.status == 507);
        self.without_room.fetch_add(u64::from(is_full), Ordering::Relaxed);
        fault.is_passing() || is_full
    }

    /// Signs records of any holders and hands them in, as [`set`](Self::set) does.
    ///
    /// # Errors
    /// Those of [`set`](Self::set).
    pub fn append(&mut self, records: &[Record]) -> Result<Committed> {
        let (instruction, set) = self.place(records)?;
        let begun = Instant::now();
        loop {
            match self.hand_in(&instruction, &set.bytes) {
                Ok(committed) => {
                    self.tip = set.tip;
                    return Ok(committed);
                }
                Err(fault) if self.passes(&fault) && begun.elapsed() < PATIENCE => {
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
        self.place(records).map(|(instruction, set)| (instruction, set.bytes))
    }

    fn place(&mut self, records: &[Record]) -> Result<(Vec<u8>, SignedSet)> {
        let justification = Justification {
            rule: RuleId(7),
            reason: "a test of the field",
            inputs: InputsDigest([7; 32]),
            valid: Span { s: 3600 },
        };
        let mut proposer = Proposer::new(&self.local, justification, self.proposed);
        let content = proposer.content(records)?;
        let instruction = proposer.sign(&content)?;
        self.proposed = content.proposed;
        let verified = open_instruction(&instruction, &self.authorities, &self.keyring, backend())?;
        let set = place(&self.national, &self.authorities, &verified, &self.tip, content.proposed.at())?;
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

    /// Signs the set that comes next and hands it to no one: the chain goes on here from it. The registry has seen the
    /// last of this author then.
    ///
    /// # Errors
    /// Those of [`sign`](Self::sign).
    pub fn sign_next(&mut self, records: &[Record]) -> Result<Vec<u8>> {
        let (_, set) = self.place(records)?;
        self.tip = set.tip;
        Ok(set.bytes)
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

/// Microseconds since 1970 by this machine's clock.
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
