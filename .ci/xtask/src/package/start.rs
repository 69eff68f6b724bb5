//! Starts what was installed, with the configuration that was installed, and asks it.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::oci;
use crate::process::{Server, output_of};

/// A folder that stands for the root of a machine.
pub(crate) struct Root {
    pub(crate) path: PathBuf,
    /// As root its programs see nothing else and run as their own users. Else they run where they lie, as we do.
    pub(crate) may_chroot: bool,
}

impl Root {
    pub(crate) fn new(path: PathBuf, may_chroot: bool) -> Result<Root> {
        fs::create_dir_all(path.join("etc"))?;
        Ok(Root { path, may_chroot })
    }

    /// Where `path` lies, seen from outside.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.path.join(path.trim_start_matches('/'))
    }

    /// `path` as programs in it must be told.
    fn told(&self, path: &str) -> String {
        if self.may_chroot { path.to_owned() } else { self.at(path).display().to_string() }
    }

    /// Number of a user and of its group.
    pub(crate) fn user(&self, name: &str) -> Result<(u32, u32)> {
        let users = fs::read_to_string(self.at("/etc/passwd"))?;
        let line = users.lines().find(|line| line.split(':').next() == Some(name));
        let numbers: Vec<u32> =
            line.iter().flat_map(|line| line.split(':')).filter_map(|word| word.parse().ok()).collect();
        let &[user, group, ..] = numbers.as_slice() else { anyhow::bail!("no user {name}") };
        Ok((user, group))
    }

    /// Copies a file of this machine to the same place.
    pub(crate) fn add(&self, file: &Path) -> Result<()> {
        let to = self.at(&file.display().to_string());
        fs::create_dir_all(to.parent().context("a file in a folder")?)?;
        fs::copy(file, to).map(|_| ()).with_context(|| file.display().to_string())
    }

    /// `hufu` in it, as `user`.
    fn hufu(&self, user: &str) -> Result<Command> {
        let mut command = if self.may_chroot {
            let (user, group) = self.user(user)?;
            let mut command = Command::new("chroot");
            command.arg(format!("--userspec={user}:{group}")).arg(&self.path).arg("/usr/bin/hufu");
            command
        } else {
            Command::new(self.at("/usr/bin/hufu"))
        };
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        Ok(command)
    }

    /// Puts a file of the operator's into /etc/hufu. What its owner alone may read becomes `user`'s.
    fn configure(&self, file: &Path, user: &str) -> Result<()> {
        let to = self.at("/etc/hufu").join(file.file_name().context("a file")?);
        fs::copy(file, &to)?;
        if self.may_chroot && fs::metadata(&to)?.permissions().mode() & 0o777 == 0o600 {
            let (user, group) = self.user(user)?;
            chown(&to, Some(user), Some(group))?;
        }
        Ok(())
    }

    /// Has the installed configuration take any free port, and the folders where they lie for programs in it.
    fn free_ports(&self, file: &str, ports: &[u16]) -> Result<()> {
        let path = self.at(file);
        let mut text = fs::read_to_string(&path)?;
        for port in ports {
            let taken = format!("\"127.0.0.1:{port}\"");
            ensure!(text.contains(&taken), "{file} names no {taken}");
            text = text.replace(&taken, "\"127.0.0.1:0\"");
        }
        for key in ["metrics", "api"] {
            text = text.replace(&format!("# {key} = \"127.0.0.1:0\""), &format!("{key} = \"127.0.0.1:0\""));
        }
        if !self.may_chroot {
            text = text.replace("/var/lib/", &format!("{}/", self.at("/var/lib").display()));
        }
        Ok(fs::write(path, text)?)
    }
}

/// The operator's own machine: keys, lists and certificates are made there.
fn operator(root: &Root) -> Result<PathBuf> {
    let folder = root.path.with_file_name("operator");
    if !folder.exists() {
        fs::create_dir(&folder)?;
        hufu(root, &folder, "keys generate operator --out operator")?;
        hufu(root, &folder, "keys generate issuer --issuer 310000 --out shanghai")?;
        hufu(root, &folder, "keys trust new --operator operator.key --out trust.hufu")?;
        trust(root, &folder, "shanghai.pub --uses phone,instruction")?;
    }
    Ok(folder)
}

