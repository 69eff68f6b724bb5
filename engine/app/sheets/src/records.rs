//! The records of CSV (RFC 4180), each with the number of its first line.
//!
//! Written here because the csv crate counts the lines of files with CR LF or CR wrongly, and takes a quotation mark that
//! is never closed as if the rest of the file were its field.

use std::io::BufRead;

use anyhow::{Context as _, bail};

use crate::fault::{CellFault, FileFault};

/// Longest record, bytes. A quotation mark that is not closed is found before it has taken in much.
const RECORD_BYTES_MAX: usize = 64 << 10;

/// Records of a file, one at a time.
pub(super) struct Records<R> {
    input: R,
    separator: u8,
    /// The line of the next byte, from 1.
    line: u64,
    after_cr: bool,
    read: u64,
}

/// One record.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Its first line.
    pub(super) line: u64,
    text: Vec<u8>,
    ends: Vec<usize>,
    /// A field goes on after its closing quotation mark.
    stray: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    FieldStart,
    Plain,
    Quoted,
    /// After a quotation mark in a quoted field: the end of it, or the first half of a doubled one.
    Quote,
}

impl<R: BufRead> Records<R> {
    /// The records of `input`, which begins in line `line`.
    pub(super) fn new(input: R, separator: u8, line: u64) -> Records<R> {
        Records { input, separator, line, after_cr: false, read: 0 }
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.read
    }

    /// The next record; false at the end. Empty lines are no records.
    ///
    /// # Errors
    /// The input cannot be read, or a quotation mark is not closed.
    pub(super) fn next(&mut self, record: &mut Record) -> anyhow::Result<bool> {
        record.text.clear();
        record.ends.clear();
        record.stray = false;
        let mut at = At::FieldStart;
        let mut begun = false;
        loop {
            let bytes = self.input.fill_buf().context("cannot read it")?;
            if bytes.is_empty() {
                if at == At::Quoted {
                    bail!(FileFault::OpenQuote(record.line));
                }
                if begun {
                    record.ends.push(record.text.len());
                }
                return Ok(begun);
            }
            let mut used = 0;
            let mut ended = false;
            for &byte in bytes {
                used += 1;
                let line = self.line;
                // CR, LF and CR LF each end a line.
                if byte == b'\r' || (byte == b'\n' && !self.after_cr) {
                    self.line += 1;
                }
                self.after_cr = byte == b'\r';
                let breaks = matches!(byte, b'\r' | b'\n') && at != At::Quoted;
                if !begun {
                    if breaks {
                        continue;
                    }
                    begun = true;
                    record.line = line;
                }
                if breaks {
                    record.ends.push(record.text.len());
                    ended = true;
                    break;
                }
                at = record.push(at, byte, self.separator);
            }
            self.read += used as u64;
            self.input.consume(used);
            if ended {
                return Ok(true);
            }
            if record.text.len() > RECORD_BYTES_MAX {
                bail!(FileFault::LongRow(record.line));
            }
        }
    }
}

impl Record {
    fn push(&mut self, at: At, byte: u8, separator: u8) -> At {
        match (at, byte) {
            (At::FieldStart, b'"') => return At::Quoted,
            (At::Quoted, b'"') => return At::Quote,
            (At::Quote, b'"') => {
                self.text.push(byte);
                return At::Quoted;
            }
            (At::FieldStart | At::Plain | At::Quote, _) if byte == separator => {
                self.ends.push(self.text.len());
                return At::FieldStart;
            }
            (At::Quote, _) => self.stray = true,
            _ => {}
        }
        self.text.push(byte);
        if at == At::Quoted { At::Quoted } else { At::Plain }
    }

    /// Its fields.
    pub(super) fn fields(&self) -> impl Iterator<Item = Result<&str, CellFault>> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| {
            if self.stray {
                return Err(CellFault::Stray);
            }
            str::from_utf8(&self.text[begin..*end]).map_err(|_| CellFault::NotUtf8)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u64, Vec<String>)>, String> {
        // A small buffer: a record is mostly longer.
        let mut records = Records::new(std::io::BufReader::with_capacity(3, text.as_bytes()), b',', 1);
        let (mut record, mut all) = (Record::default(), Vec::new());
        while records.next(&mut record).map_err(|error| error.to_string())? {
            all.push((record.line, record.fields().map(|field| field.unwrap_or("!").to_owned()).collect()));
        }
        Ok(all)
    }

    fn lines(text: &str) -> Vec<u64> {
        read(text).unwrap().into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn r47_lines_have_the_numbers_that_an_editor_shows() {
        assert_eq!(lines("a,b\n1,2\n3,4\n"), [1, 2, 3]);
        assert_eq!(lines("a,b\r\n1,2\r\n3,4\r\n"), [1, 2, 3]);
        assert_eq!(lines("a,b\r1,2\r3,4"), [1, 2, 3]);
        assert_eq!(lines("a,b\n1,2\n\n\n3,4\n"), [1, 2, 5]);
        assert_eq!(lines("\r\n\r\na,b\r\n\r\n1,2\r\n"), [3, 5]);
        assert_eq!(lines("a\r\r1\r"), [1, 3]);
        assert_eq!(lines("a\n\r\n1\n"), [1, 3]);
        assert_eq!(lines("\"a\r\nb\",c\r\n1,2\r\n"), [1, 3]);
        assert_eq!(lines("\"a\n\n\rb\",c\n1,2\n"), [1, 5]);
    }

    #[test]
    fn fields_are_those_of_the_standard() {
        let one = |text: &str| read(text).unwrap().remove(0).1;
        assert_eq!(one("a,,\"b,\"\"c\"\"\nd\", e"), ["a", "", "b,\"c\"\nd", " e"]);
        assert_eq!(one("\"\",x"), ["", "x"]);
        assert_eq!(one("a\"b,c\""), ["a\"b", "c\""]);
        assert_eq!(one("\"a\"b,c"), ["!", "!"]);
        assert_eq!(one(","), ["", ""]);
        assert_eq!(read("").unwrap(), []);
        assert!(read("a,b\n1,\"2\n3,4\n").unwrap_err().contains("line 2: a quotation mark opens"));
        let long = format!("a,b\n1,\"{}", "x,y\n".repeat(30_000));
        assert!(read(&long).unwrap_err().contains("line 2: longer than 64 KiB"));
    }
}
