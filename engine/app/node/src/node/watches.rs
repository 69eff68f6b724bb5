//! The files that an engine looks at while it runs.

use hufu_files::watched::Watched;

use crate::config::{Config, Foreign};

/// The files that are looked at once a second, those aside that a thread of their own follows.
pub(super) struct Watches {
    /// Apart from the engine's own certificate: nothing that is wrong with it may hold up a revocation.
    pub(super) devices: Watched,
    pub(super) trust_list: Watched,
    pub(super) sites: Watched,
    pub(super) ended_trips: Watched,
    pub(super) foreign: Watched,
    pub(super) own: Watched,
    /// Read at the start and never again.
    pub(super) fixed: Vec<Watched>,
}

impl Watches {
    pub(super) fn new(config: &Config) -> Watches {
        let files = &config.files;
        Watches {
            devices: Watched::new([&files.ca].into_iter().chain(&files.crl)),
            trust_list: Watched::new([&files.trust_list]),
            sites: Watched::new([&files.sites]),
            ended_trips: Watched::new(&files.ended_trips),
            foreign: Watched::new(config.foreign.iter().flat_map(Foreign::files)),
            own: Watched::new([&files.certificate, &files.key]),
            fixed: vec![Watched::new([&files.operator_key])],
        }
    }
}