fn trust(root: &Root, folder: &Path, key: &str) -> Result<String> {
    hufu(root, folder, &format!("keys trust add --operator operator.key --list trust.hufu --key {key}"))
}

/// The installed program, outside its root.
fn hufu(root: &Root, folder: &Path, arguments: &str) -> Result<String> {
    output_of(Command::new(root.at("/usr/bin/hufu")).current_dir(folder).args(arguments.split(' ')))
}

/// A registry, made as docs/PACKAGES.md says.
pub(crate) fn registry(root: &Root) -> Result<()> {
    let operator = operator(root)?;
    root.configure(&operator.join("operator.pub"), "hufu-registry")?;
    root.configure(&operator.join("trust.hufu"), "hufu-registry")?;
    let (state, config) = (root.told("/var/lib/hufu-registry"), root.told("/etc/hufu/registry.toml"));
    let mut init = root.hufu("hufu-registry")?;
    init.args(["registry", "init", &format!("{state}/new"), "--issuer", "310000=Shanghai"]);
    init.args([
        "--store",
        &format!("sqlite:{state}/registry.db"),
        "--token-out",
        &format!("{state}/admin.token"),
    ]);
    output_of(&mut init)?;
    let made = root.at("/var/lib/hufu-registry/new");
    for name in ["vault.key", "publisher.key", "registry.key", "registry.pem"] {
        fs::rename(made.join(name), root.at("/etc/hufu").join(name))?;
    }
    trust(root, &operator, &format!("{} --uses head", made.join("publisher.pub").display()))?;
    root.configure(&operator.join("trust.hufu"), "hufu-registry")?;

    root.free_ports("/etc/hufu/registry.toml", &[7420])?;
    output_of(root.hufu("hufu-registry")?.args(["registry", "serve", "--check", "--config", &config]))?;
    let server = Server::start(root.hufu("hufu-registry")?.args(["registry", "serve", "--config", &config]))?;
    let mut list = Command::new(root.at("/usr/bin/hufu"));
    list.args(["registry", "issuer", "list", "--registry", &format!("https://{}", server.address("api")?)]);
    list.arg("--token").arg(root.at("/var/lib/hufu-registry/admin.token"));
    let told = output_of(list.arg("--ca").arg(made.join("ca/ca.pem")))?;
    ensure!(told.contains("Shanghai"), "the registry knows no Shanghai: {told}");
    server.stop()
}

/// An engine, and a gate that asks it over a socket as systemd hands it one.
pub(crate) fn engine_and_gate(root: &Root) -> Result<()> {
    let operator = operator(root)?;
    hufu(root, &operator, "ca init --dir ca")?;
    hufu(root, &operator, "ca server --dir ca --out engine")?;
    hufu(root, &operator, "snapshot new --issuer 310000 --out issuer-310000.snapshot")?;
    let green = "--holder 42 --colour green --test negative --doses 3";
    hufu(root, &operator, &format!("snapshot set issuer-310000.snapshot {green}"))?;
    for name in ["operator.pub", "trust.hufu", "engine.pem", "engine.key", "issuer-310000.snapshot"] {
        root.configure(&operator.join(name), "hufu-engine")?;
    }
    fs::create_dir_all(root.at("/etc/hufu/ca"))?;
    for name in ["ca/ca.pem", "ca/crl.pem"] {
        fs::copy(operator.join(name), root.at("/etc/hufu").join(name))?;
    }
    output_of(root.hufu("hufu-engine")?.args([
        "keys",
        "cluster",
        "new",
        "--state",
        &root.told("/var/lib/hufu-engine"),
    ]))?;
    root.free_ports("/etc/hufu/engine.toml", &[7410, 7411, 7412])?;
    let server = serve(root, "hufu-engine")?;

    let engine = server.address("quic")?;
    hufu(
        root,
        &operator,
        &format!("ca device --dir ca --device 7 --site 310101 --engine {engine} --out gate"),
    )?;
    for entry in fs::read_dir(operator.join("gate"))? {
        let path = entry?.path();
        let to = root.at("/var/lib/hufu-gate").join(path.file_name().unwrap_or_default());
        fs::copy(&path, &to)?;
        if root.may_chroot {
            let (user, group) = root.user("hufu-gate")?;
            chown(to, Some(user), Some(group))?;
        }
    }
    hufu(root, &operator, "issue phone --key shanghai.key --holder 42 --display Z*1234 --out h")?;
    let code = hufu(root, &operator, "present --holder h")?;
    let verdict = ask(root, code.trim())?;
    ensure!(verdict["decision"] == "admit", "the gate says {verdict}");
    server.stop()
}

