//! What only the kernel counts: CPU time of a thread, what waits in a UDP socket and what it dropped (proc(5)).

use std::fs;
use std::time::Duration;

/// CPU time a thread of this process has used so far; `None` where the kernel does not say.
pub(crate) fn cpu_time(thread: i32) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok()?;
    text.split_ascii_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// A UDP socket of this machine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UdpRow {
    pub(crate) inode: u64,
    /// Memory of the datagrams that wait in it, the kernel's own included.
    pub(crate) waiting_bytes: u64,
    /// Datagrams that found it full.
    pub(crate) drops: u64,
}

/// Every UDP socket of this machine; none where the kernel does not say.
pub(crate) fn udp_sockets() -> Vec<UdpRow> {
    let tables = ["/proc/self/net/udp", "/proc/self/net/udp6"];
    let rows = tables.iter().filter_map(|table| fs::read_to_string(table).ok());
    rows.flat_map(|text| text.lines().skip(1).filter_map(UdpRow::read).collect::<Vec<_>>()).collect()
}

impl UdpRow {
    /// Column 5 is what waits to be sent and to be received, column 10 the inode, column 13 the drops.
    fn read(row: &str) -> Option<UdpRow> {
        let mut columns = row.split_ascii_whitespace();
        let (_, waiting) = columns.nth(4)?.split_once(':')?;
        let waiting_bytes = u64::from_str_radix(waiting, 16).ok()?;
        let inode = columns.nth(4)?.parse().ok()?;
        Some(UdpRow { inode, waiting_bytes, drops: columns.nth(2)?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_proc_net_udp_gives_inode_waiting_bytes_and_drops() {
        let row = "  123: 0100007F:1151 00000000:0000 07 00000000:00000A00 00:00000000 00000000     0        0 \
                   91834 2 0000000000000000 17";
        assert_eq!(UdpRow::read(row), Some(UdpRow { inode: 91834, waiting_bytes: 2560, drops: 17 }));
        assert_eq!(UdpRow::read("  sl  local_address"), None);
    }

    #[test]
    fn the_kernel_tells_what_waits_in_a_socket() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let inode = rustix::fs::fstat(&socket).unwrap().st_ino;
        let waiting = || udp_sockets().into_iter().find(|row| row.inode == inode).unwrap().waiting_bytes;
        assert_eq!(waiting(), 0);
        socket.send_to(&[0; 400], socket.local_addr().unwrap()).unwrap();
        assert!((400..=4096).contains(&waiting()), "{}", waiting());
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
