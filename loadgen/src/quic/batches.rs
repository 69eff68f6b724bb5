//! Checks in batches, every batch on a stream of its own. A batch is due as one; so are its checks.

use std::io;
use std::rc::Rc;

use hufu_client::Control;
use hufu_fixtures::Expected;
use hufu_wire::{CheckNumber, CheckRequest, Lane};

use super::{Books, Work, until};
use crate::clock;
use crate::live::Live;
use crate::mix::Kind;

/// One batch as it is sent: codes in one piece, and what each must get.
struct Batch {
    codes: Vec<u8>,
    checks: Vec<(Kind, Expected, usize)>,
    due_ns: u64,
}

pub(super) async fn run(
    controls: &[Control],
    mut work: Work,
    checks: usize,
    books: Books,
    live: &Live,
) -> io::Result<Books> {
    let books = Rc::new(books);
    let mut under_way = Vec::new();
    let mut index = 0;
    for (due_ns, control) in work.schedule.clone().zip(controls.iter().cycle()) {
        // Made before it is due: only its sending is timed.
        let mut batch = Batch { codes: Vec::new(), checks: Vec::with_capacity(checks), due_ns };
        for _ in 0..checks {
            let kind = work.draw.kind(index);
            index += 1;
            let (code, expected) = work.supply.next(kind, clock::step());
            batch.codes.extend_from_slice(code);
            batch.checks.push((kind, expected, code.len()));
        }
        until(books.clock, due_ns).await;
        let now_ns = books.clock.now_ns();
        {
            let (mut tally, mut timeline) = (books.tally.borrow_mut(), books.timeline.borrow_mut());
            for (kind, ..) in &batch.checks {
                tally.sent(*kind, due_ns, now_ns);
                timeline.due(due_ns);
            }
            tally.sends += 1;
            live.update(&tally);
        }
        under_way.push(tokio::task::spawn_local(ask(control.clone(), batch, Rc::clone(&books))));
        under_way.retain(|batch| !batch.is_finished());
    }
    for batch in under_way {
        batch.await.map_err(io::Error::other)?;
    }
    Rc::try_unwrap(books).map_err(|_| io::Error::other("a batch outlived its load"))
}

async fn ask(control: Control, batch: Batch, books: Rc<Books>) {
    let mut rest = &batch.codes[..];
    let mut requests = Vec::with_capacity(batch.checks.len());
    for ((.., length), number) in batch.checks.iter().zip(1..) {
        let (code, after) = rest.split_at(*length);
        requests.push((CheckNumber(number), CheckRequest { lane: Lane(0), code }));
        rest = after;
    }
    let answered = control.checks(&requests).await;
    let now_ns = books.clock.now_ns();
    let (mut tally, mut timeline) = (books.tally.borrow_mut(), books.timeline.borrow_mut());
    let Ok(verdicts) = answered else {
        batch.checks.iter().for_each(|(kind, ..)| tally.lost(*kind));
        return;
    };
    for ((kind, expected, _), verdict) in batch.checks.iter().zip(verdicts) {
        tally.answered(*kind, now_ns.saturating_sub(batch.due_ns), books.timeout);
        tally.verdict(&verdict);
        timeline.answered(now_ns);
        if *expected != (Expected { decision: verdict.decision, reason: verdict.reason }) {
            tally.wrong(*kind, Some(*expected), Some(verdict));
        }
    }
}
