//! What a scanner has read, told by how it begins.

use crate::limits::{
    CHECK_REQUEST_BYTES_MIN, CHECK_REQUEST_HEADER_BYTES, CODE_BYTES_MAX, PRESENTED_BYTES_MAX,
};
use crate::reference::{self, Reference};

/// What every code's text begins with.
pub const CODE_PREFIX: &str = "HF1:";

/// What an EU Digital COVID Certificate begins with (hcert-spec, section 4): engines verify these.
pub const HEALTH_CERTIFICATE_PREFIX: &str = "HC1:";

/// What certificates of other systems begin with, in upper case, and what they are.
const FOREIGN_PREFIXES: [(&str, &str); 6] = [
    (HEALTH_CERTIFICATE_PREFIX, "EU Digital COVID Certificate"),
    ("LT1:", "Swiss Certificate Light"),
    ("NL2:", "CoronaCheck certificate of the Netherlands"),
    // NZCP 1, section 4.
    ("NZCP:/", "New Zealand COVID Pass"),
    // HL7.
    ("SHC:/", "SMART Health Card"),
    ("SHLINK:/", "SMART Health Link"),
];

/// How much of a scan is sent where its beginning says everything: as much as the shortest request holds.
pub const BEGINNING_BYTES: usize = CHECK_REQUEST_BYTES_MIN - CHECK_REQUEST_HEADER_BYTES;

/// Whether a scan is a certificate of another system, whatever its case: some scanners and apps change it.
pub fn is_foreign(scan: &[u8]) -> bool {
    foreign_name(scan).is_some()
}

/// What a scan is, if it is a certificate of another system that is known by its beginning.
pub fn foreign_name(scan: &[u8]) -> Option<&'static str> {
    let begins = |prefix: &str| {
        scan.get(..prefix.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    FOREIGN_PREFIXES.iter().find_map(|(prefix, name)| begins(prefix).then_some(*name))
}

/// What a device sends of a scan: all of it, unless its beginning decides what it is. Of a certificate of another
/// system that engines do not verify, and of a long text that is no code, it sends the beginning: an engine cannot use
/// the rest, which may name a person. Of a code that is too long it sends one byte more than a code may have. Of a text
/// in the form of a [`Reference`] it sends the prefix: only a device says that it has verified a credential, no scan does.
pub fn to_send(scan: &[u8]) -> &[u8] {
    let bytes_max = if scan.starts_with(CODE_PREFIX.as_bytes()) {
        CODE_BYTES_MAX
    } else if scan.len() <= PRESENTED_BYTES_MAX && scan.starts_with(HEALTH_CERTIFICATE_PREFIX.as_bytes()) {
        return scan;
    } else if Reference::begins(scan) {
        reference::PREFIX.len()
    } else if scan.len() > CODE_BYTES_MAX || is_foreign(scan) {
        BEGINNING_BYTES
    } else {
        return scan;
    };
    scan.get(..bytes_max).unwrap_or(scan)
}

const _: () = {
    let mut at = 0;
    while at < FOREIGN_PREFIXES.len() {
        assert!(
            FOREIGN_PREFIXES[at].0.len() <= BEGINNING_BYTES,
            "a beginning tells what it is the beginning of"
        );
        at += 1;
    }
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{HolderIndex, IssuerId};
    use proptest::prelude::*;

    #[test]
    fn certificates_of_other_systems_are_known_by_their_beginning() {
        for text in
            ["HC1:6BF", "HC1:", "hc1:6bf", "LT1:6BF", "NL2:ABC", "NZCP:/1/2KC", "shc:/5676", "shlink:/ey"]
        {
            assert!(is_foreign(text.as_bytes()), "{text}");
        }
        for text in ["", "HC1", "HF1:6BF", "HC2:6BF", " HC1:6BF", "https://example.org/HC1:", "shc:"] {
            assert!(!is_foreign(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_is_sent_is_bounded_and_begins_as_the_scan() {
        let long = |prefix: &str, bytes: usize| [prefix.as_bytes(), &vec![b'0'; bytes]].concat();
        for (scan, bytes) in [
            (long("", 0), 0),
            (long("HF1:", 441), 445),
            (long("HF1:", 508), 512),
            (long("HF1:", 4000), 512),
            (long("HC1:", 10), 14),
            (long("HC1:", 300), 304),
            (long("HC1:", 1064), 1068),
            (long("HC1:", 1065), 24),
            (long("hc1:", 300), 24),
            (long("LT1:", 300), 24),
            (long("shc:/", 1000), 24),
            (long("https://example.org/", 300), 320),
            (long("https://example.org/", 493), 24),
            (b"SL1:900001.0".to_vec(), 4),
            (b"SL1:".to_vec(), 4),
            (long("SL1:900001.", 1000), 4),
        ] {
            let sent = to_send(&scan);
            assert_eq!(sent.len(), bytes);
            assert!(scan.starts_with(sent));
            assert_eq!(is_foreign(sent), is_foreign(&scan));
            assert_eq!(sent.starts_with(CODE_PREFIX.as_bytes()), scan.starts_with(CODE_PREFIX.as_bytes()));
        }
    }

    proptest! {
        #[test]
        fn r64_nothing_that_is_sent_of_a_scan_is_a_reference(
            issuer: u32,
            index: u32,
            text in "[ ]?[Ss][Ll]1:[0-9.]{0,20}",
            bytes in proptest::collection::vec(any::<u8>(), 0..30),
        ) {
            let reference = Reference { issuer: IssuerId(issuer), index: HolderIndex(index) }.to_string();
            for scan in [reference.as_bytes(), text.as_bytes(), &bytes] {
                prop_assert_eq!(Reference::read(to_send(scan)), None);
            }
        }
    }
}
