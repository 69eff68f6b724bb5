//! A registry's calls. Each group of them is a file; what they have in common is in `crate::call`.
//!
//! Bytes that somebody signed travel as they are. Everything else is JSON, with the registry's own types.

mod appeals;
mod chain;
mod devices;
mod facts;
mod families;
mod holders;
mod issuers;
mod phones;
mod proposals;
mod rosters;
mod sites;
mod tokens;
mod trips;
mod views;

pub use appeals::WhichAppeals;
pub use chain::Statuses;
pub use proposals::WhichProposals;

use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hufu_wire::without_bom;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Url};

use crate::fault::ApiFault;

/// Where a registry is, and how both sides know each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiOptions {
    /// Its URL, for example `https://registry.example:7420`. `http://` is for addresses of this machine: anywhere
    /// else the token would travel in the clear.
    pub url: String,
    /// The file with the token. Without one only what needs none can be called.
    pub token: Option<PathBuf>,
    /// A PEM file with the roots that its certificate must have; the platform's when there is none.
    pub ca: Option<PathBuf>,
}

/// A registry.
#[derive(Clone)]
pub struct Api {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) client: Client,
    /// Ends with a slash.
    base: Url,
    /// The URL as it is shown: without the slash.
    pub(crate) name: String,
    pub(crate) token: Option<PathBuf>,
}

/// One part of a URL's path.
pub(crate) type Part<'a> = dyn Display + Sync + 'a;

/// How long to wait for a connection and its TLS.
const CONNECT: Duration = Duration::from_secs(5);

/// After how much silence TCP asks whether the other side is still there, and how often before it is given up.
const KEEPALIVE: Duration = Duration::from_secs(10);
const KEEPALIVE_PROBES: u32 = 3;

impl Api {
    /// Reads the options. Nothing is sent yet.
    ///
    /// # Errors
    /// [`ApiFault::Misconfigured`].
    pub fn open(options: &ApiOptions) -> Result<Api, ApiFault> {
        let base = read_url(options)?;
        let client = client(&base, options.ca.as_deref())?;
        let name = base.as_str().trim_end_matches('/').to_owned();
        Ok(Api { shared: Arc::new(Shared { client, base, name, token: options.token.clone() }) })
    }

    /// The registry's URL, for logs.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The URL of `/v1/` and these, each encoded as one part of the path.
    pub(crate) fn url(&self, parts: &[&Part<'_>]) -> Url {
        let mut url = self.shared.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v1").extend(parts.iter().map(ToString::to_string));
        }
        url
    }
}

/// A client of the host of `url`.
pub(crate) fn client(url: &Url, ca: Option<&Path>) -> Result<Client, ApiFault> {
    let client = Client::builder()
        // One connection a feed; the others are few. What HTTP/2 would add is one queue for all of them.
        .http1_only()
        // A token is for the host that is configured. Whoever moves the registry changes the configuration.
        .redirect(Policy::none())
        // Nothing from the environment comes between an engine and its registry.
        .no_proxy()
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .tcp_keepalive(KEEPALIVE)
        .tcp_keepalive_interval(KEEPALIVE)
        .tcp_keepalive_retries(KEEPALIVE_PROBES)
        .user_agent(concat!("hufu/", env!("CARGO_PKG_VERSION")));
    let client = match ca {
        Some(file) => client.tls_certs_only(roots(file)?),
        None if url.scheme() == "http" => client.tls_certs_only([]),
        None => client,
    };
    client.build().map_err(|error| {
        let what = crate::fault::told(error);
        ApiFault::Misconfigured(format!("{url}: TLS cannot be set up: {what}; name a file of roots"))
    })
}

/// What a registry's address looks like.
const ADDRESS: &str = "write the registry's address, https://HOST:PORT";

fn read_url(options: &ApiOptions) -> Result<Url, ApiFault> {
    let misconfigured = |what: &str| ApiFault::Misconfigured(format!("registry {:?}: {what}", options.url));
    let mut url = Url::parse(&options.url).map_err(|_| misconfigured(ADDRESS))?;
    if !url.username().is_empty() || url.password().is_some() {
        // Not repeated: it has a secret in it.
        return Err(ApiFault::Misconfigured(
            "a registry's URL has no user and no password; use a token".to_owned(),
        ));
    }
    match url.scheme() {
        "https" => {}
        "http" if options.token.is_none() || is_here(&url) => {}
        "http" => return Err(misconfigured("the token would travel in the clear; use https")),
        _ => return Err(misconfigured(ADDRESS)),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(misconfigured("end after the path"));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// Whether it is an address of this machine.
pub(crate) fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

fn roots(file: &Path) -> Result<Vec<Certificate>, ApiFault> {
    let misconfigured =
        |what: String| ApiFault::Misconfigured(format!("the registry's roots, {}: {what}", file.display()));
    let unread = |error: std::io::Error| misconfigured(format!("the file cannot be read: {}", error.kind()));
    let pem = std::fs::read(file).map_err(unread)?;
    let roots = Certificate::from_pem_bundle(without_bom(&pem))
        .map_err(|error| misconfigured(crate::fault::told(error)))?;
    if roots.is_empty() {
        return Err(misconfigured("no certificate in it; PEM is expected".to_owned()));
    }
    Ok(roots)
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("name", &self.shared.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read() {
        _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let cases = [
            ("http://127.0.0.1:7420", true),
            ("http://[::1]:7420/hufu/", true),
            ("http://localhost", true),
            ("http://registry.example", false),
            ("http://127.0.0.1.example", false),
            ("https://user:secret@registry.example", false),
            ("https://registry.example/?a=b", false),
            ("ftp://registry.example", false),
            ("registry.example:7420", false),
        ];
        for (url, is_good) in cases {
            let options = ApiOptions { url: url.to_owned(), token: Some("token".into()), ca: None };
            let opened = Api::open(&options);
            assert_eq!(opened.is_ok(), is_good, "{url}: {opened:?}");
            assert!(!format!("{opened:?}").contains("secret"), "{opened:?}");
        }
    }

    #[test]
    fn parts_of_a_path_stay_parts() {
        _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let url = "http://127.0.0.1:7420/hufu".to_owned();
        let api = Api::open(&ApiOptions { url, token: None, ca: None }).unwrap();
        let url = api.url(&[&"sites", &7, &"rosters", &"night shift/../a?b#c"]);
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:7420/hufu/v1/sites/7/rosters/night%20shift%2F..%2Fa%3Fb%23c"
        );
    }
}
