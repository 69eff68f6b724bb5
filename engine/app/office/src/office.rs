//! A registry that runs.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use axum::Router;
use hufu_api::{ApiOptions, Running, TlsFiles, serve};
use hufu_files::keys;
use hufu_files::watched::Watched;
use hufu_transport::{Exhibit, MetricsPage};

use crate::assemble::{Assembled, Looked, assemble, look};
use crate::config::Config;
use crate::ends::Noting;
use crate::figures::{Expiries, RegistryFigures};
use crate::phones::PhoneDesk;
use crate::serving::{Kept, serving};

/// A registry whose files were all read and whose store answers.
pub struct Prepared {
    config: Config,
    assembled: Assembled,
    pages: Option<Router>,
    kept: Kept,
}

/// A registry that serves its API, within a tokio runtime.
pub struct Office {
    assembled: Assembled,
    tls: Option<TlsFiles>,
    lists: Watched,
    certificate: Option<Watched>,
    running: Running,
    phones: Option<PhoneDesk>,
    expiries: Arc<Expiries>,
    metrics: Option<MetricsPage>,
    noting: Noting,
    _kept: Kept,
    #[cfg(feature = "nats")]
    _publisher: Option<hufu_nats::Publisher>,
}

impl Prepared {
    /// Reads every file that `config` names and opens the store.
    ///
    /// # Errors
    /// The file that cannot be used, or the store that does not answer; a command that needs the registry stopped runs.
    pub async fn load(config: Config) -> anyhow::Result<Prepared> {
        // Before the keys are read: a command may replace them until then.
        let kept = serving(&config)?;
        let assembled = assemble(&config).await?;
        Ok(Prepared { config, assembled, pages: None, kept })
    }

    /// Whether a registry would start on this configuration, also beside one that runs on it. The database is neither
    /// made nor brought up to date.
    ///
    /// # Errors
    /// As [`load`](Self::load) and [`start`](Self::start).
    pub async fn look(config: &Config) -> anyhow::Result<Looked> {
        let _kept = serving(config)?;
        let api = api_options(config);
        let (phones, metrics) = (config.listen.phones.get_ref().0, config.listen.metrics.0);
        ensure_servable("api", &api)?;
        if let Some(listen) = phones {
            ensure_servable("phones", &config.phones.options(listen).api)?;
        }
        metrics.map_or(Ok(()), |listen| ensure_here("metrics", listen))?;
        let listening: Vec<_> = [Some(api.listen), phones, metrics].into_iter().flatten().collect();
        for (at, address) in listening.iter().enumerate() {
            let is_twice = address.port() != 0 && listening[..at].contains(address);
            ensure!(!is_twice, "two of `api`, `phones` and `metrics` in [listen] have the address {address}");
        }
        if let Some(folder) = api.snapshots.filter(|folder| folder.exists()) {
            std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        }
        ensure_built_in(config)?;
        #[cfg(feature = "nats")]
        let _options = config.nats.as_ref().map(crate::nats::options).transpose()?;
        look(config).await
    }

    /// This registry, which serves these pages to phones, beside their API and from its origin.
    #[must_use]
    pub fn with_pages(self, pages: Router) -> Prepared {
        Prepared { pages: Some(pages), ..self }
    }

    /// What kind of store it is.
    pub fn store(&self) -> &str {
        self.assembled.store.name()
    }

