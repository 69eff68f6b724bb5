//! `[phones]` of `registry.toml`: how holders' phones are served, apart from clerks (R46).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hufu_api::{PhoneOptions, TlsFiles};
use hufu_files::settings::{Misconfigured, Place, Somewhere, bare};
use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;
use toml::Spanned;

/// The identity that phones see, how much is done at once, and what stands beside the phones' API.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct PhoneSettings {
    /// The certificate that phones see, PEM.
    pub certificate: Option<Spanned<PathBuf>>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
    /// Connections at once.
    pub connections_max: Spanned<usize>,
    /// Connections at once of one source.
    pub connections_source_max: Spanned<usize>,
    /// How long TLS may take, and the headers of a request, milliseconds.
    pub headers_ms_max: Spanned<u64>,
    /// Requests worked at at once.
    pub requests_max: Spanned<usize>,
    /// Requests under way at once of one source.
    pub requests_source_max: Spanned<usize>,
    /// How long one request may take, milliseconds.
    pub request_ms_max: Spanned<u64>,
    /// Requests of one phone in a minute.
    pub phone_requests_max: Spanned<u32>,
    /// The service of the holder's view on this machine, `http://127.0.0.1:PORT`.
    pub views: Option<Spanned<String>>,
    /// What a page tells who appeals.
    pub appeal: Option<String>,
}

impl Default for PhoneSettings {
    fn default() -> PhoneSettings {
        let PhoneOptions { api, phone_requests_max, appeal } =
            PhoneOptions::on(SocketAddr::from(([127, 0, 0, 1], 0)));
        PhoneSettings {
            certificate: None,
            key: None,
            connections_max: bare(api.connections_max),
            connections_source_max: bare(api.connections_source_max),
            headers_ms_max: bare(api.headers_ms_max),
            requests_max: bare(api.requests_max),
            requests_source_max: bare(api.requests_token_max),
            request_ms_max: bare(api.request_ms_max),
            phone_requests_max: bare(phone_requests_max),
            views: None,
            appeal,
        }
    }
}

impl PhoneSettings {
    pub(super) fn check(&self, place: Place<'_>, listen: &Spanned<Somewhere>) -> Result<(), Misconfigured> {
        place.within("connections_max", &self.connections_max, 1..=65_536)?;
        place.within("connections_source_max", &self.connections_source_max, 1..=65_536)?;
        place.within("headers_ms_max", &self.headers_ms_max, 100..=60_000)?;
        place.within("requests_max", &self.requests_max, 1..=65_536)?;
        place.within("requests_source_max", &self.requests_source_max, 1..=65_536)?;
        place.within("request_ms_max", &self.request_ms_max, 100..=60_000)?;
        place.within("phone_requests_max", &self.phone_requests_max, 1..=10_000)?;
        if let (Some(certificate), None) = (&self.certificate, &self.key) {
            let what = "has no key beside it".to_owned();
            let mend = "name its private key as `key`";
            return Err(place.misconfigured("certificate", certificate, what, mend));
        }
        let is_bare = |at: &SocketAddr| self.certificate.is_none() && !at.ip().is_loopback();
        if listen.get_ref().0.as_ref().is_some_and(is_bare) {
            let what = "it would be plain HTTP, where browsers give a page no keys".to_owned();
            let mend = "name a certificate and its key in [phones], or let it be on 127.0.0.1";
            return Err(place.misconfigured("phones", listen, what, mend));
        }
        if let Some(views) = self.views.as_ref().filter(|_| self.views_at().is_none()) {
            let what = format!("{:?} is no address on this machine", views.get_ref());
            let mend = "write the address of `hufu records serve`, like http://127.0.0.1:7460";
            return Err(place.misconfigured("views", views, what, mend));
        }
        Ok(())
    }

    pub(super) fn make_relative_to(&mut self, folder: &Path) {
        for path in self.certificate.iter_mut().map(Spanned::as_mut).chain(&mut self.key) {
            *path = folder.join(&*path);
        }
    }

    /// Where the service of the holder's view is: what phones send it travels in the clear, so on this machine alone.
    pub fn views_at(&self) -> Option<SocketAddr> {
        let address = self.views.as_ref()?.get_ref().strip_prefix("http://")?;
        let address: SocketAddr = address.trim_end_matches('/').parse().ok()?;
        address.ip().is_loopback().then_some(address)
    }

    /// As the API takes it.
    pub fn options(&self, listen: SocketAddr) -> PhoneOptions {
        let tls = self.certificate.as_ref().zip(self.key.as_ref());
        let tls = tls.map(|(certificate, key)| TlsFiles {
            certificate: certificate.get_ref().clone(),
            key: key.clone(),
        });
        let PhoneOptions { api, .. } = PhoneOptions::on(listen);
        PhoneOptions {
            api: hufu_api::ApiOptions {
                tls,
                connections_max: *self.connections_max.get_ref(),
                connections_source_max: *self.connections_source_max.get_ref(),
                headers_ms_max: *self.headers_ms_max.get_ref(),
                requests_max: *self.requests_max.get_ref(),
                requests_token_max: *self.requests_source_max.get_ref(),
                request_ms_max: *self.request_ms_max.get_ref(),
                ..api
            },
            phone_requests_max: *self.phone_requests_max.get_ref(),
            appeal: self.appeal.clone(),
        }
    }
}
