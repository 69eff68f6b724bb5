//! Site policies and the one rule that decides (R06, R07). A site's operator writes a policy as TOML,
//! [`Sites::parse`] makes it typed, and [`evaluate`] turns it and the facts of one check into a [`Ruling`].
//! The engine and an offline gate run this same code: it has no clock, no I/O and no state.
//!
//! ```
//! use hufu_policy::{Facts, Presented, Shown, Sites, evaluate};
//! use hufu_wire::{Age, Colour, Decision, IssuerId, Reason, SiteId, StatusWord, UnixSeconds};
//!
//! let sites = Sites::parse(
//!     r#"
//!     [[site]]
//!     id = 310101
//!     name = "North gate"
//!     "#,
//!     "sites.toml",
//! )?;
//! let mut facts = Facts {
//!     now: UnixSeconds(1_767_268_800),
//!     shown: Shown::Phone { generation: 3, presented: Presented::Current },
//!     issuer: IssuerId(310_000),
//!     status: StatusWord::new(Colour::Green, 3),
//!     age: Age::Millis(800),
//! };
//! let site = sites.get(SiteId(310_101)).expect("the site above");
//! assert_eq!(evaluate(site, &facts).decision(), Decision::Admit);
//!
//! facts.status = StatusWord::UNKNOWN;
//! assert_eq!(evaluate(site, &facts).decision(), Decision::Refer);
//! assert_eq!(evaluate(site, &facts).reason(), Reason::StatusUnknown);
//! # Ok::<(), hufu_policy::Misconfigured>(())
//! ```
//!
//! `docs/POLICY.md` is the operator's view: every key, the order of the rules, examples.

mod evaluate;
mod facts;
pub mod foreign;
mod keys;
pub mod limits;
mod misconfigured;
mod read;
mod site;
mod sites;

pub use evaluate::{ORDER, Ruling, evaluate, evaluate_foreign};
pub use facts::{Facts, Presented, Shown, Trip};
pub use keys::{KEYS, Key};
pub use misconfigured::Misconfigured;
pub use site::{Durability, Issuers, Kinds, Otherwise, PassBackBy, SitePolicy, TestRule};
pub use sites::Sites;
