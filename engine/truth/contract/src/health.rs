use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The registry answers, and so does its store. One whose store does not answer says so with a problem and 503.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub status: String,
    /// The registry's version.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// The registry's clock, milliseconds since 1970.
    #[schema(example = 1_795_000_000_000_u64)]
    pub now_ms: u64,
}
