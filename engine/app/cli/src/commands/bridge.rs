//! `hufu bridge`: terminals that speak HTTP and nothing else. Each has a gate of its own, so that pass-back, records and
//! revocation tell them apart.

mod config;
mod qr86;
mod routes;
mod terminal;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use hufu_api::{ApiOptions, serve_routes};
use hufu_files::settings::LogFormat;
use serde_json::json;
use tokio::runtime::Builder;

use self::config::Config;
use self::routes::Terminals;
use self::terminal::Asking;
use crate::outcome::Exit;
use crate::signals::Signals;
use crate::term::tell;
use crate::{log, term};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu bridge --config bridge.toml
  hufu bridge --config bridge.toml --check
  curl -H \"Authorization: Bearer $(cat north.token)\" -d '{\"code\":\"HF1:...\"}' http://127.0.0.1:7490/v1/check

docs/examples/bridge.toml describes every key, and docs/GATES.md what a terminal asks and is answered. When the
bridge listens it prints one line to standard output, whether engines answer or not:

  ready api=ADDRESS

SIGHUP looks for a changed certificate at once, SIGTERM and SIGINT stop.";

/// Answer terminals that speak HTTP.
#[derive(Debug, Args)]
pub(crate) struct BridgeArgs {
    /// The settings
    #[arg(long, value_name = "FILE", default_value = "bridge.toml")]
    config: PathBuf,
    /// Read everything, ask no engine, serve nothing
    #[arg(long)]
    check: bool,
    /// Stop when standard input ends, so that a child never outlives its parent
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

/// Runs `hufu bridge`.
pub(crate) fn run(args: &BridgeArgs) -> anyhow::Result<Exit> {
    let config = Config::load(&args.config)?;
    let (terminals, asking) = config.terminals()?;
    let count = terminals.len();
    if args.check {
        hufu_api::check(&options(&config))?;
        tell!({ "config": args.config, "terminals": count }, "{}: {count} terminals can be served", args.config.display());
        return Ok(Exit::Yes);
    }
    log::to_stderr(LogFormat::Text);
    // One core is enough for 10,000 checks a second, and the others belong to the engine beside it.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().context("no runtime")?;
    runtime.block_on(serve(&config, terminals, asking, args.until_stdin_ends))
}

fn options(config: &Config) -> ApiOptions {
    ApiOptions {
        tls: config.tls(),
        plain: config.plain,
        connections_source_max: *config.connections_source_max.get_ref(),
        connections_max: CONNECTIONS_MAX,
        ..ApiOptions::on(config.listen)
    }
}

async fn serve(
    config: &Config,
    terminals: Terminals,
    asking: Vec<Asking>,
    until_stdin_ends: bool,
) -> anyhow::Result<Exit> {
    let mut signals = Signals::new(until_stdin_ends)?;
    let tls = config.tls();
    let front = serve_routes(&options(config), routes::router(Arc::new(terminals)))?;
    for device in asking {
        tokio::spawn(device.run());
    }
    let api = front.addr();
    term::event(|| json!({ "ready": { "api": api } }), || format!("ready api={api}"));
    signals.watch_front(&front, tls.as_ref()).await;
    front.stop().await;
    Ok(Exit::Yes)
}

/// Connections at once.
const CONNECTIONS_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r60_one_address_takes_every_connection_only_where_the_settings_say_so() {
        let check = |settings: &str, of_one: usize| {
            let options = options(&toml::from_str(settings).unwrap());
            assert_eq!((options.connections_source_max, options.connections_max), (of_one, 1_024));
        };
        check("", 512);
        check("connections_source_max = 1024", 1_024);
    }
}
