//! `hufu demo --screens`: every page, with one command.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::browser;

#[test]
fn r61_one_command_shows_every_page_and_a_stop_ends_all_of_it() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(["demo", "--screens", "--json"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(demo.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
        demo.wait().unwrap();
        let mut said = String::new();
        demo.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        panic!("{line}{said}")
    });
    browser::run("demonstration", &told);
    let stopped = Command::new("kill").args(["-INT", &demo.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(demo.wait().unwrap().code(), Some(0));
    // Nothing goes on behind it.
    let console = told["console"].as_str().unwrap().strip_prefix("http://").unwrap();
    assert!(std::net::TcpStream::connect(console).is_err());
}
