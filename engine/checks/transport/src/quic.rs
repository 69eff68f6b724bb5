//! The QUIC endpoint: enrolment, the clock, batches and rosters on streams, single checks in datagrams.
//!
//! One thread runs everything here on a single-threaded runtime: quinn drives an endpoint from one task anyhow,
//! and spreading its packets over threads costs several times the CPU.

mod admission;
mod answer;
mod device;
mod endpoint;
mod frame;
mod meters;
mod roll;
mod stream;

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use hufu_check::{Counters, Engine, Spine};
use hufu_wire::limits::FRAME_BYTES_MAX;
use hufu_wire::{DeviceGeneration, DeviceId, Reason};
use quinn::{Connection, Endpoint, EndpointConfig, TokioRuntime, VarInt};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::family::Listen;
use crate::options::QuicOptions;
use crate::running::ServeError;
use crate::tls::Tls;

use admission::Handshakes;
pub(crate) use meters::QuicMeters;
use roll::Roll;

/// PROTOCOL 2: a frame that cannot be read ends its stream with this error code.
const UNREADABLE: VarInt = VarInt::from_u32(1);

/// The running endpoints, one for each address.
pub(crate) struct Quic {
    /// One address or several, in the order of the options.
    pub(crate) addrs: Vec<SocketAddr>,
    pub(crate) shared: Arc<Shared>,
    stop: watch::Sender<Stop>,
    thread: JoinHandle<()>,
}

/// Whether work goes on, and how long what is under way may take once it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    No,
    Within(Duration),
}

/// What every connection of all endpoints shares.
pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    pub(crate) clock: Clock,
    pub(crate) counters: Arc<Counters>,
    pub(crate) meters: QuicMeters,
    pub(crate) roll: Roll,
    options: QuicOptions,
    /// The port that enrolments name.
    udp_port: u16,
    tls: ArcSwap<Tls>,
    pub(crate) handshakes: Arc<Handshakes>,
    /// Never contended: only the endpoint's thread checks.
    spine: Mutex<Spine>,
    /// Bytes of frames that may still be taken in.
    frames: Semaphore,
    streams: AtomicUsize,
    stop: watch::Receiver<Stop>,
}

impl Quic {
    /// Serves the sockets on one thread of their own.
    pub(crate) fn start(
        sockets: Vec<(UdpSocket, SocketAddr)>,
        options: QuicOptions,
        tls: Tls,
        udp_port: u16,
        clock: Clock,
        engine: &Arc<Engine>,
    ) -> Result<Quic, ServeError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServeError::Thread)?;
        let addrs: Vec<SocketAddr> = sockets.iter().map(|(_, addr)| *addr).collect();
        let open =
            |(socket, addr)| open(&runtime, socket, &tls).map_err(|why| ServeError::Socket { addr, why });
        let endpoints = sockets.into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let spine = Spine::new(Arc::clone(engine)).map_err(ServeError::Engine)?;
        let (stop, stopped) = watch::channel(Stop::No);
        for (device, generation) in &tls.revoked {
            engine.devices().revoke(*device, *generation);
        }
        let shared = Arc::new(Shared {
            engine: Arc::clone(engine),
            clock,
            counters: spine.counters(),
            meters: QuicMeters::default(),
            roll: Roll::new(&options),
            handshakes: Arc::new(Handshakes::new(&options)),
            frames: Semaphore::new(options.frames_bytes_max.clamp(FRAME_BYTES_MAX, Semaphore::MAX_PERMITS)),
            options,
            udp_port,
            tls: ArcSwap::from_pointee(tls),
            spine: Mutex::new(spine),
            streams: AtomicUsize::new(0),
            stop: stopped,
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("hufu-quic".to_owned())
            .spawn(move || {
                let _alive = serving.meters.thread.begin();
                runtime.block_on(serve_all(endpoints, &serving));
            })
            .map_err(ServeError::Thread)?;
        Ok(Quic { addrs, shared, stop, thread })
    }

    /// Lets what is under way end, for at most `within`, then closes every connection.
    pub(crate) fn stop(self, within: Duration) {
        self.stop.send_replace(Stop::Within(within));
        // A thread that panicked has already said so on standard error.
        let _ = self.thread.join();
    }
}

