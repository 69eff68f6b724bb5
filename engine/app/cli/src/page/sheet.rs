//! Several codes on sheets of A4, each with its own band, name and dates, to be cut apart.

use super::{HEIGHT, Mark, Page, PageSize, WIDTH};

/// Millimetres of a sheet.
const SHEET_WIDTH: f32 = 210.0;
const SHEET_HEIGHT: f32 = 297.0;
/// Codes in a row and rows of a sheet at most, each two thirds of A6: a user has eight relatives at most.
pub(super) const SIDE_MAX: usize = 3;
/// How wide the line is that is cut along, millimetres.
const CUT: f32 = 0.2;

/// Sheets with all of these codes, in their order.
///
/// # Errors
/// A code that no page has.
pub(super) fn sheets<T: AsRef<str>>(texts: &[T]) -> anyhow::Result<Vec<Page>> {
    // As large as all of them fit: four are A6 each.
    let side = if texts.len() <= 4 { 2 } else { SIDE_MAX };
    texts.chunks(side * side).map(|texts| sheet(texts, side)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "at most three")]
fn sheet<T: AsRef<str>>(texts: &[T], side: usize) -> anyhow::Result<Page> {
    let mut sheet = Page { width: SHEET_WIDTH, height: SHEET_HEIGHT, title: "", marks: Vec::new() };
    let (width, height) = (SHEET_WIDTH / side as f32, SHEET_HEIGHT / side as f32);
    // The rounded sizes of ISO 216 differ by less than a millimetre.
    let times = (width / WIDTH).min(height / HEIGHT);
    for (nth, text) in texts.iter().enumerate() {
        let page = Page::of(text.as_ref(), PageSize::A6)?.enlarged(times);
        sheet.title = page.title;
        let (left, top) = ((nth % side) as f32 * width, (nth / side) as f32 * height);
        sheet.marks.extend(page.marks.into_iter().map(|mark| mark.moved(left, top)));
    }
    for nth in 1..side {
        let at = nth as f32;
        sheet.marks.push(Mark::Box { x: at * width - CUT / 2.0, y: 0.0, width: CUT, height: SHEET_HEIGHT });
        sheet.marks.push(Mark::Box { x: 0.0, y: at * height - CUT / 2.0, width: SHEET_WIDTH, height: CUT });
    }
    Ok(sheet)
}

impl Mark {
    fn moved(mut self, right: f32, down: f32) -> Mark {
        match &mut self {
            Mark::Box { x, y, .. } | Mark::Line { x, y, .. } => {
                *x += right;
                *y += down;
            }
        }
        self
    }
}
