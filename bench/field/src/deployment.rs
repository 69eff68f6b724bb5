//! Keys, trust list, certificates and codes, as an operator makes them.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, anyhow};
use hufu_client::{Gate, GateOptions, Identity, Server};
use hufu_codes::chain::{Authorities, AuthoritySigner};
use hufu_codes::issue::code_text;
use hufu_codes::keyring::Keyring;
use hufu_codes::{Credential, Detail};
use hufu_files::keys::{Owner, PublicKey, SecretKey};
use hufu_files::moment::now;
use hufu_files::{Readable, trust_list};
use hufu_fixtures::World;
use hufu_fixtures::sites::MARKET;
use hufu_signature::{PreparedKey, Scheme};
use hufu_wire::{HolderIndex, IssuerId};

use crate::process;
use crate::truth::HOLDERS;

/// The province whose statuses are followed.
pub const ISSUER: IssuerId = IssuerId(310_000);
/// The national platform.
pub const NATIONAL: IssuerId = IssuerId(100_000);
/// Who runs the registry.
pub const PUBLISHER: IssuerId = IssuerId(900_000);

/// The one site.
pub(crate) const SITE: u32 = 310_101;
/// Device ids below this are gates; each has a folder `gates/N`.
const GATES: u32 = 4;
/// Device ids of the gates that a generator speaks for.
const FIRST_LOAD_GATE: u32 = 100;
const LOAD_GATES: u32 = 16;

/// A folder with everything that processes are started with.
#[derive(Debug)]
pub struct Deployment {
    hufu: PathBuf,
    folder: tempfile::TempDir,
    world: Option<World>,
}

impl Deployment {
    /// A deployment whose commands are those of the binary `hufu`.
    ///
    /// # Errors
    /// A command failed.
    pub fn new(hufu: &Path) -> Result<Deployment> {
        let deployment = Deployment { hufu: hufu.to_owned(), folder: tempfile::tempdir()?, world: None };
        deployment.run("keys generate operator --out operator")?;
        deployment.write("cluster.seed", &"5e".repeat(32))?;
        deployment.run("keys trust new --operator operator.key --out trust.hufu")?;
        deployment.furnish("")?;
        Ok(deployment)
    }

    /// A deployment in a world: its issuers' snapshots, sites and gates are there beside the issuer that is followed, so that
    /// a generator can load its engines.
    ///
    /// # Errors
    /// A command failed.
    pub fn of_world(hufu: &Path, world: World) -> Result<Deployment> {
        let mut deployment = Deployment { hufu: hufu.to_owned(), folder: tempfile::tempdir()?, world: None };
        world.write(deployment.folder(), &|_, _| {}).map_err(|fault| anyhow!(fault.to_string()))?;
        let operator = SecretKey::of(Owner::Operator, None, Scheme::Ed25519, &world.operator_seed());
        operator.store(&deployment.path("operator"), &PublicKey::of(&operator)?)?;
        deployment.write("cluster.seed", &hex::encode(world.cluster_seed()))?;
        fs::rename(deployment.path("trust.list"), deployment.path("trust.hufu"))?;
        deployment.furnish(hufu_fixtures::sites::SITES_TOML)?;
        for gate in 0..LOAD_GATES {
            let device = FIRST_LOAD_GATE + gate;
            let out = format!("--site {} --engine 127.0.0.1:1 --out load/{gate}", MARKET.id);
            deployment.run(&format!("ca device --dir ca --device {device} {out}"))?;
        }
        deployment.world = Some(world);
        Ok(deployment)
    }

    /// Keys of the followed issuer, certificates, one site.
    fn furnish(&self, sites: &str) -> Result<()> {
        for (id, name, uses) in [
            (ISSUER, "issuer", "phone,paper,trip,roster"),
            (ISSUER, "local", "instruction"),
            (NATIONAL, "national", "confirmation"),
        ] {
            self.run(&format!("keys generate issuer --issuer {id} --out {name}"))?;
            self.trust(&format!("{name}.pub"), uses)?;
        }
        self.run("ca init --dir ca")?;
        self.run("ca server --dir ca --out engine")?;
        for gate in 0..GATES {
            // Where engines are is told to each watch: these folders serve any engine.
            let out = format!("--site {SITE} --engine 127.0.0.1:1 --out gates/{gate}");
            self.run(&format!("ca device --dir ca --device {gate} {out}"))?;
        }
        let site = "name = \"North gate\"\naccepts = [\"paper\"]\nstaleness_ms_max = 86400000\n";
        self.write("sites.toml", &format!("{sites}\n[[site]]\nid = {SITE}\n{site}"))
    }

