//! What every process shows: which build it is, and what the kernel counts of it (proc(5)). The names are those of
//! Prometheus' own client libraries.

use std::fs;

use super::exhibit::{Family, Labels, Values};

/// The figures of this process. What the kernel does not say is left out.
pub(super) fn families() -> Vec<Family> {
    let one = |value| vec![(Labels::new(), value)];
    let build = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    let mut families = vec![Family::levels("build_info", "1, with the version", [(build, 1)])];
    if let Some(Stat { cpu_s, resident_bytes, threads, started_s }) = Stat::read() {
        let cpu = Values::SecondsInAll(one(cpu_s));
        families.extend([
            Family { name: "process_cpu_seconds", help: "CPU time of this process", values: cpu },
            Family::level("process_resident_memory_bytes", "Memory in use", resident_bytes),
            Family::level("process_threads", "Threads", threads),
        ]);
        let started = started_s.map(|started_s| (Labels::new(), started_s));
        families.push(Family::seconds("process_start_time_seconds", "Unix time of the start", started));
    }
    let open = fs::read_dir("/proc/self/fd").map(|entries| (Labels::new(), entries.count() as u64));
    families.push(Family::levels("process_open_fds", "Open files and sockets", open.ok()));
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    families.push(Family::levels(
        "process_max_fds",
        "How many may be open",
        limit.map(|limit| (Labels::new(), limit)),
    ));
    families
}

/// Ticks a second in which the kernel tells time to programs: 100 on every architecture (USER_HZ of time(7)).
const TICKS_PER_S: f64 = 100.0;

struct Stat {
    cpu_s: f64,
    resident_bytes: u64,
    threads: u64,
    /// Unix time.
    started_s: Option<f64>,
}

impl Stat {
    fn read() -> Option<Stat> {
        let [stat, status, machine] =
            ["/proc/self/stat", "/proc/self/status", "/proc/stat"].map(|file| fs::read_to_string(file).ok());
        Stat::of(&stat?, &status?, machine.as_deref())
    }

    /// Without `machine`, which a service may not be shown, the start is unknown. Fields are counted behind the name of
    /// the program, which ends with the last bracket: state is field 3.
    #[expect(clippy::cast_precision_loss, reason = "ticks and seconds stay far below 2^52")]
    fn of(stat: &str, status: &str, machine: Option<&str>) -> Option<Stat> {
        let fields: Vec<_> = stat.rsplit_once(") ")?.1.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let seconds = |ticks: u64| ticks as f64 / TICKS_PER_S;
        let resident =
            status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        let btime = |line: &str| line.strip_prefix("btime ")?.parse::<u64>().ok();
        let boot = machine.and_then(|machine| machine.lines().find_map(btime));
        let since_boot = seconds(field(22)?);
        Some(Stat {
            cpu_s: seconds(field(14)? + field(15)?),
            resident_bytes: resident?.parse::<u64>().ok()? * 1024,
            threads: field(20)?,
            started_s: boot.map(|boot| boot as f64 + since_boot),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_line_is_read_behind_a_name_with_brackets() {
        let line =
            "17 (a) b) S 1 17 17 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 6 0 1000 99999 25 18446744073709551615";
        let status = "VmHWM:\t 9 kB\nVmRSS:\t   25 kB\n";
        let stat = Stat::of(line, status, Some("cpu 1 2\nbtime 1790000000\n")).unwrap();
        assert_eq!((stat.cpu_s, stat.threads, stat.resident_bytes), (2.0, 6, 25_600));
        assert_eq!(stat.started_s, Some(1_790_000_010.0));
        let hidden = Stat::of(line, status, None).unwrap();
        assert_eq!((hidden.cpu_s, hidden.started_s), (2.0, None), "the machine's own file is not shown");
        assert!(Stat::of("17 (a) S 1", "", None).is_none());
    }

    #[test]
    fn this_process_has_used_memory_and_files() {
        let families = families();
        for name in
            ["process_resident_memory_bytes", "process_open_fds", "process_max_fds", "process_threads"]
        {
            let family = families.iter().find(|family| family.name == name).unwrap();
            let Values::Levels(levels) = &family.values else { panic!("{family:?}") };
            assert!(levels[0].1 > 0, "{name}");
        }
    }
}
