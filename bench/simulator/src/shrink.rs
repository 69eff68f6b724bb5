//! A plan that fails, made smaller for as long as it still fails.

use hufu_wire::planted::Bug;

use crate::batch::run;
use crate::plan::Plan;

/// The smallest plan that was found to fail as `plan` does, within so many runs: without the faults that it does not
/// need, as short as it can be, with as few machines.
pub fn shrunk(plan: &Plan, bug: Option<Bug>, runs: u32) -> Plan {
    let mut small = Small { best: plan.clone(), bug, left: runs };
    let mut part = plan.faults.len().max(1);
    while part > 0 {
        let mut from = 0;
        while from < small.best.faults.len() {
            let mut less = small.best.clone();
            less.faults.drain(from..(from + part).min(less.faults.len()));
            if !small.takes(less) {
                from += part;
            }
        }
        part /= 2;
    }
    for less in [
        |plan: &mut Plan| plan.lones = 0,
        |plan: &mut Plan| plan.issuers = 1,
        |plan: &mut Plan| plan.engines = 1,
        |plan: &mut Plan| plan.gates = 2,
        |plan: &mut Plan| plan.records = false,
        |plan: &mut Plan| plan.pace_ms *= 8,
        |plan: &mut Plan| plan.length_ms /= 2,
        |plan: &mut Plan| plan.length_ms /= 2,
    ] {
        let mut plan = small.best.clone();
        less(&mut plan);
        small.takes(plan);
    }
    small.best
}

struct Small {
    best: Plan,
    bug: Option<Bug>,
    left: u32,
}

impl Small {
    /// Whether a smaller plan fails, too; it is the best one then.
    fn takes(&mut self, plan: Plan) -> bool {
        if self.left == 0 || plan == self.best {
            return false;
        }
        self.left -= 1;
        let fails = run(&plan, self.bug).failure.is_some();
        if fails {
            self.best = plan;
        }
        fails
    }
}
