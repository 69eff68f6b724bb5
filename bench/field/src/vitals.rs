//! What a process holds, and whether that grows.

use std::fs;

use anyhow::{Context as _, Result};

/// What a process holds at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Memory that is resident, KiB.
    pub resident_kib: u64,
    /// Open descriptors.
    pub descriptors: u64,
    /// Threads.
    pub threads: u64,
}

impl Vitals {
    /// Those of a running process, from `/proc`.
    ///
    /// # Errors
    /// There is no such process, or it is another user's.
    pub fn of(pid: u32) -> Result<Vitals> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let value = line.and_then(|line| line.split_whitespace().next());
            value.and_then(|value| value.parse().ok()).with_context(|| format!("no {name} of process {pid}"))
        };
        Ok(Vitals {
            resident_kib: field("VmRSS:")?,
            threads: field("Threads:")?,
            descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64,
        })
    }
}

/// The straight line through points by least squares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// The mean of the values.
    pub mean: f64,
    /// By how much they rise for one unit of time.
    pub slope: f64,
    /// The standard error of the slope: how far chance alone moves it.
    pub error: f64,
}

impl Trend {
    /// Through `(time, value)`; `None` with fewer than three points, or all at one time.
    pub fn through(points: &[(f64, f64)]) -> Option<Trend> {
        let count = f64::from(u32::try_from(points.len()).ok().filter(|count| *count >= 3)?);
        let mean_of = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (middle, mean) = (mean_of(|point| point.0), mean_of(|point| point.1));
        let spread: f64 = points.iter().map(|(at, _)| (at - middle).powi(2)).sum();
        if spread <= 0.0 {
            return None;
        }
        let slope = points.iter().map(|(at, value)| (at - middle) * (value - mean)).sum::<f64>() / spread;
        let rest: f64 = points.iter().map(|(at, value)| (value - mean - slope * (at - middle)).powi(2)).sum();
        Some(Trend { mean, slope, error: (rest / (count - 2.0) / spread).sqrt() })
    }

    /// Whether it rises by more than `most` for one unit of time, beyond what chance explains (two standard errors).
    pub fn rises_above(&self, most: f64) -> bool {
        self.slope - 2.0 * self.error > most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_its_own_vitals() {
        let before = Vitals::of(std::process::id()).unwrap();
        let files: Vec<_> = (0..8).map(|_| fs::File::open("/proc/self/status").unwrap()).collect();
        let after = Vitals::of(std::process::id()).unwrap();
        assert!(before.resident_kib > 100 && before.threads >= 1);
        assert!(after.descriptors >= before.descriptors + 8, "{before:?} {after:?}");
        drop(files);
    }

    #[test]
    fn a_leak_is_told_from_noise() {
        // A hundred minutes; noise of 50 on 1000.
        let noise = |minute: u32| {
            f64::from(u32::try_from(hufu_fixtures::mix(minute.into()) % 65_536).unwrap()) / 655.36 - 50.0
        };
        let trend = |leak: f64| {
            let points: Vec<_> = (0..100)
                .map(|minute| {
                    (f64::from(minute) / 60.0, 1000.0 + noise(minute) + leak * f64::from(minute) / 60.0)
                })
                .collect();
            Trend::through(&points).unwrap()
        };
        assert!(!trend(0.0).rises_above(20.0), "{:?}", trend(0.0));
        assert!(trend(100.0).rises_above(20.0), "{:?}", trend(100.0));
        assert!((trend(100.0).slope - trend(0.0).slope - 100.0).abs() < 1e-6);
        assert_eq!(Trend::through(&[(0.0, 1.0), (1.0, 2.0)]), None);
        let exact = Trend::through(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]).unwrap();
        assert!((exact.slope - 2.0).abs() < 1e-9 && exact.error < 1e-9 && (exact.mean - 3.0).abs() < 1e-9);
    }
}
