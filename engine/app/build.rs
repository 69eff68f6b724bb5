//! Writes down which commit the binary was built from, for `hufu --version` and benchmark reports.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    for moved in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", moved]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=HUFU_COMMIT={commit}");
}

/// What git says, `None` where there is no git or no repository: a source archive builds as well.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !said.is_empty()).then_some(said)
}
