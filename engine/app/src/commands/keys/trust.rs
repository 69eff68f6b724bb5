//! `hufu keys trust`: the list of keys whose codes are accepted, signed by the operator.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::{Table, presets};
use hufu_codes::cose;
use hufu_codes::ed25519::PreparedKey;
use hufu_codes::issue::OperatorSigner;
use hufu_codes::keyring::{ListedKey, TrustList, Uses};
use hufu_wire::{KeyId, UnixSeconds, limits};
use serde_json::json;

use crate::files::{self, Readable};
use crate::moment::{self, Moment};
use crate::secret::{Owner, PublicKey, SecretKey};
use crate::term::say;

/// Make, change and show the operator's trust list.
#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Make an empty list, version 1
    New {
        /// The operator's secret key
        #[arg(long, value_name = "FILE")]
        operator: PathBuf,
        /// The list to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Add an issuer's key
    Add(AddArgs),
    /// Revoke a key for good: no engine that has seen this list ever trusts it again
    Revoke {
        #[command(flatten)]
        list: ListArgs,
        /// Which key, as `keys trust show` names it
        #[arg(long, value_name = "HEX")]
        key_id: String,
    },
    /// Show what a list says, after verifying it
    Show {
        /// The operator's public key
        #[arg(long, value_name = "FILE")]
        operator: PathBuf,
        /// The list
        #[arg(long, value_name = "FILE")]
        list: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// A list to change, and who signs the change.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// The operator's secret key
    #[arg(long, value_name = "FILE")]
    operator: PathBuf,
    /// The list; it is replaced by the next version
    #[arg(long, value_name = "FILE")]
    list: PathBuf,
}

/// Add an issuer's key.
#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    list: ListArgs,
    /// The issuer's public key, from `hufu keys generate issuer`
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// What it may sign
    #[arg(long, value_delimiter = ',', value_name = "USES", default_value = "phone,paper,trip,roster")]
    uses: Vec<Use>,
    /// From when it may sign; engines should have the list before that
    #[arg(long, value_name = "TIME", default_value = "now")]
    from: Moment,
    /// Until when it may sign
    #[arg(long, value_name = "TIME", default_value = "+365d")]
    until: Moment,
}

/// One thing a key may sign.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Use {
    Phone,
    Paper,
    Trip,
    Roster,
    Instruction,
    Confirmation,
}

/// Runs `hufu keys trust`.
pub(crate) fn run(command: &TrustCommand) -> anyhow::Result<()> {
    match command {
        TrustCommand::New { operator, out } => {
            let signer = operator_of(operator)?;
            let signed = TrustList::sign(1, moment::now().seconds(), &[], &signer);
            files::create(out, &signed, Readable::All)?;
            say!("{}: version 1, no keys", out.display());
            Ok(())
        }
        TrustCommand::Add(args) => add(args),
        TrustCommand::Revoke { list, key_id } => revoke(list, key_id),
        TrustCommand::Show { operator, list, json } => show(operator, list, *json),
    }
}

fn add(args: &AddArgs) -> anyhow::Result<()> {
    let key = PublicKey::load(&args.key, Owner::Issuer)?;
    // Before it is published: an engine refuses the whole list for one key it cannot use.
    PreparedKey::new(&key.public).with_context(|| format!("{} cannot be trusted", args.key.display()))?;
    let now = moment::now().seconds();
    let listed = ListedKey {
        issuer: key.issuer()?,
        public: key.public,
        from: args.from.0.max(now),
        until: args.until.0,
        published: now,
        uses: args.uses.iter().fold(Uses::default(), |uses, one| uses | one.bits()),
        revoked: false,
    };
    ensure!(listed.until >= listed.from, "--until lies before --from");
    amend(&args.list, |keys| {
        ensure!(keys.len() < limits::ISSUER_KEYS_MAX, "a list has at most {} keys", limits::ISSUER_KEYS_MAX);
        ensure!(keys.iter().all(|known| known.public != key.public), "key {} is on the list", key.kid());
        keys.push(listed);
        Ok(format!("key {} of issuer {} may sign {}", key.kid(), listed.issuer, listed.uses))
    })
}

