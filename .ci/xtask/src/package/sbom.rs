//! What is linked into the binary: a bill of materials (CycloneDX 1.5), and the licences as their authors wrote them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::binary::{Binary, sha256};
use crate::dependencies::{self, Dependency};
use crate::process::{cargo, output_of};

/// Both texts.
pub(crate) struct Materials {
    pub(crate) sbom: String,
    pub(crate) licences: String,
}

impl Materials {
    /// Of `binary`, built from the lock file with `features` of the package `hufu`.
    pub(crate) fn of(binary: &Binary, features: &str, version: &str, created: &str) -> Result<Materials> {
        let target = match binary.architecture {
            "arm64" => "aarch64-unknown-linux-gnu",
            _ => "x86_64-unknown-linux-gnu",
        };
        let edges = ["--edges", "normal,no-proc-macro"];
        let linked: BTreeSet<Dependency> = dependencies::tree(
            target,
            ["--package", "hufu", "--features", features].into_iter().chain(edges),
        )?
        .into_iter()
        .filter(|dependency| dependency.source.is_empty())
        .collect();
        ensure_complete(binary, &linked)?;
        let lock = fs::read_to_string("Cargo.lock").context("Cargo.lock")?;
        let sbom = json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "version": 1,
            "metadata": {
                "timestamp": created,
                "component": {
                    "type": "application",
                    "bom-ref": "hufu",
                    "name": "hufu",
                    "version": version,
                    "licenses": [{ "expression": "Apache-2.0" }],
                    "hashes": [{ "alg": "SHA-256", "content": sha256(&binary.bytes) }],
                    "properties": [
                        { "name": "cargo:features", "value": features },
                        { "name": "rustc", "value": binary.compiler },
                    ],
                },
            },
            "components": components(&linked, &checksums(&lock)?),
        });
        let sbom = format!("{}\n", serde_json::to_string_pretty(&sbom)?);
        Ok(Materials { sbom, licences: licences(&linked, &folders(target)?)? })
    }
}

/// Refuses a bill that lacks a crate which the binary names.
fn ensure_complete(binary: &Binary, linked: &BTreeSet<Dependency>) -> Result<()> {
    let listed: BTreeSet<String> = linked.iter().map(|one| format!("{}-{}", one.name, one.version)).collect();
    let missing: Vec<String> = binary.crates().into_iter().filter(|name| !listed.contains(name)).collect();
    ensure!(
        missing.is_empty(),
        "the binary has crates that Cargo.lock and the features do not bring: {}. It was built with other features \
         (--features says which) or from another commit",
        missing.join(", ")
    );
    Ok(())
}

fn components(linked: &BTreeSet<Dependency>, checksums: &BTreeMap<(String, String), String>) -> Vec<Value> {
    let component = |one: &Dependency| {
        let purl = format!("pkg:cargo/{}@{}", one.name, one.version.replace('+', "%2B"));
        // "MIT/Apache-2.0" is how crates wrote "or" before they wrote SPDX.
        let licence = one.licence.replace('/', " OR ");
        let checksum = checksums.get(&(one.name.clone(), one.version.clone()));
        json!({
            "type": "library",
            "bom-ref": purl,
            "name": one.name,
            "version": one.version,
            "purl": purl,
            "licenses": [{ "expression": licence }],
            "hashes": checksum.iter().map(|sum| json!({ "alg": "SHA-256", "content": sum })).collect::<Vec<_>>(),
        })
    };
    linked.iter().map(component).collect()
}

/// The checksums of a lock file, by name and version.
fn checksums(lock: &str) -> Result<BTreeMap<(String, String), String>> {
    let lock: toml::Table = toml::from_str(lock).context("Cargo.lock")?;
    let packages =
        lock.get("package").and_then(toml::Value::as_array).context("Cargo.lock has no packages")?;
    let text = |package: &toml::Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    Ok(packages
        .iter()
        .filter_map(|one| Some(((text(one, "name")?, text(one, "version")?), text(one, "checksum")?)))
        .collect())
}

