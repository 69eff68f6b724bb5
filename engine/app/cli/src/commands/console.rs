//! `hufu console`: the operators' pages, and the accounts that sign in to them.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, bail, ensure};
use axum::Router;
use clap::{Args, Subcommand, ValueEnum};
use hufu_api::{ApiOptions, serve_routes};
use hufu_console::Config;
use hufu_files as files;
use hufu_files::keys::ensure_private;
use hufu_files::settings::LogFormat;
use hufu_school::{SchoolConfig, Schools};
use hufu_web::{Account, Accounts, NAME_RULE, RoleWord, hash_password, is_name};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde::Serialize;
use serde_json::json;
use tokio::runtime::Builder;
use zeroize::Zeroizing;

use crate::commands::records::ensure_owner;
use crate::outcome::Exit;
use crate::signals::{Signals, until_stopped};
use crate::term::tell;
use crate::{listing, log, term};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu console account add li --role operator --accounts accounts.toml
  hufu console account add north-school --role school --site 310101 --accounts accounts.toml --password-file secret
  hufu console serve --config console.toml
  hufu console serve --config console.toml --check

docs/examples/console.toml describes every key. When the console listens it prints one line to standard output, whether
its sources answer or not:

  ready pages=ADDRESS

It shows and never signs: give it registry tokens with the scope audit and no other. The page of a school ([[school]]) has a \
token of its own, with the scopes holders and rosters.";

/// Pages for operators and auditors, and the accounts that sign in to them.
#[derive(Debug, Subcommand)]
pub(crate) enum ConsoleCommand {
    /// Serve the pages
    Serve(ServeArgs),
    /// Add, change, remove and list local accounts
    #[command(subcommand)]
    Account(AccountCommand),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The settings
    #[arg(long, value_name = "FILE", default_value = "console.toml")]
    config: PathBuf,
    /// Read everything, ask no source, serve nothing
    #[arg(long)]
    check: bool,
    /// Stop when standard input ends, so that a child never outlives its parent
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Add an account
    Add(AddArgs),
    /// Set another password: sessions of the account end
    Passwd(PasswdArgs),
    /// Remove an account: its sessions end
    Remove(NameArgs),
    /// List accounts
    List(FileArgs),
}

