//! `hufu inspect`: what some bytes are, field by field, and why they would be refused if they would be.

mod explained;
mod message;
mod signed;
mod snapshot;

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use hufu_codes::ed25519::PreparedKey;
use hufu_codes::keyring::Keyring;
use hufu_codes::text;
use hufu_wire::{UnixSeconds, limits};

use self::explained::Explained;
use crate::commands::keys::trust;
use crate::moment::Moment;
use crate::outcome::Exit;
use crate::secret::{Owner, PublicKey};
use crate::{files, qr, term};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu inspect 'HF1:6BF...'
  hufu inspect code.png --trust trust.hufu --operator operator.pub
  hufu inspect class-3b.roster
  hufu inspect issuer-310000.snapshot
  hufu inspect --as verdict 0100000000000000
  hufu present --holder zhang.holder | hufu inspect -

Exit status: 0 nothing found for which it would be refused, 1 it would be refused, 2 it is not known what it is.";

/// Explain any code or message of the protocol.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A code's text, hexadecimal digits, a file (a picture, too), or - for standard input
    #[arg(value_name = "WHAT")]
    what: String,
    /// What it is, where that cannot be told
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<Kind>,
    /// A trust list: verify the signature under its keys
    #[arg(long, value_name = "FILE", requires = "operator")]
    trust: Option<PathBuf>,
    /// The operator's public key, to verify a trust list
    #[arg(long, value_name = "FILE")]
    operator: Option<PathBuf>,
    /// The moment at which it is judged
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    at: Moment,
    /// As JSON
    #[arg(long)]
    json: bool,
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
    /// A snapshot file
    Snapshot,
}

/// Whom to believe, and when.
pub(crate) struct Judge {
    pub(crate) operator: Option<PreparedKey>,
    pub(crate) keyring: Option<Keyring>,
    pub(crate) now: UnixSeconds,
}

/// Nothing that fits a protocol message is larger; snapshots are read in place.
const INPUT_BYTES_MAX: u64 = 8 << 20;

/// Runs `hufu inspect`.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<Exit> {
    let judge = judge(args)?;
    let explained = explain(args, &judge)?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{:#}", explained.to_json())?;
    } else {
        write!(out, "{}", explained.to_text(term::stdout()))?;
    }
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
        _ if is_file && is_picture(path)? => qr::read(path)?,
        _ if is_file => files::read(path)?,
        text => text.as_bytes().to_vec(),
    };
    let trimmed = bytes.trim_ascii();
    if args.kind.is_none() && trimmed.starts_with(text::PREFIX.as_bytes()) {
        return Ok(code_text(trimmed, judge));
    }
    let bytes = hex::decode(trimmed).unwrap_or(bytes);
    match args.kind {
        Some(kind) => as_kind(kind, &bytes, judge),
        None => guess(&bytes, judge),
    }
}

fn code_text(text: &[u8], judge: &Judge) -> Explained {
    let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
    match text::decode(text, &mut binary) {
        Ok(binary) => signed::code(binary, Some(text.len()), judge),
        Err(reason) => Explained::new("code text").refused(reason),
    }
}

fn as_kind(kind: Kind, bytes: &[u8], judge: &Judge) -> anyhow::Result<Explained> {
    Ok(match kind {
        Kind::Code => signed::code(bytes, None, judge),
        Kind::Credential => signed::credential(bytes, judge),
        Kind::Roster => signed::roster(bytes, judge),
        Kind::TrustList => signed::trust_list(bytes, judge),
        Kind::Snapshot => bail!("a snapshot is read from a file"),
        _ => message::explain(kind, bytes),
    })
}

/// The kinds that tell themselves apart, the most telling first.
fn guess(bytes: &[u8], judge: &Judge) -> anyhow::Result<Explained> {
    let signed = [Kind::Code, Kind::Credential, Kind::Roster, Kind::TrustList];
    let messages = [
        Kind::SealedRequest,
        Kind::SealedReply,
        Kind::Enrolled,
        Kind::Verdict,
        Kind::CheckRequest,
        Kind::RosterVerdicts,
        Kind::Status,
    ];
    for kind in signed.into_iter().chain(messages) {
        let explained = as_kind(kind, bytes, judge)?;
        if explained.is_readable() {
            return Ok(explained);
        }
    }
    bail!(
        "these {} bytes are not a whole message of any kind; --as KIND says why they are not one of that kind",
        bytes.len()
    )
}

fn judge(args: &InspectArgs) -> anyhow::Result<Judge> {
    let operator = match &args.operator {
        Some(path) => Some(PreparedKey::new(&PublicKey::load(path, Owner::Operator)?.public)?),
        None => None,
    };
    let keyring = match (&args.trust, &operator) {
        (Some(path), Some(operator)) => {
            // Judged by itself: what an engine has seen before is not known here.
            Some(Keyring::empty().update(&trust::open(path, operator)?, UnixSeconds(u32::MAX))?)
        }
        _ => None,
    };
    Ok(Judge { operator, keyring, now: args.at.0 })
}

fn standard_input() -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(INPUT_BYTES_MAX).read_to_end(&mut bytes).context("cannot read standard input")?;
    Ok(bytes)
}

/// PNG and JPEG, by their first bytes.
fn is_picture(path: &Path) -> anyhow::Result<bool> {
    let mut first = [0; 3];
    let mut file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    if file.metadata()?.len() > INPUT_BYTES_MAX {
        bail!("{} is larger than any message", path.display());
    }
    Ok(file.read_exact(&mut first).is_ok() && matches!(&first, b"\x89PN" | b"\xff\xd8\xff"))
}
