//! Whole deployments in one process from one seed: engines, a registry, followers, feeds, gates, gates without a network,
//! holders, authorities and records, over a simulated network, simulated disks and simulated clocks.
//!
//! What decides is the product's own code; here bytes are carried, time passes, and things go wrong by a [`Plan`]. Beside
//! it stands an oracle that shares no line with what it judges (`truth`). A run that fails names its seed, can be repeated
//! exactly, and shrinks. `docs/PROOF.md` says what was run and what it gave.
//!
//! | file | what it does |
//! | --- | --- |
//! | `plan`, `fault` | what a run is made of, what goes wrong, and how often it did |
//! | `world` | machines, the queue of events, checks, changes, troubles, the calm at the end |
//! | `truth` | the oracle: who is what as of when, what a verdict must be |
//! | `disk`, `net`, `clock`, `chance` | what is simulated |
//! | `engine`, `following`, `registry`, `gate`, `people` | the real parts, each on its machine |
//! | `batch`, `shrink` | many runs; a failing one made small |

mod batch;
mod chance;
mod clock;
mod disk;
mod engine;
mod fault;
mod following;
mod gate;
mod net;
mod people;
mod plan;
mod registry;
mod shrink;
mod truth;
mod world;

pub use batch::{Found, Report, Until, find_planted, known, run, run_many};
pub use fault::{Fault, Happened, Kind};
pub use hufu_wire::planted::Bug;
pub use plan::Plan;
pub use shrink::shrunk;
pub use world::Outcome;
