//! `hufu checkpoint propose`: the local authority's half.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use hufu_codes::keyring::{Keyring, Uses};
use hufu_wire::chain::Checkpoint;
use hufu_wire::{IssuerId, KeyId, Sequence};
use serde_json::json;

use super::CommonArgs;
use crate::follow_api::{Dated, follow_to_end};
use crate::ledger::LedgerFolder;
use crate::outcome::Exit;
use crate::term::{self, note, say};
use crate::trust::keys_of;
use crate::{ask, instructed};
use hufu_files::moment;
use hufu_files::{self as files, Readable};

/// Make a checkpoint.
#[derive(Debug, Args)]
pub(crate) struct ProposeArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The national platform that confirms this chain
    #[arg(long, value_name = "ID")]
    national: u32,
    /// Its key that will sign too, as the trust list names it; needed when it has several in force
    #[arg(long, value_name = "HEX")]
    national_key_id: Option<String>,
    /// The checkpoint to write, for the national platform to sign
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs `hufu checkpoint propose`.
pub(super) fn run(args: &ProposeArgs) -> anyhow::Result<Exit> {
    let common = &args.common;
    let now = moment::now();
    let signer = common.key.open()?;
    ensure!(
        signer.key().issuer() == IssuerId(common.issuer),
        "the key is issuer {}'s, and the chain is {}'s",
        signer.key().issuer(),
        common.issuer
    );
    let keyring = common.trust.load(now.seconds())?;
    let authorities = common.authorities(IssuerId(args.national))?;
    let national_key = args.national_key(&keyring)?;

    let remote = common.registry.connect()?;
    let folder = LedgerFolder::open(&common.state, authorities)?;
    let mut ledger = folder.load(now)?;
    common.clocks.tip(&remote, authorities.issuer())?;
    follow_to_end(&remote, &mut ledger, &keyring, Dated::ByNow)?;
    let tip = *ledger.tip();
    ensure!(tip.sequence > Sequence(0), "the chain of issuer {} has no set yet", common.issuer);
    let (path, info) = folder.store(&ledger)?;

    let checkpoint = Checkpoint {
        issuer: authorities.issuer(),
        sequence: tip.sequence,
        made: moment::now(),
        proposed: tip.proposed,
        local_key: signer.key().id(),
        national_key,
        digest: tip.digest,
        snapshot: info.digest.0,
        local_signature: [0; 64],
        national_signature: [0; 64],
    };
    if !common.json {
        term::note_text(&instructed::describe_checkpoint(&checkpoint, info.holders, term::stderr()));
    }
    if !ask::sure("Vouch for this table?", common.yes)? {
        note!("nothing was signed");
        return Ok(Exit::No);
    }
    let bytes = signer.sign(signer.key().vouch(&checkpoint)?)?;
    // First the snapshot: a checkpoint that names one nobody has leads nowhere.
    remote.ask(|api| api.put_snapshot(authorities.issuer(), info.digest, &path))?;
    files::replace(&args.out, &bytes, Readable::All)?;
    if common.json {
        say!(
            "{:#}",
            json!({
                "issuer": common.issuer, "sequence": tip.sequence.0, "digest": tip.digest.to_string(),
                "snapshot": info.digest.to_string(), "holders": info.holders, "bytes": info.bytes,
            })
        );
    } else {
        say!("{}: sequence {}, snapshot {}", args.out.display(), tip.sequence, info.digest);
        say!("give it to the national platform: hufu checkpoint confirm");
    }
    Ok(Exit::Yes)
}

impl ProposeArgs {
    /// The national key that the checkpoint names.
    fn national_key(&self, keyring: &Keyring) -> anyhow::Result<KeyId> {
        let national = IssuerId(self.national);
        let keys = keys_of(keyring, national, Uses::CONFIRMATION, moment::now().seconds());
        if let Some(named) = &self.national_key_id {
            let found = keys.into_iter().find(|key| key.to_string() == *named);
            return found
                .with_context(|| format!("the trust list lets no key {named} of issuer {national} confirm"));
        }
        match keys.as_slice() {
            [key] => Ok(*key),
            [] => bail!("the trust list lets no key of issuer {national} confirm now"),
            several => {
                let names: Vec<_> = several.iter().map(ToString::to_string).collect();
                bail!(
                    "issuer {national} has several keys in force: --national-key-id is one of {}",
                    names.join(", ")
                )
            }
        }
    }
}
