//! Open-loop load with every answer checked.
//!
//! Checks leave when they are due, whether or not the ones before were answered, and latency counts from when
//! they were due. Everything that can be made ahead is: codes are signed before the load begins, a thread sends
//! and receives without allocating, and its own CPU time and lateness are part of the report.

mod build;
mod clock;
mod cpu;
mod drops;
mod enrol;
mod figures;
mod generator;
mod live;
mod mix;
mod pending;
mod picture;
mod plan;
mod quic;
mod ramp;
mod report;
mod schedule;
mod stock;
mod surroundings;
mod table;
mod tally;
mod timeline;
mod udp;

pub use build::Build;
pub use cpu::{CpuMeter, CpuReading};
pub use enrol::enrol;
pub use generator::{Generator, Stage, THREAD_NAME, Watch};
pub use mix::{Draw, Kind, Mix, MixFault, PRESETS};
pub use picture::{goodput, picture};
pub use plan::{BURST_MAX, ONE_BY_ONE_PER_S, Plan};
pub use quic::{Carriage, QuicTarget};
pub use ramp::{Ramp, RampReport};
pub use report::{Interval, KindCounts, Percentile, Report, VerdictCount};
pub use schedule::{Arrivals, Schedule};
pub use stock::{CodeStock, PHONES};
pub use table::{ramp_table, table};
