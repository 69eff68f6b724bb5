//! Runs stages in order, times them, stops at the first that fails, and sums up.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::counts::Counts;

/// One stage of `cargo xtask test`.
pub(crate) struct Stage {
    /// The name for `--only`.
    pub(crate) name: &'static str,
    /// What it does, in one line.
    pub(crate) does: &'static str,
    /// What to do when it fails.
    pub(crate) mend: &'static str,
    /// Does it.
    pub(crate) run: fn() -> Result<Counts>,
}

/// The stages named in `only`, in the order of `all`; all when none is named.
pub(crate) fn chosen<'a>(all: &'a [Stage], only: &[String]) -> Vec<&'a Stage> {
    all.iter().filter(|stage| only.is_empty() || only.iter().any(|name| name == stage.name)).collect()
}

/// Prints the stages.
pub(crate) fn list(all: &[Stage]) {
    for stage in all {
        println!("{:<13} {}", stage.name, stage.does);
    }
}

/// Runs `stages`; the exit code says whether all passed.
pub(crate) fn run(stages: &[&Stage]) -> ExitCode {
    let mut times: Vec<(&str, Duration)> = Vec::new();
    let mut counts = Counts::default();
    for (number, stage) in (1..).zip(stages) {
        println!("\n━━ {number}/{} {}: {}", stages.len(), stage.name, stage.does);
        let started = Instant::now();
        let outcome = (stage.run)();
        times.push((stage.name, started.elapsed()));
        match outcome {
            Ok(more) => counts += more,
            Err(error) => {
                println!("\n━━ {} failed: {error:#}", stage.name);
                println!("   What to do: {}", stage.mend);
                println!("   To run this stage alone: cargo xtask test --only {}", stage.name);
                counts += Counts { failed: 1, ..Counts::default() };
                sum_up(&times, counts);
                return ExitCode::FAILURE;
            }
        }
    }
    sum_up(&times, counts);
    ExitCode::SUCCESS
}

fn sum_up(times: &[(&str, Duration)], counts: Counts) {
    println!("\n━━ time by stage");
    for (name, time) in times {
        println!("   {name:<13} {:>7.1} s", time.as_secs_f64());
    }
    let whole: Duration = times.iter().map(|(_, time)| *time).sum();
    println!("   {:<13} {:>7.1} s\n", "all", whole.as_secs_f64());
    println!("{} passed, {} failed", counts.passed, counts.failed);
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    fn stage(name: &'static str, run: fn() -> Result<Counts>) -> Stage {
        Stage { name, does: "", mend: "", run }
    }

    #[test]
    fn a_failing_stage_stops_the_run_and_fails_it() {
        let fails = stage("fails", || bail!("as it should"));
        let never = stage("never", || panic!("a stage ran after one that failed"));
        assert_eq!(run(&[&fails, &never]), ExitCode::FAILURE);
    }

    #[test]
    fn stages_are_chosen_by_name_and_keep_their_order() {
        let all =
            [stage("a", || Ok(Counts::ONE)), stage("b", || Ok(Counts::ONE)), stage("c", || Ok(Counts::ONE))];
        let check = |only: &[&str], expected: &[&str]| {
            let only: Vec<String> = only.iter().map(|name| (*name).to_owned()).collect();
            let names: Vec<&str> = chosen(&all, &only).into_iter().map(|stage| stage.name).collect();
            assert_eq!(names, expected);
        };
        check(&[], &["a", "b", "c"]);
        check(&["c", "a"], &["a", "c"]);
    }
}
