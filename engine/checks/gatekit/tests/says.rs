//! What a reason says to a person, through the interface for C (R62).

#![expect(unsafe_code, reason = "the interface is for C")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::ffi::{CStr, CString};
use std::ptr::{null, null_mut};

use hufu_gate_kit::*;

fn says(reason: u32, language: &str, line: u32) -> (i32, String) {
    let language = CString::new(language).unwrap();
    let mut text = [1; 256];
    // SAFETY: both point to what their length says.
    unsafe {
        let result = hufu_says(reason, language.as_ptr(), line, text.as_mut_ptr(), text.len());
        (result, CStr::from_ptr(text.as_ptr()).to_str().unwrap().to_owned())
    }
}

#[test]
fn r62_c_is_told_a_sentence_and_two_short_lines() {
    let ok = |text: &str| (HUFU_OK, text.to_owned());
    assert_eq!(says(100, "en", 0), ok("The status is red."));
    assert_eq!((says(100, "en", 1), says(100, "en", 2)), (ok("Red status"), ok("No entry")));
    assert_eq!(says(1, "en", 2), ok(""));
    if cfg!(feature = "languages") {
        assert_eq!((says(100, "zh-CN", 1), says(100, "zh", 2)), (ok("红码"), ok("不可通行")));
    } else {
        assert_eq!(says(100, "zh", 1), (HUFU_BAD_ARGUMENT, String::new()));
    }
    for (reason, language, line) in [(2, "en", 0), (100, "xx", 0), (100, "en", 3), (65_536, "en", 0)] {
        assert_eq!(
            says(reason, language, line),
            (HUFU_BAD_ARGUMENT, String::new()),
            "{reason} {language} {line}"
        );
    }
    // SAFETY: null is allowed in both places.
    unsafe {
        assert_eq!(hufu_says(100, null(), 0, null_mut(), 9), HUFU_BAD_ARGUMENT);
        assert_eq!(hufu_says(100, c"en".as_ptr(), 0, null_mut(), 9), HUFU_OK);
        let mut short = [1; 5];
        assert_eq!(hufu_says(100, c"en".as_ptr(), 0, short.as_mut_ptr(), short.len()), HUFU_OK);
        assert_eq!(CStr::from_ptr(short.as_ptr()), c"The ");
    }
}
