//! `hufu keys trust`: the list of keys whose codes are accepted, signed by the operator.

mod settle;
mod show;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use hufu_codes::cose;
use hufu_codes::issue::OperatorSigner;
use hufu_codes::keyring::{Keyring, ListedKey, TrustList, Uses};
use hufu_files::keys::{Owner, PublicKey, SecretKey};
use hufu_files::moment::{self, Clock, Moment};
use hufu_files::trust_list::open;
use hufu_files::{self as files, Readable};
use hufu_signature::PreparedKey;
use hufu_wire::{KeyId, UnixSeconds, limits};

use crate::term::tell;

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
        #[command(flatten)]
        due: DueArgs,
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
    /// Sign the next version with nothing changed but its times, before engines count the list as too old
    Refresh {
        #[command(flatten)]
        list: ListArgs,
    },
    /// Bring two lists of one version together: sign one above all of them that engines take after any of them
    Settle(settle::SettleArgs),
    /// Sign the next version with a new operator's key; what the list says stays
    HandOver {
        /// The new operator's secret key
        #[arg(long, value_name = "FILE")]
        operator: PathBuf,
        /// The public key of the operator who signed the list so far
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// The list; it is replaced by the next version
        #[arg(long, value_name = "FILE")]
        list: PathBuf,
        #[command(flatten)]
        due: DueArgs,
    },
    /// Show what a list says, after verifying it
    Show {
        /// The operator's public key
        #[arg(long, value_name = "FILE")]
        operator: PathBuf,
        /// The list
        #[arg(long, value_name = "FILE")]
        list: PathBuf,
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
    #[command(flatten)]
    due: DueArgs,
}

/// Until when a list may be the newest.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct DueArgs {
    /// By when engines must have heard of a newer list; after it they say so, and may be told to admit nobody
    #[arg(long, value_name = "TIME", default_value = "+90d", allow_hyphen_values = true)]
    next_by: Moment,
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
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    from: Moment,
    /// Until when it may sign
    #[arg(long, value_name = "TIME", default_value = "+365d", allow_hyphen_values = true)]
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
    Head,
}

/// Runs `hufu keys trust`.
pub(crate) fn run(command: &TrustCommand) -> anyhow::Result<()> {
    match command {
        TrustCommand::New { operator, out, due } => {
            let signer = operator_of(operator)?;
            let made_at = moment::now().seconds();
            let signed = TrustList::sign_dated(1, due.after(made_at)?, &[], &[], &signer);
            files::create(out, &signed, Readable::All)?;
            tell!({ "list": out, "version": 1 }, "{}: version 1, no keys", out.display());
            Ok(())
        }
        TrustCommand::Add(args) => add(args),
        TrustCommand::Revoke { list, key_id } => revoke(list, key_id),
        TrustCommand::Refresh { list } => amend(list, |_, _| Ok("nothing else changed".to_owned())),
        TrustCommand::Settle(args) => settle::run(args),
        TrustCommand::HandOver { operator, from, list, due } => hand_over(operator, from, list, *due),
        TrustCommand::Show { operator, list } => show::run(operator, list),
    }
}

fn add(args: &AddArgs) -> anyhow::Result<()> {
    let key = PublicKey::load(&args.key, Owner::Issuer)?;
    // Before it is published: an engine refuses the whole list for one key it cannot use.
    PreparedKey::new(&key.public).with_context(|| format!("{} cannot be trusted", args.key.display()))?;
    let issuer = key.issuer()?;
    let clock = Clock::here();
    let (from, until) = (clock.any(args.from).context("--from")?, clock.end(args.until).context("--until")?);
    amend(&args.list, |keys, made_at| {
        let listed = ListedKey {
            issuer,
            public: key.public,
            from: from.max(made_at),
            until,
            published: made_at,
            uses: args.uses.iter().fold(Uses::default(), |uses, one| uses | one.bits()),
            revoked: false,
        };
        ensure!(listed.until >= listed.from, "--until lies before --from");
        ensure!(keys.len() < limits::ISSUER_KEYS_MAX, "a list has at most {} keys", limits::ISSUER_KEYS_MAX);
        if let Some(known) = keys.iter().find(|known| known.public == key.public) {
            ensure!(
                !known.revoked,
                "key {} is on the list and revoked for good; make another key with `hufu keys generate issuer`, and add that one",
                key.kid()
            );
            bail!(
                "key {} is on the list and may sign {}, which stays so; for another use make another key with `hufu keys \
                 generate issuer`, and add that one",
                key.kid(),
                known.uses
            );
        }
        keys.push(listed);
        Ok(format!("key {} of issuer {} may sign {}", key.kid(), listed.issuer, listed.uses))
    })
}

