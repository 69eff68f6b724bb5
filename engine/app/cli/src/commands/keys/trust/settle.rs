//! `hufu keys trust settle`: the end of a fork.
//!
//! Two lists of one version come from an operator's key that was used in two places, or in one whose list was brought
//! back from a copy. Engines that took one refuse the other for good. The list that settles them names both, keeps
//! every key and every revocation of both, and is taken after either.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Args;
use hufu_codes::cose;
use hufu_codes::keyring::{Keyring, ListedKey, TrustList, Uses};
use hufu_files::moment;
use hufu_files::trust_list::open;
use hufu_files::{self as files, Readable};
use hufu_signature::PreparedKey;
use hufu_wire::limits;

use super::{ListArgs, operator_of};
use crate::term::tell;

/// Bring lists that contradict each other together.
#[derive(Debug, Args)]
pub(crate) struct SettleArgs {
    #[command(flatten)]
    list: ListArgs,
    /// Another list that engines may hold; again for each one more
    #[arg(long, value_name = "FILE", required = true)]
    other: Vec<PathBuf>,
}

/// Signs a list above all the others, and replaces the first one by it.
pub(super) fn run(args: &SettleArgs) -> anyhow::Result<()> {
    let path = &args.list.list;
    let signer = operator_of(&args.list.operator)?;
    let operator = PreparedKey::new(signer.public())?;
    let _lock = files::lock_folder_of(path)?;
    let mut branches = vec![open(path, &operator)?];
    for other in &args.other {
        let list = open(other, &operator)?;
        let is_new = branches.iter().all(|branch| branch.digest() != list.digest());
        ensure!(is_new, "{} is given twice: it is the same list", other.display());
        branches.push(list);
    }
    let keys = merged(&branches)?;
    let made_at = branches.iter().map(TrustList::made_at).fold(moment::now().seconds(), Ord::max);
    let version = branches.iter().map(TrustList::version).fold(0, Ord::max) + 1;
    let settles: Vec<_> = branches.iter().map(TrustList::digest).collect();
    let signed = TrustList::sign_dated(version, args.list.due.after(made_at)?, &settles, &keys, &signer);
    // As engines will that hold any one of them.
    let after = TrustList::open(&signed, &operator).context("this cannot be signed")?;
    for branch in &branches {
        Keyring::empty()
            .update(branch, branch.made_at())
            .and_then(|held| held.update(&after, made_at))
            .with_context(|| format!("engines that hold version {} would refuse it", branch.version()))?;
    }
    files::replace(path, &signed, Readable::All)?;
    let revoked = keys.iter().filter(|key| key.revoked).count();
    tell!(
        { "list": path, "version": version, "settled": branches.len(), "keys": keys.len(), "revoked": revoked },
        "{}: version {version} settles {} lists: {} keys, {revoked} of them revoked",
        path.display(),
        branches.len(),
        keys.len()
    );
    Ok(())
}

