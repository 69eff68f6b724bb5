//! `hufu inspect`: what some bytes are, field by field, and why they would be refused if they would be.

mod certificate;
mod chain;
mod explained;
mod foreign;
mod foreign_lists;
mod keys;
mod message;
mod signed;
mod snapshot;
mod status_list;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, ValueEnum};
use hufu_client::Scanner;
use hufu_codes::keyring::Keyring;
use hufu_codes::text;
use hufu_files::keys::{Owner, PublicKey};
use hufu_files::moment::{Clock, Moment};
use hufu_files::trust_list;
use hufu_hc1::Verifier;
use hufu_hc1::lists::ListKind;
use hufu_signature::PreparedKey;
use hufu_wire::{Reason, Reference, UnixSeconds, limits, scan};

use self::explained::Explained;
use crate::commands::foreign as lists;
use crate::outcome::Exit;
use crate::picture::Format;
use crate::{qr, term};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu inspect 'HF1:6BF...'
  hufu inspect code.png --trust trust.hufu --operator operator.pub
  hufu inspect certificate.png --signers signers.hufu --operator operator.pub
  hufu inspect class-3b.roster
  hufu inspect issuer-310000.snapshot
  hufu inspect next.checkpoint
  hufu inspect 0.cwt
  hufu inspect signers.hufu --operator operator.pub
  hufu inspect dsc.pem
  hufu inspect SL1:900001.7
  hufu inspect --as verdict 0100000000000000
  hufu present --holder zhang.holder | hufu inspect -

A text is judged as `hufu check` would: what stands around a code is taken off, and what is no code is refused.

Exit status: 0 nothing found for which it would be refused, 1 it would be refused, 2 it is not known what it is.";

/// Explain any code or message of the protocol.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A code's text, hexadecimal digits, a file (a picture, too), or - for standard input
    #[arg(value_name = "WHAT")]
    what: String,
    /// The kind of message, where the bytes do not show it
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<Kind>,
    /// A trust list: verify the signature under its keys
    #[arg(long, value_name = "FILE", requires = "operator")]
    trust: Option<PathBuf>,
    /// A list of foreign signers: verify a certificate of another system under its keys
    #[arg(long, value_name = "FILE", requires = "operator")]
    signers: Option<PathBuf>,
    /// A list of foreign revocations
    #[arg(long, value_name = "FILE", requires = "signers")]
    revocations: Option<PathBuf>,
    /// The operator's public key, to verify these lists
    #[arg(long, value_name = "FILE")]
    operator: Option<PathBuf>,
    /// The moment at which it is judged
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    at: Moment,
}

/// What bytes can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A code in binary form
    Code,
    /// A signed credential
    Credential,
    /// A signed roster
    Roster,
    /// A signed trust list
    TrustList,
    /// A sealed request
    SealedRequest,
    /// A sealed reply
    SealedReply,
    /// A check request
    CheckRequest,
    /// A verdict
    Verdict,
    /// The answer to a roster
    RosterVerdicts,
    /// A status word
    Status,
    /// A session; its secrets are not shown
    Enrolled,
    /// A checkpoint of both authorities
    Checkpoint,
    /// A change set of a chain
    ChangeSet,
    /// An instruction of a local authority
    Instruction,
    /// A head of a chain
    Head,
    /// A release of a bulk change
    Release,
    /// A snapshot file
    Snapshot,
    /// A Token Status List, as JWT or CWT
    StatusList,
    /// The operator's list of foreign signers
    ForeignSigners,
    /// The operator's list of foreign revocations
    ForeignRevocations,
}

/// Whom to believe, and when.
pub(crate) struct Judge {
    pub(crate) operator: Option<PreparedKey>,
    pub(crate) keyring: Option<Keyring>,
    pub(crate) foreign: Option<Verifier>,
    pub(crate) now: UnixSeconds,
}

/// Nothing that fits a protocol message is larger; snapshots are read in place.
const INPUT_BYTES_MAX: u64 = 8 << 20;

/// Runs `hufu inspect`.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<Exit> {
    let judge = judge(args)?;
    let explained = explain(args, &judge)?;
    term::outcome(|| explained.to_json(), || explained.to_text(term::stdout()));
    Ok(if explained.is_refused() { Exit::No } else { Exit::Yes })
}

