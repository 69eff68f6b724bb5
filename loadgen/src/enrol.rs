//! Sessions for the devices of a load.

use std::io;
use std::net::SocketAddr;

use hufu_client::{Control, Identity};
use hufu_wire::Enrolled;

/// Enrols each device at the engine at `server`, whose certificate carries `name`.
///
/// # Errors
/// When the engine does not answer, or refuses a device.
pub fn enrol(server: SocketAddr, name: &str, devices: &[Identity]) -> io::Result<Vec<Enrolled>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut enrolled = Vec::with_capacity(devices.len());
        for device in devices {
            let control = Control::connect(server, name, device).await.map_err(io::Error::other)?;
            enrolled.push(control.enrol().await.map_err(io::Error::other)?);
            control.close().await;
        }
        Ok(enrolled)
    })
}
