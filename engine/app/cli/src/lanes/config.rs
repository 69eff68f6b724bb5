//! What `hufu gate` is told: `gate.toml`. Every key is described in `docs/examples/gate.toml`.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use hufu_files as files;
use hufu_files::settings::{LogFormat, Misconfigured, Place, bare};
use serde::Deserialize;
use toml::Spanned;

use crate::language::Spoken;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The gate's folder, from `hufu ca device`.
    pub(crate) gate: PathBuf,
    /// How the lines of the log are written.
    #[serde(default)]
    pub(crate) log: LogFormat,
    /// How long a check may take, milliseconds.
    #[serde(default = "budget_ms")]
    pub(crate) budget_ms: Spanned<u64>,
    /// How the gate goes on without a network; it does not without this table.
    pub(crate) offline: Option<OfflineConfig>,
    /// The page for screens; none without this table.
    pub(crate) page: Option<PageConfig>,
    /// The languages of what it says, the most important first; English without this key.
    #[serde(default = "languages")]
    pub(crate) languages: Spanned<Vec<Spoken>>,
    /// The passages.
    #[serde(rename = "lane")]
    pub(crate) lanes: Vec<LaneConfig>,
}

/// What a gate needs to go on without a network, beside what its engines give.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfflineConfig {
    /// The operator's public key, which signs trust lists.
    pub(crate) operator_key: PathBuf,
    /// The operator's list of the keys that sign certificates of other systems.
    pub(crate) foreign_signers: Option<PathBuf>,
    /// The operator's list of those that were revoked.
    pub(crate) foreign_revocations: Option<PathBuf>,
}

/// Where screens are served, and what they show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageConfig {
    /// An address of this machine alone.
    #[serde(default = "listen")]
    pub(crate) listen: Spanned<SocketAddr>,
    /// How long a verdict stays on the screen, seconds.
    #[serde(default = "show_s")]
    pub(crate) show_s: Spanned<u64>,
    /// A file with sentences of the site's own.
    pub(crate) words: Option<PathBuf>,
}

/// One passage: a scanner, and what happens at a verdict.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LaneConfig {
    /// The lane's number, as the engine is told it.
    pub(crate) number: Spanned<u16>,
    /// Where its scans come from.
    pub(crate) scanner: Spanned<Source>,
    /// Bits a second of a scanner at a serial line.
    #[serde(default = "baud")]
    pub(crate) baud: Spanned<u32>,
    /// A line of a GPIO chip that opens the gate.
    pub(crate) gpio: Option<GpioConfig>,
    /// A relay at a serial line that opens the gate.
    pub(crate) relay: Option<RelayConfig>,
    /// Programs that get the verdicts.
    #[serde(default, rename = "command")]
    pub(crate) commands: Vec<CommandConfig>,
}

/// Languages that a screen shows beneath each other.
const LANGUAGES_MAX: usize = 3;

/// Where scans come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Source {
    /// Standard input.
    Stdin,
    /// A serial line.
    Serial(PathBuf),
    /// A scanner that plays a keyboard.
    Keyboard(PathBuf),
}

/// A line of a GPIO chip.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GpioConfig {
    /// The chip's device.
    pub(crate) chip: PathBuf,
    /// The line's number on the chip.
    pub(crate) line: Spanned<u32>,
    /// Whether a low level opens.
    #[serde(default)]
    pub(crate) active_low: bool,
    /// How long it stays open after an admission, milliseconds.
    #[serde(default = "pulse_ms")]
    pub(crate) pulse_ms: Spanned<u64>,
}

/// A relay that takes bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RelayConfig {
    /// The serial line's device.
    pub(crate) serial: Spanned<PathBuf>,
    /// Bits a second.
    #[serde(default = "baud")]
    pub(crate) baud: Spanned<u32>,
    /// The bytes that open.
    pub(crate) open: Bytes,
    /// The bytes that shut.
    pub(crate) shut: Bytes,
    /// How long it stays open after an admission, milliseconds.
    #[serde(default = "pulse_ms")]
    pub(crate) pulse_ms: Spanned<u64>,
}

