use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::words;
use crate::{Base64Url, Hex};

/// A binding's number within its issuer, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BindingId(pub u64);

impl core::fmt::Display for BindingId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

words! {
    /// Whose side of a binding.
    #[derive(Hash, PartialOrd, Ord)]
    pub enum Side {
        /// The user who applied.
        User = "user",
        /// The relative.
        Relative = "relative",
    }
}

words! {
    /// How the relative's consent was given.
    #[derive(Hash)]
    pub enum ConsentWay {
        /// The relative said so before a person.
        InPerson = "in-person",
        /// The relative said so on a device of their own.
        Remote = "remote",
        /// A guardian consented for the relative; the only way for children under 14.
        Guardian = "guardian",
    }
}

words! {
    /// What became of a binding.
    #[derive(Hash)]
    pub enum BindingState {
        /// It holds: codes are issued for it.
        Active = "active",
        /// One of its sides ended it.
        Ended = "ended",
        /// The relative became 17, and it ended by itself.
        AgedOut = "aged-out",
    }
}

/// A user's application for a relative (R27). Both are registered holders of the issuer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"user": 42, "name": "王小宝", "id_number": "11010520210101001X",
    "assurance": {"kind": "commitment", "version": "zh-1", "text_digest": "0000000000000000000000000000000000000000000000000000000000000000",
        "signed_name": "王小明", "signed_ms": 1_790_000_000_000_u64},
    "consent": {"how": "guardian", "recorded_by": "counter 3", "given_ms": 1_790_000_000_000_u64}}))]
pub struct BindRelative {
    /// The user's index.
    pub user: u32,
    /// The relative's full name, as registered.
    #[schema(min_length = 1)]
    pub name: String,
    /// The relative's id number, as for registering.
    #[schema(min_length = 1)]
    pub id_number: String,
    /// The relative's date of birth, `YYYY-MM-DD`: only for a document whose number does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
    pub born: Option<String>,
    /// What shows that the application is meant.
    pub assurance: Assurance,
    /// The relative's consent.
    pub consent: Consent,
}

/// What shows that an application is meant, told apart by `kind`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Assurance {
    /// A face check of the relative, made elsewhere: for everybody above 6 years.
    Face {
        /// The signed statement of the service that made it, 96 bytes (docs/REGISTRY.md, Families).
        #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]{128}$")]
        statement: Base64Url,
    },
    /// A commitment that the user signed: for children up to 6 years.
    Commitment {
        /// The version of its text.
        version: String,
        /// SHA-256 of its text as it was shown.
        #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
        text_digest: Hex<32>,
        /// The user's full name, as the user wrote it under the text.
        #[schema(min_length = 1)]
        signed_name: String,
        /// What the user's app or the counter has of the signature: an electronic signature, or a picture of the handwriting.
        /// It is kept sealed and not verified here. At most 16 KiB.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_-]+$")]
        signature: Option<Base64Url>,
        /// When it was signed.
        signed_ms: u64,
    },
}

/// The consent of a relative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// How it was given.
    pub how: ConsentWay,
    /// Who recorded it: a counter, a clerk's number, an app. 1 to 128 bytes.
    #[schema(min_length = 1)]
    pub recorded_by: String,
    /// When it was given.
    pub given_ms: u64,
}

/// Which side ends a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"by": "user"}))]
pub struct EndBinding {
    /// Whose side.
    pub by: Side,
}

/// A family code to issue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub struct IssueFamilyCode {
    /// For how long, seconds; at most, and when absent, seven days. It never outlives the binding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_s: Option<u32>,
}

/// A binding of a relative to a user, as the registry shows it: masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Binding {
    /// Its number.
    pub id: u64,
    /// Whose holders they are.
    pub issuer: u32,
    /// The user's index; of a record that was joined, the one that goes on.
    pub user: u32,
    /// The user, masked.
    pub user_display: String,
    /// The relative's index, as the user's.
    pub relative: u32,
    /// The relative, masked.
    pub relative_display: String,
    /// What became of it.
    pub state: BindingState,
    /// When it was made.
    pub made_ms: u64,
    /// From when either side can end it.
    pub endable_ms: u64,
    /// When it ends by itself: the start of the relative's 17th birthday. Of relatives of 60 and over there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// When it was ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<u64>,
    /// By which side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<Side>,
    /// What showed that the application was meant.
    pub assured: Assured,
    /// The relative's consent.
    pub consent: Consent,
}

/// What showed that an application was meant, told apart by `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Assured {
    /// A face check.
    Face {
        /// Its level.
        level: u8,
        /// When it was made.
        at_ms: u64,
        /// The key that signed the statement.
        #[schema(value_type = String, pattern = "^[0-9a-f]{16}$")]
        key: Hex<8>,
    },
    /// A signed commitment.
    Commitment {
        /// The version of its text.
        version: String,
        /// SHA-256 of its text.
        #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
        text_digest: Hex<32>,
        /// When it was signed.
        signed_ms: u64,
    },
}

/// A page of bindings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bindings {
    /// By rising number. The next page begins after the last one's; an empty page is the last.
    pub bindings: Vec<Binding>,
}

/// The texts of the commitment that a user signs for a child up to 6 years.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Commitments {
    /// Every text that is taken, the newest last.
    pub commitments: Vec<CommitmentText>,
}

/// One version of the commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommitmentText {
    /// Its version.
    pub version: String,
    /// SHA-256 of the text.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub text_digest: Hex<32>,
    /// The text to show.
    pub text: String,
}
