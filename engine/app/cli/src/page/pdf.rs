//! A page as PDF. Letters are drawn as outlines: no font has to be in the file, and no viewer needs one.

use pdf_writer::{Content, Finish as _, Pdf, Rect, Ref, TextStr};

use super::fonts::{self, Fonts, Stroke};
use super::{Mark, Page};

/// Points of a millimetre.
const POINTS: f32 = 72.0 / 25.4;

/// Writes pages.
///
/// # Errors
/// A text that the fonts cannot set.
pub(super) fn write(pages: &[Page], fonts: &Fonts) -> anyhow::Result<Vec<u8>> {
    let [catalog, tree, info] = [1, 2, 3].map(Ref::new);
    let count = i32::try_from(pages.len())?;
    // Each has two objects: itself and what is drawn on it.
    let refs = || (0..count).map(|nth| (Ref::new(4 + 2 * nth), Ref::new(5 + 2 * nth)));
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.document_info(info).title(TextStr(pages.first().map_or("", |page| page.title)));
    pdf.pages(tree).kids(refs().map(|(page, _)| page)).count(count);
    for (page, (id, content)) in pages.iter().zip(refs()) {
        let mut written = pdf.page(id);
        written.media_box(Rect::new(0.0, 0.0, page.width * POINTS, page.height * POINTS));
        written.parent(tree).contents(content);
        written.resources();
        written.finish();
        pdf.stream(content, &drawn(page, fonts)?);
    }
    Ok(pdf.finish())
}

fn drawn(page: &Page, fonts: &Fonts) -> anyhow::Result<Vec<u8>> {
    let mut content = Content::new();
    // Millimetres from the upper left corner.
    content.transform([POINTS, 0.0, 0.0, -POINTS, 0.0, page.height * POINTS]);
    content.set_fill_gray(0.0);
    for mark in &page.marks {
        if let Mark::Box { x, y, width, height } = *mark {
            content.rect(x, y, width, height);
        }
    }
    content.fill_nonzero();
    for mark in &page.marks {
        let Mark::Line { x, y, size, ink, text } = mark else { continue };
        let glyphs = fonts.glyphs(text)?;
        let mut left = x - size * fonts::width(&glyphs) / 2.0;
        content.set_fill_gray(ink.light());
        for glyph in glyphs {
            let at = |[dx, dy]: [f32; 2]| [left + dx * size, y - dy * size];
            let mut from = [left, *y];
            for stroke in glyph.strokes {
                match stroke {
                    Stroke::Move(to) => {
                        from = at(to);
                        content.move_to(from[0], from[1]);
                    }
                    Stroke::Line(to) => {
                        from = at(to);
                        content.line_to(from[0], from[1]);
                    }
                    Stroke::Quad(by, to) => {
                        // The same curve with two points: each lies two thirds of the way to the one.
                        let (by, to) = (at(by), at(to));
                        let toward = |end: [f32; 2]| [0, 1].map(|i| end[i] + (by[i] - end[i]) * 2.0 / 3.0);
                        let (a, b) = (toward(from), toward(to));
                        content.cubic_to(a[0], a[1], b[0], b[1], to[0], to[1]);
                        from = to;
                    }
                    Stroke::Cubic(a, b, to) => {
                        let (a, b) = (at(a), at(b));
                        from = at(to);
                        content.cubic_to(a[0], a[1], b[0], b[1], from[0], from[1]);
                    }
                    Stroke::Close => {
                        content.close_path();
                    }
                }
            }
            left += glyph.advance * size;
        }
        content.fill_nonzero();
    }
    Ok(content.finish().into_vec())
}
