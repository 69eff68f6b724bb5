//! The demo's folder: a whole small deployment, with the very files that a real one has.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use hufu_authority::Remote;
use hufu_check::ClusterKeys;
use hufu_client::Identity;
use hufu_codes::issue::IssuerSigner;
use hufu_codes::keyring::Keyring;
use hufu_contract::{NewToken, Scope};
use hufu_files::keys::{Owner, PublicKey, SecretKey};
use hufu_files::moment;
use hufu_files::{self as files, Readable};
use hufu_fixtures::sites::MARKET;
use hufu_fixtures::{FOREIGN, HOME, KeyRole, World};
use hufu_node::cluster;
use hufu_signature::Scheme;
use hufu_upstream::ApiOptions;
use hufu_wire::{Grant, HolderIndex, IssuerId};

use super::authorities::{self, CHAINED, NATIONAL, PUBLISHER};
use super::chain::Chain;
use super::child;
use crate::authority::{Authority, CRL, Issued, ROOT};
use crate::gate;

/// Where everything is.
pub(super) struct Place {
    /// The folder.
    pub(super) folder: PathBuf,
    /// The world in it.
    pub(super) world: World,
    /// The gates that offer the load.
    pub(super) gates: Vec<(Grant, Identity)>,
    addresses: Addresses,
    keyring: Keyring,
    /// How durable its sites want records to be, `none` where the engine keeps none.
    records: String,
}

/// Ports that were free a moment ago; the folder's engine and registry keep them.
#[derive(Clone, Copy)]
pub(super) struct Addresses {
    pub(super) udp: SocketAddr,
    pub(super) quic: SocketAddr,
    pub(super) api: SocketAddr,
}

/// The folder can be kept for a month.
pub(super) const CERTIFICATES_S: u32 = 30 * 86_400;
/// Far beyond the population, so that the load never meets them.
const BEYOND: u32 = 1 << 20;

impl Place {
    /// Writes a world and everything around it, a new registry among that.
    pub(super) fn furnish(folder: &Path, world: World, records: &str) -> anyhow::Result<Place> {
        files::folder(folder)?;
        ensure!(
            !folder.join(CONFIG).exists(),
            "{} already has a demo; choose another folder or remove this one",
            folder.display()
        );
        let addresses = free_addresses()?;
        init_registry(folder, addresses.api)?;
        let publisher = PublicKey::load(&folder.join("registry/publisher.pub"), Owner::Issuer)?;
        let trust_list = authorities::trust_list(&world, &publisher);
        let keyring = authorities::keyring(&world, &trust_list)?;
        let (folder, records) = (folder.to_owned(), records.to_owned());
        let place = Place { folder, world, gates: Vec::new(), addresses, keyring, records };
        let folder = &place.folder;
        place.write_keys()?;
        for trusting in [folder, &folder.join("registry")] {
            files::create(&trusting.join("trust.hufu"), &trust_list, Readable::All)?;
        }
        files::create(
            &folder.join("registry/operator.pub"),
            &files::read(&folder.join("operator.pub"))?,
            Readable::All,
        )?;
        files::create(&folder.join("sites.toml"), place.sites_toml().as_bytes(), Readable::All)?;
        place.world.write_snapshot(place.world.issuer(FOREIGN), folder)?;
        files::create(&folder.join("hufu.toml"), place.hufu_toml().as_bytes(), Readable::All)?;
        child::run(folder, &["records", "secret", "--out", RECORDS_SECRET]).map(drop)?;
        let gates = place.write_certificates()?;
        files::create(&place.config(), place.engine_toml().as_bytes(), Readable::All)?;
        Ok(Place { gates, ..place })
    }

    /// The registry's configuration.
    pub(super) fn registry_config(&self) -> PathBuf {
        self.folder.join("registry/registry.toml")
    }

    /// The chain of `issuer`, with the keys of both its authorities.
    pub(super) fn chain(&self, issuer: IssuerId) -> anyhow::Result<Chain> {
        let signers = [issuer, NATIONAL].map(|authority| authorities::signer(&self.world, authority));
        Ok(Chain::new(self.registry()?, signers, authorities::of(issuer)?, self.keyring.clone()))
    }

    /// Gives the engine a token of its own.
    pub(super) fn let_engine_in(&self, registry: &Remote) -> anyhow::Result<()> {
        let expires_ms = moment::now().0 + u64::from(CERTIFICATES_S) * 1_000;
        let token =
            NewToken { label: "the engine".to_owned(), scopes: vec![Scope::Feed], issuer: None, expires_ms };
        let made = registry.ask(|api| api.new_token(&token))?;
        files::create(&self.folder.join(FEED_TOKEN), made.secret.as_bytes(), Readable::Owner)
    }

