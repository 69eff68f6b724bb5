//! One code by hand, with the commands that anybody would type: issued, drawn, read back, admitted; and refused
//! once its holder has turned red. Every command is run as a process and held to its exit status.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::place::Place;
use crate::outcome::Exit;
use crate::term::Paint;

/// How long the running engine may take to notice a changed snapshot.
const NOTICED_WITHIN: Duration = Duration::from_secs(5);

/// The commands of the tour.
pub(super) struct Tour<'a> {
    place: &'a Place,
    paint: Paint,
}

impl<'a> Tour<'a> {
    /// A tour of `place`.
    pub(super) fn new(place: &'a Place, paint: Paint) -> Tour<'a> {
        Tour { place, paint }
    }

    /// Takes it, against the engine that is running.
    pub(super) fn take(&self) -> anyhow::Result<()> {
        self.step(&self.set("green"), Exit::Yes)?;
        self.step(&self.issue(), Exit::Yes)?;
        self.until(&self.check(), Exit::Yes)?;
        self.step(&self.set("red"), Exit::Yes)?;
        self.until(&self.check(), Exit::No)?;
        // The folder may be kept: leave it as somebody who tries it by hand expects it.
        run(&self.set("green")).map(|_| ())
    }

    /// What to type in a folder that was kept.
    pub(super) fn by_hand(&self) -> String {
        let Place { folder, .. } = self.place;
        let folder = folder.display();
        let lines = [
            format!("serve --config {folder}/engine.toml &"),
            format!("present --holder {folder}/visitor.holder --png {folder}/visitor.png --qr"),
            self.check().join(" "),
            self.set("red").join(" "),
            self.check().join(" "),
            format!(
                "inspect {folder}/visitor.png --trust {folder}/trust.list --operator {folder}/operator.pub"
            ),
        ];
        let program = program();
        lines.map(|line| format!("  {program} {line}")).join("\n")
    }

    fn issue(&self) -> Vec<String> {
        let holder = self.place.visitor().to_string();
        let key = text(&self.place.issuer_key());
        let [out, png] = ["visitor.holder", "visitor.png"].map(|name| text(&self.place.folder.join(name)));
        strings(&[
            "issue",
            "phone",
            "--key",
            &key,
            "--holder",
            &holder,
            "--display",
            "王*0042",
            "--out",
            &out,
            "--png",
            &png,
        ])
    }

    fn check(&self) -> Vec<String> {
        let png = text(&self.place.folder.join("visitor.png"));
        strings(&["check", "--gate", &text(&self.place.gate()), "--image", &png])
    }

    fn set(&self, colour: &str) -> Vec<String> {
        let holder = self.place.visitor().to_string();
        strings(&["snapshot", "set", &text(&self.place.snapshot()), "--holder", &holder, "--colour", colour])
    }

    /// Runs one command, shows it and what it says, and holds it to `wanted`.
    fn step(&self, arguments: &[String], wanted: Exit) -> anyhow::Result<()> {
        let output = run(arguments)?;
        self.show(arguments, &output)?;
        ensure!(is(&output, wanted), "hufu {} ended with {}", arguments[0], output.status);
        Ok(())
    }

    /// Runs one command until it says `wanted`; shows the last answer.
    fn until(&self, arguments: &[String], wanted: Exit) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let output = run(arguments)?;
            if is(&output, wanted) {
                return self.show(arguments, &output);
            }
            if begun.elapsed() > NOTICED_WITHIN {
                self.show(arguments, &output)?;
                bail!("the engine has not followed the change of colour within {NOTICED_WITHIN:?}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn show(&self, arguments: &[String], output: &Output) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "  {}", self.paint.faint(&format!("$ hufu {}", arguments.join(" "))))?;
        for said in [&output.stdout, &output.stderr] {
            for line in String::from_utf8_lossy(said).lines() {
                writeln!(out, "    {line}")?;
            }
        }
        Ok(())
    }
}

fn run(arguments: &[String]) -> anyhow::Result<Output> {
    let program = std::env::current_exe().context("cannot find this program's own file")?;
    Command::new(program).args(arguments).output().context("cannot run a command of the tour")
}

fn is(output: &Output, wanted: Exit) -> bool {
    output.status.code() == Some(wanted as i32)
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// This program as it was called.
fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "hufu".to_owned())
}
