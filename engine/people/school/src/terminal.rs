//! A device's folder: certificate, key, the operator's root, and where the engines are.

use std::path::Path;

use anyhow::Context as _;
use hufu_client::{Identity, Server};
use hufu_files::{self as files, keys};
use hufu_transport::profile;
use hufu_wire::Suites;
use serde::{Deserialize, Serialize};

/// The device's certificate.
pub const CERTIFICATE: &str = "device.pem";
/// The device's secret key.
pub const KEY: &str = "device.key";
/// The operator's root certificate.
pub const ROOT: &str = "ca.pem";
/// The device's settings.
pub const SETTINGS: &str = "gate.toml";
/// The time that an engine told the device last.
const SERVER_TIME: &str = "server-time";
/// The operator's newest revocation lists: the device keeps them, and refuses engines that they name.
const REVOCATIONS: &str = "revoked.crl";

/// What `gate.toml` says.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// QUIC addresses or host names of the engines, in the order in which they are asked.
    pub engines: Vec<String>,
    /// The name that every engine's certificate carries.
    #[serde(default = "engine_name")]
    pub name: String,
    /// What the scanner is set up to send before each code; nothing by default.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scanner_prefix: String,
    /// What it is set up to send after each code; nothing by default.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scanner_suffix: String,
    /// Where a person who is refused can appeal, said with each refusal; a sentence for everywhere by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal: Option<String>,
    /// What its sessions may be sealed with, `aes`, `sm4` or both; AES alone by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suites: Option<Vec<String>>,
}

/// A device ready to ask.
pub struct Terminal {
    /// Who it is.
    pub identity: Identity,
    /// What it asks.
    pub servers: Vec<Server>,
    /// Its settings.
    pub settings: Settings,
    /// What its operator should look at, and what does not keep it from asking.
    pub warning: Option<String>,
}

/// The name that an engine's certificate carries when the settings give none.
pub fn engine_name() -> String {
    profile::ENGINE_NAME.to_owned()
}

impl Terminal {
    /// Reads a device's folder, as `hufu ca device` writes it.
    ///
    /// # Errors
    /// A file is missing, wrong, or readable by others.
    pub fn open(folder: &Path) -> anyhow::Result<Terminal> {
        let path = folder.join(SETTINGS);
        let settings: Settings = toml::from_str(&files::read_text(&path)?)
            .with_context(|| format!("{} is not a gate's settings", path.display()))?;
        keys::ensure_private(&folder.join(KEY))?;
        let identity =
            Identity::from_pem_files(&folder.join(CERTIFICATE), &folder.join(KEY), &folder.join(ROOT))?;
        let identity = match &settings.suites {
            None => identity,
            Some(names) => {
                let wrong = || format!("{}: suites: write [\"aes\"], [\"sm4\"] or both", path.display());
                identity.with_suites(Suites::from_names(names).with_context(wrong)?)
            }
        };
        identity.remember_revocations_in(&folder.join(REVOCATIONS))?;
        let warning = identity.keep_time_in(&folder.join(SERVER_TIME)).err().map(|fault| fault.to_string());
        let server = |engine: &String| {
            let control = engine.parse().with_context(|| format!("{}: engines", path.display()))?;
            Ok(Server { control, name: settings.name.clone(), udp_port: None })
        };
        let servers = settings.engines.iter().map(server).collect::<anyhow::Result<_>>()?;
        Ok(Terminal { identity, servers, settings, warning })
    }
}
