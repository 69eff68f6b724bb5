//! Facts of holders, from which rules compute colours (R28), and the papers that rulings name.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::words;
use crate::{Base64Url, Colour, Hex};

/// A fact of one holder, told apart by `kind`. Instants are of whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[schema(example = json!({"kind": "test", "at_ms": 1_795_910_400_000_u64, "result": "negative", "laboratory": "L-17"}))]
pub enum Fact {
    /// A sample, and what it said.
    Test {
        /// When it was taken.
        at_ms: u64,
        /// What it said.
        result: Sample,
        /// Which laboratory, 1 to 128 bytes.
        laboratory: String,
    },
    /// A vaccine dose: with name and number of the holder the nine elements of the certificate.
    Dose {
        /// When it was given.
        at_ms: u64,
        /// The product.
        product: String,
        /// Who made it.
        manufacturer: String,
        /// The batch.
        batch: String,
        /// Which dose of the series, from 1.
        number: u8,
        /// Where it was given.
        site: String,
        /// Who signed for it.
        signer: String,
        /// The attested document as it was handed in, at most 4,096 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        document: Option<Base64Url>,
    },
    /// A place of the itinerary. Kept for 60 days and never in a chain.
    Visit {
        /// When it began.
        from_ms: u64,
        /// When it ended.
        to_ms: u64,
        /// The code of the place: letters, digits and `-`, at most 64; its beginning is the district.
        place: String,
    },
    /// A stay in a place of risk, as disease control found it.
    Stay {
        /// When it began.
        from_ms: u64,
        /// When it ended.
        to_ms: u64,
        /// The risk of the place.
        risk: Risk,
    },
    /// A contact with a case.
    Contact {
        /// When it ended.
        at_ms: u64,
        /// How close it was.
        grade: Grade,
        /// How long it was, minutes.
        minutes: u32,
    },
    /// The holder was confirmed to be a case.
    Case {
        /// When.
        at_ms: u64,
    },
    /// An arrival from abroad.
    Arrival {
        /// When.
        at_ms: u64,
    },
    /// Symptoms were reported, or are over.
    Symptoms {
        /// When.
        at_ms: u64,
        /// Whether there are any.
        has: bool,
    },
    /// A quarantine that was ordered.
    Quarantine {
        /// When it began.
        from_ms: u64,
        /// When it ended or is to end.
        to_ms: u64,
    },
    /// The holder's record was joined or parted: colours are computed again. Only the registry itself writes it.
    Record {
        /// When.
        at_ms: u64,
    },
    /// An earlier fact of the holder was wrong and does not count any more. A void is made void in the same way.
    Void {
        /// When that was found.
        at_ms: u64,
        /// The number of the fact.
        number: u64,
        /// Why, 1 to 128 bytes.
        reason: String,
    },
}

words! {
    /// What a sample said.
    #[derive(Hash)]
    pub enum Sample {
        /// Not infected.
        Negative = "negative",
        /// Infected.
        Positive = "positive",
        /// Taken, no answer yet.
        Pending = "pending",
    }
}

words! {
    /// The risk of a place.
    #[derive(Hash)]
    pub enum Risk {
        /// High.
        High = "high",
        /// Medium.
        Medium = "medium",
        /// Low.
        Low = "low",
    }
}

words! {
    /// How close a contact was.
    #[derive(Hash)]
    pub enum Grade {
        /// A close contact.
        Close = "close",
        /// A contact of a close contact.
        Secondary = "secondary",
    }
}

/// Facts to take, 1 to 2,048 of them, at most 4 MiB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"facts": [{"holder": 42, "fact": {"kind": "arrival", "at_ms": 1_795_910_400_000_u64}}], "dry_run": false}))]
pub struct NewFacts {
    /// Each is taken or refused by itself.
    #[schema(min_items = 1, max_items = 2048)]
    pub facts: Vec<NewFact>,
    /// Look at them and take none.
    #[serde(default)]
    pub dry_run: bool,
}

/// A fact, and whose it is: by index, or by id number and name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFact {
    /// The holder's index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<u32>,
    /// The id number, as for registering.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_number: Option<String>,
    /// The full name that goes with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is recorded.
    pub fact: Fact,
}

/// What became of each, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FactsTaken {
    /// One for each of the request's.
    pub facts: Vec<FactTaken>,
}

/// What became of a fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FactTaken {
    /// The holder, when there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<u32>,
    /// Whether it was there already: then nothing changed.
    pub known: bool,
    /// Why it was not taken; absent when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// Whose facts came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FactChanges {
    /// By rising number. The next page begins after `end`.
    pub changes: Vec<FactChange>,
    /// The number of the newest fact that was looked at.
    pub end: u64,
}

/// A fact came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FactChange {
    /// Its number; it rises within an issuer.
    pub number: u64,
    /// Whose: the record that goes on.
    pub holder: u32,
}

/// Whose facts to open, 1 to 4,096 holders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"holders": [42, 43], "until": 1234}))]
pub struct OpenFacts {
    /// Their indices.
    #[schema(min_items = 1, max_items = 4096)]
    pub holders: Vec<u32>,
    /// Only facts up to this number; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// Facts of holders, opened, in the order of the request: of all of them, or of the first ones where that would be more than a few
/// megabytes. Who lacks some asks again for those.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenedFacts {
    /// One for each of the request's, or of its first ones; at least one.
    pub holders: Vec<HolderFacts>,
}

/// What is recorded of one holder, and what the chain makes of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HolderFacts {
    /// The holder's index.
    pub holder: u32,
    /// The status word, as 16 hex digits; zeroes when nothing is known.
    #[schema(value_type = String, pattern = "^[0-9a-f]{16}$", example = "0000000000000004")]
    pub word: Hex<8>,
    /// Its colour; absent when nothing is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<Colour>,
    /// When the set was confirmed that gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// The holder whose record goes on in place of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined_into: Option<u32>,
    /// The facts, by rising number.
    pub facts: Vec<RecordedFact>,
}

/// A fact that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordedFact {
    /// Its number.
    pub number: u64,
    /// What it says.
    pub fact: Fact,
}

words! {
    /// A kind of paper.
    #[derive(Hash)]
    pub enum PaperKind {
        /// A rule file, called by its SHA-256.
        Rules = "rules",
        /// Places of risk, called by the SHA-256 of the file.
        Places = "places",
        /// How a group of colours was computed, called by the inputs' digest of their instruction.
        Workings = "workings",
    }
}

/// Papers of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Papers {
    /// The newest first.
    pub papers: Vec<Paper>,
}

/// A paper: it never changes and is never removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Paper {
    /// What it is called, a digest.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub name: Hex<32>,
    /// When it came in.
    pub added_ms: u64,
}

/// A fact is about a person and belongs in no log.
impl core::fmt::Debug for NewFact {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("NewFact")
    }
}
