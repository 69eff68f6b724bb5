//! One device's connection, from its first packet to its last.

use std::sync::Arc;

use arrayvec::ArrayVec;
use bytes::Bytes;
use hufu_wire::limits::BATCH_MAX;
use hufu_wire::{CheckNumber, CheckRequest, Grant, Message, Reason, UnixSeconds, Verdict, read};
use quinn::{Connection, Incoming};
use rustls::pki_types::CertificateDer;
use tokio::time::timeout;

use super::admission::Place;
use super::closing::close_code;
use super::device::Device;
use super::roll::chain_of;
use super::shared::Shared;
use super::stream;
use crate::profile;
use crate::tls::Tls;

/// Starts a handshake; `place` is held until it is over.
pub(crate) fn begin(incoming: Incoming, place: Place, shared: &Arc<Shared>) {
    tokio::spawn(serve(incoming, place, Arc::clone(shared)));
}

async fn serve(incoming: Incoming, place: Place, shared: Arc<Shared>) {
    let tls = shared.tls.load_full();
    let Some(connection) = handshake(incoming, &tls, &shared).await else {
        shared.meters.failed.add(1);
        return;
    };
    let chain = chain_of(&connection);
    let Some((grant, ends)) = read_chain(&chain) else {
        shared.meters.closed_profile.add(1);
        connection.close(close_code(Reason::OutOfScope), b"the certificate grants nothing");
        return;
    };
    let objection = || shared.objection(&tls, &grant, &chain);
    let entry = match shared.roll.enter(grant, &connection, objection) {
        Ok((entry, surplus)) => {
            shared.meters.closed_surplus.add(surplus);
            entry
        }
        Err(reason) => {
            shared.count_objection(reason);
            connection.close(close_code(reason), reason.slug().as_bytes());
            return;
        }
    };
    drop((place, chain, tls));
    shared.meters.accepted.add(1);
    let room = Arc::clone(&entry.room);
    let device = Device { shared: Arc::clone(&shared), grant, ends, room, connection };
    Arc::new(device).attend().await;
}

/// What the leaf grants, and when the first certificate of the chain ends.
pub(super) fn read_chain(chain: &[CertificateDer<'_>]) -> Option<(Grant, UnixSeconds)> {
    let grant = profile::read_certificate(chain.first()?).ok()?;
    let ends: Result<Vec<_>, _> = chain.iter().map(|certificate| profile::read_end(certificate)).collect();
    Some((grant, ends.ok()?.into_iter().min()?))
}

/// `None` when TLS refuses, or the peer takes too long over it.
async fn handshake(incoming: Incoming, tls: &Tls, shared: &Shared) -> Option<Connection> {
    let connecting = incoming.accept_with(Arc::clone(&tls.server)).ok()?;
    timeout(shared.options.step_timeout, connecting).await.ok()?.ok()
}

impl Device {
    /// Attends to streams and datagrams until the connection ends, or the certificate.
    async fn attend(self: Arc<Self>) {
        let ended = self.shared.clock.reaches(self.ends);
        tokio::pin!(ended);
        loop {
            tokio::select! {
                () = &mut ended => {
                    self.shared.meters.closed_certificate.add_shared(1);
                    self.connection.close(close_code(Reason::OutOfScope), b"the certificate has expired");
                    return;
                }
                stream = self.connection.accept_bi() => match stream {
                    Ok((send, recv)) => {
                        tokio::spawn(stream::serve(Arc::clone(&self), send, recv));
                    }
                    Err(_) => return,
                },
                datagram = self.connection.read_datagram() => match datagram {
                    Ok(first) => self.check_datagrams(first),
                    Err(_) => return,
                },
            }
        }
    }

    /// Checks the datagrams that are there, together, without waiting for more.
    fn check_datagrams(&self, first: Bytes) {
        let mut datagrams: ArrayVec<Bytes, BATCH_MAX> = ArrayVec::new();
        datagrams.push(first);
        while !datagrams.is_full()
            && let Some(Ok(next)) = if_ready(self.connection.read_datagram())
        {
            datagrams.push(next);
        }
        let meters = &self.shared.meters;
        meters.datagrams.add(datagrams.len());
        let requests: ArrayVec<_, BATCH_MAX> =
            datagrams.iter().filter_map(|bytes| read_datagram(bytes)).collect();
        meters.datagrams_unreadable.add(datagrams.len() - requests.len());
        let now = self.shared.clock.now();
        let mut verdicts = [Verdict::of(CheckNumber(0), now, Reason::Busy); BATCH_MAX];
        let verdicts = &mut verdicts[..requests.len()];
        self.check(now, &mut **self.shared.spine(), &requests, verdicts);
        for verdict in verdicts {
            let mut reply = [0; Verdict::BYTES];
            verdict.write_to(&mut reply);
            // A verdict that finds no room is lost as a datagram on the way would be.
            let _ = self.connection.send_datagram(Bytes::copy_from_slice(&reply));
        }
    }
}

/// PROTOCOL 2: eight bytes of number, then a check request.
fn read_datagram(bytes: &[u8]) -> Option<(CheckNumber, CheckRequest<'_>)> {
    let (number, request) = bytes.split_first_chunk()?;
    Some((CheckNumber(u64::from_le_bytes(*number)), read(request).ok()?))
}

/// What a future has ready. Dropping it unfinished must lose nothing, which holds for reading a datagram.
fn if_ready<F: Future>(future: F) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
