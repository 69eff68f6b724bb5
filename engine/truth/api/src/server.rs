//! The server: sockets, TLS, and how it ends.

use std::convert::Infallible;
use std::future::Ready;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hufu_registry::{ChainSource, Registry};
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tower_service::Service;

use super::feed::Hub;
use super::figures::FigureSource;
use super::keyed_limit::{Held, KeyedLimit, source};
use super::meters::{Closed, Meters};
use super::options::{ApiOptions, ServeFault, TlsFiles};
use super::pace::PacedStream;
use super::rules::Rules;
use super::snapshots::SnapshotFolder;
use super::state::{Api, Parts};
use super::{routes, tls, upkeep};

/// How long a peer may leave bytes unacknowledged, or its window shut, before the connection is given up: a dead
/// engine must not hold a feed. One that opens its window a little meets [`PacedStream`].
const PEER_TIMEOUT: Duration = Duration::from_secs(30);
/// What a connection has in its buffer and has not sent when more is written, about.
const UNSENT_BYTES: u32 = 128 * 1024;

/// How long requests under way may take when the server ends.
pub(super) const FAREWELL: Duration = Duration::from_secs(5);

/// The running API.
#[derive(Debug)]
pub struct Running {
    front: Front,
    stopping: watch::Sender<bool>,
    upkeep: JoinHandle<()>,
    figures: Arc<FigureSource>,
}

/// Routes on their socket: with TLS or on this machine alone, with as many connections as the options say.
#[derive(Debug)]
pub struct Front {
    addr: SocketAddr,
    handle: Handle<SocketAddr>,
    tls: Option<RustlsConfig>,
    task: JoinHandle<io::Result<()>>,
    /// Room for more connections.
    room: Arc<Semaphore>,
}

/// Who sent a request, as far as limits tell callers apart: an IPv4 address, or an IPv6 network of 64 bits. Every request
/// has it among its extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source(pub IpAddr);

/// Serves the API of `registry` until [`Running::stop`]. Called within a tokio runtime.
///
/// # Errors
/// [`ServeFault`]: nothing is served.
pub fn serve(options: &ApiOptions, registry: Arc<Registry>) -> Result<Running, ServeFault> {
    let snapshots = match &options.snapshots {
        Some(folder) => Some(
            SnapshotFolder::open(folder, options.snapshot_limits)
                .map_err(|why| ServeFault::Snapshots { folder: folder.clone(), why })?,
        ),
        None => None,
    };
    // A quarter of the room for work is left to every other request, also when everybody wants a credential.
    registry.issuing().at_most(options.requests_max - options.requests_max / 4);
    let (stopping, stopped) = watch::channel(false);
    let source: Arc<dyn ChainSource> = registry.clone();
    let api = Api::new(Parts {
        hub: Hub::new(source, options.feeds_max, options.offer_after_sets, stopped.clone()),
        registry,
        snapshots,
        rules: Arc::new(Rules::of(&routes::document())),
        meters: Arc::default(),
        room: Arc::new(Semaphore::new(options.requests_max)),
        requests: KeyedLimit::new(options.requests_token_max),
        feeds: KeyedLimit::new(options.feeds_token_max),
        request_ms_max: options.request_ms_max,
    });
    let front = front(options, routes::router(api.clone()), Arc::clone(&api.meters))?;
    let (room, connections_max) = (Arc::clone(&front.room), options.connections_max);
    let figures = FigureSource::new(api.clone(), move || connections_max - room.available_permits());
    let refusals_every = Duration::from_millis(options.refusals_every_ms);
    let upkeep = tokio::spawn(upkeep::run(api, Arc::clone(&figures), refusals_every, stopped));
    Ok(Running { front, stopping, upkeep, figures })
}

/// Serves other routes than the registry's in the same way, until [`Front::stop`]. Of the options those of the socket, of
/// TLS and of connections count. Called within a tokio runtime.
///
/// # Errors
/// [`ServeFault`]: nothing is served.
pub fn serve_routes(options: &ApiOptions, router: Router) -> Result<Front, ServeFault> {
    front(options, router, Arc::default())
}

/// Whether these options could be served, as far as that shows without a socket: the address, and the certificate with its
/// key.
///
/// # Errors
/// [`ServeFault`]: nothing would be served.
pub fn check(options: &ApiOptions) -> Result<(), ServeFault> {
    identity(options).map(drop)
}

/// The certificate with its key; none where plain HTTP may be served.
fn identity(options: &ApiOptions) -> Result<Option<Arc<ServerConfig>>, ServeFault> {
    if options.tls.is_none() && !options.plain && !options.listen.ip().is_loopback() {
        return Err(ServeFault::Plain(options.listen));
    }
    options.tls.as_ref().map(tls::config).transpose()
}

pub(super) fn front(options: &ApiOptions, router: Router, meters: Arc<Meters>) -> Result<Front, ServeFault> {
    let tls = identity(options)?.map(RustlsConfig::from_config);
    let not_bound = |why| ServeFault::Listen { addr: options.listen, why };
    let listener = TcpListener::bind(options.listen).map_err(not_bound)?;
    listener.set_nonblocking(true).map_err(not_bound)?;
    let addr = listener.local_addr().map_err(not_bound)?;
    let room = Arc::new(Semaphore::new(options.connections_max));
    let connections = ConnectionLimit {
        router,
        room: Arc::clone(&room),
        sources: KeyedLimit::new(options.connections_source_max),
        meters: Arc::clone(&meters),
    };
    let handle = Handle::new();
    let server = axum_server::from_tcp(listener).map_err(not_bound)?.handle(handle.clone());
    let headers = Duration::from_millis(options.headers_ms_max);
    let setup = SocketSetup { sending: Duration::from_millis(options.sending_ms_max) };
    let task = match tls.clone() {
        Some(tls) => {
            let tls = RustlsAcceptor::new(tls).handshake_timeout(headers).acceptor(setup);
            tokio::spawn(
                with_timeout(server.acceptor(Handshake { inner: tls, meters }), headers).serve(connections),
            )
        }
        None => tokio::spawn(with_timeout(server.acceptor(setup), headers).serve(connections)),
    };
    Ok(Front { addr, handle, tls, task, room })
}

