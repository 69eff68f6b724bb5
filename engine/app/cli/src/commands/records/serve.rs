//! `hufu records serve`: the holder's view as a service.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use hufu_files::keys::ensure_private;
use hufu_files::settings::LogFormat;
use hufu_office::{TlsFiles, ViewOptions, ViewService};
use serde_json::json;
use tokio::runtime::Builder;

use super::key_folder;
use crate::outcome::Exit;
use crate::signals::Signals;
use crate::term::tell;
use crate::{log, term};

/// Serve views to holders.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The folder of views, from `hufu records view`
    #[arg(long, value_name = "FOLDER")]
    views: PathBuf,
    /// An engine's folder of keys; again for each engine
    #[arg(long, value_name = "FOLDER", required = true)]
    keys: Vec<PathBuf>,
    /// The secret that wraps the keys, or agent:CMD; again for each engine, in the same order
    #[arg(long, value_name = "FILE", required = true)]
    secret: Vec<PathBuf>,
    /// Where to listen; without --certificate on this machine alone
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7460")]
    listen: SocketAddr,
    /// The certificate, and those that lead to its root, PEM
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// The certificate's private key, PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// The operator's public key
    #[arg(long, value_name = "FILE", default_value = "operator.pub")]
    operator: PathBuf,
    /// The trust list: whose codes get a ticket
    #[arg(long, value_name = "FILE", default_value = "trust.hufu")]
    trust: PathBuf,
    /// The engines' sites.toml, for the names of sites and organisations
    #[arg(long, value_name = "FILE")]
    sites: Option<PathBuf>,
    /// Tickets that one address gets in ten minutes
    #[arg(long, value_name = "N", default_value_t = 60)]
    tickets_source_max: u32,
    /// Read everything, serve nothing
    #[arg(long)]
    check: bool,
    /// Stop when standard input ends, so that a child never outlives its parent
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

/// How often files are looked at: a destroyed day is not served for longer.
const LOOK: Duration = Duration::from_secs(1);

/// Runs `hufu records serve`.
pub(super) fn run(args: &ServeArgs) -> anyhow::Result<Exit> {
    ensure!(
        args.keys.len() == args.secret.len(),
        "give as many --secret as --keys: one of each for each engine"
    );
    let pairs = args.keys.iter().zip(&args.secret);
    let keys = pairs.map(|(keys, secret)| Ok((keys.clone(), key_folder(keys, secret)?)));
    let tls = args.certificate.clone().zip(args.key.clone());
    if let Some((_, key)) = &tls {
        ensure_private(key)?;
    }
    let options = ViewOptions {
        listen: args.listen,
        tls: tls.map(|(certificate, key)| TlsFiles { certificate, key }),
        views: args.views.clone(),
        keys: keys.collect::<anyhow::Result<_>>()?,
        operator: args.operator.clone(),
        trust: args.trust.clone(),
        sites: args.sites.clone(),
        tickets_source_max: args.tickets_source_max,
    };
    if args.check {
        let days = ViewService::look(options)?;
        tell!({ "views": args.views, "days": days }, "{}: {days} days can be served", args.views.display());
        return Ok(Exit::Yes);
    }
    log::to_stderr(LogFormat::Text);
    let runtime = Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(watch(options, args.until_stdin_ends))
}

async fn watch(options: ViewOptions, until_stdin_ends: bool) -> anyhow::Result<Exit> {
    let mut signals = Signals::new(until_stdin_ends)?;
    let mut service = ViewService::start(options)?;
    let api = service.addr();
    term::event(|| json!({ "ready": { "api": api } }), || format!("ready api={api}"));
    signals.watch(LOOK, |at_once| service.refresh(at_once)).await;
    service.stop().await;
    Ok(Exit::Yes)
}
