//! One range of a file (RFC 9110 section 14), so that a transfer that broke goes on where it was.

use axum::http::{HeaderMap, header};

/// What a request asks for of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestedRange {
    /// All of it: no range was named, or one that a server may pass over, because it cannot be read, names several,
    /// or goes on with another file.
    Whole,
    /// From the first of these bytes to the last, both included.
    Part {
        /// The first byte.
        first: u64,
        /// The last byte, which is there.
        last: u64,
    },
    /// Nothing that is there.
    Beyond,
}

impl RequestedRange {
    /// What `headers` ask for of a file of `length` bytes that is known by `tag`.
    pub fn of(headers: &HeaderMap, tag: &str, length: u64) -> RequestedRange {
        // Section 13.1.5: a caller that has begun with another file gets this one from its first byte.
        let began = headers.get(header::IF_RANGE);
        if began.is_some_and(|began| began.as_bytes() != tag.as_bytes()) {
            return RequestedRange::Whole;
        }
        let range = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
        range.and_then(|range| read(range, length)).unwrap_or(RequestedRange::Whole)
    }
}

fn read(range: &str, length: u64) -> Option<RequestedRange> {
    let (unit, range) = range.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let end = length.checked_sub(1)?;
    let (first, last) = match (first, last) {
        ("", count) => (length.checked_sub(number(count)?.min(length))?, end),
        (first, "") => (number(first)?, end),
        (first, last) => (number(first)?, number(last)?),
    };
    if first > end {
        return Some(RequestedRange::Beyond);
    }
    (first <= last).then_some(RequestedRange::Part { first, last: last.min(end) })
}

/// Digits and nothing else: `parse` alone takes a sign too.
fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_read_and_whatever_else_is_the_whole_file() {
        let check = |range: &str, asked: RequestedRange| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, range.parse().unwrap());
            assert_eq!(RequestedRange::of(&headers, "\"a\"", 100), asked, "{range}");
        };
        let part = |first, last| RequestedRange::Part { first, last };
        check("bytes=0-", part(0, 99));
        check("bytes=40-", part(40, 99));
        check("Bytes=40-59", part(40, 59));
        check("bytes=99-1000", part(99, 99));
        check("bytes=-1", part(99, 99));
        check("bytes=-1000", part(0, 99));
        check("bytes=100-", RequestedRange::Beyond);
        check("bytes=-0", RequestedRange::Beyond);
        for other in
            ["bytes=59-40", "bytes=0-1,5-6", "bytes=-", "bytes=+1-2", "bytes=a-", "lines=0-", "bytes"]
        {
            check(other, RequestedRange::Whole);
        }
    }

    #[test]
    fn a_range_of_another_file_is_not_answered() {
        let check = |began: Option<&str>, asked: RequestedRange| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, "bytes=7-".parse().unwrap());
            if let Some(began) = began {
                headers.insert(header::IF_RANGE, began.parse().unwrap());
            }
            assert_eq!(RequestedRange::of(&headers, "\"a\"", 10), asked, "{began:?}");
        };
        check(None, RequestedRange::Part { first: 7, last: 9 });
        check(Some("\"a\""), RequestedRange::Part { first: 7, last: 9 });
        check(Some("\"b\""), RequestedRange::Whole);
    }
}
