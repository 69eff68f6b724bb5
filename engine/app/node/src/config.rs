//! The engine's own configuration: `engine.toml`. Every key is described in `docs/examples/engine.toml`,
//! which a test keeps equal to what stands here.

mod addresses;
mod follow;
mod foreign;
mod places;
mod publish;
mod records;
mod sections;
mod status_list;

use std::path::Path;

use anyhow::{bail, ensure};
use hufu_files::moment;
use hufu_wire::{UnixMillis, UnixSeconds, limits};
use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;

pub use self::follow::{Follow, Short};
pub use self::foreign::Foreign;
pub use self::places::{FeedPlace, SnapshotPlace};
pub use self::publish::PublishConfig;
pub use self::records::Records;
pub use self::sections::{Devices, Files, Listen, Memory, Trust, Workers};
pub use self::status_list::StatusList;
use hufu_files as files;
use hufu_files::settings::{LogFormat, Misconfigured, Place};

/// Everything `hufu serve` is told.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How the lines of the log are written.
    #[serde(default)]
    pub log: LogFormat,
    /// Addresses.
    #[serde(default)]
    pub listen: Listen,
    /// Threads of the sealed-UDP side.
    #[serde(default)]
    pub workers: Workers,
    /// What devices may do.
    #[serde(default)]
    pub devices: Devices,
    /// How old the trust list may be.
    #[serde(default)]
    pub trust: Trust,
    /// How much memory the engine may use.
    #[serde(default)]
    pub memory: Memory,
    /// Where everything is.
    pub files: Files,
    /// Records of checks; none are kept without this table.
    pub records: Option<Records>,
    /// Certificates of other systems; none are verified without this table.
    pub foreign: Option<Foreign>,
    /// Issuers whose chains are followed.
    #[serde(default)]
    pub follow: Vec<Follow>,
    /// Foreign issuers whose Token Status Lists are followed.
    #[serde(default)]
    pub status_list: Vec<StatusList>,
    /// And those that the command line names.
    #[serde(skip)]
    pub short: Vec<Short>,
    /// Where the engine's clock stands still, for tests of clients. Only the command line says so: no file can make
    /// an engine at a real gate forget the time.
    #[serde(skip)]
    pub clock_stands_at: Option<UnixSeconds>,
}

impl Config {
    /// Reads and checks `engine.toml`; names in it come back relative to where it lies.
    ///
    /// # Errors
    /// [`Misconfigured`] with file, line and key, or that the file cannot be read.
    pub fn load(path: &Path) -> anyhow::Result<Config> {
        let text = files::read_text(path)?;
        let mut config = Config::parse(&text, path)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        config.files.make_relative_to(&folder);
        config.foreign.iter_mut().for_each(|foreign| foreign.make_relative_to(&folder));
        config.records.iter_mut().for_each(|records| records.make_relative_to(&folder));
        config.follow.iter_mut().for_each(|follow| follow.make_relative_to(&folder));
        config.status_list.iter_mut().for_each(|list| list.make_relative_to(&folder));
        Ok(config)
    }

    /// The time by which the engine judges codes, cookies and lists.
    pub(crate) fn now(&self) -> UnixMillis {
        self.clock_stands_at.map_or_else(moment::now, UnixSeconds::millis)
    }

    /// Refuses a clock that stands still wherever a real gate could ask, or a real authority change a status.
    ///
    /// # Errors
    /// The address that is not of the loopback, or the chain that is followed.
    pub(crate) fn ensure_clock_may_stand(&self) -> anyhow::Result<()> {
        if self.clock_stands_at.is_none() {
            return Ok(());
        }
        let Listen { udp, quic, https, metrics, .. } = &self.listen;
        let elsewhere = udp.get_ref().iter().chain(quic.iter()).chain(https.0).chain(metrics.0);
        if let Some(address) = elsewhere.into_iter().find(|address| !address.ip().is_loopback()) {
            bail!(
                "--clock-stands-at is for tests of clients on this machine, and the engine would listen on {address}; \
                 write 127.0.0.1 or [::1] for udp, quic, https and metrics, or leave --clock-stands-at out"
            );
        }
        ensure!(
            self.follow.is_empty() && self.short.is_empty() && self.status_list.is_empty(),
            "--clock-stands-at is for tests of clients, and nothing is followed then; take [[follow]], [[status_list]] \
             and --follow out"
        );
        Ok(())
    }

