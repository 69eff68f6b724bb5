//! A page as PNG.

use ab_glyph_rasterizer::{Point, Rasterizer, point};

use super::fonts::{self, Fonts, Glyph, Stroke};
use super::{Ink, Mark, Page};
use crate::picture::Grey;

/// Pixels of a millimetre: 300 to the inch.
const PIXELS: f32 = 300.0 / 25.4;

/// Writes a page.
///
/// # Errors
/// A text that the fonts cannot set.
pub(super) fn write(page: &Page, fonts: &Fonts) -> anyhow::Result<Vec<u8>> {
    let [width, height] = [page.width, page.height].map(pixel);
    let mut grey = Grey { width, height, pixels: vec![u8::MAX; width * height] };
    for mark in &page.marks {
        match mark {
            Mark::Box { x, y, width, height } => {
                for row in pixel(*y)..pixel(y + height) {
                    let row = row * grey.width;
                    grey.pixels[row + pixel(*x)..row + pixel(x + width)].fill(0);
                }
            }
            Mark::Line { x, y, size, ink, text } => {
                let glyphs = fonts.glyphs(text)?;
                let left = x - size * fonts::width(&glyphs) / 2.0;
                draw(&mut grey, &glyphs, [left, *y], *size, *ink);
            }
        }
    }
    grey.to_png()
}

/// The pixel at this place, millimetres.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "inside of a page")]
fn pixel(mm: f32) -> usize {
    (mm * PIXELS).round().max(0.0) as usize
}

/// Draws a line of letters that begins at `x` and `y`, millimetres.
fn draw(grey: &mut Grey, glyphs: &[Glyph], [x, y]: [f32; 2], size: f32, ink: Ink) {
    // The part of the page from an em above the base line to half of one below it.
    let (top, bottom) = (pixel(y - size), pixel(y + size / 2.0).min(grey.height));
    let mut rasterizer = Rasterizer::new(grey.width, bottom.saturating_sub(top));
    let mut left = x;
    for glyph in glyphs {
        trace(&mut rasterizer, glyph, |[dx, dy]| {
            #[expect(clippy::cast_precision_loss, reason = "a page has a few thousand rows")]
            point((left + dx * size) * PIXELS, (y - dy * size) * PIXELS - top as f32)
        });
        left += glyph.advance * size;
    }
    let ink = ink.light() * 255.0;
    let part = &mut grey.pixels[top * grey.width..];
    rasterizer.for_each_pixel(|at, coverage| {
        if let Some(pixel) = part.get_mut(at)
            && coverage > 0.0
        {
            let coverage = coverage.min(1.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two shades")]
            let shade = (f32::from(*pixel) * (1.0 - coverage) + ink * coverage).round() as u8;
            *pixel = shade;
        }
    });
}

fn trace(rasterizer: &mut Rasterizer, glyph: &Glyph, at: impl Fn([f32; 2]) -> Point) {
    let (mut first, mut from) = (at([0.0; 2]), at([0.0; 2]));
    for stroke in &glyph.strokes {
        from = match *stroke {
            Stroke::Move(to) => {
                first = at(to);
                first
            }
            Stroke::Line(to) => {
                rasterizer.draw_line(from, at(to));
                at(to)
            }
            Stroke::Quad(by, to) => {
                rasterizer.draw_quad(from, at(by), at(to));
                at(to)
            }
            Stroke::Cubic(a, b, to) => {
                rasterizer.draw_cubic(from, at(a), at(b), at(to));
                at(to)
            }
            Stroke::Close => {
                rasterizer.draw_line(from, first);
                first
            }
        };
    }
}
