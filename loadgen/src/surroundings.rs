//! What a load does to the system around it: the server's CPU time, and datagrams that fit no buffer.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;

use crate::cpu::{CpuMeter, CpuReading};
use crate::drops;

/// What was measured beside the tallies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) server_cpu_ns: Option<u64>,
    pub(crate) dropped_at_generator: u64,
    pub(crate) dropped_at_server: u64,
}

/// Counters of the system at one moment.
pub(crate) struct Reading {
    cpu: Option<CpuReading>,
    dropped_at_generator: u64,
    dropped_at_server: u64,
}

impl Reading {
    pub(crate) fn take(
        meter: Option<&CpuMeter>,
        ports: &BTreeSet<u16>,
        server: SocketAddr,
    ) -> io::Result<Reading> {
        Ok(Reading {
            cpu: meter.map(CpuMeter::read).transpose()?,
            dropped_at_generator: drops::at_ports(ports),
            dropped_at_server: drops::at_ports(&[server.port()].into()),
        })
    }

    pub(crate) fn since(&self, before: &Reading) -> Surroundings {
        let cpu = self.cpu.as_ref().zip(before.cpu.as_ref());
        Surroundings {
            server_cpu_ns: cpu.map(|(now, before)| now.since(before)),
            dropped_at_generator: self.dropped_at_generator.saturating_sub(before.dropped_at_generator),
            dropped_at_server: self.dropped_at_server.saturating_sub(before.dropped_at_server),
        }
    }
}
