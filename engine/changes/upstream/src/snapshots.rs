//! Snapshots from a registry, over connections that break.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hufu_sync::{FeedFault, Snapshots};
use hufu_table::{ArrivingSnapshot, SNAPSHOT_BYTES_MAX, SnapshotDigest, SnapshotFault, SnapshotFaultKind};
use hufu_wire::IssuerId;
use reqwest::header::{CONTENT_RANGE, HeaderMap, HeaderValue, RANGE};
use reqwest::{Response, StatusCode};
use tokio::task;

use crate::api::Api;
use crate::fault::{ApiFault, told};
use crate::waits::Waits;

/// How often a transfer that broke is taken up again.
const TRIES: u32 = 20;

/// The longest wait before that, milliseconds.
const WAIT_MS_MAX: u64 = 5000;

/// How long the registry may be silent within a transfer. How long all of it takes is the line's affair.
const SILENCE: Duration = Duration::from_secs(30);

/// The snapshots of one issuer from one registry.
#[derive(Clone, Debug)]
pub struct RegistrySnapshots {
    name: String,
    api: Api,
    issuer: IssuerId,
    bytes_max: u64,
}

impl RegistrySnapshots {
    /// The snapshots of `issuer`.
    pub fn new(api: Api, issuer: IssuerId) -> RegistrySnapshots {
        let name = format!("snapshots of issuer {issuer} from {}", api.name());
        RegistrySnapshots { name, api, issuer, bytes_max: SNAPSHOT_BYTES_MAX }
    }

    /// Never fetches more than `bytes_max` bytes for one snapshot: what this engine's table has room for is 8 bytes
    /// a holder, and a registry that sends more would only fill the disk.
    #[must_use]
    pub fn with_bytes_max(mut self, bytes_max: u64) -> RegistrySnapshots {
        self.bytes_max = bytes_max;
        self
    }
}

#[async_trait]
impl Snapshots for RegistrySnapshots {
    fn name(&self) -> &str {
        &self.name
    }

    async fn fetch(&self, snapshot: SnapshotDigest, path: &Path) -> Result<(), FeedFault> {
        let (path, bytes_max) = (path.to_path_buf(), self.bytes_max);
        let mut file = self.aside(move || ArrivingSnapshot::create(path, bytes_max)).await?;
        let mut waits = Waits::new(TRIES, WAIT_MS_MAX);
        loop {
            let ended;
            (file, ended) = self.transfer(snapshot, file).await?;
            let Err(fault) = ended else { return self.aside(move || file.finish()).await };
            match waits.next() {
                Some(wait) if fault.is_passing() => tokio::time::sleep(wait).await,
                _ => return Err(fault.of_feed(&self.name)),
            }
        }
    }
}

impl RegistrySnapshots {
    /// Goes on with `file` until its end or until the line breaks, and gives it back in both cases.
    async fn transfer(
        &self,
        snapshot: SnapshotDigest,
        mut file: ArrivingSnapshot,
    ) -> Result<(ArrivingSnapshot, Result<(), ApiFault>), FeedFault> {
        let here = file.bytes();
        let mut response = match self.ask(snapshot, here).await {
            Ok(response) => response,
            Err(fault) => return Ok((file, Err(fault))),
        };
        if !continues(&response, here) {
            file = self.aside(move || file.restart().map(|()| file)).await?;
        }
        loop {
            let piece = match self.piece(&mut response).await {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok((file, Ok(()))),
                Err(fault) => return Ok((file, Err(fault))),
            };
            file = self.aside(move || file.push(&piece).map(|()| file)).await?;
        }
    }

    /// Asks for the bytes from `here` on. A registry may send all of them instead.
    async fn ask(&self, snapshot: SnapshotDigest, here: u64) -> Result<Response, ApiFault> {
        let call = self.api.get(&[&"issuers", &self.issuer, &"snapshots", &snapshot]);
        let mut headers = HeaderMap::new();
        if here > 0
            && let Ok(range) = HeaderValue::try_from(format!("bytes={here}-"))
        {
            headers.insert(RANGE, range);
        }
        self.api.begin(&call, headers).await
    }

    /// What comes next, `None` at the end.
    async fn piece(&self, response: &mut Response) -> Result<Option<Bytes>, ApiFault> {
        match tokio::time::timeout(SILENCE, response.chunk()).await {
            Ok(piece) => piece.map_err(|error| self.api.unreachable(told(error))),
            Err(_) => Err(self.api.unreachable(format!("nothing came for {} s", SILENCE.as_secs()))),
        }
    }

    /// Does `work` on a thread that may wait for the disk: this one also hears the heads of the issuer.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, SnapshotFault> + Send + 'static,
    ) -> Result<T, FeedFault> {
        let feed = self.name.clone();
        match task::spawn_blocking(work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(fault)) if matches!(fault.kind, SnapshotFaultKind::TooLarge { .. }) => {
                Err(FeedFault::Garbled { feed, what: fault.to_string() })
            }
            Ok(Err(fault)) => Err(FeedFault::Disk { feed, what: fault.to_string() }),
            Err(error) => Err(FeedFault::Disk { feed, what: error.to_string() }),
        }
    }
}

/// Whether an answer goes on after the bytes that are here (RFC 9110 section 14.4).
fn continues(response: &Response, here: u64) -> bool {
    let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
    here == 0
        || response.status() == StatusCode::PARTIAL_CONTENT
            && range.is_some_and(|range| range.starts_with(&format!("bytes {here}-")))
}