/// Starts the installed engine and waits until it is ready for gates.
fn serve(root: &Root, user: &str) -> Result<Server> {
    let config = root.told("/etc/hufu/engine.toml");
    let server = Server::start(root.hufu(user)?.args(["serve", "--config", &config]))?;
    let mut page = TcpStream::connect(server.address("metrics")?)?;
    page.write_all(b"GET /readyz HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    page.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 200 "), "the engine is not ready: {answer}");
    Ok(server)
}

/// What the gate's unit runs, and one code.
fn ask(root: &Root, code: &str) -> Result<Value> {
    let unit = fs::read_to_string(root.at("/usr/lib/systemd/system/hufu-gate@.service"))?;
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=/usr/bin/hufu "));
    let start = start
        .context("the gate's unit starts no hufu")?
        .replace("/var/lib/hufu-gate", &root.told("/var/lib/hufu-gate"));
    let (ours, theirs) = UnixStream::pair()?;
    let input = OwnedFd::from(theirs.try_clone()?);
    let mut command = root.hufu("hufu-gate")?;
    let mut gate = command.args(start.split(' ')).stdin(input).stdout(OwnedFd::from(theirs)).spawn()?;
    // The child's ends are its own now.
    drop(command);
    ours.set_read_timeout(Some(Duration::from_secs(20)))?;
    writeln!(&ours, "{code}")?;
    let mut line = String::new();
    let answered = BufReader::new(&ours).read_line(&mut line);
    ours.shutdown(Shutdown::Write)?;
    let ended = gate.wait()?;
    answered.context("the gate gave no verdict")?;
    ensure!(ended.success(), "the gate ended with {ended}");
    Ok(serde_json::from_str(&line)?)
}

/// Runs an unpacked image: its version, and an engine with the configuration and keys of `configured`.
pub(crate) fn image(image: &Root, configured: &Root, loader: &Path) -> Result<()> {
    let told = if image.may_chroot {
        output_of(image.hufu("hufu")?.arg("--version"))?
    } else {
        // Its own loader and libraries, and no others.
        let libraries = image.path.join("lib").read_dir()?.filter_map(|entry| Some(entry.ok()?.path()));
        let libraries = libraries.filter(|path| path.is_dir()).map(|path| path.display().to_string());
        let mut command = Command::new(image.at(&loader.display().to_string()));
        command.arg("--library-path").arg(libraries.collect::<Vec<_>>().join(":"));
        output_of(command.arg(image.at("/usr/bin/hufu")).arg("--version"))?
    };
    ensure!(told.starts_with("hufu "), "the image's hufu says {told:?}");
    output_of(Command::new("cp").arg("-a").arg(configured.at("/etc/hufu")).arg(image.at("/etc")))?;
    fs::copy(configured.at("/var/lib/hufu-engine/cluster.keys"), image.at("/var/lib/hufu/cluster.keys"))?;
    if image.may_chroot {
        let user = u32::try_from(oci::USER)?;
        for file in ["etc/hufu/engine.key", "etc/hufu/issuer-310000.snapshot", "var/lib/hufu/cluster.keys"] {
            chown(image.at(file), Some(user), Some(user))?;
        }
    }
    let config = image.at("/etc/hufu/engine.toml");
    let there = configured.told("/var/lib/hufu-engine");
    let text = fs::read_to_string(&config)?.replace(&there, &image.told("/var/lib/hufu"));
    fs::write(config, text)?;
    serve(image, "hufu")?.stop()
}
