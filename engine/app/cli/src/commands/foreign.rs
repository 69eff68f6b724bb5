//! `hufu foreign`: the lists by which certificates of other systems are verified, signed by the operator (R63).

mod revocations;
mod sources;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, ensure};
use clap::{Args, Subcommand};
use hufu_codes::issue::OperatorSigner;
use hufu_files::keys::{Owner, PublicKey, SecretKey};
use hufu_files::{self as files, Readable, moment};
use hufu_hc1::lists::{self, Dated, ListFault};
use hufu_hc1::revoked::Revoked;
use hufu_hc1::signers::{Algorithm, Kinds, ListedSigner, Signers};
use hufu_policy::foreign::Country;
use hufu_signature::PreparedKey;
use serde_json::json;

pub(crate) use self::revocations::word as digested;
use crate::outcome::Exit;
use crate::term::{self, note, printable, tell};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu foreign signers import dsc-list.json --operator operator.key --list signers.hufu
  hufu foreign signers import did.json certificates/ --operator operator.key --list signers.hufu
  hufu foreign signers import swiss.pem --country CH --operator operator.key --list signers.hufu
  hufu foreign signers show --operator operator.pub --list signers.hufu
  hufu foreign revocations import batches/ --operator operator.key --list revocations.hufu
  hufu foreign revocations show --operator operator.pub --list revocations.hufu

Signers come from the lists of certificates (DSC) that countries publish for verifiers, as JSON with or without the signature \
in its first line, from the DID documents of the WHO's network, from certificates as PEM or DER, and from folders of these. \
Whether a source is genuine is for you to know: the list vouches for it with your key. Sources are files; fetch them first.

Revocations come from the batches that the EU's gateway hands out, as JSON.

A list holds what the sources of its command hold, and nothing from before; its serial is one above that of the list it \
replaces, so that engines take it. Name the lists in [foreign] of engine.toml.";

/// Lists for certificates of other systems.
#[derive(Debug, Subcommand)]
pub(crate) enum ForeignCommand {
    /// Make and show the list of keys that sign certificates abroad
    #[command(subcommand)]
    Signers(SignersCommand),
    /// Make and show the list of certificates that were revoked
    #[command(subcommand)]
    Revocations(RevocationsCommand),
}

/// The list of signers.
#[derive(Debug, Subcommand)]
pub(crate) enum SignersCommand {
    /// Make the list from what countries publish
    Import {
        #[command(flatten)]
        make: MakeArgs,
        /// The country of certificates that name none, by two letters
        #[arg(long, value_name = "CODE", value_parser = country)]
        country: Option<Country>,
    },
    /// Show a list, after verifying it
    Show(ShowListArgs),
}

/// The list of revocations.
#[derive(Debug, Subcommand)]
pub(crate) enum RevocationsCommand {
    /// Make the list from the gateway's batches
    Import(MakeArgs),
    /// Show a list, after verifying it
    Show(ShowListArgs),
}

/// What a list is made of.
#[derive(Debug, Args)]
pub(crate) struct MakeArgs {
    /// Files, and folders of files
    #[arg(value_name = "SOURCE", required = true)]
    sources: Vec<PathBuf>,
    /// The operator's secret key
    #[arg(long, value_name = "FILE")]
    operator: PathBuf,
    /// The list to write; one that is there is replaced
    #[arg(long, value_name = "FILE")]
    list: PathBuf,
}

/// Which list to show.
#[derive(Debug, Args)]
pub(crate) struct ShowListArgs {
    /// The operator's public key
    #[arg(long, value_name = "FILE")]
    operator: PathBuf,
    /// The list
    #[arg(long, value_name = "FILE")]
    list: PathBuf,
}

/// Runs `hufu foreign`.
pub(crate) fn run(command: &ForeignCommand) -> anyhow::Result<Exit> {
    match command {
        ForeignCommand::Signers(SignersCommand::Import { make, country }) => import(make, *country)?,
        ForeignCommand::Signers(SignersCommand::Show(which)) => show(which)?,
        ForeignCommand::Revocations(RevocationsCommand::Import(make)) => revocations::import(make)?,
        ForeignCommand::Revocations(RevocationsCommand::Show(which)) => revocations::show(which)?,
    }
    Ok(Exit::Yes)
}

fn import(make: &MakeArgs, country: Option<Country>) -> anyhow::Result<()> {
    let mut found = sources::Found::default();
    for path in make.files()? {
        sources::read(&path, country, &mut found).with_context(|| path.display().to_string())?;
    }
    let sources::Found { signers, left_out } = found;
    for what in &left_out {
        note!("left out: {}", printable(what));
    }
    ensure!(
        !signers.is_empty(),
        "no source has a key that certificates can be verified with; sources are lists of certificates (DSC) in JSON, DID \
         documents, and certificates in PEM or DER"
    );
    let serial = make.sign(
        |bytes, operator| Signers::open(bytes, operator).map(|list| list.dated.serial),
        |dated, operator| Signers::sign(dated, &signers, operator),
    )?;
    let count = Signers::count(&signers);
    tell!(
        { "list": make.list, "serial": serial, "signers": count, "left_out": left_out.len() },
        "{}: list {serial} of {count} signers",
        make.list.display()
    );
    Ok(())
}

