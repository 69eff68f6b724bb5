//! `hufu registry`: the source of truth, made, run and looked after.

mod backup;
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
  hufu registry backup --config registry/registry.toml /backup/registry-2026-11-29.db
  hufu registry restore --config registry/registry.toml /backup/registry-2026-11-29.db
  hufu registry token new --label 'engine at north station' --scopes feed --issuer 310000 --out feed.token
  hufu registry token new --config registry/registry.toml --label 'new administrator' --scopes admin --out admin.token
  hufu registry token list
  hufu registry token revoke 7
  hufu registry issuer put 310000 --name Shanghai --national 100000 --publisher 900000
  hufu registry issuer list
  hufu registry vault rotate --config registry/registry.toml
  hufu registry vault retire --config registry/registry.toml
  hufu registry trail verify --config registry/registry.toml

A copy of registry.db alone is no backup while a registry runs: what was committed last stands in registry.db-wal. backup \\
takes both, and looks at every page, chain and line of the trail before the file gets its name. PostgreSQL has tools of its \\
own (docs/OPERATIONS.md, Backups).";

/// Make, run and look after a registry.
#[derive(Debug, Subcommand)]
pub(crate) enum RegistryCommand {
    /// Make a registry's folder: configuration, vault key, publisher's key, certificate, an administrator's token
    Init(init::InitArgs),
    /// Write the SQLite database into a new file while the registry runs, and verify it
    Backup(backup::BackupArgs),
    /// Make the SQLite database out of a backup; nothing is overwritten
    Restore(backup::RestoreArgs),
    /// Go on with a database that lacks sets which this registry has had
    AcceptLoss(backup::AcceptLossArgs),
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
        RegistryCommand::Backup(args) => backup::back_up(args),
        RegistryCommand::Restore(args) => backup::restore(args),
        RegistryCommand::AcceptLoss(args) => backup::accept_loss(args),
        RegistryCommand::Serve(args) => serve::run(args),
        RegistryCommand::Token(command) => token::run(command),
        RegistryCommand::Issuer(command) => super::issuer::run(command),
        RegistryCommand::Vault(command) => vault::run(command),
        RegistryCommand::Trail(command) => trail::run(command),
    }
}
