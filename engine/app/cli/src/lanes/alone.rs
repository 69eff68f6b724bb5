//! A gate that goes on without a network (R06): what it needs is fetched from its engines while one answers, and its
//! records are handed over once one answers again.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use hufu_client::{Control, ControlFault};
use hufu_files::keys::{Owner, PublicKey};
use hufu_files::watched::Watched;
use hufu_files::{self as files, unavailable};
use hufu_hc1::Verifier;
use hufu_offline::{
    BookId, DRIFT_PPM, Errand, Keeper, KeeperFault, NotDecided, OfflineVerdict, Room, Setup, TurnedRed,
    boot_id, since_boot,
};
use hufu_signature::PreparedKey;
use hufu_table::OsDisk;
use hufu_texts::Language;
use hufu_transport::profile;
use hufu_wire::{Lane, OfflineAsk, Reason, UnixMillis};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::config::OfflineConfig;
use crate::gate::{self, Device};
use crate::term;

/// Its folder within the gate's.
const FOLDER: &str = "offline";
/// Certificates of other systems that are remembered as verified, 128 bytes each.
const FOREIGN_ENTRIES: usize = 1 << 14;
/// Between two looks for something to do.
const LOOK: Duration = Duration::from_secs(1);
/// How long an engine may take to answer a connection before the next one is tried.
const TRY: Duration = Duration::from_secs(3);
/// Between two attempts to reach an engine.
const AGAIN: Duration = Duration::from_secs(2);

/// The end that lanes and the engines' side share.
#[derive(Clone)]
pub(crate) struct Alone {
    keeper: Arc<Mutex<Keeper>>,
    /// No engine answered the last check: what is scanned is decided here, until one answers.
    is_cut: Arc<AtomicBool>,
    /// The operator's lists for certificates of other systems: of signers, and of revocations.
    foreign: Arc<Vec<PathBuf>>,
}

impl Alone {
    /// What a gate knows of its last life.
    ///
    /// # Errors
    /// The key, the certificate or the folder that cannot be used.
    pub(crate) fn open(config: &OfflineConfig, folder: &Path) -> anyhow::Result<Alone> {
        let operator = operator(config)?;
        let certificate = folder.join(gate::CERTIFICATE);
        let leaf = CertificateDer::from_pem_file(&certificate)
            .with_context(|| format!("{} is no certificate", certificate.display()))?;
        let grant = profile::read_certificate(&leaf)
            .with_context(|| format!("{} is no device's certificate", certificate.display()))?;
        let mut fresh = BookId([0; 16]);
        aws_lc_rs::rand::fill(&mut fresh.0)
            .map_err(|_| unavailable(anyhow!("the system gives no random bytes")))?;
        let boot = boot_id().inspect_err(|error| {
            tracing::warn!(
                "cannot read /proc/sys/kernel/random/boot_id ({error}): after a restart without a network the gate does not \
                 know the time and stays shut; a systemd unit must not set ProcSubset=pid"
            );
        });
        let setup = Setup {
            disk: OsDisk::shared(),
            folder: folder.join(FOLDER),
            operator,
            grant,
            fresh,
            boot: boot.ok(),
            drift_ppm: DRIFT_PPM,
            room: Room::default(),
        };
        let mut odd = Vec::new();
        let keeper = Keeper::open(setup, &mut odd).map_err(unavailable)?;
        for fault in odd {
            tracing::warn!(
                "of what was kept for going on without a network, something is of no use: {fault}"
            );
        }
        let foreign = Arc::new(foreign(config)?);
        let alone = Alone { keeper: Arc::new(Mutex::new(keeper)), is_cut: Arc::default(), foreign };
        if !alone.foreign.is_empty() {
            alone.take_foreign()?;
        }
        Ok(alone)
    }

    /// Whether the operator's key and lists can be used, without a look at the gate's folder.
    ///
    /// # Errors
    /// The file that cannot be used.
    pub(crate) fn verify(config: &OfflineConfig) -> anyhow::Result<()> {
        let (operator, foreign) = (operator(config)?, foreign(config)?);
        let bytes: Vec<_> = foreign.iter().map(|path| files::read(path)).collect::<Result<_, _>>()?;
        if let [signers, revoked @ ..] = &bytes[..] {
            let revoked = revoked.first().map(Vec::as_slice);
            Verifier::open(signers, revoked, &operator, FOREIGN_ENTRIES).with_context(|| names(&foreign))?;
        }
        Ok(())
    }

