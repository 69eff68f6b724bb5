//! What a keeper could not do.

use std::io;

use hufu_check::NotEnrolled;
use hufu_codes::keyring::TrustFault;
use hufu_policy::Misconfigured;

use crate::book::BookFault;
use crate::fault::ListFault;
use crate::gate::{NotDecided, NotTaken};

/// Why a gate cannot be made ready to go on without a network.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// Its folder cannot be used.
    #[error("the folder for going on without a network: {0}")]
    Folder(#[from] io::Error),
    /// There is no book to write to.
    #[error(transparent)]
    Book(#[from] BookFault),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness(#[from] NotEnrolled),
}

/// Why an answer was not taken, or not kept. What was known before stays known.
#[derive(Debug, thiserror::Error)]
pub enum KeeperFault {
    /// An engine's answer, or a file, that is not what it should be.
    #[error("not taken: {what}")]
    Odd {
        /// What came.
        what: &'static str,
    },
    /// The site's policy. The operator's to correct.
    #[error("the site's policy is not taken: {0}")]
    Site(#[from] Misconfigured),
    /// The trust list.
    #[error("the trust list is not taken: {0}")]
    Trust(TrustFault),
    /// A list.
    #[error("not taken: {0}")]
    List(#[from] ListFault),
    /// A change set or a head.
    #[error("not taken: {0}")]
    Chain(#[from] NotTaken),
    /// There is no time.
    #[error("not taken: {0}")]
    Time(#[from] NotDecided),
    /// The system gives no random bytes.
    #[error("the keys are not taken: the system gives no random bytes")]
    NoRandomness(#[from] NotEnrolled),
    /// The gate's disk. It goes on with what is in memory, until the program ends.
    #[error("the gate's disk: {0}")]
    Disk(#[from] io::Error),
}
