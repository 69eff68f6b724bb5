//! Pictures in shades of grey: what a camera, a screen shot or an image program wrote.

use std::io::Cursor;

use anyhow::{Context as _, bail, ensure};
use image_webp::WebPDecoder;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Largest side of a picture that is read, pixels: more than any scanner has.
const SIDE_MAX: usize = 12_000;
/// Most memory one picture may take, bytes.
const BYTES_MAX: usize = 512 << 20;

/// A format, told by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Png,
    Jpeg,
    WebP,
    /// A format that is not read; its name.
    Other(&'static str),
}

impl Format {
    /// The format of these bytes, if they are a picture (PNG specification, 5.2; JPEG, ITU-T T.81 annex B; RIFF).
    pub(crate) fn of(bytes: &[u8]) -> Option<Format> {
        let is = |first: &[u8]| bytes.starts_with(first);
        let behind_length = bytes.get(4..12).unwrap_or_default();
        Some(match () {
            () if is(b"\x89PNG\r\n\x1a\n") => Format::Png,
            () if is(b"\xff\xd8\xff") => Format::Jpeg,
            () if is(b"RIFF") && behind_length.ends_with(b"WEBP") => Format::WebP,
            () if is(b"GIF8") => Format::Other("GIF"),
            () if is(b"BM") && bytes.len() >= 26 && bytes[6..10] == [0; 4] => Format::Other("BMP"),
            () if is(b"II*\0") || is(b"MM\0*") => Format::Other("TIFF"),
            () if is(b"%PDF-") => Format::Other("PDF"),
            () if behind_length.starts_with(b"ftypavif") => Format::Other("AVIF"),
            () if behind_length.starts_with(b"ftyphei") || behind_length.starts_with(b"ftypmif1") => {
                Format::Other("HEIC")
            }
            () if is(b"<svg") || is(b"<?xml") => Format::Other("SVG"),
            () => return None,
        })
    }
}

/// A picture in shades of grey, a byte a pixel, row by row.
pub(crate) struct Grey {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u8>,
}

/// A picture as it was read.
pub(crate) struct Picture {
    grey: Grey,
    /// How much of each pixel is seen, where some are transparent.
    alpha: Option<Vec<u8>>,
}

impl Picture {
    /// Reads a picture.
    ///
    /// # Errors
    /// The bytes are no picture of a format that is read, or a damaged or too large one.
    pub(crate) fn read(bytes: &[u8]) -> anyhow::Result<Picture> {
        match Format::of(bytes) {
            Some(Format::Png) => Picture::from_png(bytes),
            Some(Format::Jpeg) => Picture::from_jpeg(bytes),
            Some(Format::WebP) => Picture::from_webp(bytes),
            Some(Format::Other(name)) => bail!("it is {name}; save it as PNG, JPEG or WebP"),
            None => bail!("it is neither PNG, JPEG nor WebP"),
        }
    }

    /// Whether something behind it would be seen.
    pub(crate) fn is_transparent(&self) -> bool {
        self.alpha.is_some()
    }

    /// On paper of this shade.
    pub(crate) fn on(&self, paper: u8) -> Grey {
        let Grey { width, height, ref pixels } = self.grey;
        let pixels = match &self.alpha {
            None => pixels.clone(),
            Some(alpha) => {
                let on = |(grey, alpha): (&u8, &u8)| {
                    let [grey, alpha, paper] = [*grey, *alpha, paper].map(u32::from);
                    u8::try_from((grey * alpha + paper * (255 - alpha)) / 255).unwrap_or(u8::MAX)
                };
                pixels.iter().zip(alpha).map(on).collect()
            }
        };
        Grey { width, height, pixels }
    }

    fn from_png(bytes: &[u8]) -> anyhow::Result<Picture> {
        let limits = png::Limits { bytes: BYTES_MAX };
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info()?;
        let (width, height) = (reader.info().width as usize, reader.info().height as usize);
        check_size(width, height)?;
        let mut samples = vec![0; reader.output_buffer_size().context("it is too large")?];
        let frame = reader.next_frame(&mut samples)?;
        samples.truncate(frame.buffer_size());
        Ok(Picture::of(width, height, &samples, frame.color_type.samples()))
    }

    fn from_jpeg(bytes: &[u8]) -> anyhow::Result<Picture> {
        let options = DecoderOptions::default().set_max_width(SIDE_MAX).set_max_height(SIDE_MAX);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers()?;
        let (width, height) = decoder.dimensions().context("it has no size")?;
        check_size(width, height)?;
        let colours = match decoder.input_colorspace() {
            Some(ColorSpace::Luma) => ColorSpace::Luma,
            _ => ColorSpace::RGB,
        };
        decoder.set_options(options.jpeg_set_out_colorspace(colours));
        Ok(Picture::of(width, height, &decoder.decode()?, colours.num_components()))
    }

