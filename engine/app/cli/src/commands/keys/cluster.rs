//! `hufu keys cluster`: the keys that all engines of a cluster share.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use hufu_check::{ChainFacts, ClusterFault, ClusterKeys};
use hufu_files::keys;
use hufu_files::moment;
use hufu_files::{self as files, Readable};
use hufu_node::cluster;
use hufu_wire::{UnixSeconds, limits};
use serde_json::{Value, json};

use crate::commands::records::ensure_owner;
use crate::handover;
use crate::term::{self, tell};

/// Make, hand over and change the keys that all engines of a cluster share.
#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Make the keys of a new cluster, for its first engine
    New(StateArgs),
    /// Take over a cluster that had a seed file; the same on every engine
    Migrate {
        /// The seed file
        #[arg(long, value_name = "FILE")]
        seed: PathBuf,
        #[command(flatten)]
        state: StateArgs,
    },
    /// Show which keys an engine has, and nothing secret
    Show(StateArgs),
    /// Ask for the keys, on the machine of another engine: NAME.ask to hand around, NAME.ask.key to keep
    Ask {
        /// Where to put the request; .ask and .ask.key are added
        #[arg(long, value_name = "NAME")]
        out: PathBuf,
    },
    /// Seal the keys as they are now to a request, on the machine of an engine that has them
    Export {
        #[command(flatten)]
        state: StateArgs,
        /// The request, NAME.ask
        #[arg(long = "for", value_name = "FILE")]
        request: PathBuf,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Take keys that were sealed to a request of this machine, and remove the request
    Import {
        #[command(flatten)]
        state: StateArgs,
        /// The request that they were sealed to, without .ask
        #[arg(long, value_name = "NAME")]
        ask: PathBuf,
        /// What `export` wrote
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Put them in the place of all keys that this engine has
        #[arg(long)]
        replace: bool,
    },
    /// Make the next key chain beside the current one; engines then open cookies of both
    Next(StateArgs),
    /// Seal new cookies under the newer key chain, once every engine has both
    Use(StateArgs),
    /// Forget the older key chain, 24 hours after every engine uses the newer one
    Drop {
        #[command(flatten)]
        state: StateArgs,
        /// Even if gates still have cookies of the older one; they enrol again
        #[arg(long)]
        now: bool,
    },
}

/// Whose keys.
#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    /// The engine's state folder, [files] state in its engine.toml
    #[arg(long = "state", value_name = "FOLDER")]
    folder: PathBuf,
}

impl StateArgs {
    /// The folder, where only its owner changes keys: the engine could not read those that root leaves there.
    fn own(&self) -> anyhow::Result<&Path> {
        if self.folder.exists() {
            ensure_owner(&self.folder, "hufu keys cluster ...")?;
        }
        Ok(&self.folder)
    }
}

/// Runs `hufu keys cluster`.
pub(crate) fn run(command: &ClusterCommand) -> anyhow::Result<()> {
    match command {
        ClusterCommand::New(state) => {
            let folder = state.own()?;
            let (name, secret) = random_chain()?;
            cluster::create(folder, &ClusterKeys::first(moment::now(), name, &secret))?;
            let path = cluster::path(folder);
            tell!({ "keys": path }, "cluster keys: {}; the engine keeps them up to date", path.display());
        }
        ClusterCommand::Migrate { seed, state } => {
            let folder = state.own()?;
            let keys = ClusterKeys::from_seed(&*keys::read_seed(seed)?, moment::now())?;
            cluster::create(folder, &keys)?;
            let path = cluster::path(folder);
            tell!(
                { "keys": path },
                "cluster keys: {}; once every engine has them, destroy {} and its copies",
                path.display(),
                seed.display()
            );
        }
        ClusterCommand::Show(StateArgs { folder }) => show("", &cluster::read(folder)?),
        ClusterCommand::Ask { out } => {
            let request = handover::Request::make(out)?;
            let [public, secret] = handover::paths(out);
            tell!(
                { "fingerprint": request.fingerprint(), "request": public, "secret": secret },
                "request {}: {}; {} stays here until the import",
                request.fingerprint(),
                public.display(),
                secret.display()
            );
        }
        ClusterCommand::Export { state, request, out } => export(&state.folder, request, out)?,
        ClusterCommand::Import { state, ask, from, replace } => {
            let keys = cluster::take(state.own()?, &handover::open(ask, from)?, *replace)?;
            handover::remove(ask)?;
            show(&format!("imported; {} and its copies open no more\n", from.display()), &keys);
        }
        ClusterCommand::Next(state) => {
            let (name, secret) = random_chain()?;
            let keys =
                cluster::change(state.own()?, |keys| Ok(keys.add_next(moment::now(), name, &secret)?))?;
            show("export it to every other engine, then `hufu keys cluster use` on each\n", &keys);
        }
        ClusterCommand::Use(state) => {
            let keys = cluster::change(state.own()?, |keys| Ok(keys.use_newer(moment::now())?))?;
            show("24 hours after the last engine, `hufu keys cluster drop` on each\n", &keys);
        }
        ClusterCommand::Drop { state, now } => {
            let dropped = |keys: &mut ClusterKeys| match keys.drop_older(moment::now(), *now) {
                Err(ClusterFault::Alive(until)) => anyhow::bail!(
                    "gates can have cookies of the older key chain until {}; wait, or drop it with --now and they \
                     enrol again",
                    moment::show(until)
                ),
                done => Ok(done?),
            };
            show("", &cluster::change(state.own()?, dropped)?);
        }
    }
    Ok(())
}

fn export(state: &Path, request: &Path, out: &Path) -> anyhow::Result<()> {
    let request = handover::Request::load(request)?;
    let mut keys = cluster::read(state)?;
    // Nothing is handed over that the engine would have forgotten, had it been running.
    keys.advance_to(ClusterKeys::epoch_at(moment::now()))?;
    files::create(out, &request.seal(&keys)?, Readable::Owner)?;
    tell!(
        { "fingerprint": request.fingerprint(), "sealed": out },
        "sealed to request {}: {}; compare the number with what `ask` printed before you send it",
        request.fingerprint(),
        out.display()
    );
    Ok(())
}

/// Eight bytes of name and a secret, random.
fn random_chain() -> anyhow::Result<([u8; 8], zeroize::Zeroizing<[u8; 32]>)> {
    let (mut name, seed) = ([0; 8], keys::random_seed()?);
    name.copy_from_slice(&seed[..8]);
    Ok((name, keys::random_seed()?))
}

/// Shows nothing secret; `said` stands above it.
fn show(said: &str, keys: &ClusterKeys) {
    term::outcome(|| to_json(keys), || format!("{said}{}", to_table(keys)));
}

fn to_json(keys: &ClusterKeys) -> Value {
    let chain = |chain: ChainFacts| {
        let from_s = chain.epoch.saturating_mul(limits::EPOCH_S);
        json!({
            "chain": chain.number, "name": hex::encode(chain.name), "secrets_from_s": from_s,
            "new_cookies": chain.seals,
        })
    };
    keys.facts().map(chain).collect()
}

fn to_table(keys: &ClusterKeys) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["chain", "name", "secrets from", "new cookies"]);
    for chain in keys.facts() {
        let from = UnixSeconds(chain.epoch.saturating_mul(limits::EPOCH_S));
        let seals = if chain.seals { "yes" } else { "no" };
        table.add_row([
            chain.number.to_string(),
            hex::encode(chain.name),
            moment::show(from),
            seals.to_owned(),
        ]);
    }
    table
}
