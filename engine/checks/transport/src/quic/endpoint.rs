//! The accept loop, and the end of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hufu_wire::Reason;
use quinn::{Endpoint, Incoming};
use tokio::time::{Instant, sleep, timeout_at};

use super::admission::Admission;
use super::closing::close_code;
use super::connection;
use super::shared::{GRACE, Shared};

/// Accepts connections until told to stop, lets open streams end, and closes.
pub(crate) async fn serve(endpoint: Endpoint, shared: Arc<Shared>) {
    let within = loop {
        tokio::select! {
            within = shared.stopped() => break within,
            incoming = endpoint.accept() => {
                let Some(incoming) = incoming else {
                    tracing::error!("the QUIC endpoint has stopped: devices cannot enrol and rosters cannot be checked");
                    return;
                };
                receive(incoming, &shared);
            }
        }
    };
    let deadline = Instant::now() + within;
    let turning_away = async {
        while let Some(incoming) = endpoint.accept().await {
            shared.meters.refused_stopping.add(1);
            incoming.refuse();
        }
    };
    tokio::select! {
        () = turning_away => {}
        _ = timeout_at(deadline, streams_end(&shared)) => {}
    }
    endpoint.close(close_code(Reason::Stopping), Reason::Stopping.slug().as_bytes());
    // A device that has not received the close by then notices by its own timeout.
    let _ = timeout_at(deadline, endpoint.wait_idle()).await;
}

fn receive(incoming: Incoming, shared: &Arc<Shared>) {
    let meters = &shared.meters;
    if shared.roll.len() >= shared.options.connections_max {
        meters.refused_connections.add(1);
        return incoming.refuse();
    }
    match shared.handshakes.admit(incoming.remote_address().ip(), incoming.remote_address_validated()) {
        Admission::Begin(place) => connection::begin(incoming, place, shared),
        Admission::ProveAddress => {
            meters.retried.add(1);
            // Only a validated address may not be asked again, and that was handled by `admit`.
            if let Err(error) = incoming.retry() {
                error.into_incoming().ignore();
            }
        }
        Admission::Full => {
            meters.refused_total.add(1);
            incoming.refuse();
        }
        Admission::SourceFull => {
            meters.refused_source.add(1);
            incoming.refuse();
        }
    }
}

async fn streams_end(shared: &Shared) {
    const LOOK_AGAIN: Duration = Duration::from_millis(2);
    sleep(GRACE).await;
    while shared.streams.load(Ordering::Relaxed) > 0 {
        sleep(LOOK_AGAIN).await;
    }
}
