//! Devices as the live events of engines show them: when each was seen last, and what it asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use crate::engine::Heard;

/// Devices that are remembered; the one that was seen longest ago gives way.
const DEVICES_MAX: usize = 20_000;

/// Lanes of a device that are remembered.
const LANES_MAX: usize = 32;

/// Longest line of events, bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;

/// An engine says something every 15 seconds, if only that it is there.
const QUIET: Duration = Duration::from_secs(40);

/// How long until events are asked for again.
const AGAIN: Duration = Duration::from_secs(2);

/// A record of a check, as an engine sends it live; what else is in it is not looked at.
#[derive(Deserialize)]
struct Event {
    site: u32,
    device: u32,
    lane: u16,
    decision: Option<String>,
    #[serde(default)]
    admitted: u64,
    #[serde(default)]
    referred: u64,
    #[serde(default)]
    refused: u64,
}

/// A device that asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) site: u32,
    pub(crate) lanes: Vec<u16>,
    pub(crate) at: Instant,
    /// Since the console began.
    pub(crate) verdicts: [u64; 3],
}

/// Every device that asked since the console began.
#[derive(Clone, Default)]
pub(crate) struct Gates(Arc<Mutex<BTreeMap<u32, Seen>>>);

impl Gates {
    /// Takes one event in. What is not one is passed over.
    pub(crate) fn take(&self, data: &[u8], now: Instant) {
        let Ok(event) = serde_json::from_slice::<Event>(data) else { return };
        let mut gates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if gates.len() >= DEVICES_MAX && !gates.contains_key(&event.device) {
            let oldest = gates.iter().min_by_key(|(_, seen)| seen.at).map(|(device, _)| *device);
            oldest.and_then(|device| gates.remove(&device));
        }
        let new = Seen { site: event.site, lanes: Vec::new(), at: now, verdicts: [0; 3] };
        let seen = gates.entry(event.device).or_insert(new);
        (seen.site, seen.at) = (event.site, now);
        if !seen.lanes.contains(&event.lane) && seen.lanes.len() < LANES_MAX {
            seen.lanes.push(event.lane);
            seen.lanes.sort_unstable();
        }
        let one = |word: &str| u64::from(event.decision.as_deref() == Some(word));
        let more =
            [event.admitted + one("admit"), event.referred + one("refer"), event.refused + one("refuse")];
        seen.verdicts.iter_mut().zip(more).for_each(|(sum, more)| *sum = sum.saturating_add(more));
    }

    /// All of them as they are now.
    pub(crate) fn all(&self) -> BTreeMap<u32, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads the events of an engine for ever.
pub(crate) async fn follow(
    url: String,
    token: Zeroizing<String>,
    http: reqwest::Client,
    gates: Gates,
    told: watch::Sender<Heard<()>>,
) {
    loop {
        let asked =
            http.get(&url).bearer_auth(&*token).header(reqwest::header::ACCEPT, "text/event-stream").send();
        if let Ok(Ok(response)) = timeout(QUIET, asked).await
            && response.status().is_success()
        {
            Heard::put(&told, Some(()));
            read(response, &gates).await;
        }
        Heard::put(&told, None);
        sleep(AGAIN).await;
    }
}

async fn read(mut response: reqwest::Response, gates: &Gates) {
    let mut begun = Vec::new();
    while let Ok(Ok(Some(chunk))) = timeout(QUIET, response.chunk()).await {
        let now = Instant::now();
        begun.extend_from_slice(&chunk);
        let whole = begun.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for line in begun[..whole].split(|byte| *byte == b'\n') {
            if let Some(data) = line.strip_prefix(b"data: ") {
                gates.take(data, now);
            }
        }
        begun.drain(..whole);
        if begun.len() > LINE_BYTES_MAX {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_known_by_what_it_asked() {
        let (gates, now) = (Gates::default(), Instant::now());
        let event = |device: u32, lane: u16, rest: &str| {
            format!("{{\"record\":1,\"site\":5,\"device\":{device},\"lane\":{lane},{rest}}}")
        };
        gates.take(event(7, 1, "\"decision\":\"admit\"").as_bytes(), now);
        gates.take(event(7, 0, "\"decision\":\"refuse\",\"colour\":null").as_bytes(), now);
        gates
            .take(event(7, 1, "\"members\":30,\"admitted\":28,\"referred\":1,\"refused\":1").as_bytes(), now);
        for nonsense in [&b"{\"lost\":512}"[..], b"", b"[]", b"{\"device\":-1}", b"\xff"] {
            gates.take(nonsense, now);
        }
        let seen = Seen { site: 5, lanes: vec![0, 1], at: now, verdicts: [29, 1, 2] };
        assert_eq!(gates.all(), BTreeMap::from([(7, seen)]));
    }

    #[test]
    fn devices_are_remembered_in_bounded_memory() {
        let (gates, now) = (Gates::default(), Instant::now());
        for device in 0..=u32::try_from(DEVICES_MAX).unwrap() {
            let event = format!("{{\"site\":5,\"device\":{device},\"lane\":0,\"decision\":\"admit\"}}");
            gates.take(event.as_bytes(), now + Duration::from_nanos(u64::from(device)));
        }
        let all = gates.all();
        assert_eq!(all.len(), DEVICES_MAX);
        assert!(!all.contains_key(&0) && all.contains_key(&1));
    }
}