    fn from_webp(bytes: &[u8]) -> anyhow::Result<Picture> {
        let mut decoder = WebPDecoder::new(Cursor::new(bytes))?;
        decoder.set_memory_limit(BYTES_MAX);
        let (width, height) = decoder.dimensions();
        let (width, height) = (width as usize, height as usize);
        check_size(width, height)?;
        let mut samples = vec![0; decoder.output_buffer_size().context("it is too large")?];
        decoder.read_image(&mut samples)?;
        Ok(Picture::of(width, height, &samples, if decoder.has_alpha() { 4 } else { 3 }))
    }

    /// `channels` samples a pixel: grey, or red, green and blue; then, in an even number, how much of it is seen.
    fn of(width: usize, height: usize, samples: &[u8], channels: usize) -> Picture {
        let grey = |pixel: &[u8]| match *pixel {
            // ITU-R BT.709.
            [red, green, blue, ..] => {
                let sum = u32::from(red) * 2126 + u32::from(green) * 7152 + u32::from(blue) * 722;
                u8::try_from(sum / 10_000).unwrap_or(u8::MAX)
            }
            [grey, ..] => grey,
            [] => 0,
        };
        let pixels = || samples.chunks_exact(channels);
        let alpha = || pixels().filter_map(|pixel| pixel.last().copied());
        let is_transparent = channels.is_multiple_of(2) && alpha().any(|alpha| alpha != u8::MAX);
        Picture {
            grey: Grey { width, height, pixels: pixels().map(grey).collect() },
            alpha: is_transparent.then(|| alpha().collect()),
        }
    }
}

impl Grey {
    /// As PNG.
    pub(crate) fn to_png(&self) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width.try_into()?, self.height.try_into()?);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header()?.write_image_data(&self.pixels)?;
        Ok(bytes)
    }

    /// Puts light for dark.
    pub(crate) fn invert(&mut self) {
        self.pixels.iter_mut().for_each(|grey| *grey = !*grey);
    }

    /// The part that all its light pixels lie in, if that is smaller. A symbol has light modules at each of its edges.
    pub(crate) fn cut_to_light(&self) -> Option<Grey> {
        let is_light = |grey: &u8| *grey > u8::MAX / 2;
        let rows = || self.pixels.chunks_exact(self.width);
        let top = rows().position(|row| row.iter().any(is_light))?;
        let bottom = rows().rposition(|row| row.iter().any(is_light))? + 1;
        let left = rows().filter_map(|row| row.iter().position(is_light)).min()?;
        let right = rows().filter_map(|row| row.iter().rposition(is_light)).max()? + 1;
        let (width, height) = (right - left, bottom - top);
        let pixels = rows().take(bottom).skip(top).flat_map(|row| row[left..right].iter().copied());
        ((width, height) != (self.width, self.height)).then(|| Grey {
            width,
            height,
            pixels: pixels.collect(),
        })
    }
}

fn check_size(width: usize, height: usize) -> anyhow::Result<()> {
    ensure!(width > 0 && height > 0, "it has no pixels");
    // Four bytes a pixel at most.
    let fits = width.max(height) <= SIDE_MAX && width * height <= BYTES_MAX / 4;
    ensure!(fits, "{width} by {height} pixels are more than a scanner has; scale it down");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_the_grey_that_an_eye_sees() {
        let grey = |samples: &[u8], channels, paper| Picture::of(1, 1, samples, channels).on(paper).pixels;
        assert_eq!(grey(&[255, 255, 255], 3, 0), [255]);
        assert_eq!(grey(&[0, 255, 0, 255], 4, 0), [182]);
        assert_eq!(grey(&[9], 1, 255), [9]);
        assert_eq!([grey(&[9, 0], 2, 255), grey(&[9, 0], 2, 0)], [[255], [0]], "nothing of it is seen");
        assert_eq!(grey(&[0, 0, 0, 51], 4, 255), [204], "a fifth of black");
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
        let grey = Picture::read(&photograph).unwrap().on(0);
        assert_eq!((grey.width, grey.height, grey.pixels.len()), (8, 8, 64));
        assert!(grey.pixels.iter().all(|grey| (175..190).contains(grey)), "{:?}", grey.pixels);
        assert!(Picture::read(&photograph[..80]).is_err());
    }

    #[test]
    fn a_format_that_is_not_read_is_named() {
        for (bytes, wanted) in [
            (&b"GIF89a"[..], "it is GIF; save it as PNG"),
            (b"%PDF-1.7", "it is PDF"),
            (b"\0\0\0\x18ftypheic", "it is HEIC"),
            (b"<svg xmlns=", "it is SVG"),
            (b"no picture", "neither PNG, JPEG nor WebP"),
            (b"", "neither PNG, JPEG nor WebP"),
            (b"RIFF\0\0\0\0WEBP", ""),
        ] {
            assert!(format!("{:#}", Picture::read(bytes).err().unwrap()).contains(wanted), "{wanted}");
        }
        assert!(check_size(SIDE_MAX, 8).is_ok() && check_size(SIDE_MAX + 1, 8).is_err());
        assert!(check_size(0, 8).is_err() && check_size(8, 0).is_err());
        assert!(check_size(SIDE_MAX, SIDE_MAX).is_err(), "more memory than a picture may take");
    }
}
