//! Gates that enrol with the engine over QUIC, as devices do.

use anyhow::Context as _;
use hufu_client::Identity;
use hufu_transport::profile::ENGINE_NAME;
use hufu_wire::Enrolled;

use crate::serve::{DevicePem, Ready};

/// A session for every device that the engine has a certificate for.
///
/// # Errors
/// When the engine enrols no devices, or refuses one.
pub fn enrol(engine: &Ready) -> anyhow::Result<Vec<Enrolled>> {
    let server = engine.quic.context("this server enrols no devices")?;
    let identity = |device: &DevicePem| {
        Identity::from_pem(device.chain.as_bytes(), device.key.as_bytes(), device.root.as_bytes())
    };
    let identities = engine.devices.iter().map(identity).collect::<Result<Vec<_>, _>>()?;
    Ok(hufu_loadgen::enrol(server, ENGINE_NAME, &identities)?)
}
