//! Where datagrams were lost: the kernel counts what did not fit a socket's receive buffer.

use std::collections::BTreeSet;
use std::fs;

/// Datagrams that the kernel has dropped so far at sockets of these local ports, in this network namespace.
pub(crate) fn at_ports(ports: &BTreeSet<u16>) -> u64 {
    let tables = ["/proc/net/udp", "/proc/net/udp6"];
    let tables = tables.iter().filter_map(|table| fs::read_to_string(table).ok());
    tables.map(|table| in_table(&table, ports)).sum()
}

/// The last column of every line whose local port is one of `ports`.
fn in_table(table: &str, ports: &BTreeSet<u16>) -> u64 {
    let line = |line: &str| {
        let mut columns = line.split_ascii_whitespace();
        let (_, port) = columns.nth(1)?.rsplit_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let drops: u64 = columns.next_back()?.parse().ok()?;
        ports.contains(&port).then_some(drops)
    };
    table.lines().filter_map(line).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_the_last_column_of_the_lines_of_our_ports() {
        let table = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            1: 0100007F:1267 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 17\n\
            2: 0100007F:1267 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 3\n\
            3: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 99\n";
        assert_eq!(in_table(table, &[0x1267].into()), 20);
        assert_eq!(in_table(table, &[1].into()), 0);
    }
}
