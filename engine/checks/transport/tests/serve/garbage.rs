//! Whatever else arrives gets silence, or a reason, and moves a counter.

use std::time::{Duration, Instant};

use hufu_check::Silence;
use hufu_client::Control;
use hufu_transport::profile::ENGINE_NAME;
use hufu_wire::{
    CheckNumber, CheckRequest, FRAME_HEADER_BYTES, FrameHeader, FrameKind, Lane, Message, Reason, limits,
};
use tokio::task::JoinHandle;

use crate::rig::{Asker, MARKET_GATE, PATIENCE, Rig, block_on, eventually, eventually_async, sealed};

fn silences(rig: &Rig) -> u64 {
    rig.running.figures().silences.iter().map(|(_, n)| n).sum()
}

/// Sends all of `packets`, a socket's buffer full at a time, and waits until each has been counted as silence.
fn all_get_silence(rig: &Rig, packets: impl IntoIterator<Item = Vec<u8>>) {
    let asker = Asker::new(rig.running.udp_addr);
    let mut sent = silences(rig);
    for (packet, n) in packets.into_iter().zip(1..) {
        asker.send(&packet);
        sent += 1;
        if n % 32 == 0 {
            eventually("every packet is counted", || silences(rig) == sent);
        }
    }
    eventually("every packet is counted", || silences(rig) == sent);
    assert!(asker.hears_nothing());
    assert_eq!(rig.running.figures().requests, 0, "nothing was checked");
}

#[test]
fn every_truncation_of_a_request_gets_silence() {
    let rig = Rig::start();
    let packet = sealed(&mut rig.enrol(rig.grant(MARKET_GATE)), rig.clear_code().as_bytes());
    all_get_silence(&rig, (0..packet.len()).map(|end| packet[..end].to_vec()));
    rig.running.stop();
}

#[test]
fn every_single_bit_flip_of_a_request_gets_silence() {
    let rig = Rig::start();
    let packet = sealed(&mut rig.enrol(rig.grant(MARKET_GATE)), b"HF1:SHORT");
    let flipped = (0..packet.len() * 8).map(|bit| {
        let mut packet = packet.clone();
        packet[bit / 8] ^= 1 << (bit % 8);
        packet
    });
    all_get_silence(&rig, flipped);
    rig.running.stop();
}

#[test]
fn random_and_outsize_datagrams_get_silence_and_name_their_cause() {
    let rig = Rig::start();
    let session = &mut rig.enrol(rig.grant(MARKET_GATE));
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut byte = move || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random.to_le_bytes()[0]
    };
    let longest = limits::SEALED_REQUEST_BYTES_MAX;
    let mut packets: Vec<Vec<u8>> =
        (0..400).map(|n| (0..n * 4).map(|_| byte()).collect::<Vec<_>>()).collect();
    packets.extend([vec![], vec![0; longest + 1], vec![1; 60_000]]);
    let mut longer = sealed(session, b"HF1:");
    longer.push(0);
    packets.push(longer);
    all_get_silence(&rig, packets);
    let causes: Vec<_> = rig.running.figures().silences.iter().map(|(cause, _)| *cause).collect();
    for cause in [Silence::Length, Silence::NotARequest, Silence::Request] {
        assert!(causes.contains(&cause), "{cause:?} in {causes:?}");
    }
    rig.running.stop();
}

#[test]
fn a_cookie_of_another_cluster_gets_silence() {
    let rig = Rig::start();
    let other = Rig::start_with(|setup| setup.cluster_seed[0] ^= 1);
    let packet = sealed(&mut other.enrol(other.grant(MARKET_GATE)), b"HF1:");
    all_get_silence(&rig, [packet]);
    other.running.stop();
    assert_eq!(rig.running.figures().silences, [(Silence::Cookie, 1)]);
    rig.running.stop();
}

#[test]
fn an_authentic_request_with_a_code_that_is_none_gets_a_reason() {
    let rig = Rig::start();
    let mut session = rig.enrol(rig.grant(MARKET_GATE));
    let asker = Asker::new(rig.running.udp_addr);
    for (code, reason) in [
        (&b""[..], Reason::NotACode),
        (b"https://example.invalid/", Reason::NotACode),
        (b"HF1:!!", Reason::BadText),
        (b"HF1:00", Reason::BadEncoding),
    ] {
        let verdict = asker.check(&mut session, code);
        assert_eq!(verdict.reason, reason, "{}", String::from_utf8_lossy(code));
    }
    rig.running.stop();
}

#[test]
fn a_quic_datagram_that_cannot_be_read_is_dropped_and_counted() {
    let rig = Rig::start();
    block_on(async {
        let control = rig.connect(rig.grant(MARKET_GATE)).await;
        for junk in [&[][..], &[1; 7], &[0; 39], &[0xff; 200]] {
            control.connection().send_datagram(junk.to_vec().into()).unwrap();
        }
        let unreadable = || rig.metric("hufu_quic_datagrams_unreadable_total");
        eventually_async("all four are counted", || unreadable() >= 4).await;
        assert!(control.time().await.is_ok(), "the connection stays");
        control.close().await;
    });
    rig.running.stop();
}