fn explain(args: &InspectArgs, judge: &Judge) -> anyhow::Result<Explained> {
    let path = Path::new(&args.what);
    let is_file = args.what != "-" && path.is_file();
    if is_file
        && matches!(args.kind, None | Some(Kind::Snapshot))
        && let Some(explained) = snapshot::explain(path, args.kind.is_some())
    {
        return Ok(explained);
    }
    let bytes = match &*args.what {
        "-" => standard_input()?,
        _ if is_file => file(path)?,
        text => text.as_bytes().to_vec(),
    };
    ensure!(!bytes.is_empty(), "{} is empty", if is_file { &*args.what } else { "what is to be explained" });
    if let Some(kind) = args.kind {
        let bytes = hex::decode(bytes.trim_ascii()).unwrap_or(bytes);
        return as_kind(kind, &bytes, judge);
    }
    if Format::of(&bytes).is_some() {
        let text = qr::read(&bytes).with_context(|| format!("cannot read a code from {}", args.what))?;
        return Ok(explain_text(&text, judge));
    }
    // A JWT is no text of a scanner: it is longer.
    if bytes.starts_with(b"ey") && status_list::token(bytes.trim_ascii()).is_readable() {
        return Ok(status_list::token(bytes.trim_ascii()));
    }
    if let Some(explained) = is_file.then(|| keys::explain(path, &bytes)).flatten() {
        return Ok(explained);
    }
    if let Ok(bytes) = hex::decode(bytes.trim_ascii()) {
        return guess(&bytes, judge);
    }
    let explained = explain_text(&bytes, judge);
    let is_text = str::from_utf8(&bytes)
        .is_ok_and(|text| !text.contains(|c: char| c.is_control() && !c.is_whitespace()));
    match explained.reason() {
        Some(Reason::NotACode) if !is_text => guess(&bytes, judge),
        Some(Reason::NotACode) if !is_file && args.what != "-" => {
            bail!("{} is neither a file nor a code", args.what)
        }
        _ => Ok(explained),
    }
}

/// A text, as an engine would judge it when a gate shows it.
fn explain_text(given: &[u8], judge: &Judge) -> Explained {
    let text = match Scanner::default().text(given) {
        Ok(text) => text,
        Err(fault) => return Explained::new("text of a scanner").misread(fault),
    };
    if hufu_hc1::text::is_certificate(text) {
        return certificate::explain(text, judge);
    }
    let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
    if Reference::begins(text) {
        return status_list::reference(text);
    }
    match text::decode(text, &mut binary) {
        Ok(binary) => signed::code(binary, Some(text.len()), judge),
        Err(reason) => {
            let what = match reason {
                Reason::NotACode => "text",
                _ => scan::foreign_name(text).unwrap_or("code text"),
            };
            Explained::new(what).refused(reason)
        }
    }
}

fn as_kind(kind: Kind, bytes: &[u8], judge: &Judge) -> anyhow::Result<Explained> {
    Ok(match kind {
        Kind::Code => signed::code(bytes, None, judge),
        Kind::Credential => signed::credential(bytes, judge),
        Kind::Roster => signed::roster(bytes, judge),
        Kind::TrustList => signed::trust_list(bytes, judge),
        Kind::Checkpoint | Kind::ChangeSet | Kind::Instruction | Kind::Head | Kind::Release => {
            chain::explain(kind, bytes)
        }
        Kind::Snapshot => bail!("a snapshot is read from a file"),
        Kind::StatusList => status_list::token(bytes),
        Kind::ForeignSigners => foreign_lists::explain(ListKind::Signers, bytes, judge),
        Kind::ForeignRevocations => foreign_lists::explain(ListKind::Revocations, bytes, judge),
        _ => message::explain(kind, bytes),
    })
}

/// The kinds that tell themselves apart, the most telling first. A status word is none of them: any eight bytes are one.
fn guess(bytes: &[u8], judge: &Judge) -> anyhow::Result<Explained> {
    let chain = [Kind::Checkpoint, Kind::ChangeSet, Kind::Instruction, Kind::Head, Kind::Release];
    let signed = [Kind::Code, Kind::Credential, Kind::Roster, Kind::TrustList];
    let messages = [
        Kind::SealedRequest,
        Kind::SealedReply,
        Kind::Enrolled,
        Kind::Verdict,
        Kind::CheckRequest,
        Kind::RosterVerdicts,
    ];
    let explain = |kinds: &[Kind]| -> anyhow::Result<Option<Explained>> {
        for kind in kinds {
            let explained = as_kind(*kind, bytes, judge)?;
            if explained.is_readable() {
                return Ok(Some(explained));
            }
        }
        Ok(None)
    };
    // By their outside: also of another operator, or cut.
    match ListKind::of(bytes) {
        Some(ListKind::Signers) => return as_kind(Kind::ForeignSigners, bytes, judge),
        Some(ListKind::Revocations) => return as_kind(Kind::ForeignRevocations, bytes, judge),
        None => {}
    }
    let lists = [Kind::StatusList];
    let ours = explain(&chain)?.or(explain(&signed)?).or(explain(&lists)?);
    if let Some(explained) = ours.or_else(|| foreign::explain(bytes)) {
        return Ok(explained);
    }
    if let Some(explained) = explain(&messages)? {
        return Ok(explained);
    }
    let perhaps = if bytes.len() == 8 { " (--as status if it is a status word)" } else { "" };
    bail!(
        "these {} bytes are not a complete message of a known kind{perhaps}; --as KIND shows why they are not of that kind",
        bytes.len()
    )
}

