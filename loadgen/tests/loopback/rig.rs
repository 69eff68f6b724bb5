//! A world, an engine and a server on loopback, and devices that may ask it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use hufu_check::{ClusterKeys, Engine, EngineParts, Rate};
use hufu_client::Identity;
use hufu_codes::keyring::{Keyring, TrustList};
use hufu_fixtures::World;
use hufu_policy::Sites;
use hufu_signature::PreparedKey;
use hufu_table::{Limits, Table};
use hufu_transport::{QuicOptions, Running, ServeOptions, TlsParts, UdpOptions, profile, serve};
use hufu_wire::{Grant, HolderIndex, Sequence, UnixMillis, UnixSeconds};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber,
};
use rustls_pki_types::PrivateKeyDer;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A running server and its operator.
pub(crate) struct Rig {
    pub(crate) world: World,
    pub(crate) running: Running,
    /// Loads run one at a time: each wants the machine's cores.
    _alone: MutexGuard<'static, ()>,
    root: Certificate,
    ca: Issuer<'static, KeyPair>,
}

impl Rig {
    /// A server that follows a world of `holders` people.
    pub(crate) fn start(holders: u32) -> Rig {
        let world = World::new(7, holders, now());
        let engine = engine(&world);
        Rig::serve(world, engine)
    }

    /// A server whose table is empty: everybody is unknown to it.
    pub(crate) fn start_ignorant(holders: u32) -> Rig {
        let world = World::new(7, holders, now());
        let engine = engine(&World::new(7, 0, now()));
        Rig::serve(world, engine)
    }

    fn serve(world: World, engine: Arc<Engine>) -> Rig {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        let ca = Issuer::new(params, key);

        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::DnsName(profile::ENGINE_NAME.try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let (certificate, key) = signed(params, &ca);
        let tls = TlsParts {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            device_roots: vec![root.der().clone()],
            crls: Vec::new(),
            crls_must_be_fresh: false,
        };
        let options = ServeOptions {
            udp: UdpOptions::new(LOOPBACK),
            quic: QuicOptions::new(LOOPBACK),
            tls,
            metrics: None,
            stop_within: Duration::from_secs(2),
        };
        Rig { world, running: serve(options, engine).unwrap(), _alone: alone, root, ca }
    }

    /// The identity of a device with this grant.
    pub(crate) fn identity(&self, grant: Grant) -> Identity {
        let (certificate, key) = self.device(grant);
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        Identity::from_der(vec![certificate.der().clone()], key, std::slice::from_ref(self.root.der()))
            .unwrap()
    }

    /// Writes a gate's folder, as `hufu ca device` does.
    pub(crate) fn write_gate(&self, folder: &Path, grant: Grant) {
        let (certificate, key) = self.device(grant);
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("device.pem"), certificate.pem()).unwrap();
        fs::write(folder.join("device.key"), key.serialize_pem()).unwrap();
        fs::write(folder.join("ca.pem"), self.root.pem()).unwrap();
    }

    fn device(&self, grant: Grant) -> (Certificate, KeyPair) {
        let mut params = CertificateParams::default();
        let names = profile::names(grant).map(|name| SanType::URI(name.as_str().try_into().unwrap()));
        params.subject_alt_names = names.to_vec();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.serial_number = Some(SerialNumber::from_slice(&profile::serial(
            grant.device,
            grant.generation,
            self.world.now(),
        )));
        signed(params, &self.ca)
    }
}

fn signed(mut params: CertificateParams, ca: &Issuer<'static, KeyPair>) -> (Certificate, KeyPair) {
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, ca).unwrap(), key)
}

fn engine(world: &World) -> Arc<Engine> {
    let table = Table::new(Limits::for_holders(3, u64::from(world.holders()))).unwrap();
    for issuer in world.issuers() {
        let mut writer = table.writer(issuer.id).unwrap();
        for holder in (0..issuer.people.holders()).map(HolderIndex) {
            writer.set(holder, issuer.people.status(holder)).unwrap();
        }
        writer.advance(Sequence(1), issuer.heard).unwrap();
    }
    let operator = PreparedKey::new(world.operator().public()).unwrap();
    let list = TrustList::open(&world.trust_list(), &operator).unwrap();
    let parts = EngineParts {
        table: table.reader(),
        keyring: Keyring::empty().update(&list, world.now()).unwrap(),
        sites: Sites::parse(world.sites_toml(), "sites.toml").unwrap(),
        cluster: ClusterKeys::from_seed(&world.cluster_seed(), world.now().millis()).unwrap(),
        devices_max: 256,
        device_rate: Rate { per_s: 1_000_000, burst: 1_000_000 },
        cookie_s: 3600,
        suites: hufu_wire::Suites::AES,
        seen_entries: 1 << 16,
        pass_back_entries: 1 << 16,
    };
    Engine::new(parts).unwrap()
}

fn now() -> UnixSeconds {
    UnixMillis::from(SystemTime::now()).seconds()
}
