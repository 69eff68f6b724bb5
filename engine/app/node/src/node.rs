//! An engine put together from its configuration, and kept up to date with its files.

mod certificates;
mod chains;
mod cluster;
mod cluster_age;
mod ended_trips;
mod endings;
mod foreign;
mod health;
mod keyring;
mod lists;
mod loader;
mod offline;
mod probe;
mod records;
mod state;
mod status_lists;
mod statuses;
mod watches;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hufu_check::{Engine, EngineParts, Rate};
use hufu_codes::keyring::Keyring;
use hufu_files as files;
use hufu_files::keys::{Owner, PublicKey};
use hufu_files::moment;
use hufu_files::unavailable;
use hufu_files::watched::Watched;
use hufu_policy::Sites;
use hufu_signature::PreparedKey;
use hufu_transport::{Clock, QuicOptions, Running, ServeError, ServeOptions, TlsParts, UdpOptions};
use hufu_wire::{Suites, UnixSeconds, limits};

use self::certificates::{Devices, Own};
use self::chains::{Chains, Planned};
use self::cluster::Cluster;
use self::cluster_age::ClusterAge;
use self::endings::Endings;
use self::health::{Facts, Health, TrustFacts};
pub use self::lists::{Listed, Lists};
use self::loader::Loader;
use self::offline::HandOut;
use self::records::Kept;
use self::state::State;
use self::status_lists::StatusLists;
use self::statuses::Statuses;
use self::watches::Watches;
use crate::config::{Config, Files};

/// How long a stopping engine waits for work under way.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// Everything read and nothing started yet.
pub struct Prepared {
    statuses: Statuses,
    snapshots: Vec<(PathBuf, Watched)>,
    chains: Planned,
    lists: status_lists::Planned,
    watches: Watches,
    /// The text of the file of sites.
    sites: String,
    held: Held,
}

/// A running engine, and the hands that keep it up to date.
pub struct Node {
    /// The sockets.
    pub running: Running,
    watches: Watches,
    held: Held,
    loader: Loader,
    chains: Chains,
    lists: StatusLists,
    hand_out: Arc<HandOut>,
    /// Ends when everything that notes checks in it has.
    records: Option<Arc<Kept>>,
}

/// What is in force, snapshots aside.
struct Held {
    config: Config,
    operator: PreparedKey,
    keyring: Keyring,
    state: Arc<State>,
    own: Own,
    devices: Devices,
    endings: Endings,
    health: Arc<Health>,
    cluster: Cluster,
    cluster_age: Arc<ClusterAge>,
    ended_trips: ended_trips::Lists,
    foreign: Option<Arc<foreign::Figures>>,
    engine: Arc<Engine>,
}

/// What the metrics page and `/readyz` say of what is in force.
fn facts(config: &Config, keyring: &Keyring, own: &Own, devices: &Devices) -> Facts {
    let list = keyring.list();
    Facts {
        certificate: own.begin().zip(own.end()),
        crls: devices.lists.clone(),
        crl_must_be_fresh: *config.devices.crl_must_be_fresh.get_ref(),
        trust_list: TrustFacts { version: list.version(), made_at: list.made_at(), next_by: list.next_by() },
        trust_list_must_be_fresh: keyring.must_be_fresh(),
        clock_stands_at: config.clock_stands_at,
    }
}

impl Prepared {
    /// Reads every file. What cannot be used is an error here and now: an engine never starts on half of its
    /// configuration.
    ///
    /// # Errors
    /// The file, with line and key where it has them, that cannot be used.
    pub fn load(config: Config) -> anyhow::Result<Prepared> {
        let state = State::open(&config.files.state)?;
        Prepared::with(config, state)
    }

