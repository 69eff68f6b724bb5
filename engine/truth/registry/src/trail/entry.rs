//! One line of the trail, and what can be done that leaves one.

use hufu_wire::{IssuerId, UnixMillis};

use crate::caller::Caller;

/// One line of the trail. Nothing personal stands in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: UnixMillis,
    /// Who: the label of a token.
    pub who: String,
    /// What was done.
    pub action: Action,
    /// Of which issuer, where there is one.
    pub issuer: Option<IssuerId>,
    /// To what: an index, an id, a name of a site.
    pub what: String,
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $slug:literal),+ $(,)?) => {
        /// What can be done that leaves a line.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Action {
            $($(#[$doc])* $name),+
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Action] = &[$(Action::$name),+];

            /// Its word in the API and in the store.
            pub const fn slug(self) -> &'static str {
                match self {
                    $(Action::$name => $slug),+
                }
            }
        }
    };
}

actions! {
    /// An issuer was made or changed.
    IssuerPut = "issuer.put",
    /// Holders were registered.
    HoldersAdded = "holders.added",
    /// People were not registered, because their id numbers are registered with other names.
    HoldersRefused = "holders.refused",
    /// A holder's name, id number or phone was corrected.
    HolderCorrected = "holder.corrected",
    /// Two records of one person were joined.
    HoldersJoined = "holders.joined",
    /// One record of two people was parted.
    HolderParted = "holder.parted",
    /// A holder's masked fields were read.
    HolderRead = "holder.read",
    /// Somebody looked up who has an id number.
    HolderSought = "holder.sought",
    /// Sealed fields were sealed with another key.
    HoldersResealed = "holders.resealed",
    /// Facts of holders were taken.
    FactsAdded = "facts.added",
    /// Facts were looked at and not taken.
    FactsChecked = "facts.checked",
    /// Facts of holders were read.
    FactsRead = "facts.read",
    /// Facts were deleted whose time had passed.
    FactsForgotten = "facts.forgotten",
    /// A paper was kept.
    PaperPut = "paper.put",
    /// A holder's phone was invited.
    InvitationMade = "invitation.made",
    /// A phone was activated with an invitation's number.
    PhoneActivated = "phone.activated",
    /// A phone was ended.
    PhoneEnded = "phone.ended",
    /// A holder's phones were listed.
    PhonesRead = "phones.read",
    /// Phones read their own holders' data since the last such line.
    PhonesAsked = "phones.asked",
    /// A credential was issued.
    CredentialIssued = "credential.issued",
    /// A holder's credentials were listed.
    CredentialsRead = "credentials.read",
    /// A certificate for abroad agreed with what is known, and was noted.
    AbroadNoted = "abroad.noted",
    /// A certificate for abroad was refused, because something else is known of the holder.
    AbroadRefused = "abroad.refused",
    /// A relative was bound to a user.
    FamilyBound = "family.bound",
    /// A binding of a relative was ended.
    FamilyEnded = "family.ended",
    /// Bindings were read, or the people of an application were looked up.
    FamilyRead = "family.read",
    /// A site was made or changed.
    SitePut = "site.put",
    /// A site was removed.
    SiteRemoved = "site.removed",
    /// A device was added.
    DeviceAdded = "device.added",
    /// A device was revoked.
    DeviceRevoked = "device.revoked",
    /// A device got another generation.
    DeviceRenewed = "device.renewed",
    /// A roster was made or changed.
    RosterPut = "roster.put",
    /// A roster's members were read.
    RosterRead = "roster.read",
    /// A roster was signed.
    RosterSigned = "roster.signed",
    /// A roster was removed.
    RosterRemoved = "roster.removed",
    /// An appeal was taken in.
    AppealOpened = "appeal.opened",
    /// An appeal was taken into review.
    AppealReviewed = "appeal.reviewed",
    /// An appeal was decided.
    AppealDecided = "appeal.decided",
    /// An appeal was taken back.
    AppealWithdrawn = "appeal.withdrawn",
    /// What an appellant said was read.
    AppealRead = "appeal.read",
    /// An instruction was handed in.
    Proposed = "proposal.added",
    /// A proposal was withdrawn.
    Withdrawn = "proposal.withdrawn",
    /// A change set was appended.
    Appended = "set.appended",
    /// The brake held a change set.
    Braked = "set.braked",
    /// The national platform released a change that sets very many holders back.
    Released = "proposal.released",
    /// A checkpoint was taken.
    CheckpointPut = "checkpoint.put",
    /// A snapshot was taken.
    SnapshotPut = "snapshot.put",
    /// Snapshots that no checkpoint names were dropped.
    SnapshotsDropped = "snapshots.dropped",
    /// The operator goes on with a database that lacks sets whose heads were signed.
    LossAccepted = "loss.accepted",
    /// Requests were refused since the last such line.
    Refused = "requests.refused",
    /// The statuses of some holders were read, for a change that is being made.
    StatusesRead = "statuses.read",
    /// The history of a holder's colours was read.
    HistoryRead = "holder.history",
    /// Trip codes were issued for tickets.
    TripIssued = "trip.issued",
    /// Tickets were changed: they got other codes, and those before ended.
    TripChanged = "trip.changed",
    /// A ticket was cancelled, and its code ended.
    TripCancelled = "trip.cancelled",
    /// A ticket was read, or its code was given out again.
    TripRead = "trip.read",
    /// Every status of an issuer was read.
    StatusesExported = "statuses.exported",
    /// A token was made.
    TokenAdded = "token.added",
    /// A token was revoked.
    TokenRevoked = "token.revoked",
    /// The trail was read.
    TrailRead = "trail.read",
}

impl Action {
    /// The action of a word.
    pub fn from_slug(slug: &str) -> Option<Action> {
        Action::ALL.iter().copied().find(|action| action.slug() == slug)
    }
}

/// Whom the trail names for what the registry does without being asked.
pub(crate) const ITSELF: &str = "the registry";
/// What the trail calls all phones together, whose requests were refused.
pub const PHONES: &str = "phones";
/// What the trail calls all who show no valid token, whose requests were refused.
pub const STRANGERS: &str = "callers without a valid token";

impl Entry {
    /// What the registry does of itself at `now`.
    pub(crate) fn of_itself(
        now: UnixMillis,
        action: Action,
        issuer: Option<IssuerId>,
        what: impl Into<String>,
    ) -> Entry {
        Entry { at: now, who: ITSELF.to_owned(), action, issuer, what: what.into() }
    }

    /// What `caller` does at `now`.
    pub fn new(
        now: UnixMillis,
        caller: &Caller,
        action: Action,
        issuer: Option<IssuerId>,
        what: impl Into<String>,
    ) -> Entry {
        Entry { at: now, who: caller.label().to_owned(), action, issuer, what: what.into() }
    }
}
