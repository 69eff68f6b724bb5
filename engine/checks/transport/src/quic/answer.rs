//! From a request frame to the frame that answers it.

use arrayvec::ArrayVec;
use hufu_wire::limits::{BATCH_MAX, FRAME_CHECKS_MAX};
use hufu_wire::{
    CheckNumber, CheckRequest, FrameKind, OfflineAsk, Reason, RecordsKept, ServerTime, Suites, UnixMillis,
    Verdict, read,
};

use super::device::{BATCHES_A_TURN, Device};
use super::frame::{Draft, Frame};
use super::offline;

/// The bytes of the answering frame; `None` when the frame cannot be read.
pub(crate) async fn answer(device: &Device, frame: &Frame<'_>) -> Option<Vec<u8>> {
    if device.shared.stopping() {
        return Some(refused(device, Reason::Stopping));
    }
    let now = device.shared.clock.now();
    match frame.kind {
        // Checks and rosters are charged where they are checked.
        FrameKind::Enrol | FrameKind::Time | FrameKind::Revocations
            if !device.shared.engine.devices().charge(&device.grant, now) =>
        {
            Some(refused(device, Reason::RateExceeded))
        }
        FrameKind::Enrol => Some(enrol(device, suites(&frame.payload)?, now)),
        FrameKind::Time => Some(time(now)),
        FrameKind::Revocations => Some(revocations(device, &frame.payload)),
        FrameKind::Roster => Some(roster(device, &frame.payload)),
        FrameKind::Checks => checks(device, &frame.payload).await,
        FrameKind::Offline => Some(offline_part(device, now, read(&frame.payload).ok()?).await),
        FrameKind::OfflineRecords => Some(offline_records(device, now, &frame.payload).await),
        // `read_frame` lets no others through.
        _ => None,
    }
}

/// What a device takes that says this, or nothing.
pub(super) fn suites(said: &[u8]) -> Option<Suites> {
    if said.is_empty() { Some(Suites::AES) } else { read(said).ok() }
}

fn enrol(device: &Device, suites: Suites, now: UnixMillis) -> Vec<u8> {
    match device.shared.enrol(device.grant, suites, device.ends, now, &device.binding()) {
        Ok(enrolled) => {
            let mut draft = Draft::new(hufu_wire::Enrolled::BYTES);
            draft.put(&enrolled);
            draft.finish(FrameKind::Enrolled)
        }
        Err(reason) => refused(device, reason),
    }
}

fn time(now: UnixMillis) -> Vec<u8> {
    let mut draft = Draft::new(ServerTime::BYTES);
    draft.put(&ServerTime(now));
    draft.finish(FrameKind::ServerTime)
}

/// The lists, unless the device has them already.
fn revocations(device: &Device, known: &[u8]) -> Vec<u8> {
    let tls = device.shared.tls.load();
    let lists = tls.lists.as_ref().filter(|lists| lists.digest.as_ref() != known);
    let mut draft = Draft::new(lists.map_or(0, |lists| lists.der.len()));
    if let Some(lists) = lists {
        draft.payload().extend_from_slice(&lists.der);
    }
    draft.finish(FrameKind::RevocationLists)
}

async fn offline_part(device: &Device, now: UnixMillis, ask: OfflineAsk) -> Vec<u8> {
    match offline::part(&device.shared, device.grant, now, ask).await {
        Ok(part) => {
            let mut draft = Draft::new(part.len());
            draft.payload().extend_from_slice(&part);
            draft.finish(FrameKind::OfflinePart)
        }
        Err(reason) => refused(device, reason),
    }
}

async fn offline_records(device: &Device, now: UnixMillis, records: &[u8]) -> Vec<u8> {
    match offline::receive(&device.shared, device.grant, now, records.to_vec()).await {
        Ok(kept) => {
            let mut draft = Draft::new(RecordsKept::BYTES);
            draft.put(&kept);
            draft.finish(FrameKind::RecordsKept)
        }
        Err(reason) => refused(device, reason),
    }
}

fn roster(device: &Device, roster: &[u8]) -> Vec<u8> {
    let mut draft = Draft::new(0);
    let now = device.shared.clock.now();
    device.check_roster(now, &mut **device.shared.spine(), roster, draft.payload());
    draft.finish(FrameKind::RosterVerdicts)
}

/// Checks a frame's requests a batch at a time, and lets other connections have their turn in between.
async fn checks(device: &Device, payload: &[u8]) -> Option<Vec<u8>> {
    let requests = read_checks(payload)?;
    let mut draft = Draft::new(requests.len() * Verdict::BYTES);
    for turn in requests.chunks(BATCH_MAX * BATCHES_A_TURN) {
        check_turn(device, turn, &mut draft);
        tokio::task::yield_now().await;
    }
    Some(draft.finish(FrameKind::Verdicts))
}

fn check_turn(device: &Device, turn: &[(CheckNumber, CheckRequest<'_>)], draft: &mut Draft) {
    let now = device.shared.clock.now();
    let busy = |&(number, _): &(CheckNumber, _)| Verdict::of(number, now, Reason::Busy);
    let mut verdicts: ArrayVec<Verdict, { BATCH_MAX * BATCHES_A_TURN }> = turn.iter().map(busy).collect();
    device.check(now, &mut **device.shared.spine(), turn, &mut verdicts);
    for verdict in &verdicts {
        draft.put(verdict);
    }
}

/// PROTOCOL 2, `Checks`: 1 to 1,024 times a number, a length and a check request, and nothing else. The whole
/// frame is read before anything in it is checked.
fn read_checks(mut payload: &[u8]) -> Option<Vec<(CheckNumber, CheckRequest<'_>)>> {
    let mut requests = Vec::new();
    while !payload.is_empty() {
        let (number, rest) = payload.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (request, rest) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
        if requests.len() == FRAME_CHECKS_MAX {
            return None;
        }
        requests.push((CheckNumber(u64::from_le_bytes(*number)), read(request).ok()?));
        payload = rest;
    }
    (!requests.is_empty()).then_some(requests)
}

fn refused(device: &Device, reason: Reason) -> Vec<u8> {
    device.shared.meters.frames_refused.count(reason);
    let mut draft = Draft::new(2);
    draft.payload().extend_from_slice(&reason.code().to_le_bytes());
    draft.finish(FrameKind::Refused)
}
