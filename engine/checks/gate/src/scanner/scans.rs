//! One scan after the other, as they come over a pipe or a serial line.

use std::io::{self, BufRead, ErrorKind};

/// A scan longer than this is cut: far beyond any code, and short enough to hold.
pub const SCAN_BYTES_MAX: usize = 4096;

/// The scans of an input. A scan ends with CR, LF, CR LF, Tab, ETX or EOT, or with the input. It is handed over as soon
/// as the first byte of its end is there, and where nothing but blanks stands between two ends there is no scan.
#[derive(Debug)]
pub struct Scans<R>(R);

impl<R: BufRead> Scans<R> {
    /// The scans of `input`.
    pub fn new(input: R) -> Scans<R> {
        Scans(input)
    }

    /// Appends what comes before the next end; whether the input has ended.
    fn read(&mut self, scan: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            let buffered = match self.0.fill_buf() {
                Ok([]) => return Ok(true),
                Ok(buffered) => buffered,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = buffered.iter().position(|byte| is_end(*byte));
            let bytes = end.unwrap_or(buffered.len());
            let room = SCAN_BYTES_MAX - scan.len();
            scan.extend_from_slice(&buffered[..bytes.min(room)]);
            self.0.consume(bytes + usize::from(end.is_some()));
            if end.is_some() {
                return Ok(false);
            }
        }
    }
}

impl<R: BufRead> Iterator for Scans<R> {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<io::Result<Vec<u8>>> {
        loop {
            let mut scan = Vec::new();
            let ended = match self.read(&mut scan) {
                Ok(ended) => ended,
                Err(error) => return Some(Err(error)),
            };
            if !super::trimmed(&scan).is_empty() {
                return Some(Ok(scan));
            }
            if ended {
                return None;
            }
        }
    }
}

const fn is_end(byte: u8) -> bool {
    const ETX: u8 = 3;
    const EOT: u8 = 4;
    matches!(byte, b'\r' | b'\n' | b'\t' | ETX | EOT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn scans(input: &[u8], capacity: usize) -> Vec<Vec<u8>> {
        Scans::new(BufReader::with_capacity(capacity, input)).map(Result::unwrap).collect()
    }

    #[test]
    fn every_line_end_of_a_scanner_ends_a_scan() {
        for end in ["\r", "\n", "\r\n", "\t", "\u{3}", "\u{3}\r\n", "\r\n\r\n", "\n \n", "\u{4}"] {
            let input = format!("HF1:1{end}HF1: 2{end}HF1:3");
            for (input, capacity) in [(input.clone(), 2), (input.clone(), 64), (input + end, 3)] {
                assert_eq!(
                    scans(input.as_bytes(), capacity),
                    [&b"HF1:1"[..], b"HF1: 2", b"HF1:3"],
                    "{end:?}"
                );
            }
        }
        assert!(scans(b"", 8).is_empty() && scans(b"\r\n\x02\x03\xc2\xa0\n", 8).is_empty());
    }

    #[test]
    fn long_scans_are_cut_and_never_joined() {
        let input = [&b"HF1:1\r\n"[..], &[b'A'; 10_000], b"\nHF1:2\n\xff\xfe\n\nHF1:3"].concat();
        let scans = scans(&input, 7);
        assert_eq!(scans.iter().map(Vec::len).collect::<Vec<_>>(), [5, SCAN_BYTES_MAX, 5, 2, 5]);
    }

    /// Gives one byte at a time and counts how often it was asked; a read after the last byte would wait for ever.
    struct OpenLine<'a>(&'a [u8]);

    impl io::Read for OpenLine<'_> {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            unreachable!("read through the buffer")
        }
    }

    impl BufRead for OpenLine<'_> {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            assert!(!self.0.is_empty(), "waits for a byte that does not come before the next person");
            Ok(&self.0[..1])
        }

        fn consume(&mut self, bytes: usize) {
            self.0 = &self.0[bytes..];
        }
    }

    #[test]
    fn a_scan_is_handed_over_before_the_next_byte_comes() {
        for end in [b'\r', b'\n', b'\t', 3] {
            let typed = [b'H', b'F', end, b'2', end];
            let mut scans = Scans::new(OpenLine(&typed));
            assert_eq!(scans.next().unwrap().unwrap(), b"HF");
            assert_eq!(scans.next().unwrap().unwrap(), b"2");
        }
    }
}
