//! How fast a caller must send or take bytes: one that is slow must not hold others' room for ever.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Bytes that must move in each span of time. With 30 s that is 8 KiB a second: what is slower is of no use for snapshots,
/// and a few such callers would block all others.
pub(super) const PACE_BYTES: u64 = 256 * 1024;

/// A span of time that runs, and the bytes that must still move in it.
#[derive(Debug)]
pub(super) struct Pace {
    span: Duration,
    until: Instant,
    due: u64,
}

impl Pace {
    pub(super) fn begin(span: Duration) -> Pace {
        Pace { span, until: Instant::now() + span, due: PACE_BYTES }
    }

    /// When this span ends.
    pub(super) fn until(&self) -> Instant {
        self.until
    }

    /// So many bytes have moved. Where they are enough, the next span begins.
    pub(super) fn moved(&mut self, bytes: u64) {
        self.due = self.due.saturating_sub(bytes);
        if self.due == 0 {
            *self = Pace::begin(self.span);
        }
    }
}

/// A connection that fails once its peer takes what is sent to it too slowly, and with it all that its answer holds. Time
/// counts only while something waits to be sent.
#[derive(Debug)]
pub(super) struct PacedStream<S> {
    inner: S,
    span: Duration,
    waiting: Option<(Pace, Pin<Box<Sleep>>)>,
}

impl<S> PacedStream<S> {
    /// The peer must take [`PACE_BYTES`] in each `span`, or all that waits.
    pub(super) fn new(inner: S, span: Duration) -> PacedStream<S> {
        PacedStream { inner, span, waiting: None }
    }

    fn paced(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match &written {
            Poll::Ready(Ok(bytes)) => {
                if let Some((pace, _)) = &mut self.waiting {
                    pace.moved(*bytes as u64);
                }
            }
            Poll::Ready(Err(_)) => {}
            Poll::Pending => {
                let span = self.span;
                let (pace, late) = self.waiting.get_or_insert_with(|| {
                    let pace = Pace::begin(span);
                    let late = Box::pin(sleep_until(pace.until()));
                    (pace, late)
                });
                if late.deadline() != pace.until() {
                    late.as_mut().reset(pace.until());
                }
                if late.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for PacedStream<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for PacedStream<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.paced(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.inner).poll_write_vectored(cx, slices);
        this.paced(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    /// Asked for when nothing is left to write.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.waiting = None;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::server::set_up;

    const SPAN: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn who_takes_an_answer_byte_by_byte_is_given_up() {
        let (ours, mut peer) = duplex(1024);
        let mut ours = PacedStream::new(ours, SPAN);
        let slow = async {
            while peer.read_u8().await.is_ok() {
                sleep(SPAN / 10).await;
            }
        };
        let answer = vec![0; 1 << 16];
        let sent = async { timeout(Duration::from_secs(10), ours.write_all(&answer)).await };
        let sent = tokio::select! {
            sent = sent => sent.expect("it is not given up"),
            () = slow => unreachable!("our end is open"),
        };
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    /// With a real socket, whose buffer grows to megabytes.
    #[tokio::test]
    async fn who_takes_an_answer_steadily_and_a_little_faster_than_the_pace_gets_it_whole() {
        const ANSWER: usize = 8 << 20;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let reader = tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let (mut piece, mut taken) = (vec![0; 64 * 1024], 0);
            loop {
                match stream.read(&mut piece).await.unwrap() {
                    0 => return taken,
                    bytes => taken += bytes,
                }
                sleep(Duration::from_millis(30)).await;
            }
        });
        let (stream, _) = listener.accept().await.unwrap();
        set_up(&stream).unwrap();
        let mut stream = PacedStream::new(stream, Duration::from_millis(500));
        stream.write_all(&vec![0; ANSWER]).await.unwrap();
        drop(stream);
        assert_eq!(reader.await.unwrap(), ANSWER);
    }

    #[tokio::test]
    async fn a_connection_on_which_nothing_waits_stays() {
        let (ours, mut peer) = duplex(1024);
        let mut ours = PacedStream::new(ours, SPAN);
        let mut taken = [0; 2048];
        // The second half waits until the first is read.
        let (sent, read) = tokio::join!(ours.write_all(&[0; 2048]), peer.read_exact(&mut taken));
        assert!(sent.is_ok() && read.is_ok());
        ours.flush().await.unwrap();
        sleep(SPAN * 2).await;
        let (sent, read) = tokio::join!(ours.write_all(&[0; 2048]), peer.read_exact(&mut taken));
        assert!(sent.is_ok() && read.is_ok(), "its time began again: {sent:?}");
    }

    #[tokio::test]
    async fn enough_bytes_begin_the_next_span() {
        let mut pace = Pace::begin(SPAN);
        let first = pace.until();
        sleep(Duration::from_millis(2)).await;
        pace.moved(PACE_BYTES - 1);
        assert_eq!(pace.until(), first);
        pace.moved(1);
        assert!(pace.until() > first);
    }
}