    /// The world that it is in.
    pub fn world(&self) -> Option<&World> {
        self.world.as_ref()
    }

    /// Who the gates are that a generator speaks for.
    ///
    /// # Errors
    /// This deployment is in no world.
    pub fn load_gates(&self) -> Result<Vec<Identity>> {
        (0..LOAD_GATES).map(|gate| self.identity(&format!("load/{gate}"))).collect()
    }

    fn identity(&self, gate: &str) -> Result<Identity> {
        let file = |name: &str| self.path(&format!("{gate}/{name}"));
        Ok(Identity::from_pem_files(&file("device.pem"), &file("device.key"), &file("ca.pem"))?)
    }

    /// A gate of the one site, enrolled at the engine behind `control`.
    ///
    /// # Errors
    /// There is no such gate, or the engine does not enrol it.
    pub fn gate(&self, number: usize, control: SocketAddr) -> Result<Gate> {
        let identity = self.identity(&format!("gates/{number}"))?;
        let server = Server { control: control.into(), name: "engine.hufu".to_owned(), udp_port: None };
        // A restarting engine is silent for a while: a gate asks again, and so does this one.
        let options = GateOptions { budget: Duration::from_millis(150), ..GateOptions::default() };
        Ok(Gate::open(vec![server], identity, options)?)
    }

    /// The snapshots of the world's issuers, as an engine's configuration lists them.
    pub(crate) fn snapshots(&self) -> Vec<String> {
        let issuers = self.world.iter().flat_map(World::issuers);
        issuers.map(|issuer| format!("../{}.snapshot", issuer.id)).collect()
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// A command of `hufu` in the folder.
    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.hufu);
        command.args(line.split(' ')).current_dir(self.folder()).env_remove("RUST_LOG");
        command
    }

    /// Runs a command whose words have no spaces; what it printed.
    ///
    /// # Errors
    /// It failed, with all that it printed.
    pub fn run(&self, line: &str) -> Result<String> {
        process::run(&mut self.command(line))
    }

    /// Writes a file whole: no reader sees half of it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        // Secrets among them: what signs with a key refuses one that others can read.
        hufu_files::replace(&self.path(name), text.as_bytes(), Readable::Owner)
    }

    /// Adds a key to the trust list.
    pub(crate) fn trust(&self, key: &str, uses: &str) -> Result<()> {
        let list = "--operator operator.key --list trust.hufu";
        self.run(&format!("keys trust add {list} --key {key} --uses {uses}"))?;
        Ok(())
    }

    /// A signer with the secret key `NAME.key` of the folder.
    ///
    /// # Errors
    /// There is no such key.
    pub fn signer(&self, name: &str) -> Result<AuthoritySigner> {
        hufu_authority::read_key(&self.path(&format!("{name}.key")))
    }

    /// Who signs the issuer's chain.
    ///
    /// # Errors
    /// Never, for these three.
    pub fn authorities(&self) -> Result<Authorities> {
        Ok(Authorities::new(ISSUER, NATIONAL, PUBLISHER)?)
    }

    /// The keys of the trust list.
    ///
    /// # Errors
    /// The list is not the operator's.
    pub fn keyring(&self) -> Result<Keyring> {
        let public = PublicKey::load(&self.path("operator.pub"), Owner::Operator)?.public;
        let list = trust_list::open(&self.path("trust.hufu"), &PreparedKey::new(&public)?)?;
        Ok(Keyring::empty().update(&list, now().seconds())?)
    }

    /// The paper code of each holder.
    ///
    /// # Errors
    /// There is no issuer's key.
    pub fn codes(&self) -> Result<Vec<String>> {
        let key = SecretKey::load(&self.path("issuer.key"), Owner::Issuer)?;
        let signer = key.issuer_signer()?;
        let issued = now().seconds();
        let code = |holder| {
            let credential = signer.sign_credential(&Credential {
                key: signer.key(),
                issued,
                expires: hufu_wire::UnixSeconds(issued.0 + 86_400),
                holder: HolderIndex(holder),
                generation: 0,
                display: "",
                detail: Detail::Paper,
            })?;
            Ok(code_text(&credential, None))
        };
        (0..HOLDERS).map(code).collect()
    }
}
