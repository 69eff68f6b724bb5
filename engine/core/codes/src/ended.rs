//! Trip credentials that ended before their time: tickets that were changed or cancelled.
//!
//! A registry writes one list an issuer, and an engine reads it as it reads the policies of its sites. A list can only
//! refuse: what is not on it is judged as before.

use core::fmt::Write as _;

use hufu_wire::{CodeKind, IssuerId, UnixSeconds};

use crate::credential::SignedCredential;
use crate::sha256;

/// The first line of a list.
const TITLE: &str = "hufu-ended-trips 1";
/// Most credentials of all lists together: 64 MiB.
pub const ENDED_MAX: usize = 1 << 22;

/// The first half of SHA-256 of a credential. Nobody chooses what an issuer signs, so nobody finds two with one half.
type Half = [u8; 16];

/// The list of one issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedList {
    /// Whose credentials they are.
    pub issuer: IssuerId,
    /// When the registry wrote it.
    pub made: UnixSeconds,
    halves: Vec<Half>,
}

/// The lists of all issuers, to be looked into at every check of a trip code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndedTrips {
    /// Rising, each once.
    halves: Vec<Half>,
}

/// A text that is no list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}; write the list again with `hufu trip ended`")]
pub struct NotAnEndedList {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl EndedList {
    /// The list as text: the title, the issuer, the time, and a line for each credential; the last line says how many.
    pub fn write<'d>(
        issuer: IssuerId,
        made: UnixSeconds,
        digests: impl IntoIterator<Item = &'d [u8; 32]>,
    ) -> String {
        let mut text = format!("{TITLE}\nissuer {issuer}\nmade {}\n", made.0);
        let mut count = 0_usize;
        for digest in digests {
            // Writing to a text cannot fail.
            let _ = digest[..16].iter().try_for_each(|byte| write!(text, "{byte:02x}"));
            text.push('\n');
            count += 1;
        }
        let _ = writeln!(text, "end {count}");
        text
    }

    /// Reads a list.
    ///
    /// # Errors
    /// [`NotAnEndedList`] for anything that [`write`](Self::write) does not make, a list that was cut off too.
    pub fn read(text: &str) -> Result<EndedList, NotAnEndedList> {
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
        let mut next = || lines.next().unwrap_or_else(|| (text.lines().count() + 1, ""));
        let wrong = |line, what| NotAnEndedList { line, what };
        let (line, title) = next();
        if title != TITLE {
            return Err(wrong(line, "it must be `hufu-ended-trips 1`"));
        }
        let mut number = |name: &str, what| {
            let (line, text) = next();
            let value = text.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')?.parse::<u32>().ok());
            value.ok_or_else(|| wrong(line, what))
        };
        let issuer = IssuerId(number("issuer", "it must be the issuer's number")?);
        let made = UnixSeconds(number("made", "it must be when the list was made, in Unix seconds")?);
        let mut halves = Vec::new();
        loop {
            let (line, text) = next();
            if let Some(count) = text.strip_prefix("end ") {
                if count.parse() != Ok(halves.len()) || !next().1.is_empty() {
                    return Err(wrong(line, "it must say how many lines there were, as the last line"));
                }
                return Ok(EndedList { issuer, made, halves });
            }
            if halves.len() == ENDED_MAX {
                return Err(wrong(line, "the list is longer than an engine takes"));
            }
            halves
                .push(half(text).ok_or_else(|| wrong(line, "it must be 32 hexadecimal digits, or the end"))?);
        }
    }

    /// How many credentials are on it.
    pub fn len(&self) -> usize {
        self.halves.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.halves.is_empty()
    }
}

impl EndedTrips {
    /// All of these lists together.
    pub fn of<'l>(lists: impl IntoIterator<Item = &'l EndedList>) -> EndedTrips {
        let mut halves: Vec<Half> = lists.into_iter().flat_map(|list| &list.halves).copied().collect();
        halves.sort_unstable();
        halves.dedup();
        EndedTrips { halves }
    }

    /// Whether a credential has ended. Only trips do; SHA-256 of its bytes, at most 300, where there is a list.
    pub fn ends(&self, credential: &SignedCredential<'_>) -> bool {
        if self.halves.is_empty() || credential.claims().kind() != CodeKind::Trip {
            return false;
        }
        let digest = sha256::digest(credential.bytes());
        let (halves, _) = digest.as_chunks::<16>();
        self.halves.binary_search(&halves[0]).is_ok()
    }

    /// How many credentials are on the lists.
    pub fn len(&self) -> usize {
        self.halves.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.halves.is_empty()
    }
}

fn half(text: &str) -> Option<Half> {
    let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut half = [0; 16];
    for (byte, [high, low]) in half.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = value(*high)? << 4 | value(*low)?;
    }
    Some(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r04_a_list_is_read_as_it_was_written_and_not_when_it_was_cut() {
        let digests = [[0xab; 32], [0x01; 32]];
        let text = EndedList::write(IssuerId(310_000), UnixSeconds(7), &digests);
        let list = EndedList::read(&text).unwrap();
        assert_eq!((list.issuer, list.made, list.len()), (IssuerId(310_000), UnixSeconds(7), 2));
        assert_eq!(EndedTrips::of([&list, &list]).len(), 2);
        assert!(EndedList::read(&EndedList::write(IssuerId(1), UnixSeconds(7), [])).unwrap().is_empty());
        for cut in 0..text.len() - 1 {
            assert!(EndedList::read(&text[..cut]).is_err(), "cut at {cut}");
        }
        let check =
            |text: &str, line: usize| assert_eq!(EndedList::read(text).unwrap_err().line, line, "{text}");
        check(&text.replace("trips 1", "trips 2"), 1);
        check(&text.replace("issuer 310000", "issuer x"), 2);
        check(&text.replace("abab", "ABab"), 4);
        check(&text.replace("end 2", "end 3"), 6);
        check(&format!("{text}more\n"), 6);
    }

    #[test]
    fn r04_a_long_list_is_read_in_one_pass() {
        // Where each line cost a look at all of them, this took minutes.
        let digests: Vec<[u8; 32]> =
            (0..200_000_u32).map(|n| [n.to_le_bytes(); 8].concat().try_into().unwrap()).collect();
        let list = EndedList::read(&EndedList::write(IssuerId(1), UnixSeconds(7), &digests)).unwrap();
        assert_eq!(list.len(), digests.len());
    }
}
