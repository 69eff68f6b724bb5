//! An engine put together from its configuration, and kept up to date with its files.

mod certificates;
mod keyring;
mod state;
mod statuses;
mod watched;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hufu_check::{Engine, EngineParts, Rate};
use hufu_codes::ed25519::PreparedKey;
use hufu_codes::keyring::Keyring;
use hufu_policy::Sites;
use hufu_transport::{QuicOptions, Running, ServeError, ServeOptions, UdpOptions};

use self::certificates::Certificates;
use self::state::State;
use self::statuses::Statuses;
use self::watched::Watched;
use crate::config::{Config, Files};
use crate::files;
use crate::outcome::unavailable;
use crate::secret::{self, Owner, PublicKey};

/// How long a stopping engine waits for work under way.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// Everything read and nothing started yet.
pub(crate) struct Prepared {
    config: Config,
    operator: PreparedKey,
    keyring: Keyring,
    state: State,
    statuses: Statuses,
    certificates: Certificates,
    watches: Watches,
    engine: Arc<Engine>,
}

/// A running engine, and the hands that keep it up to date.
pub(crate) struct Server {
    /// The sockets.
    pub(crate) running: Running,
    prepared: Prepared,
}

/// The files that are looked at once a second.
struct Watches {
    sites: Watched,
    trust_list: Watched,
    certificates: Vec<Watched>,
    snapshots: Vec<Watched>,
}

impl Prepared {
    /// Reads every file. What cannot be used is an error here and now: an engine never starts on half of its
    /// configuration.
    pub(crate) fn load(config: Config) -> anyhow::Result<Prepared> {
        let state = State::open(&config.files.state)?;
        Prepared::with(config, state)
    }

    /// The same, to see whether it can be done: nothing is written, and an engine may be running on it.
    pub(crate) fn look(config: Config) -> anyhow::Result<Prepared> {
        let state = State::look(&config.files.state)?;
        Prepared::with(config, state)
    }

    fn with(config: Config, state: State) -> anyhow::Result<Prepared> {
        // Before the first file is read: whatever changes from here on is seen as a change.
        let watches = Watches::new(&config.files);
        let operator = PublicKey::load(&config.files.operator_key, Owner::Operator)?;
        let operator = PreparedKey::new(&operator.public).context("the operator's key cannot be used")?;
        let keyring = keyring::start(&config.files.trust_list, &operator, &state)?;
        let sites = read_sites(&config.files)?;
        let mut statuses = Statuses::new(&config.memory)?;
        for path in &config.files.snapshots {
            statuses.apply(path, &state)?;
        }
        let certificates = Certificates::read(&config.files)?;
        let seed = secret::read_seed(&config.files.cluster_seed)?;
        let engine = Engine::new(EngineParts {
            table: statuses.reader(),
            keyring: keyring.clone(),
            sites,
            cluster_seed: seed,
            devices_max: *config.devices.devices_max.get_ref(),
            device_rate: Rate {
                per_s: *config.devices.rate_per_s.get_ref(),
                burst: *config.devices.burst.get_ref(),
            },
            cookie_s: *config.devices.cookie_s.get_ref(),
            seen_entries: *config.memory.seen_entries.get_ref(),
            pass_back_entries: *config.memory.pass_back_entries.get_ref(),
        })
        .map_err(unavailable)?;
        // Before anybody can connect, and also those whom a newer list no longer names.
        for (device, generation) in state.remember_revoked(&certificates.revoked) {
            engine.devices().revoke(device, generation);
        }
        Ok(Prepared { config, operator, keyring, state, statuses, certificates, watches, engine })
    }

    /// Opens the sockets.
    pub(crate) fn start(self) -> anyhow::Result<Server> {
        match hufu_transport::serve(self.options(), Arc::clone(&self.engine)) {
            Ok(running) => Ok(Server { running, prepared: self }),
            Err(ServeError::Tls(fault)) => Err(fault.into()),
            Err(fault) => Err(unavailable(fault)),
        }
    }

    /// What was loaded, for the log.
    pub(crate) fn summary(&self) -> String {
        let words =
            self.statuses.memory().and_then(|memory| memory.kernel).map_or_else(String::new, |view| {
                format!(
                    " in {} MiB, {} of them in huge pages",
                    view.resident_bytes >> 20,
                    view.huge_bytes >> 20
                )
            });
        format!(
            "{} sites; {} holders of {} issuers{words}",
            self.engine.sites().iter().len(),
            self.statuses.holders(),
            self.statuses.issuers(),
        )
    }

