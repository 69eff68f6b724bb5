//! `hufu registry`: the source of truth, made, run and looked after.

mod init;
mod serve;
mod token;
mod trail;
mod vault;

use clap::Subcommand;

use crate::outcome::Exit;

pub(crate) const EXAMPLES: &str = "Examples:
  hufu registry init registry --issuer 310000=Shanghai --national 100000 --publisher 900000
  hufu registry init registry --store postgres://hufu@db.example/registry --name registry.example
  hufu registry serve --config registry/registry.toml --check
  hufu registry serve --config registry/registry.toml
  hufu registry token new --label 'engine at north station' --scopes feed --issuer 310000 --out feed.token
  hufu registry token new --config registry/registry.toml --label 'new administrator' --scopes admin --out admin.token
  hufu registry token list
  hufu registry token revoke 7
  hufu registry issuer put 310000 --name Shanghai --national 100000 --publisher 900000
  hufu registry issuer list
  hufu registry vault rotate --config registry/registry.toml
  hufu registry vault retire --config registry/registry.toml
  hufu registry trail verify --config registry/registry.toml";

/// Make, run and look after a registry.
#[derive(Debug, Subcommand)]
pub(crate) enum RegistryCommand {
    /// Make a registry's folder: configuration, vault key, publisher's key, certificate, an administrator's token
    Init(init::InitArgs),
    /// Run a registry
    Serve(serve::ServeArgs),
    /// Make, list and revoke tokens
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Say whose chains the registry keeps
    #[command(subcommand)]
    Issuer(super::issuer::IssuerCommand),
    /// Change the keys that seal personal fields
    #[command(subcommand)]
    Vault(vault::VaultCommand),
    /// Verify the trail
    #[command(subcommand)]
    Trail(trail::TrailCommand),
}

/// Runs `hufu registry`.
pub(crate) fn run(command: &RegistryCommand) -> anyhow::Result<Exit> {
    match command {
        RegistryCommand::Init(args) => init::run(args),
        RegistryCommand::Serve(args) => serve::run(args),
        RegistryCommand::Token(command) => token::run(command),
        RegistryCommand::Issuer(command) => super::issuer::run(command),
        RegistryCommand::Vault(command) => vault::run(command),
        RegistryCommand::Trail(command) => trail::run(command),
    }
}
