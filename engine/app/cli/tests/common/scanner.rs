//! A gate that keeps its session.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::{Deployment, PATIENCE};

impl Deployment {
    /// A gate that keeps its session: codes in, verdicts out.
    pub(crate) fn scanner(&self) -> Scanner {
        self.types_into(&["check", "--gate", "gate", "--scanner", "--json"], "scanner.log")
    }

    /// The same with another command, whose messages go to `log`.
    pub(crate) fn types_into(&self, arguments: &[&str], log: &str) -> Scanner {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hufu"))
            .args(arguments)
            .current_dir(self.folder())
            .env_remove("RUST_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(self.path(log)).unwrap())
            .spawn()
            .unwrap();
        let answers = lines(child.stdout.take().unwrap());
        Scanner { input: child.stdin.take(), answers, child }
    }
}

/// A running `hufu check --scanner` or `hufu gate`.
pub(crate) struct Scanner {
    pub(crate) input: Option<ChildStdin>,
    answers: Receiver<String>,
    child: Child,
}

impl Scanner {
    /// Types a line and waits for its verdict.
    pub(crate) fn scan(&mut self, line: &[u8]) -> serde_json::Value {
        self.types(&[line, b"\n"].concat())
    }

    /// Types these bytes and nothing after them, and waits for a verdict.
    pub(crate) fn types(&mut self, bytes: &[u8]) -> serde_json::Value {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
        self.next().unwrap_or_else(|| panic!("no verdict for {}", String::from_utf8_lossy(bytes)))
    }

    /// The next verdict, `None` at the end of the output.
    pub(crate) fn next(&mut self) -> Option<serde_json::Value> {
        let line = self.answers.recv_timeout(PATIENCE).ok()?;
        Some(serde_json::from_str(&line).unwrap())
    }

    /// Ends the input; the exit status.
    pub(crate) fn end(mut self) -> Option<i32> {
        drop(self.input.take());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Scanner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(output: ChildStdout) -> Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    receive
}
