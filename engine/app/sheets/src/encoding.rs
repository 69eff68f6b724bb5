//! In which encoding a text is, and how it becomes UTF-8.

use std::fs::File;
use std::io::{self, Read, Seek as _};

use anyhow::{bail, ensure};
use clap::ValueEnum;
use encoding_rs::{CoderResult, Decoder, GB18030, UTF_8, UTF_16BE, UTF_16LE};

use crate::fault::FileFault;

/// An encoding of a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Encoding {
    /// UTF-8
    #[value(name = "utf-8")]
    Utf8,
    /// GB18030, GBK or GB 2312, as spreadsheets in China write
    #[value(name = "gb18030", alias = "gbk", alias = "gb2312")]
    Gb18030,
    /// UTF-16, low byte first
    #[value(name = "utf-16le")]
    Utf16Le,
    /// UTF-16, high byte first
    #[value(name = "utf-16be")]
    Utf16Be,
}

/// The encoding of a file: what `said` says, else what the mark at its beginning says, else what its bytes can be.
///
/// # Errors
/// The bytes can be both UTF-8 and GB18030, or are neither text nor UTF-16 with a mark.
pub(super) fn of(mut file: File, said: Option<Encoding>) -> anyhow::Result<Encoding> {
    if let Some(said) = said {
        return Ok(said);
    }
    let mut first = [0; 4];
    let bytes = file.read(&mut first)?;
    match &first[..bytes] {
        [0xef, 0xbb, 0xbf, ..] => return Ok(Encoding::Utf8),
        [0xff, 0xfe, ..] => return Ok(Encoding::Utf16Le),
        [0xfe, 0xff, ..] => return Ok(Encoding::Utf16Be),
        bytes if bytes.contains(&0) => {
            bail!(FileFault::NotText)
        }
        _ => {}
    }
    file.rewind()?;
    let mut look = Look::default();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let bytes = file.read(&mut buffer)?;
        look.at(&buffer[..bytes], bytes == 0);
        if bytes == 0 {
            break;
        }
    }
    look.judge()
}

/// What the bytes of a file can be.
#[derive(Default)]
struct Look {
    utf8: Utf8,
    pairs: Pairs,
}

/// Whether bytes are UTF-8, and whether a character beyond U+07FF is among them.
struct Utf8 {
    decoder: Decoder,
    valid: bool,
    wide: bool,
}

/// Bytes as pairs of GB 2312, the common part of GB18030.
#[derive(Default)]
struct Pairs {
    /// The first byte of a pair whose second is not read yet.
    lead: Option<u8>,
    /// Hanzi of GB 2312.
    common: u64,
    /// Other pairs.
    other: u64,
    /// A byte before or after a run of pairs is a letter, as in `Müller`.
    beside_letter: bool,
    last: u8,
}

impl Default for Utf8 {
    fn default() -> Utf8 {
        Utf8 { decoder: UTF_8.new_decoder_without_bom_handling(), valid: true, wide: false }
    }
}

impl Look {
    fn at(&mut self, bytes: &[u8], last: bool) {
        self.utf8.at(bytes, last);
        self.pairs.at(bytes);
    }

    fn judge(&self) -> anyhow::Result<Encoding> {
        let Pairs { common, other, beside_letter, .. } = self.pairs;
        if !self.utf8.valid {
            // Text of Latin letters in an encoding of Europe is rarely made of common hanzi.
            let mostly_common = common > 0 && other * 5 <= common && (!beside_letter || common > 20);
            return Ok(if mostly_common { Encoding::Gb18030 } else { Encoding::Utf8 });
        }
        // D0 BB CA AF is лʯ in one and 谢石 in the other; somebody must say which.
        ensure!(self.utf8.wide || common == 0 || other > 0 || beside_letter, FileFault::TwoEncodings);
        Ok(Encoding::Utf8)
    }
}

impl Utf8 {
    fn at(&mut self, mut bytes: &[u8], last: bool) {
        let mut text = [0; 8 << 10];
        while self.valid {
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(bytes, &mut text, last);
            // A lead of three or four bytes.
            self.wide |= text[..written].iter().any(|byte| *byte >= 0xe0);
            bytes = &bytes[read..];
            match result {
                encoding_rs::DecoderResult::InputEmpty => return,
                encoding_rs::DecoderResult::OutputFull => {}
                encoding_rs::DecoderResult::Malformed(..) => self.valid = false,
            }
        }
    }
}

impl Pairs {
    fn at(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let lead = self.lead.take();
            // The second byte of a pair may look like a letter and is none.
            let last = if lead.is_some() { 0x80 } else { byte };
            match lead {
                Some(lead) if (0xb0..=0xf7).contains(&lead) && byte >= 0xa1 => self.common += 1,
                // The separators and the punctuation of the other rows say nothing.
                Some(lead) if (0xa1..0xb0).contains(&lead) && byte >= 0xa1 => {}
                Some(_) => self.other += 1,
                None if byte >= 0x80 => {
                    self.lead = Some(byte);
                    self.beside_letter |= self.last.is_ascii_alphabetic();
                }
                None => self.beside_letter |= self.last >= 0x80 && byte.is_ascii_alphabetic(),
            }
            self.last = last;
        }
    }
}

