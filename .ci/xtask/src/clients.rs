//! Clients that were written from the documents alone, against a real engine on the golden clock and every golden byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::counts::Counts;
use crate::process::{Server, cargo, output_of, run};

const CLIENT: &str = "fixtures/clients/python";
/// Its virtual environment, made once for each set of requirements, and the engine's folder.
const VENV: &str = "target/clients/python";
const FOLDER: &str = "target/clients/golden";
/// How many lines the whole client may have: a stranger reads it in one sitting.
const LINES_MAX: usize = 600;

/// The Python client.
pub(crate) fn python() -> Result<Counts> {
    ensure_short()?;
    let python = interpreter()?;
    // The binary that the tests were run with: `cargo build` would choose other features for half of the tree.
    let tests = ["test", "--locked", "--workspace", "--all-features", "--no-run", "--test", "implementers"];
    run(&mut cargo(tests))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let hufu = Path::new(&target).join("debug/hufu");
    if Path::new(FOLDER).exists() {
        fs::remove_dir_all(FOLDER)?;
    }
    let told = output_of(Command::new(&hufu).args(["demo", "--golden", FOLDER]))?;
    // Started as the command says it is.
    let serve = told.lines().find_map(|line| line.trim().strip_prefix("hufu serve "));
    let serve = serve.with_context(|| format!("`hufu demo --golden` names no command to start: {told}"))?;
    let engine = Server::start(Command::new(&hufu).arg("serve").args(serve.split(' ')))?;
    let said = output_of(Command::new(&python).arg(format!("{CLIENT}/vectors.py")).arg(FOLDER));
    drop(engine);
    let said = said?;
    print!("{said}");
    let passed = said.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
    ensure!(passed > 0, "the client compared nothing");
    Ok(Counts { passed, ..Counts::default() })
}

fn ensure_short() -> Result<()> {
    let mut lines = 0;
    for file in fs::read_dir(CLIENT)? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "py") {
            lines += fs::read_to_string(&path)?.lines().count();
        }
    }
    ensure!(lines <= LINES_MAX, "{CLIENT} has {lines} lines of Python, and may have {LINES_MAX}");
    Ok(())
}

/// The interpreter of the virtual environment, which is made, or made again, where it is not of these requirements.
fn interpreter() -> Result<PathBuf> {
    let requirements = format!("{CLIENT}/requirements.txt");
    let wanted = fs::read_to_string(&requirements)?;
    let python = Path::new(VENV).join("bin/python");
    let stamp = Path::new(VENV).join("requirements.txt");
    if python.exists() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear", VENV])).context(
        "python3 cannot make a virtual environment; it must be 3.11 or newer (Debian: apt-get install python3-venv)",
    )?;
    let install =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"];
    let mut pip = Command::new(&python);
    run(pip.args(install).args(["--require-hashes", "--requirement", &requirements])).with_context(|| {
        format!(
            "the packages of {requirements} could not be installed into {VENV}. Without a network, fill a folder with \
             `pip download --require-hashes --requirement {requirements}` where there is one, and set PIP_NO_INDEX=1 and \
             PIP_FIND_LINKS=FOLDER"
        )
    })?;
    fs::write(stamp, wanted)?;
    Ok(python)
}