impl Shared {
    /// Revokes a device up to `generation`: its cookies, its next handshakes, and the connections it has open.
    pub(crate) fn revoke(&self, device: DeviceId, generation: DeviceGeneration) {
        // In this order: a connection that enters the roll after the sweep finds its device revoked.
        self.engine.devices().revoke(device, generation);
        self.meters.closed_revoked.add_shared(self.roll.close(device, generation, Reason::DeviceRevoked));
    }

    /// Puts new certificates and lists in force and closes every connection they would not admit.
    pub(crate) fn set_tls(&self, tls: Tls) {
        // In this order: a connection that enters the roll after the sweep is held against the new lists.
        self.tls.store(Arc::new(tls));
        let tls = self.tls.load();
        for (device, generation) in &tls.revoked {
            self.revoke(*device, *generation);
        }
        for (grant, connection, reason) in self.roll.refused_by(&tls) {
            // Nothing takes a revocation back, so only a list may ask for one: a root that is wrong today may be
            // mended tomorrow.
            if reason == Reason::DeviceRevoked {
                self.revoke(grant.device, grant.generation);
            } else if close(&connection, reason) {
                self.meters.closed_certificate.add_shared(1);
            }
        }
    }

    fn spine(&self) -> MutexGuard<'_, Spine> {
        // A check that panicked leaves only scratch behind.
        self.spine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopping(&self) -> bool {
        *self.stop.borrow() != Stop::No
    }

    /// Resolves when the server is told to stop, with the time that is left.
    async fn stopped(&self) -> Duration {
        let mut stop = self.stop.clone();
        loop {
            if let Stop::Within(within) = *stop.borrow_and_update() {
                return within;
            }
            if stop.changed().await.is_err() {
                // The handle is gone without a word: nobody waits.
                return Duration::ZERO;
            }
        }
    }

    /// Counts one stream as under way until the guard is dropped.
    fn stream(&self) -> UnderWay<'_> {
        self.streams.fetch_add(1, Ordering::Relaxed);
        UnderWay(&self.streams)
    }
}

struct UnderWay<'s>(&'s AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves until all endpoints have stopped, or one has failed: an engine that does not serve all its addresses is
/// not ready.
async fn serve_all(endpoints: Vec<Endpoint>, shared: &Arc<Shared>) {
    let mut serving = JoinSet::new();
    for endpoint in endpoints {
        serving.spawn(endpoint::serve(endpoint, Arc::clone(shared)));
    }
    while let Some(ended) = serving.join_next().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
        if !shared.stopping() {
            return;
        }
    }
}

/// Opens every socket, and says where.
pub(crate) fn bind(options: &QuicOptions) -> Result<Vec<(UdpSocket, SocketAddr)>, ServeError> {
    let open = |listen: Listen| {
        let socket = Socket::new(Domain::for_address(listen.addr), Type::DGRAM, Some(Protocol::UDP))?;
        if listen.addr.is_ipv6() {
            socket.set_only_v6(listen.only_v6)?;
        }
        socket.bind(&SockAddr::from(listen.addr))?;
        let socket = UdpSocket::from(socket);
        let addr = socket.local_addr()?;
        Ok((socket, addr))
    };
    let failed = |listen: Listen| move |why| ServeError::Socket { addr: listen.addr, why };
    options.listens().into_iter().map(|listen| open(listen).map_err(failed(listen))).collect()
}

fn open(runtime: &Runtime, socket: UdpSocket, tls: &Tls) -> std::io::Result<Endpoint> {
    let _context = runtime.enter();
    let server = quinn::ServerConfig::clone(&tls.server);
    Endpoint::new(EndpointConfig::default(), Some(server), socket, Arc::new(TokioRuntime))
}

/// Closes a connection for `reason`; `false` when it was closed before.
fn close(connection: &Connection, reason: Reason) -> bool {
    let open = is_open(connection);
    connection.close(close_code(reason), reason.slug().as_bytes());
    open
}

fn is_open(connection: &Connection) -> bool {
    connection.close_reason().is_none()
}

/// The error code of a connection that is closed for `reason` is the reason's number.
fn close_code(reason: Reason) -> VarInt {
    VarInt::from_u32(reason.code().into())
}
