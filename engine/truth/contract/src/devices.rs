use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Devices, of one site or of all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Devices {
    /// By rising id.
    pub devices: Vec<Device>,
}

/// A verifier device to register at a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Gate 4"}))]
pub struct NewDevice {
    /// What people call it; unique at its site.
    #[schema(min_length = 1)]
    pub name: String,
}

/// A verifier device: a gate, a turnstile, a batch terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Device {
    /// Its id, given by the registry.
    pub id: u32,
    /// Where it stands.
    pub site: u32,
    /// What people call it.
    pub name: String,
    /// How often it was enrolled again; certificates of an older generation are refused.
    pub generation: u32,
    /// When this generation was revoked; absent while it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_ms: Option<u64>,
    /// When it was added.
    pub added_ms: u64,
}
