//! What brings a follower its bytes, however they travel.

use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use hufu_table::SnapshotDigest;
use hufu_wire::Sequence;

/// One message of a feed. Nothing about it is believed until the follower has looked at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The bytes of a change set.
    ChangeSet(Bytes),
    /// The bytes of a head.
    Head(Bytes),
    /// The bytes of a checkpoint.
    Checkpoint(Bytes),
    /// The sets that were asked for are no longer here; the first that is, if any is. A checkpoint leads on.
    Trimmed {
        /// The first set that the feed still has.
        first: Option<Sequence>,
    },
}

/// Why a feed brings nothing. Every one of them is retried, later each time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedFault {
    /// There is no answer, or what was there is gone. The network or the peer is at fault.
    #[error("{feed} cannot be reached: {what}")]
    Unreachable {
        /// Which feed.
        feed: String,
        /// What happened.
        what: String,
    },
    /// The peer answers and will not do it: a token, a name, a certificate. The operator can correct it.
    #[error("{feed} refuses: {what}")]
    Refused {
        /// Which feed.
        feed: String,
        /// What the peer says.
        what: String,
    },
    /// What came is not what a feed brings. The peer is at fault.
    #[error("{feed} sends invalid data: {what}")]
    Garbled {
        /// Which feed.
        feed: String,
        /// What is wrong with it.
        what: String,
    },
    /// The disk here cannot take what came.
    #[error("{feed}: {what}")]
    Disk {
        /// Which feed.
        feed: String,
        /// What happened, with the file.
        what: String,
    },
}

/// One issuer's chain as it comes in. A feed may repeat, leave out, mix up and lie: the follower notices.
#[async_trait]
pub trait Feed: Send {
    /// What it is and where, for logs: no secret in it.
    fn name(&self) -> &str;

    /// Whether heads come every second, so that silence is a fault. What people refresh by hand is quiet for days.
    fn is_live(&self) -> bool {
        true
    }

    /// Drops any subscription and begins again, with the sets after `after` in order, and heads as
    /// they are made.
    ///
    /// # Errors
    /// [`FeedFault`].
    async fn subscribe(&mut self, after: Sequence) -> Result<(), FeedFault>;

    /// The next message, however long it takes. Dropping the future loses no message.
    ///
    /// # Errors
    /// [`FeedFault`]; [`subscribe`](Self::subscribe) before asking again.
    async fn next(&mut self) -> Result<Delivery, FeedFault>;

    /// Drops the subscription, if there is one, until [`subscribe`](Self::subscribe): messages that are
    /// not read must not pile up here. May be called again and again.
    fn leave(&mut self) {}

    /// The newest checkpoint that there is.
    ///
    /// # Errors
    /// [`FeedFault`].
    async fn checkpoint(&mut self) -> Result<Option<Bytes>, FeedFault>;
}

/// Where snapshots are kept, by the digest that a checkpoint names.
#[async_trait]
pub trait Snapshots: Send + Sync {
    /// What it is and where, for logs: no secret in it.
    fn name(&self) -> &str;

    /// Brings a snapshot into a new file at `path`, whole or not at all. Whether it is the right one is for the
    /// caller to see.
    ///
    /// # Errors
    /// [`FeedFault`], also when there is none by that name.
    async fn fetch(&self, snapshot: SnapshotDigest, path: &Path) -> Result<(), FeedFault>;
}
