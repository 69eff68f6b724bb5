//! Whole deployments in a folder, made of real processes: registries, engines, and the databases and brokers
//! between them. They are made with the commands that an operator uses, killed as machines are, and watched by gates
//! that check without a pause.
//!
//! * [`Deployment`]: keys, trust list, certificates, sites, codes;
//! * [`Registry`] and [`Engine`]: processes of a deployment, started, killed and started again;
//! * [`Author`]: the local authority and the national platform, with their keys;
//! * [`Truth`]: what every holder's colour was at every sequence; [`Watch`]: checks that never stop, judged by it;
//! * [`Network`] and [`Line`]: what carries between them, in any weather; [`SmallDisk`]: what fills up;
//! * [`torture`]: all that at random from a seed;
//! * [`Rush`]: many people who want a credential at the same moment;
//! * [`Scene`]: all of them together, and the question whether everybody agrees.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

mod author;
mod deployment;
mod disk;
mod engine;
mod load;
mod process;
mod registry;
mod relay;
mod rush;
mod scene;
mod service;
mod share;
pub mod torture;
mod truth;
mod vitals;
mod watch;

pub use author::{Author, Committed, now_us};
pub use deployment::{Deployment, ISSUER, NATIONAL, PUBLISHER};
pub use disk::{SmallDisk, is_within, within};
pub use engine::{Engine, Follow};
pub use load::generator;
pub use process::{eventually, free_port};
pub use registry::{Registry, Settings};
pub use relay::{Befallen, Line, Network, Weather};
pub use rush::{Rush, Rushed, Target, people};
pub use scene::Scene;
pub use service::Service;
pub use share::Share;
pub use truth::{HOLDERS, Truth};
pub use vitals::{Trend, Vitals};
pub use watch::{Given, Watch};

/// What a program that measures deployments begins with: the TLS provider, and the `hufu` it measures, the one beside it
/// unless another is named.
///
/// # Errors
/// The program is not there.
pub fn begin(named: Option<&Path>) -> Result<PathBuf> {
    // A second call finds it installed, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let hufu = named.map_or_else(
        || Ok(std::env::current_exe()?.with_file_name("hufu")),
        |named| anyhow::Ok(named.into()),
    )?;
    hufu.canonicalize().with_context(|| format!("no {}; build it first", hufu.display()))
}
