use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::words;

/// Every issuer of the registry that the token may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Issuers {
    /// By rising id.
    pub issuers: Vec<Issuer>,
}

/// An issuer: a status authority with holders, credentials and a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Issuer {
    /// Its id.
    #[schema(example = 310_000)]
    pub id: u32,
    /// What people call it.
    #[schema(example = "Shanghai")]
    pub name: String,
    /// The national platform that confirms its instructions; never the issuer itself.
    #[schema(example = 100_000)]
    pub national: u32,
    /// Who signs its heads.
    #[schema(example = 100_000)]
    pub publisher: u32,
    /// When many holders set back at once stop and ask.
    pub brake: Brake,
    /// What becomes of a second phone credential of one holder.
    #[serde(default)]
    pub second_phone: SecondPhone,
}

words! {
    /// What becomes of a phone credential while another of the same holder and generation goes on for more than an hour.
    #[derive(Default)]
    pub enum SecondPhone {
        /// It is issued, and the answer tells of the other.
        #[default]
        Tell = "tell",
        /// It is refused until a change has raised the holder's generation, which ends the other.
        Supersede = "supersede",
    }
}

/// An issuer as an administrator writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Shanghai", "national": 100_000, "publisher": 100_000,
    "brake": {"share_permille": 10, "window_s": 3600, "free": 100},
    "second_phone": "tell",
}))]
pub struct IssuerEdit {
    /// What people call it.
    #[schema(min_length = 1)]
    pub name: String,
    /// The national platform that confirms its instructions; never the issuer itself.
    pub national: u32,
    /// Who signs its heads.
    pub publisher: u32,
    /// When many holders set back at once stop and ask; the registry's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brake: Option<Brake>,
    /// What becomes of a second phone credential of one holder; `tell` when absent.
    #[serde(default)]
    pub second_phone: SecondPhone,
}

/// When many holders set back at once stop and ask for the national platform's second word.
///
/// A set is held back when the holders who were set back within the window, the set's included, are more than `free` and
/// also more than the share of the issuer's holders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Brake {
    /// The share of the issuer's holders, in thousandths.
    #[schema(maximum = 1000, example = 10)]
    pub share_permille: u32,
    /// The window, seconds.
    #[schema(minimum = 1, example = 3600)]
    pub window_s: u32,
    /// So many are never held back, however few holders there are.
    #[schema(example = 100)]
    pub free: u32,
}
