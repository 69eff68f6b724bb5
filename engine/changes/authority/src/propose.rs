//! The local authority's half of a change: an instruction, signed and handed in.

use anyhow::{Context as _, ensure};
use hufu_codes::chain::content_digest;
use hufu_contract::Proposal;
use hufu_files::moment::{self, Span};
use hufu_wire::chain::{Changes, Content, ContentDigest, InputsDigest, Proposed, Record};
use hufu_wire::{IssuerId, Message as _, RuleId, UnixMillis, limits};

use crate::clocks::{Clocks, span};
use crate::remote::Remote;
use crate::signer::Signer;

/// What an instruction says beside its changes.
#[derive(Clone, Copy, Debug)]
pub struct Justification<'a> {
    /// The rule that set the colours.
    pub rule: RuleId,
    /// Why, for people; 1 to 128 bytes.
    pub reason: &'a str,
    /// Digest of what the rule was given.
    pub inputs: InputsDigest,
    /// For how long it may be confirmed, at most seven days.
    pub valid: Span,
}

/// A local authority that makes instructions, each later than the one before.
pub struct Proposer<'a> {
    signer: &'a dyn Signer,
    justification: Justification<'a>,
    last: Proposed,
}

impl<'a> Proposer<'a> {
    /// A local authority whose next instruction comes after `last`: the chain's last one, from [`chain_end`].
    pub fn new(signer: &'a dyn Signer, justification: Justification<'a>, last: Proposed) -> Proposer<'a> {
        Proposer { signer, justification, last }
    }

    /// Whose chain.
    pub fn issuer(&self) -> IssuerId {
        self.signer.key().issuer()
    }

    /// The next instruction, unsigned.
    ///
    /// # Errors
    /// It has no encoding: too many changes, no reason or too long a one, too long a validity.
    pub fn content<'c>(&mut self, changes: &'c [Record]) -> anyhow::Result<Content<'c>>
    where
        'a: 'c,
    {
        let Justification { rule, reason, inputs, valid } = self.justification;
        ensure!(
            (1..=limits::INSTRUCTION_VALIDITY_S_MAX).contains(&valid.s),
            "an instruction is valid for at most 7d"
        );
        let at = moment::now().0.max(self.last.at().0 + 1);
        self.last = Proposed::new(self.last.era(), UnixMillis(at));
        let changes = Changes::new(changes)?;
        let local_key = self.signer.key().id();
        Ok(Content { proposed: self.last, valid_s: valid.s, rule, inputs, local_key, reason, changes })
    }

    /// The instruction's bytes.
    ///
    /// # Errors
    /// Those of [`Signer::sign`]; every follower would refuse it.
    pub fn sign(&self, content: &Content<'_>) -> anyhow::Result<Vec<u8>> {
        self.signer.sign(self.signer.key().instruct(content)?)
    }

    /// The bytes of the next instruction, which nobody has to see before it is signed.
    ///
    /// # Errors
    /// Those of [`content`](Self::content) and [`sign`](Self::sign).
    pub fn instruct(&mut self, changes: &[Record]) -> anyhow::Result<Vec<u8>> {
        let content = self.content(changes)?;
        self.sign(&content)
    }

    /// Hands in an instruction; the same one again is the same proposal.
    ///
    /// # Errors
    /// Those of [`Remote::ask`].
    pub fn hand_in(&self, remote: &Remote, instruction: Vec<u8>) -> anyhow::Result<Proposal> {
        remote.ask(|api| api.propose(self.issuer(), instruction))
    }
}

/// After what an instruction that is signed now must come. `resets` begins the next era of the chain's time.
///
/// # Errors
/// Clocks differ, or the chain's last instruction is dated ahead of this clock and the time of the chain is not reset.
pub fn chain_end(
    remote: &Remote,
    issuer: IssuerId,
    clocks: Clocks,
    resets: bool,
) -> anyhow::Result<Proposed> {
    let tip = clocks.tip(remote, issuer)?;
    let ahead_ms = tip.proposed.at().since(moment::now());
    let is_ahead = ahead_ms > limits::CHAIN_SKEW_MS_MAX;
    ensure!(
        is_ahead || !resets,
        "the time of the chain is not ahead of this machine's clock: propose without --reset-time"
    );
    ensure!(
        !is_ahead || resets,
        "the chain's last instruction, in set {}, is dated {} after this machine's clock: nothing was signed; if this clock \
         is right, a clock was ahead when that was signed, and --reset-time begins another era of the chain's time \
         (docs/OPERATIONS.md, Clocks)",
        tip.sequence,
        span(ahead_ms)
    );
    if resets {
        let era = tip.proposed.era().checked_add(1).filter(|era| *era <= Proposed::ERA_MAX);
        return Ok(Proposed::new(era.context("the chain is in its last era")?, UnixMillis(0)));
    }
    Ok(tip.proposed)
}

/// The digest of a content: what both authorities sign, and what they compare over the telephone.
pub fn digest_of(content: &Content<'_>) -> ContentDigest {
    let mut bytes = vec![0; content.size()];
    content.write_to(&mut bytes);
    content_digest(&bytes)
}