    /// The same, to see whether an engine would start on it and be ready: nothing stays written, and an engine may be
    /// running on it.
    ///
    /// # Errors
    /// As [`load`](Self::load), and why the engine would not be ready.
    pub fn look(config: Config) -> anyhow::Result<Prepared> {
        let state = State::look(&config.files.state)?;
        let prepared = Prepared::with(config, state)?;
        let held = &prepared.held;
        held.tls().verify(&QuicOptions::new(held.config.listen.quic.first))?;
        held.config.records.as_ref().map(Kept::look).transpose()?;
        let why = held.facts().not_ready(moment::now().seconds());
        ensure!(why.is_empty(), "an engine would start and not be ready: {}", why.join("; "));
        probe::addresses(&held.config.listen, held.state.probe()?)?;
        Ok(prepared)
    }

    fn with(config: Config, state: State) -> anyhow::Result<Prepared> {
        config.ensure_clock_may_stand()?;
        // Before the first file is read: whatever changes from here on is seen as a change.
        let watches = Watches::new(&config);
        let follow = |path: &PathBuf| (path.clone(), Watched::new([path]));
        let snapshots: Vec<_> = config.files.snapshots.iter().map(follow).collect();
        let operator = PublicKey::load(&config.files.operator_key, Owner::Operator)?;
        let operator = PreparedKey::new(&operator.public).context("the operator's key cannot be used")?;
        let keyring = keyring::start(
            &config.files.trust_list,
            &operator,
            &state,
            *config.trust.list_must_be_fresh.get_ref(),
            config.now().seconds(),
        )?;
        let (sites, sites_text) = read_sites(&config.files)?;
        let devices = Devices::read(&config.files)?;
        let own = Own::read(&config.files)?;
        let mut endings = Endings::new();
        endings.look(&own, &devices, &keyring);
        let mut statuses = Statuses::new(&config.memory)?;
        for path in &config.files.snapshots {
            statuses.apply(path, &state, config.now())?;
        }
        let follow = chains::resolve(&config.short, config.follow.clone(), &keyring)?;
        let chains = Planned::new(follow, &mut statuses, &keyring, &config.memory)?;
        let lists = status_lists::Planned::new(&config.status_list, &mut statuses, &keyring)?;
        let cluster = Cluster::read(&config.files.state)?;
        let engine = Engine::new(EngineParts {
            table: statuses.reader(),
            keyring: keyring.clone(),
            sites,
            cluster: cluster.keys().clone(),
            devices_max: *config.devices.devices_max.get_ref(),
            device_rate: Rate {
                per_s: *config.devices.rate_per_s.get_ref(),
                burst: *config.devices.burst.get_ref(),
            },
            cookie_s: *config.devices.cookie_s.get_ref(),
            suites: config.devices.suites().unwrap_or(Suites::AES),
            seen_entries: *config.memory.seen_entries.get_ref(),
            pass_back_entries: *config.memory.pass_back_entries.get_ref(),
        })
        .map_err(unavailable)?;
        let mut ended_trips = ended_trips::Lists::default();
        engine.set_ended_trips(ended_trips.read(&config.files.ended_trips, config.now())?);
        engine.set_listed(&lists.issuers());
        let foreign = foreign::start(&config, &operator, &state, &engine)?;
        devices.remember(&state);
        // Before anybody can connect, and also those whom a newer list no longer names.
        for (device, generation) in state.revoked() {
            engine.devices().revoke(device, generation);
        }
        let state = Arc::new(state);
        let health = Arc::new(Health::new(facts(&config, &keyring, &own, &devices)));
        let cluster_age = Arc::default();
        let held = Held {
            config,
            operator,
            keyring,
            state,
            own,
            devices,
            endings,
            health,
            cluster,
            cluster_age,
            ended_trips,
            foreign,
            engine,
        };
        held.note_cluster();
        Ok(Prepared { statuses, snapshots, chains, lists, watches, sites: sites_text, held })
    }

