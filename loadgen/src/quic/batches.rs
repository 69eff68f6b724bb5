//! Checks in batches, every batch on a stream of its own. A batch is due as one; so are its checks.

use std::io;
use std::rc::Rc;

use hufu_client::Control;
use hufu_wire::{CheckNumber, CheckRequest, Lane};

use super::load::{Results, Work, until};
use crate::clock;
use crate::live::Live;
use crate::pending::Asked;

/// One batch as it is sent: codes in one piece, and what each must get.
struct Batch {
    codes: Vec<u8>,
    /// Each with the length of its code.
    checks: Vec<(Asked, usize)>,
}

pub(super) async fn run(
    controls: &[Control],
    mut work: Work,
    checks: usize,
    results: &Rc<Results>,
    live: &Live,
) -> io::Result<()> {
    let mut under_way = Vec::new();
    let mut index = 0;
    for (due_ns, control) in work.schedule.clone().zip(controls.iter().cycle()) {
        // Made before it is due: only its sending is timed.
        let mut batch = Batch { codes: Vec::new(), checks: Vec::with_capacity(checks) };
        for _ in 0..checks {
            let kind = work.draw.kind(index);
            index += 1;
            let (code, expected) = work.supply.next(kind, clock::step());
            batch.codes.extend_from_slice(code);
            batch.checks.push((Asked { kind, expected, due_ns }, code.len()));
        }
        until(results.clock, due_ns).await;
        let now_ns = results.clock.now_ns();
        {
            let mut tally = results.tally.borrow_mut();
            for (asked, _) in &batch.checks {
                tally.sent(asked.kind, due_ns, now_ns);
            }
            tally.sends += 1;
            live.update(&tally);
        }
        under_way.push(tokio::task::spawn_local(ask(control.clone(), batch, Rc::clone(results))));
        under_way.retain(|batch| !batch.is_finished());
    }
    for batch in under_way {
        batch.await.map_err(io::Error::other)?;
    }
    Ok(())
}

async fn ask(control: Control, batch: Batch, results: Rc<Results>) {
    let mut rest = &batch.codes[..];
    let mut requests = Vec::with_capacity(batch.checks.len());
    for ((_, length), number) in batch.checks.iter().zip(1..) {
        let (code, after) = rest.split_at(*length);
        requests.push((CheckNumber(number), CheckRequest::of_scan(Lane(0), code)));
        rest = after;
    }
    let answered = control.checks(&requests).await;
    let now_ns = results.clock.now_ns();
    let mut tally = results.tally.borrow_mut();
    let Ok(verdicts) = answered else {
        batch.checks.iter().for_each(|(asked, _)| tally.lost(asked.kind));
        return;
    };
    for ((asked, _), verdict) in batch.checks.iter().zip(&verdicts) {
        tally.judge(asked, verdict, now_ns, results.timeout);
    }
}