fn judge(args: &InspectArgs) -> anyhow::Result<Judge> {
    let now = Clock::here().any(args.at).context("--at")?;
    let operator = match &args.operator {
        Some(path) => Some(PreparedKey::new(&PublicKey::load(path, Owner::Operator)?.public)?),
        None => None,
    };
    let keyring = match (&args.trust, &operator) {
        (Some(path), Some(operator)) => {
            // Judged by itself: what an engine has seen before is not known here.
            Some(Keyring::empty().update(&trust_list::open(path, operator)?, UnixSeconds(u32::MAX))?)
        }
        _ => None,
    };
    let foreign = match (&args.signers, &operator) {
        (Some(path), Some(operator)) => {
            let signers = lists::signers(path, operator)?;
            let revoked = args.revocations.as_ref().map(|path| lists::revoked(path, operator)).transpose()?;
            Some(Verifier::new(signers, revoked, 1).context("the system gives no random bytes")?)
        }
        _ => None,
    };
    Ok(Judge { operator, keyring, foreign, now })
}

fn standard_input() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(INPUT_BYTES_MAX).read_to_end(&mut bytes).context("cannot read standard input")?;
    Ok(bytes)
}

/// A file's bytes; only pictures may be larger than the largest message.
fn file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let mut file = std::fs::File::open(path).with_context(cannot)?;
    let mut bytes = Vec::new();
    file.by_ref().take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(cannot)?;
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        ensure!(Format::of(&bytes).is_some(), "{} is larger than the largest message", path.display());
        file.read_to_end(&mut bytes).with_context(cannot)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_codes::issue::{IssuerSigner, code_text};
    use hufu_codes::{Credential, Detail};
    use hufu_wire::{HolderIndex, IssuerId};

    const JUDGE: Judge =
        Judge { operator: None, keyring: None, foreign: None, now: UnixSeconds(1_795_000_100) };

    fn genuine() -> Vec<u8> {
        let signer = IssuerSigner::from_seed(&[7; 32], IssuerId(1));
        let credential = signer.sign_credential(&Credential {
            key: signer.key(),
            issued: UnixSeconds(1_795_000_000),
            expires: UnixSeconds(1_795_086_400),
            holder: HolderIndex(5),
            generation: 0,
            display: "W*1",
            detail: Detail::Paper,
        });
        code_text(&credential.unwrap(), None).into_bytes()
    }

    #[test]
    fn r01_a_certificate_of_another_system_is_told_as_one() {
        for (text, reason) in [
            ("HC1:6BFOXN", "foreign-unreadable"),
            ("shc:/567629095243206034602924374044603122295953265460346029254077280433", "foreign-code"),
        ] {
            let explained = explain_text(text.as_bytes(), &JUDGE);
            assert!(explained.is_refused());
            assert!(explained.to_text(term::plain()).contains(reason));
        }
    }

    /// Explains `bytes` as every kind and as none, in words and in JSON.
    fn survive(bytes: &[u8]) {
        let kinds = Kind::value_variants().iter().filter(|kind| **kind != Kind::Snapshot);
        let explained = kinds.map(|kind| as_kind(*kind, bytes, &JUDGE)).chain([guess(bytes, &JUDGE)]);
        for explained in explained.flatten().chain([explain_text(bytes, &JUDGE)]) {
            assert!(!explained.to_text(term::stdout()).is_empty());
            assert!(explained.to_json().is_object());
        }
    }

    #[test]
    fn whatever_is_shown_is_explained_or_refused_without_a_panic() {
        let genuine = genuine();
        assert!(!explain_text(&genuine, &JUDGE).is_refused());
        let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
        let binary = text::decode(&genuine, &mut binary).unwrap();
        for length in 0..binary.len() {
            survive(&binary[..length]);
            assert!(explain_text(&genuine[..length], &JUDGE).is_refused(), "cut off after {length}");
        }
        let mut noise = 1_u64;
        for _ in 0..2_000 {
            noise = hufu_fixtures::mix(noise);
            let mut changed = binary.to_vec();
            let at = usize::try_from(noise % changed.len() as u64).unwrap();
            changed[at] ^= noise.to_le_bytes()[7];
            survive(&changed);
        }
        for length in [0, 1, 8, 32, 40, 80, 107, 108, 124, 156, 164, 644, 1000] {
            for byte in [0, 1, 0x40, 0x84, 0xff] {
                survive(&vec![byte; length]);
            }
        }
    }
}