    /// The registry, as its administrator talks to it.
    pub(super) fn registry(&self) -> anyhow::Result<Remote> {
        let in_folder = |name: &str| Some(self.folder.join(name));
        let url = format!("https://{}", self.addresses.api);
        Remote::open(&ApiOptions { url, token: in_folder(TOKEN), ca: in_folder(REGISTRY_ROOT) })
    }

    /// The engine's configuration.
    pub(super) fn config(&self) -> PathBuf {
        self.folder.join(CONFIG)
    }

    /// Whether the engine keeps records.
    pub(super) fn keeps_records(&self) -> bool {
        self.records != "none"
    }

    /// The world's sites, with how durable each wants its records to be.
    fn sites_toml(&self) -> String {
        let sites = self.world.sites_toml();
        if self.keeps_records() {
            sites.replace("[[site]]\n", &format!("[[site]]\nrecords = \"{}\"\n", self.records))
        } else {
            sites.to_owned()
        }
    }

    /// A gate that is not among those which offer the load.
    pub(super) fn gate(&self) -> PathBuf {
        self.folder.join("gate")
    }

    /// The home province's signer of credentials.
    pub(super) fn signer(&self) -> IssuerSigner {
        self.world.signer(HOME, KeyRole::Current)
    }

    /// The person whose code is shown as a picture, a stranger to the load.
    pub(super) fn visitor(&self) -> HolderIndex {
        HolderIndex(self.world.holders() + BEYOND)
    }

    /// The first of the people whose colours change.
    pub(super) fn first_changing(&self) -> HolderIndex {
        HolderIndex(self.visitor().0 + 1)
    }

    fn write_keys(&self) -> anyhow::Result<()> {
        let operator = SecretKey::of(
            Owner::Operator,
            None,
            Scheme::Ed25519,
            &self.world.seed().bytes("operator key", 0),
        );
        let public = PublicKey::of(&operator)?;
        ensure!(public.public == *self.world.operator().public(), "the world has another operator");
        operator.store(&self.folder.join("operator"), &public)?;
        let seed = self.world.issuer(HOME).key_seed(KeyRole::Current);
        let issuer = SecretKey::of(Owner::Issuer, Some(HOME), Scheme::Ed25519, &seed);
        issuer.store(&self.folder.join("issuer"), &PublicKey::of(&issuer)?)?;
        authorities::store(&self.world, &self.folder, "local", HOME)?;
        authorities::store(&self.world, &self.folder, "national", NATIONAL)?;
        let keys = ClusterKeys::from_seed(&self.world.cluster_seed(), self.world.now().millis())?;
        cluster::create(&self.folder.join("state"), &keys)
    }

    /// The authority, the engine's certificate, a gate's folder, and identities for the gates of the load.
    fn write_certificates(&self) -> anyhow::Result<Vec<(Grant, Identity)>> {
        let mut authority = Authority::init(&self.folder.join("ca"), Some("Hufu demo"))?;
        let engine = authority.server(&[], CERTIFICATES_S)?;
        files::create(&self.folder.join("engine.pem"), engine.chain.as_bytes(), Readable::All)?;
        files::create(&self.folder.join("engine.key"), engine.key.as_bytes(), Readable::Owner)?;

        let (terminals, gates): (Vec<Grant>, Vec<Grant>) = self
            .world
            .grants()
            .into_iter()
            .filter(|grant| grant.site == MARKET.id)
            .partition(|grant| grant.scope.allows(hufu_wire::Scope::CHECKS_AND_ROSTERS));
        let terminal = terminals.first().context("the world has no terminal at the market")?;
        let issued = authority.device(*terminal, CERTIFICATES_S)?;
        gate::write(&self.gate(), &issued, authority.root_pem(), &[self.addresses.quic.into()])?;

        let issued = authority.devices(&gates, CERTIFICATES_S)?;
        let root = authority.root_pem().as_bytes();
        let identity =
            |Issued { chain, key }: Issued| Identity::from_pem(chain.as_bytes(), key.as_bytes(), root);
        let identities = issued.into_iter().map(identity).collect::<Result<Vec<_>, _>>()?;
        Ok(gates.into_iter().zip(identities).collect())
    }