/// Every key of every list. Where two lists say different things of a key, the narrower one counts.
fn merged(branches: &[TrustList]) -> anyhow::Result<Vec<ListedKey>> {
    let mut merged: Vec<ListedKey> = Vec::new();
    for (kid, key) in branches.iter().flat_map(TrustList::keys) {
        let Some(known) = merged.iter_mut().find(|known| cose::key_id(&known.public) == *kid) else {
            merged.push(*key);
            continue;
        };
        ensure!(
            known.issuer == key.issuer,
            "the lists give key {kid} to issuers {} and {}",
            known.issuer,
            key.issuer
        );
        let uses = Uses::from_bits(known.uses.to_bits() & key.uses.to_bits()).unwrap_or_default();
        *known = ListedKey {
            from: known.from.max(key.from),
            published: known.published.max(key.published),
            until: known.until.min(key.until).max(known.from).max(key.from),
            uses,
            revoked: known.revoked || key.revoked,
            ..*known
        };
    }
    ensure!(
        merged.len() <= limits::ISSUER_KEYS_MAX,
        "together the lists have {} keys, and a list has at most {}",
        merged.len(),
        limits::ISSUER_KEYS_MAX
    );
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::keys::trust::{AddArgs, DueArgs, Use, add, revoke};
    use hufu_codes::keyring::TrustFault;
    use hufu_files::keys::{Owner, PublicKey, SecretKey};
    use hufu_signature::Scheme;
    use hufu_wire::{IssuerId, KeyId, Reason, UnixSeconds};
    use std::path::Path;

    /// An operator's key and issuers' keys in a folder.
    fn keys(folder: &Path) -> Vec<KeyId> {
        let store = |owner, issuer, name: &str| {
            let secret = SecretKey::generate(owner, issuer, Scheme::Ed25519).unwrap();
            let public = PublicKey::of(&secret).unwrap();
            secret.store(&folder.join(name), &public).unwrap();
            public.kid()
        };
        store(Owner::Operator, None, "op");
        ["a", "b", "c", "d"].map(|name| store(Owner::Issuer, Some(IssuerId(1)), name)).into()
    }

    #[test]
    fn b14_a_forked_list_is_settled_by_a_command_and_every_revocation_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let kids = keys(folder.path());
        let signer = operator_of(&path("op.key")).unwrap();
        let operator = PreparedKey::new(signer.public()).unwrap();
        let day = UnixSeconds(moment::now().seconds().0 + 86_400);
        let due = DueArgs { next_by: day.into() };
        let list = |name: &str| ListArgs { operator: path("op.key"), list: path(name), due };
        let add = |name: &str, key: &str| {
            let (key, uses) = (path(key), vec![Use::Phone]);
            let from = hufu_wire::StatusMinute::ORIGIN.into();
            add(&AddArgs { list: list(name), key, uses, from, until: day.into() }).unwrap();
        };
        // Both branches have a, b and c; c was published at another time in each. Each revokes another one of the
        // first two, and one adds d, long before the other's last list.
        let made = UnixSeconds(moment::now().seconds().0 - 100);
        std::fs::write(path("one"), TrustList::sign(1, made, &[], &signer)).unwrap();
        add("one", "a.pub");
        add("one", "b.pub");
        std::fs::copy(path("one"), path("two")).unwrap();
        add("one", "d.pub");
        revoke(&list("one"), &kids[0].to_string()).unwrap();
        revoke(&list("two"), &kids[1].to_string()).unwrap();
        let late = open(&path("two"), &operator).unwrap();
        let mut later: Vec<_> = late.keys().iter().map(|(_, key)| *key).collect();
        let c = PublicKey::load(&path("c.pub"), Owner::Issuer).unwrap().public;
        let published = UnixSeconds(late.made_at().0 + 50);
        later.push(ListedKey { public: c, published, from: published, ..later[0] });
        later.last_mut().unwrap().revoked = false;
        std::fs::write(path("two"), TrustList::sign(6, published, &later, &signer)).unwrap();
        add("one", "c.pub");

        let now = UnixSeconds(published.0 + 1);
        let held = |name: &str| Keyring::empty().update(&open(&path(name), &operator).unwrap(), now).unwrap();
        let branches = [held("one"), held("two")];
        assert_eq!(branches[0].version(), branches[1].version());
        let other = open(&path("two"), &operator).unwrap();
        assert_eq!(branches[0].update(&other, now).err(), Some(TrustFault::Fork { version: 6 }));

        run(&SettleArgs { list: list("one"), other: vec![path("two")] }).unwrap();
        let settled = open(&path("one"), &operator).unwrap();
        for branch in branches {
            let after = branch.update(&settled, now).unwrap();
            assert_eq!(after.version(), 7);
            let reason = |kid: KeyId| after.key_for(kid, Uses::PHONE, now).err();
            assert_eq!([0, 1].map(|n| reason(kids[n])), [Some(Reason::KeyRevoked); 2]);
            assert_eq!([2, 3].map(|n| reason(kids[n])), [None; 2]);
        }
        // From here on the list grows as ever.
        revoke(&list("one"), &kids[2].to_string()).unwrap();
        assert!(run(&SettleArgs { list: list("one"), other: vec![path("one")] }).is_err(), "one list twice");
    }
}
