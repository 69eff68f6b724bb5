//! A world, an engine and a server on loopback.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use hufu_check::{ClusterKeys, Engine, EngineParts, NoJournal, Rate};
use hufu_client::{Control, ControlFault, Gate, GateOptions, Server, Session};
use hufu_codes::issue::code_text;
use hufu_codes::keyring::{Keyring, TrustList};
use hufu_fixtures::{Expected, HOME, KeyRole, Phone, Signers, Site, World, sites};
use hufu_policy::Sites;
use hufu_signature::PreparedKey;
use hufu_table::{Limits, Table};
use hufu_transport::profile::ENGINE_NAME;
use hufu_transport::{Clock, QuicOptions, Running, ServeError, ServeOptions, UdpOptions, serve_by};
use hufu_wire::{Grant, HolderIndex, Lane, Sequence, UnixMillis, UnixSeconds, Verdict};

use crate::ca::Ca;
use crate::recorder::Recorder;

pub(crate) const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Two gates at the market, by their place among the world's grants.
pub(crate) const MARKET_GATE: usize = 0;
pub(crate) const MARKET_GATE_2: usize = 1;

/// Everything a test needs.
pub(crate) struct Rig {
    pub(crate) world: World,
    pub(crate) ca: Ca,
    pub(crate) running: Running,
    pub(crate) table: Table,
    signers: Signers,
}

/// What a test changes of the usual.
pub(crate) struct Setup {
    pub(crate) options: ServeOptions,
    pub(crate) clock: Clock,
    pub(crate) journal: Option<Recorder>,
    pub(crate) cookie_s: u32,
    /// What the engine offers.
    pub(crate) suites: hufu_wire::Suites,
    pub(crate) devices_max: u32,
    pub(crate) rate: Rate,
    pub(crate) cluster_seed: [u8; 32],
    pub(crate) revoked: Vec<Grant>,
}

impl Rig {
    pub(crate) fn start() -> Rig {
        Rig::start_with(|_| {})
    }

    pub(crate) fn start_with(change: impl FnOnce(&mut Setup)) -> Rig {
        Rig::start_in(Ca::new(), change)
    }

    /// A server of the operator whose CA this is.
    pub(crate) fn start_in(ca: Ca, change: impl FnOnce(&mut Setup)) -> Rig {
        let (world, table, running) = Rig::try_start(&ca, change);
        let signers = Signers::current(&world);
        Rig { world, ca, running: running.unwrap(), table, signers }
    }

    /// Why a server does not start.
    pub(crate) fn refused(ca: &Ca, change: impl FnOnce(&mut Setup)) -> ServeError {
        Rig::try_start(ca, change).2.err().unwrap()
    }

    fn try_start(ca: &Ca, change: impl FnOnce(&mut Setup)) -> (World, Table, Result<Running, ServeError>) {
        let world = World::new(7, 2_000, now());
        let mut udp = UdpOptions::new(LOOPBACK);
        udp.workers = 2;
        let mut setup = Setup {
            options: ServeOptions {
                udp,
                quic: QuicOptions::new(LOOPBACK),
                tls: ca.engine(&[]),
                metrics: Some(LOOPBACK),
                stop_within: Duration::from_secs(2),
            },
            clock: Clock::system(),
            journal: None,
            cookie_s: 3600,
            suites: hufu_wire::Suites::AES,
            devices_max: 256,
            rate: Rate { per_s: 1_000_000, burst: 1_000_000 },
            cluster_seed: world.cluster_seed(),
            revoked: Vec::new(),
        };
        change(&mut setup);
        if !setup.revoked.is_empty() {
            setup.options.tls = ca.engine(&setup.revoked);
        }
        let table = table(&world);
        let engine = engine(&world, &table, &setup);
        let running = match setup.journal {
            Some(journal) => serve_by(setup.clock, setup.options, engine, || journal.clone()),
            None => serve_by(setup.clock, setup.options, engine, || NoJournal),
        };
        (world, table, running)
    }

    pub(crate) fn grant(&self, index: usize) -> Grant {
        self.world.grants()[index]
    }

    /// The first device at `site` that may ask as much as `rosters` says.
    pub(crate) fn device_at(&self, site: &Site, rosters: bool) -> Grant {
        let bits = if rosters { 3 } else { 1 };
        let at = |grant: &&Grant| grant.site == site.id && grant.scope.to_bits() == bits;
        *self.world.grants().iter().find(at).unwrap()
    }

    pub(crate) async fn connect(&self, grant: Grant) -> Control {
        Control::connect(self.running.quic_addr, ENGINE_NAME, &self.ca.device(grant)).await.unwrap()
    }

    /// A session, enrolled over QUIC by a runtime of its own.
    pub(crate) fn enrol(&self, grant: Grant) -> Session {
        block_on(async {
            let control = self.connect(grant).await;
            let session = Session::new(control.enrol().await.unwrap());
            control.close().await;
            session
        })
    }

    pub(crate) fn server(&self) -> Server {
        Server { control: self.running.quic_addr.into(), name: ENGINE_NAME.to_owned(), udp_port: None }
    }

    pub(crate) fn gate(&self, grant: Grant, servers: Vec<Server>) -> Gate {
        Gate::open(servers, self.ca.device(grant), GateOptions::default()).unwrap()
    }

