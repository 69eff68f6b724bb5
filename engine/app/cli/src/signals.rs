//! What tells a service to look again or to stop.

use std::io::{self, Read as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hufu_api::{Front, TlsFiles};
use hufu_files::keys::ensure_private;
use hufu_files::unavailable;
use hufu_files::watched::Watched;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// The signals of a service, caught from when this is made: a stop is graceful from the first moment on.
pub(crate) struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    stdin_ended: mpsc::Receiver<()>,
}

/// How often the files of a certificate are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What an operator asks a running service for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Read the changed files.
    Reload,
    /// Stop, and why.
    Stop(&'static str),
}

/// Runs `work` in a thread of its own until it ends; when the process is to stop, the flag that it was given says so.
///
/// # Errors
/// Those of `work`; the system gives no signals.
pub(crate) fn until_stopped<T: Send>(
    work: impl FnOnce(&AtomicBool) -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    let stopping = AtomicBool::new(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::scope(|scope| {
        // Before the work begins, so that a signal at once stops it, too.
        let mut signals = runtime.block_on(async { Signals::new(false) })?;
        let (done, mut ended) = mpsc::channel::<()>(1);
        let worker = scope.spawn(|| {
            // Dropped when the work ends, however it does.
            let _done = done;
            work(&stopping)
        });
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = ended.recv() => break,
                    request = signals.next() => if matches!(request, Request::Stop(_)) {
                        stopping.store(true, Ordering::Relaxed);
                    },
                }
            }
        });
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

impl Signals {
    /// Catches SIGHUP, SIGTERM and SIGINT; `until_stdin_ends` also notices when standard input does, so that a child
    /// never outlives its parent. Called within a tokio runtime.
    ///
    /// # Errors
    /// The system gives none.
    pub(crate) fn new(until_stdin_ends: bool) -> anyhow::Result<Signals> {
        let on = |kind| signal(kind).map_err(unavailable);
        let (ended, stdin_ended) = mpsc::channel(1);
        if until_stdin_ends {
            // The thread ends with the process; nothing has to wait for it.
            std::thread::Builder::new().name("hufu-stdin".to_owned()).spawn(move || {
                let mut ignored = [0; 64];
                while matches!(io::stdin().lock().read(&mut ignored), Ok(1..)) {}
                ended.try_send(())
            })?;
        }
        Ok(Signals {
            hangup: on(SignalKind::hangup())?,
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            stdin_ended,
        })
    }

    /// Has a service look around `every` so often, and at once (`true`) when it is asked to, until it is to stop. The log says
    /// why.
    pub(crate) async fn watch(&mut self, every: Duration, mut look: impl FnMut(bool)) {
        let mut ticks = tokio::time::interval(every);
        let why = loop {
            tokio::select! {
                _ = ticks.tick() => look(false),
                told = self.next() => match told {
                    Request::Reload => look(true),
                    Request::Stop(why) => break why,
                },
            }
        };
        tracing::info!("stopping: {why}");
    }

    /// Watches until it is to stop, and shows a changed certificate of `front` to new connections within a second.
    pub(crate) async fn watch_front(&mut self, front: &Front, tls: Option<&TlsFiles>) {
        let mut certificate = Watched::new(tls.into_iter().flat_map(|tls| [&tls.certificate, &tls.key]));
        self.watch(LOOK, |at_once| {
            let Some(tls) = tls else { return };
            certificate.follow(at_once, || {
                ensure_private(&tls.key)?;
                front.renew(tls)?;
                Ok("the certificate is loaded".to_owned())
            });
        })
        .await;
    }

    /// The next request. A dropped future loses none.
    pub(crate) async fn next(&mut self) -> Request {
        tokio::select! {
            _ = self.hangup.recv() => Request::Reload,
            _ = self.terminate.recv() => Request::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Request::Stop("SIGINT"),
            Some(()) = self.stdin_ended.recv() => Request::Stop("standard input ended"),
        }
    }
}
