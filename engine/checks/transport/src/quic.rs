//! The QUIC endpoint: enrolment, the clock, batches and rosters on streams, single checks in datagrams.
//!
//! One thread runs everything here on a single-threaded runtime: quinn drives an endpoint from one task anyhow,
//! and spreading its packets over threads costs several times the CPU.

mod admission;
mod answer;
mod closing;
mod connection;
mod device;
mod endpoint;
mod frame;
mod https;
mod meters;
mod offline;
mod roll;
mod shared;
mod stream;

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use hufu_check::{Engine, Journal, Spine};
use hufu_wire::limits::FRAME_BYTES_MAX;
use quinn::{Endpoint, EndpointConfig, TokioRuntime};
use socket2::SockAddr;
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::family::Listen;
use crate::fault::ServeError;
use crate::metrics;
use crate::options::QuicOptions;
use crate::tls::Tls;

use admission::Handshakes;
use meters::QuicMeters;
use roll::Roll;
pub(crate) use shared::Shared;
use shared::Stop;

/// The running endpoints, one for each address.
pub(crate) struct Quic {
    /// One address or several, in the order of the options.
    pub(crate) addrs: Vec<SocketAddr>,
    /// Where devices enrol over HTTPS, if they can.
    pub(crate) https_addr: Option<SocketAddr>,
    pub(crate) shared: Arc<Shared>,
    stop: watch::Sender<Stop>,
    thread: JoinHandle<()>,
}

impl Quic {
    /// Serves the sockets on one thread of their own.
    pub(crate) fn start(
        sockets: Sockets,
        options: QuicOptions,
        tls: Tls,
        udp_port: u16,
        clock: Clock,
        engine: &Arc<Engine>,
        spine: Spine<impl Journal + Send + 'static>,
    ) -> Result<Quic, ServeError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ServeError::Thread)?;
        let Sockets { udp: sockets, https } = sockets;
        let https_addr = https.as_ref().map(|(_, addr)| *addr);
        let addrs: Vec<SocketAddr> = sockets.iter().map(|(_, addr)| *addr).collect();
        let open =
            |(socket, addr)| open(&runtime, socket, &tls).map_err(|why| ServeError::Socket { addr, why });
        let endpoints = sockets.into_iter().map(open).collect::<Result<Vec<_>, _>>()?;
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
            offline: OnceLock::new(),
            spine: Mutex::new(Box::new(spine)),
            streams: AtomicUsize::new(0),
            stop: stopped,
        });
        let serving = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("hufu-quic".to_owned())
            .spawn(move || {
                let _alive = serving.meters.thread.begin();
                runtime.block_on(serve_all(endpoints, https, &serving));
            })
            .map_err(ServeError::Thread)?;
        Ok(Quic { addrs, https_addr, shared, stop, thread })
    }

    /// Lets what is under way end, for at most `within`, then closes every connection.
    pub(crate) fn stop(self, within: Duration) {
        self.stop.send_replace(Stop::Within(within));
        // A thread that panicked has already said so on standard error.
        let _ = self.thread.join();
    }
}

/// Serves until all endpoints have stopped, or one has failed: an engine that does not serve all its addresses is
/// not ready.
async fn serve_all(endpoints: Vec<Endpoint>, https: Option<(TcpListener, SocketAddr)>, shared: &Arc<Shared>) {
    let mut serving = JoinSet::new();
    if let Some((listener, _)) = https {
        serving.spawn(https::serve(listener, Arc::clone(shared)));
    }
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
pub(crate) fn bind(options: &QuicOptions) -> Result<Sockets, ServeError> {
    let open = |listen: Listen| {
        let socket = listen.socket()?;
        socket.bind(&SockAddr::from(listen.addr))?;
        let socket = UdpSocket::from(socket);
        let addr = socket.local_addr()?;
        Ok((socket, addr))
    };
    let failed = |listen: Listen| move |why| ServeError::Socket { addr: listen.addr, why };
    let udp = options.listens().into_iter().map(|listen| open(listen).map_err(failed(listen)));
    let udp = udp.collect::<Result<_, _>>()?;
    Ok(Sockets { udp, https: options.https.map(metrics::bind).transpose()? })
}

/// What was opened, and where.
pub(crate) struct Sockets {
    udp: Vec<(UdpSocket, SocketAddr)>,
    https: Option<(TcpListener, SocketAddr)>,
}

fn open(runtime: &Runtime, socket: UdpSocket, tls: &Tls) -> std::io::Result<Endpoint> {
    let _context = runtime.enter();
    let server = quinn::ServerConfig::clone(&tls.server);
    Endpoint::new(EndpointConfig::default(), Some(server), socket, Arc::new(TokioRuntime))
}
