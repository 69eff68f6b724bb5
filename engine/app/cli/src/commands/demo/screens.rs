//! `hufu demo --screens`: every page there is, on this machine, with made-up people behind it, until it is stopped.

mod people;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hufu_client::{Gate, GateOptions};
use hufu_codes::issue::code_text;
use hufu_codes::{Credential, Detail};
use hufu_files::keys::{Owner, SecretKey};
use hufu_files::{self as files, Readable, moment, unavailable};
use hufu_wire::{HolderIndex, Lane, UnixSeconds};
use serde_json::{Value, json};

use self::people::Pupil;
use super::child::{self, Engine, Process};
use super::place::free_addresses;
use super::summary;
use crate::outcome::Exit;
use crate::{gate, signals, term};

const ISSUER: &str = "310000";
const SITE: &str = "310101";
const SCHOOL: &str = "Yan'an Road School";
const POLICY: &str = "organisation = \"Yan'an Road School\"\naccepts = [\"phone\", \"paper\", \"family\"]\n\
    roster = true\nrecords = \"written\"\n";
const PUPILS: usize = 300;
const TERMINAL: &str = "8";
/// Checks a second, so that the console has something to show: a school's door in the morning.
const PACE: Duration = Duration::from_millis(120);
/// Indices that no one was registered under: their status is unknown.
const STRANGERS: u32 = 6;

/// Who may sign in to the console.
const ACCOUNTS: [(&str, &str); 3] = [("operator", ""), ("auditor", ""), ("school", SITE)];

/// The folder, and what runs from it.
struct Screens {
    folder: PathBuf,
    pupils: Vec<Pupil>,
}

/// Where the pages are.
struct Addresses {
    console: String,
    phones: String,
}

/// Runs the pages in `folder` until this process is to stop.
pub(super) fn run(folder: &Path) -> anyhow::Result<Exit> {
    files::folder(folder)?;
    ensure!(
        !folder.join("registry").exists(),
        "{} already has a demo; choose another folder or remove this one",
        folder.display()
    );
    let screens = Screens { folder: folder.to_owned(), pupils: people::pupils(PUPILS) };
    // From here on a stop is heard, and whatever was started is ended.
    signals::until_stopped(|stopping| screens.show(stopping))?;
    Ok(Exit::Yes)
}

impl Screens {
    fn show(&self, stopping: &AtomicBool) -> anyhow::Result<()> {
        let begun = Instant::now();
        let [udp, quic, api] = {
            let free = free_addresses()?;
            [free.udp, free.quic, free.api].map(|address| address.to_string())
        };
        self.keys_and_registry(&api)?;
        self.start_views_folder()?;
        let views = self.serve(
            "the holder's view",
            &[
                "records",
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--views",
                "views",
                "--keys",
                "record-keys",
                "--secret",
                "records.secret",
                "--sites",
                "sites.toml",
                "--tickets-source-max",
                "100000",
            ],
        )?;
        self.write("registry/registry.toml", &self.registry_toml(views.address("api=")?)?)?;
        let registry =
            self.serve("the registry", &["registry", "serve", "--config", "registry/registry.toml"])?;
        let [phones, metrics] = ["phones=", "metrics="].map(|name| registry.address(name));
        let (phones, metrics) = (format!("http://{}", phones?), metrics?);
        summary::step("registry", &format!("API at {api}, holder's page at {phones}"));

        self.people()?;
        self.engine(&udp, &quic, &api)?;
        let engine = Engine::start(&self.folder.join("engine.toml"), &self.folder.join("engine.log"))?;
        summary::step("engine", &format!("sealed requests at {udp}, QUIC at {quic}"));
        let passwords = self.console(&api, &metrics.to_string(), &engine)?;
        let console = self.serve("the console", &["console", "serve", "--config", "console.toml"])?;
        let addresses = Addresses { console: format!("http://{}", console.address("pages=")?), phones };
        let invitations = self.invitations(&addresses.phones)?;
        self.tell(&addresses, &passwords, &invitations);
        summary::step(
            "ready",
            &format!("after {:.1} s; Ctrl-C ends all of it", begun.elapsed().as_secs_f64()),
        );
        self.door(stopping)
    }

    /// Keys, trust list, certificates and the registry's folder, made by the commands that a real one is made with.
    fn keys_and_registry(&self, api: &str) -> anyhow::Result<()> {
        for line in [
            "keys generate operator --out operator",
            "keys generate issuer --issuer 310000 --out local",
            "keys generate issuer --issuer 310000 --out codes",
            "keys generate issuer --issuer 100000 --out national",
            "keys trust new --operator operator.key --out trust.hufu",
            "keys trust add --operator operator.key --list trust.hufu --key local.pub --uses instruction",
            "keys trust add --operator operator.key --list trust.hufu --key codes.pub --uses phone,paper,trip,roster",
            "keys trust add --operator operator.key --list trust.hufu --key national.pub --uses confirmation",
        ] {
            self.line(line)?;
        }
        self.line(&format!(
            "registry init registry --issuer {ISSUER}=Shanghai --listen {api} --operator operator.pub --trust trust.hufu \
             --credential-key codes.key --token-out admin.token"
        ))?;
        self.line("keys trust add --operator operator.key --list trust.hufu --key registry/publisher.pub --uses head")?;
        self.write("registry/trust.hufu", "")?;
        files::replace(
            &self.at("registry/trust.hufu"),
            &files::read(&self.at("trust.hufu"))?,
            Readable::All,
        )?;
        self.write(
            "hufu.toml",
            &format!("registry = \"https://{api}\"\ntoken = \"admin.token\"\nca = \"registry/ca/ca.pem\"\n"),
        )
    }