    /// Serves the API, and on the metrics page also what `exhibit` shows.
    ///
    /// # Errors
    /// The address, certificate or feed that cannot be used.
    pub fn start(self, exhibit: Arc<dyn Exhibit>) -> anyhow::Result<Office> {
        let Prepared { config, assembled, pages, kept } = self;
        if let Some(unseen) = &kept.unseen {
            tracing::warn!("{unseen}");
        }
        let options = api_options(&config);
        // Before the first file is read again: whatever changes from here on is seen as a change.
        let lists = Watched::new(assembled.trust.files());
        let certificate = options.tls.as_ref().map(|tls| Watched::new([&tls.certificate, &tls.key]));
        options.tls.as_ref().map_or(Ok(()), |tls| keys::ensure_private(&tls.key))?;
        let running = serve(&options, assembled.registry.clone())?;
        let expiries = Arc::new(Expiries::default());
        expiries.trust(&assembled.trust.keyring());
        options.tls.iter().for_each(|tls| expiries.certificate(tls));
        let phones = config.listen.phones.get_ref().0.map(|listen| {
            PhoneDesk::start(&config.phones, listen, assembled.registry.clone(), pages, &expiries)
        });
        let phones = phones.transpose()?;
        let figures = RegistryFigures {
            source: running.figures(),
            phones: phones.as_ref().map(PhoneDesk::figures),
            expiries: Arc::clone(&expiries),
        };
        let page: Vec<Arc<dyn Exhibit>> = vec![Arc::new(figures), exhibit];
        let metrics =
            config.listen.metrics.0.map(|listen| MetricsPage::serve(listen, Arc::new(page))).transpose()?;
        ensure_built_in(&config)?;
        #[cfg(feature = "nats")]
        let publisher =
            config.nats.as_ref().map(|nats| crate::nats::publish(nats, &assembled)).transpose()?;
        let noting = Noting::start(Arc::clone(&assembled.ends), Arc::clone(&assembled.registry));
        Ok(Office {
            assembled,
            tls: options.tls,
            lists,
            certificate,
            running,
            phones,
            expiries,
            metrics,
            noting,
            _kept: kept,
            #[cfg(feature = "nats")]
            _publisher: publisher,
        })
    }
}

impl Office {
    /// Where the API is.
    pub fn api(&self) -> SocketAddr {
        self.running.addr()
    }

    /// Where phones of holders are served.
    pub fn phones(&self) -> Option<SocketAddr> {
        self.phones.as_ref().map(PhoneDesk::addr)
    }

    /// Where the metrics page is.
    pub fn metrics(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(MetricsPage::addr)
    }

    /// Takes files that have changed; to be called once a second. `at_once`: also files that were refused a moment ago.
    pub fn refresh(&mut self, at_once: bool) {
        let Office { assembled, tls, lists, certificate, running, phones, expiries, .. } = self;
        lists.follow(at_once, || {
            assembled.trust.renew()?;
            let keyring = assembled.trust.keyring();
            let version = keyring.version();
            expiries.trust(&keyring);
            assembled.registry.trust(keyring);
            Ok(format!("version {version} of the trust list is loaded"))
        });
        if let (Some(watched), Some(tls)) = (certificate, tls) {
            watched.follow(at_once, || {
                keys::ensure_private(&tls.key)?;
                running.renew(tls)?;
                expiries.certificate(tls);
                Ok("the API's certificate is loaded".to_owned())
            });
        }
        if let Some(phones) = phones {
            phones.refresh(at_once, expiries);
        }
    }

    /// Takes no more connections, ends the feeds, lets requests come to their end for up to five seconds.
    pub async fn stop(self) {
        if let Some(metrics) = self.metrics {
            metrics.stop();
        }
        if let Some(phones) = self.phones {
            phones.stop().await;
        }
        self.running.stop().await;
        self.noting.stop().await;
        self.assembled.store.close().await;
    }
}

/// Refuses what this program was built without.
fn ensure_built_in(config: &Config) -> anyhow::Result<()> {
    ensure!(
        cfg!(feature = "nats") || config.nats.is_none(),
        "this hufu was built without NATS; build it with `--features nats`, or leave out [nats]"
    );
    Ok(())
}

/// Refuses a key that others can read, a certificate that does not fit it, and an address that is not this machine's.
fn ensure_servable(name: &str, options: &ApiOptions) -> anyhow::Result<()> {
    options.tls.as_ref().map_or(Ok(()), |tls| keys::ensure_private(&tls.key))?;
    hufu_api::check(options)?;
    ensure_here(name, options.listen)
}

/// Refuses an address that cannot be served. One in use may be that of the registry that runs, and a port below 1024 one that
/// its unit may serve.
fn ensure_here(name: &str, address: SocketAddr) -> anyhow::Result<()> {
    match TcpListener::bind(address) {
        Err(error) if !matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied) => {
            Err(error).with_context(|| format!("the address of `{name}` in [listen] cannot be served"))
        }
        _ => Ok(()),
    }
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