    /// Takes up the chains where they were left, and then opens the sockets.
    ///
    /// # Errors
    /// The address, certificate or feed that cannot be used.
    pub fn start(self) -> anyhow::Result<Node> {
        let Prepared { statuses, snapshots, chains, lists, watches, sites, held } = self;
        let chains = chains.start(&held.keyring, &held.state)?;
        let lists = lists.start(&held.state)?;
        let hand_out = Arc::new(HandOut::open(&held.engine, chains.for_gates(), held.state.folder())?);
        hand_out.set_trust_list(held.keyring.list().signed());
        hand_out.set_sites(&sites)?;
        let clock = match held.config.clock_stands_at {
            Some(at) => Clock::new(move || at.millis()),
            None => Clock::system(),
        };
        let records =
            held.config.records.as_ref().map(|config| Kept::start(config, clock.clone())).transpose()?;
        let records = records.map(Arc::new);
        let journal = || records.as_ref().map(|records| records.journal());
        let serving =
            hufu_transport::serve_by(clock.clone(), held.options(), Arc::clone(&held.engine), journal);
        let running = match serving {
            Ok(running) => running,
            Err(ServeError::Tls(fault)) => return Err(fault.into()),
            Err(fault) => return Err(unavailable(fault)),
        };
        running.exhibit(Arc::<Health>::clone(&held.health));
        running.exhibit(Arc::<ClusterAge>::clone(&held.cluster_age));
        running.exhibit(Arc::<HandOut>::clone(&hand_out));
        running.hand_out(Arc::<HandOut>::clone(&hand_out));
        if let Some(records) = &records {
            running.exhibit(Arc::<Kept>::clone(records));
        }
        if chains.are_any() {
            running.exhibit(Arc::new(chains.figures()));
        }
        if lists.are_any() {
            running.exhibit(Arc::new(lists.figures()));
        }
        if let Some(foreign) = &held.foreign {
            running.exhibit(Arc::<foreign::Figures>::clone(foreign));
        }
        let loader = Loader::start(statuses, snapshots, Arc::clone(&held.state), clock);
        let loader = loader.map_err(unavailable)?;
        Ok(Node { running, watches, held, loader, chains, lists, hand_out, records })
    }

    /// What was loaded, for the log.
    pub fn summary(&self) -> String {
        let words =
            self.statuses.memory().and_then(|memory| memory.kernel).map_or_else(String::new, |view| {
                format!(
                    " in {} MiB, {} of them in huge pages",
                    view.resident_bytes >> 20,
                    view.huge_bytes >> 20
                )
            });
        format!(
            "{} sites; {} holders of {} issuers{words}{}",
            self.held.engine.sites().iter().len(),
            self.statuses.holders(),
            self.statuses.issuers(),
            match self.chains.count() {
                0 => String::new(),
                chains => format!("; {chains} issuers are followed"),
            },
        )
    }
}

impl Held {
    fn options(&self) -> ServeOptions {
        let Config { listen, workers, .. } = &self.config;
        let udp = listen.udp.get_ref();
        ServeOptions {
            udp: UdpOptions {
                workers: workers.count(),
                cores: workers.cores.get_ref().clone(),
                busy_poll: Duration::from_micros((*workers.busy_poll_us.get_ref()).into()),
                also: udp.also.clone(),
                advertised_port: Some(listen.advertised_port).filter(|port| *port != 0),
                ..UdpOptions::new(udp.first)
            },
            quic: QuicOptions {
                also: listen.quic.also.clone(),
                https: listen.https.0,
                ..QuicOptions::new(listen.quic.first)
            },
            tls: self.tls(),
            metrics: listen.metrics.0,
            stop_within: STOP_WITHIN,
        }
    }
}

