//! Feeds: an issuer's chain pushed to every engine that asked for it.
//!
//! One task an issuer ([`chain`]) looks at the store, however many engines follow: it is woken when the chain has
//! grown, looks by itself every second, keeps the newest sets at hand and has a head made. A feed ([`body`]) that is
//! up to date takes all it sends from there; one that is behind reads the store at the pace its engine takes it in.

mod body;
mod chain;
mod hub;
mod recent;

pub(super) use hub::Hub;
