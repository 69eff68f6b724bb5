//! Why a trust list is not taken.

use hufu_signature::KeyFault;
use hufu_wire::KeyId;

use crate::cbor::Fault;

/// Why a trust list or a kept keyring is not taken. The operator can act; the engine keeps the keyring it
/// has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustFault {
    /// Not the one encoding of a trust list.
    #[error("malformed trust list: {0}")]
    Malformed(#[from] Fault),
    /// Signed by a key that is not this operator's.
    #[error("the trust list is signed by {kid}, which is not this operator's key")]
    AnotherOperator {
        /// The key it names.
        kid: KeyId,
    },
    /// The signature does not verify.
    #[error("the trust list's signature is not genuine")]
    NotGenuine,
    /// More keys than one list may have.
    #[error("{count} keys are too many for one trust list")]
    TooManyKeys {
        /// How many it declares.
        count: usize,
    },
    /// A key id that is not the digest of its key.
    #[error("key {kid}: the id does not belong to the public key")]
    WrongKeyId {
        /// The key.
        kid: KeyId,
    },
    /// A key of a scheme that nothing here verifies.
    #[error(
        "key {kid}: its signature scheme, COSE algorithm {algorithm}, is unknown to this program; update the program before \
         the operator lists such keys"
    )]
    UnknownScheme {
        /// The key.
        kid: KeyId,
        /// What the list names.
        algorithm: i64,
    },
    /// A key that could be used before it was published.
    #[error("key {kid}: in use before it was published")]
    UsedBeforePublished {
        /// The key.
        kid: KeyId,
    },
    /// A key whose end lies before its beginning.
    #[error("key {kid}: its validity ends before it begins")]
    NeverInForce {
        /// The key.
        kid: KeyId,
    },
    /// Not a public key that can be trusted.
    #[error("key {kid}: {fault}")]
    BadKey {
        /// The key.
        kid: KeyId,
        /// What is wrong with it.
        fault: KeyFault,
    },
    /// A lower version than the one held.
    #[error("version {offered} would roll back version {held}")]
    Rollback {
        /// The version held.
        held: u64,
        /// The version offered.
        offered: u64,
    },
    /// Another list under the version that is held already.
    #[error("two different lists have version {version}; `hufu keys trust settle` signs one above both")]
    Fork {
        /// Their version.
        version: u64,
    },
    /// Made after now.
    #[error("the trust list was made in the future")]
    FromTheFuture,
    /// A key that is new to this engine and claims to have been published before the list this engine holds.
    #[error("key {kid}: new, and said to be published before the last list")]
    Backdated {
        /// The key.
        kid: KeyId,
    },
    /// A known key id with another key, issuer, beginning or publication.
    #[error("key {kid}: the key itself, its issuer, beginning or publication has changed")]
    Changed {
        /// The key.
        kid: KeyId,
    },
    /// No room to remember another revoked key.
    #[error("more revoked keys than an engine remembers")]
    TooManyRevoked,
    /// A kept keyring whose bytes are damaged.
    #[error("the kept keyring is damaged")]
    Damaged,
}
