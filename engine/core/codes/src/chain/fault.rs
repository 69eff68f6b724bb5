//! Why a message of a chain is not believed.

use core::fmt;

use hufu_wire::{IssuerId, KeyId, Malformed, Reason, Sequence};

use super::role::Role;

/// A message of one issuer's chain that is not believed. Nothing follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainFault {
    /// The issuer whose chain is followed.
    pub issuer: IssuerId,
    /// What kind of message it was.
    pub message: &'static str,
    /// The place it claims, as far as that can be read.
    pub sequence: Option<Sequence>,
    /// What is wrong.
    pub kind: ChainFaultKind,
}

/// What is wrong with a message of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFaultKind {
    /// Not the one encoding of any such message.
    #[error("{}", .0.fault)]
    Malformed(Malformed),
    /// Of another chain than the one that is followed.
    #[error("it is of issuer {found}")]
    AnotherIssuer {
        /// Whose chain it is of.
        found: IssuerId,
    },
    /// A key that may not sign this, or was not in force.
    #[error("the {role} key {kid}: {}", .reason.slug())]
    Key {
        /// In which role it signs.
        role: Role,
        /// The key it names.
        kid: KeyId,
        /// What is wrong with the key.
        reason: Reason,
    },
    /// A key that may sign such things for somebody else.
    #[error("the {role} key {kid} belongs to issuer {found}, not to {wanted}")]
    AnotherAuthority {
        /// In which role it signs.
        role: Role,
        /// The key.
        kid: KeyId,
        /// Whose key it is.
        found: IssuerId,
        /// Whose key it should be.
        wanted: IssuerId,
    },
    /// The signature does not verify.
    #[error("the {role} signature is not genuine")]
    NotGenuine {
        /// Whose signature.
        role: Role,
    },
    /// Confirmed when it could no longer be.
    #[error("it had expired {late_ms} ms before it was confirmed")]
    ExpiredBeforeConfirmation {
        /// How late.
        late_ms: u64,
    },
    /// Confirmed by a clock that is behind the proposer's.
    #[error("it was confirmed {early_ms} ms before it was proposed")]
    ConfirmedBeforeProposal {
        /// How early.
        early_ms: u64,
    },
}

impl ChainFault {
    /// The fault of `bytes`, which claim to be a `message` of `issuer`'s chain. All messages that have a sequence
    /// have it in the same place.
    pub(super) fn of(
        issuer: IssuerId,
        message: &'static str,
        bytes: &[u8],
        kind: ChainFaultKind,
    ) -> ChainFault {
        let sequence = bytes.get(16..).and_then(|rest| rest.first_chunk());
        let sequence = sequence.map(|bytes| Sequence(u64::from_le_bytes(*bytes)));
        ChainFault { issuer, message, sequence, kind }
    }
}

impl From<Malformed> for ChainFaultKind {
    fn from(malformed: Malformed) -> ChainFaultKind {
        ChainFaultKind::Malformed(malformed)
    }
}

impl fmt::Display for ChainFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ChainFault { issuer, message, sequence, kind } = self;
        match sequence {
            Some(sequence) => write!(f, "issuer {issuer}, {message} {sequence}: {kind}"),
            None => write!(f, "issuer {issuer}, {message}: {kind}"),
        }
    }
}

impl core::error::Error for ChainFault {}