    fn start_views_folder(&self) -> anyhow::Result<()> {
        self.line("records secret --out records.secret")?;
        self.line("records secret --out events.token")?;
        for name in ["views", "record-keys"] {
            files::folder(&self.at(name))?;
        }
        self.write("policy.toml", POLICY)?;
        self.write("sites.toml", &format!("[[site]]\nid = {SITE}\nname = \"{SCHOOL}\"\n{POLICY}"))
    }

    fn registry_toml(&self, views: SocketAddr) -> anyhow::Result<String> {
        let made = files::read_text(&self.at("registry/registry.toml"))?;
        let with = made.replace("# metrics = \"\"", "metrics = \"127.0.0.1:0\"\nphones = \"127.0.0.1:0\"");
        ensure!(with != made, "registry.toml has no place for its metrics page");
        Ok(format!("{with}\n[phones]\nviews = \"http://{views}\"\nappeal = \"12345\"\n"))
    }

    /// Everybody with name, number, colour and test, signed by both authorities.
    fn people(&self) -> anyhow::Result<()> {
        self.write("people.csv", &people::register(&self.pupils))?;
        self.write("pupils.csv", &people::name_list(&self.pupils))?;
        self.line(&format!(
            "import people.csv --issuer {ISSUER} --key local.key --national-key national.key --reason demo --yes"
        ))?;
        summary::step("people", &format!("{PUPILS} pupils of one school, registered and given a colour"));
        let site = ["site", "put", SITE, "--name", SCHOOL, "--policy", "policy.toml"];
        child::run(&self.folder, &site).map(drop)
    }

    fn engine(&self, udp: &str, quic: &str, api: &str) -> anyhow::Result<()> {
        for line in [
            "keys cluster new --state state".to_owned(),
            "ca init --dir ca".to_owned(),
            "ca server --dir ca --out engine".to_owned(),
            format!("ca device --dir ca --device 7 --site {SITE} --engine {quic} --out gate"),
            format!(
                "ca device --dir ca --device {TERMINAL} --site {SITE} --scope rosters --engine {quic} --out terminal"
            ),
            "registry token new --label engine --scopes feed --out feed.token".to_owned(),
        ] {
            self.line(&line)?;
        }
        self.write(
            "engine.toml",
            &format!(
                "[listen]\nudp = \"{udp}\"\nquic = \"{quic}\"\nmetrics = \"127.0.0.1:0\"\n\n[workers]\nthreads = 1\n\n\
                 [devices]\ndevices_max = 64\n\n[memory]\nholders_max = 100000\nseen_entries = 4096\n\
                 pass_back_entries = 4096\n\n[files]\noperator_key = \"operator.pub\"\ntrust_list = \"trust.hufu\"\n\
                 sites = \"sites.toml\"\nca = \"ca/ca.pem\"\ncertificate = \"engine.pem\"\nkey = \"engine.key\"\n\
                 crl = \"ca/crl.pem\"\nstate = \"state\"\n\n[records]\nfolder = \"records\"\nkeys = \"record-keys\"\n\
                 secret = \"records.secret\"\nevents = \"events.token\"\n\n[[follow]]\nissuer = {ISSUER}\n\
                 national = 100000\npublisher = 900000\nfeed = \"https://{api}\"\ntoken = \"feed.token\"\n\
                 ca = \"registry/ca/ca.pem\"\n"
            ),
        )
    }

