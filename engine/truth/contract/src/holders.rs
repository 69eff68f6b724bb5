use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Hex;

/// Holders to register, 1 to 4,096 of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"holders": [{"name": "王小明", "id_number": "11010519491231002X"}]}))]
pub struct NewHolders {
    /// Registered in this order, all or none.
    #[schema(min_items = 1, max_items = 4096)]
    pub holders: Vec<NewHolder>,
}

/// A person, as sealed in the store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHolder {
    /// The full name.
    #[schema(min_length = 1)]
    pub name: String,
    /// An 18-digit identity number (GB 11643, its checksum is checked), or another document as `TYPE:NUMBER`.
    #[schema(min_length = 1)]
    pub id_number: String,
    /// A telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
}

/// Who was registered, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Registered {
    /// One for each of the request's.
    pub holders: Vec<RegisteredHolder>,
}

/// Where a holder is in the issuer's status list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RegisteredHolder {
    /// The holder's index; it never changes.
    pub index: u32,
    /// Whether the id number had been registered before: then nothing was changed.
    pub known: bool,
}

/// Whom to look for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id_number": "11010519491231002X"}))]
pub struct FindHolder {
    /// The id number, as for registering.
    #[schema(min_length = 1)]
    pub id_number: String,
}

/// People to look for, 1 to 4,096 of them: the lines of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"people": [{"id_number": "11010519491231002X", "name": "王小明"}]}))]
pub struct LookUpHolders {
    /// Answered in this order.
    #[schema(min_items = 1, max_items = 4096)]
    pub people: Vec<SoughtHolder>,
}

/// One of them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SoughtHolder {
    /// The id number, as for registering.
    #[schema(min_length = 1)]
    pub id_number: String,
    /// The full name, to be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Who was found, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundHolders {
    /// One for each of the request's; null for who is not registered.
    pub found: Vec<Option<FoundHolder>>,
}

/// A holder who was found, masked (R10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FoundHolder {
    /// The holder's index.
    pub index: u32,
    /// The first character of the name, a star, and the tail of the id number.
    #[schema(example = "王*002X")]
    pub display: String,
    /// Whether the name is the registered one; true when none was given.
    pub same_name: bool,
}

/// A holder, with no more of the person than a gate may show (R10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Holder {
    /// Whose holder.
    pub issuer: u32,
    /// The holder's index.
    pub index: u32,
    /// The first character of the name, a star, and the tail of the id number.
    #[schema(example = "王*002X")]
    pub display: String,
    /// When the holder was registered.
    pub registered_ms: u64,
    /// The holder's status; absent when nothing is known of the holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// A holder's status word, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The word itself, as 16 hex digits of a big-endian number.
    #[schema(value_type = String, pattern = "^[0-9a-f]{16}$", example = "0000000000000004")]
    pub word: Hex<8>,
    /// The colour.
    pub colour: Colour,
    /// The only credential generation that is alive.
    pub generation: u8,
    /// What the last test said.
    pub test: TestResult,
    /// When it was taken, to the minute; absent without a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested_ms: Option<u64>,
    /// Vaccine doses, 0 to 7.
    pub doses: u8,
    /// From when the colour no longer holds; absent when it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
}

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Colour {
    /// May pass where the policy admits green.
    Green,
    /// Must not pass.
    Red,
    /// Passes only where the policy says so.
    Amber,
}

/// What a test said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TestResult {
    /// No test is known.
    None,
    /// Not infected.
    Negative,
    /// Infected.
    Positive,
    /// Taken, no answer yet.
    Pending,
}

impl core::fmt::Debug for NewHolder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // A person's fields belong in no log.
        f.write_str("NewHolder")
    }
}

impl core::fmt::Debug for SoughtHolder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SoughtHolder")
    }
}

impl core::fmt::Debug for FindHolder {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FindHolder")
    }
}
