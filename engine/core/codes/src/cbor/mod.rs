//! Deterministic CBOR (RFC 8949 section 4.2.1) and nothing else: one byte string per meaning.
//!
//! The reader asks for what must come next instead of looking at what is there. So a map's keys can only be
//! the right ones in the right order, nesting goes exactly as deep as the caller's code, and a declared
//! length never reserves anything: it is compared with the bytes that are left.

mod reader;
mod writer;

pub use reader::{Fault, Reader};
pub use writer::Writer;

/// Major types, RFC 8949 section 3.1.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Major {
    Unsigned = 0,
    Negative = 1,
    Bytes = 2,
    Text = 3,
    Array = 4,
    Map = 5,
}

const FALSE: u8 = 0xf4;
const TRUE: u8 = 0xf5;
