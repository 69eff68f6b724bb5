//! `hufu foreign revocations`: the list of revoked certificates, from the gateway's batches.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hufu_files::{self as files, moment};
use hufu_hc1::lists::{self, Dated};
use hufu_hc1::revoked::{Digest16, Digested, Group, Revoked};
use serde::Deserialize;
use serde_json::json;

use super::sources::key_id;
use super::{MakeArgs, ShowListArgs};
use crate::term::{self, tell};

/// What a batch says where its digests are of the certificates of any key.
const ANY_KEY: &str = "UNKNOWN_KID";

/// A batch as the EU's gateway hands it out.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    kid: Option<String>,
    hash_type: HashType,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum HashType {
    Signature,
    Uci,
    CountryCodeUci,
}

#[derive(Deserialize)]
struct Entry {
    hash: String,
}

pub(super) fn import(make: &MakeArgs) -> anyhow::Result<()> {
    let mut groups = Vec::new();
    for path in make.files()? {
        let group = || {
            let batch: Batch = serde_json::from_slice(&files::read(&path)?).context(
                "it is no batch of revocations, a JSON object with kid, hashType (SIGNATURE, UCI or COUNTRYCODEUCI) and \
                 entries, each with a hash",
            )?;
            batch.group()
        };
        groups.push(group().with_context(|| path.display().to_string())?);
    }
    // The same digest twice comes out once.
    let digests =
        groups.iter().flat_map(|group| group.digests.iter().map(|digest| (group.key_id, group.of, *digest)));
    let count = digests.collect::<BTreeSet<_>>().len();
    let serial = make.sign(
        |bytes, operator| Revoked::open(bytes, operator).map(|list| list.dated.serial),
        |dated, operator| Revoked::sign(dated, groups, operator),
    )?;
    tell!(
        { "list": make.list, "serial": serial, "revocations": count },
        "{}: list {serial} of {count} revocations",
        make.list.display()
    );
    Ok(())
}

pub(super) fn show(which: &ShowListArgs) -> anyhow::Result<()> {
    let list = which.open(Revoked::open)?;
    let Dated { serial, made_at } = list.dated;
    let rows = || {
        list.groups().iter().map(|group| {
            let key = group.key_id.as_ref().map_or_else(|| "any".to_owned(), lists::hex);
            (key, word(group.of), group.digests.len())
        })
    };
    let to_json = || {
        let groups: Vec<_> =
            rows().map(|(key, of, count)| json!({ "key_id": key, "of": of, "revocations": count })).collect();
        json!({ "serial": serial, "made_at": moment::show(made_at), "revocations": list.len(), "groups": groups })
    };
    let to_text = || {
        let head = format!("list {serial}, made at {}, {} revocations\n", moment::show(made_at), list.len());
        rows().fold(head, |text, (key, of, count)| format!("{text}key {key}: {count} by {of}\n"))
    };
    term::outcome(to_json, to_text);
    Ok(())
}

/// What is digested, in words.
pub(crate) const fn word(of: Digested) -> &'static str {
    match of {
        Digested::Signature => "signature",
        Digested::Id => "identifier",
        Digested::CountryAndId => "country and identifier",
    }
}

impl Batch {
    fn group(&self) -> anyhow::Result<Group> {
        let digest = |entry: &Entry| -> anyhow::Result<Digest16> {
            let bytes = STANDARD.decode(&entry.hash).context("a hash is not base64")?;
            ensure!(
                matches!(bytes.len(), 16 | 32),
                "the hash {} has {} bytes, not 16 or 32",
                entry.hash,
                bytes.len()
            );
            bytes.first_chunk().copied().context("a hash is too short")
        };
        Ok(Group {
            key_id: self.kid.as_deref().filter(|kid| *kid != ANY_KEY).map(key_id).transpose()?,
            of: match self.hash_type {
                HashType::Signature => Digested::Signature,
                HashType::Uci => Digested::Id,
                HashType::CountryCodeUci => Digested::CountryAndId,
            },
            digests: self.entries.iter().map(digest).collect::<Result<_, _>>()?,
        })
    }
}
