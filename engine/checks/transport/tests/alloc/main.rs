//! The path of a sealed check allocates nothing, from socket to socket. In a process of its own, because it
//! counts every allocation there is.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

#[path = "../serve/ca.rs"]
#[expect(dead_code, reason = "shared with the tests that need all of it")]
mod ca;
#[path = "../serve/recorder.rs"]
#[expect(dead_code, reason = "shared with the tests that need all of it")]
mod recorder;
#[path = "../serve/rig.rs"]
#[expect(dead_code, reason = "shared with the tests that need all of it")]
mod rig;

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::UdpSocket;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rig::{LOOPBACK, PATIENCE, Rig, eventually, sealed};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[expect(unsafe_code, reason = "the trait is; every call goes to the system's allocator unchanged")]
// SAFETY: the system's allocator keeps the contract, and counting touches no memory it manages.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_sealed_check_allocates_nothing_from_socket_to_socket() {
    const ROUNDS: usize = 50;
    let rig = Rig::start();
    let mut session = rig.enrol(rig.grant(0));
    let lone: Vec<UdpSocket> = (0..8).map(|_| connected(&rig)).collect();
    let bursting = connected(&rig);
    let codes: Vec<String> = (0..8).map(|turn| rig.phone_code(turn).0).collect();
    // Codes of all outcomes from eight peers, a burst from one, and garbage.
    let mut packets =
        || -> Vec<Vec<u8>> { codes.iter().map(|code| sealed(&mut session, code.as_bytes())).collect() };
    let rounds: Vec<_> = (0..=ROUNDS).map(|_| (packets(), packets())).collect();
    let mut before = 0;
    for (round, (packets, burst)) in rounds.iter().enumerate() {
        let mut reply = [0; 200];
        for (socket, packet) in lone.iter().zip(packets) {
            socket.send(packet).unwrap();
            bursting.send(&packet[1..]).unwrap();
        }
        for packet in burst {
            bursting.send(packet).unwrap();
        }
        for socket in lone.iter().chain(std::iter::repeat_n(&bursting, burst.len())) {
            assert_eq!(socket.recv(&mut reply).unwrap(), 80);
        }
        if round == 0 {
            // The first round opens the session and meets every peer. Enrolment's connection ends meanwhile.
            before = when_quiet(&rig);
        }
    }
    assert!(before > 0, "allocations are counted");
    let allocated = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert_eq!(allocated, 0, "in {} checks", ROUNDS * 2 * codes.len());
    rig.running.stop();
}

/// Allocations so far, once the engine has no connection and there was none for half a second.
fn when_quiet(rig: &Rig) -> u64 {
    eventually("the roll is empty", || rig.metric("hufu_quic_connections") == 0);
    let until = Instant::now() + PATIENCE;
    let mut before = 0;
    loop {
        let allocations = ALLOCATIONS.load(Ordering::Relaxed);
        if allocations == before {
            return allocations;
        }
        assert!(Instant::now() < until, "something goes on");
        before = allocations;
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn connected(rig: &Rig) -> UdpSocket {
    let socket = UdpSocket::bind(LOOPBACK).unwrap();
    socket.connect(rig.running.udp_addr).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}
