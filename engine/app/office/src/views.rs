//! The holder's view as a service (R41): slips of closed days by the first bits of their tags, for everybody who shows a
//! live code. It knows no names, and what it is asked for is in no log: requests carry tickets, codes and prefixes in
//! their bodies alone, and no line is written about a body.

mod routes;
mod shelf;
mod tickets;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwap;
pub use hufu_api::TlsFiles;
use hufu_api::{ApiOptions, Front, KeyedLimit, check, serve_routes};
use hufu_contract::{ViewPlace, ViewPlaces};
use hufu_files::moment;
use hufu_files::watched::Watched;
use hufu_policy::Sites;
use hufu_records::KeyFolder;
use tokio::sync::Semaphore;

use crate::trust::Trust;
use routes::State;
use shelf::Shelf;
use tickets::Tickets;

/// What the service is told.
pub struct ViewOptions {
    /// Where to listen. Without `tls` on this machine alone.
    pub listen: SocketAddr,
    /// The certificate and its key.
    pub tls: Option<TlsFiles>,
    /// The folder of views, of all engines.
    pub views: PathBuf,
    /// Each engine's folder of keys, and how it is read.
    pub keys: Vec<(PathBuf, KeyFolder)>,
    /// The operator's public key.
    pub operator: PathBuf,
    /// The trust list, which says whose codes are genuine.
    pub trust: PathBuf,
    /// Names of sites and organisations.
    pub sites: Option<PathBuf>,
    /// Tickets that one source gets in ten minutes.
    pub tickets_source_max: u32,
}

/// A running service.
pub struct ViewService {
    front: Front,
    state: Arc<State>,
    shelf: Shelf,
    trust: Trust,
    tls: Option<TlsFiles>,
    sites: Option<PathBuf>,
    lists: Watched,
    names: Watched,
    certificate: Watched,
}

impl ViewOptions {
    fn api(&self) -> ApiOptions {
        ApiOptions { tls: self.tls.clone(), ..ApiOptions::on(self.listen) }
    }
}

impl ViewService {
    /// Reads every file and serves nothing; the number of days that could be served.
    ///
    /// # Errors
    /// The file or the address that cannot be used.
    pub fn look(options: ViewOptions) -> anyhow::Result<usize> {
        check(&options.api())?;
        Trust::load(&options.operator, &options.trust)?;
        places(options.sites.as_ref())?;
        Ok(Shelf::new(options.views, options.keys).look()?.len())
    }

    /// Reads every file, and serves. Called within a tokio runtime.
    ///
    /// # Errors
    /// The file that cannot be used, or the address.
    pub fn start(options: ViewOptions) -> anyhow::Result<ViewService> {
        let api = options.api();
        let trust = Trust::load(&options.operator, &options.trust)?;
        let places = places(options.sites.as_ref())?;
        let mut shelf = Shelf::new(options.views, options.keys);
        let days = shelf.look()?;
        let (lists, names) = (Watched::new(trust.files()), Watched::new(&options.sites));
        let certificate = Watched::new(options.tls.iter().flat_map(|tls| [&tls.certificate, &tls.key]));
        let state = Arc::new(State {
            days: ArcSwap::from_pointee(days),
            places: ArcSwap::from_pointee(places),
            tickets: Tickets::new(trust.keyring(), options.tickets_source_max),
            room: Arc::new(Semaphore::new(routes::REQUESTS_MAX)),
            sources: KeyedLimit::new(routes::REQUESTS_SOURCE_MAX),
        });
        let front = serve_routes(&api, routes::router(Arc::clone(&state)))?;
        let ViewOptions { tls, sites, .. } = options;
        Ok(ViewService { front, state, shelf, trust, tls, sites, lists, names, certificate })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.front.addr()
    }

    /// Looks for new views, for days whose keys are gone, and for changed files.
    pub fn refresh(&mut self, at_once: bool) {
        let ViewService { front, state, shelf, trust, tls, sites, lists, names, certificate, .. } = self;
        // Where the folder cannot be read nothing is handed out: it may have been destroyed meanwhile. The shelf logs it.
        state.days.store(Arc::new(shelf.look().unwrap_or_default()));
        shelf.sweep();
        lists.follow(at_once, || {
            trust.renew()?;
            state.tickets.believe(trust.keyring());
            Ok(format!("version {} of the trust list is loaded", trust.keyring().version()))
        });
        names.follow(at_once, || {
            state.places.store(Arc::new(places(sites.as_ref())?));
            Ok("the names of sites are loaded".to_owned())
        });
        if let Some(tls) = tls {
            certificate.follow(at_once, || {
                front.renew(tls)?;
                Ok("the certificate is loaded".to_owned())
            });
        }
    }

    /// Ends the service; requests under way have five seconds.
    pub async fn stop(self) {
        self.front.stop().await;
    }
}

/// The names of all sites, so that who asks for them asks for no one place.
fn places(file: Option<&PathBuf>) -> anyhow::Result<ViewPlaces> {
    let Some(file) = file else { return Ok(ViewPlaces { places: Vec::new() }) };
    let name = file.display().to_string();
    let sites = Sites::parse(&hufu_files::read_text(file)?, &name).context("the names of sites")?;
    let mut places: Vec<ViewPlace> = sites
        .iter()
        .map(|site| ViewPlace {
            site: site.id.0,
            name: site.name.clone(),
            organisation: site.organisation.clone(),
        })
        .collect();
    places.sort_by_key(|place| place.site);
    Ok(ViewPlaces { places })
}

fn now() -> hufu_wire::UnixSeconds {
    moment::now().seconds()
}