/// A connection whose next request's headers are not here in time is closed, also one that never sent a byte.
fn with_timeout<A>(server: Server<SocketAddr, A>, headers: Duration) -> Server<SocketAddr, A> {
    let mut server = server.http1_only();
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(headers);
    server
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.front.addr
    }

    /// Where its figures come from.
    pub fn figures(&self) -> Arc<FigureSource> {
        Arc::clone(&self.figures)
    }

    /// As [`Front::renew`].
    ///
    /// # Errors
    /// [`ServeFault::Tls`]: the certificate stays what it was.
    pub fn renew(&self, files: &TlsFiles) -> Result<(), ServeFault> {
        self.front.renew(files)
    }

    /// Takes no more connections, ends the feeds, lets requests under way come to their end for up to five seconds.
    pub async fn stop(self) {
        // Fails when no task waits for it.
        let _ = self.stopping.send(true);
        self.front.stop().await;
        // It tells the last refusals, and the store may be away.
        if tokio::time::timeout(FAREWELL, self.upkeep).await.is_err() {
            tracing::warn!("the last refusals were not written to the trail in time");
        }
    }
}

impl Front {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Room for more connections.
    pub(super) fn room(&self) -> Arc<Semaphore> {
        Arc::clone(&self.room)
    }

    /// Shows another certificate to new connections; existing connections stay as they are. Nothing
    /// happens where plain HTTP is served.
    ///
    /// # Errors
    /// [`ServeFault::Tls`]: the certificate stays what it was.
    pub fn renew(&self, files: &TlsFiles) -> Result<(), ServeFault> {
        let config = tls::config(files)?;
        if let Some(tls) = &self.tls {
            tls.reload_from_config(config);
        }
        Ok(())
    }

    /// Takes no more connections, lets requests under way come to their end for up to five seconds.
    pub async fn stop(self) {
        self.handle.graceful_shutdown(Some(FAREWELL));
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => tracing::error!(%why, "the API stopped unexpectedly"),
            Err(why) => tracing::error!(%why, "the API's task stopped unexpectedly"),
        }
    }
}

/// Sets a connection up before anything is read from it.
#[derive(Clone, Copy, Debug)]
struct SocketSetup {
    /// As [`ApiOptions::sending_ms_max`].
    sending: Duration,
}

impl<S> Accept<TcpStream, S> for SocketSetup {
    type Stream = PacedStream<TcpStream>;
    type Service = S;
    type Future = Ready<io::Result<(PacedStream<TcpStream>, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let done = set_up(&stream);
        std::future::ready(done.map(|()| (PacedStream::new(stream, self.sending), service)))
    }
}

pub(super) fn set_up(stream: &TcpStream) -> io::Result<()> {
    // R23: a set of one change must not wait for an acknowledgement of the head before it.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    // More may be written as soon as so little is left to send: by that it is told how fast a peer takes it. Otherwise a third
    // of megabytes would have to be taken first.
    socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    socket.set_tcp_user_timeout(Some(PEER_TIMEOUT))?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(PEER_TIMEOUT))
}

/// Counts the connections that do not complete TLS.
#[derive(Clone)]
struct Handshake<A> {
    inner: A,
    meters: Arc<Meters>,
}

impl<S, A> Accept<TcpStream, S> for Handshake<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
{
    type Stream = A::Stream;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(A::Stream, A::Service)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let (accepted, meters) = (self.inner.accept(stream, service), Arc::clone(&self.meters));
        Box::pin(async move { accepted.await.inspect_err(|_| meters.closed(Closed::Handshake)) })
    }
}

/// Gives each connection its service while there is room for one, in all and for its source.
struct ConnectionLimit {
    router: Router,
    room: Arc<Semaphore>,
    sources: Arc<KeyedLimit<IpAddr>>,
    meters: Arc<Meters>,
}

/// One connection's service.
#[derive(Clone)]
struct Connection {
    router: Router,
    source: Source,
    _room: Arc<(OwnedSemaphorePermit, Held<IpAddr>)>,
}

impl ConnectionLimit {
    fn admit(&self, peer: SocketAddr) -> Result<Connection, Closed> {
        let source = source(peer.ip());
        let share = self.sources.take(source).ok_or(Closed::Source)?;
        let permit = Arc::clone(&self.room).try_acquire_owned().map_err(|_| Closed::Total)?;
        Ok(Connection {
            router: self.router.clone(),
            source: Source(source),
            _room: Arc::new((permit, share)),
        })
    }
}

impl Service<SocketAddr> for ConnectionLimit {
    type Response = Connection;
    type Error = io::Error;
    type Future = Ready<Result<Connection, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, peer: SocketAddr) -> Self::Future {
        std::future::ready(self.admit(peer).map_err(|why| {
            self.meters.closed(why);
            io::Error::other("connection limit reached")
        }))
    }
}

impl<B> Service<Request<B>> for Connection
where
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = <Router as Service<Request<Body>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.source);
        self.router.call(request.map(Body::new))
    }
}
