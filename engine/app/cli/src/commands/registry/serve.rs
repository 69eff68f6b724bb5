//! `hufu registry serve`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use hufu_registry::api::{ApiOptions, TlsFiles, serve};
use hufu_transport::MetricsPage;
use tokio::runtime::Builder;

use super::assemble::{Assembled, assemble};
use super::config::Config;
use super::figures::RegistryFigures;
use crate::log;
use crate::outcome::Exit;
use crate::secret;
use crate::signals::{Signals, Told};
use crate::term::say;
use crate::watched::Watched;

/// Run a registry.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "registry.toml")]
    config: PathBuf,
    /// Read everything, open the store, serve nothing
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
    let runtime = Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let assembled = assemble(&config).await?;
        if args.check {
            say!("{}: everything is there; the store is {}", args.config.display(), assembled.store.name());
            assembled.store.close().await;
            return Ok(Exit::Yes);
        }
        watch(&config, assembled, args.until_stdin_ends).await
    })
}

/// Serves until a signal ends it.
async fn watch(config: &Config, mut assembled: Assembled, until_stdin_ends: bool) -> anyhow::Result<Exit> {
    log::to_stderr();
    let mut signals = Signals::new(until_stdin_ends)?;
    // Before the first file is read again: whatever changes from here on is seen as a change.
    let options = api_options(config);
    let mut lists = Watched::new(assembled.trust.files());
    let mut certificate = options.tls.as_ref().map(|tls| Watched::new([&tls.certificate, &tls.key]));
    options.tls.as_ref().map_or(Ok(()), |tls| secret::ensure_private(&tls.key))?;
    let running = serve(&options, assembled.registry.clone())?;
    let metrics = config
        .listen
        .metrics
        .0
        .map(|listen| MetricsPage::serve(listen, Arc::new(RegistryFigures(running.figures()))));
    let metrics = metrics.transpose()?;
    #[cfg(feature = "nats")]
    let publisher = config.nats.as_ref().map(|nats| super::nats::publish(nats, &assembled)).transpose()?;
    #[cfg(not(feature = "nats"))]
    anyhow::ensure!(
        config.nats.is_none(),
        "this hufu was built without NATS; build it with `--features nats`, or leave out [nats]"
    );
    // Scripts read this line to know where, and that it is there.
    match &metrics {
        Some(metrics) => say!("ready api={} metrics={}", running.addr(), metrics.addr()),
        None => say!("ready api={}", running.addr()),
    }
    tracing::info!(api = %running.addr(), store = assembled.store.name(), "serving");

    let mut ticks = tokio::time::interval(LOOK);
    loop {
        let in_any_case = tokio::select! {
            _ = ticks.tick() => false,
            told = signals.next() => match told {
                Told::Look => true,
                Told::Stop(why) => {
                    tracing::info!("stopping: {why}");
                    break;
                }
            },
        };
        lists.follow(in_any_case, || {
            assembled.trust.renew()?;
            let keyring = assembled.trust.keyring();
            let version = keyring.version();
            assembled.registry.trust(keyring);
            Ok(format!("version {version} of the trust list is in force"))
        });
        if let (Some(watched), Some(tls)) = (&mut certificate, &options.tls) {
            watched.follow(in_any_case, || {
                secret::ensure_private(&tls.key)?;
                running.renew(tls)?;
                Ok("the API's certificate is in force".to_owned())
            });
        }
    }
    if let Some(metrics) = metrics {
        metrics.stop();
    }
    running.stop().await;
    #[cfg(feature = "nats")]
    drop(publisher);
    assembled.store.close().await;
    Ok(Exit::Yes)
}

fn api_options(config: &Config) -> ApiOptions {
    let (listen, files) = (&config.listen, &config.files);
    let tls = files
        .certificate
        .as_ref()
        .zip(files.key.as_ref())
        .map(|(certificate, key)| TlsFiles { certificate: certificate.get_ref().clone(), key: key.clone() });
    ApiOptions {
        tls,
        connections_max: *listen.connections_max.get_ref(),
        connections_source_max: *listen.connections_source_max.get_ref(),
        headers_ms_max: *listen.headers_ms_max.get_ref(),
        requests_max: *listen.requests_max.get_ref(),
        requests_token_max: *listen.requests_token_max.get_ref(),
        feeds_max: *listen.feeds_max.get_ref(),
        feeds_token_max: *listen.feeds_token_max.get_ref(),
        snapshot_limits: config.snapshots.limits(),
        request_ms_max: *listen.request_ms_max.get_ref(),
        offer_after_sets: *listen.offer_after_sets.get_ref(),
        snapshots: files.snapshots.clone(),
        ..ApiOptions::on(*listen.api.get_ref())
    }
}