    /// Reads the lists for certificates of other systems.
    fn take_foreign(&self) -> anyhow::Result<String> {
        let bytes: Vec<_> = self.foreign.iter().map(|path| files::read(path)).collect::<Result<_, _>>()?;
        let [signers, revoked @ ..] = &bytes[..] else { return Ok(String::new()) };
        let revoked = revoked.first().map(Vec::as_slice);
        self.with(|keeper| {
            let verifier = Verifier::open(signers, revoked, keeper.operator(), FOREIGN_ENTRIES)?;
            let [signers, revocations] = verifier.serials();
            keeper.take_foreign([signers, revocations], Arc::new(verifier))?;
            anyhow::Ok(format!(
                "list {signers} of foreign signers and list {revocations} of revocations are loaded"
            ))
        })
        .with_context(|| names(&self.foreign))
    }

    /// Whether it has what it needs to decide.
    pub(crate) fn is_ready(&self) -> bool {
        self.with(|keeper| keeper.lacks().is_none())
    }

    /// Whether no engine is to be asked.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.load(Relaxed)
    }

    /// No engine answered a check.
    pub(crate) fn cut(&self) {
        if self.is_cut.swap(true, Relaxed) {
            return;
        }
        if let Some(what) = self.with(|keeper| keeper.lacks()) {
            tracing::error!("no engine answers, and the gate does not have {what}: it stays shut");
        } else {
            tracing::warn!("no engine answers; the gate goes on without a network");
        }
    }

    /// An engine has told the time, in an answer that came now to what was asked at `asked`.
    pub(crate) async fn answered(&self, asked: Duration, time: UnixMillis) {
        let at = since_boot();
        let told = self.work(move |keeper| keeper.answered(asked, at, time)).await;
        told.unwrap_or_else(|fault| tracing::warn!("{fault}"));
    }

    /// An engine admitted this code.
    pub(crate) async fn admitted(&self, lane: Lane, code: &[u8]) {
        let code = code.to_vec();
        self.work(move |keeper| keeper.admitted(since_boot(), lane, &code)).await;
    }

    /// Decides without an engine.
    pub(crate) async fn check(&self, lane: Lane, code: &[u8]) -> Result<OfflineVerdict, NotDecided> {
        let code = code.to_vec();
        self.work(move |keeper| keeper.check(since_boot(), lane, &code)).await
    }

    /// Writes what would be needed after a restart.
    pub(crate) fn save(&self) {
        self.with(Keeper::save).unwrap_or_else(|fault| tracing::warn!("{fault}"));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Keeper) -> T) -> T {
        // Each step leaves the keeper whole, or has said so on standard error.
        work(&mut self.keeper.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Away from the lanes' thread: it may wait for a disk, or unpack a list.
    async fn work<T: Send + 'static>(&self, work: impl FnOnce(&mut Keeper) -> T + Send + 'static) -> T {
        let alone = self.clone();
        match spawn_blocking(move || alone.with(work)).await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

fn operator(config: &OfflineConfig) -> anyhow::Result<PreparedKey> {
    let key = PublicKey::load(&config.operator_key, Owner::Operator)?;
    PreparedKey::new(&key.public).context("the operator's key cannot be used")
}

/// The lists for certificates of other systems: of signers, and of revocations.
fn foreign(config: &OfflineConfig) -> anyhow::Result<Vec<PathBuf>> {
    match (&config.foreign_signers, &config.foreign_revocations) {
        (None, Some(_)) => bail!("foreign_revocations is there without foreign_signers; name both"),
        (signers, revocations) => Ok(signers.iter().chain(revocations).cloned().collect()),
    }
}

fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Does a keeper's errands for as long as the gate runs.
pub(crate) async fn keep(alone: Alone, device: Device) {
    let (mut control, mut said, mut was_ready) = (None, Vec::<String>::new(), false);
    let mut foreign = Watched::new(&*alone.foreign);
    loop {
        foreign.follow(false, || alone.take_foreign());
        let mut faults = Vec::new();
        let done = round(&alone, &device, &mut control, &mut faults).await;
        if let Err(why) = &done {
            // Before the handshake is over anyone on the way could say so, and make a gate forget.
            let is_told = control.take().is_some();
            let is_revoked = is_told && matches!(why, ControlFault::Refused(Reason::DeviceRevoked));
            faults.push(format!("no engine gives what the gate needs without a network: {why}"));
            if is_revoked {
                let left = alone.work(Keeper::forget).await;
                faults.extend(left.err().map(|fault| fault.to_string()));
            } else {
                alone.work(Keeper::failed).await;
            }
        }
        // What is the same in each round is told once.
        for fault in faults.iter().filter(|fault| !said.contains(*fault)) {
            tracing::warn!("{fault}");
        }
        if !matches!(done, Ok(false)) {
            said = faults;
        }
        let is_ready = alone.is_ready();
        if is_ready && !was_ready {
            tracing::info!("the gate has what it needs to go on without a network");
        }
        was_ready = is_ready;
        sleep(if done.is_ok() { LOOK } else { AGAIN }).await;
    }
}

/// Does what is to be done now, over the connection that there is or a new one; whether there was anything.
async fn round(
    alone: &Alone,
    device: &Device,
    control: &mut Option<Control>,
    faults: &mut Vec<String>,
) -> Result<bool, ControlFault> {
    let mut is_told = false;
    loop {
        let errand = alone.work(|keeper| keeper.errand(since_boot())).await;
        let errand = errand.unwrap_or_else(|fault| {
            faults.push(format!("records of checks without a network cannot be handed over: {fault}"));
            None
        });
        if errand.is_none() && !alone.is_cut() {
            return Ok(is_told);
        }
        let control = match control {
            Some(control) => control,
            None => control.insert(reach(device).await?),
        };
        if !is_told {
            let asked = since_boot();
            let time = control.time().await?;
            alone.answered(asked, time).await;
            is_told = true;
            if alone.is_cut.swap(false, Relaxed) {
                tracing::info!("an engine answers again");
                alone.with(Keeper::hurry);
                continue;
            }
        }
        let Some(errand) = errand else { return Ok(true) };
        run(alone, control, errand, faults).await?;
    }
}

async fn reach(device: &Device) -> Result<Control, ControlFault> {
    let mut fault = ControlFault::Unreachable { why: "no engine is known".to_owned() };
    for server in &device.servers {
        let reaching = Control::reach(&server.control, &server.name, &device.identity);
        match timeout(TRY, reaching).await {
            Ok(Ok(control)) => return Ok(control),
            Ok(Err(other)) => fault = other,
            Err(_) => fault = ControlFault::Unreachable { why: format!("{} is silent", server.control) },
        }
    }
    Err(fault)
}

async fn run(
    alone: &Alone,
    control: &Control,
    errand: Errand,
    faults: &mut Vec<String>,
) -> Result<(), ControlFault> {
    let taken = match &errand {
        Errand::Ask(ask) => {
            let ask = *ask;
            match control.offline(ask).await {
                Ok(part) => Ok(alone.work(move |keeper| take(keeper, ask, &part)).await),
                Err(fault) => Err(fault),
            }
        }
        Errand::HandOver(records) => match control.hand_over(records).await {
            Ok(up_to) => Ok(alone.work(move |keeper| keeper.handed_over(up_to)).await),
            Err(fault) => Err(fault),
        },
    };
    let done = match taken {
        // What closes a connection is no answer: `out-of-scope` is about the certificate then, and takes nothing back.
        Err(ControlFault::Refused(reason)) if control.connection().close_reason().is_none() => {
            faults.push(format!(
                "an engine refuses what the gate needs without a network: {reason}: {}",
                hufu_texts::reason(Language::En, reason)
            ));
            alone.work(move |keeper| keeper.refused(&errand, reason)).await
        }
        Err(fault) => return Err(fault),
        Ok(done) => done,
    };
    faults.extend(done.err().map(|fault| fault.to_string()));
    Ok(())
}

fn take(keeper: &mut Keeper, ask: OfflineAsk, part: &[u8]) -> Result<(), KeeperFault> {
    let mut turned_red = Vec::new();
    let taken = keeper.take(since_boot(), ask, part, &mut turned_red);
    turned_red.into_iter().for_each(tell_of_red);
    taken
}

/// The record stays as it is; a person decides what follows from it.
fn tell_of_red(TurnedRed { counter, issuer, sequence }: TurnedRed) {
    tracing::warn!(
        "the gate admitted a holder of issuer {issuer} on its own in record {counter}, who was red by change set {sequence}"
    );
    let object = json!({ "turned_red": { "number": counter, "issuer": issuer.0, "sequence": sequence.0 } });
    term::event(
        || object,
        || format!("turned red: issuer {issuer}, record {counter}, change set {sequence}"),
    );
}
