//! `hufu abroad`: a holder's dose, negative test or recovery as a certificate that other countries read (R63).

mod signer;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use hufu_contract::{CertifyAbroad, Hex, SaidAbroad};
use hufu_files::moment::{self, Span};
use hufu_files::{self as files, Readable};
use hufu_hc1::issue::{Checked, Claim, Kind, Uvci};
use hufu_texts::Language;
use hufu_wire::{HolderIndex, IssuerId, UnixSeconds};
use serde_json::json;

use super::holder::WhomArgs;
use crate::outcome::Exit;
use crate::page::{AbroadPage, LaidPage, PageArgs};
use crate::term::{self, note, printable, tell};
use crate::words::words;

pub(crate) const EXAMPLES: &str = "Examples:
  hufu abroad signer --country CN --name 'Shanghai Health Commission' --out dsc
  hufu abroad issue --signer dsc --issuer 310000 42 --claim wang.toml --language zh --page wang.pdf
  hufu abroad digest 'URN:UVCI:01:SE:EHM/C878/123456789ABC#B' --batch revoked.json

A claim is what a clerk copies from passport and card: surname, given, born, and one of [vaccination], [test] and [recovery]; \
docs/ISSUING-ABROAD.md has an example of each. The registry compares it with the holder's record, status and facts first, \
and its trail has a line for each certificate; the token needs the scope holders. A name that is not written \
in the letters of English alone needs surname_icao and given_icao, from the machine-readable lines of the passport.

signer makes three files: NAME.key, which signs and stays where the authority works, NAME.pem, a certificate of its own that \
partners can be given, and NAME.csr for a country's signing authority (CSCA): put the certificate that it issues in the \
place of NAME.pem. digest says what revocation lists call a certificate by.";

/// Certify a holder's dose, negative test or recovery for other countries (EU DCC, HC1).
#[derive(Debug, Subcommand)]
pub(crate) enum AbroadCommand {
    /// Make a document signer: a P-256 key, its certificate, and a request for one
    Signer(signer::SignerArgs),
    /// Issue a certificate, as a text and as a page to print
    Issue(Box<IssueArgs>),
    /// Show what revocation lists call a certificate by
    Digest {
        /// The identifier, as the page has it, or its digest, as the trail has it
        #[arg(value_name = "IDENTIFIER", required = true)]
        identifiers: Vec<String>,
        /// Write a batch of revocations, for partners and for `hufu foreign revocations import`
        #[arg(long, value_name = "FILE")]
        batch: Option<PathBuf>,
    },
}

/// Issue a certificate.
#[derive(Debug, Args)]
pub(crate) struct IssueArgs {
    #[command(flatten)]
    whom: WhomArgs,
    /// The document signer: .key and .pem are added
    #[arg(long, value_name = "NAME")]
    signer: PathBuf,
    /// What the clerk copied from passport and card, TOML
    #[arg(long, value_name = "FILE")]
    claim: PathBuf,
    /// How long the code is valid, at most 365d and no longer than the signer's certificate
    #[arg(long, value_name = "SPAN", default_value = "180d")]
    valid: Span,
    /// The holder's language, beside English on the page
    #[arg(long, value_name = "TAG", default_value = "en", value_parser = words(Language::ALL.map(Language::tag), Language::from_tag))]
    language: Language,
    #[command(flatten)]
    page: PageArgs,
}

/// Runs `hufu abroad`.
pub(crate) fn run(command: &AbroadCommand) -> anyhow::Result<Exit> {
    match command {
        AbroadCommand::Signer(args) => signer::make(args)?,
        AbroadCommand::Issue(args) => issue(args)?,
        AbroadCommand::Digest { identifiers, batch } => digests(identifiers, batch.as_deref())?,
    }
    Ok(Exit::Yes)
}

