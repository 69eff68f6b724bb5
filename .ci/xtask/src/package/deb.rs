//! Debian packages: `hufu` with the program, and one for each service with its unit, user and configuration.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Build;
use super::tree::Tree;
use crate::process::output_of;

/// A package that runs `hufu` as a service.
pub(crate) struct Service {
    /// The package's name, and its user's.
    pub(crate) name: &'static str,
    /// Files of docs/examples/systemd. The first is what is enabled.
    pub(crate) units: &'static [&'static str],
    /// Files of docs/examples that become /etc/hufu, and the values they get there.
    pub(crate) configuration: &'static [(&'static str, &'static [(&'static str, &'static str)])],
    /// Folders of its user alone.
    pub(crate) state: &'static [&'static str],
    /// What must succeed, as its user, before an upgrade restarts it.
    check: &'static str,
    summary: &'static str,
    description: &'static str,
}

pub(crate) const SERVICES: &[Service] = &[
    Service {
        name: "hufu-engine",
        units: &["hufu-engine.service"],
        configuration: &[("engine.toml", &[("state", "/var/lib/hufu-engine")]), ("sites.toml", &[])],
        state: &["/var/lib/hufu-engine"],
        check: "hufu serve --config /etc/hufu/engine.toml --check",
        summary: "engine that verifies signed codes at checkpoints",
        description: "Answers gates over sealed UDP and QUIC: whether a code is genuine, and whether its holder may \
                      enter. Needs keys and certificates before it starts.",
    },
    Service {
        name: "hufu-registry",
        units: &["hufu-registry.service"],
        configuration: &[(
            "registry.toml",
            &[
                ("url", "sqlite:/var/lib/hufu-registry/registry.db"),
                ("chain_ends", "/var/lib/hufu-registry-ends/chain-ends"),
                ("snapshots", "/var/lib/hufu-registry/snapshots"),
                ("certificate", "registry.pem"),
                ("key", "registry.key"),
            ],
        )],
        state: &["/var/lib/hufu-registry", "/var/lib/hufu-registry-ends"],
        check: "PGPASSFILE=/etc/hufu/pgpass hufu registry serve --config /etc/hufu/registry.toml --check",
        summary: "registry of holders, credentials and status changes",
        description: "Keeps holders and the chains of doubly signed status changes, and hands them out to engines. \
                      Needs keys and a database before it starts.",
    },
    Service {
        name: "hufu-gate",
        units: &["hufu-gate.socket", "hufu-gate@.service"],
        configuration: &[],
        state: &["/var/lib/hufu-gate"],
        check: "true",
        summary: "verdicts of a Hufu engine for the programs of a gate",
        description: "A local socket: a gate's program writes what its scanner has read, a line a code, and reads a \
                      verdict for each as JSON. Needs the gate's folder from the operator.",
    },
];

const MAINTAINER: &str = "Hufu <packages@hufu.invalid>";

/// Writes the packages into `folder`; answers with their files.
pub(crate) fn write(build: &Build, folder: &Path) -> Result<Vec<PathBuf>> {
    let architecture = build.binary.architecture;
    let summary = "checkpoint verification engine: the program";
    let description = "One program for engines, registries, authorities, gates and people: \"hufu --help\" lists what \
                       it does. The packages hufu-engine, hufu-registry and hufu-gate run it as services.";
    let head = control("hufu", architecture, &build.version, &build.binary.depends, summary, description);
    let mut files =
        vec![pack(build, "hufu", architecture, &head, &program(build)?, Tree::default(), folder)?];
    for service in SERVICES {
        let depends = format!("hufu (= {}), {SYSTEMD}", build.version);
        let head =
            control(service.name, "all", &build.version, &depends, service.summary, service.description);
        let (tree, mut scripts) = (installed(service)?, Tree::default());
        for (name, text) in SCRIPTS {
            scripts.file(name, 0o755, script(text, service));
        }
        files.push(pack(build, service.name, "all", &head, &tree, scripts, folder)?);
    }
    Ok(files)
}