    /// The same from text; `path` is only a name for the error.
    fn parse(text: &str, path: &Path) -> Result<Config, Misconfigured> {
        let place = Place { text, path, example: "docs/examples/engine.toml" };
        let mut config: Config = toml::from_str(text).map_err(|error| place.unreadable(&error))?;
        config.check(place)?;
        for follow in &mut config.follow {
            follow.place = place.of(&follow.issuer);
        }
        for list in &mut config.status_list {
            list.place = place.of(&list.issuer);
        }
        Ok(config)
    }

    fn check(&self, place: Place<'_>) -> Result<(), Misconfigured> {
        let Config { listen, workers, devices, memory, .. } = self;
        if !listen.udp.get_ref().have_one_port() {
            return Err(place.misconfigured(
                "udp",
                &listen.udp,
                "names several ports".to_owned(),
                "write the same port for each address: devices are told one",
            ));
        }
        place.within("threads", &workers.threads, 0..=256)?;
        place.within("busy_poll_us", &workers.busy_poll_us, 0..=1_000_000)?;
        let cores = workers.cores.get_ref().len();
        if cores != 0 && cores != *workers.threads.get_ref() {
            return Err(place.misconfigured(
                "cores",
                &workers.cores,
                format!("names {cores} cores for {} threads", workers.threads.get_ref()),
                "name one core for each thread, or none at all",
            ));
        }
        place.within("devices_max", &devices.devices_max, 1..=limits::DEVICES_MAX)?;
        place.within("rate_per_s", &devices.rate_per_s, 0..=1_000_000)?;
        place.within("burst", &devices.burst, 1..=1_000_000)?;
        place.within("cookie_s", &devices.cookie_s, 1..=limits::COOKIE_S_MAX)?;
        if devices.suites().is_none() {
            let what = format!("{:?} are not suites", devices.suites.get_ref());
            let what_to_do = "write [\"aes\"], [\"sm4\"] or both";
            return Err(place.misconfigured("suites", &devices.suites, what, what_to_do));
        }
        place.within("issuers_max", &memory.issuers_max, 1..=limits::ISSUERS_MAX)?;
        place.within("holders_max", &memory.holders_max, 1..=1 << 33)?;
        place.within("seen_entries", &memory.seen_entries, 1_024..=1 << 32)?;
        place.within("pass_back_entries", &memory.pass_back_entries, 1_024..=1 << 32)?;
        if let Some(seed) = &self.files.cluster_seed {
            let mend = format!(
                "run `hufu keys cluster migrate --seed {} --state {}` once on every engine, remove this line, and \
                 destroy the seed",
                seed.get_ref().display(),
                self.files.state.display()
            );
            let what = "cluster keys are kept in the state folder and no seed is read any more".to_owned();
            return Err(place.misconfigured("cluster_seed", seed, what, &mend));
        }
        if let Some(foreign) = &self.foreign {
            place.within("seen_entries", &foreign.seen_entries, 1_024..=1 << 24)?;
        }
        if let Some(records) = &self.records {
            records.check(place, self.listen.metrics.0.is_some())?;
        }
        self.check_follow(place)
    }

    fn check_follow(&self, place: Place<'_>) -> Result<(), Misconfigured> {
        for (at, follow) in self.follow.iter().enumerate() {
            follow.check(place)?;
            let issuer = follow.issuer();
            if let Some(first) = self.follow[..at].iter().find(|first| first.issuer() == issuer) {
                let what = format!("{issuer} is followed at {} already", place.of(&first.issuer));
                return Err(place.misconfigured("issuer", &follow.issuer, what, "keep one of the two"));
            }
        }
        for (at, list) in self.status_list.iter().enumerate() {
            list.check(place)?;
            let others = self.status_list[..at].iter().map(|first| &first.issuer);
            let mut others = self.follow.iter().map(|follow| &follow.issuer).chain(others);
            if let Some(first) = others.find(|first| first.get_ref() == list.issuer.get_ref()) {
                let what = format!("{} is followed at {} already", list.issuer.get_ref(), place.of(first));
                return Err(place.misconfigured("issuer", &list.issuer, what, "keep one of the two"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
