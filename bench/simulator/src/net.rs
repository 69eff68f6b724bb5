//! The network: what becomes of a message between two machines.

use crate::chance::Chance;
use crate::fault::{Fault, Happened, Kind};

/// A machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// The registry, with its feed.
    Registry,
    /// An engine.
    Engine(usize),
    /// A gate.
    Gate(usize),
    /// A gate that goes on without a network.
    Lone(usize),
}

/// A fault that goes on.
#[derive(Clone, Copy, Debug)]
struct Trouble {
    until: u64,
    node: Node,
    kind: Kind,
    much: u64,
}

/// What goes on in the network.
#[derive(Debug, Default)]
pub(crate) struct Net {
    troubles: Vec<Trouble>,
}

impl Net {
    /// A fault begins at `node`.
    pub(crate) fn trouble(&mut self, now: u64, node: Node, fault: &Fault) {
        let until = now + fault.lasts_ms;
        self.troubles.push(Trouble { until, node, kind: fault.kind, much: fault.much });
    }

    /// Everything is well again.
    pub(crate) fn heal(&mut self) {
        self.troubles.clear();
    }

    /// After how many milliseconds a message arrives: never, once, or twice.
    pub(crate) fn carry(
        &mut self,
        now: u64,
        (from, to): (Node, Node),
        chance: &mut Chance,
        happened: &mut Happened,
    ) -> [Option<u64>; 2] {
        let mut arrivals = [Some(1), None];
        if self.troubles.is_empty() {
            return arrivals;
        }
        self.troubles.retain(|trouble| trouble.until > now);
        for Trouble { node, kind, much, .. } in &self.troubles {
            if *node != from && *node != to {
                continue;
            }
            let happens = match kind {
                Kind::Partition => true,
                Kind::OneWay => (*node == from) == much.is_multiple_of(2),
                _ => chance.permille(50 + much % 600),
            };
            if !happens {
                continue;
            }
            happened.count(*kind);
            match kind {
                Kind::Partition | Kind::OneWay | Kind::Loss => arrivals = [None, None],
                Kind::Delay => arrivals = arrivals.map(|at| at.map(|at| at + much % 1500)),
                Kind::Reorder => arrivals = arrivals.map(|at| at.map(|at| at + chance.below(60))),
                _ => arrivals[1] = arrivals[0].map(|at| at + chance.below(700)),
            }
            if arrivals == [None, None] {
                break;
            }
        }
        arrivals
    }
}
