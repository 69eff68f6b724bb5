//! Codes as pictures: QR symbols out to PNG, SVG or a terminal, and back from a photograph.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context as _, bail};
use fast_qr::convert::Builder as _;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::{ECL, QRBuilder, QRCode};
use image::{GrayImage, ImageFormat, ImageReader, Limits, Luma};
use rqrr::PreparedImage;

/// Light modules around a symbol (ISO/IEC 18004, 5.3.8).
const QUIET_ZONE: usize = 4;
/// Largest side of a picture that is read, pixels: more than any scanner has.
const PICTURE_SIDE_MAX: u32 = 12_000;
/// Most memory one picture may take, bytes.
const PICTURE_BYTES_MAX: u64 = 512 << 20;

/// The symbol of a code: level L, because a gate's scanner is close and a denser symbol is harder to read.
pub(crate) fn symbol(text: &str) -> anyhow::Result<QRCode> {
    QRBuilder::new(text).ecl(ECL::L).build().context("the code is too long for a QR symbol")
}

/// A PNG with `module_px` pixels for each module.
pub(crate) fn png(symbol: &QRCode, module_px: u32) -> anyhow::Result<Vec<u8>> {
    let side = u32::try_from(symbol.size + 2 * QUIET_ZONE)? * module_px;
    let picture = GrayImage::from_fn(side, side, |x, y| {
        let dark = is_dark(symbol, (x / module_px) as usize, (y / module_px) as usize);
        Luma([if dark { 0 } else { 255 }])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// An SVG.
pub(crate) fn svg(symbol: &QRCode) -> String {
    SvgBuilder::default().margin(QUIET_ZONE).to_str(symbol)
}

/// The symbol in half blocks. With colours it is black on white whatever the terminal's own colours; without,
/// the blocks are the light modules, right for a dark terminal.
pub(crate) fn terminal(symbol: &QRCode, colours: bool) -> String {
    let side = symbol.size + 2 * QUIET_ZONE;
    let mut text = String::new();
    for y in (0..side).step_by(2) {
        if colours {
            text.push_str("\x1b[30;107m");
        }
        for x in 0..side {
            let full = |y| y < side && is_dark(symbol, x, y) == colours;
            text.push(match (full(y), full(y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        text.push_str(if colours { "\x1b[0m\n" } else { "\n" });
    }
    text
}

fn is_dark(symbol: &QRCode, x: usize, y: usize) -> bool {
    let inside = |at: usize| at.checked_sub(QUIET_ZONE).filter(|at| *at < symbol.size);
    match (inside(x), inside(y)) {
        (Some(x), Some(y)) => symbol[y][x].value(),
        _ => false,
    }
}

/// The bytes of the one QR symbol in a picture (PNG or JPEG).
///
/// # Errors
/// The file is no picture, has no symbol that can be read, or more than one.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let picture = open(path).with_context(|| format!("cannot read a picture from {}", path.display()))?;
    let [width, height] = [picture.width(), picture.height()];
    let mut prepared = PreparedImage::prepare_from_greyscale(width as usize, height as usize, |x, y| {
        // Both are below the picture's own sides, which are 32 bits.
        u32::try_from(x).ok().zip(u32::try_from(y).ok()).map_or(255, |(x, y)| picture.get_pixel(x, y).0[0])
    });
    let mut found: Vec<Vec<u8>> = Vec::new();
    for grid in prepared.detect_grids() {
        let mut bytes = Vec::new();
        if grid.decode_to(&mut bytes).is_ok() && !found.contains(&bytes) {
            found.push(bytes);
        }
    }
    match found.len() {
        0 => bail!("there is no QR code that can be read in {}", path.display()),
        1 => Ok(found.swap_remove(0)),
        several => bail!("there are {several} QR codes in {}; show one", path.display()),
    }
}

fn open(path: &Path) -> anyhow::Result<GrayImage> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(PICTURE_SIDE_MAX);
    limits.max_image_height = Some(PICTURE_SIDE_MAX);
    limits.max_alloc = Some(PICTURE_BYTES_MAX);
    reader.limits(limits);
    Ok(reader.decode()?.into_luma8())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As long as a phone code may be, in its alphabet.
    fn text(chars: usize) -> String {
        "HF1:".chars().chain("6BFOXN*TS0BI$ZD.P7 +%".chars().cycle()).take(chars).collect()
    }

    #[test]
    fn what_is_drawn_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("code.png");
        for chars in [20, 195, 445, 512] {
            for module_px in [3, 8] {
                std::fs::write(&path, png(&symbol(&text(chars)).unwrap(), module_px).unwrap()).unwrap();
                assert_eq!(
                    read(&path).unwrap(),
                    text(chars).as_bytes(),
                    "{chars} characters, {module_px} px"
                );
            }
        }
    }

    #[test]
    fn codes_fit_the_symbols_they_were_made_for() {
        assert_eq!(symbol(&text(445)).unwrap().size, 61, "version 11");
        assert_eq!(symbol(&text(195)).unwrap().size, 41, "version 6");
    }

    #[test]
    fn what_is_no_picture_or_has_no_code_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("code.png");
        let mut blank = Cursor::new(Vec::new());
        GrayImage::from_pixel(64, 64, Luma([255])).write_to(&mut blank, ImageFormat::Png).unwrap();
        for (bytes, wanted) in
            [(&b"no picture"[..], "cannot read a picture"), (blank.get_ref(), "no QR code")]
        {
            std::fs::write(&path, bytes).unwrap();
            assert!(format!("{:#}", read(&path).unwrap_err()).contains(wanted));
        }
        assert!(read(&folder.path().join("none.png")).is_err());
    }

    #[test]
    fn a_terminal_symbol_has_its_quiet_zone() {
        let plain = terminal(&symbol("HF1:").unwrap(), false);
        assert!(plain.lines().take(2).all(|line| line.chars().all(|c| c == '█')), "{plain}");
        assert!(terminal(&symbol("HF1:").unwrap(), true).lines().all(|line| line.ends_with("\x1b[0m")));
    }
}
