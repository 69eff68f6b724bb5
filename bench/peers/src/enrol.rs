//! Gates that enrol with the engine over QUIC, as devices do.

use anyhow::Context as _;
use hufu_client::{Control, Identity};
use hufu_transport::profile::ENGINE_NAME;
use hufu_wire::Enrolled;

use crate::serve::Ready;

/// A session for every device that the engine has a certificate for.
///
/// # Errors
/// When the engine enrols no devices, or refuses one.
pub fn enrol(engine: &Ready) -> anyhow::Result<Vec<Enrolled>> {
    let server = engine.quic.context("this server enrols no devices")?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut enrolled = Vec::with_capacity(engine.devices.len());
        for device in &engine.devices {
            let identity =
                Identity::from_pem(device.chain.as_bytes(), device.key.as_bytes(), device.root.as_bytes())?;
            let control = Control::connect(server, ENGINE_NAME, &identity).await?;
            enrolled.push(control.enrol().await?);
            control.close().await;
        }
        Ok(enrolled)
    })
}
