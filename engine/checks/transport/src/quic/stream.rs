//! One stream: request frames in, one answer to each, in order.

use std::sync::Arc;

use quinn::{RecvStream, SendStream, VarInt};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::answer::answer;
use super::device::Device;
use super::frame::{Awaited, Frame, NoFrame, Room, Waits, read_frame};
use super::shared::GRACE;

/// PROTOCOL 2: a frame that cannot be read ends its stream with this error code.
const UNREADABLE: VarInt = VarInt::from_u32(1);

/// Serves a stream until the device finishes it, breaks the protocol, or the engine stops.
pub(crate) async fn serve(device: Arc<Device>, mut send: SendStream, mut recv: RecvStream) {
    let shared = &device.shared;
    let _under_way = shared.stream();
    // A stream shows itself with its first byte or with a later stream's: what has begun must go on.
    let mut waits = Waits { for_frame: shared.options.step_timeout, for_rest: shared.options.step_timeout };
    loop {
        match next(&device, &mut recv, waits).await {
            Ok(frame) => {
                shared.meters.frames.add(1);
                let Some(reply) = answer(&device, &frame).await else {
                    shared.meters.frames_unreadable.add(1);
                    return break_off(&mut send, &mut recv);
                };
                // Its room is others' while the device takes the answer, which is a fraction of it.
                drop(frame);
                if timeout(shared.options.step_timeout, send.write_all(&reply)).await.is_err() {
                    shared.meters.too_slow(Awaited::Answer).add(1);
                    return break_off(&mut send, &mut recv);
                }
                waits.for_frame = shared.options.idle;
                // A stream that never runs dry, of rosters above all, takes turns with the others.
                yield_now().await;
            }
            Err(NoFrame::Finished) => return finish(&device, send).await,
            Err(NoFrame::Unreadable) => {
                shared.meters.frames_unreadable.add(1);
                return break_off(&mut send, &mut recv);
            }
            Err(NoFrame::TooSlow(awaited)) => {
                shared.meters.too_slow(awaited).add(1);
                return break_off(&mut send, &mut recv);
            }
            Err(NoFrame::Lost) => return,
        }
    }
}

/// The next frame. While there is none, the end of the engine is the end of the stream.
async fn next<'d>(device: &'d Device, recv: &mut RecvStream, waits: Waits) -> Result<Frame<'d>, NoFrame> {
    let shared = &device.shared;
    let room = Room { of_all: &shared.frames, of_device: &device.room };
    let frame = read_frame(recv, room, waits);
    if shared.stopping() {
        // A request may be on its way already, and is told that the engine stops.
        return timeout(GRACE, frame).await.unwrap_or(Err(NoFrame::Finished));
    }
    tokio::pin!(frame);
    tokio::select! {
        frame = &mut frame => frame,
        _ = shared.stopped() => timeout(GRACE, frame).await.unwrap_or(Err(NoFrame::Finished)),
    }
}

fn break_off(send: &mut SendStream, recv: &mut RecvStream) {
    // Either fails only when the device has closed its side already.
    let _ = send.reset(UNREADABLE);
    let _ = recv.stop(UNREADABLE);
}

/// Waits until the device has the last answer, so that a stopping engine does not cut it off.
async fn finish(device: &Device, mut send: SendStream) {
    if send.finish().is_ok() {
        let _ = timeout(device.shared.options.step_timeout, send.stopped()).await;
    }
}
