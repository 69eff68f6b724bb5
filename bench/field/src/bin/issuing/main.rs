//! Issuing at the morning peak: how many credentials a second a registry hands out, for how much of a CPU, and what
//! becomes of the rest when ten times as many are wanted (R46). Real processes, one machine.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use hufu_contract::NewHolders;
use hufu_field::{Deployment, ISSUER, Registry, Rush, Rushed, Settings, people};
use hufu_fixtures::services::Postgres;
use hufu_loadgen::CpuMeter;
use serde_json::{Value, json};
use tokio::runtime::Builder;

/// Issuing at the morning peak
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
struct Arguments {
    /// The `hufu` that runs as registry, built with every feature [default: beside this program]
    #[arg(long, value_name = "FILE")]
    hufu: Option<PathBuf>,
    /// A PostgreSQL of its own in place of SQLite
    #[arg(long)]
    postgres: bool,
    /// People who are registered first
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=4_000_000))]
    people: u32,
    /// Connections that stay open
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=8192))]
    connections: u32,
    /// Seconds of each load
    #[arg(long, value_name = "S", default_value_t = 5)]
    seconds: u64,
    /// Requests a second; may be given again. Without: three quarters of the capacity, and ten times the capacity
    #[arg(long, value_name = "REQUESTS", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Vec<u32>,
    /// One line of JSON for each load in place of a table
    #[arg(long)]
    json: bool,
    /// Prints the registry's process and waits for a line of standard input before the loads: for a profiler
    #[arg(long)]
    wait: bool,
}

const EXAMPLES: &str = "Examples:
  cargo build --release -p hufu --features full -p hufu-field
  target/release/issuing
  target/release/issuing --postgres
  target/release/issuing --rate 1000 --rate 8000 --json";

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("issuing: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let hufu = hufu_field::begin(arguments.hufu.as_deref())?;
    let postgres = arguments.postgres.then(Postgres::start).transpose()?;
    let store = postgres.as_ref().map(|postgres| {
        postgres.create_database("registry")?;
        Ok::<_, anyhow::Error>(postgres.url("registry"))
    });
    // Room for every connection at once, and for a tenfold rush on all of them: what is turned away is turned away by the
    // registry's own measure.
    let connections = arguments.connections;
    let listen_more = format!(
        "connections_max = {0}\nconnections_source_max = {0}\nrequests_max = {0}\nrequests_token_max = {0}",
        connections.max(256) * 2
    );
    let settings = Settings { store: store.transpose()?, listen_more, ..Settings::default() };
    let (deployment, registry) = open(&hufu, &settings, arguments.people)?;
    let mut bench = Bench { registry: &registry, postgres: postgres.as_ref(), json: arguments.json };
    let base = Rush {
        time: Duration::from_secs(arguments.seconds),
        connections: connections as usize,
        ..Rush::at(&deployment, &registry, arguments.people)?
    };
    if arguments.wait {
        eprintln!("the registry is process {}; press return to begin", registry.pid()?);
        std::io::stdin().read_line(&mut String::new())?;
    }
    // The first second opens files and connections, and prepares statements.
    let warm = Rush { time: Duration::from_secs(1), ..base.clone() }.run()?;
    bench.head();
    let (full, capacity) = bench.load("as fast as it answers", &Rush { first: warm.next, ..base.clone() })?;
    let mut first = full.next;
    let rates = match arguments.rate.as_slice() {
        [] => vec![(capacity * 3 / 4).max(1), capacity.saturating_mul(10).max(1)],
        rates => rates.to_vec(),
    };
    for rate in rates {
        let load = Rush { rate: Some(rate), first, ..base.clone() };
        first = bench.load(&format!("{rate}/s"), &load)?.0.next;
    }
    Ok(())
}

