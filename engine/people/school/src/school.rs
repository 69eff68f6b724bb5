//! The schools of a console: settings, the kept list and the jobs of each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use hufu_upstream::{Api, ApiOptions};
use hufu_wire::SiteId;
use tokio::sync::Semaphore;

use crate::config::{SchoolConfig, Settings};
use crate::job::{Job, JobFault, Work};
use crate::places::Places;
use crate::register::Register;

/// Results that a school's page keeps in memory; the oldest goes first.
const JOBS_MAX: usize = 8;

/// Jobs of one school that are not done.
const RUNNING_MAX: usize = 4;

/// Lists that this process takes in at a time, one of each school: each is in memory.
pub(crate) const UPLOADS_MAX: usize = 4;

/// Lists that this process writes for printing and downloads at a time, likewise: each takes a thread.
const EXPORTS_MAX: usize = 2;

/// How long a list waits for the one before it: a person has two tabs, or clicks twice.
const WAIT: Duration = Duration::from_secs(10);

/// How long a job that failed can be taken up again: id numbers are in memory until then.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(15 * 60);

/// Every school that this process has a page for.
pub struct Schools {
    by_site: BTreeMap<SiteId, Arc<School>>,
}

/// What all schools share.
pub(crate) struct Shared {
    /// Held by the job that reads a file.
    reading: Arc<tokio::sync::Mutex<()>>,
    uploads: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    wait: Duration,
}

/// One school.
pub(crate) struct School {
    pub(crate) settings: Settings,
    pub(crate) api: Api,
    /// Held by the job that runs.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Held by the job of any school that reads a file.
    pub(crate) reading: Arc<tokio::sync::Mutex<()>>,
    /// For a list that is taken in.
    pub(crate) uploads: Places,
    /// For a list that is written.
    pub(crate) exports: Places,
    kept: Mutex<Option<Arc<Register>>>,
    jobs: Mutex<VecDeque<Arc<Job>>>,
}

impl Schools {
    /// Reads settings and kept lists. Connections belong to the runtime that this is called in.
    ///
    /// # Errors
    /// What is wrong, and in which school's settings.
    pub fn open(configs: &[SchoolConfig]) -> anyhow::Result<Arc<Schools>> {
        Schools::sharing(configs, &Shared::waiting(WAIT))
    }

    pub(crate) fn sharing(configs: &[SchoolConfig], shared: &Shared) -> anyhow::Result<Arc<Schools>> {
        let mut by_site = BTreeMap::new();
        for config in configs {
            let of = || format!("school of site {}", config.site);
            let school = School::open(config, shared).with_context(of)?;
            let before = by_site.insert(school.settings.site, Arc::new(school));
            ensure!(before.is_none(), "{}: it is there twice", of());
        }
        Ok(Arc::new(Schools { by_site }))
    }

    /// The school of a site.
    pub(crate) fn of(&self, site: SiteId) -> Option<&Arc<School>> {
        self.by_site.get(&site)
    }
}

impl Shared {
    /// A list waits so long for its place.
    pub(crate) fn waiting(wait: Duration) -> Shared {
        let [uploads, exports] = [UPLOADS_MAX, EXPORTS_MAX].map(|places| Arc::new(Semaphore::new(places)));
        Shared { reading: Arc::default(), uploads, exports, wait }
    }
}

impl School {
    fn open(config: &SchoolConfig, shared: &Shared) -> anyhow::Result<School> {
        let settings = config.read()?;
        let (url, token, ca) = (config.registry.clone(), Some(config.token.clone()), config.ca.clone());
        let api = Api::open(&ApiOptions { url, token, ca })?;
        // A list that cannot be used does not keep the page from taking another.
        let kept = Register::load(&settings).unwrap_or_else(|error| {
            tracing::error!(error = format!("{error:#}"), "a school's kept list");
            None
        });
        Ok(School {
            settings,
            api,
            turn: tokio::sync::Mutex::default(),
            reading: Arc::clone(&shared.reading),
            uploads: Places::among(&shared.uploads, shared.wait),
            exports: Places::among(&shared.exports, shared.wait),
            kept: Mutex::new(kept.map(Arc::new)),
            jobs: Mutex::default(),
        })
    }

    /// The list that was checked last.
    pub(crate) fn kept(&self) -> Option<Arc<Register>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn kept_rosters(&self) -> Vec<String> {
        self.kept().map(|kept| kept.rosters.clone()).unwrap_or_default()
    }

