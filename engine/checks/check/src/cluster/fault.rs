//! How cluster keys fail, and a change of them.

use core::fmt;

use aws_lc_rs::error::Unspecified;
use hufu_wire::UnixSeconds;

/// Why cluster keys are not what they should be, or cannot be changed like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClusterFault {
    /// The bytes are not cluster keys, or were damaged.
    Damaged,
    /// There are two chains already.
    TwoChains,
    /// There is only one chain.
    OneChain,
    /// The newer chain does not seal cookies yet.
    NotInUse,
    /// Cookies of the older chain can still be alive until then.
    Alive(UnixSeconds),
    /// The chains have the same number and are not the same chain.
    AnotherCluster(u8),
    /// The cryptographic library failed.
    Crypto,
}

impl From<Unspecified> for ClusterFault {
    fn from(_: Unspecified) -> ClusterFault {
        ClusterFault::Crypto
    }
}

impl fmt::Display for ClusterFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClusterFault::Damaged => f.write_str("not cluster keys, or damaged ones"),
            ClusterFault::TwoChains => {
                f.write_str("there are already two key chains; drop the older one first")
            }
            ClusterFault::OneChain => {
                f.write_str("there is only one key chain; make or import the next one first")
            }
            ClusterFault::NotInUse => f.write_str("the newer key chain is not in use yet"),
            ClusterFault::Alive(until) => {
                write!(f, "cookies of the older key chain can be alive until Unix second {}", until.0)
            }
            ClusterFault::AnotherCluster(number) => {
                write!(
                    f,
                    "key chain {number} exists already and is a different one: the keys belong to another cluster"
                )
            }
            ClusterFault::Crypto => f.write_str("the cryptographic library failed"),
        }
    }
}

impl core::error::Error for ClusterFault {}
