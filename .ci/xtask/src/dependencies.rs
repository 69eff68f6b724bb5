//! What the product is made of: held against `deny.toml` for every platform it names. `cargo deny` says the
//! same and more where it is installed; this needs nothing but cargo.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::counts::Counts;
use crate::licence;
use crate::process::{cargo, is_installed, output_of, run};

/// The part of `deny.toml` that is checked here.
#[derive(Deserialize)]
struct Rules {
    graph: Graph,
    bans: Bans,
    licenses: Licences,
}

#[derive(Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
}

#[derive(Deserialize)]
struct Licences {
    allow: Vec<String>,
}

/// One crate that is built into something of ours.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) version: String,
    /// Empty for crates of the registry, else a path, or where it comes from.
    pub(crate) source: String,
    pub(crate) licence: String,
}

/// Checks bans, licences and sources.
pub(crate) fn check() -> Result<Counts> {
    let text = fs::read_to_string("deny.toml").context("deny.toml cannot be read")?;
    let rules: Rules = toml::from_str(&text).context("deny.toml")?;
    let own = std::env::current_dir()?.canonicalize()?.display().to_string();
    let mut all = BTreeSet::new();
    for target in &rules.graph.targets {
        all.extend(built_for(target)?);
    }
    let faults: Vec<String> = all.iter().flat_map(|dependency| faults(dependency, &rules, &own)).collect();
    if !faults.is_empty() {
        bail!("{} faults:\n   {}", faults.len(), faults.join("\n   "));
    }
    println!("{} crates for {} keep to deny.toml", all.len(), rules.graph.targets.join(" and "));
    if is_installed("cargo-deny") {
        run(&mut cargo(["deny", "--locked", "--all-features", "check", "bans", "licenses", "sources"]))?;
    }
    Ok(Counts::ONE)
}

/// What cargo builds for `target` with every feature: tests and build scripts included.
fn built_for(target: &str) -> Result<Vec<Dependency>> {
    tree(target, ["--workspace", "--all-features", "--edges", "normal,build,dev"])
}

/// The crates that `cargo tree` names for `target`; one that is needed twice is named twice.
pub(crate) fn tree<'a>(target: &'a str, which: impl IntoIterator<Item = &'a str>) -> Result<Vec<Dependency>> {
    let tree = ["tree", "--locked", "--prefix", "none", "--format", "{p}|{l}", "--target", target];
    let tree = output_of(&mut cargo(tree.into_iter().chain(which)))?;
    tree.lines().filter(|line| !line.trim().is_empty()).map(dependency).collect()
}

/// Reads `name v1.2.3 (source) (proc-macro)|licence (*)`.
fn dependency(line: &str) -> Result<Dependency> {
    let unreadable = || format!("`cargo tree` printed {line:?}");
    let (package, licence) = line.rsplit_once('|').with_context(unreadable)?;
    let (name, rest) = package.split_once(" v").with_context(unreadable)?;
    let (version, remarks) = rest.split_once(' ').unwrap_or((rest, ""));
    Ok(Dependency {
        name: name.to_owned(),
        version: version.to_owned(),
        source: remarks.replace("(proc-macro)", "").trim().trim_matches(['(', ')']).to_owned(),
        licence: licence.trim_end_matches(" (*)").to_owned(),
    })
}

fn faults(dependency: &Dependency, rules: &Rules, own: &str) -> Vec<String> {
    let Dependency { name, version, source, licence } = dependency;
    let mut faults = Vec::new();
    if rules.bans.deny.iter().any(|ban| ban.name == *name) {
        faults.push(format!("{name} {version} is banned; `cargo tree --invert {name}` says who wants it"));
    }
    if !licence::is_allowed(licence, &rules.licenses.allow) {
        faults.push(format!("{name} {version} has the licence {licence:?}, which is not on the list"));
    }
    if !source.is_empty() && !source.starts_with(own) {
        faults.push(format!("{name} {version} comes from {source} and not from crates.io"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[&str]) {
        let rules = Rules {
            graph: Graph { targets: Vec::new() },
            bans: Bans { deny: vec![Ban { name: "ring".into() }] },
            licenses: Licences { allow: vec!["MIT".into()] },
        };
        assert_eq!(faults(&dependency(line).unwrap(), &rules, "/home/hufu"), expected, "{line}");
    }

    #[test]
    fn bans_licences_and_sources_are_told_apart() {
        check("zerocopy v0.8.63|MIT", &[]);
        check("serde_derive v1.0.228 (proc-macro)|MIT OR Apache-2.0 (*)", &[]);
        check("hufu-wire v0.1.0 (/home/hufu/engine/core/wire)|MIT", &[]);
        check("ring v0.17.14|MIT", &["ring 0.17.14 is banned; `cargo tree --invert ring` says who wants it"]);
        check(
            "sly v1.0.0|GPL-3.0-only",
            &["sly 1.0.0 has the licence \"GPL-3.0-only\", which is not on the list"],
        );
        check("bare v1.0.0|", &["bare 1.0.0 has the licence \"\", which is not on the list"]);
        check(
            "fork v1.0.0 (https://example.org/fork#0123)|MIT",
            &["fork 1.0.0 comes from https://example.org/fork#0123 and not from crates.io"],
        );
    }
}
