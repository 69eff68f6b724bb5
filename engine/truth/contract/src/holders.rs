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
    /// A clerk had the documents in hand, which military documents need; the trail keeps it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub seen_by_clerk: bool,
}

/// A person, as sealed in the store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewHolder {
    /// The full name; empty to take the one in a passport's machine-readable lines.
    #[serde(default)]
    pub name: String,
    /// An 18-digit identity number (GB 11643, its checksum is checked), or another document as `TYPE:STATE:NUMBER` with the
    /// issuing state in three letters (ISO 3166-1, ICAO 9303), or as `TYPE:NUMBER` when no state is known; or both
    /// machine-readable lines of a passport.
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
    /// Whether the person had been registered before, by id number and name: then nothing was changed.
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
    /// The name, where several people have the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What is wrong with a holder's record; what is absent stays as it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"display": "王*002X", "name": "王晓明", "reason": "misspelt in the class list"}))]
pub struct CorrectHolder {
    /// The holder's masked display as the caller sees it: it must be this one's.
    pub display: String,
    /// The right name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The right id number, as for registering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_number: Option<String>,
    /// The right telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Why, 1 to 128 bytes without a name or a number: the trail keeps it.
    #[schema(min_length = 1)]
    pub reason: String,
}

/// Which record of the same person goes on in place of this one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"display": "W*5678", "into": 7, "into_display": "王*002X", "reason": "one person, two documents", "stricter_seen": false}))]
pub struct JoinHolder {
    /// The masked display of this holder as the caller sees it.
    pub display: String,
    /// The holder whose record goes on.
    pub into: u32,
    /// The masked display of that holder as the caller sees it.
    pub into_display: String,
    /// Why, 1 to 128 bytes without a name or a number: the trail keeps it.
    #[schema(min_length = 1)]
    pub reason: String,
    /// Join them although this holder had a stricter colour than the other has: a person has seen it.
    #[serde(default)]
    pub stricter_seen: bool,
}

/// How one record of two people is parted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"display": "王*002X", "name": "李华", "reason": "two people with one number"}))]
pub struct PartHolder {
    /// The holder's masked display as the caller sees it.
    pub display: String,
    /// The name of the second person, who has the same id number; absent for a record that was joined by mistake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The second person's telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Why, 1 to 128 bytes without a name or a number: the trail keeps it.
    #[schema(min_length = 1)]
    pub reason: String,
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

/// Holders to look at before their statuses are changed, 1 to 32,768 of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"holders": [42, 43]}))]
pub struct LookAtHolders {
    /// Their indices.
    #[schema(min_items = 1, max_items = 32768)]
    pub holders: Vec<u32>,
}

/// Holders as they are, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CurrentStatuses {
    /// One for each of the request's.
    pub holders: Vec<CurrentStatus>,
}

/// A holder as an authority sees them that makes a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CurrentStatus {
    /// The holder's index.
    pub index: u32,
    /// Whether there is such a holder.
    pub registered: bool,
    /// The holder whose record goes on in place of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_into: Option<u32>,
    /// The masked display; only when the token has the scope `holders` too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
    /// The whole status word, as 16 hex digits; zeroes when nothing is known.
    #[schema(value_type = String, pattern = "^[0-9a-f]{16}$", example = "0000000000000004")]
    pub word: Hex<8>,
    /// What the word says; absent when nothing is known of the holder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// What the chain made of one holder, set by set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct History {
    /// By rising sequence. The next page begins after the last one's; an empty page is the last.
    pub changes: Vec<HistoryEntry>,
}

/// One change of a holder's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryEntry {
    /// The change set.
    pub sequence: u64,
    /// The proposal that it confirmed.
    pub proposal: u64,
    /// When the national platform confirmed it.
    pub confirmed_ms: u64,
    /// The rule that gave the colour.
    pub rule: u32,
    /// What the registry calls the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_name: Option<String>,
    /// Why, in the authority's words.
    pub reason: String,
    /// The status before it; absent when nothing was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Status>,
    /// The status after it; absent when the holder was forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Status>,
}

/// The rules that a registry knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rules {
    /// By rising number; none when instructions by any rule are taken.
    pub rules: Vec<Rule>,
}

/// A rule that gives colours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rule {
    /// Its number.
    pub id: u32,
    /// What it is called.
    pub name: String,
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
    /// The holder whose record goes on, when this one was another record of the same person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_into: Option<u32>,
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

/// A person's fields belong in no log.
macro_rules! names_nobody {
    ($($name:ident),+) => {
        $(
            impl core::fmt::Debug for $name {
                fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                    f.write_str(stringify!($name))
                }
            }
        )+
    };
}

names_nobody!(NewHolder, FindHolder, SoughtHolder, CorrectHolder, JoinHolder, PartHolder);
