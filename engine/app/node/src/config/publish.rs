//! The configuration of `hufu status-list publish`. Every key is described in `docs/examples/status-list.toml`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use hufu_files::settings::{LogFormat, Misconfigured, Place, Somewhere, bare};
use hufu_statuslist::colours::Amber;
use hufu_statuslist::{Shards, TTL_S_MAX, Terms};
use serde::Deserialize;
use toml::Spanned;

use super::Follow;

/// Everything `hufu status-list publish` is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishConfig {
    /// How the lines of the log are written.
    #[serde(default)]
    pub log: LogFormat,
    /// What is published, and how.
    pub list: List,
    /// Where everything is.
    pub files: PublishFiles,
    /// The issuer whose colours are published: exactly one.
    pub follow: Vec<Follow>,
}

/// What is published, and how.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Where lists are served over HTTP.
    #[serde(default = "listen")]
    pub listen: Spanned<SocketAddr>,
    /// Whether it may be another address than this machine's: a proxy in front of it speaks TLS.
    #[serde(default)]
    pub behind_proxy: bool,
    /// Prometheus metrics over HTTP; an empty text for none.
    #[serde(default = "nowhere")]
    pub metrics: Somewhere,
    /// Where readers find a list; `{shard}` stands for its number.
    pub uri: Spanned<String>,
    /// Holders of each list.
    #[serde(default = "entries")]
    pub entries: Spanned<u32>,
    /// What amber is called: `suspended` or `invalid`.
    #[serde(default)]
    pub amber: AmberWord,
    /// After how many seconds readers should fetch again.
    #[serde(default = "ttl_s")]
    pub ttl_s: Spanned<u32>,
    /// For how many seconds a list counts.
    #[serde(default = "valid_s")]
    pub valid_s: Spanned<u32>,
    /// Holders that there is room for.
    #[serde(default = "holders_max")]
    pub holders_max: Spanned<u64>,
}

/// Where everything is; relative names count from the folder of the configuration file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishFiles {
    /// The operator's public key.
    pub operator_key: PathBuf,
    /// The trust list, which says who signs the chain.
    pub trust_list: PathBuf,
    /// The key that signs lists.
    pub key: PathBuf,
    /// Certificates of that key, its own first.
    pub chain: Option<PathBuf>,
    /// Where the newest lists lie.
    pub lists: PathBuf,
    /// What must outlast a restart.
    pub state: PathBuf,
}

/// What amber is called.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AmberWord {
    /// `SUSPENDED`.
    #[default]
    Suspended,
    /// `INVALID`, in lists of one bit.
    Invalid,
}

fn listen() -> Spanned<SocketAddr> {
    bare((Ipv4Addr::LOCALHOST, 7480).into())
}

fn nowhere() -> Somewhere {
    Somewhere(None)
}

fn entries() -> Spanned<u32> {
    bare(Shards::ENTRIES)
}

fn ttl_s() -> Spanned<u32> {
    bare(300)
}

fn valid_s() -> Spanned<u32> {
    bare(3_600)
}

fn holders_max() -> Spanned<u64> {
    bare(100_000_000)
}