fn show(which: &ShowListArgs) -> anyhow::Result<()> {
    let list = which.open(Signers::open)?;
    let Dated { serial, made_at } = list.dated;
    let row = |signer: &ListedSigner| {
        json!({
            "key_id": lists::hex(&signer.key_id),
            "country": signer.country.as_str(),
            "algorithm": algorithm(signer.algorithm),
            "signs": kinds(signer.kinds),
            "from": moment::show(signer.from),
            "until": moment::show(signer.until),
        })
    };
    let to_json = || {
        let signers: Vec<_> = list.listed().map(row).collect();
        json!({ "serial": serial, "made_at": moment::show(made_at), "signers": signers })
    };
    let to_text = || {
        let mut text = format!("list {serial}, made at {}\n", moment::show(made_at));
        for signer in list.listed() {
            let _ = writeln!(
                text,
                "{}  {}  {}  {}  until {}",
                lists::hex(&signer.key_id),
                signer.country.as_str(),
                algorithm(signer.algorithm),
                kinds(signer.kinds).join(", "),
                moment::show(signer.until)
            );
        }
        text
    };
    term::outcome(to_json, to_text);
    Ok(())
}

/// The name of an algorithm.
pub(crate) const fn algorithm(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Es256 => "ES256",
        Algorithm::Ps256 => "PS256",
    }
}

/// What a key may sign, in the words of policies.
pub(crate) fn kinds(kinds: Kinds) -> Vec<&'static str> {
    let all = [(Kinds::VACCINATION, "vaccination"), (Kinds::TEST, "test"), (Kinds::RECOVERY, "recovery")];
    all.into_iter().filter(|(kind, _)| kinds.contain(*kind)).map(|(_, word)| word).collect()
}

/// A country's code as an argument.
pub(crate) fn country(code: &str) -> Result<Country, String> {
    Country::of(code).ok_or_else(|| "write two letters of upper case, as FR".to_owned())
}

impl MakeArgs {
    /// The files that are named, and those of folders that are named, sorted.
    fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for source in &self.sources {
            if !source.is_dir() {
                files.push(source.clone());
                continue;
            }
            let cannot = || format!("cannot read {}", source.display());
            let before = files.len();
            for entry in std::fs::read_dir(source).with_context(cannot)? {
                let path = entry.with_context(cannot)?.path();
                files.extend(path.is_file().then_some(path));
            }
            files[before..].sort();
            ensure!(files.len() > before, "{} has no file in it", source.display());
        }
        Ok(files)
    }

    /// Signs a list with the next serial and writes it; returns the serial.
    fn sign(
        &self,
        serial: impl FnOnce(&[u8], &PreparedKey) -> Result<u64, ListFault>,
        sign: impl FnOnce(Dated, &OperatorSigner) -> Vec<u8>,
    ) -> anyhow::Result<u64> {
        let signer = SecretKey::load(&self.operator, Owner::Operator)?.operator_signer()?;
        let _lock = files::lock_folder_of(&self.list)?;
        let before = if self.list.exists() {
            let key = PreparedKey::new(signer.public())?;
            serial(&files::read(&self.list)?, &key).map_err(|fault| {
                anyhow!(
                    "{} is there, and is not replaced: {fault}; or name another file with --list",
                    self.list.display()
                )
            })?
        } else {
            0
        };
        let dated = Dated { serial: before + 1, made_at: moment::now().seconds() };
        files::replace(&self.list, &sign(dated, &signer), Readable::All)?;
        Ok(dated.serial)
    }
}

impl ShowListArgs {
    fn open<T>(&self, open: impl FnOnce(&[u8], &PreparedKey) -> Result<T, ListFault>) -> anyhow::Result<T> {
        opened(&self.list, &self.operator, open)
    }
}

/// A list that the operator with this public key signed.
fn opened<T>(
    list: &Path,
    operator: &Path,
    open: impl FnOnce(&[u8], &PreparedKey) -> Result<T, ListFault>,
) -> anyhow::Result<T> {
    let operator = PreparedKey::new(&PublicKey::load(operator, Owner::Operator)?.public)?;
    open(&files::read(list)?, &operator).with_context(|| list.display().to_string())
}

/// What `hufu inspect` verifies certificates by.
pub(crate) fn signers(list: &Path, operator: &PreparedKey) -> anyhow::Result<Signers> {
    Signers::open(&files::read(list)?, operator).with_context(|| list.display().to_string())
}

/// The same for revocations.
pub(crate) fn revoked(list: &Path, operator: &PreparedKey) -> anyhow::Result<Revoked> {
    Revoked::open(&files::read(list)?, operator).with_context(|| list.display().to_string())
}