#[test]
fn a_frame_that_cannot_be_read_ends_its_stream_and_not_the_connection() {
    let rig = Rig::start();
    let head = |kind, payload_bytes| {
        let mut head = [0; FRAME_HEADER_BYTES];
        FrameHeader { kind, payload_bytes }.write_to(&mut head);
        head.to_vec()
    };
    let mut version = head(FrameKind::Time, 0);
    version[0] = 2;
    let mut too_long = head(FrameKind::Roster, 0);
    too_long[4..].copy_from_slice(&655_361_u32.to_le_bytes());
    let frames = [
        ("half a header", vec![1, 7, 0]),
        ("another version", version),
        ("a frame only engines send", head(FrameKind::Verdicts, 0)),
        ("a frame longer than any", too_long),
        ("a payload where none belongs", [head(FrameKind::Time, 1), vec![0]].concat()),
        ("less payload than announced", [head(FrameKind::Checks, 100), vec![0; 99]].concat()),
        ("no checks at all", head(FrameKind::Checks, 0)),
        ("half a check", [head(FrameKind::Checks, 12), vec![0; 12]].concat()),
        (
            "a check that is none",
            [head(FrameKind::Checks, 42), vec![0; 8], vec![32, 0], vec![9; 32]].concat(),
        ),
    ];
    block_on(async {
        let control = rig.connect(rig.grant(MARKET_GATE)).await;
        for (what, bytes) in &frames {
            let (mut send, mut recv) = control.connection().open_bi().await.unwrap();
            send.write_all(bytes).await.unwrap();
            send.finish().unwrap();
            let ended = recv.read_to_end(100).await.unwrap_err();
            assert!(is_reset(&ended), "{what}: {ended}");
        }
        assert!(control.time().await.is_ok());
        control.close().await;
    });
    assert_eq!(rig.metric("hufu_quic_frames_unreadable_total"), frames.len() as u64);
    rig.running.stop();
}

/// The value of a metric that counts streams which were broken off while the engine waited for `what`.
fn timed_out(rig: &Rig, what: &str) -> u64 {
    rig.metric(&format!("hufu_quic_streams_timed_out_total{{waiting=\"{what}\"}}"))
}

fn is_reset(ended: &quinn::ReadToEndError) -> bool {
    matches!(
        ended,
        quinn::ReadToEndError::Read(quinn::ReadError::Reset(code)) if *code == quinn::VarInt::from_u32(1)
    )
}

/// Connects where a handshake may take no longer than the steps of a test: on a machine that does other work, one may
/// come too late.
async fn connect_again_and_again(rig: &Rig) -> Control {
    let identity = rig.ca.device(rig.grant(MARKET_GATE));
    let until = Instant::now() + PATIENCE;
    loop {
        let connected = Control::connect(rig.running.quic_addr, ENGINE_NAME, &identity).await;
        // A device may have its side of a handshake that was too slow for the engine.
        if let Ok(control) = connected
            && control.time().await.is_ok()
        {
            return control;
        }
        assert!(Instant::now() < until, "no handshake is in time");
    }
}

#[test]
fn r43_half_a_frame_is_not_waited_for_and_its_stream_is_free_again() {
    let rig = Rig::start_with(|setup| {
        setup.options.quic.step_timeout = Duration::from_millis(100);
        setup.options.quic.streams_per_connection = 1;
    });
    let mut head = [0; FRAME_HEADER_BYTES];
    FrameHeader { kind: FrameKind::Roster, payload_bytes: 600_000 }.write_to(&mut head);
    let begun = [&head[..1], &head[..4], &head[..7], &head[..], &[&head[..], &[7; 100][..]].concat()]
        .map(<[u8]>::to_vec);
    block_on(async {
        let control = connect_again_and_again(&rig).await;
        for bytes in &begun {
            // The only stream there is: it opens once the one before has been broken off.
            let opening = tokio::time::timeout(PATIENCE, control.connection().open_bi());
            let (mut send, mut recv) = opening.await.unwrap().unwrap();
            send.write_all(bytes).await.unwrap();
            let ended = tokio::time::timeout(PATIENCE, recv.read_to_end(100)).await.unwrap();
            assert!(is_reset(&ended.unwrap_err()), "{} bytes", bytes.len());
        }
        assert!(control.time().await.is_ok(), "the connection stays");
        control.close().await;
    });
    assert_eq!(timed_out(&rig, "rest-of-frame"), begun.len() as u64);
    rig.running.stop();
}

