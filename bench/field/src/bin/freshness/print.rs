//! Figures as people and as machines read them.

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// A histogram of microseconds up to a minute.
pub(crate) fn histogram() -> anyhow::Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

/// Percentiles in milliseconds.
pub(crate) fn milliseconds(histogram: &Histogram<u64>) -> Value {
    let at = |quantile| thousandth(histogram.value_at_quantile(quantile));
    json!({ "p50_ms": at(0.5), "p90_ms": at(0.9), "p99_ms": at(0.99), "max_ms": thousandth(histogram.max()) })
}

fn thousandth(microseconds: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "minutes of microseconds")]
    let microseconds = microseconds as f64;
    microseconds / 1000.0
}

/// One line, JSON: for a document as well as for a program.
#[expect(clippy::print_stdout, reason = "it is what the program is for")]
pub(crate) fn say(figures: &Value) {
    println!("{figures}");
}
