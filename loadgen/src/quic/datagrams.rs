//! Every check in a datagram of its own.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use hufu_client::Control;
use hufu_wire::{CheckNumber, CheckRequest, Lane};
use tokio::task::JoinHandle;

use super::{Books, Work, until};
use crate::clock;
use crate::live::Live;
use crate::pending::{Heard, Pending};

/// Checks of one connection under way.
type Waiting = Rc<RefCell<Pending>>;

pub(super) async fn run(
    controls: &[Control],
    mut work: Work,
    books: Books,
    live: &Live,
) -> io::Result<Books> {
    let books = Rc::new(books);
    let lines: Vec<(Control, Waiting)> = controls
        .iter()
        .map(|control| (control.clone(), Rc::new(RefCell::new(Pending::new(work.waiting)))))
        .collect();
    let listeners: Vec<JoinHandle<()>> = lines
        .iter()
        .map(|(control, pending)| {
            tokio::task::spawn_local(listen(control.clone(), Rc::clone(pending), Rc::clone(&books)))
        })
        .collect();

    let mut numbers = vec![0; lines.len()];
    for ((due_ns, index), at) in work.schedule.clone().zip(0..).zip((0..lines.len()).cycle()) {
        until(books.clock, due_ns).await;
        let kind = work.draw.kind(index);
        let (code, expected) = work.supply.next(kind, clock::step());
        let (control, pending) = &lines[at];
        numbers[at] += 1;
        let number = CheckNumber(numbers[at]);
        if let Some(lost) = pending.borrow_mut().ask(number, due_ns, kind, expected) {
            books.tally.borrow_mut().lost(lost);
        }
        let now_ns = books.clock.now_ns();
        control.send_check(number, &CheckRequest { lane: Lane(0), code }).map_err(io::Error::other)?;
        let mut tally = books.tally.borrow_mut();
        tally.sent(kind, due_ns, now_ns);
        tally.sends += 1;
        books.timeline.borrow_mut().due(due_ns);
        live.update(&tally);
    }

    let patience_ns = books.clock.now_ns() + u64::try_from(books.timeout.as_nanos()).unwrap_or(u64::MAX);
    while lines.iter().any(|(_, pending)| pending.borrow().waiting() > 0)
        && books.clock.now_ns() < patience_ns
    {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    for listener in listeners {
        listener.abort();
        // Aborted or ended: either way it holds no books any more.
        let _ = listener.await;
    }
    for (_, pending) in &lines {
        pending.borrow_mut().give_up().for_each(|kind| books.tally.borrow_mut().lost(kind));
    }
    Rc::try_unwrap(books).map_err(|_| io::Error::other("a listener outlived its load"))
}

/// Judges verdicts until the connection ends or the load is over.
async fn listen(control: Control, pending: Waiting, books: Rc<Books>) {
    while let Ok(verdict) = control.next_verdict().await {
        let now_ns = books.clock.now_ns();
        let (mut tally, mut pending) = (books.tally.borrow_mut(), pending.borrow_mut());
        match pending.hear(&verdict) {
            Heard::Answer { due_ns, kind, right } => {
                tally.answered(kind, now_ns.saturating_sub(due_ns), books.timeout);
                tally.verdict(&verdict);
                books.timeline.borrow_mut().answered(now_ns);
                if !right {
                    tally.wrong(kind, pending.expected(verdict.number), Some(verdict));
                }
            }
            Heard::Duplicate => tally.duplicates += 1,
            Heard::Stray => tally.strays += 1,
        }
    }
}
