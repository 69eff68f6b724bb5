//! `hufu registry init`: a folder that a registry runs from.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::Args;
use hufu_files::keys::{Owner, PublicKey, SecretKey};
use hufu_files::moment;
use hufu_files::{self as files, Readable};
use hufu_office::config::{Config, StoreUrl};
use hufu_office::{open_vault, with_registry};
use hufu_registry::vault::KeyFile;
use hufu_registry::{Brake, Caller, Issuer, NewToken, Scopes, SecondPhone, TokenText};
use hufu_signature::Scheme;
use hufu_wire::{IssuerId, UnixSeconds};
use serde_json::json;

use crate::authority::Authority;
use crate::outcome::Exit;
use crate::term;
use crate::words::words;

/// Make a registry's folder.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// An issuer whose chain it keeps, and its name; may be given again
    #[arg(long, value_name = "ID=NAME", value_parser = read_issuer)]
    issuer: Vec<(u32, String)>,
    /// The national platform that confirms their changes
    #[arg(long, value_name = "ID", default_value_t = 100_000)]
    national: u32,
    /// Who signs their heads: the id that the publisher's new key gets
    #[arg(long, value_name = "ID", default_value_t = 900_000)]
    publisher: u32,
    /// The signature scheme of the publisher's new key
    #[arg(long, default_value = "EdDSA", value_parser = words(Scheme::ALL.map(Scheme::name), Scheme::named))]
    scheme: Scheme,
    /// The database: sqlite:FILE, or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL", default_value = "sqlite:registry.db")]
    store: String,
    /// Where the API listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7420")]
    listen: std::net::SocketAddr,
    /// A name or address that callers know it by, for its certificate; localhost and 127.0.0.1 are in it anyway
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// The operator's public key, to be copied
    #[arg(long, value_name = "FILE", requires = "trust")]
    operator: Option<PathBuf>,
    /// The operator's trust list, to be copied
    #[arg(long, value_name = "FILE", requires = "operator")]
    trust: Option<PathBuf>,
    /// A secret key that signs credentials and rosters of an issuer, to be copied; may be given again
    #[arg(long, value_name = "FILE")]
    credential_key: Vec<PathBuf>,
    /// Write the administrator's token to a file for its owner alone, and do not show it
    #[arg(long, value_name = "FILE")]
    token_out: Option<PathBuf>,
}

const CONFIG: &str = "registry.toml";
const TOKEN_LABEL: &str = "the first administrator";
const TOKEN_S: u32 = 365 * 86_400;
const CERTIFICATE_S: u32 = 5 * 365 * 86_400;

/// Runs `hufu registry init`.
pub(super) fn run(args: &InitArgs) -> anyhow::Result<Exit> {
    ensure!(StoreUrl::read(&args.store).is_some(), "--store is sqlite:FILE or postgres://USER@HOST/DATABASE");
    for (issuer, _) in &args.issuer {
        ensure!(
            *issuer != args.national,
            "issuer {issuer} cannot confirm its own changes: name another --national"
        );
    }
    if let Some(out) = &args.token_out {
        ensure!(!out.exists(), "{} exists already and is not overwritten", out.display());
    }
    let dir = &args.dir;
    let config = dir.join(CONFIG);
    ensure!(!config.exists(), "{} exists already: this folder is a registry's", config.display());
    files::folder(dir)?;
    let keys = copy_keys(args)?;
    files::create(&dir.join("vault.key"), KeyFile::generate()?.to_text().as_bytes(), Readable::Owner)?;
    let publisher = make_publisher(dir, args.publisher, args.scheme)?;
    make_certificate(args)?;
    // Last of the files: what it names is there.
    files::create(&config, config_text(args, &keys).as_bytes(), Readable::All)?;
    let token = first_token(args, &config)?;
    if let Some(out) = &args.token_out {
        files::create(out, format!("{}\n", token.as_str()).as_bytes(), Readable::Owner)?;
    }
    let next = next_steps(args, &config);
    let root = dir.join("ca").join("ca.pem");
    let object = || {
        let shown = if args.token_out.is_none() { Some(token.as_str()) } else { None };
        json!({
            "config": config, "issuers": args.issuer.len(), "store": shown_store(&args.store), "ca": root,
            "publisher": { "issuer": args.publisher, "key_id": publisher.kid().to_string() },
            "token": shown, "token_file": args.token_out, "next": next,
        })
    };
    let text = || {
        let what = "administrator's token, everything for a year";
        let token = match &args.token_out {
            Some(out) => format!("{what}: {}", out.display()),
            None => format!("{what}, shown this once:\n{}", token.as_str()),
        };
        format!(
            "{}: a registry, issuers: {}, store {}\npublisher {}: key {} in {}\ncallers verify it with {}\n{token}\nnext:\n  {}",
            dir.display(),
            args.issuer.len(),
            shown_store(&args.store),
            args.publisher,
            publisher.kid(),
            dir.join("publisher.key").display(),
            root.display(),
            next.join("\n  ")
        )
    };
    term::outcome(object, text);
    Ok(Exit::Yes)
}

