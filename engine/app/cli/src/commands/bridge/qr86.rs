//! The GET of the QR-86 and QR500 readers: "QR-86 QR Code HTTP Interface Protocol Specification" of their maker
//! (uucjs.com, March 2021), with the envelope of the answer as servers for them write it.
//!
//! A reader sends no token. It is known by its serial number and the address it has: put such readers on a network of
//! their own.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, RawQuery, State as Of};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use hufu_api::Source;
use hufu_codes::code;
use hufu_texts::Language;
use hufu_wire::limits::CODE_BINARY_BYTES_MAX;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Number, json};

use super::routes::{Numbered, Terminals, no_such_path, problem};
use super::terminal::Outcome;

/// How a blank is escaped.
const ESCAPED_BLANK: &str = "%20";
/// More than a code has.
const BLANKS_MAX: usize = 32;

/// What the reader does with the number of the card on its Wiegand wires.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum Output {
    #[serde(rename = "wg26")]
    Wiegand26,
    #[default]
    #[serde(rename = "wg34")]
    Wiegand34,
}

impl Output {
    const fn number(self) -> u8 {
        match self {
            Output::Wiegand26 => 1,
            Output::Wiegand34 => 2,
        }
    }
}

/// Answers `GET /qa/mcardsea.php`; the ending is the reader's setting.
pub(super) async fn check(
    Of(terminals): Of<Arc<Terminals>>,
    Path(page): Path<String>,
    Extension(Source(source)): Extension<Source>,
    RawQuery(query): RawQuery,
) -> Response {
    if !page.starts_with("mcardsea.") {
        return no_such_path();
    }
    let query = query.unwrap_or_default();
    let (Some(card), Some(door), Some(serial), Some(time)) =
        (value(&query, "cardid"), value(&query, "mjihao"), value(&query, "cjihao"), value(&query, "time"))
    else {
        return problem(StatusCode::BAD_REQUEST, "cardid, mjihao, cjihao and time are wanted");
    };
    let known = terminals.by_serial.get(serial).filter(|known| source == known.source);
    let Some(Numbered { terminal, output, .. }) = known else {
        return problem(StatusCode::UNAUTHORIZED, "no terminal has this serial number at this address");
    };
    // Its answer has no sentence. A reader that heard no answer sends the same second again.
    let given = terminal.check(scanned(card), Some(time.to_owned()), Language::En).await;
    // Without a time of an engine the reader's own comes back, and it leaves its clock alone.
    let now = given.server_time.map_or_else(|| time.to_owned(), |now| now.seconds().0.to_string());
    let is_legal = given.outcome == Outcome::Admit;
    let answer = json!({
        "data": [{
            "cardid": card,
            "cjihao": serial,
            "mjihao": door.parse::<Number>().unwrap_or_else(|_| 0.into()),
            "status": u8::from(is_legal),
            "time": now,
            "output": output.number(),
        }],
        "code": 0,
        "message": given.answer["reason"].as_str().unwrap_or("offline"),
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// The value of a key as it was sent.
fn value<'q>(query: &'q str, key: &str) -> Option<&'q str> {
    query
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(name, _)| *name == key))
        .map(|(_, value)| value)
}

/// What was scanned. Readers differ in what they escape, and `+`, `%` and blanks are letters of a code: one that escapes
/// the colon of `HF1:` escapes every letter that means something in a URL, the others little or nothing but blanks.
fn scanned(sent: &str) -> Vec<u8> {
    // `%3A` may be three letters, too: then the colon of `HF1:` is there as it is.
    let escapes_all = !sent.contains(':') && (sent.contains("%3A") || sent.contains("%3a"));
    let sent = if escapes_all { sent.replace('+', " ") } else { sent.to_owned() };
    let decoded: Vec<u8> = percent_decode_str(&sent).collect();
    // `%41` may be an A, or three letters. Reading it wrongly changes the length, and then it is no code.
    if escapes_all || is_code(&decoded) { decoded } else { with_blanks(&sent) }
}

/// What a reader scanned that escapes blanks alone. One `%20` may be three letters: it is found as in `scanned`.
fn with_blanks(sent: &str) -> Vec<u8> {
    let blanks = |text: &str| text.replace(ESCAPED_BLANK, " ");
    let all = blanks(sent).into_bytes();
    if is_code(&all) {
        return all;
    }
    let mut one_left = sent.match_indices(ESCAPED_BLANK).take(BLANKS_MAX).map(|(at, letters)| {
        let (before, after) = (&sent[..at], &sent[at + letters.len()..]);
        format!("{}{letters}{}", blanks(before), blanks(after)).into_bytes()
    });
    one_left.find(|text| is_code(text)).unwrap_or(all)
}

fn is_code(text: &[u8]) -> bool {
    code::parse_text(text, &mut [0; CODE_BINARY_BYTES_MAX]).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A paper code with `+`, blanks, and these three letters in its signature.
    fn code_with(letters: &str) -> String {
        format!(
            "HF1: GGT 9P60GO0LW9HM3G2U42U8CK::3FN0JJDBUN1T0AJDKCG/E7V50.20LB0E20UOT*VGSF6UW627BT/FYM3{letters}:AQP\
             -U3KHIQ0+0AB80Y0GRO6PWA0 A3+97L1ZOB*/1P0LZNS+-T1GC-NQAMM5ND TLJKPTHEJFK469AZBVA9YPH"
        )
    }

    #[test]
    fn r60_letters_of_a_code_that_look_escaped_are_letters() {
        for letters in ["AW3", "%3A", "%20", "%41"] {
            let code = code_with(letters);
            assert!(is_code(code.as_bytes()), "{code}");
            let blanks = code.replace(' ', "%20");
            let form = code.replace('%', "%25").replace('+', "%2B").replace(':', "%3A").replace(' ', "+");
            for sent in [blanks, form] {
                assert_eq!(String::from_utf8(scanned(&sent)).unwrap(), code, "{sent}");
            }
        }
    }
}
