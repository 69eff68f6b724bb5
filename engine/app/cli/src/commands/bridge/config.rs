//! `bridge.toml`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use hufu_api::TlsFiles;
use hufu_files as files;
use hufu_files::keys::ensure_private;
use hufu_files::settings::{Place, bare};
use hufu_wire::Lane;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use toml::Spanned;

use super::CONNECTIONS_MAX;
use super::qr86::Output;
use super::routes::Terminals;
use super::terminal::{Asker, Asking, Terminal};
use crate::gate;
use crate::language::Spoken;

/// The settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    #[serde(default = "listen")]
    pub(super) listen: SocketAddr,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    #[serde(default)]
    pub(super) plain: bool,
    /// Connections at once of one source. A hall of terminals may stand behind one address.
    #[serde(default = "connections_source_max")]
    pub(super) connections_source_max: Spanned<usize>,
    #[serde(default)]
    terminal: Vec<TerminalConfig>,
}

/// One terminal. `token` is for our own JSON, the others are for the QR-86 family.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TerminalConfig {
    name: String,
    gate: PathBuf,
    #[serde(default)]
    lane: u16,
    #[serde(default)]
    dialect: Dialect,
    token: Option<PathBuf>,
    serial: Option<String>,
    source: Option<Ipv4Addr>,
    output: Option<Output>,
    language: Option<Spoken>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Dialect {
    #[default]
    #[serde(rename = "hufu")]
    Hufu,
    #[serde(rename = "qr-86")]
    Qr86,
}

fn listen() -> SocketAddr {
    ([127, 0, 0, 1], 7490).into()
}

/// One host leaves half of the connections to others.
fn connections_source_max() -> Spanned<usize> {
    bare(CONNECTIONS_MAX / 2)
}

impl Config {
    pub(super) fn load(path: &Path) -> anyhow::Result<Config> {
        let text = files::read_text(path)?;
        let place = Place { text: &text, path, example: "docs/examples/bridge.toml" };
        let mut config: Config = toml::from_str(&text).map_err(|error| place.unreadable(&error))?;
        place.within("connections_source_max", &config.connections_source_max, 1..=CONNECTIONS_MAX)?;
        let base = path.parent().unwrap_or(Path::new(""));
        let terminals = config.terminal.iter_mut();
        let paths =
            terminals.flat_map(|terminal| Some(&mut terminal.gate).into_iter().chain(&mut terminal.token));
        for path in paths.chain(&mut config.certificate).chain(&mut config.key) {
            *path = base.join(&*path);
        }
        let of = || format!("{}: ", path.display());
        ensure!(
            config.certificate.is_some() == config.key.is_some(),
            "{}certificate and key belong together",
            of()
        );
        ensure!(!config.terminal.is_empty(), "{}there is no [[terminal]]", of());
        let is_open = !config.listen.ip().is_loopback();
        ensure!(
            !is_open || config.plain || config.certificate.is_some(),
            "{}listen = {:?} is reached from the network: give certificate and key, or say plain = true, and then \
             everyone on that network can read tokens and codes and open gates",
            of(),
            config.listen.to_string()
        );
        Ok(config)
    }

    pub(super) fn tls(&self) -> Option<TlsFiles> {
        let (certificate, key) = self.certificate.clone().zip(self.key.clone())?;
        Some(TlsFiles { certificate, key })
    }

    /// Every terminal, and each device that asks for some of them.
    pub(super) fn terminals(&self) -> anyhow::Result<(Terminals, Vec<Asking>)> {
        if let Some(key) = &self.key {
            ensure_private(key)?;
        }
        let mut terminals = Terminals::default();
        let mut lanes = BTreeMap::new();
        let (mut askers, mut asking) = (BTreeMap::new(), Vec::new());
        for terminal in &self.terminal {
            let TerminalConfig { name, gate, lane, .. } = terminal;
            let of = || format!("terminal {name:?}");
            if let Some(other) = lanes.insert((gate, lane), name) {
                bail!("{}: {other:?} is the same lane of the same gate; give each a lane of its own", of());
            }
            let asker = match askers.entry(gate) {
                Entry::Occupied(known) => Arc::clone(known.get()),
                Entry::Vacant(new) => {
                    let (asker, its) = Asker::new(gate::open(gate).with_context(of)?);
                    asking.push(its);
                    Arc::clone(new.insert(asker))
                }
            };
            let language = terminal.language.map(|spoken| spoken.0);
            terminal.add(Terminal::new(asker, Lane(*lane), language), &mut terminals).with_context(of)?;
        }
        Ok((terminals, asking))
    }
}

impl TerminalConfig {
    fn add(&self, terminal: Terminal, terminals: &mut Terminals) -> anyhow::Result<()> {
        match (self.dialect, &self.token, &self.serial, self.source, self.output) {
            (Dialect::Hufu, Some(token), None, None, None) => {
                let is_new = terminals.add_with_token(token_digest(token)?, terminal);
                ensure!(is_new, "another terminal has the token of {}", token.display());
            }
            (Dialect::Hufu, ..) => {
                bail!("give it a token, and no serial, source or output: those are of qr-86")
            }
            (Dialect::Qr86, None, Some(serial), Some(source), output) => {
                ensure!(!serial.is_empty(), "serial is empty");
                let is_new = terminals.add_with_serial(serial, source, output.unwrap_or_default(), terminal);
                ensure!(is_new, "another terminal has the serial {serial:?}");
            }
            (Dialect::Qr86, ..) => bail!(
                "give it serial and source, and no token: such a terminal sends none, and is known by its serial number \
                 and its address"
            ),
        }
        Ok(())
    }
}

fn token_digest(path: &Path) -> anyhow::Result<[u8; 32]> {
    ensure_private(path)?;
    let text = files::read_text(path)?;
    let text = text.trim();
    let is_token = (16..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(is_token, "{} has no token: 16 to 256 characters without blanks", path.display());
    Ok(Sha256::digest(text.as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use hufu_texts::Language;

    use super::*;

    #[test]
    fn the_example_is_read() {
        let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/examples");
        let config = Config::load(&Path::new(examples).join("bridge.toml")).unwrap();
        assert_eq!((config.listen, config.plain, config.terminal.len()), (listen(), false, 2));
        assert_eq!(config.connections_source_max.get_ref(), connections_source_max().get_ref());
        assert!(config.tls().is_none(), "the program starts without a certificate on this machine alone");
        let lists = files::read_text(&Path::new(examples).join("status-list.toml")).unwrap();
        assert!(!lists.contains(&config.listen.to_string()), "both run on one machine");
        let [north, south] = &config.terminal[..] else { unreachable!("two terminals") };
        assert!((north.dialect, south.dialect) == (Dialect::Hufu, Dialect::Qr86));
        assert_eq!((south.output, south.lane), (Some(Output::default()), 1));
        assert_eq!(north.language, Some(Spoken(Language::Zh)));
    }
}
