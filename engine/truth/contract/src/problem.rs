use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{BrakeReport, Terms, Tip};

/// What every problem's `type` begins with; a name in kebab case follows.
pub const PROBLEM_TYPE_PREFIX: &str = "urn:hufu:problem:";

/// Why a request was not carried out (RFC 9457). Nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Which problem, for programs: `urn:hufu:problem:<name>`.
    #[serde(rename = "type")]
    #[schema(pattern = "^urn:hufu:problem:[a-z-]+$", example = "urn:hufu:problem:not-found")]
    pub kind: String,
    /// Which problem, for people. The same for every problem of a type.
    pub title: String,
    /// The HTTP status code.
    #[schema(minimum = 400, maximum = 599, example = 404)]
    pub status: u16,
    /// What happened this time, and who can fix it.
    pub detail: String,
    /// With `moved`: where the chain ends now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tip: Option<Tip>,
    /// With `braked`: what the brake saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brake: Option<BrakeReport>,
    /// With `other-person`: which of the request's holders, counted from 0.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<usize>,
    /// With `clock` and `terms`: the registry's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now_ms: Option<u64>,
    /// With `terms`: those that hold now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
}

impl Problem {
    /// The name after [`PROBLEM_TYPE_PREFIX`]; the whole type when it is not one of ours.
    pub fn name(&self) -> &str {
        self.kind.strip_prefix(PROBLEM_TYPE_PREFIX).unwrap_or(&self.kind)
    }
}
