//! The stage `packages`: makes everything twice, looks into it, installs it and has it started.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use flate2::read::GzDecoder;
use serde_json::Value;

use super::binary::sha256;
use super::deb::SERVICES;
use super::start::{self, Root};
use super::tree::empty;
use super::{Build, oci};
use crate::counts::Counts;
use crate::process::{cargo, output_of, run};
use crate::tools;

/// Runs the stage with the binary that the demonstration was run with.
pub(crate) fn stage() -> Result<Counts> {
    run(&mut cargo(["build", "--locked", "--release"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let build = Build::of(&Path::new(&target).join("release/hufu"), "", None)?;
    let folder = Path::new("target/xtask/packages");
    build.write(folder)?;
    all(&build, folder)
}

/// Checks what `build` has written into `folder`; meanwhile it is made once more.
pub(crate) fn all(build: &Build, folder: &Path) -> Result<Counts> {
    let scratch = Path::new("target/xtask/scratch");
    empty(scratch)?;
    let scratch = scratch.canonicalize()?;
    thread::scope(|scope| {
        let again = scope.spawn(|| build.write(&scratch.join("again")));
        let checks = usable(build, folder, &scratch)?;
        let again = again.join().map_err(|_| anyhow!("making them once more has failed"))??;
        ensure_equal(folder, &again)?;
        println!("made twice, the same bytes");
        Ok(Counts { passed: checks + 1, failed: 0 })
    })
}

/// Looks into everything, installs it and starts it; answers with the number of checks.
fn usable(build: &Build, folder: &Path, scratch: &Path) -> Result<u64> {
    let mut checks = 0;
    let mut shown = |what: &str| {
        println!("{what}");
        checks += 1;
    };
    let packages = packages(folder)?;
    for package in &packages {
        ensure_sound(build, package)?;
    }
    shown("control fields, owners and modes of each package");

    let root = Root::new(scratch.join("root"), tools::is_root()?)?;
    install(&root, &packages)?;
    shown("installed: users, folders, configuration");
    for service in SERVICES {
        ensure_hardened(&root.path, service.units)?;
    }
    shown("units, as systemd reads them and as hard as they claim to be");
    for library in &build.binary.libraries {
        root.add(library)?;
    }
    start::registry(&root)?;
    shown("the installed registry serves and stops");
    start::engine_and_gate(&root)?;
    shown("the installed engine admits a holder at the installed gate's socket");

    let image = unpack(build, folder, &scratch.join("image"))?;
    start::image(&Root::new(image, root.may_chroot)?, &root, &build.binary.loader)?;
    shown("the image's digests hold; it serves as its own user");
    if root.may_chroot {
        remove(&root)?;
        shown("removed and purged; keys and the database are still there");
    }
    Ok(checks)
}

/// Every file of `again` is in `folder` with the same bytes.
fn ensure_equal(folder: &Path, again: &[PathBuf]) -> Result<()> {
    for file in again {
        let name = file.file_name().unwrap_or_default();
        ensure!(
            fs::read(file)? == fs::read(folder.join(name))?,
            "{} differs from a second one",
            file.display()
        );
    }
    Ok(())
}

fn packages(folder: &Path) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let mut packages: Vec<_> =
        files.into_iter().filter(|file| file.extension().is_some_and(|e| e == "deb")).collect();
    packages.sort();
    ensure!(packages.len() == 1 + SERVICES.len(), "{} packages in {}", packages.len(), folder.display());
    Ok(packages)
}

/// What `dpkg-deb` says about one package.
fn ensure_sound(build: &Build, package: &Path) -> Result<()> {
    let field = |name: &str| output_of(Command::new("dpkg-deb").arg("--field").arg(package).arg(name));
    let (name, depends) = (field("Package")?, field("Depends")?);
    let name = name.trim();
    ensure!(field("Version")?.trim() == build.version, "{name}: the version is not {}", build.version);
    let needs = if name == "hufu" { "libc6 (>= 2." } else { "hufu (= " };
    ensure!(depends.starts_with(needs), "{name} depends on {depends:?}");
    let contents = output_of(Command::new("dpkg-deb").arg("--contents").arg(package))?;
    for line in contents.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[mode, owner, .., path] = words.as_slice() else { bail!("dpkg-deb printed {line:?}") };
        let expected = match path {
            _ if mode.starts_with('d') => "drwxr-xr-x",
            "./usr/bin/hufu" => "-rwxr-xr-x",
            _ => "-rw-r--r--",
        };
        ensure!(owner == "root/root" && mode == expected, "{name}: {line}");
    }
    // Units and configuration are missed where they are used.
    let read_by_people = match name {
        "hufu" => {
            vec![
                "man/man1/hufu-check.1.gz",
                "bash-completion/completions/hufu",
                "doc/hufu/hufu.cdx.json",
                "doc/hufu/examples/systemd/hufu-gate.service",
            ]
        }
        _ => Vec::new(),
    };
    for path in read_by_people.into_iter().chain(Some(format!("doc/{name}/copyright").as_str())) {
        ensure!(contents.contains(&format!(" ./usr/share/{path}\n")), "{name} has no /usr/share/{path}");
    }
    Ok(())
}

/// Installs the packages: by dpkg with their scripts as root, else their files alone.
fn install(root: &Root, packages: &[PathBuf]) -> Result<()> {
    if !root.may_chroot {
        for package in packages {
            output_of(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&root.path))?;
        }
        for state in SERVICES.iter().flat_map(|service| service.state) {
            fs::create_dir_all(root.at(state))?;
        }
        return Ok(());
    }
    output_of(dpkg(root)?.arg("--install").args(packages))?;
    let users = fs::read_to_string(root.at("/etc/passwd"))?;
    for service in SERVICES {
        ensure!(users.contains(&format!("{}:x:", service.name)), "no user {} in {users:?}", service.name);
        for state in service.state {
            let folder = fs::metadata(root.at(state)).with_context(|| format!("no {state}"))?;
            let expected = (root.user(service.name)?.0, 0o700);
            ensure!(
                (folder.uid(), folder.permissions().mode() & 0o7777) == expected,
                "{state} is not its user's alone"
            );
        }
    }
    // An upgrade leaves what an operator has written.
    let configuration = root.at("/etc/hufu/engine.toml");
    let text = format!("{}# ours\n", fs::read_to_string(&configuration)?);
    fs::write(&configuration, &text)?;
    output_of(dpkg(root)?.arg("--install").args(packages))?;
    ensure!(fs::read_to_string(&configuration)? == text, "an upgrade has changed engine.toml");
    Ok(())
}

