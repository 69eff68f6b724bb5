//! `console.toml`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use anyhow::{Context as _, ensure};
use hufu_api::{Source, TlsFiles};
use hufu_files as files;
use hufu_files::keys::ensure_private;
use hufu_files::settings::Place;
use hufu_texts::Language;
use hufu_upstream::{Api, ApiOptions};
use hufu_web::{OrganisationOptions, RoleWord, SessionLimits, WebOptions};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use zeroize::Zeroizing;

use crate::ends::EndingFile;
use crate::watch::{EngineSource, RegistrySource, Sources};

/// The settings of a console. `S` are those of a `[[school]]`, whose page the same process serves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config<S> {
    /// Where browsers reach it on this machine.
    #[serde(default = "listen")]
    pub listen: SocketAddr,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    address: Option<String>,
    #[serde(default = "language")]
    language: String,
    accounts: Option<PathBuf>,
    #[serde(default = "readers_max")]
    readers_max: Spanned<usize>,
    #[serde(default = "idle_min")]
    idle_min: Spanned<u64>,
    #[serde(default = "whole_h")]
    whole_h: Spanned<u64>,
    #[serde(default)]
    engine: Vec<EngineConfig>,
    #[serde(default)]
    registry: Vec<RegistryConfig>,
    #[serde(default)]
    ends: Vec<EndConfig>,
    organisation: Option<OidcConfig>,
    /// Schools, with paths as they are written: relative to the file.
    #[serde(default = "Vec::new")]
    pub school: Vec<S>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EngineConfig {
    name: String,
    metrics: String,
    events: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistryConfig {
    name: String,
    url: String,
    token: Option<PathBuf>,
    ca: Option<PathBuf>,
    metrics: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndConfig {
    name: String,
    file: PathBuf,
    operator: Option<PathBuf>,
}

/// The organisation that signs people in, as settings write it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    issuer: String,
    client: String,
    secret: Option<PathBuf>,
    ca: Option<PathBuf>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default = "claim")]
    claim: String,
    #[serde(default)]
    group: Vec<GroupConfig>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupConfig {
    name: String,
    role: RoleWord,
    site: Option<u32>,
}

fn listen() -> SocketAddr {
    ([127, 0, 0, 1], 7430).into()
}

fn language() -> String {
    "en".to_owned()
}

fn claim() -> String {
    "groups".to_owned()
}

fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

fn readers_max() -> Spanned<usize> {
    spanned(64)
}

fn idle_min() -> Spanned<u64> {
    spanned(SessionLimits::DEFAULT.idle_s / 60)
}

fn whole_h() -> Spanned<u64> {
    spanned(SessionLimits::DEFAULT.whole_s / 3600)
}

impl<S: DeserializeOwned> Config<S> {
    /// Reads the settings; paths in them are relative to their file.
    ///
    /// # Errors
    /// The file, the line and the key that are wrong.
    pub fn load(path: &Path) -> anyhow::Result<Config<S>> {
        let text = files::read_text(path)?;
        let place = Place { text: &text, path, example: "docs/examples/console.toml" };
        let mut config: Config<S> = toml::from_str(&text).map_err(|error| place.unreadable(&error))?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        place.within("readers_max", &config.readers_max, 1..=10_000)?;
        place.within("idle_min", &config.idle_min, 1..=1440)?;
        place.within("whole_h", &config.whole_h, 1..=168)?;
        let of = || format!("{}: ", path.display());
        ensure!(
            config.certificate.is_some() == config.key.is_some(),
            "{}certificate and key belong together",
            of()
        );
        let address = config.address();
        ensure!(
            address.starts_with("https://") || address.starts_with("http://"),
            "{}address: write what browsers are to open, https://HOST",
            of()
        );
        ensure!(
            config.accounts.is_some() || config.organisation.is_some(),
            "{}no person could sign in; name an accounts file (`hufu console account add`), or an [organisation]",
            of()
        );
        Ok(config)
    }

    fn resolve(&mut self, base: &Path) {
        let join = |path: &mut PathBuf| *path = base.join(&*path);
        let own = [&mut self.certificate, &mut self.key, &mut self.accounts].into_iter().flatten();
        let engines = self.engine.iter_mut().filter_map(|engine| engine.events.as_mut());
        let registries = self
            .registry
            .iter_mut()
            .flat_map(|registry| registry.token.as_mut().into_iter().chain(&mut registry.ca));
        let ends = self.ends.iter_mut().flat_map(|end| [&mut end.file].into_iter().chain(&mut end.operator));
        let organisation = self.organisation.iter_mut();
        let organisation = organisation.flat_map(|of| of.secret.as_mut().into_iter().chain(&mut of.ca));
        own.chain(engines).chain(registries).chain(ends).chain(organisation).for_each(join);
    }

    fn address(&self) -> String {
        let scheme = if self.certificate.is_some() { "https" } else { "http" };
        self.address.clone().unwrap_or_else(|| format!("{scheme}://{}", self.listen))
    }

    /// The certificate and its key, if it serves TLS itself.
    pub fn tls(&self) -> Option<TlsFiles> {
        let (certificate, key) = self.certificate.clone().zip(self.key.clone())?;
        Some(TlsFiles { certificate, key })
    }

    /// Streams at once.
    pub fn readers_max(&self) -> usize {
        *self.readers_max.get_ref()
    }

