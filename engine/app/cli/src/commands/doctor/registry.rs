//! A registry's files, store and address.

use std::path::Path;

use hufu_office::Config;
use hufu_office::config::StoreUrl;

use super::look::{certificate, port, reach, secret, trust};
use super::{Findings, State};

/// Examines a registry.
pub(super) fn examine(path: &Path, findings: &mut Findings) {
    let what = "registry configuration";
    let todo = "correct the line; docs/examples/registry.toml has every key";
    let Some(config) = findings.read(what, Config::load(path), todo) else { return };
    findings.ok(what, path.display().to_string());
    let files = &config.files;
    trust(findings, &files.operator_key, &files.trust_list);
    secret(findings, "vault", &files.vault);
    for (what, keys) in [
        ("publisher key", &files.publisher_keys),
        ("credential key", &files.credential_keys),
        ("roster key", &files.roster_keys),
    ] {
        for key in keys {
            secret(findings, what, key);
        }
    }
    if let Some(path) = &files.certificate {
        certificate(findings, "API certificate", path.get_ref(), "hufu ca server --renew, and copy it here");
    }
    if let Some(path) = &files.key {
        secret(findings, "API key", path);
    }
    match StoreUrl::read(config.store.url.get_ref()) {
        Some(StoreUrl::Sqlite(file)) if file.is_file() => findings.ok("store", file.display().to_string()),
        Some(StoreUrl::Sqlite(file)) => {
            let found = format!("{} is missing", file.display());
            findings.add("store", State::Bad, found, "hufu registry init makes one; a backup restores one");
        }
        Some(StoreUrl::Postgres(url)) => reach(findings, "store", &url, 5432),
        None => findings.add(
            "store",
            State::Bad,
            "the url names no database",
            "write sqlite:FILE or postgres://...",
        ),
    }
    port(findings, "API", *config.listen.api.get_ref(), false);
    if let Some(address) = config.listen.metrics.0 {
        port(findings, "metrics", address, false);
    }
    if let Some(nats) = &config.nats {
        for server in nats.servers.get_ref().split(',') {
            reach(findings, "NATS", server.trim(), 4222);
        }
    }
}
