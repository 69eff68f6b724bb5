//! A server from start to stop.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hufu_check::{Counters, Engine, Journal, NoJournal, Silence, Spine};
use hufu_wire::{DeviceGeneration, DeviceId, Reason};

use crate::clock::Clock;
use crate::fault::ServeError;
use crate::metrics::{self, EngineMetrics, Exhibit, Format, Metrics};
use crate::offline::Offline;
use crate::options::{QuicOptions, ServeOptions, TlsParts};
use crate::quic::{self, Quic};
use crate::tls::{Tls, TlsFault};
use crate::udp::Udp;

/// A server that runs until [`stop`](Running::stop). Dropping it stops it too, waiting for nothing.
pub struct Running {
    /// Where QUIC is served: the first address.
    pub quic_addr: SocketAddr,
    /// Where sealed UDP is served: the first address.
    pub udp_addr: SocketAddr,
    /// Every address of QUIC.
    pub quic_addrs: Vec<SocketAddr>,
    /// Every address of sealed UDP.
    pub udp_addrs: Vec<SocketAddr>,
    /// Where devices enrol over HTTPS, if they can.
    pub https_addr: Option<SocketAddr>,
    /// Where metrics are served, if they are.
    pub metrics_addr: Option<SocketAddr>,
    udp: Udp,
    quic: Quic,
    metrics: Option<Metrics>,
    figures: Arc<EngineMetrics>,
    quic_options: QuicOptions,
    stop_within: Duration,
}

/// What a server has done so far, added up over all its threads.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Verdicts for each reason that was given, in the order of their numbers: one for each of `requests` and of
    /// `roster_members`, and one for each roster that was turned down whole.
    pub verdicts: Vec<(Reason, u64)>,
    /// Datagrams left unanswered for each cause there was.
    pub silences: Vec<(Silence, u64)>,
    /// Requests that reached a verdict.
    pub requests: u64,
    /// Members of rosters that reached a verdict.
    pub roster_members: u64,
    /// Batches that requests came in.
    pub batches: u64,
    /// Credentials found in the verified-credential cache.
    pub seen_again: u64,
    /// Credentials whose signature was verified.
    pub seen_first: u64,
    /// Replies the system did not take.
    pub send_drops: u64,
    /// CPU time of each thread that checks, by name.
    pub cpu: Vec<(String, Duration)>,
}

/// Opens every socket, then starts serving `engine`. Sealed UDP's come last: from the moment they are open they take
/// packets. A port that another process serves is refused.
///
/// # Errors
/// [`ServeError`]; nothing is left running then.
pub fn serve(options: ServeOptions, engine: Arc<Engine>) -> Result<Running, ServeError> {
    serve_by(Clock::system(), options, engine, || NoJournal)
}

/// [`serve`] by another clock than the system's, and with a journal for each thread that checks. TLS judges
/// certificates by the system's clock in any case.
///
/// # Errors
/// As [`serve`].
pub fn serve_by<J: Journal + Send + 'static>(
    clock: Clock,
    options: ServeOptions,
    engine: Arc<Engine>,
    mut journal: impl FnMut() -> J,
) -> Result<Running, ServeError> {
    let ServeOptions { udp: udp_options, quic: quic_options, tls, metrics, stop_within } = options;
    let tls = Tls::new(tls, &quic_options)?;
    let quic_sockets = quic::bind(&quic_options)?;
    let metrics_listener = metrics.map(metrics::bind).transpose()?;
    let mut spine = || Spine::with_journal(Arc::clone(&engine), journal()).map_err(ServeError::Engine);
    let udp = Udp::start(&udp_options, &clock, &mut spine)?;
    let udp_port = udp_options.advertised_port.unwrap_or_else(|| udp.addr().port());
    let quic = spine().and_then(|spine| {
        Quic::start(quic_sockets, quic_options.clone(), tls, udp_port, clock.clone(), &engine, spine)
    });
    let quic = match quic {
        Ok(quic) => quic,
        Err(error) => {
            udp.stop();
            return Err(error);
        }
    };
    let workers = udp.workers.iter().map(|worker| (Arc::clone(&worker.counters), Arc::clone(&worker.meters)));
    let figures = Arc::new(EngineMetrics {
        engine,
        clock,
        workers: workers.collect(),
        quic: Arc::clone(&quic.shared),
        stopping: AtomicBool::new(false),
        exhibits: RwLock::default(),
    });
    let metrics = match metrics_listener
        .map(|listener| Metrics::start(listener, Arc::<EngineMetrics>::clone(&figures)))
        .transpose()
    {
        Ok(metrics) => metrics,
        Err(error) => {
            quic.stop(Duration::ZERO);
            udp.stop();
            return Err(error);
        }
    };
    Ok(Running {
        quic_addr: quic.addrs[0],
        udp_addr: udp.addr(),
        quic_addrs: quic.addrs.clone(),
        udp_addrs: udp.addrs.clone(),
        https_addr: quic.https_addr,
        metrics_addr: metrics.as_ref().map(|metrics| metrics.addr),
        udp,
        quic,
        metrics,
        figures,
        quic_options,
        stop_within,
    })
}

