//! What only the kernel counts: CPU time of a thread, datagrams dropped at a full socket (proc(5)).

use std::fs;
use std::time::Duration;

/// CPU time a thread of this process has used so far; `None` where the kernel does not say.
pub(crate) fn cpu_time(thread: i32) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok()?;
    text.split_ascii_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Datagrams that each UDP socket of this machine has dropped, by inode.
pub(crate) fn drops() -> Vec<(u64, u64)> {
    let tables = ["/proc/self/net/udp", "/proc/self/net/udp6"];
    let rows = tables.iter().filter_map(|table| fs::read_to_string(table).ok());
    rows.flat_map(|text| text.lines().skip(1).filter_map(drops_of_row).collect::<Vec<_>>()).collect()
}

/// Column 10 is the inode, column 13 the drops.
fn drops_of_row(row: &str) -> Option<(u64, u64)> {
    let mut columns = row.split_ascii_whitespace();
    let inode = columns.nth(9)?.parse().ok()?;
    Some((inode, columns.nth(2)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_proc_net_udp_gives_inode_and_drops() {
        let row = "  123: 0100007F:1151 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 \
                   91834 2 0000000000000000 17";
        assert_eq!(drops_of_row(row), Some((91834, 17)));
        assert_eq!(drops_of_row("  sl  local_address"), None);
    }

    #[test]
    fn a_busy_thread_has_used_cpu() {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        let before = cpu_time(thread).unwrap();
        let until = std::time::Instant::now() + Duration::from_millis(50);
        while std::time::Instant::now() < until {
            core::hint::spin_loop();
        }
        assert!(cpu_time(thread).unwrap() > before);
    }
}
