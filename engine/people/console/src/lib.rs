//! The console: what engines, registries, gates and files of an operator are like at this moment, on pages. It reads metrics
//! pages, live events and the registry's API once a second. It holds no key and no token that can change anything, and no
//! page of it takes a form but sign-in and sign-out.

mod alarms;
mod chart;
mod config;
mod ends;
mod engine;
mod exposition;
mod gates;
mod history;
mod pages;
mod registry;
mod routes;
mod state;
mod watch;
mod words;

use std::sync::Arc;

use axum::Router;
use hufu_web::{Asset, NavEntry, Role, Web, WebOptions};
use tokio::task::JoinSet;

pub use config::{Config, OidcConfig};
pub use ends::EndingFile;
pub use exposition::{Sample, samples};
pub use watch::{EngineSource, RegistrySource, Sources};

use pages::Show;
use routes::Console;

/// The console's script.
const ASSETS: [Asset; 1] = [Asset { name: "console.js", bytes: include_bytes!("../assets/console.js") }];

/// The pages of a console, and what reads its sources as long as this lives.
pub struct Pages {
    /// To be served.
    pub router: Router,
    /// The tasks end with it.
    pub tasks: JoinSet<()>,
}

/// The lines of the console in the menu.
pub fn nav() -> Vec<NavEntry> {
    fn who(show: Show) -> fn(Role) -> bool {
        if show.is_for(Role::Auditor) { |role| role.site().is_none() } else { |role| role == Role::Operator }
    }
    Show::ALL.map(|show| NavEntry { path: show.path(), text: show.text(), who: who(show) }).into()
}

/// Begins to read the sources; `beside` are the pages of others in the same process, with their lines of the menu and their
/// files already among the options. Called within a tokio runtime.
///
/// # Errors
/// The accounts or the settings cannot be used.
pub fn open(
    sources: Sources,
    mut web: WebOptions,
    readers_max: usize,
    beside: Router,
) -> anyhow::Result<Pages> {
    web.nav.splice(0..0, nav());
    web.assets.extend(ASSETS);
    let web = Web::open(web)?;
    let mut tasks = JoinSet::new();
    let state = watch::start(sources, &mut tasks)?;
    let console: Arc<Console> = Console::new(state, readers_max);
    Ok(Pages { router: web.finish(console.routes().merge(beside)), tasks })
}