impl Running {
    /// Revokes a device up to and including `generation`, at once and on both ways: its open connections are
    /// closed, its cookies answered with [`Reason::DeviceRevoked`], its certificates get no session.
    pub fn revoke(&self, device: DeviceId, generation: DeviceGeneration) {
        self.quic.shared.revoke(device, generation);
    }

    /// Replaces certificates and revocation lists. Every device in a list is [revoked](Self::revoke). Connections
    /// whose certificates would no longer be accepted for another cause, a new root or an expired certificate, are
    /// closed and may come back once it is corrected; all others stay.
    ///
    /// # Errors
    /// [`TlsFault`], and nothing is replaced.
    pub fn set_tls(&self, parts: TlsParts) -> Result<(), TlsFault> {
        self.quic.shared.set_tls(Tls::new(parts, &self.quic_options)?);
        Ok(())
    }

    /// What was done so far.
    pub fn figures(&self) -> Figures {
        let sum = |of: &dyn Fn(&Counters) -> u64| self.figures.counters().map(of).sum();
        let verdicts = Reason::ALL.map(|reason| (reason, sum(&|spine| spine.reason(reason))));
        let silences = Silence::ALL.map(|cause| (cause, sum(&|spine| spine.silence(cause))));
        Figures {
            verdicts: verdicts.into_iter().filter(|(_, n)| *n > 0).collect(),
            silences: silences.into_iter().filter(|(_, n)| *n > 0).collect(),
            requests: sum(&Counters::requests),
            roster_members: sum(&Counters::roster_members),
            batches: sum(&Counters::batches),
            seen_again: sum(&Counters::seen_again),
            seen_first: sum(&Counters::seen_first),
            send_drops: self.figures.workers.iter().map(|(_, meters)| meters.send_drops.get()).sum(),
            cpu: self.figures.cpu_times(),
        }
    }

    /// Hands this out to gates that go on without a network, from now on; only the first counts. Until then they are told
    /// to ask again: no gate loses what it has because an engine was started a moment ago.
    pub fn hand_out(&self, offline: Arc<dyn Offline>) {
        // The second time there is something already.
        let _ = self.quic.shared.offline.set(offline);
    }

    /// Shows figures of another part of the engine on the metrics page, from now on.
    pub fn exhibit(&self, exhibit: Arc<dyn Exhibit>) {
        self.figures.exhibits.write().unwrap_or_else(PoisonError::into_inner).push(exhibit);
    }

    /// The metrics page, as `/metrics` serves it to a reader that asks for no format.
    pub fn metrics_text(&self) -> String {
        // Writing to a string does not fail.
        let figures: Arc<dyn Exhibit> = Arc::<EngineMetrics>::clone(&self.figures);
        metrics::page(&figures, Format::Text).unwrap_or_default()
    }

    /// Stops: new connections are refused and new requests answered [`Reason::Stopping`], what is under way
    /// ends, sockets are emptied. Returns within the time the options gave, and a moment.
    pub fn stop(self) {
        self.figures.stopping.store(true, Ordering::Relaxed);
        self.quic.stop(self.stop_within);
        self.udp.stop();
        if let Some(metrics) = self.metrics {
            metrics.stop();
        }
    }
}
