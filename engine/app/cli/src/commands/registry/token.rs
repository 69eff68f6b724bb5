//! `hufu registry token`: who may ask the registry for what.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use hufu_contract::{self as types, Scope};
use hufu_files::moment::{self, Clock, Moment};
use hufu_files::{self as files, Readable};
use hufu_office::Config;
use hufu_office::{open_vault, with_registry};
use hufu_registry::{Caller, Scopes, TokenId};
use hufu_upstream::Api;
use hufu_wire::{IssuerId, UnixMillis};

use crate::listing::list;
use crate::outcome::Exit;
use crate::remote::RegistryArgs;
use crate::term::{printable, tell};
use crate::words::words;

/// Make, list and revoke tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token; it is shown this once
    New(NewArgs),
    /// List tokens
    List {
        #[command(flatten)]
        registry: RegistryArgs,
    },
    /// Revoke a token
    Revoke {
        #[command(flatten)]
        registry: RegistryArgs,
        /// Its number
        #[arg(value_name = "NUMBER")]
        number: u64,
    },
}

/// Make a token.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// On the registry's own machine: its configuration, for those without an administrator's token; --registry, --token and --ca
    /// do not count then
    // They may come from the environment: clap would call that a conflict.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Who will have it; the trail names them so
    #[arg(long, value_name = "TEXT")]
    label: String,
    /// What it may do
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', required = true)]
    #[arg(value_parser = words(Scope::ALL.map(Scope::slug), Scope::from_slug))]
    scopes: Vec<Scope>,
    /// The only issuer it is for
    #[arg(long, value_name = "ID")]
    issuer: Option<u32>,
    /// Until when it may be used
    #[arg(long, value_name = "TIME", default_value = "+365d", allow_hyphen_values = true)]
    until: Moment,
    /// Write it to a file for its owner alone, and do not show it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs `hufu registry token`.
pub(super) fn run(command: &TokenCommand) -> anyhow::Result<Exit> {
    match command {
        TokenCommand::New(args) => new(args)?,
        TokenCommand::List { registry } => {
            let tokens = registry.connect()?.ask(Api::tokens)?.tokens;
            let header = ["token", "state", "until", "issuer", "scopes", "label"];
            return Ok(list(&tokens, header, |token| {
                let scopes: Vec<_> = token.scopes.iter().map(|scope| scope.slug()).collect();
                [
                    token.id.to_string(),
                    state(token).to_owned(),
                    moment::show(UnixMillis(token.expires_ms).seconds()),
                    token.issuer.map_or_else(|| "any".to_owned(), |issuer| issuer.to_string()),
                    scopes.join(","),
                    printable(&token.label),
                ]
            }));
        }
        TokenCommand::Revoke { registry, number } => {
            let token = registry.connect()?.ask(|api| api.revoke_token(TokenId(*number)))?;
            let (state, label) = (state(&token), printable(&token.label));
            tell!({ "token": token.id, "state": state, "label": token.label }, "token {} is {state}: {label}", token.id);
        }
    }
    Ok(Exit::Yes)
}

fn new(args: &NewArgs) -> anyhow::Result<()> {
    // Before there is a token that nobody would ever see.
    if let Some(out) = &args.out {
        anyhow::ensure!(!out.exists(), "{} exists already and is not overwritten", out.display());
    }
    let (id, secret) =
        if let Some(config) = &args.config { new_here(args, config)? } else { new_there(args)? };
    match &args.out {
        Some(out) => {
            files::create(out, format!("{}\n", *secret).as_bytes(), Readable::Owner)?;
            tell!({ "token": id, "file": out }, "token {id}: {}", out.display());
        }
        None => tell!({ "token": id, "secret": *secret }, "{}", *secret),
    }
    Ok(())
}

impl NewArgs {
    fn expires(&self) -> anyhow::Result<UnixMillis> {
        Ok(Clock::here().end(self.until).context("--until")?.millis())
    }
}

/// Asks the registry for a token, as an administrator.
fn new_there(args: &NewArgs) -> anyhow::Result<(u64, zeroize::Zeroizing<String>)> {
    let token = types::NewToken {
        label: args.label.clone(),
        scopes: args.scopes.clone(),
        issuer: args.issuer,
        expires_ms: args.expires()?.0,
    };
    let made = args.registry.connect()?.ask(|api| api.new_token(&token))?;
    Ok((made.token.id, zeroize::Zeroizing::new(made.secret)))
}

/// Makes a token as whoever has the registry's files.
fn new_here(args: &NewArgs, config: &Path) -> anyhow::Result<(u64, zeroize::Zeroizing<String>)> {
    let config = Config::load(config)?;
    let vault = open_vault(&config.files.vault)?;
    let token = hufu_registry::NewToken {
        label: args.label.clone(),
        scopes: Scopes::of(args.scopes.iter().copied()),
        issuer: args.issuer.map(IssuerId),
        expires: args.expires()?,
    };
    let (token, text) = with_registry(&config, vault, async |registry| {
        registry.add_token(&Caller::operator(), &token, moment::now()).await
    })?;
    Ok((token.id.0, zeroize::Zeroizing::new(text.as_str().to_owned())))
}

fn state(token: &types::Token) -> &'static str {
    if token.revoked_ms.is_some() {
        "revoked"
    } else if moment::now().0 >= token.expires_ms {
        "over"
    } else {
        "in force"
    }
}
