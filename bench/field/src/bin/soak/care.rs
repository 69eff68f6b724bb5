//! What an operator and time do to a deployment: every file is read again, sessions and certificates are renewed, logs are
//! rotated.

use std::fs::{self, File};
use std::path::Path;

use anyhow::Result;
use hufu_field::{Deployment, Engine, Registry, eventually};
use hufu_wire::Lane;

/// One round of all of it.
pub(crate) fn round(
    deployment: &Deployment,
    engine: &Engine,
    registry: &Registry,
    number: u32,
) -> Result<()> {
    // Sites: the same rules with another comment, so that the file differs.
    let sites = fs::read_to_string(deployment.path("sites.toml"))?;
    let rules = sites.split_once("# round ").map_or(sites.as_str(), |(rules, _)| rules);
    deployment.write("sites.toml", &format!("{rules}# round {number}\n"))?;
    // The trust list: its next version, for the engine and for the registry.
    deployment.run("keys trust refresh --operator operator.key --list trust.hufu")?;
    fs::copy(deployment.path("trust.hufu"), deployment.path("registry/new.hufu"))?;
    fs::rename(deployment.path("registry/new.hufu"), deployment.path("registry/trust.hufu"))?;
    // Revocations, and the certificates of the engine and of the registry.
    deployment.run("ca refresh --dir ca")?;
    deployment.run("ca server --dir ca --out engine --renew")?;
    // A token.
    let who = format!("--label round-{number} --scopes audit --out round-{number}.token");
    deployment.run(&format!("registry token new --config registry/registry.toml {who}"))?;
    // A session of a gate that comes and goes. A machine that is stopped for a while answers later.
    let code = deployment.codes()?.swap_remove(0);
    eventually("a gate that comes and goes is not answered", || {
        let mut gate = deployment.gate(1, engine.control())?;
        Ok(gate.check(code.as_bytes(), Lane(0))?)
    })?;
    for log in [engine.name(), registry.name()] {
        rotate(&deployment.path(&format!("{log}.log")))?;
    }
    Ok(())
}

/// As `logrotate` does it with `copytruncate`: the process goes on to write to the same file.
fn rotate(log: &Path) -> Result<()> {
    fs::copy(log, log.with_extension("log.1"))?;
    Ok(File::options().write(true).open(log)?.set_len(0)?)
}
