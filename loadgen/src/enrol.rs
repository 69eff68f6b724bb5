//! Sessions for the devices of a load.

use std::io;
use std::net::SocketAddr;

use hufu_client::{Control, ControlFault, Identity, endpoint};
use hufu_wire::Enrolled;

/// Enrols each device at the engine at `server`, whose certificate carries `name`.
///
/// # Errors
/// When the engine does not answer, or refuses a device.
pub fn enrol<'d>(
    server: SocketAddr,
    name: &str,
    devices: impl IntoIterator<Item = &'d Identity>,
) -> io::Result<Vec<Enrolled>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let endpoint = endpoint(server)?;
        let mut enrolled = Vec::new();
        let mut last = None;
        for (number, device) in (1..).zip(devices) {
            let refused =
                |fault: ControlFault| io::Error::other(format!("device {number} cannot enrol: {fault}"));
            let control = Control::connect_from(&endpoint, server, name, device).await.map_err(refused)?;
            enrolled.push(control.enrol().await.map_err(refused)?);
            // Dropping the one before ends its connection.
            last = Some(control);
        }
        if let Some(last) = last {
            last.close().await;
        }
        Ok(enrolled)
    })
}
