//! `hufu ca`: the certificates of devices and engines.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use hufu_client::EngineAddress;
use hufu_files::moment::{self, Span};
use hufu_files::{self as files, Readable};
use hufu_wire::{DeviceGeneration, DeviceId, Grant, Scope, SiteId, UnixSeconds};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::authority::{Authority, CRL, Entry, Issued, ROOT, Subject, request};
use crate::gate;
use crate::listing::list;
use crate::outcome::Exit;
use crate::term::{note, tell};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu ca init --dir ca
  hufu ca server --dir ca --out engine
  hufu ca device --dir ca --device 7 --site 310101 --engine 127.0.0.1:7411 --out gates/7
  hufu ca device --dir ca --device 8 --site 310102 --scope rosters --engine 127.0.0.1:7411 --out gates/8
  hufu ca device --dir ca --device 9 --site 310102 --csr gate-9.csr --engine 127.0.0.1:7411 --out gates/9
  hufu ca server --dir ca --out engine --renew
  hufu ca revoke --dir ca --device 7 --generation 0
  hufu ca revoke --dir ca --engine engine.pem
  hufu ca refresh --dir ca
  hufu ca list --dir ca

Exit status of `ca revoke`: 4 when this authority has issued no certificate to the device up to that generation. It is revoked \
all the same; a person must look at the numbers.";

/// Issue and revoke the certificates of devices and engines.
#[derive(Debug, Subcommand)]
pub(crate) enum CaCommand {
    /// Make an authority: its root, its key, an empty revocation list
    Init {
        /// The authority's folder
        #[arg(long, value_name = "FOLDER")]
        dir: PathBuf,
        /// What the root certificate is called; without it, "Hufu operator" and part of its key's digest
        #[arg(long)]
        name: Option<String>,
    },
    /// Issue a device's certificate, in a folder that `hufu check --gate` takes
    Device(DeviceArgs),
    /// Issue an engine's certificate
    Server(ServerArgs),
    /// Revoke a device up to and including a generation, or an engine's certificate
    Revoke {
        /// The authority's folder
        #[arg(long, value_name = "FOLDER")]
        dir: PathBuf,
        /// The device
        #[arg(long, value_name = "ID", required_unless_present = "engine")]
        device: Option<u32>,
        /// The highest generation that is revoked
        #[arg(long, value_name = "N", default_value_t = 0)]
        generation: u32,
        /// The engine's certificate, or its serial number as `hufu ca list` shows it
        #[arg(long, value_name = "FILE|SERIAL", conflicts_with_all = ["device", "generation"])]
        engine: Option<String>,
    },
    /// Sign the revocation list again, before it expires
    Refresh {
        /// The authority's folder
        #[arg(long, value_name = "FOLDER")]
        dir: PathBuf,
    },
    /// List everything issued
    List {
        /// The authority's folder
        #[arg(long, value_name = "FOLDER")]
        dir: PathBuf,
    },
}

/// Issue a device's certificate.
#[derive(Debug, Args)]
pub(crate) struct DeviceArgs {
    /// The authority's folder
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,
    /// The device: small and dense, from 0
    #[arg(long, value_name = "ID")]
    device: u32,
    /// How many times the device was enrolled again; one higher after each revocation
    #[arg(long, value_name = "N", default_value_t = 0)]
    generation: u32,
    /// The only site it may ask about
    #[arg(long, value_name = "ID")]
    site: u32,
    /// What it may ask
    #[arg(long, default_value = "checks")]
    scope: ScopeName,
    /// The engine's QUIC address or host name, with its port; several for several engines
    #[arg(long, value_name = "ADDRESS", required = true)]
    engine: Vec<EngineAddress>,
    /// How long the certificate is valid
    #[arg(long, value_name = "SPAN", default_value = "365d")]
    valid: Span,
    /// The device's own certificate request (PKCS #10): the device keeps its key, and nothing but the public key is
    /// taken from the request
    #[arg(long, value_name = "FILE")]
    csr: Option<PathBuf>,
    /// The gate's folder
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// Issue an engine's certificate.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// The authority's folder
    #[arg(long, value_name = "FOLDER")]
    dir: PathBuf,
    /// A DNS name or address beside `engine.hufu`
    #[arg(long, value_name = "NAME")]
    also: Vec<String>,
    /// How long the certificate is valid
    #[arg(long, value_name = "SPAN", default_value = "7d")]
    valid: Span,
    /// Where to put it; .pem and .key are added
    #[arg(long, value_name = "NAME")]
    out: PathBuf,
    /// Replace the certificate and key that are there; a running engine takes them within a second
    #[arg(long)]
    renew: bool,
}

/// What a device may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ScopeName {
    /// Single checks
    Checks,
    /// Single checks and whole rosters
    Rosters,
}

