//! Presentations two at a time (x86-64 only): the rounds of one SHA-256 block wait for each other, and meanwhile the CPU does
//! those of another. Built into every x86-64 binary and used where the CPU has the instructions.
//!
//! Values stay in registers from one hash to the next, in *word order*: the four words of a value or of a quarter of a block,
//! each a number and not its four bytes. Byte `q` of a message lies at byte `q ^ 3` of its register.

use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_and_si128, _mm_andnot_si128, _mm_cmpeq_epi32,
    _mm_cvtsi32_si128, _mm_extract_epi32, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128, _mm_set_epi32,
    _mm_set1_epi32, _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32,
    _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_unpackhi_epi64,
};

use hufu_wire::{Reason, Step};

use super::node::{CHAIN_LINK, CHAIN_LINKS, INNER, NODE_BYTES, Node, Salt};
use super::{Presentation, Shown};
use crate::credential::{Credential, Detail};
use crate::sha256::{INITIAL, ROUNDS};
use crate::verified::Verified;

/// Proof that the CPU has the instructions.
#[derive(Clone, Copy)]
pub(super) struct Streams(());

impl Streams {
    /// `None` on a CPU without the instructions.
    pub(super) fn detect() -> Option<Streams> {
        let present = is_x86_feature_detected!("sha")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("sse4.1");
        present.then_some(Streams(()))
    }

    /// As [`present_all`](super::present_all).
    #[expect(clippy::unused_self, reason = "it is the proof that the CPU has the instructions")]
    pub(super) fn present_all<'s, 'b: 's>(
        self,
        shown: impl Iterator<Item = (&'s Verified<Credential<'b>>, Option<&'s Presentation<'b>>)>,
        answers: &mut [Result<Shown, Reason>],
    ) {
        #[expect(unsafe_code, reason = "the compiler cannot know the CPU")]
        // SAFETY: the only way to a `Streams` is `detect`, which found all three features.
        unsafe {
            present_all(shown, answers);
        }
    }
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
fn present_all<'s, 'b: 's>(
    shown: impl Iterator<Item = (&'s Verified<Credential<'b>>, Option<&'s Presentation<'b>>)>,
    answers: &mut [Result<Shown, Reason>],
) {
    let mut shown = shown.enumerate();
    let mut next = |answers: &mut [Result<Shown, Reason>]| {
        for (at, (credential, presentation)) in shown.by_ref() {
            match (&credential.detail, presentation) {
                (Detail::Phone { root, origin }, Some(presentation)) => {
                    let Credential { key, issued, holder, generation, .. } = **credential;
                    let salt = Salt::block(key, holder, generation, *origin, issued);
                    let step = presentation.step.after(*origin);
                    return Some(Walk::new(at, root, salt.padded(), presentation, step));
                }
                _ => answers[at] = super::present(credential, presentation),
            }
        }
        None
    };
    let (mut left, mut right) = (next(answers), next(answers));
    loop {
        let [from_left, from_right] = match (&left, &right) {
            (Some(left), Some(right)) => digests([left.message(), right.message()]),
            // Alone it takes as long as with another.
            (Some(alone), None) | (None, Some(alone)) => digests([alone.message(); 2]),
            (None, None) => return,
        };
        for (walk, digest) in [(&mut left, from_left), (&mut right, from_right)] {
            if let Some(under_way) = walk
                && let Some(leads_to_root) = under_way.take(digest)
            {
                let at = Shown::At(under_way.shown);
                answers[under_way.at] = leads_to_root.then_some(at).ok_or(Reason::PresentationInvalid);
                *walk = next(answers);
            }
        }
    }
}

/// A presentation on its way from the value that was released to the root.
struct Walk<'s> {
    /// Which of the answers it is for.
    at: usize,
    shown: Step,
    root: __m128i,
    siblings: &'s [Node],
    place: u8,
    next: Next,
    /// The released value, and what became of it so far.
    value: __m128i,
    /// The first 16 bytes of the messages of links, then of inner nodes.
    fronts: [__m128i; 2],
    /// The last byte of the salt, as the first of a message's second quarter.
    salt_end: u32,
}

