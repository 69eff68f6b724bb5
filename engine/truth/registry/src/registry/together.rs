//! Requests that come while others are worked at are worked at together, right after them. No request waits for a batch to
//! fill: where nothing is under way, a request begins at once and alone.

use core::future::Future;
use core::pin::Pin;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::fault::Fault;

/// What a batch becomes.
pub(super) type Answers<A> = Pin<Box<dyn Future<Output = Vec<A>> + Send>>;

/// Batches of one kind of work, one after the other.
pub(super) struct Together<Q, A>(Arc<Shared<Q, A>>);

struct Shared<Q, A> {
    waiting: Mutex<Waiting<Q, A>>,
    /// Answers each request of a batch, in their order.
    work: Box<dyn Fn(Vec<Q>) -> Answers<A> + Send + Sync>,
    batch_max: usize,
}

struct Waiting<Q, A> {
    requests: Vec<(Q, oneshot::Sender<A>)>,
    /// Whether a task works at batches.
    is_worked_at: bool,
}

impl<Q: Send + 'static, A: Send + 'static> Together<Q, A> {
    /// Batches of at most `batch_max` requests, which `work` answers one for one.
    pub(super) fn new(
        batch_max: usize,
        work: impl Fn(Vec<Q>) -> Answers<A> + Send + Sync + 'static,
    ) -> Together<Q, A> {
        let waiting = Mutex::new(Waiting { requests: Vec::new(), is_worked_at: false });
        Together(Arc::new(Shared { waiting, work: Box::new(work), batch_max }))
    }

    /// The answer to one request. The work goes on when its caller is gone; a request whose caller is gone
    /// before its batch begins is left out.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the batch came to no end.
    pub(super) async fn ask(&self, request: Q) -> Result<A, Fault> {
        let (answer, answered) = oneshot::channel();
        let begins = {
            let mut waiting = self.0.waiting();
            waiting.requests.push((request, answer));
            !mem::replace(&mut waiting.is_worked_at, true)
        };
        if begins {
            tokio::spawn(run(Arc::clone(&self.0)));
        }
        let ended =
            |_| Fault::Unavailable("the work stopped before its end: look whether it was done".into());
        answered.await.map_err(ended)
    }
}

impl<Q, A> Shared<Q, A> {
    fn waiting(&self) -> MutexGuard<'_, Waiting<Q, A>> {
        // Each change is whole.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch; none when no request waits, and then no task works.
    fn batch(&self) -> Option<Vec<(Q, oneshot::Sender<A>)>> {
        let mut waiting = self.waiting();
        waiting.requests.retain(|(_, answer)| !answer.is_closed());
        if waiting.requests.is_empty() {
            waiting.is_worked_at = false;
            return None;
        }
        let rest = waiting.requests.len().min(self.batch_max);
        let rest = waiting.requests.split_off(rest);
        Some(mem::replace(&mut waiting.requests, rest))
    }
}

/// Lets the next request begin a task again when this one was cut off by a panic; who waits is told.
struct CutOff<'s, Q, A>(Option<&'s Shared<Q, A>>);

impl<Q, A> Drop for CutOff<'_, Q, A> {
    fn drop(&mut self) {
        if let Some(shared) = self.0 {
            let mut waiting = shared.waiting();
            waiting.requests.clear();
            waiting.is_worked_at = false;
        }
    }
}

async fn run<Q, A>(shared: Arc<Shared<Q, A>>) {
    let mut cut_off = CutOff(Some(&shared));
    while let Some(batch) = shared.batch() {
        let (requests, answers): (Vec<Q>, Vec<oneshot::Sender<A>>) = batch.into_iter().unzip();
        for (answer, answered) in answers.into_iter().zip((shared.work)(requests).await) {
            // Fails when its caller is gone.
            let _ = answer.send(answered);
        }
    }
    cut_off.0 = None;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn what_comes_meanwhile_is_one_batch_and_each_has_its_own_answer() {
        let (gate, batches) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
        let (held, counted) = (Arc::clone(&gate), Arc::clone(&batches));
        let doubled = Arc::new(Together::new(64, move |numbers: Vec<u32>| {
            let (held, counted) = (Arc::clone(&held), Arc::clone(&counted));
            Box::pin(async move {
                held.acquire().await.unwrap().forget();
                counted.fetch_add(1, Ordering::Relaxed);
                numbers.into_iter().map(|number| number * 2).collect()
            })
        }));
        let ask = |number: u32| {
            let doubled = Arc::clone(&doubled);
            tokio::spawn(async move { doubled.ask(number).await })
        };
        let first = ask(1);
        while !doubled.0.waiting().requests.is_empty() || !doubled.0.waiting().is_worked_at {
            tokio::task::yield_now().await;
        }
        let others: Vec<_> = (2..40).map(ask).collect();
        while doubled.0.waiting().requests.len() < others.len() {
            tokio::task::yield_now().await;
        }
        gate.add_permits(2);
        assert_eq!(first.await.unwrap(), Ok(2));
        for (number, other) in (2..40).zip(others) {
            assert_eq!(other.await.unwrap(), Ok(number * 2));
        }
        assert_eq!(batches.load(Ordering::Relaxed), 2, "the first alone, the others together");
    }

    #[tokio::test]
    async fn a_batch_that_is_cut_off_is_told_and_the_next_begins() {
        let works = Together::new(8, |numbers: Vec<u32>| {
            assert!(numbers != [13], "a test's panic");
            Box::pin(async move { numbers })
        });
        assert!(matches!(works.ask(13).await, Err(Fault::Unavailable(_))));
        assert_eq!(works.ask(14).await, Ok(14));
    }
}
