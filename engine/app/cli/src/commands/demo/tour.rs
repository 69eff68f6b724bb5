//! One holder, step by step, with the commands that anybody would type: a code issued, drawn, read back, admitted; a
//! change proposed by the local authority alone, which changes nothing; the same confirmed by the national platform, and
//! refused from then on. Every command is run as a process and held to its exit status.

use std::process::{Command, Output};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use hufu_fixtures::HOME;

use super::child;
use super::place::Place;
use crate::outcome::Exit;
use crate::term::{self, Paint};

/// How long a change may take from the registry to the gate, on a machine that is busy.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(10);

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

    /// Takes it, with the registry and the engine that are running.
    pub(super) fn take(&self) -> anyhow::Result<()> {
        self.step(&self.propose("green"), Exit::Yes)?;
        self.step(&confirm(), Exit::Yes)?;
        self.step(&self.issue(), Exit::Yes)?;
        self.until(&check(), Exit::Yes)?;
        self.tell("The local authority proposes red. One signature is not enough:");
        self.step(&self.propose("red"), Exit::Yes)?;
        self.step(&check(), Exit::Yes)?;
        self.tell("The national platform confirms it:");
        self.step(&confirm(), Exit::Yes)?;
        self.until(&check(), Exit::No)?;
        // The folder may be kept: leave it as somebody who tries it by hand expects it.
        self.run(&self.propose("green"))?;
        self.run(&confirm()).map(drop)
    }

    /// What to type in a folder that was kept.
    pub(super) fn by_hand(&self) -> String {
        let program =
            std::env::current_exe().map_or_else(|_| "hufu".to_owned(), |path| path.display().to_string());
        let lines = [
            "registry serve --config registry/registry.toml &".to_owned(),
            "serve --config engine.toml &".to_owned(),
            "present --holder visitor.holder --png visitor.png --qr".to_owned(),
            shown(&check()),
            shown(&self.propose("red")),
            shown(&confirm()),
            shown(&check()),
            "inspect visitor.png --trust trust.hufu --operator operator.pub".to_owned(),
        ];
        let lines = lines.map(|line| format!("  {program} {line}")).join("\n");
        format!("  cd {}\n{lines}", self.place.folder.display())
    }

    fn issue(&self) -> Vec<String> {
        let holder = self.place.visitor().to_string();
        strings(&[
            "issue",
            "phone",
            "--key",
            "issuer.key",
            "--holder",
            &holder,
            "--display",
            "王*0042",
            "--out",
            "visitor.holder",
            "--png",
            "visitor.png",
        ])
    }

    fn propose(&self, colour: &str) -> Vec<String> {
        let holder = self.place.visitor().to_string();
        strings(&[
            "change",
            "propose",
            "--key",
            "local.key",
            "--holder",
            &holder,
            "--colour",
            colour,
            "--rule",
            "7",
            "--reason",
            "a demonstration",
            // The demonstration's holders have statuses and no names.
            "--unregistered",
            "--yes",
        ])
    }

    /// Says what comes next.
    pub(super) fn tell(&self, what: &str) {
        term::along(format_args!("  {}", self.paint.strong(what)));
    }

    /// Runs one command, shows it and what it says, and holds it to `wanted`.
    pub(super) fn step(&self, arguments: &[String], wanted: Exit) -> anyhow::Result<()> {
        let output = self.run(arguments)?;
        self.show(arguments, &output);
        ensure!(is(&output, wanted), "hufu {} ended with {}", arguments[0], output.status);
        Ok(())
    }

    /// Runs one command until it says `wanted`; shows the last answer.
    fn until(&self, arguments: &[String], wanted: Exit) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let output = self.run(arguments)?;
            if is(&output, wanted) {
                self.show(arguments, &output);
                return Ok(());
            }
            if begun.elapsed() > FOLLOWED_WITHIN {
                self.show(arguments, &output);
                bail!("the engine has not followed the change of colour within {FOLLOWED_WITHIN:?}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn show(&self, arguments: &[String], output: &Output) {
        let typed = format!("$ hufu {}", shown(arguments));
        term::along(format_args!("  {}", self.paint.faint(&typed)));
        for said in [&output.stdout, &output.stderr] {
            for line in String::from_utf8_lossy(said).lines() {
                term::along(format_args!("    {line}"));
            }
        }
    }

    /// In the demo's folder, where `hufu.toml` names the registry.
    pub(super) fn run(&self, arguments: &[String]) -> anyhow::Result<Output> {
        let mut command = Command::new(child::program()?);
        command.args(arguments).current_dir(&self.place.folder);
        command.output().context("cannot run a command of the tour")
    }
}

fn check() -> Vec<String> {
    strings(&["check", "--gate", "gate", "--image", "visitor.png"])
}

fn confirm() -> Vec<String> {
    strings(&["change", "confirm", "--issuer", &HOME.to_string(), "--all", "--key", "national.key", "--yes"])
}

/// A command line as a shell reads it.
fn shown(arguments: &[String]) -> String {
    let quoted = |word: &String| if word.contains(' ') { format!("'{word}'") } else { word.clone() };
    arguments.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

fn is(output: &Output, wanted: Exit) -> bool {
    output.status.code() == Some(wanted as i32)
}

/// Arguments.
pub(super) fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}
