//! Reads all sources, and makes one [`State`] each second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hufu_files::moment;
use hufu_upstream::Api;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use zeroize::Zeroizing;

use crate::alarms::{Since, alarms};
use crate::ends::{self, End, EndingFile};
use crate::engine::{self, EVERY, Figures, Heard};
use crate::gates::{self, Gates};
use crate::history::{History, Point};
use crate::registry::{self, Told};
use crate::state::{ChainEnd, EngineState, IssuerState, RegistryState, State};

/// An engine to be read.
#[derive(Clone, Debug)]
pub struct EngineSource {
    /// What people call it.
    pub name: String,
    /// Its metrics page, for example `http://127.0.0.1:7412`.
    pub metrics: String,
    /// The token of its live events, if they are to be read.
    pub events: Option<Zeroizing<String>>,
}

/// A registry to be asked.
#[derive(Clone, Debug)]
pub struct RegistrySource {
    /// What people call it.
    pub name: String,
    /// Its API.
    pub api: Api,
    /// Its metrics page.
    pub metrics: Option<String>,
}

/// Everything that is read.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Engines.
    pub engines: Vec<EngineSource>,
    /// Registries.
    pub registries: Vec<RegistrySource>,
    /// Files whose end is watched.
    pub files: Vec<EndingFile>,
}

/// How often files are read for their ends.
const FILES: Duration = Duration::from_secs(60);

struct EngineHeard {
    name: String,
    page: watch::Receiver<Heard<Figures>>,
    events: Option<watch::Receiver<Heard<()>>>,
    before: Option<Arc<Figures>>,
}

struct RegistryHeard {
    name: String,
    told: watch::Receiver<Heard<Told>>,
    page: Option<watch::Receiver<Heard<Figures>>>,
}

/// What is heard of all sources.
struct Watch {
    engines: Vec<EngineHeard>,
    registries: Vec<RegistryHeard>,
    gates: Gates,
    files: Vec<EndingFile>,
    file_ends: Vec<End>,
    files_read: Option<Instant>,
    history: History,
    /// Verdicts of each site, a second each, of the last minute.
    minutes: BTreeMap<u32, [u32; 60]>,
    since: Since,
    number: u64,
}

/// Reads the sources for ever, on tasks of the set. Called within a tokio runtime.
///
/// # Errors
/// The HTTP client cannot be set up.
pub(crate) fn start(
    sources: Sources,
    tasks: &mut JoinSet<()>,
) -> anyhow::Result<watch::Receiver<Arc<State>>> {
    // Metrics pages are plain HTTP on networks of the operator: no root is trusted, no proxy asked.
    let http =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().tls_certs_only([]);
    let http = http.connect_timeout(Duration::from_secs(2)).build()?;
    let gates = Gates::default();
    let mut page = |url: &str| {
        let (tell, heard) = watch::channel(Heard::silent());
        tasks.spawn(engine::follow(format!("{}/metrics", url.trim_end_matches('/')), http.clone(), tell));
        heard
    };
    let mut engines = Vec::new();
    let mut listening = Vec::new();
    for source in sources.engines {
        let heard = page(&source.metrics);
        let events = source.events.map(|token| {
            let (tell, heard) = watch::channel(Heard::silent());
            let url = format!("{}/records/events", source.metrics.trim_end_matches('/'));
            listening.push(gates::follow(url, token, http.clone(), gates.clone(), tell));
            heard
        });
        engines.push(EngineHeard { name: source.name, page: heard, events, before: None });
    }
    let mut registries = Vec::new();
    let mut asking = Vec::new();
    for source in sources.registries {
        let (tell, told) = watch::channel(Heard::silent());
        asking.push(registry::follow(source.api, tell));
        registries.push(RegistryHeard {
            name: source.name,
            told,
            page: source.metrics.as_deref().map(&mut page),
        });
    }
    for listening in listening {
        tasks.spawn(listening);
    }
    for asking in asking {
        tasks.spawn(asking);
    }
    let mut watched = Watch {
        engines,
        registries,
        gates,
        files: sources.files,
        file_ends: Vec::new(),
        files_read: None,
        history: History::default(),
        minutes: BTreeMap::new(),
        since: Since::default(),
        number: 0,
    };
    let (tell, state) = watch::channel(Arc::new(watched.state(Instant::now())));
    tasks.spawn(async move {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            tell.send_replace(Arc::new(watched.state(Instant::now())));
        }
    });
    Ok(state)
}

