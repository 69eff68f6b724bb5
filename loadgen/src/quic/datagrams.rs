//! Every check in a datagram of its own.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use hufu_client::Control;
use hufu_wire::{CheckNumber, CheckRequest, Lane};
use tokio::task::JoinHandle;

use super::load::{Results, Work, until};
use crate::clock;
use crate::live::Live;
use crate::pending::{Asked, Pending};

/// Checks of one connection under way.
type Waiting = Rc<RefCell<Pending>>;

pub(super) async fn run(
    controls: &[Control],
    mut work: Work,
    results: &Rc<Results>,
    live: &Live,
) -> io::Result<()> {
    let lines: Vec<(Control, Waiting)> = controls
        .iter()
        .map(|control| (control.clone(), Rc::new(RefCell::new(Pending::new(work.waiting)))))
        .collect();
    let listeners: Vec<JoinHandle<()>> = lines
        .iter()
        .map(|(control, pending)| {
            tokio::task::spawn_local(listen(control.clone(), Rc::clone(pending), Rc::clone(results)))
        })
        .collect();

    let mut numbers = vec![0; lines.len()];
    for ((due_ns, index), at) in work.schedule.clone().zip(0..).zip((0..lines.len()).cycle()) {
        until(results.clock, due_ns).await;
        let kind = work.draw.kind(index);
        let (code, expected) = work.supply.next(kind, clock::step());
        let (control, pending) = &lines[at];
        numbers[at] += 1;
        let number = CheckNumber(numbers[at]);
        if let Some(lost) = pending.borrow_mut().ask(number, Asked { kind, expected, due_ns }) {
            results.tally.borrow_mut().lost(lost);
        }
        let now_ns = results.clock.now_ns();
        control.send_check(number, &CheckRequest::of_scan(Lane(0), code)).map_err(io::Error::other)?;
        let mut tally = results.tally.borrow_mut();
        tally.sent(kind, due_ns, now_ns);
        tally.sends += 1;
        live.update(&tally);
    }

    let until_ns = results.clock.now_ns() + u64::try_from(results.timeout.as_nanos()).unwrap_or(u64::MAX);
    while lines.iter().any(|(_, pending)| pending.borrow().waiting() > 0) && results.clock.now_ns() < until_ns
    {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    for listener in listeners {
        listener.abort();
        // Aborted or ended: either way it holds no results any more.
        let _ = listener.await;
    }
    for (_, pending) in &lines {
        pending.borrow_mut().give_up().for_each(|kind| results.tally.borrow_mut().lost(kind));
    }
    Ok(())
}

/// Judges verdicts until the connection ends or the load is over.
async fn listen(control: Control, pending: Waiting, results: Rc<Results>) {
    while let Ok(verdict) = control.next_verdict().await {
        let now_ns = results.clock.now_ns();
        let mut tally = results.tally.borrow_mut();
        tally.take(&mut pending.borrow_mut(), &verdict, now_ns, results.timeout);
    }
}
