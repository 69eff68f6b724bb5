//! One check of a list under way: how far it is, what came of it, and how it goes on after a fault.

use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hufu_client::ControlFault;
use hufu_sheets::FileFault;
use hufu_upstream::ApiFault;
use hufu_wire::Reason;

use crate::people::Listed;
use crate::register::Register;
use crate::rows::{Outcome, RefusedRow};

/// What is being done, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) doing: Doing,
    pub(crate) at: usize,
    /// 0 where it is not known.
    pub(crate) of: usize,
}

/// The steps of a check, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doing {
    /// Another list of this school comes first.
    Waiting,
    /// Reading the file.
    Reading,
    /// Asking the registry who the people are.
    Asking,
    /// Putting the rosters, and having them signed.
    Putting,
    /// Asking an engine.
    Checking,
}

impl Doing {
    /// The end of the id of its text.
    pub(crate) const fn slug(self) -> &'static str {
        match self {
            Doing::Waiting => "waiting",
            Doing::Reading => "reading",
            Doing::Asking => "asking",
            Doing::Putting => "putting",
            Doing::Checking => "checking",
        }
    }
}

/// What a job came to.
#[derive(Clone, Debug)]
pub(crate) enum State {
    Running(Step),
    Done(Arc<Outcome>),
    /// Lines that could not be read are beside it when no line could.
    Failed(JobFault, Arc<[RefusedRow]>),
}

/// Why a job did not end well. Each says who can do something about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum JobFault {
    /// The file is no list: the person who made it.
    File(FileFault),
    /// It has no line that can be read: likewise.
    NoLine,
    /// The registry does not answer now, or refuses, which the operator has to see to.
    Registry { passing: bool },
    /// No engine answers, or none takes rosters of this terminal.
    Engine,
    /// The engine does not take the roster.
    Roster(Reason),
    /// A roster of the kept list is gone or has other members: the list has to be uploaded again.
    Changed,
    /// The kept list was deleted before its turn came: likewise.
    Deleted,
    /// Something is wrong with this machine: the operator.
    Here,
}

impl JobFault {
    /// Whether the same job can go on where it stopped.
    pub(crate) const fn can_go_on(&self) -> bool {
        !matches!(self, JobFault::File(_) | JobFault::NoLine | JobFault::Changed | JobFault::Deleted)
    }
}

impl From<ApiFault> for JobFault {
    fn from(fault: ApiFault) -> JobFault {
        tracing::warn!(%fault, "the registry did not do what a school's page asked");
        JobFault::Registry { passing: fault.is_passing() }
    }
}

impl From<ControlFault> for JobFault {
    fn from(fault: ControlFault) -> JobFault {
        tracing::warn!(%fault, "no engine checked a school's roster");
        JobFault::Engine
    }
}

impl From<anyhow::Error> for JobFault {
    fn from(error: anyhow::Error) -> JobFault {
        if let Some(fault) = error.downcast_ref::<FileFault>() {
            return JobFault::File(fault.clone());
        }
        tracing::error!(error = format!("{error:#}"), "a school's page could not do its work");
        JobFault::Here
    }
}

/// What is left to do. It stays after a fault, so that the job can go on without the file.
#[derive(Default)]
pub(crate) struct Work {
    /// The file that was uploaded, until it is read. It has no name on any disk.
    pub(crate) file: Option<File>,
    /// People who are not looked up yet come after those who are in the register.
    pub(crate) people: Vec<Listed>,
    /// What will be kept. Where it comes from no file, it is the kept one as it is when the job's turn comes.
    pub(crate) register: Register,
    /// Whether it comes from a file, so that rosters have to be put.
    pub(crate) is_new: bool,
}

/// A job of a school.
pub(crate) struct Job {
    /// Nobody guesses it, and it leads nowhere without a session of the school.
    pub(crate) id: String,
    state: Mutex<State>,
    /// Nothing while it runs, and when it is done.
    work: Mutex<Option<Work>>,
}

impl Job {
    pub(crate) fn new(work: Work) -> Arc<Job> {
        let mut id = [0; 16];
        // It fails on no system that runs this; jobs of one school would then have one address.
        let _ = aws_lc_rs::rand::fill(&mut id);
        let waiting = Step { doing: Doing::Waiting, at: 0, of: 0 };
        Arc::new(Job {
            id: hex::encode(id),
            state: Mutex::new(State::Running(waiting)),
            work: Mutex::new(Some(work)),
        })
    }

    pub(crate) fn state(&self) -> State {
        held(&self.state).clone()
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(*held(&self.state), State::Running(_))
    }

    pub(crate) fn step(&self, doing: Doing, at: usize, of: usize) {
        *held(&self.state) = State::Running(Step { doing, at, of });
    }

    pub(crate) fn take_work(&self) -> Option<Work> {
        held(&self.work).take()
    }

    pub(crate) fn done(&self, outcome: Outcome) {
        *held(&self.state) = State::Done(Arc::new(outcome));
    }

    pub(crate) fn failed(&self, fault: JobFault, work: Work) {
        let refused = work.register.refused.clone().into();
        if fault.can_go_on() {
            *held(&self.work) = Some(work);
        }
        *held(&self.state) = State::Failed(fault, refused);
    }

    /// Ends a job that a fault of the program has ended.
    pub(crate) fn broken(&self) {
        *held(&self.state) = State::Failed(JobFault::Here, Arc::default());
    }

    /// Takes a failed job up again; false when it is not one, or has nothing to go on with.
    pub(crate) fn take_up(&self) -> bool {
        let mut state = held(&self.state);
        let is_failed = matches!(&*state, State::Failed(..)) && held(&self.work).is_some();
        if is_failed {
            *state = State::Running(Step { doing: Doing::Waiting, at: 0, of: 0 });
        }
        is_failed
    }

    /// Whether [`take_up`](Self::take_up) would.
    pub(crate) fn can_be_taken_up(&self) -> bool {
        !self.is_running() && held(&self.work).is_some()
    }

    /// Lets go of what is left: id numbers stay in memory no longer than a person waits.
    pub(crate) fn let_go(&self) {
        if !self.is_running() {
            held(&self.work).take();
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r61_a_job_goes_on_after_what_passes_and_not_after_a_bad_file() {
        let job = Job::new(Work::default());
        assert!(job.is_running() && job.id.len() == 32);
        assert!(!job.take_up(), "it runs");
        let work = job.take_work().unwrap();
        job.failed(JobFault::Registry { passing: true }, work);
        assert!(job.can_be_taken_up());
        assert!(job.take_up() && job.is_running());
        assert!(!job.take_up(), "two clicks are one");
        let work = job.take_work().unwrap();
        job.failed(JobFault::File(FileFault::NotText), work);
        assert!(!job.can_be_taken_up() && !job.take_up());

        let job = Job::new(Work::default());
        let work = job.take_work().unwrap();
        job.failed(JobFault::Engine, work);
        job.let_go();
        assert!(!job.take_up(), "id numbers are gone after a while");
        assert_ne!(Job::new(Work::default()).id, job.id);
    }
}