    /// A phone code of now, and what it must get at the market.
    pub(crate) fn phone_code(&self, turn: u64) -> (String, Expected) {
        self.phone_code_at(&sites::MARKET, turn)
    }

    /// A phone code of a holder who is admitted at the market.
    pub(crate) fn clear_code(&self) -> String {
        self.code_admitted_at(&sites::MARKET)
    }

    pub(crate) fn code_admitted_at(&self, site: &Site) -> String {
        let mut codes = (0..).map(|turn| self.phone_code_at(site, turn));
        codes.find(|(_, wanted)| *wanted == Expected::ADMIT).unwrap().0
    }

    fn phone_code_at(&self, site: &Site, turn: u64) -> (String, Expected) {
        let (issuer, holder) = self.world.passer_by(turn);
        let phone = Phone::new(&self.world, issuer, holder);
        let credential = phone.credential(self.signers.of(issuer), 0);
        let text = code_text(&credential, Some(&phone.present(now().step())));
        (text, phone.expected(&self.world, site, false))
    }

    pub(crate) fn roster_of(&self, site: &Site, members: u32) -> Vec<u8> {
        let members: Vec<HolderIndex> = (0..members).map(HolderIndex).collect();
        let from = now();
        self.world
            .signer(HOME, KeyRole::Rosters)
            .sign_roster(site.id, from, UnixSeconds(from.0 + 3600), &[(HOME, &members)])
            .unwrap()
    }

    /// The value of a metric, by its name with labels; 0 when it is not on the page.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let page = self.running.metrics_text();
        let row = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        row.map_or(0, |value| value.parse().unwrap())
    }
}

fn table(world: &World) -> Table {
    // One issuer more than there is, for a test to follow.
    let table = Table::new(Limits::for_holders(5, u64::from(world.holders()))).unwrap();
    for issuer in world.issuers() {
        let mut writer = table.writer(issuer.id).unwrap();
        for holder in (0..issuer.people.holders()).map(HolderIndex) {
            writer.set(holder, issuer.people.status(holder)).unwrap();
        }
        writer.advance(Sequence(1), issuer.heard).unwrap();
    }
    table
}

fn engine(world: &World, table: &Table, setup: &Setup) -> Arc<Engine> {
    let operator = PreparedKey::new(world.operator().public()).unwrap();
    let list = TrustList::open(&world.trust_list(), &operator).unwrap();
    let parts = EngineParts {
        table: table.reader(),
        keyring: Keyring::empty().update(&list, world.now()).unwrap(),
        sites: Sites::parse(world.sites_toml(), "sites.toml").unwrap(),
        cluster: ClusterKeys::from_seed(&setup.cluster_seed, world.now().millis()).unwrap(),
        devices_max: setup.devices_max,
        device_rate: setup.rate,
        cookie_s: setup.cookie_s,
        suites: setup.suites,
        seen_entries: 4096,
        pass_back_entries: 4096,
    };
    Engine::new(parts).unwrap()
}

/// A socket that asks the way loadgen does: no gate in between.
pub(crate) struct Asker {
    socket: UdpSocket,
    server: SocketAddr,
}

impl Asker {
    pub(crate) fn new(server: SocketAddr) -> Asker {
        let socket = UdpSocket::bind((if server.is_ipv4() { "127.0.0.1" } else { "::1" }, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        Asker { socket, server }
    }

    pub(crate) fn send(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.server).unwrap();
    }

    /// The next datagram, `None` after two seconds.
    pub(crate) fn receive(&self) -> Option<Vec<u8>> {
        let mut bytes = [0; 2048];
        let (length, from) = self.socket.recv_from(&mut bytes).ok()?;
        assert_eq!(from, self.server, "a reply comes from where the request went");
        Some(bytes[..length].to_vec())
    }

    /// Whether nothing more comes within a moment.
    pub(crate) fn hears_nothing(&self) -> bool {
        self.socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let nothing = self.receive().is_none();
        self.socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        nothing
    }

    pub(crate) fn check(&self, session: &mut Session, code: &[u8]) -> Verdict {
        let packet = sealed(session, code);
        self.send(&packet);
        let reply = self.receive().unwrap();
        assert!(reply.len() < packet.len(), "a reply is shorter than its request");
        session.open(&reply).unwrap()
    }
}

pub(crate) fn sealed(session: &mut Session, code: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; Session::REQUEST_BYTES_MAX];
    let (_, length) = session.seal(code, Lane(0), &mut packet).unwrap();
    packet.truncate(length);
    packet
}

pub(crate) fn now() -> UnixSeconds {
    UnixMillis::from(SystemTime::now()).seconds()
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

pub(crate) fn decided(verdict: &Verdict) -> Expected {
    Expected { decision: verdict.decision, reason: verdict.reason }
}

/// What "at once" means where another thread acts: a moment, also on a machine that does other work.
const AT_ONCE: Duration = Duration::from_secs(5);
/// Far more than anything takes that comes at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Why the engine closed this connection, which it must have done at once.
pub(crate) async fn closed_at_once(control: &Control) -> ControlFault {
    let closed = tokio::time::timeout(AT_ONCE, control.connection().closed()).await;
    ControlFault::from(closed.unwrap())
}

/// Waits for something that another thread is about to do.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The same in a runtime, whose other work goes on meanwhile.
pub(crate) async fn eventually_async(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