/// A program that gets verdicts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandConfig {
    /// The program and its arguments.
    pub(crate) run: Spanned<Vec<String>>,
    /// Which verdicts it gets; all when there is none.
    #[serde(default)]
    pub(crate) on: Vec<On>,
    /// How long it may run, milliseconds.
    #[serde(default = "timeout_ms")]
    pub(crate) timeout_ms: Spanned<u64>,
}

/// A verdict, or its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum On {
    /// The gate opens.
    Admit,
    /// It stays shut.
    Refuse,
    /// It stays shut and a person must look.
    Refer,
    /// There is no verdict.
    None,
    /// The holder is green.
    Green,
    /// The holder is amber.
    Amber,
    /// The holder is red.
    Red,
}

/// Bytes, written as hexadecimal digits with or without blanks.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl TryFrom<String> for Source {
    type Error = String;

    fn try_from(text: String) -> Result<Source, String> {
        match text.split_once(':') {
            None if text == "stdin" => Ok(Source::Stdin),
            Some(("serial", path)) if !path.is_empty() => Ok(Source::Serial(path.into())),
            Some(("evdev", path)) if !path.is_empty() => Ok(Source::Keyboard(path.into())),
            _ => Err(format!("{text:?} is not a scanner: write stdin, serial:DEVICE or evdev:DEVICE")),
        }
    }
}

impl TryFrom<String> for Bytes {
    type Error = String;

    fn try_from(text: String) -> Result<Bytes, String> {
        let digits: String = text.split_whitespace().collect();
        match hex::decode(&digits) {
            Ok(bytes) if (1..=64).contains(&bytes.len()) => Ok(Bytes(bytes)),
            _ => Err(format!("{text:?} is not 1 to 64 bytes in hexadecimal digits, as \"A0 01 01 A2\"")),
        }
    }
}

impl Source {
    /// Its device, which standard input has not.
    pub(crate) fn device(&self) -> Option<&Path> {
        match self {
            Source::Stdin => None,
            Source::Serial(path) | Source::Keyboard(path) => Some(path),
        }
    }
}

impl Config {
    /// Reads and checks `gate.toml`; names of files in it come back relative to where it lies.
    ///
    /// # Errors
    /// [`Misconfigured`] with file, line and key, or that the file cannot be read.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Config> {
        let text = files::read_text(path)?;
        let place = Place { text: &text, path, example: "docs/examples/gate.toml" };
        let mut config: Config = toml::from_str(&text).map_err(|error| place.unreadable(&error))?;
        config.check(place)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for name in config.files() {
            *name = folder.join(&*name);
        }
        Ok(config)
    }

    /// Every file and device that is named.
    fn files(&mut self) -> Vec<&mut PathBuf> {
        let mut files = vec![&mut self.gate];
        if let Some(offline) = &mut self.offline {
            files.push(&mut offline.operator_key);
            files.extend(&mut offline.foreign_signers);
            files.extend(&mut offline.foreign_revocations);
        }
        files.extend(self.page.as_mut().and_then(|page| page.words.as_mut()));
        for LaneConfig { scanner, gpio, relay, .. } in &mut self.lanes {
            files.extend(gpio.as_mut().map(|gpio| &mut gpio.chip));
            files.extend(relay.as_mut().map(|relay| relay.serial.get_mut()));
            if let Source::Serial(path) | Source::Keyboard(path) = scanner.get_mut() {
                files.push(path);
            }
        }
        files
    }

    fn check(&self, place: Place<'_>) -> Result<(), Misconfigured> {
        place.within("budget_ms", &self.budget_ms, 50..=10_000)?;
        let languages = self.languages.get_ref();
        if languages.len() > LANGUAGES_MAX {
            let what = format!("{} languages do not fit on a screen", languages.len());
            let what_to_do = "name at most 3, the most important first";
            return Err(place.misconfigured("languages", &self.languages, what, what_to_do));
        }
        if let Some(PageConfig { listen, show_s, .. }) = &self.page {
            place.within("show_s", show_s, 1..=60)?;
            if !listen.get_ref().ip().is_loopback() {
                let what = format!("{} is not an address of this machine alone", listen.get_ref());
                let what_to_do =
                    "write 127.0.0.1:PORT or [::1]:PORT: the page has no password and shows names";
                return Err(place.misconfigured("listen", listen, what, what_to_do));
            }
        }
        if self.lanes.is_empty() {
            let what = "there is no lane".to_owned();
            return Err(place.misconfigured("lane", &bare(()), what, "write one [[lane]] for each passage"));
        }
        let (mut numbers, mut devices) = (BTreeSet::new(), BTreeSet::new());
        for lane in &self.lanes {
            lane.check(place)?;
            if !numbers.insert(*lane.number.get_ref()) {
                let what = format!("two lanes have the number {}", lane.number.get_ref());
                return Err(place.misconfigured("number", &lane.number, what, "give each its own"));
            }
            for (key, at, device) in lane.devices() {
                if !devices.insert(device.clone()) {
                    let what = format!("{device} is used twice");
                    return Err(place.misconfigured(key, &at, what, "one lane can have it"));
                }
            }
        }
        Ok(())
    }
}

