//! `cargo xtask package`: Debian packages, a container image and a bill of materials of one binary, the same bytes each
//! time.

mod binary;
pub(crate) mod check;
mod deb;
mod oci;
mod sbom;
mod start;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use flate2::Compression;

use crate::process::{cargo, output_of, run as run_command};
use binary::{Binary, sha256};
use sbom::Materials;
use tree::{Tree, empty, gzip};

const EXAMPLES: &str = "Examples:
  cargo xtask package
  cargo xtask package --binary target/release/hufu --features '' --out packages
  SOURCE_DATE_EPOCH=1795883865 cargo xtask package --version 1.2.0

Needs dpkg-deb, ldd, readelf and md5sum.
Without --binary it builds hufu with every connector, in target/package.
All times are SOURCE_DATE_EPOCH, by default that of the last commit.
The same binary gives the same bytes: docs/PACKAGES.md has more.";

/// Options of `cargo xtask package`.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Pack this binary and build none
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// The features of the package hufu that the binary is built with
    #[arg(long, value_name = "FEATURES", default_value = "full")]
    features: String,
    /// The packages' version; by default the workspace's and the time of the commit
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// Where to put them, in place of earlier ones; other files there stay
    #[arg(long, value_name = "FOLDER", default_value = "target/packages")]
    out: PathBuf,
    /// Install and start what was made, as the stage `packages` does
    #[arg(long)]
    check: bool,
}

const COPYRIGHT: &str = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: hufu

Files: *
Copyright: the authors of hufu
License: Apache-2.0
 See /usr/share/common-licenses/Apache-2.0.
Comment:
 What is linked into the program is listed in /usr/share/doc/hufu/hufu.cdx.json; the texts of its licences are in
 /usr/share/doc/hufu/licences.txt.
";

/// What all packages are made of.
pub(crate) struct Build {
    binary: Binary,
    version: String,
    commit: String,
    /// Unix seconds.
    epoch: u64,
    /// `epoch` as RFC 3339 writes it.
    created: String,
    materials: Materials,
    /// Completions and manual pages, by their path in the package.
    manual: Vec<(String, Vec<u8>)>,
}

/// Runs `cargo xtask package`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => built(&options.features)?,
    };
    let build = Build::of(&binary, &options.features, options.version.as_deref())?;
    for file in build.write(&options.out)? {
        println!("{}", file.display());
    }
    if options.check {
        check::all(&build, &options.out)?;
    }
    Ok(())
}

/// The binary as packages have it. A target folder of its own: the flags would have everything else built again.
fn built(features: &str) -> Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home
        .or_else(|| Some(std::env::home_dir()?.join(".cargo")))
        .context("neither CARGO_HOME nor HOME is set")?;
    let here = std::env::current_dir()?.canonicalize()?;
    let (home, here) = (home.display(), here.display());
    let rust = format!("--remap-path-prefix={home}=/cargo --remap-path-prefix={here}=/hufu");
    let c = format!("-ffile-prefix-map={home}=/cargo -ffile-prefix-map={here}=/hufu");
    let build = [
        "build",
        "--locked",
        "--release",
        "--package",
        "hufu",
        "--target-dir",
        "target/package",
        "--features",
    ];
    run_command(cargo(build).arg(features).env("RUSTFLAGS", rust).env("CFLAGS", c))?;
    Ok("target/package/release/hufu".into())
}

