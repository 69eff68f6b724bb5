//! The server's CPU time, from the scheduler's own books.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{fs, io};

/// Reads how long a process's threads have been on a CPU.
#[derive(Clone, Debug)]
pub struct CpuMeter {
    tasks: PathBuf,
    /// Threads whose name starts with one of these are left out.
    without: Vec<String>,
}

/// A reading: nanoseconds by thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuReading(BTreeMap<u64, u64>);

impl CpuMeter {
    /// A meter of process `pid`.
    pub fn of(pid: u32) -> CpuMeter {
        CpuMeter { tasks: PathBuf::from(format!("/proc/{pid}/task")), without: Vec::new() }
    }

    /// Leaves out threads whose name starts with `prefix`: for a server in the generator's own process.
    #[must_use]
    pub fn without_threads_named(mut self, prefix: &str) -> CpuMeter {
        self.without.push(prefix.to_owned());
        self
    }

    /// What every thread has used so far. Threads that have ended are gone, and so is their time.
    ///
    /// # Errors
    /// When the process is gone or the kernel keeps no `schedstat`.
    pub fn read(&self) -> io::Result<CpuReading> {
        let mut threads = BTreeMap::new();
        for task in fs::read_dir(&self.tasks)? {
            let task = task?.path();
            let Ok(stat) = fs::read_to_string(task.join("schedstat")) else { continue };
            let name = fs::read_to_string(task.join("comm")).unwrap_or_default();
            if self.without.iter().any(|prefix| name.starts_with(prefix.as_str())) {
                continue;
            }
            let id = task.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            if let (Some(id), Some(on_cpu_ns)) = (id, on_cpu_ns(&stat)) {
                threads.insert(id, on_cpu_ns);
            }
        }
        if threads.is_empty() {
            let why = format!("{} has no thread with a schedstat", self.tasks.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
        Ok(CpuReading(threads))
    }
}

impl CpuReading {
    /// Nanoseconds used since `earlier`; threads that began in between count from zero.
    pub fn since(&self, earlier: &CpuReading) -> u64 {
        let used = |(id, now): (&u64, &u64)| now.saturating_sub(earlier.0.get(id).copied().unwrap_or(0));
        self.0.iter().map(used).sum()
    }
}

/// The first number of `schedstat`: time on a CPU, nanoseconds (Documentation/scheduler/sched-stats.rst).
fn on_cpu_ns(stat: &str) -> Option<u64> {
    stat.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(threads: &[(u64, u64)]) -> CpuReading {
        CpuReading(threads.iter().copied().collect())
    }

    #[test]
    fn threads_that_come_and_go_do_no_harm() {
        let before = reading(&[(1, 100), (2, 900)]);
        assert_eq!(reading(&[(1, 150), (3, 7)]).since(&before), 57);
        assert_eq!(before.since(&before), 0);
    }

    #[test]
    fn the_first_field_is_time_on_a_cpu() {
        assert_eq!(on_cpu_ns("123456 77 9\n"), Some(123_456));
        assert_eq!(on_cpu_ns(""), None);
    }

    #[test]
    fn our_own_process_uses_cpu_and_a_missing_one_is_an_error() {
        let meter = CpuMeter::of(std::process::id());
        let before = meter.read().unwrap();
        let started = std::time::Instant::now();
        while started.elapsed().as_millis() < 20 {
            std::hint::spin_loop();
        }
        assert!(meter.read().unwrap().since(&before) > 1_000_000);
        assert!(meter.without_threads_named("").read().is_err(), "every thread was left out");
        assert!(CpuMeter::of(u32::MAX).read().is_err());
    }
}
