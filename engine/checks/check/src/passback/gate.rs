//! Where a presentation is shown.

use hufu_wire::{DeviceId, Lane};

/// Where a presentation is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Which device asks; its id is below [`DEVICES_MAX`](hufu_wire::limits::DEVICES_MAX).
    pub device: DeviceId,
    /// For which of its lanes.
    pub lane: Lane,
}