impl LaneConfig {
    /// What no two lanes can share, with the key and the place that name it.
    fn devices(&self) -> Vec<(&'static str, Spanned<()>, String)> {
        let at = |span| Spanned::new(span, ());
        let scanner = match self.scanner.get_ref() {
            Source::Stdin => "standard input".to_owned(),
            Source::Serial(path) | Source::Keyboard(path) => path.display().to_string(),
        };
        let mut devices = vec![("scanner", at(self.scanner.span()), scanner)];
        if let Some(GpioConfig { chip, line, .. }) = &self.gpio {
            let name = format!("line {} of {}", line.get_ref(), chip.display());
            devices.push(("line", at(line.span()), name));
        }
        if let Some(RelayConfig { serial, .. }) = &self.relay {
            devices.push(("serial", at(serial.span()), serial.get_ref().display().to_string()));
        }
        devices
    }

    fn check(&self, place: Place<'_>) -> Result<(), Misconfigured> {
        const BAUD: std::ops::RangeInclusive<u32> = 300..=4_000_000;
        const PULSE_MS: std::ops::RangeInclusive<u64> = 50..=10_000;
        place.within("baud", &self.baud, BAUD)?;
        if let Some(relay) = &self.relay {
            place.within("baud", &relay.baud, BAUD)?;
            place.within("pulse_ms", &relay.pulse_ms, PULSE_MS)?;
        }
        if let Some(gpio) = &self.gpio {
            place.within("pulse_ms", &gpio.pulse_ms, PULSE_MS)?;
        }
        for CommandConfig { run, timeout_ms, .. } in &self.commands {
            place.within("timeout_ms", timeout_ms, 10..=60_000)?;
            if run.get_ref().first().is_none_or(String::is_empty) {
                let what = "names no program".to_owned();
                return Err(place.misconfigured("run", run, what, "write [\"PROGRAM\", \"ARGUMENT\", ...]"));
            }
        }
        Ok(())
    }
}

fn languages() -> Spanned<Vec<Spoken>> {
    bare(Vec::new())
}

fn budget_ms() -> Spanned<u64> {
    bare(400)
}

fn listen() -> Spanned<SocketAddr> {
    bare((Ipv4Addr::LOCALHOST, 7470).into())
}

fn show_s() -> Spanned<u64> {
    bare(5)
}

fn baud() -> Spanned<u32> {
    bare(9600)
}

fn pulse_ms() -> Spanned<u64> {
    bare(500)
}

fn timeout_ms() -> Spanned<u64> {
    bare(2000)
}
