//! A registry over HTTP, from the caller's side.
//!
//! * [`Api`]: its calls, typed, for commands; faults keep what the registry says (RFC 9457);
//! * [`HttpFeed`]: an issuer's chain as it grows, for a follower; [`Deliveries`] is its reader without I/O;
//! * [`RegistrySnapshots`]: what checkpoints name, over connections that break;
//! * [`Documents`]: what others publish at a URL, signed in itself.
//!
//! TLS verifies the registry against the operator's roots or the platform's; a token is read from its file for every
//! call, so that a new one counts at once, and never leaves for another host: redirects are not followed. Nothing
//! that a registry says about statuses is believed here: that is the follower's to do.
//!
//! Connections belong to the tokio runtime that opened them: whoever runs several gives each its own [`Api`].

mod api;
mod call;
mod deliveries;
mod document;
mod fault;
mod feed;
mod snapshots;
mod token;
mod waits;

pub use api::{Api, ApiOptions, Statuses, WhichAppeals, WhichProposals};
pub use deliveries::{Deliveries, NotADelivery};
pub use document::{Document, Documents};
pub use fault::ApiFault;
pub use feed::HttpFeed;
pub use snapshots::RegistrySnapshots;
