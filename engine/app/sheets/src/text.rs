//! CSV in whatever separator and encoding a spreadsheet wrote it.

use std::fs::File;
use std::io::{BufRead, BufReader};

use anyhow::Context as _;

use super::encoding::{Encoding, decoded};
use super::records::{Record, Records};
use super::{Cells, Come, Unit, Watch};

/// What a spreadsheet may put between fields.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];

/// Shows every record of `file` with its line.
pub(super) fn each(
    file: File,
    encoding: Encoding,
    watch: Watch<'_>,
    row: &mut impl FnMut(u64, Cells<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let bytes = file.metadata().context("cannot read it")?.len();
    let mut input = BufReader::with_capacity(FIRST_LINE_BYTES_MAX, decoded(file, encoding)?);
    let (separator, line) = separator(&mut input)?;
    let mut records = Records::new(input, separator, line);
    let (mut record, mut shown) = (Record::default(), 0);
    while records.next(&mut record)? {
        let cells: Vec<_> = record.fields().collect();
        row(record.line, &cells)?;
        if records.position() - shown > 1 << 20 {
            shown = records.position();
            watch(Come { at: shown, of: bytes, unit: Unit::Bytes });
        }
    }
    Ok(())
}

/// The first line is looked at whole before it is read; a longer one is no header.
const FIRST_LINE_BYTES_MAX: usize = 64 << 10;

/// The separator, told by a line `sep=;` as spreadsheets write and hide it, else by what the first line has most of; and
/// the number of the line that comes next.
fn separator(input: &mut impl BufRead) -> anyhow::Result<(u8, u64)> {
    let first = input.fill_buf().context("cannot read it")?;
    let end = |bytes: &[u8]| bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    if let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator, rest @ ..] = first
        && end(rest) == Some(0)
    {
        let (separator, is_crlf) = (*separator, rest.starts_with(b"\r\n"));
        input.consume(5 + 1 + usize::from(is_crlf));
        return Ok((separator, 2));
    }
    let blank = first.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let line = &first[blank..];
    let line = &line[..end(line).unwrap_or(line.len())];
    let mut counts = [0; 3];
    let mut quoted = false;
    for byte in line {
        quoted ^= *byte == b'"';
        if let Some(at) = SEPARATORS.iter().position(|separator| separator == byte && !quoted) {
            counts[at] += 1;
        }
    }
    // Of equals, the comma.
    let most = (0..3).rev().max_by_key(|at| counts[*at]).unwrap_or(0);
    Ok((SEPARATORS[most], 1))
}