fn issue(args: &IssueArgs) -> anyhow::Result<()> {
    let now = moment::now().seconds();
    let claim = read_claim(&args.claim)?;
    let checked = claim.check(now).with_context(|| args.claim.display().to_string())?;
    let signer = signer::load(&args.signer, now)?;
    let mut random = [0; 16];
    rand::fill(&mut random).ok().context("the operating system gives no random bytes")?;
    let uvci = Uvci::new(signer.country(), args.whom.issuer, &random);
    let expires = UnixSeconds(now.0.saturating_add(args.valid.s));
    // Before the registry notes it: what cannot be signed, or not be printed, leaves no line.
    let code = signer.sign(&checked, (now, expires), &uvci)?;
    let page = AbroadPage { code: &code, claim: &checked, expires, uvci: &uvci, language: args.language };
    // It has a whole name and a date of birth.
    let laid = args.page.lay(args.page.draw_abroad(&page)?, Readable::Owner)?;
    let WhomArgs { registry, issuer, holder } = &args.whom;
    let wanted = CertifyAbroad {
        surname: claim.surname.clone(),
        given: claim.given.clone(),
        born: claim.born.clone(),
        says: said(&checked),
        certificate: Hex(uvci.digest()),
    };
    let remote = registry.connect()?;
    let noted = remote.ask(|api| api.certify_abroad(IssuerId(*issuer), HolderIndex(*holder), &wanted))?;
    let (digest, ends) = (hex::encode(uvci.digest()), moment::show(expires));
    term::outcome(
        || {
            json!({
                "code": code, "identifier": uvci.as_str(), "digest": digest, "expires_ms": expires.millis().0,
                "holder": holder, "display": noted.display,
            })
        },
        || {
            format!(
                "{code}\ncertificate {uvci} for holder {holder}, {}, valid until {ends}; on a revocation list it is {digest}\n",
                printable(&noted.display)
            )
        },
    );
    // At last: the registry's line stands, and the code above is the certificate, also without a page.
    laid.map_or(Ok(()), LaidPage::give_name)
}

fn read_claim(path: &Path) -> anyhow::Result<Claim> {
    let text = files::read_text(path)?;
    // The parser's whole error would show a line of the claim, which is about a person.
    toml::from_str(&text).map_err(|error| {
        let line =
            error.span().map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
        anyhow!(
            "{}, line {line}: {}; `hufu abroad --help` says what a claim is",
            path.display(),
            // The names of types are of no use to a clerk.
            error.message().replace("expected u8", "expected a number from 1 to 9")
        )
    })
}

fn said(claim: &Checked<'_>) -> SaidAbroad {
    match claim.kind() {
        Kind::Vaccination(v) => SaidAbroad::Vaccination { dose: v.dose, day: v.date.clone() },
        Kind::Test(_) => SaidAbroad::Test { taken_ms: claim.taken().map_or(0, |taken| taken.millis().0) },
        Kind::Recovery(r) => SaidAbroad::Recovery { day: r.first_positive.clone() },
    }
}

fn digests(identifiers: &[String], batch: Option<&Path>) -> anyhow::Result<()> {
    let read = |text: &String| {
        let mut digest = [0; 16];
        if hex::decode_to_slice(text, &mut digest).is_ok() {
            return Ok(digest);
        }
        Uvci::read(text).map(|uvci| uvci.digest()).map_err(|unfit| anyhow!("{}: {unfit}", printable(text)))
    };
    let digests: Vec<[u8; 16]> = identifiers.iter().map(read).collect::<anyhow::Result<_>>()?;
    if let Some(path) = batch {
        // As the EU's gateway hands them out.
        let entries: Vec<_> =
            digests.iter().map(|digest| json!({ "hash": STANDARD.encode(digest) })).collect();
        let text = json!({ "hashType": "UCI", "entries": entries });
        files::create(path, format!("{text:#}\n").as_bytes(), Readable::All)?;
        note!("{}: revocations: {}", path.display(), digests.len());
    }
    let digests: Vec<_> = digests.iter().map(hex::encode).collect();
    tell!({ "digests": digests, "batch": batch }, "{}", digests.join("\n"));
    Ok(())
}
