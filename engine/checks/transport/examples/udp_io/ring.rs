//! The same through `io_uring`: one multishot receive into a ring of buffers, and a send for each reply.

use std::error::Error;
use std::net::UdpSocket;
use std::os::fd::AsRawFd as _;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::squeue::Flags;
use io_uring::types::{BufRingEntry, Fd, RecvMsgOut};
use io_uring::{IoUring, cqueue, opcode};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use super::{REPLY_BYTES, WINDOW};

/// Buffers of the ring, a power of two.
const BUFFERS: u16 = 256;
/// Room for a request, its sender and what the kernel puts before them.
const BUFFER_BYTES: u32 = 1024;
const ROOM: usize = BUFFER_BYTES as usize;
/// Bytes of an IPv4 sender's address.
const NAME_BYTES: u32 = 16;
const _: () = assert!(size_of::<libc::sockaddr_in>() == NAME_BYTES as usize);
const GROUP: u16 = 0;
const RECEIVED: u64 = u64::MAX;

/// A socket behind a ring. What it points to lives as long as the process: the kernel has its addresses.
pub(super) struct Ring {
    uring: IoUring,
    fd: Fd,
    buffers: Buffers,
    /// Says how much of a buffer is for the sender's address.
    header: &'static libc::msghdr,
    replies: &'static mut [Reply],
}

/// One reply on its way.
struct Reply {
    to: libc::sockaddr_in,
    part: libc::iovec,
    message: libc::msghdr,
}

/// The buffers, and the ring that tells the kernel which of them are free.
struct Buffers {
    memory: &'static mut [u8],
    entries: NonNull<BufRingEntry>,
    tail: u16,
}

impl Ring {
    pub(super) fn of(socket: &UdpSocket) -> Result<Ring, Box<dyn Error>> {
        let uring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_cqsize(4 * u32::from(BUFFERS))
            .build(u32::from(BUFFERS))?;
        let buffers = Buffers::new()?;
        let address = buffers.entries.as_ptr() as u64;
        #[expect(unsafe_code, reason = "the kernel keeps the address")]
        // SAFETY: the entries are mapped until the process ends.
        unsafe {
            uring.submitter().register_buf_ring_with_flags(address, BUFFERS, GROUP, 0)?;
        }
        let mut header = empty_message();
        header.msg_namelen = NAME_BYTES;
        let part: &'static mut [u8] = vec![0; REPLY_BYTES].leak();
        let part = libc::iovec { iov_base: part.as_mut_ptr().cast(), iov_len: REPLY_BYTES };
        let to = libc::sockaddr_in {
            sin_family: 0,
            sin_port: 0,
            sin_addr: libc::in_addr { s_addr: 0 },
            sin_zero: [0; 8],
        };
        let replies: Vec<Reply> =
            (0..BUFFERS).map(|_| Reply { to, part, message: empty_message() }).collect();
        let replies = replies.leak();
        for reply in &mut *replies {
            reply.message.msg_name = (&raw mut reply.to).cast();
            reply.message.msg_namelen = NAME_BYTES;
            reply.message.msg_iov = &raw mut reply.part;
            reply.message.msg_iovlen = 1;
        }
        let mut this =
            Ring { uring, fd: Fd(socket.as_raw_fd()), buffers, header: Box::leak(Box::new(header)), replies };
        this.receive();
        this.uring.submit()?;
        Ok(this)
    }

    /// Answers the window of requests that waits in the socket, and returns how many they were.
    pub(super) fn answer_window(&mut self) -> Result<usize, Box<dyn Error>> {
        let mut answered = 0;
        while answered < WINDOW {
            self.uring.submit_and_wait(1)?;
            loop {
                let Some(done) = self.uring.completion().next() else { break };
                if done.user_data() != RECEIVED {
                    return Err(std::io::Error::from_raw_os_error(-done.result()).into());
                }
                let buffer = cqueue::buffer_select(done.flags()).ok_or("a receive without a buffer")?;
                self.reply_to(buffer)?;
                self.buffers.give_back(buffer);
                answered += 1;
                if !cqueue::more(done.flags()) {
                    self.receive();
                }
            }
        }
        self.uring.submit()?;
        Ok(answered)
    }

    fn reply_to(&mut self, buffer: u16) -> Result<(), Box<dyn Error>> {
        let bytes = self.buffers.memory.chunks_exact(ROOM).nth(buffer.into()).unwrap_or_default();
        let received = RecvMsgOut::parse(bytes, self.header).map_err(|()| "a message cut short")?;
        let reply = &mut self.replies[usize::from(buffer)];
        let name = received.name_data();
        reply.to.sin_port = u16::from_ne_bytes([name[2], name[3]]);
        reply.to.sin_addr.s_addr = u32::from_ne_bytes([name[4], name[5], name[6], name[7]]);
        reply.to.sin_family = u16::from_ne_bytes([name[0], name[1]]);
        let send = opcode::SendMsg::new(self.fd, &raw const reply.message)
            .build()
            .user_data(buffer.into())
            .flags(Flags::SKIP_SUCCESS);
        self.push(&send);
        Ok(())
    }

    fn receive(&mut self) {
        let receive = opcode::RecvMsgMulti::new(self.fd, self.header, GROUP).build().user_data(RECEIVED);
        self.push(&receive);
    }

    fn push(&mut self, entry: &io_uring::squeue::Entry) {
        #[expect(unsafe_code, reason = "the kernel keeps the addresses")]
        // SAFETY: all that entries point to lives until the process ends.
        while unsafe { self.uring.submission().push(entry) }.is_err() {
            // Full: the kernel takes what is there.
            drop(self.uring.submit());
        }
    }
}

impl Buffers {
    fn new() -> Result<Buffers, Box<dyn Error>> {
        let bytes = usize::from(BUFFERS) * size_of::<BufRingEntry>();
        #[expect(unsafe_code, reason = "memory from the system")]
        // SAFETY: a mapping of its own, at an address that the system chooses.
        let entries = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                bytes,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::PRIVATE,
            )?
        };
        let entries = NonNull::new(entries.cast()).ok_or("no mapping")?;
        let memory = vec![0; usize::from(BUFFERS) * ROOM].leak();
        let mut buffers = Buffers { memory, entries, tail: 0 };
        (0..BUFFERS).for_each(|buffer| buffers.give_back(buffer));
        Ok(buffers)
    }

    /// The kernel may write to this buffer again.
    fn give_back(&mut self, buffer: u16) {
        let address = &raw mut self.memory[usize::from(buffer) * ROOM];
        #[expect(unsafe_code, reason = "memory that the kernel reads too")]
        // SAFETY: the index is within the mapping, and the kernel reads an entry only once the tail is behind it.
        unsafe {
            let entry = &mut *self.entries.as_ptr().add(usize::from(self.tail % BUFFERS));
            entry.set_addr(address as u64);
            entry.set_len(BUFFER_BYTES);
            entry.set_bid(buffer);
            self.tail = self.tail.wrapping_add(1);
            let tail = BufRingEntry::tail(self.entries.as_ptr()).cast::<AtomicU16>();
            (*tail).store(self.tail, Ordering::Release);
        }
    }
}

fn empty_message() -> libc::msghdr {
    #[expect(unsafe_code, reason = "a structure of the system")]
    // SAFETY: zeros are a message of nothing, to and from nothing.
    unsafe {
        std::mem::zeroed()
    }
}
