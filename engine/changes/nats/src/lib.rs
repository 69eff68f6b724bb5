//! Change sets through NATS JetStream, published by a registry and followed by engines.
//!
//! * [`Publisher`]: brings every chain of a [`ChainSource`](hufu_contract::ChainSource) into its stream, each set
//!   once and in order, however many registries do so at the same time; and says every second where chains end.
//! * [`NatsFeed`]: one issuer's chain out of its stream, for the follower in an engine.
//!
//! Nothing is believed here: sets, heads and checkpoints are signed, and the follower checks that. A server
//! may lose, repeat and mix up what it has; it can change nothing. `docs/SYNC.md` names subjects, headers and
//! settings, and says what happens when. Servers from nats-server 2.9 on.

mod fault;
mod feed;
mod link;
mod names;
mod options;
mod placed;
mod publisher;
mod search;
mod streams;

pub use feed::NatsFeed;
pub use options::{CertificateFiles, Credentials, Keep, Misconfigured, NatsOptions, PublisherOptions};
pub use publisher::{Publisher, PublisherStatus};