/// The folder of each crate, by name and version.
fn folders(target: &str) -> Result<BTreeMap<(String, String), PathBuf>> {
    let which = ["metadata", "--locked", "--all-features", "--format-version", "1"];
    let metadata = output_of(cargo(which).args(["--filter-platform", target]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let text = |package: &Value, key: &str| package[key].as_str().unwrap_or_default().to_owned();
    let folder = |package: &Value| PathBuf::from(text(package, "manifest_path")).parent().map(Path::to_owned);
    Ok(packages
        .iter()
        .filter_map(|one| Some(((text(one, "name"), text(one, "version")), folder(one)?)))
        .collect())
}

/// Every text once, with the crates whose it is; those without a text at the end.
fn licences(linked: &BTreeSet<Dependency>, folders: &BTreeMap<(String, String), PathBuf>) -> Result<String> {
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut without = Vec::new();
    for one in linked {
        let told = format!("{} {}: {}", one.name, one.version, one.licence);
        let folder = folders.get(&(one.name.clone(), one.version.clone()));
        let folder = folder.with_context(|| format!("cargo metadata does not name {told}"))?;
        let files = licence_files(folder)?;
        if files.is_empty() {
            without.push(told.clone());
        }
        for file in files {
            let text = String::from_utf8_lossy(&fs::read(file)?).replace('\r', "");
            texts.entry(text.trim_end().to_owned()).or_default().insert(told.clone());
        }
    }
    let rule = "=".repeat(80);
    let mut all = String::from("What is linked into hufu, and under which licences.\n");
    for (text, crates) in &texts {
        let crates: Vec<&str> = crates.iter().map(String::as_str).collect();
        let _ = write!(all, "\n{rule}\n{}\n{rule}\n\n{text}\n", crates.join("\n"));
    }
    let _ = write!(all, "\n{rule}\nWithout a licence file of their own:\n{}\n{rule}\n", without.join("\n"));
    Ok(all)
}

/// Licence files in `folder` and below it: what a crate has copied in has licences of its own.
fn licence_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().to_uppercase();
            let is_code = ["RS", "C", "H", "GO", "PY"].iter().any(|kind| name.ends_with(&format!(".{kind}")));
            let is_licence =
                ["LICEN", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"].iter().any(|n| name.starts_with(n));
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if is_licence && !is_code {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(name: &str, version: &str, licence: &str) -> Dependency {
        let [name, version, licence] = [name, version, licence].map(str::to_owned);
        Dependency { name, version, source: String::new(), licence }
    }

    #[test]
    fn a_component_has_its_licence_and_the_checksum_of_the_lock_file() {
        let lock = "version = 4\n[[package]]\nname = \"quinn\"\nversion = \"0.11.12\"\nchecksum = \"ab12\"\n";
        let linked = BTreeSet::from([dependency("quinn", "0.11.12", "MIT/Apache-2.0")]);
        let components = components(&linked, &checksums(lock).unwrap());
        assert_eq!(components[0]["purl"], "pkg:cargo/quinn@0.11.12");
        assert_eq!(components[0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(components[0]["hashes"][0]["content"], "ab12");
    }

    #[test]
    fn a_crate_that_the_bill_lacks_is_found_in_the_binary() {
        let bytes =
            b"..\0/home/a/.cargo/registry/src/index.crates.io-1949cf8c/quinn-0.11.12/src/lib.rs\0".to_vec();
        let binary = Binary {
            bytes,
            architecture: "amd64",
            libraries: Vec::new(),
            loader: PathBuf::new(),
            depends: String::new(),
            compiler: String::new(),
        };
        let with = |version: &str| BTreeSet::from([dependency("quinn", version, "MIT")]);
        assert!(ensure_complete(&binary, &with("0.11.12")).is_ok());
        let fault = ensure_complete(&binary, &with("0.11.11")).unwrap_err().to_string();
        assert!(fault.contains("quinn-0.11.12"), "{fault}");
    }
}