fn revoke(list: &ListArgs, key_id: &str) -> anyhow::Result<()> {
    let mut kid = [0; 8];
    hex::decode_to_slice(key_id, &mut kid).ok().context("a key id has 16 hexadecimal digits")?;
    amend(list, |keys| {
        let Some(key) = keys.iter_mut().find(|key| cose::key_id(&key.public) == KeyId(kid)) else {
            bail!("there is no key {key_id} on the list");
        };
        ensure!(!key.revoked, "key {key_id} is revoked already");
        key.revoked = true;
        Ok(format!("key {key_id} of issuer {} is revoked for good", key.issuer))
    })
}

/// Signs the next version of a list.
fn amend(
    args: &ListArgs,
    change: impl FnOnce(&mut Vec<ListedKey>) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    let signer = operator_of(&args.operator)?;
    let operator = PreparedKey::new(signer.public())?;
    let held = open(&args.list, &operator)?;
    let mut keys: Vec<_> = held.keys().iter().map(|(_, key)| *key).collect();
    let said = change(&mut keys)?;
    let version = held.version() + 1;
    // A list may not be older than the one before it, even if this machine's clock was set back.
    let made_at = moment::now().seconds().max(held.made_at());
    let signed = TrustList::sign(version, made_at, &keys, &signer);
    TrustList::open(&signed, &operator).context("the new list would be refused")?;
    files::replace(&args.list, &signed, Readable::All)?;
    say!("{}: version {version}, {said}", args.list.display());
    Ok(())
}

fn show(operator: &Path, list: &Path, as_json: bool) -> anyhow::Result<()> {
    let operator = PreparedKey::new(&PublicKey::load(operator, Owner::Operator)?.public)?;
    let list = open(list, &operator)?;
    if as_json {
        let keys: Vec<_> = list.keys().iter().map(|(kid, key)| to_json(*kid, key)).collect();
        let list = json!({ "version": list.version(), "made_at_s": list.made_at().0, "keys": keys });
        say!("{list:#}");
        return Ok(());
    }
    say!("version {}, made {}", list.version(), moment::show(list.made_at()));
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["key", "issuer", "may sign", "from", "until", "now"]);
    let now = moment::now().seconds();
    for (kid, key) in list.keys() {
        table.add_row([
            kid.to_string(),
            key.issuer.to_string(),
            key.uses.to_string(),
            moment::show(key.from),
            moment::show(key.until),
            state(key, now).to_owned(),
        ]);
    }
    say!("{table}");
    Ok(())
}

/// What a key is at `now`.
pub(crate) fn state(key: &ListedKey, now: UnixSeconds) -> &'static str {
    if key.revoked {
        "revoked"
    } else if now < key.from {
        "published"
    } else if now > key.until {
        "over"
    } else {
        "in force"
    }
}

fn to_json(kid: KeyId, key: &ListedKey) -> serde_json::Value {
    json!({
        "key_id": kid.to_string(),
        "issuer": key.issuer.0,
        "public": hex::encode(key.public),
        "uses": key.uses.to_string(),
        "from_s": key.from.0,
        "until_s": key.until.0,
        "published_s": key.published.0,
        "revoked": key.revoked,
    })
}

/// Opens a list and says which file is at fault.
pub(crate) fn open(path: &Path, operator: &PreparedKey) -> anyhow::Result<TrustList> {
    TrustList::open(&files::read(path)?, operator)
        .with_context(|| format!("{} is not a trust list of this operator", path.display()))
}

fn operator_of(path: &Path) -> anyhow::Result<OperatorSigner> {
    Ok(OperatorSigner::from_seed(&*SecretKey::load(path, Owner::Operator)?.seed()?))
}

impl Use {
    const fn bits(self) -> Uses {
        match self {
            Use::Phone => Uses::PHONE,
            Use::Paper => Uses::PAPER,
            Use::Trip => Uses::TRIP,
            Use::Roster => Uses::ROSTER,
            Use::Instruction => Uses::INSTRUCTION,
            Use::Confirmation => Uses::CONFIRMATION,
        }
    }
}
