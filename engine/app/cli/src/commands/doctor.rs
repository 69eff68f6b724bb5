//! `hufu doctor`: what is wrong or ends soon on this machine, and what to do about it. It changes no
//! file of its own, and it prints no secret.

mod engine;
mod gate;
mod look;
mod registry;

use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::Args;
use hufu_files::moment;
use hufu_wire::UnixSeconds;
use serde::Serialize;

use crate::outcome::Exit;
use crate::term::{self, note};
use crate::{listing, message};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu doctor
  hufu doctor --engine /etc/hufu/engine.toml --json
  hufu doctor --registry /etc/hufu/registry.toml
  hufu doctor --gate gates/7

Without an argument it looks at engine.toml, registry.toml and gate.toml in this folder.

Exit status: 0 everything is right, 4 something needs a look, 1 something does not work, 2 an argument is wrong.";

/// Look for what is wrong or ends soon, and say what to do.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// An engine's configuration
    #[arg(long, value_name = "FILE")]
    engine: Option<PathBuf>,
    /// A registry's configuration
    #[arg(long, value_name = "FILE")]
    registry: Option<PathBuf>,
    /// A gate's folder
    #[arg(long, value_name = "FOLDER")]
    gate: Option<PathBuf>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Right.
    Ok,
    /// It works and a person must look: it ends soon, for example.
    Look,
    /// It does not work.
    Bad,
}

/// One line of the table.
#[derive(Debug, Serialize)]
struct Row {
    what: String,
    state: State,
    found: String,
    /// What to do; empty when nothing is to be done.
    todo: String,
}

/// Everything that was looked at.
struct Findings {
    now: UnixSeconds,
    rows: Vec<Row>,
}

/// How long before its end something needs a look.
const NEAR_S: u32 = 14 * 86_400;

impl Findings {
    fn add(
        &mut self,
        what: impl Into<String>,
        state: State,
        found: impl Into<String>,
        todo: impl Into<String>,
    ) {
        let todo = if state == State::Ok { String::new() } else { todo.into() };
        self.rows.push(Row { what: what.into(), state, found: found.into(), todo });
    }

    fn ok(&mut self, what: impl Into<String>, found: impl Into<String>) {
        self.add(what, State::Ok, found, "");
    }

    /// What was read, or a row that says why it was not.
    fn read<T>(&mut self, what: &str, read: anyhow::Result<T>, todo: &str) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(error) => {
                self.add(what, State::Bad, message::of(&error), todo);
                None
            }
        }
    }

    /// Something that ends at `end`, of which `life_s` seconds were given at the beginning, where that is known.
    fn end(&mut self, what: impl Into<String>, end: UnixSeconds, life_s: Option<u32>, todo: &str) {
        let near_s = life_s.map_or(NEAR_S, |life_s| (life_s / 3).min(NEAR_S));
        let (state, verb) = match end.0.saturating_sub(self.now.0) {
            0 => (State::Bad, "ended"),
            left_s if left_s <= near_s => (State::Look, "ends"),
            _ => (State::Ok, "ends"),
        };
        self.add(what, state, format!("{verb} {}", moment::show(end)), todo);
    }

    fn exit(&self) -> Exit {
        match self.rows.iter().map(|row| row.state).max() {
            None | Some(State::Ok) => Exit::Yes,
            Some(State::Look) => Exit::Refer,
            Some(State::Bad) => Exit::No,
        }
    }
}

/// Runs `hufu doctor`.
pub(crate) fn run(args: &DoctorArgs) -> anyhow::Result<Exit> {
    let here = |name: &str| {
        let named = args.engine.is_some() || args.registry.is_some() || args.gate.is_some();
        (!named && Path::new(name).is_file()).then(|| PathBuf::from(name))
    };
    let engine = args.engine.clone().or_else(|| here("engine.toml"));
    let registry = args.registry.clone().or_else(|| here("registry.toml"));
    let gate = args.gate.clone().or_else(|| here("gate.toml").map(|_| PathBuf::from(".")));
    ensure!(
        engine.is_some() || registry.is_some() || gate.is_some(),
        "there is no engine.toml, registry.toml or gate.toml in this folder; name one with --engine, --registry or --gate"
    );
    let mut findings = Findings { now: moment::now().seconds(), rows: Vec::new() };
    look::clock(&mut findings);
    if let Some(path) = &engine {
        engine::examine(path, &mut findings);
    }
    if let Some(path) = &registry {
        registry::examine(path, &mut findings);
    }
    if let Some(folder) = &gate {
        gate::examine(folder, &mut findings);
    }
    let paint = term::stdout();
    listing::list(&findings.rows, ["state", "what", "found", "what to do"], |row| {
        let state = match row.state {
            State::Ok => paint.good("ok"),
            State::Look => paint.look("look"),
            State::Bad => paint.bad("bad"),
        };
        [state, row.what.clone(), term::printable(&row.found), row.todo.clone()]
    });
    if !term::is_json() {
        let count = |state| findings.rows.iter().filter(|row| row.state == state).count();
        note!("ok: {}, look: {}, bad: {}", count(State::Ok), count(State::Look), count(State::Bad));
    }
    Ok(findings.exit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r50_an_end_is_told_in_its_last_third_and_the_worst_row_decides() {
        let mut findings = Findings { now: UnixSeconds(1_795_219_200), rows: Vec::new() };
        assert_eq!(findings.exit(), Exit::Yes);
        let day_s = 86_400;
        for (days, life_days, wanted) in [
            (30, Some(365), State::Ok),
            (14, Some(365), State::Look),
            (13, None, State::Look),
            (3, Some(6), State::Ok),
            (2, Some(6), State::Look),
            (0, None, State::Bad),
        ] {
            let end = UnixSeconds(findings.now.0 + days * day_s);
            findings.end("it", end, life_days.map(|days: u32| days * day_s), "renew it");
            let row = findings.rows.last().unwrap();
            assert_eq!((row.state, row.todo.is_empty()), (wanted, wanted == State::Ok), "{row:?}");
        }
        assert_eq!(findings.exit(), Exit::No);
        findings.rows.retain(|row| row.state != State::Bad);
        assert_eq!(findings.exit(), Exit::Refer);
    }
}
