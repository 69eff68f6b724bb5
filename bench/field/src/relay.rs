//! Lines between two processes that can be made worse while both run: datagrams are lost, late, doubled and out of order,
//! streams are slow and torn, and each direction can be cut alone. All of it in user space, so that no right is needed.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hufu_fixtures::mix;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{oneshot, watch};

/// How often a stream looks whether its direction is still cut.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Larger than any datagram of ours, and than one read of a stream has to be.
const PIECE_MAX: usize = 65_536;

/// What befalls one direction of a line. The default is fair weather.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Of 256 datagrams so many are lost. A stream loses nothing.
    pub lost: u8,
    /// Of 256 datagrams so many come twice.
    pub doubled: u8,
    /// Every piece is so late, milliseconds.
    pub late_ms: u16,
    /// By chance later still, milliseconds: datagrams overtake each other, pieces of a stream do not.
    pub later_ms: u16,
    /// Nothing gets through.
    pub is_cut: bool,
}

/// How often a line did what it was told to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Befallen {
    /// Pieces that came to the line.
    pub pieces: u64,
    /// Datagrams lost, those at a cut included.
    pub lost: u64,
    /// Datagrams that went on twice.
    pub doubled: u64,
    /// Pieces that went on late; pieces of a stream that waited at a cut are among them.
    pub late: u64,
    /// Streams that were torn.
    pub torn: u64,
}

/// A thread that carries for any number of lines.
pub struct Network {
    handle: Handle,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// One line. It carries until its network is dropped.
pub struct Line {
    address: SocketAddr,
    ways: [Arc<Way>; 2],
    torn: watch::Sender<u64>,
}

/// One direction.
struct Way {
    weather: Mutex<Weather>,
    chance: AtomicU64,
    counts: [AtomicU64; 4],
}

const PIECES: usize = 0;
const LOST: usize = 1;
const DOUBLED: usize = 2;
const LATE: usize = 3;

impl Network {
    /// A network without lines.
    ///
    /// # Errors
    /// The system gives no thread or no event queue.
    pub fn new() -> io::Result<Network> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (end, ended) = oneshot::channel();
        let handle = runtime.handle().clone();
        let thread = thread::Builder::new().name("network".into()).spawn(move || {
            // An error is an end that was dropped: over either way.
            let _ = runtime.block_on(ended);
        })?;
        Ok(Network { handle, end: Some(end), thread: Some(thread) })
    }

    /// Datagrams to each of `listens` go on to that of `to`, and answers back, until the network ends.
    ///
    /// # Errors
    /// One of `listens` cannot be bound.
    pub fn datagrams(&self, listens: &[SocketAddr], to: &[SocketAddr], seed: u64) -> io::Result<Line> {
        let line = Line::new(listens.first().copied(), seed);
        for (listen, to) in listens.iter().zip(to) {
            let socket = std::net::UdpSocket::bind(listen)?;
            socket.set_nonblocking(true)?;
            let _inside = self.handle.enter();
            let socket = Arc::new(UdpSocket::from_std(socket)?);
            self.handle.spawn(carry_datagrams(socket, *to, line.ways.clone()));
        }
        Ok(line)
    }

    /// Streams to a port of its own go on to `to`, until the network ends.
    ///
    /// # Errors
    /// There is no port.
    pub fn streams(&self, to: SocketAddr, seed: u64) -> io::Result<Line> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let line = Line::new(Some(listener.local_addr()?), seed);
        let _inside = self.handle.enter();
        let (listener, ways) = (TcpListener::from_std(listener)?, line.ways.clone());
        let torn = line.torn.subscribe();
        self.handle.spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry_stream(near, to, ways.clone(), torn.clone()));
            }
        });
        Ok(line)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Line {
    fn new(address: Option<SocketAddr>, seed: u64) -> Line {
        let way = |number| {
            Arc::new(Way {
                weather: Mutex::default(),
                chance: AtomicU64::new(mix(seed ^ number)),
                counts: Default::default(),
            })
        };
        let address = address.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
        Line { address, ways: [way(1), way(2)], torn: watch::channel(0).0 }
    }

    /// Where it is entered.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Weather from now on: of what goes to the server, and of what comes back.
    pub fn set(&self, there: Weather, back: Weather) {
        for (way, weather) in self.ways.iter().zip([there, back]) {
            *way.weather.lock().unwrap_or_else(PoisonError::into_inner) = weather;
        }
    }

    /// Tears every stream that is open now.
    pub fn tear(&self) {
        self.torn.send_modify(|times| *times += 1);
    }

    /// What has befallen both directions.
    pub fn befallen(&self) -> Befallen {
        let count = |of: usize| self.ways.iter().map(|way| way.counts[of].load(Ordering::Relaxed)).sum();
        Befallen {
            pieces: count(PIECES),
            lost: count(LOST),
            doubled: count(DOUBLED),
            late: count(LATE),
            torn: *self.torn.borrow(),
        }
    }
}

