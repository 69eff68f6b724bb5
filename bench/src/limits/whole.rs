//! The engine and a bare echo as servers, each with its queue full before it runs.

use std::path::Path;

use anyhow::ensure;
use hufu_peers::load::{Codes, PHONES, Plain, Protocol, Sealed, Show, Udp};
use hufu_peers::{Child, Core, QUEUE, Scene, System, enrol, mine, queues};

use crate::measure::{Measured, What};

/// Queues of each in a round.
const QUEUES: usize = 2;

/// Both servers, and what asks them.
pub(crate) struct Whole {
    core: Option<Core>,
    ours: Child,
    again: Udp<Sealed>,
    first: Udp<Sealed>,
    echo: Child,
    plain: Udp<Plain>,
}

impl Whole {
    pub(crate) fn start(program: &Path, scene: Scene, rounds: u32) -> anyhow::Result<Whole> {
        let cores = mine()?;
        let (core, server_core) = match cores.as_slice() {
            [first, .., last] => (Some(*first), Some(*last)),
            _ => (None, None),
        };
        let ours = Child::start(program, System::Ours, scene, server_core)?;
        let echo = Child::start(program, System::Echo, scene, server_core)?;
        let world = scene.world();
        let first_seen = (rounds as usize + 1) * QUEUES * QUEUE;
        let gates = |show, codes| {
            let sealed = Sealed::new(enrol(&ours.ready)?, Codes::new(&world, show, codes));
            Udp::connect(ours.ready.addr, ours.ready.devices.len(), sealed)
        };
        let (again, first) = (gates(Show::Again, PHONES)?, gates(Show::First, first_seen)?);
        let plain = Udp::connect(echo.ready.addr, ours.ready.devices.len(), Plain::default())?;
        let mut whole = Whole { core, ours, again, first, echo, plain };
        // Codes that are to be seen again are seen for the first time here, and pages are touched.
        whole.measure(&mut Measured::default())?;
        Ok(whole)
    }

    /// Measures every server once.
    pub(crate) fn measure(&mut self, measured: &mut Measured) -> anyhow::Result<()> {
        measured.add(What::Udp, us(&self.echo, self.core, &mut self.plain)?);
        measured.add(What::ServedAgain, us(&self.ours, self.core, &mut self.again)?);
        measured.add(What::ServedFirst, us(&self.ours, self.core, &mut self.first)?);
        Ok(())
    }
}

fn us<S: Protocol>(server: &Child, core: Option<Core>, lines: &mut Udp<S>) -> anyhow::Result<f64> {
    let sample = queues(server, core, lines, QUEUES)?;
    ensure!(sample.wrong == 0, "{} answers were wrong", sample.wrong);
    ensure!(sample.answered > 0, "nothing was answered");
    Ok(sample.server_cpu_us_per_check())
}