/// A registry with people in it.
fn open(hufu: &Path, settings: &Settings, count: u32) -> Result<(Deployment, Registry)> {
    let deployment = Deployment::new(hufu)?;
    let registry = Registry::start(&deployment, "registry", settings)?;
    let api = registry.api(&deployment)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    for first in (0..count).step_by(4096) {
        let holders = people(first..count.min(first + 4096));
        runtime.block_on(api.register_holders(ISSUER, &NewHolders { holders, seen_by_clerk: false }))?;
    }
    Ok((deployment, registry))
}

struct Bench<'b> {
    registry: &'b Registry,
    postgres: Option<&'b Postgres>,
    json: bool,
}

impl Bench<'_> {
    /// One load; what became of it, and the credentials a second.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "figures for people, far below 2^32"
    )]
    fn load(&mut self, name: &str, rush: &Rush) -> Result<(Rushed, u32)> {
        let meter = CpuMeter::of(self.registry.pid()?);
        let (before, database_before) = (meter.read()?, self.database_ms()?);
        let rushed = rush.run()?;
        let cpu_ms = meter.read()?.since(&before) as f64 / 1e6;
        let database_ms = self.database_ms()? - database_before;
        let seconds = rush.time.as_secs_f64();
        let issued = rushed.issued.len() as f64;
        let at = |quantile| rushed.waited.value_at_quantile(quantile) as f64 / 1000.0;
        self.say(&json!({
            "load": name,
            "connections": rush.connections,
            "issued_per_s": (issued / seconds).round(),
            "shed_per_s": (rushed.shed.len() as f64 / seconds).round(),
            "unsent_per_s": (rushed.unsent as f64 / seconds).round(),
            "cut_off": rushed.cut_off.len(),
            "p50_ms": at(0.5),
            "p99_ms": at(0.99),
            "max_ms": rushed.waited.max() as f64 / 1000.0,
            "registry_cpu_ms_each": cpu_ms / issued.max(1.0),
            "database_cpu_ms_each": self.postgres.map(|_| database_ms / issued.max(1.0)),
            "retry_after_s_max": rushed.shed.iter().map(|(_, seconds)| *seconds).max(),
        }));
        Ok((rushed, (issued / seconds) as u32))
    }

    /// What every process of the database has used of a CPU.
    fn database_ms(&self) -> Result<f64> {
        let Some(postgres) = self.postgres else { return Ok(0.0) };
        // A process that ended took its count along: connections of the pool stay.
        let used = |id: u32| {
            let stat = std::fs::read_to_string(format!("/proc/{id}/schedstat")).unwrap_or_default();
            stat.split(' ').next().and_then(|used| used.parse::<f64>().ok()).unwrap_or_default() / 1e6
        };
        Ok(postgres.processes()?.into_iter().map(used).sum())
    }

    #[expect(clippy::print_stdout, reason = "it is what the program is for")]
    fn head(&self) {
        if !self.json {
            println!(
                "| load | issued/s | shed/s | unsent/s | p50 | p99 | registry CPU each{} |\n| --- | --- | --- | --- | --- | --- | ---{} |",
                if self.postgres.is_some() { " | database CPU each" } else { "" },
                if self.postgres.is_some() { " | ---" } else { "" },
            );
        }
    }

    #[expect(clippy::print_stdout, reason = "it is what the program is for")]
    fn say(&self, figures: &Value) {
        if self.json {
            println!("{figures}");
            return;
        }
        let ms = |name: &str| format!("{:.3} ms", figures[name].as_f64().unwrap_or_default());
        let database = self.postgres.map_or(String::new(), |_| format!(" | {}", ms("database_cpu_ms_each")));
        let whole = |name: &str| figures[name].as_f64().unwrap_or_default();
        println!(
            "| {} | {} | {} | {} | {} | {} | {}{database} |",
            figures["load"].as_str().unwrap_or_default(),
            whole("issued_per_s"),
            whole("shed_per_s"),
            whole("unsent_per_s"),
            ms("p50_ms"),
            ms("p99_ms"),
            ms("registry_cpu_ms_each"),
        );
    }
}