impl Way {
    fn weather(&self) -> Weather {
        *self.weather.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, what: usize) {
        self.counts[what].fetch_add(1, Ordering::Relaxed);
    }

    fn below(&self, limit: u64) -> u64 {
        mix(self.chance.fetch_add(1, Ordering::Relaxed)) % limit.max(1)
    }

    /// How late the next piece is.
    fn late(&self, weather: Weather) -> Duration {
        let late = u64::from(weather.late_ms) + self.below(u64::from(weather.later_ms) + 1);
        if late > 0 {
            self.count(LATE);
        }
        Duration::from_millis(late)
    }

    /// The delays of the copies of one datagram: none when it is lost.
    fn copies(&self) -> impl Iterator<Item = Duration> {
        let weather = self.weather();
        self.count(PIECES);
        let copies = if weather.is_cut || self.below(256) < u64::from(weather.lost) {
            self.count(LOST);
            0
        } else if self.below(256) < u64::from(weather.doubled) {
            self.count(DOUBLED);
            2
        } else {
            1
        };
        (0..copies).map(move |_| self.late(weather))
    }
}

async fn carry_datagrams(near: Arc<UdpSocket>, to: SocketAddr, [there, back]: [Arc<Way>; 2]) {
    let mut far: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut buffer = vec![0; PIECE_MAX];
    loop {
        // An error tells of an earlier datagram that was not taken.
        let Ok((bytes, from)) = near.recv_from(&mut buffer).await else { continue };
        let socket = if let Some(socket) = far.get(&from) {
            Arc::clone(socket)
        } else {
            let Ok(socket) = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await else { continue };
            if socket.connect(to).await.is_err() {
                continue;
            }
            let socket = Arc::new(socket);
            far.insert(from, Arc::clone(&socket));
            tokio::spawn(answer(Arc::clone(&socket), Arc::clone(&near), from, Arc::clone(&back)));
            socket
        };
        for late in there.copies() {
            send(&socket, None, &buffer[..bytes], late).await;
        }
    }
}

async fn answer(far: Arc<UdpSocket>, near: Arc<UdpSocket>, to: SocketAddr, back: Arc<Way>) {
    let mut buffer = vec![0; PIECE_MAX];
    loop {
        let Ok(bytes) = far.recv(&mut buffer).await else {
            // The server is away: the next datagram wakes this up again.
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        for late in back.copies() {
            send(&near, Some(to), &buffer[..bytes], late).await;
        }
    }
}

/// A datagram that cannot be sent is lost, as on any network.
async fn send(on: &Arc<UdpSocket>, to: Option<SocketAddr>, bytes: &[u8], late: Duration) {
    let (on, bytes) = (Arc::clone(on), bytes.to_vec());
    let sending = async move {
        if !late.is_zero() {
            tokio::time::sleep(late).await;
        }
        let _ = match to {
            Some(to) => on.send_to(&bytes, to).await,
            None => on.send(&bytes).await,
        };
    };
    if late.is_zero() { sending.await } else { drop(tokio::spawn(sending)) }
}

async fn carry_stream(
    near: TcpStream,
    to: SocketAddr,
    [there, back]: [Arc<Way>; 2],
    mut torn: watch::Receiver<u64>,
) {
    torn.mark_unchanged();
    let Ok(far) = TcpStream::connect(to).await else { return };
    for stream in [&near, &far] {
        let _ = stream.set_nodelay(true);
    }
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    tokio::select! {
        () = carry(near_in, far_out, &there) => {}
        () = carry(far_in, near_out, &back) => {}
        _ = torn.changed() => {}
    }
}

/// One direction of a stream, to its end.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: &Way) {
    let mut buffer = vec![0; PIECE_MAX];
    while let Ok(bytes @ 1..) = from.read(&mut buffer).await {
        way.count(PIECES);
        let late = way.late(way.weather());
        if !late.is_zero() {
            tokio::time::sleep(late).await;
        }
        let mut waited = false;
        while way.weather().is_cut {
            waited = true;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        if waited {
            way.count(LATE);
        }
        if to.write_all(&buffer[..bytes]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