/// What makes users and folders; a container needs no systemd for it.
const SYSTEMD: &str = "systemd | systemd-standalone-sysusers | systemd-sysusers, \
                       systemd | systemd-standalone-tmpfiles | systemd-tmpfiles";

fn control(
    name: &str,
    architecture: &str,
    version: &str,
    depends: &str,
    summary: &str,
    description: &str,
) -> String {
    format!(
        "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: {MAINTAINER}\nSection: net\n\
         Priority: optional\nDepends: {depends}\nDescription: {summary}\n{}",
        folded(description)
    )
}

/// A description's lines, each with the blank that continues a field.
fn folded(text: &str) -> String {
    let mut folded = String::new();
    let mut width = 0;
    for word in text.split_whitespace() {
        if width + word.len() > 76 {
            folded.push('\n');
            width = 0;
        }
        width += 1 + word.len();
        folded.extend([" ", word]);
    }
    folded + "\n"
}

/// The program, what shells and `man` know of it, examples.
fn program(build: &Build) -> Result<Tree> {
    let mut tree = Tree::default();
    build.add_program(&mut tree);
    for (path, bytes) in &build.manual {
        tree.file(path, 0o644, bytes.as_slice());
    }
    documents(Path::new("docs"), "usr/share/doc/hufu", &mut tree)?;
    Ok(tree)
}

/// Everything below `folder`, as `at`: the documents link to each other, to examples and to pictures.
fn documents(folder: &Path, at: &str, tree: &mut Tree) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, at) = (entry.path(), format!("{at}/{}", entry.file_name().display()));
        if path.is_dir() {
            documents(&path, &at, tree)?;
        } else {
            tree.file(&at, 0o644, fs::read(&path)?);
        }
    }
    Ok(())
}

/// A service's files.
fn installed(service: &Service) -> Result<Tree> {
    let name = service.name;
    let mut tree = Tree::default();
    for unit in service.units {
        let text = fs::read(format!("docs/examples/systemd/{unit}")).with_context(|| (*unit).to_owned())?;
        tree.file(&format!("usr/lib/systemd/system/{unit}"), 0o644, text);
    }
    for (file, values) in service.configuration {
        let text = fs::read_to_string(format!("docs/examples/{file}")).with_context(|| (*file).to_owned())?;
        tree.file(&format!("etc/hufu/{file}"), 0o644, configured(&text, values).context(*file)?);
    }
    let home = service.state[0];
    tree.file(&format!("usr/lib/sysusers.d/{name}.conf"), 0o644, format!("u {name} - \"{name}\" {home}\n"));
    let folder = |state: &&str| format!("d {state} 0700 {name} {name}\n");
    let folders = service.state.iter().map(folder).collect::<Vec<_>>().concat();
    tree.file(&format!("usr/lib/tmpfiles.d/{name}.conf"), 0o644, folders);
    tree.file(&format!("usr/share/doc/{name}/copyright"), 0o644, super::COPYRIGHT);
    Ok(tree)
}

/// An example with `values` in place of the first line for each of their keys, which may be commented out.
fn configured(example: &str, values: &[(&str, &str)]) -> Result<String> {
    let mut text = example.to_owned();
    for (key, value) in values {
        let starts =
            |line: &&str| line.strip_prefix("# ").unwrap_or(line).starts_with(&format!("{key} = \""));
        let line = text.lines().find(starts).with_context(|| format!("the example has no line for {key}"))?;
        text = text.replacen(&format!("\n{line}\n"), &format!("\n{key} = \"{value}\"\n"), 1);
    }
    Ok(text)
}

const SCRIPTS: [(&str, &str); 3] = [
    ("postinst", include_str!("scripts/postinst")),
    ("prerm", include_str!("scripts/prerm")),
    ("postrm", include_str!("scripts/postrm")),
];

