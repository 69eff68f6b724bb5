//! The sums, and the whole beside them.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::measure::{Measured, What};

/// The whole path should cost no more than this many times the sum of its parts.
const TARGET: f64 = 1.25;

/// Parts that every check of a phone code has.
const COMMON: [(What, &str); 7] = [
    (What::Udp, "UDP in and out"),
    (What::Sealing, "open a request, seal a reply"),
    (What::Reading, "text and structure"),
    (What::Recall, "digest, look into the memory"),
    (What::Presentation, "presentation"),
    (What::LookUp, "status look-up"),
    (What::Policy, "policy"),
];

/// A path with its parts.
pub(crate) struct Path {
    name: &'static str,
    key: &'static str,
    parts: Vec<(&'static str, f64)>,
    sum_us: f64,
    /// The spine without sockets.
    spine_us: f64,
    /// The engine behind its socket.
    served_us: f64,
}

/// What was found.
pub(crate) struct Report {
    paths: [Path; 2],
    paper_us: f64,
}

impl Report {
    pub(crate) fn of(measured: &Measured) -> Report {
        let common = COMMON.map(|(what, name)| (name, measured.us(what)));
        let path = |name, key, more: Option<(&'static str, f64)>, spine, served| {
            let parts: Vec<_> = common.into_iter().chain(more).collect();
            let sum_us = parts.iter().map(|(_, us)| us).sum();
            Path { name, key, parts, sum_us, spine_us: measured.us(spine), served_us: measured.us(served) }
        };
        let signature = ("signature, 32 together", measured.us(What::Signature));
        Report {
            paths: [
                path(
                    "phone code, first seen",
                    "first_seen",
                    Some(signature),
                    What::SpineFirst,
                    What::ServedFirst,
                ),
                path("phone code, seen again", "seen_again", None, What::SpineAgain, What::ServedAgain),
            ],
            paper_us: measured.us(What::SpinePaper),
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for path in &self.paths {
            let _ = writeln!(text, "\n{}: CPU µs per check", path.name);
            for (name, us) in &path.parts {
                let _ = writeln!(text, "  {name:<32}{us:>7.3}");
            }
            let udp_us = path.parts.first().map_or(0.0, |(_, us)| *us);
            for (name, us) in [
                ("sum of the parts", path.sum_us),
                ("served over sealed UDP", path.served_us),
                ("the spine alone", path.spine_us),
                ("the parts but UDP", path.sum_us - udp_us),
            ] {
                let _ = writeln!(text, "  {name:<32}{us:>7.3}");
            }
            let ratio = path.ratio();
            let verdict = if ratio <= TARGET { "within" } else { "beyond" };
            let _ = writeln!(text, "  {:<32}{ratio:>7.2}  {verdict} the target of {TARGET}", "served to sum");
        }
        let _ = writeln!(text, "\nthe spine alone, paper code seen again: {:.3}", self.paper_us);
        text
    }

    pub(crate) fn json(&self) -> Value {
        let path = |path: &Path| {
            let parts: serde_json::Map<_, _> =
                path.parts.iter().map(|(name, us)| ((*name).to_owned(), (*us).into())).collect();
            let figures = json!({
                "parts_us": parts, "sum_us": path.sum_us, "spine_us": path.spine_us,
                "served_us": path.served_us, "ratio": path.ratio(),
            });
            (path.key.to_owned(), figures)
        };
        Value::Object(self.paths.iter().map(path).collect())
    }
}

impl Path {
    fn ratio(&self) -> f64 {
        self.served_us / self.sum_us
    }
}