impl Watch {
    fn state(&mut self, now: Instant) -> State {
        let mut state = State { number: self.number, ..State::default() };
        self.number += 1;
        let mut point = Point::default();
        let mut site_second: BTreeMap<u32, u32> = BTreeMap::new();
        for engine in &mut self.engines {
            let heard = engine.page.borrow().clone();
            let events = engine.events.as_ref().map(|events| events.borrow().clone());
            state.sees_devices |= events.is_some();
            let mut shown = EngineState {
                name: engine.name.clone(),
                silent: heard.silent_for(),
                events_silent: events.and_then(|events| events.silent_for()),
                ..EngineState::default()
            };
            let figures = heard.figures().cloned();
            if let Some(figures) = &figures {
                shown.version.clone_from(&figures.version);
                (shown.is_ready, shown.has_failed_records) = (figures.is_ready, figures.has_failed_records);
                if let Some(before) = &engine.before {
                    let mut own = Point::default();
                    own.add(before, figures);
                    shown.checks = own.checks();
                    point.add(before, figures);
                    add_sites(&mut site_second, before, figures);
                }
                follow_issuers(&mut state.issuers, &engine.name, figures);
                ends_of(&mut state.ends, &engine.name, figures);
                for (site, verdicts) in &figures.sites {
                    let sums = &mut state.sites.entry(*site).or_default().verdicts;
                    sums.iter_mut().zip(verdicts).for_each(|(sum, count)| *sum += count);
                }
            }
            engine.before = figures;
            state.engines.push(shown);
        }
        self.history.push(point);
        state.history = self.history.clone();
        for registry in &self.registries {
            registry.tell(&mut state);
        }
        self.devices(&mut state, now);
        self.minute(&mut state, &site_second);
        self.read_files(now);
        state.ends.extend(self.file_ends.iter().cloned());
        state.ends.sort_by_key(|end| (end.left_s.unwrap_or(i64::MIN), end.what));
        state.alarms = alarms(&state, moment::now().0, &mut self.since, now);
        state
    }

    fn devices(&self, state: &mut State, now: Instant) {
        for (id, seen) in self.gates.all() {
            let device = state.devices.entry(id).or_default();
            (device.site, device.lanes, device.verdicts) = (seen.site, seen.lanes, seen.verdicts);
            device.quiet = Some(now.saturating_duration_since(seen.at));
        }
        let devices: Vec<_> =
            state.devices.values().map(|device| (device.site, device.is_offline())).collect();
        for (site, is_offline) in devices {
            let site = state.sites.entry(site).or_default();
            site.devices += 1;
            site.offline += usize::from(is_offline);
        }
    }

    fn minute(&mut self, state: &mut State, second: &BTreeMap<u32, u32>) {
        let at = (self.number % 60) as usize;
        self.minutes.values_mut().for_each(|minute| minute[at] = 0);
        for (site, count) in second {
            self.minutes.entry(*site).or_insert([0; 60])[at] = *count;
        }
        self.minutes.retain(|_, minute| minute.iter().any(|count| *count > 0));
        for (site, minute) in &self.minutes {
            state.sites.entry(*site).or_default().minute = minute.iter().map(|count| u64::from(*count)).sum();
        }
    }

    fn read_files(&mut self, now: Instant) {
        if self.files_read.is_none_or(|read| now.duration_since(read) >= FILES) {
            self.files_read = Some(now);
            self.file_ends = self.files.iter().flat_map(ends::read).collect();
        }
    }
}

