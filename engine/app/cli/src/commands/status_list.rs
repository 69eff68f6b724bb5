//! `hufu status-list`: an issuer's colours for others, and those of others (R64).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use hufu_api::{ApiOptions, Document, Documents, serve_routes};
use hufu_files::moment::{self, Clock, Moment};
use hufu_files::{self as files, Readable, unavailable, with_extension};
use hufu_node::config::PublishConfig;
use hufu_node::{Listed, Lists};
use hufu_statuslist::colours::word_of;
use hufu_statuslist::{Expected, Format, Keys, Signer, TOKEN_BYTES_MAX, Token, read};
use hufu_transport::MetricsPage;
use hufu_wire::{Colour, HolderIndex, UnixSeconds};
use serde_json::json;
use tokio::runtime::Builder;

use crate::outcome::Exit;
use crate::signals::Signals;
use crate::term::tell;
use crate::{log, term};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu status-list key --out list
  hufu status-list publish --config status-list.toml --check
  hufu status-list publish --config status-list.toml
  hufu status-list entry 1048580 --config status-list.toml
  hufu status-list check https://status.example/lists/310000/1 --index 4 --key list.jwk
  hufu status-list check 1.cwt --index 4 --key root.pem --uri https://status.example/lists/310000/1

docs/examples/status-list.toml describes every key, docs/STATUS-LISTS.md how lists are used. When lists can be fetched publish \
prints one line to standard output:

  ready lists=ADDRESS metrics=ADDRESS

Exit status of check: 0 the entry is VALID, 1 it is INVALID or out of bounds, or the list is not to be believed, 2 a key file \
cannot be used, 3 the URL answers with no list (404, or nothing is there), 4 it is SUSPENDED or has a value of an application's own.";

/// Publish an issuer's colours as Token Status Lists, and check an entry of any such list.
#[derive(Debug, Subcommand)]
pub(crate) enum StatusListCommand {
    /// Make a key that signs lists: NAME.key for the publisher, NAME.jwk to hand around
    Key(KeyArgs),
    /// Follow an issuer's chain and serve its lists
    Publish(PublishArgs),
    /// Show what a credential of a holder says about its entry
    Entry(EntryArgs),
    /// Look up an entry of a list, verified, as a third party does
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// Where to put the key; .key and .jwk are added
    #[arg(long, value_name = "NAME")]
    out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct PublishArgs {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "status-list.toml")]
    config: PathBuf,
    /// Read every file, say what would be published, and start nothing
    #[arg(long)]
    check: bool,
    /// Stop when standard input ends, so that a child never outlives its parent
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EntryArgs {
    /// The holder's index
    holder: u32,
    /// The configuration of what publishes the list
    #[arg(long, value_name = "FILE", default_value = "status-list.toml")]
    config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// A file with a token, or the URL of one
    #[arg(value_name = "TOKEN")]
    token: String,
    /// Which entry
    #[arg(long)]
    index: u64,
    /// A key of its publisher (JWK, PEM), or a root of its certificates; may be given again
    #[arg(long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    /// The URI that the credential names; of a URL the URL itself
    #[arg(long)]
    uri: Option<String>,
    /// The form to ask for at a URL: jwt or cwt
    #[arg(long, default_value = "jwt")]
    form: Format,
    /// Root certificates of the URL's host, when they are not the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// The moment at which it is judged
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    at: Moment,
}

/// Runs `hufu status-list`.
pub(crate) fn run(command: &StatusListCommand) -> anyhow::Result<Exit> {
    match command {
        StatusListCommand::Key(args) => key(args),
        StatusListCommand::Publish(args) => publish(args),
        StatusListCommand::Entry(args) => entry(args),
        StatusListCommand::Check(args) => check(args),
    }
}

fn key(args: &KeyArgs) -> anyhow::Result<Exit> {
    let pem = Signer::generate()?;
    let public = Signer::from_pem(pem.as_bytes(), b"")?.public().clone();
    let [secret, jwk] = ["key", "jwk"].map(|extension| with_extension(&args.out, extension));
    for path in [&secret, &jwk] {
        ensure!(
            !path.exists(),
            "{} exists already and is not overwritten; choose another name",
            path.display()
        );
    }
    files::create(&secret, pem.as_bytes(), Readable::Owner)?;
    files::create(&jwk, format!("{:#}\n", public.jwk()).as_bytes(), Readable::All)?;
    tell!(
        { "key_id": public.thumbprint(), "secret": secret, "public": jwk },
        "key {}: {} (secret), {}",
        public.thumbprint(),
        secret.display(),
        jwk.display()
    );
    Ok(Exit::Yes)
}

/// How often the chain and the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