/// Takes all packages out again, with their configuration.
fn remove(root: &Root) -> Result<()> {
    let names = SERVICES.iter().map(|service| service.name);
    output_of(dpkg(root)?.arg("--remove").args(names.clone()))?;
    ensure!(root.at("/etc/hufu/engine.toml").exists(), "a removal has taken the configuration");
    output_of(dpkg(root)?.arg("--purge").args(names))?;
    for gone in ["/etc/hufu/engine.toml", "/usr/lib/systemd/system/hufu-engine.service"] {
        ensure!(!root.at(gone).exists(), "{gone} is still there");
    }
    for kept in
        ["/etc/hufu/vault.key", "/var/lib/hufu-registry/registry.db", "/var/lib/hufu-engine/cluster.keys"]
    {
        ensure!(root.at(kept).exists(), "a purge has taken {kept}");
    }
    Ok(())
}

/// `dpkg` in a root that has no shell: scripts run outside it, and are told where it is.
fn dpkg(root: &Root) -> Result<Command> {
    let folder = root.at("/var/lib/dpkg");
    for folder in ["info", "updates", "triggers"].map(|name| folder.join(name)) {
        fs::create_dir_all(folder)?;
    }
    for file in
        ["status", "available"].map(|name| folder.join(name)).into_iter().filter(|file| !file.exists())
    {
        fs::write(file, "")?;
    }
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let mut dpkg = Command::new("dpkg");
    dpkg.env("PATH", path).env("LC_ALL", "C").arg(format!("--root={}", root.path.display()));
    dpkg.arg(format!("--log={}", root.at("/dpkg.log").display()));
    dpkg.args(["--force-depends", "--force-script-chrootless", "--force-confold"]);
    Ok(dpkg)
}

