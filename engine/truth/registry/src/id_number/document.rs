//! Numbers that name their document: `KIND:STATE:NUMBER` or `KIND:NUMBER`. Of kinds that are known the form is checked
//! when somebody is registered; others are taken as they are.

use zeroize::Zeroizing;

use super::{IdFault, IdNumber, Seen, passport, resident};
use crate::state;

/// The older permanent residence of foreigners, of before 2023-12-01.
pub(super) const RESIDENCE: &str = "residence";
/// Mainland travel permits of Hong Kong and Macao residents.
const HONG_KONG_MACAO: &str = "hmpermit";
/// Mainland travel permits of Taiwan residents.
const TAIWAN: &str = "twpermit";
/// Documents of the armed forces. One number is one person, whatever the document is called.
const MILITARY: &str = "military";
/// Other words for a military document.
const MILITARY_WORDS: [&str; 4] = ["officer", "soldier", "army", "armedpolice"];

/// Reads what somebody wrote. A known kind gets its one spelling.
pub(super) fn read(kind: &str, rest: &str) -> Result<IdNumber, IdFault> {
    let kind = kind.to_ascii_lowercase();
    let kind = if MILITARY_WORDS.contains(&&*kind) { MILITARY } else { &kind };
    let (state, number) = match rest.rsplit_once(':') {
        Some((state, number)) => (Some(state), number),
        None => (None, rest),
    };
    let number = if kind == passport::KIND { passport::checked(number)? } else { number };
    let rest = Zeroizing::new(match state {
        Some(state) => format!("{state}:{number}"),
        None => number.to_owned(),
    });
    let read = stored(kind, &rest)?;
    let bare = read.bare();
    // China gives out these documents and no other state does.
    let bare = match kind {
        HONG_KONG_MACAO => hong_kong_macao(bare),
        TAIWAN | MILITARY | RESIDENCE => bare,
        _ => return Ok(read),
    };
    Ok(IdNumber(format!("{kind}:{bare}")))
}

/// Reads what was registered, by this version or by one that checked less.
pub(super) fn stored(kind: &str, rest: &str) -> Result<IdNumber, IdFault> {
    if rest.contains(['(', ')', '（', '）']) {
        return Err(IdFault::Brackets);
    }
    let (state, number) = match rest.split_once(':') {
        Some((state, number)) => (state::state(state.trim()).ok_or(IdFault::State)?, number),
        None => ("", rest),
    };
    let kind_fits = (2..=16).contains(&kind.len()) && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
    // Some write them and some do not, and it is the same document.
    let number = Zeroizing::new(number.replace('-', ""));
    let number_fits =
        (4..=32).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !kind_fits || !number_fits {
        return Err(form(&kind.to_ascii_lowercase()));
    }
    if resident::read(&number).is_ok() {
        return Err(IdFault::Kind);
    }
    let colon = if state.is_empty() { "" } else { ":" };
    Ok(IdNumber(format!("{}:{state}{colon}{}", kind.to_ascii_lowercase(), number.to_ascii_uppercase())))
}

/// The form of a kind, as far as one is known: who wrote the kind is not told to write it.
fn form(kind: &str) -> IdFault {
    match kind {
        passport::KIND => IdFault::Passport,
        RESIDENCE => IdFault::Residence,
        HONG_KONG_MACAO => IdFault::HongKongMacao,
        TAIWAN => IdFault::Taiwan,
        MILITARY => IdFault::Military,
        _ => IdFault::Form,
    }
}

/// Whether the number can be one of its kind that is registered now.
pub(super) fn check_new(kind: &str, number: &str, seen: Seen) -> Result<(), IdFault> {
    let fits = |is: bool, fault: IdFault| if is { Ok(()) } else { Err(fault) };
    match kind {
        passport::KIND => passport::check_new(number),
        RESIDENCE => fits(is_residence(number), IdFault::Residence),
        HONG_KONG_MACAO => {
            let digits = number.strip_prefix(['H', 'M']);
            fits(digits.is_some_and(|digits| is_digits(digits, 8)), IdFault::HongKongMacao)
        }
        TAIWAN => {
            let older = number.strip_suffix(|char: char| char.is_ascii_uppercase());
            fits(is_digits(number, 8) || older.is_some_and(|older| is_digits(older, 10)), IdFault::Taiwan)
        }
        MILITARY => {
            fits((6..=10).contains(&number.len()), IdFault::Military)?;
            fits(seen == Seen::ByClerk, IdFault::Clerk)
        }
        _ => Ok(()),
    }
}

/// Whether China alone gives out this kind, so that its number needs no state.
pub(super) fn is_of_one_state(kind: &str) -> bool {
    [RESIDENCE, HONG_KONG_MACAO, TAIWAN, MILITARY].contains(&kind)
}

