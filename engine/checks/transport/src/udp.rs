//! Sealed UDP: worker threads with a socket each, batches in, replies out.
//!
//! `docs/decisions/0005-udp-io.md` says which system calls are used and what they cost.

mod meters;
mod outbox;
mod queue;
mod socket;
mod wake;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hufu_check::{Counters, Journal, Spine};

use crate::clock::Clock;
use crate::fault::ServeError;
use crate::options::UdpOptions;

pub(crate) use meters::WorkerMeters;
use socket::Socket;
use wake::Wake;
use worker::Worker;

/// The running workers.
pub(crate) struct Udp {
    /// One address or several, in the order of the options.
    pub(crate) addrs: Vec<SocketAddr>,
    pub(crate) workers: Vec<RunningWorker>,
    wake: Arc<Wake>,
}

/// One worker, seen from outside.
pub(crate) struct RunningWorker {
    pub(crate) counters: Arc<Counters>,
    pub(crate) meters: Arc<WorkerMeters>,
    thread: JoinHandle<()>,
}

impl Udp {
    /// Opens all sockets and only then starts the workers, so that a failure leaves no thread behind.
    pub(crate) fn start<J: Journal + Send + 'static>(
        options: &UdpOptions,
        clock: &Clock,
        mut spine: impl FnMut() -> Result<Spine<J>, ServeError>,
    ) -> Result<Udp, ServeError> {
        let mut addrs: Vec<SocketAddr> = Vec::new();
        let mut sockets = Vec::new();
        for mut listen in options.listens() {
            // Port 0 is decided by the first socket of all; the others join it.
            if let Some(first) = addrs.first()
                && listen.addr.port() == 0
            {
                listen.addr.set_port(first.port());
            }
            let failed = |why| ServeError::Socket { addr: listen.addr, why };
            if listen.addr.port() != 0 {
                Socket::refuse_if_taken(listen).map_err(failed)?;
            }
            for _ in 0..options.workers.max(1) {
                let socket = Socket::open(listen, options.socket_buffer_bytes)
                    .map_err(|why| ServeError::Socket { addr: listen.addr, why })?;
                listen.addr = socket.addr();
                sockets.push(socket);
            }
            addrs.push(listen.addr);
        }
        let wake = Arc::new(Wake::new().map_err(ServeError::Thread)?);
        let mut udp = Udp { addrs, workers: Vec::new(), wake };
        for (index, socket) in sockets.into_iter().enumerate() {
            let core = options.cores.get(index % options.cores.len().max(1)).copied();
            let worker = spine()
                .and_then(|spine| udp.start_worker(index, socket, core, spine, clock, options.busy_poll));
            match worker {
                Ok(worker) => udp.workers.push(worker),
                Err(error) => {
                    udp.stop();
                    return Err(error);
                }
            }
        }
        Ok(udp)
    }

    /// The first address.
    pub(crate) fn addr(&self) -> SocketAddr {
        // `start` opens one at the least.
        self.addrs[0]
    }

    fn start_worker(
        &self,
        index: usize,
        socket: Socket,
        core: Option<usize>,
        spine: Spine<impl Journal + Send + 'static>,
        clock: &Clock,
        busy_poll: Duration,
    ) -> Result<RunningWorker, ServeError> {
        let counters = spine.counters();
        let meters = Arc::new(WorkerMeters { index, inode: socket.inode(), ..WorkerMeters::default() });
        let (wake, clock) = (Arc::clone(&self.wake), clock.clone());
        let worker = Worker::new(socket, spine, Arc::clone(&meters), wake, clock, busy_poll);
        let thread = std::thread::Builder::new()
            .name(format!("hufu-udp-{index}"))
            .spawn(move || worker.run(core))
            .map_err(ServeError::Thread)?;
        Ok(RunningWorker { counters, meters, thread })
    }

    /// Answers what the sockets hold, then ends the workers.
    pub(crate) fn stop(mut self) {
        self.wake.stop();
        for worker in std::mem::take(&mut self.workers) {
            // A worker that panicked has already said so on standard error.
            let _ = worker.thread.join();
        }
    }
}

impl Drop for Udp {
    fn drop(&mut self) {
        self.wake.stop();
    }
}