impl PublishConfig {
    /// Reads and checks the file; names in it come back relative to where it lies.
    ///
    /// # Errors
    /// [`Misconfigured`] with file, line and key, or that the file cannot be read.
    pub fn load(path: &Path) -> anyhow::Result<PublishConfig> {
        let text = hufu_files::read_text(path)?;
        let mut config = PublishConfig::parse(&text, path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let PublishFiles { operator_key, trust_list, key, chain, lists, state } = &mut config.files;
        let files = [operator_key, trust_list, key, lists, state].into_iter().chain(chain);
        files.for_each(|path| *path = folder.join(&*path));
        config.follow.iter_mut().for_each(|follow| follow.make_relative_to(folder));
        Ok(config)
    }

    fn parse(text: &str, path: &Path) -> Result<PublishConfig, Misconfigured> {
        let place = Place { text, path, example: "docs/examples/status-list.toml" };
        let mut config: PublishConfig = toml::from_str(text).map_err(|error| place.unreadable(&error))?;
        let List { listen, behind_proxy, uri, entries, ttl_s, valid_s, holders_max, .. } = &config.list;
        if !listen.get_ref().ip().is_loopback() && !behind_proxy {
            let what = format!(
                "{} is reached from other machines, and lists are served without TLS",
                listen.get_ref()
            );
            let what_to_do =
                "write 127.0.0.1:7480, or behind_proxy = true where a proxy on another machine speaks TLS";
            return Err(place.misconfigured("listen", listen, what, what_to_do));
        }
        place.within("entries", entries, 1..=1 << 26)?;
        place.within("ttl_s", ttl_s, 2..=TTL_S_MAX)?;
        place.within("valid_s", valid_s, *ttl_s.get_ref() + 1..=TTL_S_MAX)?;
        place.within("holders_max", holders_max, 1..=1 << 32)?;
        if !config.terms().shards.are_told_apart() || !config.path_of(0).starts_with('/') {
            let what = "is no place of several lists".to_owned();
            return Err(place.misconfigured("uri", uri, what, "write https://HOST/PATH/{shard}"));
        }
        if let [follow] = &mut config.follow[..] {
            follow.check(place)?;
            follow.place = place.of(&follow.issuer);
            return Ok(config);
        }
        let what = format!("{} issuers are followed", config.follow.len());
        Err(place.misconfigured(
            "uri",
            &config.list.uri,
            what,
            "write one [[follow]] table: a list is of one issuer",
        ))
    }

    /// How lists are published.
    pub fn terms(&self) -> Terms {
        let List { uri, entries, amber, ttl_s, valid_s, .. } = &self.list;
        let amber = match amber {
            AmberWord::Suspended => Amber::Suspended,
            AmberWord::Invalid => Amber::Invalid,
        };
        let shards = Shards::new(uri.get_ref().clone(), *entries.get_ref());
        Terms { shards, amber, ttl_s: *ttl_s.get_ref(), valid_s: *valid_s.get_ref() }
    }

    /// The path of a list's URI: where it is asked for at this process.
    pub fn path_of(&self, shard: u32) -> String {
        let uri = self.terms().shards.uri(shard);
        let rest = uri.split_once("://").map_or("", |(_, rest)| rest);
        rest.find('/').map_or_else(String::new, |at| rest[at..].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../../docs/examples/status-list.toml");

    fn parse(text: &str) -> Result<PublishConfig, Misconfigured> {
        PublishConfig::parse(text, Path::new("status-list.toml"))
    }

    #[test]
    fn r64_the_example_shows_every_key_with_its_default() {
        let config = parse(EXAMPLE).unwrap();
        assert_eq!(config.path_of(3), "/lists/310000/3");
        let shown: Vec<&str> = EXAMPLE
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|line| line.contains(" = ")).unwrap_or(line))
            .collect();
        let shown = parse(&shown.join("\n")).unwrap();
        assert_eq!(
            format!("{:?}", shown.terms()),
            format!("{:?}", config.terms()),
            "a default is another one"
        );
        assert_eq!(shown.list.listen.get_ref(), config.list.listen.get_ref());
        assert_eq!(shown.list.metrics.0, config.list.metrics.0);
        assert_eq!(shown.list.holders_max.get_ref(), config.list.holders_max.get_ref());
        assert!(shown.files.chain.is_some());
    }

    #[test]
    fn r64_errors_name_file_line_key_and_mend() {
        for (from, to, wanted) in [
            (
                "310000/{shard}",
                "310000/0",
                "uri: is no place of several lists; write https://HOST/PATH/{shard}",
            ),
            (
                "\n[list]\n",
                "\n[list]\nttl_s = 4000\n",
                "valid_s: 3600 is out of range; write a whole number from 4001",
            ),
            ("\n[list]\n", "\n[list]\namber = 'green'\n", "amber: unknown variant"),
            (
                "\n[list]\n",
                "\n[list]\nlisten = '0.0.0.0:80'\n",
                "listen: 0.0.0.0:80 is reached from other machines",
            ),
            (
                "\n[[follow]]\n",
                "\n[[follow]]\nissuer = 1\nnational = 2\npublisher = 2\nfeed = 'file:x'\n[[follow]]\n",
                "2 issuers are followed",
            ),
        ] {
            let said = parse(&EXAMPLE.replacen(from, to, 1)).map(drop).unwrap_err().to_string();
            assert!(said.contains(wanted), "{said}, not {wanted}");
        }
    }
}
