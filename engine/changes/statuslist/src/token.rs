//! A list with its claims, signed (draft section 5).

use std::str::FromStr;

use hufu_wire::{UnixSeconds, limits};

use crate::fault::Fault;
use crate::keys::Keys;
use crate::list::{Bits, StatusList};
use crate::signer::Signer;
use crate::{cwt, jwt};

/// Most bytes of a token: a list of [`INFLATED_BYTES_MAX`](crate::INFLATED_BYTES_MAX) that does not shrink, in base64.
pub const TOKEN_BYTES_MAX: usize = 24 << 20;

/// Longest `ttl` that is believed, seconds: a year. A publisher's mistake must not end all fetching.
pub const TTL_S_MAX: u32 = 366 * 86_400;

/// How a token is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text, for SD-JWT and the web.
    Jwt,
    /// Bytes, for mdoc and readers.
    Cwt,
}

/// What a token says beside its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `sub`: where the list is, exactly as credentials name it.
    pub uri: String,
    /// `iat`: of when the statuses are.
    pub issued: UnixSeconds,
    /// `exp`: from when it must not be relied on.
    pub expires: Option<UnixSeconds>,
    /// `ttl`: after how many seconds a fresh one should be fetched.
    pub ttl_s: Option<u32>,
}

/// A token whose signature is genuine, or that [`look`] has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// How it was written.
    pub format: Format,
    /// The algorithm that it names.
    pub algorithm: &'static str,
    /// The key id that it names.
    pub key_id: Option<String>,
    /// What it says.
    pub claims: Claims,
    /// The values.
    pub list: StatusList,
}

/// What a caller knows about the list it wants.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// `sub` must be this.
    pub uri: Option<&'a str>,
    /// Its number of entries, where that was agreed.
    pub entries: Option<u64>,
    /// The time.
    pub now: UnixSeconds,
}

/// What stands in a token before anything is believed.
pub(crate) struct Envelope {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
    /// Certificates, the signer's first, in DER.
    pub(crate) chain: Vec<Vec<u8>>,
    /// What is signed.
    pub(crate) message: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) payload: Vec<u8>,
}

/// Claims with the list still deflated.
pub(crate) struct Deflated {
    pub(crate) claims: Claims,
    pub(crate) not_before: Option<u32>,
    pub(crate) bits: Bits,
    pub(crate) zlib: Vec<u8>,
}

/// Signature algorithms of JOSE and COSE that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Algorithm::Es256 => "ES256",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    /// RFC 9053 sections 2.1 and 2.2.
    pub(crate) const fn cose(self) -> i64 {
        match self {
            Algorithm::Es256 => -7,
            Algorithm::EdDsa => -8,
        }
    }
}

impl Format {
    /// Both.
    pub const ALL: [Format; 2] = [Format::Jwt, Format::Cwt];

    /// The media type (draft section 14.7).
    pub const fn media_type(self) -> &'static str {
        match self {
            Format::Jwt => "application/statuslist+jwt",
            Format::Cwt => "application/statuslist+cwt",
        }
    }

    /// The end of a file's name.
    pub const fn extension(self) -> &'static str {
        match self {
            Format::Jwt => "jwt",
            Format::Cwt => "cwt",
        }
    }

    /// How these bytes are written, by the first of them.
    pub fn of(token: &[u8]) -> Format {
        if token.first() == Some(&cwt::SIGN1_TAG) { Format::Cwt } else { Format::Jwt }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        let found = Format::ALL.into_iter().find(|format| format.extension() == text);
        found.ok_or_else(|| format!("{text:?} is no format; write jwt or cwt"))
    }
}

/// The token of a list. `zlib` is [`StatusList::deflate`]'s, so that both formats deflate once.
///
/// # Errors
/// [`Fault::Key`] when signing fails.
pub fn write(
    format: Format,
    claims: &Claims,
    bits: Bits,
    zlib: &[u8],
    signer: &Signer,
) -> Result<Vec<u8>, Fault> {
    match format {
        Format::Jwt => jwt::write(claims, bits, zlib, signer),
        Format::Cwt => cwt::write(claims, bits, zlib, signer),
    }
}

/// Reads a token, and believes it when one of `keys` has signed it and it is what was expected. Its claims and its
/// list are not looked at before its signature is verified.
///
/// # Errors
/// The first [`Fault`].
pub fn read(token: &[u8], keys: &Keys, expected: &Expected<'_>) -> Result<Token, Fault> {
    let (format, envelope) = open(token)?;
    keys.verify(&envelope, expected.now)?;
    let deflated = claims(format, &envelope)?;
    check(&deflated, expected)?;
    finish(format, &envelope, deflated, expected.entries)
}

/// Reads a token without believing it, for people who look into one: no signature, no time is checked.
///
/// # Errors
/// The first [`Fault`] of its form.
pub fn look(token: &[u8]) -> Result<Token, Fault> {
    let (format, envelope) = open(token)?;
    let deflated = claims(format, &envelope)?;
    finish(format, &envelope, deflated, None)
}

fn open(token: &[u8]) -> Result<(Format, Envelope), Fault> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Fault::TooLong { max: TOKEN_BYTES_MAX });
    }
    let format = Format::of(token);
    let envelope = match format {
        Format::Jwt => jwt::open(token)?,
        Format::Cwt => cwt::open(token)?,
    };
    Ok((format, envelope))
}

fn claims(format: Format, envelope: &Envelope) -> Result<Deflated, Fault> {
    match format {
        Format::Jwt => jwt::claims(&envelope.payload),
        Format::Cwt => cwt::claims(&envelope.payload),
    }
}

fn finish(
    format: Format,
    envelope: &Envelope,
    deflated: Deflated,
    entries: Option<u64>,
) -> Result<Token, Fault> {
    let list = StatusList::inflate(deflated.bits, &deflated.zlib, entries)?;
    let (algorithm, key_id) = (envelope.algorithm.name(), envelope.key_id.clone());
    Ok(Token { format, algorithm, key_id, claims: deflated.claims, list })
}

/// The claims against the clock and what the caller knows (draft section 8.3, step 4).
fn check(deflated: &Deflated, expected: &Expected<'_>) -> Result<(), Fault> {
    let Deflated { claims, not_before, .. } = deflated;
    let now = expected.now.0;
    if let Some(uri) = expected.uri.filter(|uri| *uri != claims.uri) {
        return Err(Fault::AnotherList { found: claims.uri.clone(), expected: uri.to_owned() });
    }
    let latest = now.saturating_add(limits::NOT_BEFORE_TOLERANCE_S);
    if let Some(ahead) = [Some(claims.issued.0), *not_before].into_iter().flatten().find(|at| *at > latest) {
        return Err(Fault::NotYet(ahead));
    }
    if let Some(expires) = claims.expires {
        if expires <= claims.issued {
            return Err(Fault::Content("exp is not after iat".to_owned()));
        }
        if expires.0 <= now {
            return Err(Fault::Expired(expires.0));
        }
    }
    match claims.ttl_s {
        Some(ttl_s) if !(1..=TTL_S_MAX).contains(&ttl_s) => {
            Err(Fault::Content(format!("ttl is {ttl_s}, and 1 to {TTL_S_MAX} seconds are expected")))
        }
        _ => Ok(()),
    }
}

impl Claims {
    /// Whether it must not be relied on any more at `now`.
    pub fn expired(&self, now: UnixSeconds) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}
