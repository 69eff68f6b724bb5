//! What was found, for people and for machines.

use std::io::IsTerminal as _;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value, json};

use crate::compare::{CHECKING, Found, Load, SHOWS};
use crate::load::{Sample, Show};
use crate::serve::System;

impl Found {
    /// Answers that were not what they must be, of all systems.
    pub fn wrong(&self) -> u64 {
        self.samples.values().map(|sample| sample.wrong).sum()
    }

    /// One object: each system with its figures for first-seen and for seen-again codes.
    pub fn json(&self) -> Value {
        let mut all = Map::new();
        for system in CHECKING {
            let figures = SHOWS.map(|show| (key(show).to_owned(), self.figures(system, show)));
            all.insert(system.name().to_owned(), Value::Object(figures.into_iter().collect()));
        }
        let again =
            |load| self.sample(System::Echo, load, Show::Again).map(|sample| self.plain(load, sample));
        all.insert(
            System::Echo.name().to_owned(),
            json!({ "steady": again(Load::Steady), "one_by_one": again(Load::Queue) }),
        );
        all.insert(
            "ours_to_udp_echo".to_owned(),
            json!({ "p50_ratio": self.to_echo(|sample| sample.latency_us(0.5)),
                    "server_cpu_ratio": self.to_echo(Sample::server_cpu_us_per_check) }),
        );
        all.insert("wrong".to_owned(), self.wrong().into());
        all.insert("rounds".to_owned(), self.options.rounds.into());
        all.insert("seconds_per_round".to_owned(), self.options.seconds.into());
        all.insert("build".to_owned(), serde_json::to_value(&self.build).unwrap_or_default());
        Value::Object(all)
    }

    /// A table, and what it means.
    pub fn text(&self) -> String {
        let mut saturated =
            table(["", "codes", "CPU µs per check", "to ours", "to one by one", "checks/s", "lost", "wrong"]);
        for show in SHOWS {
            for system in CHECKING {
                self.add_saturated(&mut saturated, system, Load::Saturated, show, system.name());
                if system == System::Ours {
                    self.add_saturated(&mut saturated, system, Load::Queue, show, "ours, one by one");
                }
            }
        }
        let mut steady = table(["", "codes", "CPU µs per check", "p50 µs", "p99 µs", "lost", "wrong"]);
        let echo = (System::Echo, Show::Again);
        let systems = SHOWS.into_iter().flat_map(|show| CHECKING.map(|system| (system, show)));
        for (system, show) in systems.chain([echo]) {
            let Some(sample) = self.sample(system, Load::Steady, show) else { continue };
            steady.add_row([
                system.name().to_owned(),
                if system == System::Echo { "-" } else { words(show) }.to_owned(),
                format!("{:.2}", sample.server_cpu_us_per_check()),
                format!("{:.0}", sample.latency_us(0.5)),
                format!("{:.0}", sample.latency_us(0.99)),
                sample.lost.to_string(),
                sample.wrong.to_string(),
            ]);
        }
        format!(
            "\nAs many checks as each takes, its server processes on one core and the load on another:\n\
             {saturated}\n\
             ours: the highest rate without a loss, datagrams in bursts as a concentrator of many lanes sends\n\
             them; \"one by one\": a full queue of datagrams that were sent singly. Peers: one more request as\n\
             soon as one is answered, on {} keep-alive connections without TLS.\n\n\
             {} checks a second, one by one:\n{steady}\n\
             ours to the bare echo: p50 {:.2}, CPU {:.2}\n\
             signatures by {}, commit {}, {} cores\n",
            self.options.connections,
            self.options.steady_per_s,
            self.to_echo(|sample| sample.latency_us(0.5)),
            self.to_echo(Sample::server_cpu_us_per_check),
            self.build.signature_backend,
            self.build.commit,
            self.build.cores,
        )
    }

    fn add_saturated(&self, table: &mut Table, system: System, load: Load, show: Show, name: &str) {
        let Some(sample) = self.sample(system, load, show) else { return };
        table.add_row([
            name.to_owned(),
            words(show).to_owned(),
            format!("{:.2}", sample.server_cpu_us_per_check()),
            format!("{:.2}", self.ratio(sample, Load::Saturated, show)),
            format!("{:.2}", self.ratio(sample, Load::Queue, show)),
            if load == Load::Queue { "-".to_owned() } else { format!("{:.0}", sample.checks_per_s()) },
            sample.lost.to_string(),
            sample.wrong.to_string(),
        ]);
    }

    fn figures(&self, system: System, show: Show) -> Value {
        let Some(sample) = self.sample(system, Load::Saturated, show) else { return Value::Null };
        let other = |load| self.sample(system, load, show).map(|sample| self.plain(load, sample));
        let mut figures = json!({
            "server_cpu_us_per_check": sample.server_cpu_us_per_check(),
            "checks_per_s": sample.checks_per_s(),
            "ratio": self.ratio(sample, Load::Saturated, show),
            "ratio_to_one_by_one": self.ratio(sample, Load::Queue, show),
            "answered": sample.answered,
            "lost": sample.lost,
            "wrong": sample.wrong,
            "generator_limited": sample.generator_limited,
            "steady": other(Load::Steady),
        });
        if let (Some(queue), Some(figures)) = (other(Load::Queue), figures.as_object_mut()) {
            figures.insert("one_by_one".to_owned(), queue);
        }
        figures
    }

    fn plain(&self, load: Load, sample: &Sample) -> Value {
        let mut figures = json!({
            "server_cpu_us_per_check": sample.server_cpu_us_per_check(),
            "answered": sample.answered,
            "lost": sample.lost,
            "wrong": sample.wrong,
        });
        if let (Load::Steady, Some(figures)) = (load, figures.as_object_mut()) {
            figures.insert("offered_per_s".to_owned(), self.options.steady_per_s.into());
            for (name, share) in [("p50_us", 0.5), ("p99_us", 0.99)] {
                figures.insert(name.to_owned(), sample.latency_us(share).into());
            }
        }
        figures
    }

    /// How many times the CPU time of ours under this load a check costs.
    fn ratio(&self, sample: &Sample, load: Load, show: Show) -> f64 {
        let ours = self.sample(System::Ours, load, show);
        ours.map_or(0.0, |ours| sample.server_cpu_us_per_check() / ours.server_cpu_us_per_check().max(1e-9))
    }

    /// Ours to the bare echo at the unhurried rate, codes seen again.
    fn to_echo(&self, figure: impl Fn(&Sample) -> f64) -> f64 {
        let of = |system| self.sample(system, Load::Steady, Show::Again).map_or(0.0, &figure);
        of(System::Ours) / of(System::Echo).max(1e-9)
    }

    fn sample(&self, system: System, load: Load, show: Show) -> Option<&Sample> {
        self.samples.get(&(system, load, show))
    }
}

fn table<const N: usize>(heads: [&str; N]) -> Table {
    let mut table = Table::new();
    let preset =
        if std::io::stdout().is_terminal() { presets::UTF8_FULL_CONDENSED } else { presets::ASCII_MARKDOWN };
    table.load_style(preset).set_header(heads);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn key(show: Show) -> &'static str {
    match show {
        Show::First => "first_seen",
        Show::Again => "seen_again",
    }
}

fn words(show: Show) -> &'static str {
    match show {
        Show::First => "first seen",
        Show::Again => "seen again",
    }
}
