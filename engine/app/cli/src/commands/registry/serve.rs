//! `hufu registry serve`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use hufu_office::{Config, Looked, Prepared};
use serde_json::json;
use tokio::runtime::Builder;

use crate::outcome::Exit;
use crate::signals::Signals;
use crate::term::tell;
use crate::{log, term};

/// Run a registry.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "registry.toml")]
    config: PathBuf,
    /// Read everything, look at the store, change and serve nothing
    #[arg(long)]
    check: bool,
    /// Stop when standard input ends, so that a child never outlives its parent
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

/// How often the trust list and the certificate are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Runs `hufu registry serve`.
pub(super) fn run(args: &ServeArgs) -> anyhow::Result<Exit> {
    let config = Config::load(&args.config)?;
    let log_format = config.log;
    let runtime = Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        if args.check {
            let Looked { store, migrations_due } = Prepared::look(&config).await?;
            let start = match migrations_due {
                Some(0) => String::new(),
                Some(due) => format!("; the next start runs {due} migrations on it"),
                None => "; it is not there or empty, and the next start makes its tables".to_owned(),
            };
            tell!(
                { "config": args.config, "store": store, "migrations_due": migrations_due },
                "{}: everything is there; the store is {store}{start}", args.config.display()
            );
            return Ok(Exit::Yes);
        }
        let prepared = Prepared::load(config).await?;
        log::to_stderr(log_format);
        watch(prepared, args.until_stdin_ends).await
    })
}

async fn watch(prepared: Prepared, until_stdin_ends: bool) -> anyhow::Result<Exit> {
    let mut signals = Signals::new(until_stdin_ends)?;
    let store = prepared.store().to_owned();
    let mut office = prepared.with_pages(hufu_holder::pages()).start(Arc::new(log::Dropped))?;
    // Scripts read this line to know where, and that it is there.
    let (api, phones, metrics) = (office.api(), office.phones(), office.metrics());
    let named = [("phones", phones), ("metrics", metrics)];
    let shown = |(name, addr): (&str, Option<_>)| addr.map(|addr| format!(" {name}={addr}"));
    let shown: String = named.into_iter().filter_map(shown).collect();
    term::event(
        || json!({ "ready": { "api": api, "phones": phones, "metrics": metrics } }),
        || format!("ready api={api}{shown}"),
    );
    tracing::info!(api = %office.api(), store, "serving");
    signals.watch(LOOK, |at_once| office.refresh(at_once)).await;
    office.stop().await;
    Ok(Exit::Yes)
}