#[derive(Debug, Args)]
pub(crate) struct FileArgs {
    /// The accounts file
    #[arg(long, value_name = "FILE", default_value = "accounts.toml")]
    accounts: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// The account
    name: String,
    #[command(flatten)]
    file: FileArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PasswdArgs {
    #[command(flatten)]
    account: NameArgs,
    #[command(flatten)]
    password: PasswordArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    account: NameArgs,
    /// What the account may look at
    #[arg(long)]
    role: RoleArg,
    /// The site of a school
    #[arg(long, value_name = "SITE")]
    site: Option<u32>,
    #[command(flatten)]
    password: PasswordArgs,
}

#[derive(Debug, Args)]
struct PasswordArgs {
    /// Take the password from the first line of this file instead of asking; `-` is standard input
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArg {
    /// Everything
    Operator,
    /// The page of one school
    School,
    /// Ends of chains, and proposals
    Auditor,
}

/// Runs `hufu console`.
pub(crate) fn run(command: &ConsoleCommand) -> anyhow::Result<Exit> {
    match command {
        ConsoleCommand::Serve(args) => serve(args),
        ConsoleCommand::Account(command) => account(command),
    }
}

fn serve(args: &ServeArgs) -> anyhow::Result<Exit> {
    let config = Config::<SchoolConfig>::load(&args.config)?;
    let (sources, mut web) = (config.sources()?, config.web()?);
    let schools = schools(&args.config, &config)?;
    if let Some(accounts) = &web.accounts {
        Accounts::read(accounts)?;
    }
    let tls = config.tls();
    if let Some(tls) = &tls {
        ensure_private(&tls.key)?;
    }
    hufu_api::check(&ApiOptions { tls: tls.clone(), ..ApiOptions::on(config.listen) })?;
    let (engines, registries) = (sources.engines.len(), sources.registries.len());
    if args.check {
        tell!(
            { "config": args.config, "engines": engines, "registries": registries, "schools": schools.len() },
            "{}: {engines} engines and {registries} registries can be shown, and {} schools have a page",
            args.config.display(),
            schools.len()
        );
        return Ok(Exit::Yes);
    }
    log::to_stderr(LogFormat::Text);
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().context("no runtime")?;
    runtime.block_on(async {
        let mut signals = Signals::new(args.until_stdin_ends)?;
        let beside = if schools.is_empty() {
            Router::new()
        } else {
            web.nav.push(hufu_school::NAV);
            web.assets.extend(hufu_school::ASSETS);
            hufu_school::pages(Schools::open(&schools)?)
        };
        let pages = hufu_console::open(sources, web, config.readers_max(), beside)?;
        let options = ApiOptions { tls: tls.clone(), ..ApiOptions::on(config.listen) };
        let front = serve_routes(&options, pages.router)?;
        let address = front.addr();
        term::event(|| json!({ "ready": { "pages": address } }), || format!("ready pages={address}"));
        signals.watch_front(&front, tls.as_ref()).await;
        // Streams end with their state.
        drop(pages.tasks);
        front.stop().await;
        Ok(Exit::Yes)
    })
}

/// The schools that the settings name, with their paths in the settings' folder.
fn schools(path: &Path, config: &Config<SchoolConfig>) -> anyhow::Result<Vec<SchoolConfig>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let schools: Vec<_> = config.school.iter().map(|school| school.clone().within(folder)).collect();
    let checked: anyhow::Result<()> = schools.iter().try_for_each(SchoolConfig::check);
    checked.with_context(|| format!("{}: [[school]]", path.display()))?;
    Ok(schools)
}

fn account(command: &AccountCommand) -> anyhow::Result<Exit> {
    match command {
        AccountCommand::List(FileArgs { accounts }) => {
            let Accounts(all) = Accounts::read(accounts)?;
            return Ok(list(&all));
        }
        AccountCommand::Add(AddArgs { account, role, site, password }) => {
            let NameArgs { name, file: FileArgs { accounts } } = account;
            ensure!(is_name(name), "{name:?}: {NAME_RULE}");
            let role = role.word().with(*site).map_err(|what| anyhow::anyhow!("{what}: --site"))?;
            change(accounts, true, |all| {
                ensure!(
                    !all.0.contains_key(name),
                    "the account {name} is there; change its password with passwd"
                );
                all.0.insert(name.clone(), Account { role, password: hash_password(&password.read()?)? });
                Ok(())
            })?;
            tell!({ "added": name, "accounts": accounts }, "{name} may sign in");
        }
        AccountCommand::Passwd(PasswdArgs {
            account: NameArgs { name, file: FileArgs { accounts } },
            password,
        }) => {
            change(accounts, false, |all| {
                let account = all.0.get_mut(name).with_context(|| format!("no account {name}"))?;
                account.password = hash_password(&password.read()?)?;
                Ok(())
            })?;
            tell!({ "changed": name, "accounts": accounts }, "{name} has another password; sessions of {name} end");
        }
        AccountCommand::Remove(NameArgs { name, file: FileArgs { accounts } }) => {
            change(accounts, false, |all| {
                all.0.remove(name).map(drop).with_context(|| format!("no account {name}"))
            })?;
            tell!({ "removed": name, "accounts": accounts }, "{name} may not sign in; sessions of {name} end");
        }
    }
    Ok(Exit::Yes)
}

/// Changes the file while no other command does.
fn change(
    file: &Path,
    may_be_new: bool,
    change: impl FnOnce(&mut Accounts) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if file.exists() {
        // What another user writes would be that user's, and the console could not read it any more.
        ensure_owner(file, "hufu console account ...")?;
    }
    let _alone = files::lock_folder_of(file)?;
    let mut accounts = if may_be_new && !file.exists() { Accounts::default() } else { Accounts::read(file)? };
    change(&mut accounts)?;
    Ok(accounts.write(file)?)
}

fn list(all: &BTreeMap<String, Account>) -> Exit {
    let rows: Vec<_> = all
        .iter()
        .map(|(name, account)| Listed {
            name: name.clone(),
            role: RoleWord::of(account.role).slug(),
            site: account.role.site().map(|site| site.0),
        })
        .collect();
    listing::list(&rows, ["name", "role", "site"], |row| {
        let site = row.site.map(|site| site.to_string()).unwrap_or_default();
        [row.name.clone(), row.role.to_owned(), site]
    })
}

/// An account without its password.
#[derive(Serialize)]
struct Listed {
    name: String,
    role: &'static str,
    site: Option<u32>,
}

impl RoleArg {
    const fn word(self) -> RoleWord {
        match self {
            RoleArg::Operator => RoleWord::Operator,
            RoleArg::School => RoleWord::School,
            RoleArg::Auditor => RoleWord::Auditor,
        }
    }
}

impl PasswordArgs {
    /// Never an argument: other users of the machine see those.
    fn read(&self) -> anyhow::Result<Zeroizing<String>> {
        match &self.password_file {
            Some(file) if file == Path::new("-") => first_line(),
            Some(file) => {
                let text = Zeroizing::new(files::read_text(file)?);
                Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
            }
            None => {
                ensure!(io::stdin().is_terminal(), "cannot ask for a password here; use --password-file");
                let [one, other] = [asked("Password: ")?, asked("Again: ")?];
                if one != other {
                    bail!("the two passwords are not the same; nothing was changed");
                }
                Ok(one)
            }
        }
    }
}

fn first_line() -> anyhow::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line).context("cannot read the password")?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A line of the terminal, unless the process is to stop.
fn typed_line(stopping: &AtomicBool) -> anyhow::Result<Zeroizing<String>> {
    const CANNOT: &str = "cannot read the password";
    let stdin = io::stdin();
    // With room from the start, so that no half of it is left behind in memory that grew.
    let mut line = Zeroizing::new(Vec::<u8>::with_capacity(4096));
    let mut piece = Zeroizing::new([0_u8; 1024]);
    while line.last() != Some(&b'\n') {
        ensure!(!stopping.load(Ordering::Relaxed), "cancelled: nothing was changed");
        let wait = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&wait)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => match rustix::io::read(&stdin, &mut *piece).context(CANNOT)? {
                0 => break,
                bytes => line.extend_from_slice(&piece[..bytes]),
            },
            Err(error) => return Err(error).context(CANNOT),
        }
    }
    let line = str::from_utf8(&line).context(CANNOT)?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Asks without showing what is typed.
fn asked(question: &str) -> anyhow::Result<Zeroizing<String>> {
    term::ask(question).context("cannot ask")?;
    let shown = tcgetattr(io::stdin()).context("cannot hide the password")?;
    let mut hidden = shown.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    // A signal that ended the process at once would leave a terminal that does not show what is typed.
    let line = until_stopped(|stopping| {
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden).context("cannot hide the password")?;
        typed_line(stopping)
    });
    tcsetattr(io::stdin(), OptionalActions::Flush, &shown).context("cannot show what is typed again")?;
    term::ask("\n").context("cannot ask")?;
    line
}
