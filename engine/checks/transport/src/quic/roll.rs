//! The connections that are open, by device, so that a revocation reaches them at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hufu_wire::limits::FRAME_BYTES_MAX;
use hufu_wire::{DeviceGeneration, DeviceId, Grant, Reason};
use quinn::Connection;
use rustls::pki_types::CertificateDer;
use tokio::sync::Semaphore;

use super::closing::{close, close_code, is_open};
use crate::options::QuicOptions;
use crate::tls::Tls;

/// The part of all frames' memory that one device's may take. A twelfth: with the usual options all streams of a
/// connection at their largest, so none waits for another while holding the window that the other needs.
const DEVICE_SHARE: usize = 12;

/// Every open connection that has a device.
pub(crate) struct Roll {
    per_device_max: usize,
    device_room: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// No device without a connection.
    by_device: HashMap<DeviceId, OfDevice>,
    count: usize,
}

struct OfDevice {
    /// Oldest first.
    connections: Vec<(Grant, Connection)>,
    room: Arc<Semaphore>,
}

/// One connection's place in the roll, left when this is dropped.
pub(crate) struct Entry<'r> {
    roll: &'r Roll,
    device: DeviceId,
    connection: usize,
    /// Bytes that frames of the device may still take, over all its connections.
    pub(crate) room: Arc<Semaphore>,
}

impl Roll {
    pub(crate) fn new(options: &QuicOptions) -> Roll {
        Roll {
            per_device_max: options.connections_per_device_max.max(1),
            device_room: (options.frames_bytes_max / DEVICE_SHARE)
                .clamp(FRAME_BYTES_MAX, Semaphore::MAX_PERMITS),
            open: Mutex::default(),
        }
    }

    /// Enters a connection unless `objection`, asked under the roll's lock, has a reason against it. A revocation
    /// is noted first and then sweeps the roll, so one of the two sees the other. Returns the place and
    /// how many of the device's older connections had to go.
    ///
    /// Where the device has one too many, the oldest of its lowest generation is closed. If that is this one, it is
    /// refused with [`Reason::Busy`].
    pub(crate) fn enter(
        &self,
        grant: Grant,
        connection: &Connection,
        objection: impl FnOnce() -> Option<Reason>,
    ) -> Result<(Entry<'_>, usize), Reason> {
        let mut open = self.lock();
        if let Some(reason) = objection() {
            return Err(reason);
        }
        let of_device = open.by_device.entry(grant.device).or_insert_with(|| OfDevice {
            connections: Vec::new(),
            room: Arc::new(Semaphore::new(self.device_room)),
        });
        // Those that were closed before stay until their task has noticed.
        let mut standing: Vec<&(Grant, Connection)> =
            of_device.connections.iter().filter(|(_, connection)| is_open(connection)).collect();
        standing.sort_by_key(|(grant, _)| grant.generation);
        let with_this = standing.len() + usize::from(is_open(connection));
        let surplus = with_this.saturating_sub(self.per_device_max);
        standing.truncate(surplus);
        // A thief of an older certificate closes nothing of the device in its place.
        if standing.iter().any(|(older, _)| older.generation > grant.generation) {
            return Err(Reason::Busy);
        }
        for (_, connection) in standing {
            connection.close(close_code(Reason::Busy), b"one connection too many");
        }
        of_device.connections.push((grant, connection.clone()));
        let room = Arc::clone(&of_device.room);
        open.count += 1;
        Ok((Entry { roll: self, device: grant.device, connection: connection.stable_id(), room }, surplus))
    }

    /// Connections in the roll.
    pub(crate) fn len(&self) -> usize {
        self.lock().count
    }

    /// Closes the device's connections up to `generation`; returns how many.
    pub(crate) fn close(&self, device: DeviceId, generation: DeviceGeneration, reason: Reason) -> usize {
        let open = self.lock();
        let of_device = open.by_device.get(&device).into_iter().flat_map(|of_device| &of_device.connections);
        let revoked = of_device.filter(|(grant, _)| grant.generation <= generation);
        revoked.filter(|(_, connection)| close(connection, reason)).count()
    }

    /// The connections whose certificates `tls` would refuse, and why.
    pub(crate) fn refused_by(&self, tls: &Tls) -> Vec<(Grant, Connection, Reason)> {
        let all: Vec<(Grant, Connection)> = {
            let open = self.lock();
            open.by_device.values().flat_map(|of_device| &of_device.connections).cloned().collect()
        };
        let refused = all.into_iter().filter_map(|(grant, connection)| {
            let reason = tls.objection(&chain_of(&connection))?;
            Some((grant, connection, reason))
        });
        refused.collect()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        // Every step under this lock leaves the roll whole.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut open = self.roll.lock();
        let Some(of_device) = open.by_device.get_mut(&self.device) else { return };
        let before = of_device.connections.len();
        of_device.connections.retain(|(_, connection)| connection.stable_id() != self.connection);
        let left = before - of_device.connections.len();
        if of_device.connections.is_empty() {
            open.by_device.remove(&self.device);
        }
        open.count -= left;
    }
}

/// The certificates the device showed, leaf first.
pub(crate) fn chain_of(connection: &Connection) -> Vec<CertificateDer<'static>> {
    let shown = connection.peer_identity().and_then(|identity| identity.downcast().ok());
    shown.map_or_else(Vec::new, |chain: Box<Vec<CertificateDer<'static>>>| *chain)
}
