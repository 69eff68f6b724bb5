//! The server: sockets, TLS, and how it ends.

use std::convert::Infallible;
use std::future::Ready;
use std::io;
use std::net::{SocketAddr, TcpListener};
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
use hyper_util::rt::TokioTimer;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;
use tower_service::Service;

use super::feed::Hub;
use super::options::{ApiOptions, ServeFault, TlsFiles};
use super::snapshots::SnapshotFolder;
use super::state::Api;
use super::{routes, tls};
use crate::{ChainSource, Registry};

/// How long a caller may take to send a request's headers.
const HEADERS_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a peer may leave bytes unacknowledged, or its window shut, before the connection is given up: a dead
/// engine must not hold a feed.
const PEER_TIMEOUT: Duration = Duration::from_secs(30);

/// How long requests under way may take when the server ends.
const FAREWELL: Duration = Duration::from_secs(5);

/// The running API.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    handle: Handle<SocketAddr>,
    tls: Option<RustlsConfig>,
    stopping: watch::Sender<bool>,
    task: JoinHandle<io::Result<()>>,
}

/// Serves the API of `registry` until [`Running::stop`]. Called within a tokio runtime.
///
/// # Errors
/// [`ServeFault`]: nothing is served.
pub fn serve(options: &ApiOptions, registry: Arc<Registry>) -> Result<Running, ServeFault> {
    if options.tls.is_none() && !options.listen.ip().is_loopback() {
        return Err(ServeFault::Plain(options.listen));
    }
    let tls = options.tls.as_ref().map(tls::config).transpose()?.map(RustlsConfig::from_config);
    let snapshots = match &options.snapshots {
        Some(folder) => Some(
            SnapshotFolder::open(folder, options.snapshot_bytes_max)
                .map_err(|why| ServeFault::Snapshots { folder: folder.clone(), why })?,
        ),
        None => None,
    };
    let unheard = |why| ServeFault::Listen { addr: options.listen, why };
    let listener = TcpListener::bind(options.listen).map_err(unheard)?;
    listener.set_nonblocking(true).map_err(unheard)?;
    let addr = listener.local_addr().map_err(unheard)?;

    let (stopping, stopped) = watch::channel(false);
    let source: Arc<dyn ChainSource> = registry.clone();
    let api = Api {
        hub: Hub::new(source, options.feeds_max, options.offer_after_sets, stopped),
        registry,
        snapshots,
        room: Arc::new(Semaphore::new(options.requests_max)),
        request_ms_max: options.request_ms_max,
    };
    let door = Door { router: routes::router(api), room: Arc::new(Semaphore::new(options.connections_max)) };
    let handle = Handle::new();
    let server = axum_server::from_tcp(listener).map_err(unheard)?.handle(handle.clone());
    let task = match tls.clone() {
        Some(tls) => tokio::spawn(
            with_timeouts(server.acceptor(RustlsAcceptor::new(tls).acceptor(Prompt))).serve(door),
        ),
        None => tokio::spawn(with_timeouts(server.acceptor(Prompt)).serve(door)),
    };
    Ok(Running { addr, handle, tls, stopping, task })
}

fn with_timeouts<A>(server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
    let mut server = server.http1_only();
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_TIMEOUT);
    server
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Shows another certificate to whoever connects from now on; connections there are stay as they are. Nothing
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

    /// Takes no more connections, ends the feeds, lets requests under way come to their end for up to five seconds.
    pub async fn stop(self) {
        // Fails when nobody waits for it.
        let _ = self.stopping.send(true);
        self.handle.graceful_shutdown(Some(FAREWELL));
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => tracing::error!(%why, "the API ended by itself"),
            Err(why) => tracing::error!(%why, "the API's task ended by itself"),
        }
    }
}

/// Sets a connection up before anything is read from it.
#[derive(Clone, Copy, Debug)]
struct Prompt;

impl<S> Accept<TcpStream, S> for Prompt {
    type Stream = TcpStream;
    type Service = S;
    type Future = Ready<io::Result<(TcpStream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        std::future::ready(prompt(&stream).map(|()| (stream, service)))
    }
}

fn prompt(stream: &TcpStream) -> io::Result<()> {
    // R23: a set of one change must not wait for an acknowledgement of the head before it.
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_user_timeout(Some(PEER_TIMEOUT))?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(PEER_TIMEOUT))
}

/// Gives each connection its service while there is room for one.
struct Door {
    router: Router,
    room: Arc<Semaphore>,
}

/// One connection's service.
#[derive(Clone)]
struct Seat {
    router: Router,
    _room: Arc<OwnedSemaphorePermit>,
}

impl Service<SocketAddr> for Door {
    type Response = Seat;
    type Error = io::Error;
    type Future = Ready<Result<Seat, io::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: SocketAddr) -> Self::Future {
        let room = Arc::clone(&self.room).try_acquire_owned();
        std::future::ready(match room {
            Ok(permit) => Ok(Seat { router: self.router.clone(), _room: Arc::new(permit) }),
            Err(_) => Err(io::Error::other("no room for another connection")),
        })
    }
}

impl<B> Service<Request<B>> for Seat
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

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.router.call(request.map(Body::new))
    }
}
