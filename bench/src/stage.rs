//! What benches need before they can begin. Nothing here is measured.

use std::sync::Arc;

use hufu_check::{Engine, Replies, Spine};
use hufu_client::Session;
use hufu_codes::code::{self, Code};
use hufu_codes::keyring::Keyring;
use hufu_fixtures::{Expected, Phone, Printed, Signers, TextBuf, World, sites};
use hufu_wire::{Grant, Lane, UnixMillis, UnixSeconds, limits};
use rustix::time::{ClockId, clock_gettime};

/// As many checks as the spine takes at once.
pub const BATCH: usize = limits::BATCH_MAX;

/// When benches take place.
const NOW: UnixSeconds = UnixSeconds(1_795_000_000);

/// A world and an engine for it.
pub struct Stage {
    /// The world.
    pub world: World,
    /// Its engine.
    pub engine: Arc<Engine>,
    /// Its time.
    pub now: UnixMillis,
    signers: Signers,
}

/// Gates with sessions; they ask in turn.
pub struct Gates {
    sessions: Vec<Session>,
    turn: usize,
}

/// Sealed requests, and room to open a batch of them in.
pub struct Packets {
    sealed: Vec<Vec<u8>>,
    opened: Vec<Vec<u8>>,
    replies: Replies,
    at: usize,
}

impl Stage {
    /// A world of `holders` people and an engine that remembers `seen_entries` credentials.
    ///
    /// # Panics
    /// When the machine has not enough memory.
    pub fn new(holders: u32, seen_entries: usize) -> Stage {
        let world = World::new(1, holders, NOW);
        let engine = hufu_peers::engine(&world, seen_entries).expect("a stage needs memory");
        Stage { signers: Signers::current(&world), now: NOW.millis(), world, engine }
    }

    /// The world's keyring.
    ///
    /// # Panics
    /// Never: a world's trust list is genuine.
    pub fn keyring(&self) -> Keyring {
        hufu_peers::keyring(&self.world).expect("a world's trust list is genuine")
    }

    /// The signers of every issuer.
    pub fn signers(&self) -> &Signers {
        &self.signers
    }

    /// Texts of `count` phone codes of now, of as many passers-by, each with the answer it gets at the market.
    pub fn phone_codes(&self, count: usize) -> Vec<(Vec<u8>, Expected)> {
        let phones = self.world.phones(0, count, &|_, _| {});
        phones
            .iter()
            .map(|phone| (self.phone_text(phone), phone.expected(&self.world, &sites::MARKET, false)))
            .collect()
    }

    /// Texts of `count` paper codes with their answers.
    pub fn paper_codes(&self, count: usize) -> Vec<(Vec<u8>, Expected)> {
        let paper = |turn| {
            let (issuer, holder) = self.world.passer_by(turn);
            let printed = Printed::new(&self.world, issuer, holder);
            let (issued, expires) = (UnixSeconds(NOW.0 - 3600), UnixSeconds(NOW.0 + 3600));
            let credential = printed.paper(self.signers.of(issuer), issued, expires);
            (text(&credential, &[]), printed.paper_expected(&self.world, &sites::MARKET))
        };
        (0..count as u64).map(paper).collect()
    }

    /// `count` gates at the market, each with a session; one device may have several.
    ///
    /// # Panics
    /// When the system gives no random bytes.
    pub fn gates(&self, count: usize) -> Gates {
        let grants = self.world.grants();
        let market: Vec<Grant> = grants.into_iter().filter(|grant| grant.site == sites::MARKET.id).collect();
        let enrol = |index: usize| {
            let grant = market[index % market.len()];
            Session::new(self.engine.enrol(grant, 1, UnixSeconds(u32::MAX), self.now).expect("a gate enrols"))
        };
        Gates { sessions: (0..count).map(enrol).collect(), turn: 0 }
    }

    /// A worker of the engine.
    ///
    /// # Panics
    /// When the system gives no random bytes.
    pub fn spine(&self) -> Spine {
        Spine::new(Arc::clone(&self.engine)).expect("the system has random bytes")
    }

    fn phone_text(&self, phone: &Phone) -> Vec<u8> {
        let credential = phone.credential(self.signers.of(phone.issuer()), 0);
        let presentation = phone.present(NOW.step());
        // Without the head of the code's array.
        text(&credential, &code::write(&[], Some(presentation.borrowed()))[1..])
    }
}

