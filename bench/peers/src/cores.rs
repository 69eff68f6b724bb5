//! Which core runs what: the server on one and its generator on another, so that neither takes the other's time.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A core's number.
pub type Core = usize;

/// The cores this thread may use, lowest first.
///
/// # Errors
/// When the system does not tell.
pub fn mine() -> std::io::Result<Vec<Core>> {
    let set = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect())
}

/// Runs `what` with this thread, and the threads and processes it starts, on `core` alone; anywhere for `None`.
///
/// # Errors
/// When the system does not let the thread move.
pub fn on<T>(core: Option<Core>, what: impl FnOnce() -> T) -> std::io::Result<T> {
    let Some(core) = core else { return Ok(what()) };
    let before = sched_getaffinity(None)?;
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only)?;
    let result = what();
    sched_setaffinity(None, &before)?;
    Ok(result)
}
