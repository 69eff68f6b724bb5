//! What is known when a check is decided. Everything here has been verified already: signatures,
//! presentations and clocks are other rooms' work.

use hufu_wire::{Age, ClockOffset, CodeKind, HubId, IssuerId, StatusWord, UnixSeconds};

/// The facts of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The deciding clock: the engine's, or the gate's own when it is offline.
    pub now: UnixSeconds,
    /// What the holder showed.
    pub shown: Shown,
    /// Who issued it, or who keeps the roster member's status.
    pub issuer: IssuerId,
    /// The holder's word in the issuer's table; [`StatusWord::UNKNOWN`] when there is none.
    pub status: StatusWord,
    /// Age of the issuer's data.
    pub age: Age,
}

/// What was shown, with what only that kind of code has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A phone code with a genuine presentation.
    Phone {
        /// The credential's generation.
        generation: u8,
        /// Whether the presentation is of now.
        presented: Presented,
    },
    /// A paper code.
    Paper {
        /// The credential's generation.
        generation: u8,
    },
    /// A paper code of a relative who is bound to a user (R27).
    Family {
        /// The credential's generation.
        generation: u8,
    },
    /// A trip code.
    Trip {
        /// The credential's generation.
        generation: u8,
        /// Where and when it is valid.
        trip: Trip,
    },
    /// An entry of a foreign status list. The device has verified the credential that names it; the engine has not (R64).
    Reference,
    /// Nothing: the holder is a member of a signed roster, which names holders and no credentials.
    Member,
}

/// How a genuine presentation stands to the deciding clock (R08).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// Its step is the current one or within the site's [`skew_steps`](crate::SitePolicy::skew_steps).
    Current,
    /// It is of another time.
    Skewed(ClockOffset),
}

/// Where and when a trip code is valid (R04).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trip {
    /// The only hub.
    pub hub: HubId,
    /// First second of the window.
    pub from: UnixSeconds,
    /// First second after the window.
    pub until: UnixSeconds,
}

impl Shown {
    /// The kind of code, `None` for a roster member.
    pub const fn kind(self) -> Option<CodeKind> {
        match self {
            Shown::Phone { .. } => Some(CodeKind::Phone),
            Shown::Paper { .. } => Some(CodeKind::Paper),
            Shown::Family { .. } => Some(CodeKind::Family),
            Shown::Trip { .. } => Some(CodeKind::Trip),
            Shown::Reference => Some(CodeKind::Reference),
            Shown::Member => None,
        }
    }

    /// The credential's generation, `None` where no credential of ours was shown.
    pub const fn generation(self) -> Option<u8> {
        match self {
            Shown::Phone { generation, .. }
            | Shown::Paper { generation }
            | Shown::Family { generation }
            | Shown::Trip { generation, .. } => Some(generation),
            Shown::Reference | Shown::Member => None,
        }
    }
}
