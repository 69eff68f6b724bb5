//! Codes as pictures: QR symbols out to PNG, SVG or a terminal, and back from a photograph.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use fast_qr::convert::Builder as _;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::{ECL, QRBuilder, QRCode};
use rqrr::PreparedImage;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Light modules around a symbol (ISO/IEC 18004, 5.3.8).
const QUIET_ZONE: usize = 4;
/// Largest side of a picture that is read, pixels: more than any scanner has.
const PICTURE_SIDE_MAX: usize = 12_000;
/// Most memory one picture may take, bytes.
const PICTURE_BYTES_MAX: usize = 512 << 20;

/// Every format's first bytes (PNG specification, 5.2; JPEG, ITU-T T.81 annex B).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

/// A picture in shades of grey, a byte a pixel, row by row.
struct Grey {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

/// The symbol of a code: level L, because a gate's scanner is close and a denser symbol is harder to read.
pub(crate) fn symbol(text: &str) -> anyhow::Result<QRCode> {
    QRBuilder::new(text).ecl(ECL::L).build().context("the code is too long for a QR symbol")
}

/// A PNG with `module_px` pixels for each module.
pub(crate) fn png(symbol: &QRCode, module_px: u32) -> anyhow::Result<Vec<u8>> {
    let (side, module) = (symbol.size + 2 * QUIET_ZONE, module_px as usize);
    let row =
        |y| (0..side * module).map(move |x| if is_dark(symbol, x / module, y / module) { 0 } else { 255 });
    let pixels = (0..side * module).flat_map(row).collect();
    Grey { width: side * module, height: side * module, pixels }.to_png()
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
    let Grey { width, height, pixels } = picture;
    let mut prepared = PreparedImage::prepare_from_greyscale(width, height, |x, y| pixels[y * width + x]);
    let mut found: Vec<Vec<u8>> = Vec::new();
    for grid in prepared.detect_grids() {
        let mut bytes = Vec::new();
        if grid.decode_to(&mut bytes).is_ok() && !found.contains(&bytes) {
            found.push(bytes);
        }
    }
    match found.len() {
        0 => bail!("no readable QR code in {}", path.display()),
        1 => Ok(found.swap_remove(0)),
        several => bail!("{} has {several} QR codes; it must have one", path.display()),
    }
}

fn open(path: &Path) -> anyhow::Result<Grey> {
    let bytes = std::fs::read(path)?;
    match bytes.as_slice() {
        png if png.starts_with(PNG) => Grey::from_png(png),
        jpeg if jpeg.starts_with(JPEG) => Grey::from_jpeg(jpeg),
        _ => bail!("it is neither PNG nor JPEG"),
    }
}

impl Grey {
    fn to_png(&self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width.try_into()?, self.height.try_into()?);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header()?.write_image_data(&self.pixels)?;
        Ok(bytes)
    }

    fn from_png(bytes: &[u8]) -> anyhow::Result<Grey> {
        let limits = png::Limits { bytes: PICTURE_BYTES_MAX };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let (width, height) = (reader.info().width as usize, reader.info().height as usize);
        check_size(width, height)?;
        let mut samples = vec![0; reader.output_buffer_size().context("it is too large")?];
        let frame = reader.next_frame(&mut samples)?;
        samples.truncate(frame.buffer_size());
        Ok(Grey::of(width, height, &samples, frame.color_type.samples()))
    }

    fn from_jpeg(bytes: &[u8]) -> anyhow::Result<Grey> {
        let options =
            DecoderOptions::default().set_max_width(PICTURE_SIDE_MAX).set_max_height(PICTURE_SIDE_MAX);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers()?;
        let (width, height) = decoder.dimensions().context("it has no size")?;
        check_size(width, height)?;
        let colours = match decoder.input_colorspace() {
            Some(ColorSpace::Luma) => ColorSpace::Luma,
            _ => ColorSpace::RGB,
        };
        decoder.set_options(options.jpeg_set_out_colorspace(colours));
        Ok(Grey::of(width, height, &decoder.decode()?, colours.num_components()))
    }

    /// `channels` samples a pixel: grey, or red, green and blue, and whatever follows is passed over.
    fn of(width: usize, height: usize, samples: &[u8], channels: usize) -> Grey {
        let grey = |pixel: &[u8]| match *pixel {
            // ITU-R BT.709.
            [red, green, blue, ..] => {
                let sum = u32::from(red) * 2126 + u32::from(green) * 7152 + u32::from(blue) * 722;
                u8::try_from(sum / 10_000).unwrap_or(u8::MAX)
            }
            [grey, ..] => grey,
            [] => 0,
        };
        Grey { width, height, pixels: samples.chunks_exact(channels).map(grey).collect() }
    }
}

fn check_size(width: usize, height: usize) -> anyhow::Result<()> {
    // Four bytes a pixel at most.
    let fits = width.max(height) <= PICTURE_SIDE_MAX && width * height <= PICTURE_BYTES_MAX / 4;
    ensure!(fits, "{width} by {height} pixels are more than a scanner has; scale it down");
    Ok(())
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
    fn colours_become_the_grey_that_an_eye_sees() {
        let grey = |samples: &[u8], channels| Grey::of(1, 1, samples, channels).pixels;
        assert_eq!(grey(&[255, 255, 255], 3), [255]);
        assert_eq!(grey(&[0, 255, 0, 7], 4), [182], "and what is behind it does not matter");
        assert_eq!(grey(&[9, 0], 2), [9]);
    }

    #[test]
    fn a_photograph_is_read_in_grey() {
        // Eight by eight pixels of green, with one value all through the quantisation table.
        let [head, tail] = [
            "ffd8ffe000104a46494600010100000100010000ffdb004300",
            "ffc00011080008000803011100021100031100ffc40019000000060000000000000000000000000000010203\
             0405ffc40014100100000000000000000000000000000000ffda000c03010002000300003f005a2a13ffd9\
             ",
        ];
        let photograph = hex::decode(head.to_owned() + &"40".repeat(64) + tail).unwrap();
        let grey = Grey::from_jpeg(&photograph).unwrap();
        assert_eq!((grey.width, grey.height, grey.pixels.len()), (8, 8, 64));
        assert!(grey.pixels.iter().all(|grey| (175..190).contains(grey)), "{:?}", grey.pixels);
        assert!(Grey::from_jpeg(&photograph[..80]).is_err());
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
        let blank = Grey { width: 64, height: 64, pixels: vec![255; 64 * 64] }.to_png().unwrap();
        for (bytes, wanted) in [(&b"no picture"[..], "neither PNG nor JPEG"), (&blank, "no readable QR code")]
        {
            std::fs::write(&path, bytes).unwrap();
            assert!(format!("{:#}", read(&path).unwrap_err()).contains(wanted));
        }
        assert!(read(&folder.path().join("none.png")).is_err());
        assert!(check_size(PICTURE_SIDE_MAX, 8).is_ok() && check_size(PICTURE_SIDE_MAX + 1, 8).is_err());
        assert!(
            check_size(PICTURE_SIDE_MAX, PICTURE_SIDE_MAX).is_err(),
            "more memory than a picture may take"
        );
    }

    #[test]
    fn a_terminal_symbol_has_its_quiet_zone() {
        let plain = terminal(&symbol("HF1:").unwrap(), false);
        assert!(plain.lines().take(2).all(|line| line.chars().all(|c| c == '█')), "{plain}");
        assert!(terminal(&symbol("HF1:").unwrap(), true).lines().all(|line| line.ends_with("\x1b[0m")));
    }
}
