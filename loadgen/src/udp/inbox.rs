//! Receiving for many sockets: waits for any of them and cuts what came into datagrams.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use hufu_wire::sealed;
use quinn_udp::{BATCH_SIZE, RecvMeta};
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};

use super::port::Port;

/// Datagrams that the kernel may deliver as one piece.
const PIECES_MAX: usize = 64;
/// Sockets looked at after one wait.
const READY_MAX: usize = 64;

/// Waits for sockets and reads them.
pub(super) struct Inbox {
    epoll: OwnedFd,
    ready: Vec<usize>,
    buffers: Vec<[u8; PIECES_MAX * sealed::REPLY_BYTES]>,
}

impl Inbox {
    /// An inbox of `ports`, which are told apart by their place.
    pub(super) fn new<'p>(ports: impl Iterator<Item = &'p Port>) -> io::Result<Inbox> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        for (index, port) in (0..).zip(ports) {
            epoll::add(&epoll, port, epoll::EventData::new_u64(index), epoll::EventFlags::IN)?;
        }
        let buffers = vec![[0; PIECES_MAX * sealed::REPLY_BYTES]; BATCH_SIZE];
        Ok(Inbox { epoll, ready: Vec::with_capacity(READY_MAX), buffers })
    }

    /// The places of ports at which something is there, waiting for it at most `wait_ns`.
    pub(super) fn wait(&mut self, wait_ns: u64) -> io::Result<&[usize]> {
        self.ready.clear();
        if wait_ns > 0 {
            // `poll` counts in nanoseconds, where `epoll_wait` may only know milliseconds.
            let wait = Timespec {
                tv_sec: signed(wait_ns / 1_000_000_000),
                tv_nsec: signed(wait_ns % 1_000_000_000),
            };
            if interrupted(poll(&mut [PollFd::new(&self.epoll, PollFlags::IN)], Some(&wait)))? == 0 {
                return Ok(&[]);
            }
        }
        let mut events = [const { MaybeUninit::<epoll::Event>::uninit() }; READY_MAX];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let events = match epoll::wait(&self.epoll, &mut events, Some(&at_once)) {
            Err(rustix::io::Errno::INTR) => return Ok(&[]),
            events => events?.0,
        };
        let places = events.iter().filter_map(|event| usize::try_from(event.data.u64()).ok());
        self.ready.extend(places);
        Ok(&self.ready)
    }

    /// Reads what is there at `port`, one call's worth, and hands over each datagram. Returns how many there
    /// were.
    pub(super) fn read(&mut self, port: &Port, mut each: impl FnMut(&[u8])) -> io::Result<u64> {
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let received = {
            let mut slices: [IoSliceMut<'_>; BATCH_SIZE] = {
                let mut buffers = self.buffers.iter_mut();
                std::array::from_fn(|_| {
                    IoSliceMut::new(buffers.next().map_or(&mut [], |buffer| &mut buffer[..]))
                })
            };
            port.receive(&mut slices, &mut metas)?
        };
        let mut datagrams = 0;
        for (meta, buffer) in metas[..received].iter().zip(&self.buffers) {
            for datagram in buffer[..meta.len].chunks(meta.stride.max(1)) {
                each(datagram);
                datagrams += 1;
            }
        }
        Ok(datagrams)
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn interrupted(polled: rustix::io::Result<usize>) -> io::Result<usize> {
    match polled {
        Err(rustix::io::Errno::INTR) => Ok(0),
        polled => Ok(polled?),
    }
}
