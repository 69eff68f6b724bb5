//! Bytes that no engine and no gate wrote: nothing panics, nothing large is unpacked, and what is read has one form. Each
//! target has a kept corpus in `__fuzz__` that begins with a good input.

#![allow(clippy::unwrap_used, reason = "tests")]

use hufu_offline::{Handover, OfflineFile, Room};
use hufu_wire::HolderIndex;
use sha2::{Digest as _, Sha256};

const ROOM: Room = Room { holders_max: 4096, exceptions_max: 512 };

/// The input is a list without its digest, so that the digest does not keep everything out.
#[test]
fn any_list() {
    bolero::check!().for_each(|input: &[u8]| {
        assert!(OfflineFile::read(input, ROOM).is_err(), "no digest");
        let bytes = [input, &Sha256::digest(input)].concat();
        let Ok(read) = OfflineFile::read(&bytes, ROOM) else { return };
        let again = OfflineFile::read(&read.to_bytes(), ROOM).expect("what is written is read");
        assert_eq!((again.tip, again.list.as_of()), (read.tip, read.list.as_of()));
        assert_eq!(again.list.holders(), read.list.holders(), "no longer than its last holder");
        for holder in (0..=read.list.holders()).map(HolderIndex) {
            assert_eq!(again.list.status(holder), read.list.status(holder));
        }
    });
}

#[test]
fn any_handover() {
    bolero::check!().for_each(|input: &[u8]| {
        if let Some(handover) = Handover::read(input) {
            assert_eq!(handover.to_bytes(), input);
        }
    });
}
