//! Verifier devices: gates, turnstiles, batch terminals.

use hufu_wire::{DeviceGeneration, DeviceId, SiteId, UnixMillis};

/// A device. Its certificate is made where the operator's CA is; this says who it is and whether it still may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Small and dense, from 1, given by the registry.
    pub id: DeviceId,
    /// The only site it may ask about.
    pub site: SiteId,
    /// Its name, unique at its site.
    pub name: String,
    /// How often it was enrolled again.
    pub generation: DeviceGeneration,
    /// When this generation was revoked.
    pub revoked: Option<UnixMillis>,
    /// When it was added.
    pub added: UnixMillis,
}
