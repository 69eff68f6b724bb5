//! Frames as a device writes and reads them.

use hufu_wire::limits::FRAME_BYTES_MAX;
use hufu_wire::{
    CheckNumber, CheckRequest, FRAME_HEADER_BYTES, FrameHeader, FrameKind, Message, Reason, Verdict, read,
    write,
};
use quinn::{ReadExactError, RecvStream, SendStream, WriteError};

use crate::fault::{ControlFault, malformed};

/// Bytes of a check's number before its request.
pub(super) const NUMBER_BYTES: usize = 8;

/// Writes one frame.
pub(super) async fn write_frame(
    send: &mut SendStream,
    kind: FrameKind,
    payload: &[u8],
) -> Result<(), ControlFault> {
    if payload.len() > FRAME_BYTES_MAX {
        return Err(ControlFault::TooLarge { payload_bytes: payload.len() });
    }
    let header = FrameHeader { kind, payload_bytes: u32::try_from(payload.len()).unwrap_or(u32::MAX) };
    let mut head = [0; FRAME_HEADER_BYTES];
    header.write_to(&mut head);
    // A stream the engine stopped reading still carries its answer; only a lost connection ends here.
    for part in [&head[..], payload] {
        match send.write_all(part).await {
            Ok(()) | Err(WriteError::Stopped(_)) => {}
            Err(WriteError::ConnectionLost(error)) => return Err(error.into()),
            Err(error) => return Err(ControlFault::Lost { why: error.to_string() }),
        }
    }
    Ok(())
}

/// Reads the frame that answers; a refusal is an error.
pub(super) async fn read_frame(recv: &mut RecvStream, wanted: FrameKind) -> Result<Vec<u8>, ControlFault> {
    let mut head = [0; FRAME_HEADER_BYTES];
    recv.read_exact(&mut head).await.map_err(ended)?;
    let header: FrameHeader = read(&head)?;
    // `FrameHeader` refuses more than FRAME_BYTES_MAX.
    let mut payload = vec![0; header.payload_bytes as usize];
    recv.read_exact(&mut payload).await.map_err(ended)?;
    if header.kind == wanted {
        return Ok(payload);
    }
    if header.kind != FrameKind::Refused {
        return Err(malformed("frame", "not the answer to what was asked"));
    }
    let code: [u8; 2] = payload.try_into().map_err(|_| malformed("refusal", "wrong length"))?;
    let reason = Reason::from_code(u16::from_le_bytes(code)).unwrap_or(Reason::Unrecognised);
    Err(ControlFault::Refused(reason))
}

/// The payload of a `Checks` frame.
pub(super) fn checks_payload(checks: &[(CheckNumber, CheckRequest<'_>)]) -> Result<Vec<u8>, ControlFault> {
    let checks = checks.iter().map(|(number, request)| (number, request.to_send()));
    let bytes = checks.clone().map(|(_, request)| NUMBER_BYTES + 2 + request.size()).sum();
    let mut payload = Vec::with_capacity(bytes);
    for (number, request) in checks {
        payload.extend_from_slice(&number.0.to_le_bytes());
        let size = u16::try_from(request.size())
            .map_err(|_| ControlFault::TooLarge { payload_bytes: request.size() })?;
        payload.extend_from_slice(&size.to_le_bytes());
        append(&request, &mut payload)?;
    }
    Ok(payload)
}

/// Appends one check request; of a scan that is no code or too long, its beginning.
pub(super) fn append(request: &CheckRequest<'_>, out: &mut Vec<u8>) -> Result<(), ControlFault> {
    let request = request.to_send();
    let from = out.len();
    out.resize(from + request.size(), 0);
    write(&request, &mut out[from..])
        .map_err(|fault| ControlFault::TooLarge { payload_bytes: fault.needed })?;
    Ok(())
}

/// Reads the verdicts of a `Verdicts` frame, in the order of its checks.
pub(super) fn read_verdicts(
    payload: &[u8],
    checks: &[(CheckNumber, CheckRequest<'_>)],
    out: &mut Vec<Verdict>,
) -> Result<(), ControlFault> {
    if payload.len() != checks.len() * Verdict::BYTES {
        return Err(malformed("verdicts", "another number of verdicts than of checks"));
    }
    for (bytes, (number, _)) in payload.chunks_exact(Verdict::BYTES).zip(checks) {
        let verdict: Verdict = read(bytes)?;
        if verdict.number != *number {
            return Err(malformed("verdicts", "not in the order of the checks"));
        }
        out.push(verdict);
    }
    Ok(())
}

fn ended(error: ReadExactError) -> ControlFault {
    match error {
        ReadExactError::ReadError(quinn::ReadError::ConnectionLost(error)) => error.into(),
        ReadExactError::ReadError(quinn::ReadError::Reset(_)) => {
            ControlFault::Lost { why: "the engine could not read the frame".to_owned() }
        }
        error => ControlFault::Lost { why: error.to_string() },
    }
}
