//! Why a list cannot be used. The peer is at fault unless the text names the operator.

/// Characters of a name in a message: longer than any that the draft has.
const NAME_CHARS_MAX: usize = 64;

/// What a peer has written, before its signature is verified, as a part of a message: short, and on one line.
pub(crate) fn shown(text: &str) -> String {
    let chars = text.chars().take(NAME_CHARS_MAX);
    chars.map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// What is wrong with a token, its list or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes are no token at all.
    #[error("is no status list token: {0}; the publisher must send a JWT or a tagged COSE_Sign1")]
    NotAToken(&'static str),
    /// More bytes than a token may have.
    #[error("has more than {max} bytes; the publisher must split the list")]
    TooLong {
        /// The limit.
        max: usize,
    },
    /// `alg` is `none`.
    #[error("is not signed (alg none), so anyone could have written it; the publisher must sign it")]
    Unsigned,
    /// Another algorithm than ES256 or EdDSA.
    #[error("is signed with {0}; the publisher must use ES256 or EdDSA")]
    Algorithm(String),
    /// `typ`, or header 16, is another one.
    #[error("is a token of another type; a status list has {0}")]
    Type(&'static str),
    /// No trusted key fits its algorithm and key id.
    #[error(
        "is signed with a key that is not trusted here{0}; the operator adds the key or root, if it is genuine"
    )]
    UnknownKey(String),
    /// A trusted key fits and did not sign it.
    #[error("has a signature that is not genuine; take it from its publisher again")]
    Signature,
    /// A name or number comes twice.
    #[error("names {0} twice; the publisher must write each once")]
    Duplicate(String),
    /// A claim or header is missing or not as the draft says.
    #[error("{0}; the publisher must correct it")]
    Content(String),
    /// It is of another place.
    #[error("is the list of {found}, and {expected} was asked for; correct the URI, or tell the publisher")]
    AnotherList {
        /// The place it names.
        found: String,
        /// The place it was asked for.
        expected: String,
    },
    /// Its time is over.
    #[error("expired at {0} (Unix seconds); fetch it again, or tell the publisher")]
    Expired(u32),
    /// It is of the future.
    #[error("is dated {0} (Unix seconds), which is in the future; check this clock and the publisher's")]
    NotYet(u32),
    /// The deflated bytes cannot be inflated.
    #[error("has a list that cannot be inflated as zlib: {0}; the publisher must deflate it again")]
    Inflate(&'static str),
    /// It inflates to more than is taken.
    #[error("has a list that inflates to more than {max} bytes; the publisher must split it")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// It is older than what was taken before.
    #[error(
        "is dated {found} (Unix seconds), and one of {held} was taken before; an older list is never taken"
    )]
    Older {
        /// Its date.
        found: u32,
        /// That of the newest so far.
        held: u32,
    },
    /// The table has no room for its holders.
    #[error("does not fit the status table: {0}")]
    NoRoom(String),
    /// Another number of entries than was agreed.
    #[error(
        "has {found} entries, and {expected} are agreed; the operator or the publisher corrects the number"
    )]
    Entries {
        /// What it has.
        found: u64,
        /// What it must have.
        expected: u64,
    },
    /// A key file or certificate cannot be used.
    #[error("the key cannot be used: {0}")]
    Key(String),
}