#[test]
fn r43_a_stream_without_a_frame_is_not_kept_open() {
    let rig = Rig::start_with(|setup| {
        setup.options.quic.step_timeout = Duration::from_millis(100);
        // Also how long the device may be silent.
        setup.options.quic.idle = Duration::from_millis(1500);
    });
    let mut head = [0; FRAME_HEADER_BYTES];
    FrameHeader { kind: FrameKind::Time, payload_bytes: 0 }.write_to(&mut head);
    block_on(async {
        let control = connect_again_and_again(&rig).await;
        // The first has not a byte; the engine learns of it from the second, which asks once and stays.
        let (_untouched, mut first) = control.connection().open_bi().await.unwrap();
        let (mut send, mut second) = control.connection().open_bi().await.unwrap();
        send.write_all(&head).await.unwrap();
        let alive = async {
            loop {
                tokio::time::sleep(Duration::from_millis(50)).await;
                assert!(control.time().await.is_ok(), "the connection stays");
            }
        };
        let ended = async {
            assert!(is_reset(&first.read_to_end(100).await.unwrap_err()));
            let mut answer = [0; FRAME_HEADER_BYTES + 8];
            second.read_exact(&mut answer).await.unwrap();
            assert!(is_reset(&second.read_to_end(100).await.unwrap_err()));
        };
        tokio::select! {
            () = alive => {}
            ended = tokio::time::timeout(PATIENCE, ended) => ended.unwrap(),
        }
    });
    assert_eq!(timed_out(&rig, "frame"), 2);
    rig.running.stop();
}

#[test]
fn r43_a_device_that_takes_no_answer_is_left() {
    // Long enough that the device, on a machine that does other work, does not fall silent within a frame.
    let rig = Rig::start_with(|setup| setup.options.quic.step_timeout = Duration::from_millis(500));
    let checks = [&[0; 8][..], &[32, 0], &[0; 32]].concat().repeat(limits::FRAME_CHECKS_MAX);
    let mut frame = vec![0; FRAME_HEADER_BYTES];
    let payload_bytes = u32::try_from(checks.len()).unwrap();
    FrameHeader { kind: FrameKind::Checks, payload_bytes }.write_to(&mut frame);
    frame.extend(checks);
    block_on(async {
        let control = connect_again_and_again(&rig).await;
        let (mut send, _unread) = control.connection().open_bi().await.unwrap();
        // The device's window takes about thirty answers, and is never opened again.
        let flood = async { while send.write_all(&frame).await.is_ok() {} };
        assert!(tokio::time::timeout(PATIENCE, flood).await.is_ok(), "the stream ends");
        assert!(control.time().await.is_ok(), "the connection stays");
    });
    assert_eq!(timed_out(&rig, "answer"), 1);
    rig.running.stop();
}

/// Opens streams that each announce the largest frame, send `sent` bytes of it, and stay.
async fn stall(control: &Control, streams: usize, sent: usize) -> Vec<JoinHandle<()>> {
    let mut head = [0; FRAME_HEADER_BYTES];
    let payload_bytes = u32::try_from(limits::FRAME_BYTES_MAX).unwrap();
    FrameHeader { kind: FrameKind::Checks, payload_bytes }.write_to(&mut head);
    let mut stalled = Vec::new();
    for _ in 0..streams {
        let (mut send, recv) = control.connection().open_bi().await.unwrap();
        stalled.push(tokio::spawn(async move {
            send.write_all(&head).await.unwrap();
            // What finds no room stays in the device's own window, and this waits for ever.
            let _ = send.write_all(&vec![0; sent]).await;
            let _kept = (send, recv);
            std::future::pending::<()>().await;
        }));
    }
    stalled
}

#[test]
fn frames_that_never_come_stall_nobody_elses() {
    // Room for two of the largest frames. By their headers' word three devices would take it thrice over; by
    // their bytes one device would take it alone.
    for (devices, sent) in [(3, 0), (1, 600_000)] {
        let rig = Rig::start_with(|setup| {
            setup.options.quic.frames_bytes_max = 2 * limits::FRAME_BYTES_MAX;
            setup.options.quic.step_timeout = Duration::from_secs(20);
            setup.options.stop_within = Duration::ZERO;
        });
        let code = rig.clear_code();
        block_on(async {
            let mut stalled = Vec::new();
            for device in 0..devices {
                let control = rig.connect(rig.grant(1 + device)).await;
                stalled.extend(stall(&control, 4, sent).await);
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
            let gate = rig.connect(rig.grant(MARKET_GATE)).await;
            let check = (CheckNumber(1), CheckRequest::of_scan(Lane(0), code.as_bytes()));
            let checks = vec![check; 1000];
            let verdicts = tokio::time::timeout(Duration::from_secs(5), gate.checks(&checks)).await;
            assert_eq!(verdicts.unwrap().unwrap().len(), 1000, "{devices} devices, {sent} bytes each");
            stalled.iter().for_each(JoinHandle::abort);
        });
        rig.running.stop();
    }
}