/// What is hashed next.
enum Next {
    /// The salt's own block; then this link of the leaf's chain.
    Salt([__m128i; 4], u8),
    /// A link of the leaf's chain.
    Link(u8),
    /// The inner node of this level.
    Inner(u8),
}

impl<'s> Walk<'s> {
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn new(
        at: usize,
        root: &Node,
        salt: &[u8; 64],
        presentation: &Presentation<'s>,
        shown: Step,
    ) -> Walk<'s> {
        let (place, link) = presentation.step.place();
        let quarters = salt.as_chunks::<NODE_BYTES>().0;
        let salt = core::array::from_fn(|quarter| load(&quarters[quarter]));
        Walk {
            at,
            shown,
            root: load(root),
            siblings: presentation.path.as_chunks::<NODE_BYTES>().0,
            place,
            next: Next::Salt(salt, link),
            value: load(presentation.preimage),
            // Known once the salt is.
            fronts: [_mm_setzero_si128(); 2],
            salt_end: 0,
        }
    }

    /// The padded message that is hashed next.
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    #[inline]
    fn message(&self) -> [__m128i; 4] {
        match self.next {
            Next::Salt(block, _) => block,
            Next::Link(link) => [
                self.fronts[0],
                _mm_or_si128(self.head(self.place, link), _mm_shuffle_epi8(self.value, FIRST_PART)),
                _mm_or_si128(_mm_cvtsi32_si128(0x80), _mm_shuffle_epi8(self.value, LAST_PART)),
                _mm_set_epi32(LINK_BITS, 0, 0, 0),
            ],
            Next::Inner(level) => {
                let sibling = load(&self.siblings[usize::from(level) - 1]);
                // All ones where the value is the right one.
                let is_right = _mm_set1_epi32(-i32::from(self.place & 1));
                let left = choose(is_right, sibling, self.value);
                let right = choose(is_right, self.value, sibling);
                [
                    self.fronts[1],
                    _mm_or_si128(self.head(level, self.place >> 1), _mm_shuffle_epi8(left, FIRST_PART)),
                    _mm_or_si128(_mm_shuffle_epi8(left, LAST_PART), _mm_shuffle_epi8(right, FIRST_PART)),
                    _mm_or_si128(_mm_set_epi32(INNER_BITS, 0, 0, 0x80), _mm_shuffle_epi8(right, LAST_PART)),
                ]
            }
        }
    }

    /// The three bytes of a message before its value.
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    #[inline]
    fn head(&self, first: u8, second: u8) -> __m128i {
        let word = self.salt_end << 24 | u32::from(first) << 16 | u32::from(second) << 8;
        _mm_cvtsi32_si128(word.cast_signed())
    }

    /// Goes on from the digest of [`message`](Self::message); at the end, whether it led to the root.
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    #[inline]
    fn take(&mut self, digest: __m128i) -> Option<bool> {
        match self.next {
            Next::Salt(_, link) => {
                let front = |tag: u8| {
                    let tag = _mm_cvtsi32_si128((u32::from(tag) << 24).cast_signed());
                    _mm_or_si128(tag, _mm_shuffle_epi8(digest, AFTER_TAG))
                };
                self.fronts = [front(CHAIN_LINK), front(INNER)];
                self.salt_end = _mm_extract_epi32::<3>(digest).cast_unsigned() & 0xff;
                self.next = Next::Link(link);
                None
            }
            Next::Link(link) => {
                self.value = digest;
                self.next = if link + 1 < CHAIN_LINKS { Next::Link(link + 1) } else { Next::Inner(1) };
                None
            }
            Next::Inner(level) => {
                self.value = digest;
                self.place >>= 1;
                self.next = Next::Inner(level + 1);
                let is_root = usize::from(level) == self.siblings.len();
                is_root.then(|| _mm_movemask_epi8(_mm_cmpeq_epi32(digest, self.root)) == 0xffff)
            }
        }
    }
}

/// Bits of the messages of links and of inner nodes.
const LINK_BITS: i32 = 8 * 35;
const INNER_BITS: i32 = 8 * 51;

/// The mask that brings bytes into word order.
const WORDS: __m128i = register([3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12]);