/// Whether it has the form of an older permanent residence: three letters and twelve digits.
pub(super) fn looks_like_residence(text: &str) -> bool {
    let (Some(letters), Some(digits)) = (text.get(..3), text.get(3..)) else { return false };
    letters.bytes().all(|byte| byte.is_ascii_alphabetic()) && is_digits(digits, 12)
}

fn is_residence(number: &str) -> bool {
    looks_like_residence(number) && number.get(..3).and_then(state::state).is_some()
}

/// Without the two digits that count how often the permit was given out: the person keeps the others.
fn hong_kong_macao(number: &str) -> &str {
    let is_counted = number.strip_prefix(['H', 'M']).is_some_and(|digits| is_digits(digits, 10));
    if is_counted { &number[..9] } else { number }
}

fn is_digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use hufu_wire::UnixSeconds;

    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_795_219_200);

    fn check(text: &str, wanted: Result<&str, IdFault>) {
        let found = IdNumber::read(text).and_then(|number| {
            number.check_new(NOW, Seen::Unsaid)?;
            Ok(number.as_str().to_owned())
        });
        assert_eq!(found.as_deref().map_err(|fault| *fault), wanted, "{text}");
    }

    #[test]
    fn r47_travel_permits_have_their_forms() {
        check("hmpermit:h12345678", Ok("hmpermit:H12345678"));
        check("hmpermit:M12345678-02", Ok("hmpermit:M12345678"));
        check("HMPERMIT:CHN:M1234567802", Ok("hmpermit:M12345678"));
        for wrong in ["A12345678", "H1234567", "H123456789", "H1234567A", "12345678"] {
            check(&format!("hmpermit:{wrong}"), Err(IdFault::HongKongMacao));
        }
        check("twpermit:12345678", Ok("twpermit:12345678"));
        check("twpermit:1234567890b", Ok("twpermit:1234567890B"));
        for wrong in ["1234567", "123456789", "1234567890", "A2345678", "12345678B"] {
            check(&format!("twpermit:{wrong}"), Err(IdFault::Taiwan));
        }
    }

    #[test]
    fn r47_a_number_that_is_too_short_is_told_the_form_of_its_kind() {
        check("twpermit:123", Err(IdFault::Taiwan));
        check("hmpermit:H12", Err(IdFault::HongKongMacao));
        check("residence:USA", Err(IdFault::Residence));
        check("Passport:E1", Err(IdFault::Passport));
        check("military:12", Err(IdFault::Military));
        check("other:12", Err(IdFault::Form));
    }

    #[test]
    fn r47_a_permanent_residence_is_known_by_its_form() {
        check("usa310188010101", Ok("residence:USA310188010101"));
        check("residence:USA310188010101", Ok("residence:USA310188010101"));
        check("UAS310188010101", Err(IdFault::Residence));
        check("residence:USA31018801010", Err(IdFault::Residence));
        check("residence:310188010101USA", Err(IdFault::Residence));
        // Since 2023-12-01: 9, the province, the state as three digits, birth, order, check.
        check("931840198001010017", Ok("931840198001010017"));
        check("residence:931840198001010017", Err(IdFault::Kind));
        check("931840198001010013", Err(IdFault::Check));
    }

    #[test]
    fn r47_a_military_document_needs_a_clerk() {
        check("military:1234567", Err(IdFault::Clerk));
        check("officer:1234567", Err(IdFault::Clerk));
        check("military:12345", Err(IdFault::Military));
        let seen = |text: &str| IdNumber::read(text).unwrap().check_new(NOW, Seen::ByClerk);
        assert_eq!(seen("military:1234567"), Ok(()));
        assert_eq!(seen("soldier:12345678901"), Err(IdFault::Military));
        assert_eq!(IdNumber::read("Soldier:CHN:1234567").unwrap().as_str(), "military:1234567");
    }

    #[test]
    fn r47_a_passport_that_is_too_long_is_new_to_no_one() {
        check("passport:USA:E123456789", Err(IdFault::PassportLength));
        check("passport:USA:E12345678", Ok("passport:USA:E12345678"));
        check("other:E1234567890123", Ok("other:E1234567890123"));
    }

    #[test]
    fn what_was_registered_before_the_forms_is_read_as_it_was() {
        for text in ["officer:1234", "hmpermit:M1234567802", "twpermit:JPN:99", "passport:USA:E123456789"] {
            let text = text.replace("99", "9999");
            let read: IdNumber = serde_json::from_str(&format!("{text:?}")).unwrap();
            assert_eq!(read.as_str(), text);
        }
    }
}
