//! The stages, cheap ones first.

use anyhow::{Result, ensure};

use crate::counts::Counts;
use crate::process::{cargo, is_installed, run, run_counting};
use crate::runner::Stage;
use crate::{clients, dependencies, figures, package, simulate, sizes, tools};

/// Everything `cargo xtask test` does.
pub(crate) const ALL: &[Stage] = &[
    Stage {
        name: "tools",
        does: "what the other stages need is installed",
        mend: "install what is named above; as root on Debian this stage does it by itself",
        run: tools::check,
    },
    Stage { name: "format", does: "all code is formatted", mend: "cargo fmt --all", run: format },
    Stage {
        name: "house",
        does: "floors, top-level entries, fuzz targets, tests left out, links, reasons and requirement numbers",
        mend: "each failing test says which line to mend; the tests are in .ci/xtask/tests",
        run: house,
    },
    Stage {
        name: "sizes",
        does: "files that have grown long (a report; it does not fail)",
        mend: "git must be able to list the files of the tree",
        run: sizes::report,
    },
    Stage {
        name: "dependencies",
        does: "licences, sources and banned crates, as deny.toml says",
        mend: "take the dependency out, or change deny.toml and give the reason there",
        run: dependencies::check,
    },
    Stage {
        name: "lints",
        does: "clippy over every target, warnings are errors",
        mend: "mend the code; a real exception is #[expect(lint, reason = \"...\")]",
        run: lints,
    },
    Stage {
        name: "api-docs",
        does: "the crates' own documentation builds without a warning",
        mend: "mend the doc comment named above",
        run: api_docs,
    },
    Stage {
        name: "tests",
        does: "unit, property and integration tests of the workspace, every fuzz target for a second",
        mend: "run the failing test alone; property and fuzz tests print the seed that failed",
        run: tests,
    },
    Stage {
        name: "simulate",
        does: "whole deployments from one seed each, for 30 seconds or more; planted bugs are found in 75",
        mend: "cargo xtask simulate --seed N repeats what failed, and says how little of it is needed",
        run: simulate::stage,
    },
    Stage {
        name: "clients",
        does: "the Python client of fixtures/clients, against a real engine and every golden byte",
        mend: "a comparison that fails names its vector; PROTOCOL, CODES, golden bytes and code must say the same",
        run: clients::python,
    },
    Stage {
        name: "doc-tests",
        does: "the examples in the crates' documentation",
        mend: "mend the example or the code it shows",
        run: doc_tests,
    },
    Stage {
        name: "loom",
        does: "every interleaving of the status table's writer and readers",
        mend: "LOOM_LOG=trace with the same command tells the failing interleaving",
        run: loom,
    },
    Stage {
        name: "fuzz",
        does: "every fuzz target for HUFU_FUZZ_S seconds (default 2) on its kept corpus",
        mend: "keep the failing input in the target's corpus, then mend the code",
        run: fuzz,
    },
    Stage {
        name: "demo",
        does: "a short demonstration: nothing lost, no wrong verdict",
        mend: "run the same command again on an idle machine; figures are in its JSON file",
        run: figures::demo,
    },
    Stage {
        name: "packages",
        does: "packages and image, made twice, installed, started and removed, from the demonstration's binary",
        mend: "the message names the package, unit or file; `cargo xtask package --check --binary FILE` does the same",
        run: package::check::stage,
    },
    Stage {
        name: "peers",
        does: "a short comparison with other ways to build the same service",
        mend: "run the same command again on an idle machine; figures are in its JSON file",
        run: figures::peers,
    },
];

/// Beside the second that each has among the tests.
const FUZZ_S_DEFAULT: u32 = 2;

/// What the stages in the development profile look at and build: all of it, and all of them the same, so that
/// nothing is built twice. The house has no features that exclude each other.
const EVERYTHING: [&str; 3] = ["--locked", "--workspace", "--all-features"];

fn format() -> Result<Counts> {
    run(&mut cargo(["fmt", "--all", "--check"]))?;
    Ok(Counts::ONE)
}

fn house() -> Result<Counts> {
    some_ran(run_counting(&mut cargo(["test", "--locked", "--no-fail-fast", "--package", "hufu-xtask"]))?)
}

fn lints() -> Result<Counts> {
    run(cargo(["clippy"]).args(EVERYTHING).args(["--all-targets", "--", "--deny", "warnings"]))?;
    Ok(Counts::ONE)
}

fn api_docs() -> Result<Counts> {
    run(cargo(["doc", "--no-deps"]).args(EVERYTHING).env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Counts::ONE)
}

fn tests() -> Result<Counts> {
    let mut tests = if is_installed("cargo-nextest") {
        cargo(["nextest", "run", "--config-file", ".ci/nextest.toml", "--no-fail-fast"])
    } else {
        cargo(["test", "--no-fail-fast", "--lib", "--bins", "--tests"])
    };
    some_ran(run_counting(tests.args(EVERYTHING).args(["--exclude", "hufu-xtask"]))?)
}

fn doc_tests() -> Result<Counts> {
    some_ran(run_counting(cargo(["test", "--doc"]).args(EVERYTHING))?)
}

fn loom() -> Result<Counts> {
    let model = ["test", "--locked", "--package", "hufu-table", "--test", "loom", "--release"];
    let mut model = cargo(model);
    model.args(["--target-dir", "target/loom"]).env("RUSTFLAGS", "--cfg loom");
    some_ran(run_counting(&mut model)?)
}

/// Fuzz targets are the tests in files named `fuzz*.rs`; a test of the house sees to that.
fn fuzz() -> Result<Counts> {
    let seconds = match std::env::var("HUFU_FUZZ_S") {
        Ok(seconds) => seconds.parse()?,
        Err(_) => FUZZ_S_DEFAULT,
    };
    let time_ms = (u64::from(seconds) * 1000).to_string();
    let mut targets = cargo(["test", "--test", "fuzz*"]);
    some_ran(run_counting(targets.args(EVERYTHING).env("BOLERO_RANDOM_TEST_TIME_MS", time_ms))?)
}

/// A run without tests has shown nothing.
fn some_ran(counts: Counts) -> Result<Counts> {
    ensure!(counts.passed > 0, "no test ran");
    Ok(counts)
}
