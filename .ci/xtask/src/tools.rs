//! What has to be installed. On Debian as root it is; everywhere else it is named.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::counts::Counts;
use crate::process::{is_installed, output_of, run};

/// A program and where it comes from.
struct Tool {
    program: &'static str,
    for_what: &'static str,
    from: From,
}

enum From {
    /// A Debian package.
    Debian(&'static str),
    /// A component of the Rust toolchain.
    Rustup(&'static str),
}

const NEEDED: &[Tool] = &[
    Tool { program: "cc", for_what: "aws-lc is built from C", from: From::Debian("gcc libc6-dev") },
    Tool { program: "git", for_what: "the files of the tree are listed", from: From::Debian("git") },
    Tool {
        program: "redis-server",
        for_what: "one of the peers stores in Redis",
        from: From::Debian("redis-server"),
    },
    Tool {
        program: "postgres",
        for_what: "tests of the registry's production store start their own PostgreSQL",
        from: From::Debian("postgresql"),
    },
    Tool {
        program: "nats-server",
        for_what: "tests of the feed through JetStream start their own server",
        from: From::Debian("nats-server"),
    },
    Tool {
        program: "promtool",
        for_what: "alarms and dashboard are read as Prometheus reads them",
        from: From::Debian("prometheus"),
    },
    Tool {
        program: "python3",
        for_what: "a client in Python is tried against the engine; its packages come from PyPI, in target/clients",
        from: From::Debian("python3 python3-venv"),
    },
    Tool {
        program: "openssl",
        for_what: "signatures and certificates of status lists are tried against another implementation",
        from: From::Debian("openssl"),
    },
    Tool {
        program: "dpkg-deb",
        for_what: "packages are made, looked into and installed",
        from: From::Debian("dpkg"),
    },
    Tool {
        program: "readelf",
        for_what: "a package says which libraries its program needs",
        from: From::Debian("binutils"),
    },
    Tool {
        program: "systemd-analyze",
        for_what: "the units of the packages are read as systemd reads them (250 or later)",
        from: From::Debian("systemd"),
    },
    Tool {
        program: "pkg-config",
        for_what: "a gate in C finds its library as makers do",
        from: From::Debian("pkg-config"),
    },
    Tool { program: "cmake", for_what: "and with CMake", from: From::Debian("cmake make") },
    Tool {
        program: "valgrind",
        for_what: "the gate in C is watched for what it does with memory",
        from: From::Debian("valgrind libc6-dbg"),
    },
    Tool {
        program: "firefox-esr",
        for_what: "the holder's page is tried in the other engine of browsers, too",
        from: From::Debian("firefox-esr"),
    },
    Tool {
        program: "chromium",
        for_what: "pages are used and looked at in a real browser",
        from: From::Debian("chromium"),
    },
    Tool {
        program: "node",
        for_what: "it drives the browser (18 or newer); its packages come from the npm registry, in target/browser",
        from: From::Debian("nodejs"),
    },
    Tool { program: "npm", for_what: "and installs them", from: From::Debian("npm") },
    Tool { program: "cargo-fmt", for_what: "formatting is checked", from: From::Rustup("rustfmt") },
    Tool { program: "cargo-clippy", for_what: "lints are checked", from: From::Rustup("clippy") },
];

/// Where the browser tests lie, and what they are driven with.
const BROWSER_TESTS: &str = "fixtures/browser";
const BROWSER_PACKAGES: &str = "target/browser";

/// Installs what is missing where that is possible; fails and names it where it is not.
pub(crate) fn check() -> Result<Counts> {
    let packages: Vec<&str> = missing()
        .filter_map(|tool| match tool.from {
            From::Debian(packages) => Some(packages.split(' ')),
            From::Rustup(_) => None,
        })
        .flatten()
        .collect();
    if !packages.is_empty() && is_installed("apt-get") && is_root()? {
        run(apt_get().args(["--quiet", "update"]))?;
        run(apt_get().args(["--quiet", "--yes", "--no-install-recommends", "install"]).args(packages))?;
    }
    let still: Vec<String> = missing().map(describe).collect();
    if !still.is_empty() {
        bail!("missing:\n   {}", still.join("\n   "));
    }
    browser_packages()?;
    println!("{}", NEEDED.iter().map(|tool| tool.program).collect::<Vec<_>>().join(", "));
    Ok(Counts::ONE)
}

/// What drives the browser and judges pages, installed once for each lock file.
fn browser_packages() -> Result<()> {
    let lock = format!("{BROWSER_TESTS}/package-lock.json");
    let wanted = fs::read(&lock)?;
    let stamp = Path::new(BROWSER_PACKAGES).join("installed.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    fs::create_dir_all(BROWSER_PACKAGES)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(Path::new(BROWSER_TESTS).join(name), Path::new(BROWSER_PACKAGES).join(name))?;
    }
    let mut npm = std::process::Command::new("npm");
    npm.args([
        "ci",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        "--prefix",
        BROWSER_PACKAGES,
    ]);
    run(&mut npm).with_context(|| {
        format!(
            "the packages of {lock} could not be installed into {BROWSER_PACKAGES}. Without a network, run `npm cache add` \
             for each where there is one, copy ~/.npm here, and set npm_config_offline=true"
        )
    })?;
    Ok(fs::write(stamp, wanted)?)
}

fn missing() -> impl Iterator<Item = &'static Tool> {
    NEEDED.iter().filter(|tool| !is_installed(tool.program) && !is_beside_path(tool.program))
}

/// Whether Debian has put `program` where servers are and PATH often does not lead. The tests look there too.
fn is_beside_path(program: &str) -> bool {
    let postgres = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders =
        postgres.map(|version| version.path().join("bin")).chain([Path::new("/usr/sbin").into()]);
    folders.any(|folder| folder.join(program).is_file())
}

fn describe(tool: &Tool) -> String {
    let install = match tool.from {
        From::Debian(packages) => format!("apt-get install {packages}"),
        From::Rustup(component) => format!("rustup component add {component}"),
    };
    format!("{} ({}): {install}", tool.program, tool.for_what)
}

fn apt_get() -> std::process::Command {
    let mut apt_get = std::process::Command::new("apt-get");
    // In run level 1 no freshly installed server is started as a service: tests and peers start their own.
    apt_get.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    apt_get
}

pub(crate) fn is_root() -> Result<bool> {
    Ok(output_of(std::process::Command::new("id").arg("-u"))?.trim() == "0")
}
