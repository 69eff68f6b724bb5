//! `hufu checkpoint propose`: the local authority's half.

use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use hufu_authority::Checkpoint;
use hufu_codes::keyring::{Keyring, Uses};
use hufu_files::moment;
use hufu_files::{self as files, Readable};
use hufu_wire::{IssuerId, KeyId};
use serde_json::json;

use super::{CommonArgs, show, to_json};
use crate::outcome::Exit;
use crate::{ask, term};

/// Make a checkpoint.
#[derive(Debug, Args)]
pub(crate) struct ProposeArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// The national platform that confirms this chain
    #[arg(long, value_name = "ID")]
    national: u32,
    /// Its key that will sign too, as the trust list names it; needed when it has several valid keys
    #[arg(long, value_name = "HEX")]
    national_key_id: Option<String>,
    /// The checkpoint to write, for the national platform to sign
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs `hufu checkpoint propose`.
pub(super) fn run(args: &ProposeArgs) -> anyhow::Result<Exit> {
    let common = &args.common;
    let signer = common.key.open()?;
    let (key, issuer) = (signer.key(), common.chain.issuer());
    ensure!(key.issuer() == issuer, "the key is issuer {}'s, and the chain is {issuer}'s", key.issuer());
    let open = common.chain.open(IssuerId(args.national))?;
    let chain = open.chain();
    let national_key = args.national_key(chain.keyring)?;
    let checkpoint = Checkpoint::propose(&chain, &common.state, key, national_key)?;
    if ask::describes(common.yes) {
        show(&checkpoint);
    }
    if !common.sure()? {
        return Ok(Exit::No);
    }
    let bytes = checkpoint.sign(&chain, &*signer)?;
    files::replace(&args.out, &bytes, Readable::All)?;
    let object = || {
        let mut object = to_json(&checkpoint);
        object["bytes"] = json!(checkpoint.snapshot.bytes);
        object
    };
    let text = || {
        let (sequence, digest) = (checkpoint.message.sequence, checkpoint.snapshot.digest);
        format!(
            "{}: sequence {sequence}, snapshot {digest}\n\
             give this file to the national platform, which runs `hufu checkpoint confirm`",
            args.out.display()
        )
    };
    term::outcome(object, text);
    Ok(Exit::Yes)
}

impl ProposeArgs {
    /// The national key that the checkpoint names.
    fn national_key(&self, keyring: &Keyring) -> anyhow::Result<KeyId> {
        let (national, now) = (IssuerId(self.national), moment::now().seconds());
        let may_confirm = |kid: &KeyId| {
            keyring.key_for(*kid, Uses::CONFIRMATION, now).is_ok_and(|key| key.issuer == national)
        };
        let keys: Vec<_> = keyring.keys().iter().map(|key| key.kid).filter(may_confirm).collect();
        if let Some(named) = &self.national_key_id {
            let found = keys.into_iter().find(|key| key.to_string() == *named);
            return found.with_context(|| {
                format!("issuer {national} has no valid key {named} for confirmations in the trust list")
            });
        }
        match keys.as_slice() {
            [key] => Ok(*key),
            [] => bail!("issuer {national} has no valid key for confirmations in the trust list"),
            several => {
                let names: Vec<_> = several.iter().map(ToString::to_string).collect();
                bail!(
                    "issuer {national} has several valid keys: choose one with --national-key-id: {}",
                    names.join(", ")
                )
            }
        }
    }
}