    /// The console's settings and accounts; the passwords, which are new each time.
    fn console(&self, api: &str, metrics: &str, engine: &Engine) -> anyhow::Result<Vec<(String, String)>> {
        self.line("registry token new --label console --scopes audit --out console.token")?;
        self.line("registry token new --label school --scopes holders,rosters --out school.token")?;
        let mut passwords = Vec::new();
        for (name, site) in ACCOUNTS {
            let password = hex::encode(&hufu_files::keys::random_seed()?[..8]);
            files::replace(&self.at("password"), password.as_bytes(), Readable::Owner)?;
            let mut line = format!("console account add {name} --role {name} --password-file password");
            if !site.is_empty() {
                line = format!("{line} --site {site}");
            }
            self.line(&line)?;
            std::fs::remove_file(self.at("password"))?;
            passwords.push((name.to_owned(), password));
        }
        self.write(
            "console.toml",
            &format!(
                "listen = \"127.0.0.1:0\"\naccounts = \"accounts.toml\"\n\n[[engine]]\nname = \"engine-1\"\n\
                 metrics = \"http://{}\"\nevents = \"events.token\"\n\n[[registry]]\nname = \"registry-1\"\n\
                 url = \"https://{api}\"\ntoken = \"console.token\"\nca = \"registry/ca/ca.pem\"\n\
                 metrics = \"http://{metrics}\"\n\n[[ends]]\nname = \"certificate of devices\"\nfile = \"ca/ca.pem\"\n\n\
                 [[ends]]\nname = \"trust list\"\nfile = \"trust.hufu\"\noperator = \"operator.pub\"\n\n\
                 [[school]]\nsite = {SITE}\nissuer = {ISSUER}\nregistry = \"https://{api}\"\ntoken = \"school.token\"\n\
                 ca = \"registry/ca/ca.pem\"\nterminal = \"terminal\"\nfolder = \"school\"\ntime_zone = \"Asia/Shanghai\"\n",
                engine.metrics()
            ),
        )?;
        Ok(passwords)
    }

    /// A link for a phone of each colour.
    fn invitations(&self, page: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
        let first = |colour: &str| self.pupils.iter().position(|pupil| pupil.colour == colour);
        ["green", "amber", "red"]
            .into_iter()
            .map(|colour| {
                let holder = first(colour).with_context(|| format!("no pupil is {colour}"))?;
                let line = format!(
                    "holder invite {holder} --issuer {ISSUER} --level in-person --page {page} --json"
                );
                let told: Value = serde_json::from_str(&self.line(&line)?)?;
                let link = told["link"].as_str().context("an invitation has no link")?;
                Ok((colour, link.to_owned()))
            })
            .collect()
    }

    fn tell(&self, addresses: &Addresses, passwords: &[(String, String)], invitations: &[(&str, String)]) {
        let list = self.at("pupils.csv");
        let object = || {
            json!({
                "console": addresses.console, "holder": addresses.phones, "pupils": list,
                "passwords": passwords.iter().cloned().collect::<BTreeMap<_, _>>(),
                "invitations": invitations.iter().map(|(colour, link)| (*colour, link)).collect::<BTreeMap<_, _>>(),
            })
        };
        let text = || {
            let Addresses { console, phones } = addresses;
            let accounts =
                passwords.iter().map(|(name, password)| format!("  {name:<12} password {password}"));
            let links = invitations.iter().map(|(colour, link)| format!("  {colour:<12} {link}"));
            [format!("\nconsole        {console}")]
                .into_iter()
                .chain(accounts)
                .chain([
                    format!(
                        "school         {console}/school, signed in as school; upload {}",
                        list.display()
                    ),
                    format!("holder's page  {phones}"),
                ])
                .chain(links)
                .map(|line| line + "\n")
                .collect()
        };
        term::event(object, text);
    }

    /// A gate at the school's door: pupils come, and now and then a stranger.
    fn door(&self, stopping: &AtomicBool) -> anyhow::Result<()> {
        let key = SecretKey::load(&self.at("codes.key"), Owner::Issuer)?;
        let signer = key.issuer_signer()?;
        let now = moment::now().seconds();
        let count = u32::try_from(PUPILS)? + STRANGERS;
        let code = |holder| -> anyhow::Result<String> {
            let credential = Credential {
                key: signer.key(),
                issued: now,
                expires: UnixSeconds(now.0.saturating_add(86_400)),
                holder: HolderIndex(holder),
                generation: 0,
                display: "",
                detail: Detail::Paper,
            };
            Ok(code_text(&signer.sign_credential(&credential)?, None))
        };
        let codes = (0..count).map(code).collect::<anyhow::Result<Vec<_>>>()?;
        let device = gate::open(&self.at("gate"))?;
        let mut gate =
            Gate::open(device.servers, device.identity, GateOptions::default()).map_err(unavailable)?;
        for code in codes.iter().cycle() {
            // Relaxed: a check more does no harm.
            if stopping.load(Ordering::Relaxed) {
                break;
            }
            // What a gate hears is what the console shows; a lost answer shows there too.
            let _ = gate.check(code.as_bytes(), Lane(1));
            thread::sleep(PACE);
        }
        Ok(())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        files::replace(&self.at(name), text.as_bytes(), Readable::All)
    }

    /// Runs a command without quotes to its end, and returns what it printed.
    fn line(&self, line: &str) -> anyhow::Result<String> {
        child::run(&self.folder, &line.split_whitespace().collect::<Vec<_>>())
    }

    /// Starts a service that ends with this process.
    fn serve(&self, name: &str, arguments: &[&str]) -> anyhow::Result<Process> {
        let log = self.at(&format!("{}.log", name.rsplit(' ').next().unwrap_or(name)));
        let arguments: Vec<&OsStr> =
            arguments.iter().chain(&["--until-stdin-ends"]).map(OsStr::new).collect();
        Process::start(name, Some(&self.folder), &arguments, &log)
    }
}
