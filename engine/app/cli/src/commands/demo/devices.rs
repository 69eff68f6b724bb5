//! Enrols the gates of the load, each over a QUIC connection with its own certificate.

use std::net::SocketAddr;

use anyhow::Context as _;
use hufu_client::{Control, Identity, endpoint};
use hufu_transport::profile;
use hufu_wire::{Enrolled, Grant};

use hufu_files::unavailable;

/// A session for each gate.
pub(super) fn enrol(gates: &[(Grant, Identity)], server: SocketAddr) -> anyhow::Result<Vec<Enrolled>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let endpoint = endpoint(server).map_err(unavailable)?;
        let mut enrolled = Vec::with_capacity(gates.len());
        let mut last = None;
        for (grant, identity) in gates {
            let control = Control::connect_from(&endpoint, server, profile::ENGINE_NAME, identity)
                .await
                .map_err(unavailable)
                .with_context(|| format!("device {} cannot connect", grant.device))?;
            enrolled.push(control.enrol().await.map_err(unavailable)?);
            // Dropping the one before ends its connection.
            last = Some(control);
        }
        if let Some(last) = last {
            last.close().await;
        }
        Ok(enrolled)
    })
}
