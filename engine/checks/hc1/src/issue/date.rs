//! The one form of dates and times that a claim has.

use hufu_wire::UnixSeconds;

use crate::date::{days, moment};

/// The day of birth as the schema has it, counted from 1970-01-01: of a month or a year, where no more is known, the first.
pub(super) fn birth(text: &str) -> Option<i64> {
    match text.len() {
        4 => days(&format!("{text}-01-01")),
        7 => days(&format!("{text}-01")),
        _ => days(text),
    }
}

/// The instant of `2021-09-01T08:00:00+08:00`: with seconds, and with an offset or `Z`. Readers take more forms.
pub(super) fn instant(text: &str) -> Option<UnixSeconds> {
    let bytes = text.as_bytes();
    let is_form = match bytes.len() {
        20 => bytes[19] == b'Z',
        25 => bytes[22] == b':',
        _ => false,
    };
    if is_form && bytes[10] == b'T' && bytes[16] == b':' { moment(text) } else { None }
}