impl Node {
    /// Looks at every file and applies those that have changed, and those that failed before: `at_once` even if
    /// they have failed just now. One that cannot be used is told in the log, and what was in force stays in
    /// force. Snapshots are looked at elsewhere, so that this is soon done.
    pub fn refresh(&mut self, at_once: bool) {
        let Node { running, watches, held, loader, chains, lists, hand_out, records: _ } = self;
        if at_once {
            loader.look_now();
        }
        watches.devices.follow(at_once, || held.take_devices(running));
        watches.trust_list.follow(at_once, || held.take_trust_list(chains, hand_out));
        // After the list: a site may come to recognise an issuer that it brings.
        watches.sites.follow(at_once, || held.take_sites(hand_out));
        watches.ended_trips.follow(at_once, || held.take_ended_trips());
        watches.foreign.follow(at_once, || held.take_foreign());
        watches.own.follow(at_once, || held.take_own(running));
        for fixed in &mut watches.fixed {
            if let Some(change) = fixed.look(at_once, Instant::now()) {
                tracing::warn!("{} has changed, which needs a restart", fixed.names(&change));
                fixed.applied(&change);
            }
        }
        held.endings.look(&held.own, &held.devices, &held.keyring);
        held.health.set(held.facts());
        // Keys move with the time, and what they have left behind is gone for good.
        if held.config.clock_stands_at.is_none() {
            held.cluster.look(at_once, &held.engine);
        }
        held.note_cluster();
        chains.look(&held.state);
        lists.look(&held.state);
        held.state.retry();
        loader.check();
    }

    /// Stops serving, then writes what was noted, then stops following; every followed issuer leaves a warm copy.
    pub fn stop(self) {
        self.running.stop();
        drop(self.records);
        drop(self.lists);
        self.chains.stop(&self.held.state);
    }
}

impl Held {
    fn take_devices(&mut self, running: &Running) -> anyhow::Result<String> {
        let devices = Devices::read(&self.config.files)?;
        // Before anything else can fail: the list is genuine, so whoever is on it is out.
        for (device, generation) in &devices.revoked {
            running.revoke(*device, *generation);
        }
        devices.remember(&self.state);
        running.set_tls(certificates::parts(&self.own, &devices, self.crl_must_be_fresh()))?;
        self.devices = devices;
        Ok(format!("roots and revocation lists are loaded; devices revoked: {}", self.state.revoked().len()))
    }

    fn take_trust_list(&mut self, chains: &Chains, hand_out: &HandOut) -> anyhow::Result<String> {
        let path = &self.config.files.trust_list;
        self.keyring =
            keyring::update(&self.keyring, path, &self.operator, &self.state, self.config.now().seconds())?;
        chains.set_keyring(&self.keyring);
        self.engine.set_keyring(self.keyring.clone()).map_err(unavailable)?;
        hand_out.set_trust_list(self.keyring.list().signed());
        Ok(format!("version {} of the trust list is loaded", self.keyring.version()))
    }

    fn take_sites(&self, hand_out: &HandOut) -> anyhow::Result<String> {
        let (sites, text) = read_sites(&self.config.files)?;
        let count = sites.iter().len();
        self.engine.set_sites(sites);
        hand_out.set_sites(&text)?;
        Ok(format!("the policies of {count} sites are loaded"))
    }

    fn take_own(&mut self, running: &Running) -> anyhow::Result<String> {
        let own = Own::read(&self.config.files)?;
        own.check(&self.devices, moment::now().seconds())?;
        running.set_tls(certificates::parts(&own, &self.devices, self.crl_must_be_fresh()))?;
        self.own = own;
        Ok("the engine's certificate is loaded".to_owned())
    }

    fn facts(&self) -> Facts {
        facts(&self.config, &self.keyring, &self.own, &self.devices)
    }

    fn note_cluster(&self) {
        let keys = self.cluster.keys();
        let secrets_from = UnixSeconds(keys.epoch().saturating_mul(limits::EPOCH_S));
        let chains = u32::try_from(keys.facts().count()).unwrap_or(u32::MAX);
        self.cluster_age.note(secrets_from, chains);
    }

    fn tls(&self) -> TlsParts {
        certificates::parts(&self.own, &self.devices, self.crl_must_be_fresh())
    }

    fn crl_must_be_fresh(&self) -> bool {
        *self.config.devices.crl_must_be_fresh.get_ref()
    }
}

/// The policies, and the text that they are in.
fn read_sites(files: &Files) -> anyhow::Result<(Sites, String)> {
    let path = &files.sites;
    let text = files::read_text(path)?;
    Ok((Sites::parse(&text, &path.display().to_string())?, text))
}
