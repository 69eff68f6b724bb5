//! QR codes found in pictures.

use anyhow::bail;
use hufu_client::Scanner;
use hufu_wire::scan::CODE_PREFIX;
use rqrr::{BitGrid, DeQRError, Grid, PreparedImage};

use crate::picture::{Grey, Picture};

/// The bytes of the code in a picture: of the one Hufu code if there are several QR codes, or else of the one QR code.
///
/// # Errors
/// The bytes are no picture, or it has no QR code that can be read, several Hufu codes, several others, or only a part of a code.
pub(crate) fn read(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let picture = Picture::read(bytes)?;
    let mut found = Found::default();
    // Printed as it is seen on a white page, then on a dark one; each with its colours turned around, too.
    for paper in [u8::MAX, 0] {
        if paper == 0 && !picture.is_transparent() {
            break;
        }
        let mut grey = picture.on(paper);
        for _ in 0..2 {
            found.look(&grey);
            if found.ours > 0 {
                return found.one();
            }
            grey.invert();
        }
    }
    found.one()
}

/// What was found in a picture.
#[derive(Default)]
struct Found {
    /// Different texts; the Hufu codes first.
    texts: Vec<Vec<u8>>,
    /// How many of them are Hufu codes.
    ours: usize,
    /// Parts of a code that is spread over several symbols.
    parts: Vec<Part>,
}

/// One symbol of a structured append sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    number: usize,
    /// `None` when it is not known.
    of: Option<usize>,
}

impl Found {
    fn look(&mut self, grey: &Grey) {
        self.look_at(grey);
        // On a dark page without a quiet zone, the page runs into the dark edges of the symbol.
        if self.texts.is_empty()
            && self.parts.is_empty()
            && let Some(light) = grey.cut_to_light()
        {
            self.look_at(&light);
        }
    }

    fn look_at(&mut self, grey: &Grey) {
        let Grey { width, height, ref pixels } = *grey;
        let mut prepared = PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
        for grid in prepared.detect_grids() {
            let mut bytes = Vec::new();
            match grid.decode_to(&mut bytes) {
                Ok(_) => self.add(bytes),
                Err(DeQRError::UnknownDataType) => self.parts.extend(part(&grid)),
                Err(_) => {}
            }
        }
    }

    fn add(&mut self, bytes: Vec<u8>) {
        if self.texts.contains(&bytes) {
            return;
        }
        if Scanner::default().text(&bytes).is_ok_and(|text| text.starts_with(CODE_PREFIX.as_bytes())) {
            self.texts.insert(self.ours, bytes);
            self.ours += 1;
        } else {
            self.texts.push(bytes);
        }
    }

    fn one(mut self) -> anyhow::Result<Vec<u8>> {
        match (self.ours, self.texts.len(), self.parts.first()) {
            (1, ..) | (0, 1, None) => Ok(self.texts.swap_remove(0)),
            (0, _, Some(part)) => bail!("{part}"),
            (0, 0, None) => bail!("no readable QR code"),
            (0, several, None) => bail!("{several} QR codes, and none of them is a Hufu code"),
            (several, ..) => bail!("{several} Hufu codes; show one"),
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.of {
            Some(of) => write!(f, "the QR code is part {} of {of} of a code", self.number)?,
            None => write!(f, "the QR code is part {} of a code", self.number)?,
        }
        f.write_str(" that was split over several QR codes; a gate reads only a whole one")
    }
}

/// How many blocks the error correction of a version has, by level L, M, Q, H (ISO/IEC 18004, table 9), up to the version that
/// holds the longest code whole.
const BLOCKS: [[usize; 4]; 12] = [
    [1, 1, 1, 1],
    [1, 1, 1, 1],
    [1, 1, 2, 2],
    [1, 2, 2, 4],
    [1, 2, 4, 4],
    [2, 4, 4, 4],
    [2, 4, 6, 5],
    [2, 4, 6, 6],
    [2, 5, 8, 8],
    [4, 5, 8, 8],
    [4, 5, 8, 11],
    [4, 8, 10, 11],
];
/// The mode indicator of structured append (ISO/IEC 18004, table 2).
const STRUCTURED_APPEND: usize = 3;

/// Which part of a sequence a symbol is, if its first mode says that it is one (ISO/IEC 18004, 8.2). The bits are read before error
/// correction, which the reader keeps to itself: they only name the fault.
fn part<G: BitGrid>(grid: &Grid<G>) -> Option<Part> {
    let (meta, _) = grid.get_raw_data().ok()?;
    // The first codeword of a block is at the place of the block; the second ones follow those of all blocks.
    let level = [1, 0, 3, 2].into_iter().nth(meta.ecc_level.into())?;
    let blocks = BLOCKS.get(meta.version.0.checked_sub(1)?).map(|levels| levels[level]);
    let first = codeword(&grid.grid, meta.mask, 0);
    if first >> 4 != STRUCTURED_APPEND {
        return None;
    }
    let of = blocks.map(|blocks| (codeword(&grid.grid, meta.mask, blocks) >> 4) + 1);
    Some(Part { number: (first & 15) + 1, of })
}

/// The codeword in this place of the two columns at the right, which are filled from below, two modules a row.
fn codeword(grid: &dyn BitGrid, mask: u16, place: usize) -> usize {
    let last = grid.size() - 1;
    (place * 8..place * 8 + 8).fold(0, |codeword, at| {
        let (y, x) = (last - at / 2, last - at % 2);
        codeword << 1 | usize::from(grid.bit(y, x) ^ is_masked(mask, y, x))
    })
}

/// ISO/IEC 18004, table 10; `y` is the row.
fn is_masked(mask: u16, y: usize, x: usize) -> bool {
    0 == match mask {
        0 => (y + x) % 2,
        1 => y % 2,
        2 => x % 3,
        3 => (y + x) % 3,
        4 => (y / 2 + x / 3) % 2,
        5 => y * x % 2 + y * x % 3,
        6 => (y * x % 2 + y * x % 3) % 2,
        _ => ((y + x) % 2 + y * x % 3) % 2,
    }
}

#[cfg(test)]
mod tests;