/// Exposure in tenths, as `systemd-analyze security` counts it: 100 is a service without any protection.
const EXPOSURE_MAX: u32 = 15;

/// Has systemd read units in `root`, and say how exposed services are.
fn ensure_hardened(root: &Path, units: &[&str]) -> Result<()> {
    let told = output_of(Command::new("systemd-analyze").arg("--version"))?;
    let version: u32 = told.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    ensure!(
        version >= 250,
        "systemd {version} cannot look at units that are not installed: 250 or later is needed"
    );
    // What units refer to is this machine's; what they start is the package's, and something executable as kill.
    for entry in fs::read_dir("/usr/lib/systemd/system").or_else(|_| fs::read_dir("/lib/systemd/system"))? {
        let path = entry?.path();
        let to = root.join("usr/lib/systemd/system").join(path.file_name().unwrap_or_default());
        if path.extension().is_some_and(|kind| kind == "target" || kind == "slice")
            && !to.exists()
            && path.is_file()
        {
            fs::copy(&path, to)?;
        }
    }
    fs::create_dir_all(root.join("bin"))?;
    fs::copy(root.join("usr/bin/hufu"), root.join("bin/kill"))?;
    let in_root = format!("--root={}", root.display());
    for unit in units {
        let verify = Command::new("systemd-analyze").args(["verify", "--man=no", &in_root, unit]).output()?;
        let said = String::from_utf8_lossy(&verify.stderr);
        ensure!(verify.status.success() && said.trim().is_empty(), "{unit}: {said}");
        if unit.ends_with(".service") {
            let threshold = format!("--threshold={EXPOSURE_MAX}");
            let security = ["security", "--no-pager", "--offline=true", &in_root, &threshold, unit];
            let security = Command::new("systemd-analyze").args(security).output()?;
            let said = String::from_utf8_lossy(&security.stdout);
            ensure!(security.status.success(), "{unit} is more exposed than {EXPOSURE_MAX}:\n{said}");
        }
    }
    Ok(())
}

/// Unpacks the image as a container engine does, with every digest compared.
fn unpack(build: &Build, folder: &Path, into: &Path) -> Result<PathBuf> {
    let (version, architecture) = (&build.version, build.binary.architecture);
    let layout = into.join("layout");
    fs::create_dir_all(&layout)?;
    let file = folder.join(format!("hufu_{version}_{architecture}.oci.tar"));
    tar::Archive::new(fs::File::open(&file)?).unpack(&layout)?;
    let blob = |descriptor: &Value| {
        let digest = descriptor["digest"].as_str().and_then(|digest| digest.strip_prefix("sha256:"));
        let digest = digest.context("a descriptor without a digest")?;
        let bytes = fs::read(layout.join("blobs/sha256").join(digest))?;
        ensure!(
            sha256(&bytes) == digest && descriptor["size"] == bytes.len(),
            "the blob {digest} is another one"
        );
        Ok(bytes)
    };
    let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json"))?)?;
    let manifest: Value = serde_json::from_slice(&blob(&index["manifests"][0])?)?;
    let config: Value = serde_json::from_slice(&blob(&manifest["config"])?)?;
    ensure!(config["config"]["User"] == format!("{0}:{0}", oci::USER), "the image's user is another one");
    ensure!(config["config"]["Entrypoint"] == serde_json::json!(["/usr/bin/hufu"]), "another entry point");
    let root = into.join("root");
    fs::create_dir_all(&root)?;
    let layers = manifest["layers"].as_array().context("a manifest without layers")?;
    for (number, layer) in layers.iter().enumerate() {
        let mut content = Vec::new();
        GzDecoder::new(blob(layer)?.as_slice()).read_to_end(&mut content)?;
        let wanted = format!("sha256:{}", sha256(&content));
        ensure!(config["rootfs"]["diff_ids"][number] == wanted, "layer {number} has another content");
        let mut archive = tar::Archive::new(content.as_slice());
        archive.set_preserve_permissions(true);
        archive.set_preserve_ownerships(tools::is_root()?);
        archive.unpack(&root)?;
    }
    Ok(root)
}