fn revoke(list: &ListArgs, key_id: &str) -> anyhow::Result<()> {
    let mut kid = [0; 8];
    hex::decode_to_slice(key_id, &mut kid).ok().context("a key id has 16 hexadecimal digits")?;
    amend(list, |keys, _| {
        let Some(key) = keys.iter_mut().find(|key| cose::key_id(&key.public) == KeyId(kid)) else {
            bail!("there is no key {key_id} on the list");
        };
        ensure!(!key.revoked, "key {key_id} is revoked already");
        key.revoked = true;
        Ok(format!("key {key_id} of issuer {} is revoked for good", key.issuer))
    })
}

fn hand_over(operator: &Path, from: &Path, list: &Path, due: DueArgs) -> anyhow::Result<()> {
    let signer = operator_of(operator)?;
    let before = PreparedKey::new(&PublicKey::load(from, Owner::Operator)?.public)?;
    ensure!(before.public() != *signer.public(), "{} and {} are one key", operator.display(), from.display());
    let kid = cose::key_id(signer.public());
    let change = |_: &mut _, _| Ok(format!("signed by operator {kid} from now on"));
    succeed(list, &before, &signer, due, change)
}

/// Signs the next version of a list.
fn amend(
    args: &ListArgs,
    change: impl FnOnce(&mut Vec<ListedKey>, UnixSeconds) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    let signer = operator_of(&args.operator)?;
    let before = PreparedKey::new(signer.public())?;
    succeed(&args.list, &before, &signer, args.due, change)
}

/// Replaces a list that `before` signed by its next version, which `signer` signs. The change is told when the
/// next version is made.
fn succeed(
    path: &Path,
    before: &PreparedKey,
    signer: &OperatorSigner,
    due: DueArgs,
    change: impl FnOnce(&mut Vec<ListedKey>, UnixSeconds) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    let _lock = files::lock_folder_of(path)?;
    let held = open(path, before)?;
    // A list may not be older than the one before it, even if this machine's clock was set back.
    let made_at = moment::now().seconds().max(held.made_at());
    let mut keys: Vec<_> = held.keys().iter().map(|(_, key)| *key).collect();
    let said = change(&mut keys, made_at)?;
    let version = held.version() + 1;
    let signed = TrustList::sign_dated(version, due.after(made_at)?, &[], &keys, signer);
    let after = TrustList::open(&signed, &PreparedKey::new(signer.public())?);
    // As an engine will that has the list before it.
    after
        .and_then(|after| Keyring::empty().update(&held, held.made_at())?.update(&after, made_at))
        .context("engines would refuse the new list")?;
    files::replace(path, &signed, Readable::All)?;
    tell!(
        { "list": path, "version": version, "change": said },
        "{}: version {version}, {said}",
        path.display()
    );
    Ok(())
}

impl DueArgs {
    /// When the list was made, and by when the next one is due.
    fn after(self, made_at: UnixSeconds) -> anyhow::Result<(UnixSeconds, UnixSeconds)> {
        let next_by = Clock::here().end(self.next_by).context("--next-by")?;
        ensure!(next_by > made_at, "--next-by lies before {}, when the list is made", moment::show(made_at));
        Ok((made_at, next_by))
    }
}

fn operator_of(path: &Path) -> anyhow::Result<OperatorSigner> {
    SecretKey::load(path, Owner::Operator)?.operator_signer()
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
            Use::Head => Uses::HEAD,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_files::keys::SecretKey;
    use hufu_signature::Scheme;

    #[test]
    fn a_key_added_by_a_clock_set_back_is_taken_by_engines() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let store = |owner, issuer, name: &str| {
            let secret = SecretKey::generate(owner, issuer, Scheme::Ed25519).unwrap();
            let public = PublicKey::of(&secret).unwrap();
            secret.store(&path(name), &public).unwrap();
        };
        store(Owner::Operator, None, "op");
        store(Owner::Issuer, Some(hufu_wire::IssuerId(1)), "a");
        let signer = operator_of(&path("op.key")).unwrap();
        let ahead = UnixSeconds(moment::now().seconds().0 + 86_400);
        std::fs::write(path("t"), TrustList::sign(1, ahead, &[], &signer)).unwrap();
        let operator = PreparedKey::new(signer.public()).unwrap();
        let held = Keyring::empty().update(&open(&path("t"), &operator).unwrap(), ahead).unwrap();

        let due = DueArgs { next_by: UnixSeconds(ahead.0 + 86_400).into() };
        let list = ListArgs { operator: path("op.key"), list: path("t"), due };
        let until = UnixSeconds(ahead.0 + 86_400).into();
        let now = Moment::NOW;
        add(&AddArgs { list, key: path("a.pub"), uses: vec![Use::Phone], from: now, until }).unwrap();
        let next = held.update(&open(&path("t"), &operator).unwrap(), ahead).unwrap();
        assert_eq!((next.version(), next.keys().len()), (2, 1));
    }
}
