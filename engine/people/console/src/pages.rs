//! What each page shows of a [`State`], as HTML of its live part.

#![expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "templates call methods of themselves, and hand over references"
)]

use askama::Template;
use hufu_contract::AppealFigures;
use hufu_texts::{Arg, Language, reason};
use hufu_web::Role;
use hufu_wire::Decision;

use crate::alarms::{Alarm, Weight, What};
use crate::chart;
use crate::engine::Ending;
use crate::history::{POINTS, quantile, rate};
use crate::state::{Agreement, DeviceState, IssuerState, State};
use crate::words::Words;

/// The pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Show {
    Overview,
    Engines,
    Chains,
    Gates,
    Ends,
    Proposals,
}

impl Show {
    pub(crate) const ALL: [Show; 6] =
        [Show::Overview, Show::Engines, Show::Chains, Show::Gates, Show::Ends, Show::Proposals];

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Show::Overview => "/",
            Show::Engines => "/engines",
            Show::Chains => "/chains",
            Show::Gates => "/gates",
            Show::Ends => "/ends",
            Show::Proposals => "/proposals",
        }
    }

    /// The id of its title and of its line in the menu.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Show::Overview => "console-overview",
            Show::Engines => "console-engines",
            Show::Chains => "console-chains",
            Show::Gates => "console-gates",
            Show::Ends => "console-ends",
            Show::Proposals => "console-proposals",
        }
    }

    /// Which roles see it.
    pub(crate) const fn is_for(self, role: Role) -> bool {
        match role {
            Role::Operator => true,
            Role::Auditor => matches!(self, Show::Chains | Show::Proposals),
            Role::School(_) => false,
        }
    }
}

/// Devices on one page: a page stays below 200 KB.
const DEVICES_SHOWN: usize = 200;

/// Sites and proposals on one page, likewise.
const SITES_SHOWN: usize = 200;
const PROPOSALS_SHOWN: usize = 100;

/// The live part of a page.
pub(crate) fn live(show: Show, state: &State, language: Language, role: Role, site: Option<u32>) -> String {
    let t = Words(language);
    let made = match show {
        Show::Overview => overview(t, state).render(),
        Show::Engines => Engines { t, state }.render(),
        Show::Chains => Chains { t, state }.render(),
        Show::Gates => gates(t, state, site).render(),
        Show::Ends => Ends { t, state }.render(),
        Show::Proposals => proposals(t, state, role).render(),
    };
    made.unwrap_or_default()
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview<'s> {
    t: Words,
    state: &'s State,
    engines_up: usize,
    registries_up: usize,
    checks_chart: String,
    latency_chart: String,
    minutes: Vec<[String; 4]>,
    mix: [u64; 3],
    mix_bar: String,
    reasons: Vec<(&'static str, u64)>,
    not_admitted: u64,
}

fn overview(t: Words, state: &State) -> Overview<'_> {
    let history = &state.history;
    #[expect(clippy::cast_precision_loss, reason = "checks of one second are far below 2^52")]
    let checks = history.0.iter().map(|point| point.checks().map(|checks| checks as f64)).collect();
    // Ten seconds a value: one second has few answers.
    let points: Vec<_> = history.0.iter().cloned().collect();
    let slow = |share: f64| {
        let at = |end: usize| {
            points.get(end.saturating_sub(9)..=end).and_then(|points| quantile(points.iter(), share))
        };
        (0..points.len()).map(at).collect::<Vec<_>>()
    };
    let minutes = points.rchunks(60).enumerate().map(|(ago, points)| {
        let took = |share| t.took(quantile(points.iter(), share));
        let ago = if ago == 0 { t.say("console-now") } else { t.seconds(ago as u64 * 60) };
        [ago, t.rate(rate(points.iter())), took(0.5), took(0.99)]
    });
    let mix = history.decisions(POINTS);
    let reasons =
        history.reasons(POINTS).into_iter().filter(|(reason, _)| reason.decision() != Decision::Admit);
    Overview {
        t,
        state,
        engines_up: state.engines.iter().filter(|engine| engine.silent.is_none()).count(),
        registries_up: state.registries.iter().filter(|registry| registry.silent.is_none()).count(),
        checks_chart: chart::lines(&t.say("console-checks"), &[checks], |top| t.rate(Some(top))),
        latency_chart: chart::lines(&t.say("console-latency"), &[slow(0.5), slow(0.99)], |top| {
            t.took(Some(top))
        }),
        minutes: minutes.collect(),
        mix,
        mix_bar: chart::bar(&t.say("console-mix"), &mix),
        reasons: reasons.take(12).map(|(of, count)| (reason(t.0, of), count)).collect(),
        not_admitted: mix[1] + mix[2],
    }
}

impl Overview<'_> {
    /// An alarm's sentence, its class, and for how long.
    fn told(&self, alarm: &Alarm) -> (String, &'static str) {
        let class = if alarm.weight == Weight::Now { "bad" } else { "warn" };
        (told(self.t, self.state, alarm), class)
    }
}