    fn options(&self) -> ServeOptions {
        let Config { listen, workers, .. } = &self.config;
        ServeOptions {
            udp: UdpOptions {
                workers: workers.count(),
                cores: workers.cores.get_ref().clone(),
                busy_poll: Duration::from_micros((*workers.busy_poll_us.get_ref()).into()),
                ..UdpOptions::new(listen.udp)
            },
            quic: QuicOptions::new(listen.quic),
            tls: self.certificates.parts(*self.config.devices.crl_must_be_fresh.get_ref()),
            metrics: listen.metrics.0,
            stop_within: STOP_WITHIN,
        }
    }
}

impl Server {
    /// Looks at every file and applies those that have changed. One that cannot be used is told once in the
    /// log, and what was in force stays in force.
    pub(crate) fn refresh(&mut self) {
        let Prepared { watches, statuses, state, .. } = &mut self.prepared;
        for watched in &mut watches.snapshots {
            if let Some(name) = watched.name_if_changed() {
                told(&name, statuses.apply(watched.path(), state));
            }
        }
        let trust_list = watches.trust_list.name_if_changed();
        let sites = watches.sites.name_if_changed();
        let certificates: Vec<_> =
            watches.certificates.iter_mut().filter_map(Watched::name_if_changed).collect();
        // The list before the sites: a site may come to recognise an issuer that it brings.
        if let Some(name) = trust_list {
            told(&name, self.take_trust_list());
        }
        if let Some(name) = sites {
            told(&name, self.take_sites());
        }
        if !certificates.is_empty() {
            told(&certificates.join(", "), self.take_certificates());
        }
    }

    /// Stops serving.
    pub(crate) fn stop(self) {
        self.running.stop();
    }

    fn take_trust_list(&mut self) -> anyhow::Result<String> {
        let Prepared { config, operator, keyring, state, engine, .. } = &mut self.prepared;
        *keyring = keyring::update(keyring, &config.files.trust_list, operator, state)?;
        engine.set_keyring(keyring.clone()).map_err(unavailable)?;
        Ok(format!("version {} of the trust list is in force", keyring.version()))
    }

    fn take_sites(&self) -> anyhow::Result<String> {
        let sites = read_sites(&self.prepared.config.files)?;
        let count = sites.iter().len();
        self.prepared.engine.set_sites(sites);
        Ok(format!("the policies of {count} sites are in force"))
    }

    fn take_certificates(&mut self) -> anyhow::Result<String> {
        let Prepared { config, state, .. } = &self.prepared;
        let certificates = Certificates::read(&config.files)?;
        let revoked = state.remember_revoked(&certificates.revoked);
        // Before anything else can fail: the list is genuine, so whoever is on it is out.
        for (device, generation) in &revoked {
            self.running.revoke(*device, *generation);
        }
        self.running.set_tls(certificates.parts(*config.devices.crl_must_be_fresh.get_ref()))?;
        self.prepared.certificates = certificates;
        Ok(format!("certificates are in force; devices revoked: {}", revoked.len()))
    }
}

impl Watches {
    fn new(files: &Files) -> Watches {
        Watches {
            sites: Watched::new(&files.sites),
            trust_list: Watched::new(&files.trust_list),
            certificates: [&files.certificate, &files.key, &files.ca]
                .into_iter()
                .chain(&files.crl)
                .map(|path| Watched::new(path))
                .collect(),
            snapshots: files.snapshots.iter().map(|path| Watched::new(path)).collect(),
        }
    }
}

fn read_sites(files: &Files) -> anyhow::Result<Sites> {
    let path = &files.sites;
    Ok(Sites::parse(&files::read_text(path)?, &path.display().to_string())?)
}

fn told(name: &str, outcome: anyhow::Result<String>) {
    match outcome {
        Ok(what) => tracing::info!("{name}: {what}"),
        Err(error) => tracing::error!("{name} is refused, what was in force stays in force: {error:#}"),
    }
}

/// The folder of the engine's memory is its own.
fn make_private(folder: &std::path::Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    files::folder(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("cannot keep {} private", folder.display()))
}