/// What is typed next, in this order.
fn next_steps(args: &InitArgs, config: &Path) -> Vec<String> {
    let publisher = args.dir.join("publisher.pub");
    let publisher = publisher.display();
    let mut next = vec![format!(
        "hufu keys trust add --operator operator.key --list trust.hufu --key {publisher} --uses head"
    )];
    // The list as it is with the publisher's key in it.
    if args.operator.is_none() {
        next.push(format!("cp operator.pub trust.hufu {}", args.dir.display()));
    }
    next.push(format!("hufu registry serve --config {}", config.display()));
    next
}

fn make_publisher(dir: &Path, publisher: u32, scheme: Scheme) -> anyhow::Result<PublicKey> {
    let issuer = Some(IssuerId(publisher));
    let secret = SecretKey::generate(Owner::Issuer, issuer, scheme)?;
    let public = PublicKey::of(&secret)?;
    secret.store(&dir.join("publisher"), &public)?;
    Ok(public)
}

/// A certificate of an authority of the registry's own; an operator who has another replaces both files.
fn make_certificate(args: &InitArgs) -> anyhow::Result<()> {
    let mut authority = Authority::init(&args.dir.join("ca"), Some("Hufu registry"))?;
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    names
        .extend(args.name.iter().filter(|name| !matches!(name.as_str(), "localhost" | "127.0.0.1")).cloned());
    let issued = authority.server(&names, CERTIFICATE_S)?;
    files::create(&args.dir.join("registry.pem"), issued.chain.as_bytes(), Readable::All)?;
    files::create(&args.dir.join("registry.key"), issued.key.as_bytes(), Readable::Owner)
}

/// Copies what the operator gives; answers with the names of the credential keys.
fn copy_keys(args: &InitArgs) -> anyhow::Result<Vec<String>> {
    if let (Some(operator), Some(trust)) = (&args.operator, &args.trust) {
        PublicKey::load(operator, Owner::Operator)?;
        files::create(&args.dir.join("operator.pub"), &files::read(operator)?, Readable::All)?;
        files::create(&args.dir.join("trust.hufu"), &files::read(trust)?, Readable::All)?;
    }
    let mut names = Vec::new();
    for (number, path) in (1..).zip(&args.credential_key) {
        let issuer = SecretKey::load(path, Owner::Issuer)?.issuer()?;
        let name = format!("issuer-{issuer}-{number}.key");
        let bytes = zeroize::Zeroizing::new(files::read(path)?);
        files::create(&args.dir.join(&name), &bytes, Readable::Owner)?;
        names.push(name);
    }
    Ok(names)
}

/// The example, with this registry's values in place of the commented ones.
fn config_text(args: &InitArgs, keys: &[String]) -> String {
    let example = include_str!("../../../../../../docs/examples/registry.toml");
    // A literal string of TOML holds no quote, and neither does a URL or an address.
    let list: Vec<_> = keys.iter().map(|key| format!("\"{key}\"")).collect();
    let list = format!("[{}]", list.join(", "));
    let values = [
        ("api", format!("\"{}\"", args.listen)),
        ("url", format!("\"{}\"", args.store.replace('\\', "\\\\").replace('"', "\\\""))),
        ("snapshots", "\"snapshots\"".to_owned()),
        ("certificate", "\"registry.pem\"".to_owned()),
        ("key", "\"registry.key\"".to_owned()),
    ];
    let mut values: Vec<_> = values.into_iter().collect();
    if !keys.is_empty() {
        values.push(("credential_keys", list.clone()));
        values.push(("roster_keys", list));
    }
    let mut text = String::new();
    // Both have names of their own for certificates and keys.
    let mut is_beside = false;
    for line in example.lines() {
        is_beside |= ["# [phones]", "# [nats]"].contains(&line);
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let key = bare.split_once(" = ").map(|(key, _)| key);
        let value = values.iter().find(|(name, _)| !is_beside && Some(*name) == key);
        match value {
            Some((key, value)) => text.extend([*key, " = ", value]),
            None => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

/// Makes the store, its issuers and its first token.
fn first_token(args: &InitArgs, config: &Path) -> anyhow::Result<TokenText> {
    let config = Config::load(config)?;
    let vault = open_vault(&config.files.vault)?;
    with_registry(&config, vault, async |registry| {
        let (caller, now) = (Caller::operator(), moment::now());
        for (id, name) in &args.issuer {
            let issuer = Issuer {
                id: IssuerId(*id),
                name: name.clone(),
                national: IssuerId(args.national),
                publisher: IssuerId(args.publisher),
                brake: Brake::DEFAULT,
                second_phone: SecondPhone::Tell,
            };
            registry.put_issuer(&caller, &issuer, now).await?;
        }
        let token = NewToken {
            label: TOKEN_LABEL.to_owned(),
            scopes: Scopes::ALL,
            issuer: None,
            expires: UnixSeconds(now.seconds().0.saturating_add(TOKEN_S)).millis(),
        };
        Ok(registry.add_token(&caller, &token, now).await?.1)
    })
}

/// Which kind of store, and no more of a URL that may hold a password.
fn shown_store(url: &str) -> &str {
    if url.starts_with("postgres") { "PostgreSQL" } else { url }
}

fn read_issuer(text: &str) -> Result<(u32, String), String> {
    let wrong = || "write ID=NAME, for example 310000=Shanghai".to_owned();
    let (id, name) = text.split_once('=').ok_or_else(wrong)?;
    let id = id.trim().parse().map_err(|_| wrong())?;
    if name.trim().is_empty() { Err(wrong()) } else { Ok((id, name.trim().to_owned())) }
}
