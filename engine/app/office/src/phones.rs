//! Phones of holders in front of a registry: their API, the page that they run, and the holder's view, all from one origin.

mod views;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use hufu_api::{PhoneFigures, RunningPhones, TlsFiles, serve_phones};
use hufu_files::keys;
use hufu_files::watched::Watched;
use hufu_registry::Registry;

use crate::config::PhoneSettings;
use crate::figures::Expiries;

/// The phones' side of a registry that runs.
pub(crate) struct PhoneDesk {
    running: RunningPhones,
    tls: Option<TlsFiles>,
    certificate: Option<Watched>,
}

impl PhoneDesk {
    /// Serves phones on `listen`, with `pages` beside their API.
    pub(crate) fn start(
        settings: &PhoneSettings,
        listen: SocketAddr,
        registry: Arc<Registry>,
        pages: Option<Router>,
        expiries: &Expiries,
    ) -> anyhow::Result<PhoneDesk> {
        let options = settings.options(listen);
        let tls = options.api.tls.clone();
        let certificate = tls.as_ref().map(|tls| Watched::new([&tls.certificate, &tls.key]));
        tls.as_ref().map_or(Ok(()), |tls| keys::ensure_private(&tls.key))?;
        let views = settings.views_at().map(views::router);
        let beside = match (pages, views) {
            (Some(pages), Some(views)) => Some(pages.merge(views)),
            (pages, views) => pages.or(views),
        };
        let running = serve_phones(&options, registry, beside)?;
        tls.iter().for_each(|tls| expiries.phones_certificate(tls));
        Ok(PhoneDesk { running, tls, certificate })
    }

    /// Where phones are served.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.running.addr()
    }

    /// Where their figures come from.
    pub(crate) fn figures(&self) -> Box<dyn Fn() -> PhoneFigures + Send + Sync> {
        Box::new(self.running.figures())
    }

    /// Takes a certificate that has changed.
    pub(crate) fn refresh(&mut self, at_once: bool, expiries: &Expiries) {
        let PhoneDesk { running, tls, certificate } = self;
        if let (Some(watched), Some(tls)) = (certificate, tls) {
            watched.follow(at_once, || {
                keys::ensure_private(&tls.key)?;
                running.renew(tls)?;
                expiries.phones_certificate(tls);
                Ok("the phones' certificate is loaded".to_owned())
            });
        }
    }

    /// Ends it; requests under way have five seconds.
    pub(crate) async fn stop(self) {
        self.running.stop().await;
    }
}