/// The file as UTF-8, without a mark. What is not UTF-8 in a file of that encoding stays, to be refused where it stands.
pub(super) fn decoded(mut file: File, encoding: Encoding) -> io::Result<Box<dyn Read>> {
    let of = match encoding {
        Encoding::Utf8 => {
            let mut mark = [0; 3];
            let is_mark = file.read_exact(&mut mark).is_ok() && mark == [0xef, 0xbb, 0xbf];
            file.seek(io::SeekFrom::Start(if is_mark { 3 } else { 0 }))?;
            return Ok(Box::new(file));
        }
        Encoding::Gb18030 => GB18030,
        Encoding::Utf16Le => UTF_16LE,
        Encoding::Utf16Be => UTF_16BE,
    };
    Ok(Box::new(Decoded {
        file,
        decoder: of.new_decoder_with_bom_removal(),
        input: vec![0; 16 << 10],
        have: 0..0,
        ended: false,
        done: false,
    }))
}

/// A file that becomes UTF-8 as it is read. What it cannot be becomes U+FFFD, which no name may have.
struct Decoded {
    file: File,
    decoder: Decoder,
    input: Vec<u8>,
    have: std::ops::Range<usize>,
    /// The file has no more.
    ended: bool,
    /// And the decoder has said all of it.
    done: bool,
}

impl Read for Decoded {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        while !self.done {
            if self.have.is_empty() && !self.ended {
                let bytes = self.file.read(&mut self.input)?;
                self.have = 0..bytes;
                self.ended = bytes == 0;
            }
            let input = &self.input[self.have.clone()];
            let (result, read, written, _) = self.decoder.decode_to_utf8(input, out, self.ended);
            self.have.start += read;
            self.done = self.ended && result == CoderResult::InputEmpty;
            if written > 0 {
                return Ok(written);
            }
            // The longest character that a decoder writes at once has to fit.
            if result == CoderResult::OutputFull && read == 0 {
                return Err(io::Error::other("the reader's buffer is too small"));
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn told(bytes: &[u8]) -> Result<Encoding, String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        of(file, None).map_err(|error| error.to_string())
    }

    fn gb(text: &str) -> Vec<u8> {
        GB18030.encode(text).0.into_owned()
    }

    #[test]
    fn r47_an_encoding_is_told_from_the_bytes_or_asked_for() {
        assert_eq!(told(b"name\nLi\n"), Ok(Encoding::Utf8));
        assert_eq!(told("name\n王小明,陈一\n".as_bytes()), Ok(Encoding::Utf8));
        assert_eq!(told("name\nMüller\nÅsa Ö\n".as_bytes()), Ok(Encoding::Utf8));
        assert_eq!(told("name\nИван,Яна\n".as_bytes()), Ok(Encoding::Utf8));
        assert_eq!(
            told(&gb("姓名,身份证号\n陈一,1\n刘二,2\n朱镕基,3\n王喆,4\n欧阳娜娜,5")),
            Ok(Encoding::Gb18030)
        );
        assert_eq!(told(b"\xff\xfen\0"), Ok(Encoding::Utf16Le));
        assert_eq!(told(b"\xfe\xff\0n"), Ok(Encoding::Utf16Be));
        assert_eq!(told("\u{feff}name".as_bytes()), Ok(Encoding::Utf8));
        // 谢石 of a Chinese spreadsheet is valid UTF-8 by chance.
        let both = told(&gb("name\n谢石\n")).unwrap_err();
        assert!(both.contains("--encoding gb18030"), "{both}");
        // One broken name among good ones stays one broken name.
        assert_eq!(told("name\n王小明\nL\u{e9}on\n".as_bytes()), Ok(Encoding::Utf8));
        assert_eq!(told(b"name\nL\xffi\n"), Ok(Encoding::Utf8));
        // Latin-1 is not guessed: its names would become hanzi.
        assert_eq!(told(b"name\nM\xfcller\nG\xf6tz\n"), Ok(Encoding::Utf8));
        assert!(told(b"n\0a\0m\0e\0").unwrap_err().contains("UTF-16 without a mark"));
    }

    #[test]
    fn a_text_is_decoded_however_small_the_pieces() {
        let mut file = tempfile::tempfile().unwrap();
        let text = "姓名\n陈一\u{20bb7}\n".repeat(5000);
        file.write_all(&gb(&text)).unwrap();
        file.rewind().unwrap();
        let (mut found, mut piece) = (Vec::new(), [0; 61]);
        let mut text_of = decoded(file, Encoding::Gb18030).unwrap();
        while let bytes @ 1.. = text_of.read(&mut piece).unwrap() {
            found.extend_from_slice(&piece[..bytes]);
        }
        assert_eq!(found, text.as_bytes());
    }
}
