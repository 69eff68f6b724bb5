//! A cap on HTTP connections and on how long each may last, so that silent clients do not shut others out.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

/// A scraper, a health check or two, and an operator's browser, some times over.
const CONNECTIONS_MAX: usize = 32;
/// A scrape takes milliseconds; a scraper that keeps its connection opens another one the next time.
const CONNECTION_MAX: Duration = Duration::from_secs(5);

/// A connection that lasts is cut when its reader takes nothing for this long.
const STANDSTILL_MAX: Duration = Duration::from_secs(60);

/// Accepts connections while fewer than [`CONNECTIONS_MAX`] are open; others wait in the system's queue.
pub(crate) struct LimitedListener {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

/// One connection, with its place and its deadline.
pub(crate) struct LimitedStream {
    stream: TcpStream,
    deadline: Pin<Box<Sleep>>,
    lasting: Lasting,
    /// When something was last taken.
    written: Instant,
    _place: Option<OwnedSemaphorePermit>,
}

/// Whether a connection may last, because it brings events.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lasting(Arc<AtomicBool>);

impl Lasting {
    /// It may, as long as its reader takes what comes.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, LimitedListener>> for Lasting {
    fn connect_info(stream: IncomingStream<'_, LimitedListener>) -> Lasting {
        stream.io().lasting.clone()
    }
}

impl LimitedListener {
    pub(crate) fn new(listener: TcpListener) -> LimitedListener {
        LimitedListener { listener, places: Arc::new(Semaphore::new(CONNECTIONS_MAX)) }
    }
}

impl Listener for LimitedListener {
    type Io = LimitedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (LimitedStream, SocketAddr) {
        // The semaphore is never closed, so a place comes in the end.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (stream, addr) = Listener::accept(&mut self.listener).await;
        let stream = LimitedStream {
            stream,
            deadline: Box::pin(sleep(CONNECTION_MAX)),
            lasting: Lasting::default(),
            written: Instant::now(),
            _place: place,
        };
        (stream, addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl LimitedStream {
    /// The stream until the deadline; the task that waits for the stream is woken then.
    fn stream(&mut self, context: &mut Context<'_>) -> io::Result<Pin<&mut TcpStream>> {
        while self.deadline.as_mut().poll(context).is_ready() {
            let until = self.written + STANDSTILL_MAX;
            if !self.lasting.0.load(Ordering::Relaxed) || until <= Instant::now() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.deadline.as_mut().reset(until);
        }
        Ok(Pin::new(&mut self.stream))
    }
}

impl AsyncRead for LimitedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream(context)?.poll_read(context, room)
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream(context)?.poll_write(context, bytes);
        if written.is_ready() {
            self.written = Instant::now();
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream(context)?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream(context)?.poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt as _;

    #[tokio::test]
    async fn only_a_connection_that_brings_events_outlives_its_deadline() {
        for lasting in [false, true] {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let _near = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (mut far, _) = LimitedListener::new(listener).accept().await;
            if lasting {
                far.lasting.set();
            }
            far.deadline = Box::pin(sleep(Duration::ZERO));
            far.deadline.as_mut().await;
            assert_eq!(far.write_all(b"event").await.is_ok(), lasting);
            if lasting {
                far.written = Instant::now().checked_sub(STANDSTILL_MAX).unwrap();
                far.deadline = Box::pin(sleep(Duration::ZERO));
                far.deadline.as_mut().await;
                let fault = far.write_all(b"event").await.unwrap_err();
                assert_eq!(fault.kind(), io::ErrorKind::TimedOut, "its reader takes nothing");
            }
        }
    }
}
