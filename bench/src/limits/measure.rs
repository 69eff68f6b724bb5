//! CPU time of things, by name.

use std::collections::BTreeMap;

use hufu_bench::cpu_us;

/// Everything that is measured. Microseconds of CPU time for one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// A datagram in and one out, by a server that does nothing else.
    Udp,
    /// Opening a request and sealing a reply, with keys that are set up.
    Sealing,
    /// Text to credential and presentation.
    Reading,
    /// Digest and look into the memory of verified credentials.
    Recall,
    /// The signature, 32 at a time.
    Signature,
    /// Salt, chain and path of a presentation.
    Presentation,
    /// The status word, 32 at a time.
    LookUp,
    /// The site's rule.
    Policy,
    /// The spine without sockets, credentials seen before.
    SpineAgain,
    /// The spine without sockets, credentials never seen.
    SpineFirst,
    /// The spine without sockets, paper codes seen before.
    SpinePaper,
    /// The engine behind its socket, credentials seen before.
    ServedAgain,
    /// The engine behind its socket, credentials never seen.
    ServedFirst,
}

/// All measurements of each.
#[derive(Default)]
pub(crate) struct Measured(BTreeMap<What, Vec<f64>>);

impl Measured {
    /// Takes one measurement in, microseconds for one check.
    pub(crate) fn add(&mut self, what: What, us: f64) {
        self.0.entry(what).or_default().push(us);
    }

    /// The median.
    pub(crate) fn us(&self, what: What) -> f64 {
        let mut all = self.0.get(&what).cloned().unwrap_or_default();
        all.sort_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// CPU time of this thread for each of `times` runs of `what`, microseconds.
pub(crate) fn us_each(times: u32, mut what: impl FnMut(usize)) -> f64 {
    let before = cpu_us();
    (0..times as usize).for_each(&mut what);
    (cpu_us() - before) / f64::from(times.max(1))
}