fn told(t: Words, state: &State, alarm: &Alarm) -> String {
    let issuer = |id: &u32| t.name(state.issuers.get(id).map_or("", |issuer| &issuer.name), *id);
    let named = |id: &str, name: &str| t.with(id, &[("name", name.into())]);
    let counted = |id: &str, name: &str| t.with(id, &[("name", name.into()), ("count", alarm.count.into())]);
    match &alarm.what {
        What::Silent(name) => named("console-alarm-silent", name),
        What::NotReady(name) => named("console-alarm-unready", name),
        What::Store(name) => named("console-alarm-store", name),
        What::Records(name) => named("console-alarm-records", name),
        What::Forked(id) => named("console-alarm-forked", &issuer(id)),
        What::Differs(id) => named("console-alarm-differs", &issuer(id)),
        What::Old(id) => named("console-alarm-old", &issuer(id)),
        What::Braked(id) => counted("console-alarm-braked", &issuer(id)),
        What::Waiting(id) => counted("console-alarm-waiting", &issuer(id)),
        What::Overdue(id) => counted("console-alarm-overdue", &issuer(id)),
        What::Ends(what, of, place) => {
            let end = state.ends.iter().find(|end| (end.what, &end.of, &end.place) == (*what, of, place));
            let what = ending(t, *what, of);
            let left = t.left(end.and_then(|end| end.left_s));
            let args = [("what", Arg::Text(&what)), ("name", Arg::Text(place)), ("time", Arg::Text(&left))];
            t.with("console-alarm-ends", &args)
        }
    }
}

fn ending(t: Words, what: Ending, of: &str) -> String {
    let word = t.say(match what {
        Ending::Certificate => "console-certificate",
        Ending::TrustList => "console-trust-list",
        Ending::RevocationList => "console-revocation-list",
        Ending::Key => "console-key",
    });
    if of.is_empty() { word } else { format!("{word} {of}") }
}

#[derive(Template)]
#[template(path = "engines.html")]
struct Engines<'s> {
    t: Words,
    state: &'s State,
}

#[derive(Template)]
#[template(path = "chains.html")]
struct Chains<'s> {
    t: Words,
    state: &'s State,
}

impl Chains<'_> {
    fn agreement(&self, issuer: &IssuerState) -> (&'static str, String) {
        let (class, id) = match issuer.agreement() {
            _ if issuer.is_forked => ("bad", "console-ends-forked"),
            Agreement::Equal => ("good", "console-ends-equal"),
            Agreement::Behind => ("warn", "console-ends-behind"),
            Agreement::Differs => ("bad", "console-ends-differ"),
        };
        (class, self.t.say(id))
    }

    fn age_class(&self, age: &Option<f64>) -> &'static str {
        if age.is_some_and(|age| age <= 3.0) { "" } else { "bad" }
    }
}

#[derive(Template)]
#[template(path = "gates.html")]
struct Gates<'s> {
    t: Words,
    state: &'s State,
    site: Option<u32>,
    devices: Vec<(u32, &'s DeviceState)>,
    more: usize,
}

fn gates(t: Words, state: &State, site: Option<u32>) -> Gates<'_> {
    let of_site = |device: &&DeviceState| site.is_none_or(|site| device.site == site);
    let mut devices: Vec<_> = state
        .devices
        .iter()
        .filter(|(_, device)| of_site(device))
        .map(|(id, device)| (*id, device))
        .collect();
    // Those that went quiet first, then those that ask, then those never seen.
    let order =
        |device: &DeviceState| if device.is_offline() { 0 } else { 1 + u8::from(device.quiet.is_none()) };
    devices.sort_by_key(|(id, device)| (order(device), *id));
    let more = devices.len().saturating_sub(DEVICES_SHOWN);
    devices.truncate(DEVICES_SHOWN);
    Gates { t, state, site, devices, more }
}

impl Gates<'_> {
    fn site_name(&self, id: &u32) -> String {
        self.t.name(self.state.sites.get(id).map_or("", |site| &site.name), *id)
    }

    fn lanes(&self, lanes: &[u16]) -> String {
        lanes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    fn seen(&self, device: &DeviceState) -> (&'static str, String) {
        match device.quiet {
            _ if device.is_revoked => ("soft", self.t.say("console-revoked")),
            None => ("soft", self.t.say("console-not-seen")),
            Some(quiet) => {
                let time = self.t.lasts(quiet);
                let (class, id) =
                    if device.is_offline() { ("bad", "console-offline") } else { ("good", "console-seen") };
                (class, self.t.with(id, &[("time", Arg::Text(&time))]))
            }
        }
    }
}

#[derive(Template)]
#[template(path = "ends.html")]
struct Ends<'s> {
    t: Words,
    state: &'s State,
}

impl Ends<'_> {
    fn what(&self, what: &Ending, of: &str) -> String {
        ending(self.t, *what, of)
    }
}

#[derive(Template)]
#[template(path = "proposals.html")]
struct Proposals<'s> {
    t: Words,
    state: &'s State,
    with_appeals: bool,
    now_ms: u64,
}

fn proposals(t: Words, state: &State, role: Role) -> Proposals<'_> {
    Proposals { t, state, with_appeals: role == Role::Operator, now_ms: hufu_files::moment::now().0 }
}

impl Proposals<'_> {
    fn waits(&self, added_ms: &u64) -> String {
        self.t.seconds(self.now_ms.saturating_sub(*added_ms) / 1000)
    }

    fn appeals(&self, appeals: &AppealFigures) -> String {
        let args = [("opened", appeals.opened.into()), ("decided", appeals.decided.into())];
        self.t.with("console-appeals-told", &args)
    }

    fn brake(&self, issuer: &IssuerState) -> String {
        let Some(brake) = issuer.brake else { return self.t.rate(None) };
        let share = self.t.share(brake.share_permille, 1000_u64);
        let time = self.t.seconds(u64::from(brake.window_s));
        let args = [
            ("share", Arg::Text(&share)),
            ("time", Arg::Text(&time)),
            ("count", u64::from(brake.free).into()),
        ];
        self.t.with("console-brake-rule", &args)
    }
}