/// Salts come after one byte, values after 19, and a right value after a left one: what of 16 bytes is in a quarter then.
const AFTER_TAG: __m128i = moved(1);
const FIRST_PART: __m128i = moved(3);
const LAST_PART: __m128i = moved(3 - 16);

/// The mask for `_mm_shuffle_epi8` that moves bytes back by `by` places of the message, in word order. Zeros come in.
const fn moved(by: isize) -> __m128i {
    let mut mask = [0x80_u8; 16];
    let mut to: usize = 0;
    while to < 16 {
        if let Some(from) = to_usize(to.cast_signed() - by)
            && from < 16
        {
            mask[to ^ 3] = (from ^ 3).to_le_bytes()[0];
        }
        to += 1;
    }
    register(mask)
}

const fn register(bytes: [u8; 16]) -> __m128i {
    #[expect(unsafe_code, reason = "bytes as a register, in a constant")]
    // SAFETY: both are 16 bytes, and every pattern of bits is a register.
    unsafe {
        core::mem::transmute::<[u8; 16], __m128i>(bytes)
    }
}

const fn to_usize(number: isize) -> Option<usize> {
    if number < 0 { None } else { Some(number.cast_unsigned()) }
}

/// Sixteen bytes of a message, in word order.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
fn load(bytes: &[u8; 16]) -> __m128i {
    #[expect(unsafe_code, reason = "the intrinsic takes a pointer")]
    // SAFETY: reads the 16 bytes, at any alignment.
    let bytes = unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) };
    _mm_shuffle_epi8(bytes, WORDS)
}

/// The constants of a group of four rounds.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
fn constants<const GROUP: usize>() -> __m128i {
    let [a, b, c, d] = ROUNDS[GROUP].map(u32::cast_signed);
    _mm_set_epi32(d, c, b, a)
}

/// `a` where the mask is ones, `b` where it is zeros.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
fn choose(mask: __m128i, a: __m128i, b: __m128i) -> __m128i {
    _mm_or_si128(_mm_and_si128(mask, a), _mm_andnot_si128(mask, b))
}

/// The first 16 bytes of the digests of two messages of one block each, as FIPS 180-4 section 6.2.2 has it.
#[target_feature(enable = "sha,ssse3,sse4.1")]
#[inline]
fn digests(messages: [[__m128i; 4]; 2]) -> [__m128i; 2] {
    let words = |at: [usize; 4]| {
        let [a, b, c, d] = at.map(|at| INITIAL[at].cast_signed());
        _mm_set_epi32(a, b, c, d)
    };
    // The instructions take the state in these halves, the first word highest.
    let (abef, cdgh) = (words([0, 1, 4, 5]), words([2, 3, 6, 7]));
    let (mut abef, mut cdgh) = ([abef; 2], [cdgh; 2]);
    let mut window = messages;

    /// Four rounds of both.
    macro_rules! rounds {
        ($group:expr, $quarter:expr) => {
            for stream in 0..2 {
                let keyed = _mm_add_epi32(window[stream][$quarter], constants::<$group>());
                cdgh[stream] = _mm_sha256rnds2_epu32(cdgh[stream], abef[stream], keyed);
                let keyed = _mm_shuffle_epi32::<0b00_00_11_10>(keyed);
                abef[stream] = _mm_sha256rnds2_epu32(abef[stream], cdgh[stream], keyed);
            }
        };
    }
    /// The next four words of both, and their rounds.
    macro_rules! scheduled {
        ($($group:expr),*) => {
            $(
                for stream in 0..2 {
                    let [a, b, c, d] = window[stream];
                    let next = _mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8::<4>(d, c));
                    window[stream] = [b, c, d, _mm_sha256msg2_epu32(next, d)];
                }
                rounds!($group, 3);
            )*
        };
    }
    rounds!(0, 0);
    rounds!(1, 1);
    rounds!(2, 2);
    rounds!(3, 3);
    scheduled!(4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

    // Of the eight words the first four are wanted.
    let initial = words([2, 3, 0, 1]);
    core::array::from_fn(|stream| {
        let reached = _mm_add_epi32(_mm_unpackhi_epi64(abef[stream], cdgh[stream]), initial);
        _mm_shuffle_epi32::<0b10_11_00_01>(reached)
    })
}