    /// What is read.
    ///
    /// # Errors
    /// A token that cannot be read or that others can read, an address that is none.
    pub fn sources(&self) -> anyhow::Result<Sources> {
        let engines = self.engine.iter().map(|engine| {
            let metrics = metrics(&engine.metrics).with_context(|| format!("engine {:?}", engine.name))?;
            let events = engine.events.as_deref().map(secret).transpose()?;
            Ok(EngineSource { name: engine.name.clone(), metrics, events })
        });
        let registries = self.registry.iter().map(|registry| {
            let of = || format!("registry {:?}", registry.name);
            let (url, token) = (registry.url.clone(), registry.token.clone());
            if let Some(token) = &token {
                ensure_private(token)?;
            }
            let api = Api::open(&ApiOptions { url, token, ca: registry.ca.clone() }).with_context(of)?;
            let metrics = registry.metrics.as_deref().map(metrics).transpose().with_context(of)?;
            Ok(RegistrySource { name: registry.name.clone(), api, metrics })
        });
        let files = self.ends.iter().map(|end| EndingFile {
            name: end.name.clone(),
            file: end.file.clone(),
            operator: end.operator.clone(),
        });
        Ok(Sources {
            engines: engines.collect::<anyhow::Result<_>>()?,
            registries: registries.collect::<anyhow::Result<_>>()?,
            files: files.collect(),
        })
    }

    /// How pages are served and people sign in.
    ///
    /// # Errors
    /// A secret or a setting of the organisation cannot be used.
    pub fn web(&self) -> anyhow::Result<WebOptions> {
        let language =
            Language::from_str(&self.language).map_err(|what| anyhow::anyhow!("language: {what}"))?;
        let organisation = self.organisation.as_ref().map(|of| of.options(self.address())).transpose()?;
        let sessions =
            SessionLimits { idle_s: self.idle_min.get_ref() * 60, whole_s: self.whole_h.get_ref() * 3600 };
        Ok(WebOptions {
            language,
            is_tls: self.address().starts_with("https://"),
            accounts: self.accounts.clone(),
            organisation,
            sessions,
            nav: Vec::new(),
            assets: Vec::new(),
            source: |extensions| extensions.get::<Source>().map(|source| source.0),
        })
    }
}

impl OidcConfig {
    fn options(&self, address: String) -> anyhow::Result<OrganisationOptions> {
        let roles = self.group.iter().map(|group| {
            let role = group
                .role
                .with(group.site)
                .map_err(|what| anyhow::anyhow!("group {:?}: {what}", group.name))?;
            Ok((group.name.clone(), role))
        });
        Ok(OrganisationOptions {
            issuer: self.issuer.clone(),
            client: self.client.clone(),
            secret: self.secret.as_deref().map(secret).transpose()?.map(|secret| secret.to_string()),
            address,
            ca: self.ca.as_deref().map(files::read_pem).transpose()?,
            scopes: self.scopes.clone(),
            claim: self.claim.clone(),
            roles: roles.collect::<anyhow::Result<_>>()?,
        })
    }
}

/// A token or a secret: the first line of a file that only its owner reads.
fn secret(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    ensure_private(file)?;
    let text = Zeroizing::new(files::read_text(file)?);
    let secret = text.trim();
    ensure!(!secret.is_empty(), "{}: the file is empty", file.display());
    Ok(Zeroizing::new(secret.to_owned()))
}

fn metrics(url: &str) -> anyhow::Result<String> {
    let rest = url.strip_prefix("http://").filter(|rest| rest.contains(':') && !rest.contains('@'));
    ensure!(rest.is_some(), "metrics: write the address of its metrics page, http://HOST:PORT");
    Ok(url.trim_end_matches('/').trim_end_matches("/metrics").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_web::Role;
    use hufu_wire::SiteId;

    fn read(text: &str) -> anyhow::Result<Config<toml::Table>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("console.toml");
        std::fs::write(&path, text)?;
        Config::<toml::Table>::load(&path)
    }

    #[test]
    fn the_example_has_every_key_and_is_read() {
        let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/examples");
        let config = Config::<toml::Table>::load(&Path::new(examples).join("console.toml")).unwrap();
        assert_eq!((config.engine.len(), config.registry.len(), config.ends.len()), (1, 1, 2));
        assert!(config.engine[0].events.as_deref().unwrap().starts_with(examples));
        let organisation = OidcConfig { secret: None, ca: None, ..config.organisation.unwrap() };
        let options = organisation.options("https://console.example".to_owned()).unwrap();
        let is = [("hufu-operators", Role::Operator), ("north-school", Role::School(SiteId(310_101)))];
        assert_eq!(options.roles, is.map(|(name, role)| (name.to_owned(), role)));
    }

    #[test]
    fn mistakes_are_told_with_their_line_and_what_to_write() {
        assert!(read("accounts = 'a'").is_ok());
        let cases = [
            ("", "no person could sign in"),
            ("accounts = 'a'\nsecrets = 1", "2: secrets"),
            ("accounts = 'a'\nidle_min = 0", "from 1 to 1440"),
            ("accounts = 'a'\nkey = 'k'", "belong together"),
            ("accounts = 'a'\naddress = 'console.example'", "https://HOST"),
            ("accounts = 'a'\n[[engine]]\nname = 'e'", "metrics"),
        ];
        for (text, says) in cases {
            let told = format!("{:#}", read(text).unwrap_err());
            assert!(told.contains(says), "{text}: {told}");
        }
        let config = read("accounts = 'a'\n[[engine]]\nname = 'e'\nmetrics = 'https://e:1'").unwrap();
        assert!(format!("{:#}", config.sources().unwrap_err()).contains("http://HOST:PORT"));
        assert!(read("accounts = 'a'\nlanguage = 'xx'").unwrap().web().is_err());
    }
}