impl Build {
    pub(crate) fn of(path: &Path, features: &str, version: Option<&str>) -> Result<Build> {
        let binary = Binary::read(path)?;
        let git = |arguments: &[&str]| {
            output_of(Command::new("git").args(arguments)).map(|text| text.trim().to_owned())
        };
        let epoch = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(epoch) => epoch,
            Err(_) => git(&["log", "-1", "--format=%ct"])
                .context("SOURCE_DATE_EPOCH is not set, and there is no commit")?,
        };
        let epoch: u64 = epoch.parse().context("SOURCE_DATE_EPOCH is not a number of seconds")?;
        let date = |format: &str| {
            let told = output_of(Command::new("date").args(["--utc", &format!("--date=@{epoch}"), format]))?;
            anyhow::Ok(told.trim().to_owned())
        };
        let created = date("+%Y-%m-%dT%H:%M:%SZ")?;
        let version = match version {
            Some(version) => version.to_owned(),
            // A later commit is a later version.
            None => format!("{}+{}", workspace_version()?, date("+%Y%m%d.%H%M%S")?),
        };
        let commit = git(&["rev-parse", "HEAD"]).unwrap_or_else(|_| "unknown".to_owned());
        let materials = Materials::of(&binary, features, &version, &created)?;
        let manual = manual(path)?;
        Ok(Build { binary, version, commit, epoch, created, materials, manual })
    }

    /// Writes everything into `folder`, in place of earlier packages there. Other files in it stay.
    pub(crate) fn write(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        fs::create_dir_all(folder)?;
        remove_earlier(folder)?;
        let mut files = deb::write(self, folder)?;
        let (version, architecture) = (&self.version, self.binary.architecture);
        let image = folder.join(format!("hufu_{version}_{architecture}.oci.tar"));
        fs::write(&image, oci::image(self)?)?;
        let sbom = folder.join(format!("hufu_{version}_{architecture}.cdx.json"));
        fs::write(&sbom, &self.materials.sbom)?;
        files.extend([image, sbom]);
        let mut sums = String::new();
        for file in &files {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            sums.extend([sha256(&fs::read(file)?).as_str(), "  ", &name, "\n"]);
        }
        files.push(folder.join("SHA256SUMS"));
        fs::write(folder.join("SHA256SUMS"), sums)?;
        Ok(files)
    }

    /// The program, what it is made of, and who may do what with it.
    fn add_program(&self, tree: &mut Tree) {
        tree.file("usr/bin/hufu", 0o755, self.binary.bytes.as_slice());
        let mut document =
            |name: &str, text: &str| tree.file(&format!("usr/share/doc/hufu/{name}"), 0o644, text);
        document("copyright", COPYRIGHT);
        document("hufu.cdx.json", &self.materials.sbom);
        document("licences.txt", &self.materials.licences);
    }
}

/// Removes packages of another version, so that `hufu_*.deb` is one file.
fn remove_earlier(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_ours = name.starts_with("hufu")
            && [".deb", ".oci.tar", ".cdx.json"].iter().any(|end| name.ends_with(end));
        if is_ours && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn workspace_version() -> Result<String> {
    let manifest: toml::Table = toml::from_str(&fs::read_to_string("Cargo.toml")?)?;
    let version = manifest.get("workspace").and_then(|all| all.get("package")?.get("version")?.as_str());
    Ok(version.context("Cargo.toml has no workspace.package.version")?.to_owned())
}

/// Asks the binary for completions and manual pages.
fn manual(binary: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let binary = binary.canonicalize()?;
    let mut manual = Vec::new();
    for (shell, path) in [
        ("bash", "usr/share/bash-completion/completions/hufu"),
        ("zsh", "usr/share/zsh/vendor-completions/_hufu"),
        ("fish", "usr/share/fish/vendor_completions.d/hufu.fish"),
    ] {
        manual.push((
            path.to_owned(),
            output_of(Command::new(&binary).args(["completions", shell]))?.into_bytes(),
        ));
    }
    let folder = Path::new("target/xtask/man");
    empty(folder)?;
    output_of(Command::new(&binary).arg("man").arg(folder))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("usr/share/man/man1/{}.gz", entry.file_name().to_string_lossy());
        manual.push((path, gzip(&fs::read(entry.path())?, Compression::best())?));
    }
    ensure!(manual.len() > 3, "`hufu man` has written no page");
    Ok(manual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_what_is_not_a_package() {
        let folder = std::env::temp_dir().join(format!("hufu-out-{}", std::process::id()));
        empty(&folder).unwrap();
        for name in ["hufu_0.1.0_amd64.deb", "hufu-gate_0.1.0_all.deb", "hufu.toml", "letter.deb"] {
            fs::write(folder.join(name), "").unwrap();
        }
        remove_earlier(&folder).unwrap();
        let left = |name: &str| folder.join(name).exists();
        assert!(left("hufu.toml") && left("letter.deb"));
        assert!(!left("hufu_0.1.0_amd64.deb") && !left("hufu-gate_0.1.0_all.deb"));
        fs::remove_dir_all(folder).unwrap();
    }
}