impl Gates {
    /// Seals each code at the next gate.
    ///
    /// # Panics
    /// When a code is longer than any.
    pub fn seal<'c>(&mut self, codes: impl IntoIterator<Item = &'c [u8]>) -> Packets {
        let sealed = codes.into_iter().map(|code| {
            let gate = self.turn % self.sessions.len();
            self.turn += 1;
            let mut packet = vec![0; Session::REQUEST_BYTES_MAX];
            let (_, bytes) = self.sessions[gate].seal(code, Lane(0), &mut packet).expect("a code fits");
            packet.truncate(bytes);
            packet
        });
        Packets { sealed: sealed.collect(), opened: vec![Vec::new(); BATCH], replies: Replies::new(), at: 0 }
    }

    /// The gate that sealed the packet at `index`.
    pub fn of(&self, index: usize) -> &Session {
        &self.sessions[index % self.sessions.len()]
    }
}

impl Packets {
    /// The next `count` packets, as a socket would hand them over: the spine opens them where they lie.
    pub fn receive(&mut self, count: usize) -> Vec<&mut [u8]> {
        for opened in &mut self.opened[..count] {
            opened.clear();
            opened.extend_from_slice(&self.sealed[self.at]);
            self.at = (self.at + 1) % self.sealed.len();
        }
        self.opened[..count].iter_mut().map(Vec::as_mut_slice).collect()
    }

    /// Lets `spine` answer the next `count` packets; returns how long it took.
    pub fn answer(&mut self, spine: &mut Spine, now: UnixMillis, count: usize) -> std::time::Duration {
        let mut replies = core::mem::take(&mut self.replies);
        let mut datagrams = self.receive(count);
        let began = std::time::Instant::now();
        spine.check_sealed(now, &mut datagrams, &mut replies);
        let took = began.elapsed();
        self.replies = replies;
        took
    }

    /// The same in CPU time of this thread, microseconds.
    pub fn answer_us(&mut self, spine: &mut Spine, now: UnixMillis, count: usize) -> f64 {
        let mut replies = core::mem::take(&mut self.replies);
        let mut datagrams = self.receive(count);
        let before = cpu_us();
        spine.check_sealed(now, &mut datagrams, &mut replies);
        let spent = cpu_us() - before;
        self.replies = replies;
        spent
    }

    /// The replies to the last batch.
    pub fn replies(&self) -> &Replies {
        &self.replies
    }

    /// How many packets there are.
    pub fn len(&self) -> usize {
        self.sealed.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sealed.is_empty()
    }
}

/// Reads a code's text for good: benches of later steps want codes that were parsed.
///
/// # Panics
/// When it is no code.
pub fn read<'b>(text: &[u8], binary: &'b mut [u8; limits::CODE_BINARY_BYTES_MAX]) -> Code<'b> {
    code::parse_text(text, binary).expect("a world's codes can be read")
}

/// CPU time of this thread so far, microseconds.
#[expect(clippy::cast_precision_loss, reason = "a thread lives far shorter than 2^52 ns")]
pub fn cpu_us() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
}

fn text(credential: &[u8], presentation: &[u8]) -> Vec<u8> {
    let mut text = TextBuf::new();
    text.write(credential, presentation);
    text.as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::Verdict;

    fn check(stage: &Stage, codes: &[(Vec<u8>, Expected)]) {
        let mut gates = stage.gates(7);
        let mut packets = gates.seal(codes.iter().map(|(code, _)| code.as_slice()));
        let mut spine = stage.spine();
        for first in (0..codes.len()).step_by(BATCH) {
            packets.answer(&mut spine, stage.now, BATCH.min(codes.len() - first));
            for (index, (_, expected)) in codes.iter().enumerate().skip(first).take(BATCH) {
                let reply = packets.replies().get(index - first).expect("an answer");
                let Verdict { decision, reason, .. } = gates.of(index).open(reply).expect("our reply");
                assert_eq!(Expected { decision, reason }, *expected);
            }
        }
    }

    #[test]
    fn what_is_measured_is_answered_right() {
        let stage = Stage::new(10_000, 1);
        check(&stage, &stage.phone_codes(100));
        check(&stage, &stage.paper_codes(100));
    }
}
