//! Where a gate sends its sealed requests: every address of every engine, in turn.

use std::net::SocketAddr;

/// The addresses a gate asks, in turn.
#[derive(Debug)]
pub(super) struct Route {
    targets: Vec<Target>,
    current: usize,
}

/// One address of one engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The engine's place among the servers.
    pub(super) server: usize,
    /// Its QUIC address.
    pub(super) address: SocketAddr,
}

impl Route {
    /// Begins at the address that gave the session. After it come the first addresses of the other servers, in
    /// their order, then all second ones, and so on: a dead engine with many addresses delays no other.
    pub(super) fn new(server: usize, reached: SocketAddr, addresses: &[Vec<SocketAddr>]) -> Route {
        let first = Target { server, address: reached };
        let mut targets = vec![first];
        let longest = addresses.iter().map(Vec::len).max().unwrap_or(0);
        for rank in 0..longest {
            for turn in 0..addresses.len() {
                let server = (first.server + turn) % addresses.len();
                let target = addresses[server].get(rank).map(|&address| Target { server, address });
                targets.extend(target.filter(|target| *target != first));
            }
        }
        Route { targets, current: 0 }
    }

    /// Where requests go now.
    pub(super) fn current(&self) -> Target {
        self.targets[self.current]
    }

    /// The next address.
    pub(super) fn advance(&mut self) {
        self.current = (self.current + 1) % self.targets.len();
    }

    /// The next address of another engine, where there is one.
    pub(super) fn leave_server(&mut self) {
        let server = self.current().server;
        let others = (1..self.targets.len()).map(|step| (self.current + step) % self.targets.len());
        if let Some(next) = others.into_iter().find(|&next| self.targets[next].server != server) {
            self.current = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> SocketAddr {
        ([192, 0, 2, last], 7411).into()
    }

    fn walk(mut route: Route, steps: usize) -> Vec<(usize, SocketAddr)> {
        let mut targets = Vec::new();
        for _ in 0..steps {
            targets.push((route.current().server, route.current().address));
            route.advance();
        }
        targets
    }

    #[test]
    fn every_address_is_asked_and_each_engine_before_any_ones_second_address() {
        let addresses =
            [vec![address(1), address(11)], vec![address(2)], vec![], vec![address(4), address(14)]];
        let wanted = [
            (0, address(11)),
            (0, address(1)),
            (1, address(2)),
            (3, address(4)),
            (3, address(14)),
            (0, address(11)),
        ];
        assert_eq!(walk(Route::new(0, address(11), &addresses), 6), wanted);
    }

    #[test]
    fn an_engine_that_stops_is_left_with_all_its_addresses() {
        let addresses = [vec![address(1), address(11)], vec![address(2)]];
        let mut route = Route::new(0, address(1), &addresses);
        route.leave_server();
        assert_eq!(route.current().server, 1);
        route.leave_server();
        assert_eq!(route.current().server, 0);
        let mut alone = Route::new(0, address(1), &[vec![address(1), address(11)]]);
        alone.leave_server();
        assert_eq!(alone.current().address, address(1), "there is no other");
    }
}
