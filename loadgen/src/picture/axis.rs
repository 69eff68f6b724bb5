//! Axes: where a value lies and which values are named.

/// One axis of a plot.
pub(super) struct Axis {
    /// What it shows, with its unit.
    pub(super) label: &'static str,
    /// Named values.
    pub(super) ticks: Vec<(f64, String)>,
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Axis {
    /// From 0 to a round number above `most`.
    pub(super) fn linear(label: &'static str, most: f64, name: impl Fn(f64) -> String) -> Axis {
        let step = round_step(most.max(f64::MIN_POSITIVE) / 5.0);
        let steps = (most / step - 1e-9).ceil().max(1.0);
        let mut ticks = Vec::new();
        let mut value = 0.0;
        while value <= steps * step * (1.0 + 1e-9) {
            ticks.push((value, name(value)));
            value += step;
        }
        Axis { label, ticks, from: 0.0, to: steps * step, logarithmic: false }
    }

    /// From the power of ten below `least` to the one above `most`.
    pub(super) fn logarithmic(
        label: &'static str,
        least: f64,
        most: f64,
        name: impl Fn(f64) -> String,
    ) -> Axis {
        let from = 10_f64.powf(least.max(1e-6).log10().floor());
        let to = 10_f64.powf(most.max(from * 1.001).log10().ceil());
        let mut ticks = Vec::new();
        let mut value = from;
        while value <= to * 1.001 {
            ticks.push((value, name(value)));
            value *= 10.0;
        }
        Axis { label, ticks, from, to, logarithmic: true }
    }

    /// Where `value` lies between the ends, 0 to 1.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = if self.logarithmic {
            (value.max(self.from) / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        place.clamp(0.0, 1.0)
    }
}

/// The 1, 2 or 5 times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let rounds = [1.0, 2.0, 5.0, 10.0].map(|round| round * power);
    rounds.into_iter().find(|round| *round >= step * (1.0 - 1e-9)).unwrap_or(power * 10.0)
}

/// 60000 as `60k`, 1500 as `1.5k`.
pub(super) fn thousands(value: f64) -> String {
    if value >= 1e6 {
        format!("{}M", trimmed(value / 1e6))
    } else if value >= 1e3 {
        format!("{}k", trimmed(value / 1e3))
    } else {
        trimmed(value)
    }
}

/// Microseconds as people say them: `80 µs`, `2.5 ms`, `1 s`.
pub(super) fn latency(us: f64) -> String {
    if us >= 1e6 {
        format!("{} s", trimmed(us / 1e6))
    } else if us >= 1e3 {
        format!("{} ms", trimmed(us / 1e3))
    } else {
        format!("{} µs", trimmed(us))
    }
}

/// Three digits that count, no zeros that say nothing.
pub(super) fn trimmed(value: f64) -> String {
    let decimals = match value.abs() {
        100.0.. => return format!("{value:.0}"),
        10.0.. => 1,
        _ => 2,
    };
    format!("{value:.decimals$}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, name)| name.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_reach_beyond_the_most() {
        assert_eq!(names(&Axis::linear("", 60_000.0, thousands)), ["0", "20k", "40k", "60k"]);
        assert_eq!(names(&Axis::linear("", 8_100.0, thousands)), ["0", "2k", "4k", "6k", "8k", "10k"]);
        assert_eq!(
            names(&Axis::logarithmic("", 80.0, 2_500.0, latency)),
            ["10 µs", "100 µs", "1 ms", "10 ms"]
        );
        assert_eq!(names(&Axis::linear("", 0.0, thousands)).first(), Some(&"0"));
    }

    #[test]
    fn three_digits_count() {
        for (value, text) in
            [(0.0, "0"), (0.25, "0.25"), (7.916, "7.92"), (89.73, "89.7"), (251.4, "251"), (20.0, "20")]
        {
            assert_eq!(trimmed(value), text);
        }
    }

    #[test]
    fn places_go_from_end_to_end() {
        let axis = Axis::logarithmic("", 10.0, 1000.0, latency);
        assert!((axis.place(100.0) - 0.5).abs() < 1e-9);
        assert!(axis.place(1.0).abs() < 1e-9 && (axis.place(1e9) - 1.0).abs() < 1e-9);
    }
}
