//! The demo's folder: a whole small deployment, with the very files that a real one has.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use hufu_client::Identity;
use hufu_codes::issue::IssuerSigner;
use hufu_fixtures::sites::MARKET;
use hufu_fixtures::{HOME, KeyRole, World, snapshot_path};
use hufu_wire::{Grant, HolderIndex, Scope};

use crate::authority::{Authority, CRL, Issued, ROOT};
use crate::commands::keys;
use crate::files::{self, Readable};
use crate::gate;
use crate::secret::{Owner, SecretKey};

/// Where everything is.
pub(super) struct Place {
    /// The folder.
    pub(super) folder: PathBuf,
    /// The world in it.
    pub(super) world: World,
    /// The gates that offer the load.
    pub(super) gates: Vec<(Grant, Identity)>,
    addresses: Addresses,
}

/// Ports that were free a moment ago; the folder's engine keeps them.
#[derive(Clone, Copy)]
struct Addresses {
    udp: SocketAddr,
    quic: SocketAddr,
}

/// The folder can be kept for a month.
const CERTIFICATES_S: u32 = 30 * 86_400;
/// Far beyond the population, so that the load never meets them.
const BEYOND: u32 = 1 << 20;

impl Place {
    /// Writes a world and everything around it.
    pub(super) fn furnish(
        folder: &Path,
        world: World,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> anyhow::Result<Place> {
        files::folder(folder)?;
        ensure!(
            !folder.join(CONFIG).exists(),
            "{} holds a demo already; name another folder or remove it",
            folder.display()
        );
        world.write(folder, progress)?;
        let place =
            Place { folder: folder.to_owned(), world, gates: Vec::new(), addresses: free_addresses()? };
        place.write_keys()?;
        let gates = place.write_certificates()?;
        files::create(&place.config(), place.engine_toml().as_bytes(), Readable::All)?;
        Ok(Place { gates, ..place })
    }

    /// The engine's configuration.
    pub(super) fn config(&self) -> PathBuf {
        self.folder.join(CONFIG)
    }

    /// The statuses of the home province.
    pub(super) fn snapshot(&self) -> PathBuf {
        snapshot_path(&self.folder, self.world.issuer(HOME))
    }

    /// A gate that is not among those which offer the load.
    pub(super) fn gate(&self) -> PathBuf {
        self.folder.join("gate")
    }

    /// The key with which the home province issues codes.
    pub(super) fn issuer_key(&self) -> PathBuf {
        self.folder.join("issuer.key")
    }

    /// The home province's hand.
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
        let operator = SecretKey::of(Owner::Operator, None, &self.world.seed().bytes("operator key", 0));
        let public = keys::public_of(&operator, Owner::Operator, None)?;
        ensure!(public.public == *self.world.operator().public(), "the world's operator is another one");
        operator.store(&self.folder.join("operator"), &public)?;
        let seed = self.world.issuer(HOME).key_seed(KeyRole::Current);
        let issuer = SecretKey::of(Owner::Issuer, Some(HOME), &seed);
        issuer.store(&self.folder.join("issuer"), &keys::public_of(&issuer, Owner::Issuer, Some(HOME))?)?;
        let cluster = hex::encode(self.world.cluster_seed());
        files::create(&self.folder.join("cluster.seed"), cluster.as_bytes(), Readable::Owner)
    }

    /// The authority, the engine's certificate, a gate's folder, and identities for the gates of the load.
    fn write_certificates(&self) -> anyhow::Result<Vec<(Grant, Identity)>> {
        let mut authority = Authority::init(&self.folder.join("ca"), "Hufu demo")?;
        let engine = authority.server(&[], CERTIFICATES_S)?;
        files::create(&self.folder.join("engine.pem"), engine.chain.as_bytes(), Readable::All)?;
        files::create(&self.folder.join("engine.key"), engine.key.as_bytes(), Readable::Owner)?;

        let (terminals, gates): (Vec<Grant>, Vec<Grant>) = self
            .world
            .grants()
            .into_iter()
            .filter(|grant| grant.site == MARKET.id)
            .partition(|grant| grant.scope.allows(Scope::CHECKS_AND_ROSTERS));
        let terminal = terminals.first().context("the world has no terminal at the market")?;
        let issued = authority.device(*terminal, CERTIFICATES_S)?;
        gate::write(&self.gate(), &issued, authority.root_pem(), &[self.addresses.quic])?;

        let issued = authority.devices(&gates, CERTIFICATES_S)?;
        let root = authority.root_pem().as_bytes();
        let identity =
            |Issued { chain, key }: Issued| Identity::from_pem(chain.as_bytes(), key.as_bytes(), root);
        let identities = issued.into_iter().map(identity).collect::<Result<Vec<_>, _>>()?;
        Ok(gates.into_iter().zip(identities).collect())
    }

    fn engine_toml(&self) -> String {
        let Addresses { udp, quic } = self.addresses;
        let snapshots: Vec<_> = self
            .world
            .issuers()
            .iter()
            .filter_map(|issuer| Some(snapshot_path(Path::new(""), issuer).to_str()?.to_owned()))
            .collect();
        // A core for the engine, one for the generator beside it.
        let threads = std::thread::available_parallelism().map_or(1, usize::from).div_ceil(2);
        let holders_max = u64::from(self.first_changing().0) + 1_000;
        format!(
            "# The engine of `hufu demo`; docs/examples/engine.toml describes every key.\n\
             [listen]\nudp = \"{udp}\"\nquic = \"{quic}\"\nmetrics = \"\"\n\n\
             [workers]\nthreads = {threads}\n\n\
             [memory]\nholders_max = {holders_max}\n\n\
             # A few gates stand for many here.\n\
             [devices]\ndevices_max = 1024\nrate_per_s = 1000000\nburst = 1000000\n\n\
             [files]\noperator_key = \"operator.pub\"\ntrust_list = \"trust.list\"\nsites = \"sites.toml\"\n\
             snapshots = {snapshots:?}\ncluster_seed = \"cluster.seed\"\nca = \"ca/{ROOT}\"\n\
             certificate = \"engine.pem\"\nkey = \"engine.key\"\ncrl = \"ca/{CRL}\"\nstate = \"state\"\n"
        )
    }
}

const CONFIG: &str = "engine.toml";

/// Two UDP ports of the loopback that are free now. They go into the folder's files, so that an engine started
/// from it later is where its gate looks for it; so they lie below those that the system gives to anybody.
fn free_addresses() -> anyhow::Result<Addresses> {
    let (udp, quic) = (free_port()?, free_port()?);
    Ok(Addresses { udp: udp.local_addr()?, quic: quic.local_addr()? })
}

/// A socket of one of 20,000 ports, drawn so that demos side by side do not meet.
fn free_port() -> anyhow::Result<UdpSocket> {
    const TRIES: usize = 100;
    let draw = || {
        let mut drawn = [0; 2];
        aws_lc_rs::rand::fill(&mut drawn).ok()?;
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 10_000 + u16::from_le_bytes(drawn) % 20_000)).ok()
    };
    (0..TRIES).find_map(|_| draw()).context("no free UDP port on the loopback")
}