fn add_sites(second: &mut BTreeMap<u32, u32>, before: &Figures, now: &Figures) {
    for (site, verdicts) in &now.sites {
        let sum = |verdicts: &[u64; 3]| verdicts.iter().sum::<u64>();
        let (now, before) = (sum(verdicts), before.sites.get(site).map_or(0, sum));
        let rise = if now >= before { now - before } else { now };
        *second.entry(*site).or_default() += u32::try_from(rise).unwrap_or(u32::MAX);
    }
}

fn follow_issuers(issuers: &mut BTreeMap<u32, IssuerState>, engine: &str, figures: &Figures) {
    for (id, followed) in &figures.issuers {
        let issuer = issuers.entry(*id).or_default();
        issuer.is_forked |= followed.is_forked;
        // One whose statuses come in files or status lists has no chain here, and is older by design.
        if !followed.digest.is_empty() {
            issuer.ages.push((engine.to_owned(), followed.age_s));
            let (sequence, digest) = (followed.sequence, followed.digest.clone());
            issuer.ends.push(ChainEnd { source: engine.to_owned(), sequence, digest });
        }
    }
}

fn ends_of(ends: &mut Vec<End>, place: &str, figures: &Figures) {
    ends.extend(figures.left.iter().map(|(what, of, left_s)| End {
        what: *what,
        of: of.clone(),
        place: place.to_owned(),
        left_s: Some(*left_s),
    }));
}

impl RegistryHeard {
    fn tell(&self, state: &mut State) {
        let heard = self.told.borrow().clone();
        let page = self.page.as_ref().and_then(|page| page.borrow().figures().cloned());
        let told = heard.figures();
        let version = told.map(|told| told.version.clone()).unwrap_or_default();
        let store_is_up = page.as_ref().and_then(|page| page.store_is_up);
        let silent = heard.silent_for();
        state.registries.push(RegistryState { name: self.name.clone(), silent, version, store_is_up });
        if let Some(page) = &page {
            ends_of(&mut state.ends, &self.name, page);
        }
        let Some(told) = told else { return };
        for (id, said) in &told.issuers {
            let issuer = state.issuers.entry(*id).or_default();
            if issuer.name.is_empty() {
                issuer.name.clone_from(&said.name);
            }
            if let Some(tip) = &said.tip {
                let digest = tip.digest.to_string();
                issuer.ends.push(ChainEnd { source: self.name.clone(), sequence: tip.sequence, digest });
            }
            issuer.brake = issuer.brake.or(Some(said.brake));
            issuer.proposals = issuer.proposals.take().or_else(|| said.proposals.clone());
            issuer.appeals = issuer.appeals.or(said.appeals);
        }
        for (id, name) in told.sites.iter().flatten() {
            state.sites.entry(*id).or_default().name.clone_from(name);
        }
        for (id, said) in told.devices.iter().flatten() {
            let device = state.devices.entry(*id).or_default();
            (device.site, device.is_revoked) = (said.site, said.is_revoked);
            device.name.clone_from(&said.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r61_only_an_issuer_whose_chain_is_followed_can_be_too_old() {
        let page = "hufu_issuer_age_seconds{issuer=\"1\"} 300\nhufu_issuer_age_seconds{issuer=\"2\"} 9\n\
            hufu_follow_digest_info{issuer=\"2\",digest=\"ab\"} 1\nhufu_follow_digest_info{issuer=\"3\",digest=\"cd\"} 1\n";
        let mut issuers = BTreeMap::new();
        follow_issuers(&mut issuers, "east", &Figures::read(page));
        let ages: Vec<_> = issuers.values().map(|issuer| issuer.ages.clone()).collect();
        assert_eq!(ages, [vec![], vec![("east".to_owned(), Some(9.0))], vec![("east".to_owned(), None)]]);
    }
}
