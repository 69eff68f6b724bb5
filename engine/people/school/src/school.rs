//! The schools of a console: settings, the kept list and the jobs of each.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use hufu_upstream::{Api, ApiOptions};
use hufu_wire::SiteId;

use crate::config::{SchoolConfig, Settings};
use crate::job::{Job, Work};
use crate::register::Register;

/// Results that a school's page keeps in memory; the oldest goes first.
const JOBS_MAX: usize = 8;

/// Jobs of one school that are not done.
const RUNNING_MAX: usize = 4;

/// How long a job that failed can be taken up again: id numbers are in memory until then.
const TAKEN_UP_WITHIN: Duration = Duration::from_secs(15 * 60);

/// Every school that this process has a page for.
pub struct Schools {
    by_site: BTreeMap<SiteId, Arc<School>>,
}

/// One school.
pub(crate) struct School {
    pub(crate) settings: Settings,
    pub(crate) api: Api,
    /// Held by the job that runs.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Held by the job of any school that reads a file.
    pub(crate) reading: Arc<tokio::sync::Mutex<()>>,
    kept: Mutex<Option<Arc<Register>>>,
    jobs: Mutex<VecDeque<Arc<Job>>>,
}

impl Schools {
    /// Reads settings and kept lists. Connections belong to the runtime that this is called in.
    ///
    /// # Errors
    /// What is wrong, and in which school's settings.
    pub fn open(configs: &[SchoolConfig]) -> anyhow::Result<Arc<Schools>> {
        let mut by_site = BTreeMap::new();
        let reading = Arc::default();
        for config in configs {
            let of = || format!("school of site {}", config.site);
            let school = School::open(config, Arc::clone(&reading)).with_context(of)?;
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

impl School {
    fn open(config: &SchoolConfig, reading: Arc<tokio::sync::Mutex<()>>) -> anyhow::Result<School> {
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
            reading,
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
    pub(crate) async fn forget(&self) -> anyhow::Result<()> {
        let _turn = self.turn.lock().await;
        Register::remove(&self.settings)?;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).retain(|job| job.is_running());
        for name in kept.iter().flat_map(|kept| &kept.rosters) {
            self.api.delete_roster(self.settings.site, name).await?;
        }
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
