//! Rules as data (R28): which colour follows from the recorded facts of a holder, and why.
//!
//! A rule file is a scorecard of parameters in classes. Each parameter looks at one fact and says yes, no, or that the
//! fact is not known. [`Rules::decide`] adds up what says yes, in whole numbers, and says what each parameter gave. Where
//! facts that are not known could change the colour there is none: a person decides. Everything is pure: the same file and
//! the same facts give the same ruling on every machine, so an auditor with the opened facts finds every colour again.
//!
//! `docs/RULES.md` describes the file and the facts.

mod decide;
mod digest;
mod facts;
mod fault;
mod file;
mod known;
mod moment;
mod next;
mod places;

pub use decide::{Held, Outcome, Ruling, Says, Share};
pub use digest::{FactsDigest, RulesDigest, inputs};
pub use facts::{
    Arrival, Contact, Current, ENTRIES_MAX, Facts, Grade, Quarantine, Risk, Sample, SampleResult, Stay,
};
pub use fault::{FactsFault, RulesFault};
pub use file::{Class, Kind, Parameter, Release, Releases, Review, Rules, Test};
pub use known::{Fact, Known};
pub use moment::Moment;
pub use places::{RiskPlace, RiskPlaces, Visit};
