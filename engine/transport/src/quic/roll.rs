//! The connections that are open, by device, so that a revocation reaches them at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hufu_wire::{DeviceGeneration, DeviceId, Grant, Reason};
use quinn::Connection;
use rustls::pki_types::CertificateDer;

use super::close_code;
use crate::tls::Tls;

/// Every open connection that has a device.
#[derive(Default)]
pub(crate) struct Roll {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// Oldest first; no device without a connection.
    by_device: HashMap<DeviceId, Vec<(Grant, Connection)>>,
    count: usize,
}

/// One connection's place in the roll, left when this is dropped.
pub(crate) struct Entry<'r> {
    roll: &'r Roll,
    device: DeviceId,
    connection: usize,
}

impl Roll {
    /// Enters a connection unless `objection`, asked under the roll's lock, has a reason against it. Whoever
    /// revokes first says so and then sweeps the roll, so one of the two sees the other. Returns the place and
    /// how many of the device's older connections had to go.
    pub(crate) fn enter(
        &self,
        grant: Grant,
        connection: &Connection,
        per_device_max: usize,
        objection: impl FnOnce() -> Option<Reason>,
    ) -> Result<(Entry<'_>, usize), Reason> {
        let mut open = self.lock();
        if let Some(reason) = objection() {
            return Err(reason);
        }
        open.count += 1;
        let of_device = open.by_device.entry(grant.device).or_default();
        of_device.push((grant, connection.clone()));
        let surplus = of_device.len().saturating_sub(per_device_max.max(1));
        for (_, connection) in &of_device[..surplus] {
            connection.close(close_code(Reason::Busy), b"one connection too many");
        }
        Ok((Entry { roll: self, device: grant.device, connection: connection.stable_id() }, surplus))
    }

    /// Connections in the roll.
    pub(crate) fn len(&self) -> usize {
        self.lock().count
    }

    /// Closes the device's connections up to `generation`; returns how many.
    pub(crate) fn close(&self, device: DeviceId, generation: DeviceGeneration, reason: Reason) -> usize {
        let open = self.lock();
        let of_device = open.by_device.get(&device).into_iter().flatten();
        let revoked = of_device.filter(|(grant, _)| grant.generation <= generation);
        revoked.map(|(_, connection)| connection.close(close_code(reason), reason.slug().as_bytes())).count()
    }

    /// The connections whose certificates `tls` would refuse, and why.
    pub(crate) fn refused_by(&self, tls: &Tls) -> Vec<(Grant, Connection, Reason)> {
        let all: Vec<(Grant, Connection)> = self.lock().by_device.values().flatten().cloned().collect();
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
        let before = of_device.len();
        of_device.retain(|(_, connection)| connection.stable_id() != self.connection);
        let left = before - of_device.len();
        if of_device.is_empty() {
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
