//! `hufu keys`: signing keys, the cluster's keys, and the trust list.

mod cluster;
pub(crate) mod trust;

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args, Subcommand};
use hufu_files::keys::{Owner, PublicKey, SecretKey};
use hufu_signature::Scheme;
use hufu_wire::IssuerId;

use crate::outcome::Exit;
use crate::term::tell;
use crate::words::words;

pub(crate) const EXAMPLES: &str = "Examples:
  hufu keys generate operator --out operator
  hufu keys generate issuer --issuer 310000 --out shanghai
  hufu keys generate issuer --issuer 440000 --scheme SM2 --out guangdong
  hufu keys cluster new --state state
  hufu keys cluster ask --out engine-2
  hufu keys cluster export --state state --for engine-2.ask --out engine-2.sealed
  hufu keys cluster import --state state --ask engine-2 --from engine-2.sealed
  hufu keys cluster next --state state
  hufu keys trust new --operator operator.key --out trust.hufu
  hufu keys trust add --operator operator.key --list trust.hufu --key shanghai.pub --uses phone,paper,trip,roster
  hufu keys trust revoke --operator operator.key --list trust.hufu --key-id 21fe31dfa154a261
  hufu keys trust refresh --operator operator.key --list trust.hufu --next-by +90d
  hufu keys trust settle --operator operator.key --list trust.hufu --other forked.hufu
  hufu keys trust hand-over --operator new.key --from operator.pub --list trust.hufu
  hufu keys trust show --operator operator.pub --list trust.hufu";

/// Make signing keys, and the trust list that says whose codes are accepted.
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a signing key: NAME.key for whoever signs, NAME.pub to hand around
    Generate(GenerateArgs),
    /// Make, hand over and change the keys that all engines of a cluster share
    #[command(subcommand)]
    Cluster(cluster::ClusterCommand),
    /// Make, change and show the operator's trust list
    #[command(subcommand)]
    Trust(trust::TrustCommand),
}

/// Make a signing key.
#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Who will sign with it
    #[arg(value_parser = words(Owner::ALL.map(Owner::word), Owner::of_word))]
    owner: Owner,
    /// The issuer's id, for example an administrative code
    #[arg(long, value_name = "ID", required_if_eq("owner", "issuer"))]
    issuer: Option<u32>,
    /// The signature scheme: EdDSA (Ed25519), or SM2 with SM3 (GB/T 32918)
    #[arg(long, default_value = "EdDSA", value_parser = words(Scheme::ALL.map(Scheme::name), Scheme::named))]
    scheme: Scheme,
    /// Where to put the key; .key and .pub are added
    #[arg(long, value_name = "NAME")]
    out: PathBuf,
}

/// Runs `hufu keys`.
pub(crate) fn run(command: &KeysCommand) -> anyhow::Result<Exit> {
    match command {
        KeysCommand::Generate(args) => generate(args)?,
        KeysCommand::Cluster(command) => cluster::run(command)?,
        KeysCommand::Trust(command) => trust::run(command)?,
    }
    Ok(Exit::Yes)
}

fn generate(args: &GenerateArgs) -> anyhow::Result<()> {
    let issuer = args.issuer.map(IssuerId);
    ensure!(args.owner == Owner::Issuer || issuer.is_none(), "an operator's key has no --issuer");
    let secret = SecretKey::generate(args.owner, issuer, args.scheme)?;
    let public = PublicKey::of(&secret)?;
    let [secret_path, public_path] = secret.store(&args.out, &public)?;
    tell!(
        { "key_id": public.kid().to_string(), "issuer": args.issuer, "scheme": args.scheme.name(), "secret": secret_path, "public": public_path },
        "key {}: {} (secret), {}",
        public.kid(),
        secret_path.display(),
        public_path.display()
    );
    Ok(())
}