fn publish(args: &PublishArgs) -> anyhow::Result<Exit> {
    let config = PublishConfig::load(&args.config)?;
    if args.check {
        let key_id = Lists::check(&config)?;
        let uri = config.terms().shards.uri(0);
        tell!(
            { "config": args.config, "uri": uri, "key_id": key_id },
            "{}: lists can be published, the first at {uri}, signed with key {key_id}",
            args.config.display()
        );
        return Ok(Exit::Yes);
    }
    log::to_stderr(config.log);
    let listen = *config.list.listen.get_ref();
    let options = ApiOptions { plain: config.list.behind_proxy, ..ApiOptions::on(listen) };
    let metrics = config.list.metrics.0;
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(unavailable)?;
    runtime.block_on(async {
        let mut signals = Signals::new(args.until_stdin_ends)?;
        let mut lists = Lists::start(config)?;
        let documents = Documents::default();
        lists.kept().into_iter().for_each(|list| put(&documents, list));
        let front = serve_routes(&options, documents.router())?;
        let page = metrics.map(|listen| MetricsPage::serve(listen, Arc::new(lists.figures())));
        let page = page.transpose().map_err(unavailable)?;
        announce(front.addr(), page.as_ref().map(MetricsPage::addr));
        let mut failed = None;
        signals
            .watch(LOOK, |at_once| match lists.look(at_once, |list| put(&documents, list)) {
                Ok(()) => failed = None,
                // Once; it is tried again every second.
                Err(error) => {
                    let why = format!("{error:#}");
                    if failed.as_ref() != Some(&why) {
                        tracing::error!("{why}; the lists before stay until they expire");
                        failed = Some(why);
                    }
                }
            })
            .await;
        front.stop().await;
        if let Some(page) = page {
            page.stop();
        }
        lists.stop();
        Ok(Exit::Yes)
    })
}

/// Hands a list out, for as long as its `ttl` says.
fn put(documents: &Documents, list: Listed) {
    let age_s = moment::now().seconds().0.saturating_sub(list.claims.issued.0);
    let fresh = Duration::from_secs(list.claims.ttl_s.unwrap_or_default().saturating_sub(age_s).into());
    let [jwt, cwt] = list.tokens;
    let form = |format: Format, token| Document::new(format.media_type(), token, fresh);
    documents.put(&list.path, &[form(Format::Jwt, jwt), form(Format::Cwt, cwt)]);
}

fn announce(lists: SocketAddr, metrics: Option<SocketAddr>) {
    let shown = metrics.map_or_else(String::new, |metrics| format!(" metrics={metrics}"));
    tracing::info!("ready lists={lists}{shown}");
    let ready = || json!({ "ready": { "lists": lists, "metrics": metrics } });
    term::event(ready, || format!("ready lists={lists}{shown}"));
}

fn entry(args: &EntryArgs) -> anyhow::Result<Exit> {
    let shards = PublishConfig::load(&args.config)?.terms().shards;
    let (shard, index) = shards.place(HolderIndex(args.holder));
    let uri = shards.uri(shard);
    let status = json!({ "status_list": { "idx": index, "uri": uri } });
    tell!({ "status": status }, "{status}");
    Ok(Exit::Yes)
}

fn check(args: &CheckArgs) -> anyhow::Result<Exit> {
    let now = Clock::here().any(args.at).context("--at")?;
    let mut keys = Keys::default();
    for file in &args.key {
        keys.add_file(&files::read_pem(file)?).with_context(|| file.display().to_string())?;
    }
    let is_url = args.token.contains("://");
    let bytes = if is_url { fetch(args)? } else { from_file(Path::new(&args.token))? };
    let uri = args.uri.as_deref().or(is_url.then_some(&*args.token));
    match read(&bytes, &keys, &Expected { uri, entries: None, now }) {
        Ok(token) => Ok(show(args, &token, now)),
        Err(fault) => {
            tell!(
                { "token": args.token, "believed": false, "why": fault.to_string() },
                "{} {fault}",
                args.token
            );
            Ok(Exit::No)
        }
    }
}

fn show(args: &CheckArgs, token: &Token, now: UnixSeconds) -> Exit {
    let (index, claims) = (args.index, &token.claims);
    let value = token.list.get(index);
    let (word, exit) = match (value, value.and_then(|value| word_of(value).colour())) {
        (None, _) => ("out of bounds: nothing is said of it", Exit::No),
        (_, Some(Colour::Green)) => ("VALID", Exit::Yes),
        (_, Some(Colour::Red)) => ("INVALID", Exit::No),
        (_, Some(Colour::Amber)) => ("SUSPENDED", Exit::Refer),
        (_, None) => ("a value of the application's own", Exit::Refer),
    };
    let age_s = now.0.saturating_sub(claims.issued.0);
    let object = || {
        json!({
            "token": args.token,
            "believed": true,
            "uri": claims.uri,
            "index": index,
            "value": value,
            "status": word,
            "issued": claims.issued.0,
            "expires": claims.expires.map(|expires| expires.0),
            "ttl_s": claims.ttl_s,
            "age_s": age_s,
            "entries": token.list.entries(),
            "key_id": token.key_id,
        })
    };
    term::outcome(object, || {
        let shown = value.map_or_else(String::new, |value| format!(" ({value})"));
        format!(
            "{} index {index}: {word}{shown}, as of {}, {age_s} s ago",
            claims.uri,
            moment::show(claims.issued)
        )
    });
    exit
}

fn fetch(args: &CheckArgs) -> anyhow::Result<Vec<u8>> {
    let documents = hufu_upstream::Documents::of(&args.token, args.ca.as_deref())?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(unavailable)?;
    let fetched = runtime.block_on(documents.get(&args.token, args.form.media_type(), None, TOKEN_BYTES_MAX));
    match fetched {
        Ok(Some(document)) => Ok(document.bytes.to_vec()),
        Ok(None) => bail!("{} answers that nothing has changed, and nothing was there before", args.token),
        Err(fault) if fault.is_passing() => Err(unavailable(fault)),
        Err(fault) => Err(fault.into()),
    }
}

/// A JWT in a file may end as a text file does.
fn from_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = files::read(path)?;
    ensure!(!bytes.is_empty(), "{} is empty", path.display());
    Ok(if Format::of(&bytes) == Format::Jwt { bytes.trim_ascii_end().to_vec() } else { bytes })
}
