//! Runs a test of `fixtures/browser` in a real browser.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../..");

/// Runs `fixtures/browser/NAME.mjs` with `input` and returns what it saw.
///
/// # Panics
/// With what the test said, when it failed; with what to install, when something is missing.
pub(crate) fn run(name: &str, input: &Value) -> Value {
    let modules = Path::new(ROOT).join("target/browser");
    assert!(
        modules.join("node_modules/playwright-core").exists() && Path::new("/usr/bin/chromium").exists(),
        "the browser or what drives it is missing: `cargo xtask test --only tools` installs both"
    );
    let mut node = Command::new("node")
        .arg(Path::new(ROOT).join("fixtures/browser").join(format!("{name}.mjs")))
        .env("HUFU_BROWSER_MODULES", modules.canonicalize().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(input.to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{name}.mjs: {}{}",
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}