/// Runs `hufu ca`.
pub(crate) fn run(command: &CaCommand) -> anyhow::Result<Exit> {
    match command {
        CaCommand::Init { dir, name } => {
            Authority::init(dir, name.as_deref())?;
            tell!(
                { "dir": dir, "root": dir.join(ROOT), "crl": dir.join(CRL) },
                "certificate authority in {}: copy {ROOT} and {CRL} to the engines, keep the other files here",
                dir.display()
            );
        }
        CaCommand::Device(args) => device(args)?,
        CaCommand::Server(args) => server(args)?,
        CaCommand::Revoke { dir, device, generation, engine } => {
            let mut authority = Authority::open(dir)?;
            let mut exit = Exit::Yes;
            let (what, object) = match (device, engine) {
                (Some(device), _) => {
                    let is_its = |subject: &Subject| {
                        matches!(subject, Subject::Device { device: of, generation: its, site: Some(_), .. }
                            if of == device && its <= generation)
                    };
                    if !authority.entries().iter().any(|entry| is_its(&entry.subject)) {
                        note!(
                            "this authority has issued no certificate to device {device} up to generation {generation}: if the \
                             number is mistyped, revoke the right one"
                        );
                        exit = Exit::Refer;
                    }
                    let killed = authority.revoke(DeviceId(*device), DeviceGeneration(*generation))?;
                    (
                        format!(
                            "device {device} is revoked up to generation {generation} ({killed} certificates)"
                        ),
                        json!({ "device": device, "generation": generation, "certificates": killed }),
                    )
                }
                (None, Some(engine)) => {
                    let serial = serial_of(engine)?;
                    let is_new = authority.revoke_engine(&serial)?;
                    let before = if is_new { "" } else { ", as it was before" };
                    let serial = hex::encode(serial);
                    (
                        format!("the engine's certificate {serial} is revoked{before}"),
                        json!({ "serial": serial, "before": !is_new }),
                    )
                }
                (None, None) => bail!("give --device or --engine"),
            };
            let crl = dir.join(CRL);
            tell!({ "revoked": object, "crl": crl }, "{what}; engines need {}", crl.display());
            return Ok(exit);
        }
        CaCommand::Refresh { dir } => {
            Authority::open(dir)?.publish()?;
            let crl = dir.join(CRL);
            tell!({ "crl": crl }, "{} has a new signature", crl.display());
        }
        CaCommand::List { dir } => {
            let header = ["who", "generation", "site", "scope", "until", "now"];
            return Ok(list(Authority::open(dir)?.entries(), header, row));
        }
    }
    Ok(Exit::Yes)
}

fn device(args: &DeviceArgs) -> anyhow::Result<()> {
    let grant = Grant {
        device: DeviceId(args.device),
        generation: DeviceGeneration(args.generation),
        site: SiteId(args.site),
        scope: match args.scope {
            ScopeName::Checks => Scope::CHECKS,
            ScopeName::Rosters => Scope::CHECKS_AND_ROSTERS,
        },
    };
    gate::ensure_reachable(&args.engine)?;
    let requested = args.csr.as_deref().map(request::read).transpose()?;
    let mut authority = Authority::open(&args.dir)?;
    gate::ensure_free(&args.out, requested.is_some())?;
    let has_key = requested.is_none();
    if let Some(key) = requested {
        let chain = authority.device_with_key(grant, args.valid.s, &key)?;
        gate::write_without_key(&args.out, &chain, authority.root_pem(), &args.engine)?;
    } else {
        let issued = authority.device(grant, args.valid.s)?;
        gate::write(&args.out, &issued, authority.root_pem(), &args.engine)?;
    }
    tell!(
        { "device": args.device, "generation": args.generation, "site": args.site, "gate": args.out, "key": has_key },
        "device {} of site {}: {}{}",
        grant.device,
        grant.site,
        args.out.display(),
        if has_key { "" } else { ", without a key: the device keeps its own" }
    );
    Ok(())
}

fn server(args: &ServerArgs) -> anyhow::Result<()> {
    let mut authority = Authority::open(&args.dir)?;
    let [certificate, key] = server_paths(&args.out);
    let exists = certificate.exists() || key.exists();
    ensure!(args.renew || !exists, "{} exists already; --renew replaces it", certificate.display());
    let Issued { chain, key: key_pem } = authority.server(&args.also, args.valid.s)?;
    // The key first: an engine that looks in between keeps what it has until both belong together.
    let write = if args.renew { files::replace } else { files::create };
    write(&key, key_pem.as_bytes(), Readable::Owner)?;
    write(&certificate, chain.as_bytes(), Readable::All)?;
    tell!(
        { "certificate": certificate, "key": key, "valid_s": args.valid.s },
        "engine: {} and {}, valid for {}",
        certificate.display(),
        key.display(),
        moment::show_span(args.valid.s)
    );
    Ok(())
}

/// The serial number that `named` is, or that the certificate in the file of that name has.
fn serial_of(named: &str) -> anyhow::Result<Vec<u8>> {
    if let Ok(serial) = hex::decode(named) {
        return Ok(serial);
    }
    let not_one = || format!("{named} is neither a certificate nor a serial number");
    let pem = files::read_pem(Path::new(named)).ok().with_context(not_one)?;
    let der = CertificateDer::from_pem_slice(&pem).ok().with_context(not_one)?;
    let (_, certificate) = X509Certificate::from_der(&der).ok().with_context(not_one)?;
    Ok(certificate.raw_serial().to_vec())
}

fn server_paths(name: &Path) -> [PathBuf; 2] {
    ["pem", "key"].map(|extension| files::with_extension(name, extension))
}

fn row(entry: &Entry) -> [String; 6] {
    let until = moment::show(UnixSeconds(entry.until_s));
    let state = match entry.revoked_s {
        Some(at) => format!("revoked {}", moment::show(UnixSeconds(at))),
        None if entry.until_s <= moment::now().seconds().0 => "over".to_owned(),
        None => "valid".to_owned(),
    };
    match &entry.subject {
        Subject::Device { device, generation, site, scope } => {
            let or_none =
                |number: Option<u32>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
            let scope = match scope.and_then(Scope::from_bits) {
                Some(Scope::CHECKS_AND_ROSTERS) => "checks, rosters".to_owned(),
                Some(Scope::CHECKS) => "checks".to_owned(),
                _ => or_none(*scope),
            };
            [format!("device {device}"), generation.to_string(), or_none(*site), scope, until, state]
        }
        Subject::Engine { names } => {
            let names = if names.is_empty() { "-".to_owned() } else { names.join(", ") };
            [
                format!("engine {}", hex::encode(&entry.serial)),
                "-".to_owned(),
                names,
                "-".to_owned(),
                until,
                state,
            ]
        }
    }
}
