//! A gate's folder: certificate, key, the operator's root, and where the engines are.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use hufu_client::{EngineAddress, Identity, Scanner, Server};
use hufu_files::{self as files, Readable};
pub(crate) use hufu_school::terminal::{CERTIFICATE, KEY, ROOT};
use hufu_school::terminal::{SETTINGS, Settings, Terminal, engine_name};

use crate::authority::Issued;
use crate::channel::Channel;
use crate::term::note;

/// A gate ready to ask.
#[derive(Clone)]
pub(crate) struct Device {
    /// Who it is.
    pub(crate) identity: Identity,
    /// What it asks.
    pub(crate) servers: Vec<Server>,
    /// What its scanner adds to codes.
    pub(crate) scanner: Scanner,
    /// What it says to a person who is refused.
    pub(crate) channel: Channel,
}

/// Writes a new gate's folder.
pub(crate) fn write(
    folder: &Path,
    issued: &Issued,
    root: &str,
    engines: &[EngineAddress],
) -> anyhow::Result<()> {
    files::folder(folder)?;
    files::create(&folder.join(KEY), issued.key.as_bytes(), Readable::Owner)?;
    write_without_key(folder, &issued.chain, root, engines)
}

/// The same for a device that keeps its key to itself.
pub(crate) fn write_without_key(
    folder: &Path,
    chain: &str,
    root: &str,
    engines: &[EngineAddress],
) -> anyhow::Result<()> {
    files::folder(folder)?;
    files::create(&folder.join(CERTIFICATE), chain.as_bytes(), Readable::All)?;
    files::create(&folder.join(ROOT), root.as_bytes(), Readable::All)?;
    point_at(folder, engines)
}

/// Refuses a folder in which a gate's files would meet others, before a certificate is issued for it: a generation is
/// issued once. A key may lie there already where the device keeps its own.
pub(crate) fn ensure_free(folder: &Path, keeps_key: bool) -> anyhow::Result<()> {
    let theirs = [CERTIFICATE, ROOT, SETTINGS];
    let ours = theirs.into_iter().chain(Some(KEY).filter(|_| !keeps_key));
    if let Some(taken) = ours.map(|name| folder.join(name)).find(|path| path.exists()) {
        bail!("{} exists already; give the gate a folder of its own", taken.display());
    }
    files::folder(folder)
}

/// Refuses addresses that no gate could ask.
pub(crate) fn ensure_reachable(engines: &[EngineAddress]) -> anyhow::Result<()> {
    for (at, engine) in engines.iter().enumerate() {
        let text = engine.to_string();
        let ip = text.parse::<SocketAddr>().ok().map(|address| address.ip());
        ensure!(
            !ip.is_some_and(|ip| ip.is_unspecified() || ip.is_multicast()),
            "--engine {text}: engines listen there, and no gate can ask there; give the engine's own address"
        );
        ensure!(!engines[..at].contains(engine), "--engine {text} is given twice");
    }
    Ok(())
}

/// Names the engines that a gate asks.
fn point_at(folder: &Path, engines: &[EngineAddress]) -> anyhow::Result<()> {
    let engines = engines.iter().map(EngineAddress::to_string).collect();
    let [scanner_prefix, scanner_suffix] = Default::default();
    let settings = toml::to_string(&Settings {
        engines,
        name: engine_name(),
        scanner_prefix,
        scanner_suffix,
        appeal: None,
        suites: None,
    })?;
    let text = format!(
        "# The engines' QUIC addresses or host names, in the order in which they are asked.\n{settings}\
         # Where a person who is refused can appeal: said with each refusal.\n\
         # appeal = \"hotline 12345, or the page of your code\"\n"
    );
    files::replace(&folder.join(SETTINGS), text.as_bytes(), Readable::All)
}

/// Reads a gate's folder.
pub(crate) fn open(folder: &Path) -> anyhow::Result<Device> {
    let Terminal { identity, servers, settings, warning } = Terminal::open(folder)?;
    if let Some(warning) = warning {
        note!("hufu: warning: {warning}");
    }
    let scanner = Scanner::new(&settings.scanner_prefix, &settings.scanner_suffix);
    let channel = Channel::read(settings.appeal.as_deref())
        .with_context(|| format!("{}: appeal", folder.join(SETTINGS).display()))?;
    Ok(Device { identity, servers, scanner, channel })
}
