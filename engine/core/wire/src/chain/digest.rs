//! What digests stand for; how they are made is in `hufu-codes` and `docs/SYNC.md`.

use core::fmt;

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

digest! {
    /// Stands for a change set and every one before it: equal digests, equal histories.
    ChainDigest
}
digest! {
    /// Stands for what a local authority signed: the changes and why.
    ContentDigest
}
digest! {
    /// Stands for what a proposal was computed from, so that an auditor can compute it again. Its meaning is the
    /// rule's.
    InputsDigest
}

impl ChainDigest {
    /// What the first change set of a chain follows.
    pub const NONE: ChainDigest = ChainDigest([0; 32]);
}