    fn engine_toml(&self) -> String {
        let Addresses { udp, quic, api } = self.addresses;
        // A core for the engine, one for the generator beside it.
        let threads = std::thread::available_parallelism().map_or(1, usize::from).div_ceil(2);
        let holders_max = u64::from(self.first_changing().0) + 1_000;
        let mut text = format!(
            "# The engine of `hufu demo`; docs/examples/engine.toml describes every key.\n\
             [listen]\nudp = \"{udp}\"\nquic = \"{quic}\"\nmetrics = \"127.0.0.1:0\"\n\n\
             [workers]\nthreads = {threads}\n\n\
             [memory]\nholders_max = {holders_max}\n\n\
             # Here a few gates do the work of many.\n\
             [devices]\ndevices_max = 1024\nrate_per_s = 1000000\nburst = 1000000\n\n\
             [files]\noperator_key = \"operator.pub\"\ntrust_list = \"trust.hufu\"\nsites = \"sites.toml\"\n\
             # The foreign authority's statuses come from a snapshot file.\nsnapshots = [\"{FOREIGN}.snapshot\"]\n\
             ca = \"ca/{ROOT}\"\n\
             certificate = \"engine.pem\"\nkey = \"engine.key\"\ncrl = \"ca/{CRL}\"\nstate = \"state\"\n"
        );
        if self.keeps_records() {
            let _ = write!(
                text,
                "\n[records]\nfolder = \"{RECORDS}\"\nkeys = \"{RECORD_KEYS}\"\nsecret = \"{RECORDS_SECRET}\"\n"
            );
        }
        for issuer in CHAINED {
            let _ = write!(
                text,
                "\n[[follow]]\nissuer = {issuer}\nnational = {NATIONAL}\npublisher = {PUBLISHER}\n\
                 feed = \"https://{api}\"\ntoken = \"{FEED_TOKEN}\"\nca = \"{REGISTRY_ROOT}\"\n"
            );
        }
        text
    }

    fn hufu_toml(&self) -> String {
        format!(
            "# The registry that commands use in this folder.\n\
             registry = \"https://{}\"\ntoken = \"{TOKEN}\"\nca = \"{REGISTRY_ROOT}\"\n",
            self.addresses.api
        )
    }
}

/// Made by the command that anybody makes one with.
fn init_registry(folder: &Path, api: SocketAddr) -> anyhow::Result<()> {
    let issuers = CHAINED.map(|issuer| format!("{issuer}=Province {issuer}"));
    let (national, publisher, api) = (NATIONAL.to_string(), PUBLISHER.to_string(), api.to_string());
    let mut arguments = vec!["registry", "init", "registry"];
    for issuer in &issuers {
        arguments.extend(["--issuer", issuer]);
    }
    arguments.extend([
        "--national",
        &national,
        "--publisher",
        &publisher,
        "--listen",
        &api,
        "--token-out",
        TOKEN,
    ]);
    child::run(folder, &arguments).map(drop)
}

/// The administrator's token.
const TOKEN: &str = "admin.token";
/// The engine's, which may read feeds and no more.
const FEED_TOKEN: &str = "feed.token";
const REGISTRY_ROOT: &str = "registry/ca/ca.pem";
pub(super) const CONFIG: &str = "engine.toml";
/// Where the engine's records are.
pub(super) const RECORDS: &str = "records";
pub(super) const RECORD_KEYS: &str = "record-keys";
pub(super) const RECORDS_SECRET: &str = "records.secret";

/// Ports of the loopback that are free now. They go into the folder's files, so that what is started from it later is
/// where its gate looks for it; so they lie below those that the system gives to anybody.
pub(super) fn free_addresses() -> anyhow::Result<Addresses> {
    let udp = || free_port(|address| UdpSocket::bind(address).ok());
    let (udp, quic) = (udp()?, udp()?);
    let api = free_port(|address| TcpListener::bind(address).ok())?;
    Ok(Addresses { udp: udp.0, quic: quic.0, api: api.0 })
}

/// One of 20,000 ports, drawn so that demos side by side do not meet, and what keeps it until all are drawn.
fn free_port<S>(bind: impl Fn(SocketAddr) -> Option<S>) -> anyhow::Result<(SocketAddr, S)> {
    const TRIES: usize = 100;
    let draw = || {
        let mut drawn = [0; 2];
        aws_lc_rs::rand::fill(&mut drawn).ok()?;
        let address = (Ipv4Addr::LOCALHOST, 10_000 + u16::from_le_bytes(drawn) % 20_000).into();
        bind(address).map(|socket| (address, socket))
    };
    (0..TRIES).find_map(|_| draw()).context("no free port on the loopback interface")
}