/// A maintainer script with the words of `service` filled in.
fn script(text: &str, service: &Service) -> String {
    let instances =
        service.units.iter().find(|unit| unit.contains("@.")).map(|unit| unit.replace("@.", "@*."));
    let configuration = (!service.configuration.is_empty()).then_some("/etc/hufu");
    let folders: Vec<&str> = service.state.iter().copied().chain(configuration).collect();
    text.replace("@NAME@", service.name)
        .replace("@UNIT@", service.units[0])
        .replace("@INSTANCES@", instances.as_deref().unwrap_or_default())
        .replace("@FOLDERS@", &folders.join(" "))
        .replace("@CHECK@", service.check)
}

/// Has `dpkg-deb` make `NAME_VERSION_ARCHITECTURE.deb`.
fn pack(
    build: &Build,
    name: &str,
    architecture: &str,
    head: &str,
    tree: &Tree,
    mut about: Tree,
    folder: &Path,
) -> Result<PathBuf> {
    let stage = folder.join(".hufu-package");
    tree.write(&stage, build.epoch)?;
    let sums = output_of(Command::new("md5sum").current_dir(&stage).args(tree.files("")))?;
    about.file("control", 0o644, format!("{head}Installed-Size: {}\n", tree.size_kib()));
    about.file("md5sums", 0o644, sums);
    let conffiles = tree.files("etc/").map(|path| format!("/{path}\n")).collect::<Vec<_>>().concat();
    if !conffiles.is_empty() {
        about.file("conffiles", 0o644, conffiles);
    }
    about.write(&stage.join("DEBIAN"), build.epoch)?;
    let file = folder.join(format!("{name}_{}_{architecture}.deb", build.version));
    // xz at 1 takes a quarter of the time of its default, and a seventh more room.
    let how = ["--root-owner-group", "-Zxz", "-z1", "--build"];
    output_of(
        Command::new("dpkg-deb")
            .env("SOURCE_DATE_EPOCH", build.epoch.to_string())
            .args(how)
            .args([&stage, &file]),
    )?;
    fs::remove_dir_all(&stage)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_set_where_the_example_has_it_and_a_missing_one_is_refused() {
        let example = "a\n# snapshots = \"snapshots\"\n[x]\n# snapshots = \"registry\"\n";
        let expected = "a\nsnapshots = \"/var/lib/x\"\n[x]\n# snapshots = \"registry\"\n";
        assert_eq!(configured(example, &[("snapshots", "/var/lib/x")]).unwrap(), expected);
        assert!(configured(example, &[("walls", "x")]).is_err());
    }

    /// Runs a script of `service` where systemd seems to run, `systemctl` and others only note what they are told, and
    /// `runuser` ends in `accepts`; answers with the notes.
    fn noted(service: &Service, name: &str, arguments: &[&str], accepts: bool) -> String {
        let folder =
            std::env::temp_dir().join(format!("hufu-{}-{name}-{}", service.name, std::process::id()));
        let mut tools = Tree::default();
        for tool in ["systemctl", "runuser", "systemd-sysusers", "systemd-tmpfiles"] {
            let status = u8::from(tool == "runuser" && !accepts);
            tools.file(
                tool,
                0o755,
                format!("#!/bin/sh\necho {tool} \"$@\" >> {}/notes\nexit {status}\n", folder.display()),
            );
        }
        let text = SCRIPTS.iter().find(|(known, _)| *known == name).unwrap().1;
        let text = script(text, service).replace("/run/systemd/system", "/");
        tools.file("script", 0o644, text);
        tools.write(&folder, 0).unwrap();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        let script =
            Command::new("sh").arg(folder.join("script")).args(arguments).env("PATH", path).output().unwrap();
        assert!(script.status.success(), "{name}: {}", String::from_utf8_lossy(&script.stderr));
        let notes = fs::read_to_string(folder.join("notes")).unwrap_or_default();
        fs::remove_dir_all(folder).unwrap();
        notes
    }

    #[test]
    fn an_upgrade_restarts_a_service_only_if_the_new_program_accepts_its_configuration() {
        for service in SERVICES {
            let restart = format!("systemctl restart {}\n", service.units[0]);
            let upgrade = |accepts| noted(service, "postinst", &["configure", "0.1.0"], accepts);
            assert!(upgrade(true).contains(&restart), "{}", service.name);
            assert!(!upgrade(false).contains("restart"), "{}", service.name);
            assert!(upgrade(true).contains(&format!("runuser -u {} -- env {}", service.name, service.check)));
        }
        assert!(
            noted(&SERVICES[2], "postinst", &["configure", "0.1.0"], true)
                .contains("stop hufu-gate@*.service\n")
        );
    }

    #[test]
    fn a_removal_stops_the_service_and_an_upgrade_does_not() {
        for service in SERVICES {
            let stop = format!("systemctl disable --quiet --now {}\n", service.units[0]);
            assert!(noted(service, "prerm", &["remove"], true).contains(&stop));
        }
        assert_eq!(noted(&SERVICES[0], "prerm", &["upgrade", "1.0"], true), "");
    }

    /// A service may write nothing but the folders that systemd makes for it: /etc is read-only.
    #[test]
    fn what_a_service_writes_lies_in_the_folders_of_its_unit() {
        for service in SERVICES {
            let names: Vec<&str> =
                service.state.iter().map(|state| state.strip_prefix("/var/lib/").unwrap()).collect();
            let unit = service.units.iter().find(|unit| unit.ends_with(".service")).unwrap();
            let unit = fs::read_to_string(format!("../../docs/examples/systemd/{unit}")).unwrap();
            assert!(unit.contains(&format!("\nStateDirectory={}\n", names.join(" "))), "{}", service.name);
        }
        let registry = &SERVICES[1];
        for key in ["url", "chain_ends", "snapshots"] {
            let (_, value) = registry.configuration[0].1.iter().find(|(known, _)| *known == key).unwrap();
            let path = Path::new(value.trim_start_matches("sqlite:"));
            assert!(registry.state.iter().any(|state| path.starts_with(state)), "{key} = {value}");
        }
    }

    /// The gate reads /proc/sys/kernel/random/boot_id, and metrics pages /proc/stat.
    #[test]
    fn units_show_their_programs_what_they_read_below_proc() {
        for unit in ["hufu-engine.service", "hufu-gate.service", "hufu-registry.service"] {
            let text = fs::read_to_string(format!("../../docs/examples/systemd/{unit}")).unwrap();
            assert!(!text.contains("\nProcSubset=pid"), "{unit}");
        }
    }

    #[test]
    fn the_package_has_what_its_documents_link_to_below_docs() {
        let mut tree = Tree::default();
        documents(Path::new("../../docs"), "docs", &mut tree).unwrap();
        let packed: Vec<&str> = tree.files("").collect();
        for file in ["docs/examples/systemd/hufu-gate.service", "docs/examples/systemd/hufu-rules@.service"] {
            assert!(packed.contains(&file), "{file}");
        }
        for page in packed.iter().filter(|path| Path::new(path).extension().is_some_and(|end| end == "md")) {
            let text = fs::read_to_string(format!("../../{page}")).unwrap();
            let folder = page.rsplit_once('/').unwrap().0;
            let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
            for target in targets.filter(|target| !target.is_empty() && !target.contains([':', ' '])) {
                let mut at: Vec<&str> = folder.split('/').collect();
                for part in target.trim_end_matches('/').split('/') {
                    if part == ".." {
                        at.pop();
                    } else {
                        at.push(part);
                    }
                }
                // What lies elsewhere is of the source.
                if at.first() == Some(&"docs") && Path::new("../..").join(at.join("/")).exists() {
                    let at = at.join("/");
                    let is_there = packed.iter().any(|path| path.starts_with(&at));
                    assert!(is_there, "{page} links to {at}, which is not packed");
                }
            }
        }
    }

    #[test]
    fn a_description_is_folded() {
        let text = "word ".repeat(40);
        let folded = folded(&text);
        assert!(folded.lines().all(|line| line.starts_with(" word") && line.len() < 80), "{folded}");
        assert_eq!(folded.split_whitespace().count(), 40);
    }
}