    pub(crate) fn set_kept(&self, register: Register) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(register));
    }

    /// Deletes the kept list here and its rosters at the registry; and every result.
    ///
    /// # Errors
    /// The list stays, and with it the names of the rosters that are left: the same again goes on.
    pub(crate) async fn forget(self: &Arc<School>) -> Result<(), JobFault> {
        let school = Arc::clone(self);
        // The person may close the tab: it is done to its end all the same.
        tokio::spawn(async move { school.forget_all().await }).await.map_err(|_| JobFault::Here)?
    }

    async fn forget_all(&self) -> Result<(), JobFault> {
        let _turn = self.turn.lock().await;
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).retain(|job| {
            // Id numbers of a job that failed are not waited for.
            job.let_go();
            job.is_running()
        });
        for name in self.kept_rosters() {
            match self.api.delete_roster(self.settings.site, &name).await {
                Err(fault) if fault.problem().is_none_or(|problem| problem.status != 404) => {
                    return Err(fault.into());
                }
                // It is gone; or was already, when this is done for the second time.
                _ => {}
            }
        }
        Register::remove(&self.settings)?;
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }

    /// The jobs that are kept, the newest first.
    pub(crate) fn jobs(&self) -> Vec<Arc<Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    pub(crate) fn job(&self, id: &str) -> Option<Arc<Job>> {
        self.jobs().into_iter().find(|job| job.id == id)
    }

    /// Begins a job; none when too many are under way.
    pub(crate) fn begin(self: &Arc<School>, work: Work) -> Option<Arc<Job>> {
        let job = Job::new(work);
        {
            let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            if jobs.iter().filter(|job| job.is_running()).count() >= RUNNING_MAX {
                return None;
            }
            jobs.push_front(Arc::clone(&job));
            while jobs.len() > JOBS_MAX {
                jobs.pop_back();
            }
        }
        self.go(&job);
        Some(job)
    }

    /// Goes on with a job that failed; false when there is nothing to go on with.
    pub(crate) fn go_on(self: &Arc<School>, job: &Arc<Job>) -> bool {
        let is_taken = job.take_up();
        if is_taken {
            self.go(job);
        }
        is_taken
    }

    fn go(self: &Arc<School>, job: &Arc<Job>) {
        let (school, job) = (Arc::clone(self), Arc::clone(job));
        // The person may close the tab: the job ends all the same.
        tokio::spawn(async move {
            let worked = tokio::spawn({
                let job = Arc::clone(&job);
                async move { school.work(&job).await }
            });
            if worked.await.is_err() {
                job.broken();
            }
            if job.can_be_taken_up() {
                tokio::time::sleep(TAKEN_UP_WITHIN).await;
                job.let_go();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::path::Path;

    use super::*;
    use crate::job::State;

    /// A school whose terminal and token are missing.
    fn school(folder: &Path, registry: &str) -> Arc<School> {
        let config = SchoolConfig::of_a_test(310_101, registry, folder);
        Arc::new(School::open(&config, &Shared::waiting(WAIT)).unwrap())
    }

    fn list(roster: &str) -> Register {
        Register { rosters: vec![roster.to_owned()], ..Register::default() }
    }

    async fn ended(job: &Job) -> JobFault {
        while job.is_running() {
            tokio::task::yield_now().await;
        }
        let State::Failed(fault, _) = job.state() else { panic!("it has no terminal") };
        fault
    }

    #[tokio::test]
    async fn r61_a_check_is_of_the_list_that_is_kept_when_its_turn_comes() {
        let folder = tempfile::tempdir().unwrap();
        let school = school(folder.path(), "http://127.0.0.1:1");
        school.set_kept(list("school-a-1"));
        let turn = school.turn.lock().await;
        let job = school.begin(Work::default()).unwrap();
        tokio::task::yield_now().await;
        // Another tab has uploaded a list meanwhile.
        school.set_kept(list("school-b-1"));
        drop(turn);
        assert_eq!(ended(&job).await, JobFault::Here);
        assert_eq!(job.take_work().unwrap().register.rosters, ["school-b-1"]);

        // Another tab has deleted it meanwhile.
        let turn = school.turn.lock().await;
        let job = school.begin(Work::default()).unwrap();
        tokio::task::yield_now().await;
        school.kept.lock().unwrap().take();
        drop(turn);
        assert_eq!(ended(&job).await, JobFault::Deleted);
        assert!(!job.can_be_taken_up() && school.kept().is_none(), "nothing brings it back");
    }

    #[tokio::test]
    async fn r61_a_list_stays_until_its_rosters_are_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let school = school(folder.path(), &format!("http://{}", listener.local_addr().unwrap()));
        let job = school.begin(Work { is_new: true, ..Work::default() }).unwrap();
        assert_eq!(ended(&job).await, JobFault::Here);
        assert!(job.can_be_taken_up());
        list("school-a-1").store(&school.settings).unwrap();
        school.set_kept(list("school-a-1"));

        // The registry is not asked: the token is missing.
        assert_eq!(school.forget().await, Err(JobFault::Registry { passing: false }));
        assert_eq!(school.kept_rosters(), ["school-a-1"]);
        assert_eq!(Register::load(&school.settings).unwrap().unwrap().rosters, ["school-a-1"]);
        assert!(!job.can_be_taken_up(), "id numbers of a list that failed do not wait for the registry");

        // A roster that an earlier try deleted.
        std::fs::write(folder.path().join("school.token"), "hufu_secret").unwrap();
        let registry = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 4096];
            let bytes = stream.read(&mut asked).unwrap();
            let body = r#"{"type":"urn:hufu:problem:not-found","title":"","status":404,"detail":""}"#;
            let kind = "application/problem+json";
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 404 Not Found\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
            )
            .unwrap();
            String::from_utf8_lossy(&asked[..bytes]).into_owned()
        });
        school.forget().await.unwrap();
        let asked = registry.join().unwrap();
        assert!(
            asked.starts_with("DELETE /") && asked.contains("/sites/310101/rosters/school-a-1 "),
            "{asked}"
        );
        assert!(school.kept().is_none() && Register::load(&school.settings).unwrap().is_none());
    }
}
