//! Sealed UDP: worker threads with a socket each, batches in, replies out.
//!
//! `docs/decisions/0005-udp-io.md` says which system calls are used and what they cost.

mod outbox;
mod socket;
mod wake;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use hufu_check::{Counters, Engine, Spine};

use crate::clock::Clock;
use crate::options::UdpOptions;
use crate::running::ServeError;

use socket::Socket;
use wake::Wake;
use worker::Worker;
pub(crate) use worker::WorkerMeters;

/// The running workers.
pub(crate) struct Udp {
    /// One address or several, in the order of the options.
    pub(crate) addrs: Vec<SocketAddr>,
    pub(crate) workers: Vec<Working>,
    wake: Arc<Wake>,
}

/// One worker, seen from outside.
pub(crate) struct Working {
    pub(crate) counters: Arc<Counters>,
    pub(crate) meters: Arc<WorkerMeters>,
    thread: JoinHandle<()>,
}

impl Udp {
    /// Opens all sockets and only then starts the workers, so that a failure leaves no thread behind.
    pub(crate) fn start(
        options: &UdpOptions,
        clock: &Clock,
        engine: &Arc<Engine>,
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
            match udp.start_worker(index, socket, core, options, clock, engine) {
                Ok(working) => udp.workers.push(working),
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
        options: &UdpOptions,
        clock: &Clock,
        engine: &Arc<Engine>,
    ) -> Result<Working, ServeError> {
        let spine = Spine::new(Arc::clone(engine)).map_err(ServeError::Engine)?;
        let counters = spine.counters();
        let meters = Arc::new(WorkerMeters::new(index, socket.inode()));
        let (wake, clock) = (Arc::clone(&self.wake), clock.clone());
        let worker = Worker::new(socket, spine, Arc::clone(&meters), wake, clock, options.busy_poll);
        let thread = std::thread::Builder::new()
            .name(format!("hufu-udp-{index}"))
            .spawn(move || worker.run(core))
            .map_err(ServeError::Thread)?;
        Ok(Working { counters, meters, thread })
    }

    /// Answers what the sockets hold, then ends the workers.
    pub(crate) fn stop(mut self) {
        self.wake.stop();
        for working in std::mem::take(&mut self.workers) {
            // A worker that panicked has already said so on standard error.
            let _ = working.thread.join();
        }
    }
}

impl Drop for Udp {
    fn drop(&mut self) {
        self.wake.stop();
    }
}
