//! Numbers after GB 11643-1999: of residents, of Hong Kong, Macao and Taiwan residents with a residence permit, and since
//! 2023-12-01 of foreigners with a permanent residence.

use jiff::civil::Date;

use super::IdFault;

/// GB 11643-1999, 6.2: the weights of the first seventeen digits.
pub(super) const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// The same: the check character by the weighted sum modulo 11.
pub(super) const CHECKS: &[u8; 11] = b"10X98765432";

/// Characters of a number.
pub(super) const CHARACTERS: usize = 18;

/// Its one spelling.
pub(super) fn read(text: &str) -> Result<String, IdFault> {
    let Ok(bytes) = <&[u8; CHARACTERS]>::try_from(text.as_bytes()) else { return Err(not_18(text)) };
    let (digits, check) = (&bytes[..17], bytes[17].to_ascii_uppercase());
    if !digits.iter().all(u8::is_ascii_digit) || !(check.is_ascii_digit() || check == b'X') {
        return Err(IdFault::Form);
    }
    let digit = |at: usize| u32::from(digits[at] - b'0');
    let sum: u32 = WEIGHTS.iter().enumerate().map(|(at, weight)| weight * digit(at)).sum();
    if CHECKS[(sum % 11) as usize] != check {
        return Err(if text.ends_with("000") { IdFault::Rounded } else { IdFault::Check });
    }
    birth(text).ok_or(IdFault::Birth)?;
    Ok(text.to_ascii_uppercase())
}

/// What is wrong with a number that has not 18 characters.
fn not_18(text: &str) -> IdFault {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // 3.20101E+17
    let exponent = text.split_once(['E', 'e']).is_some_and(|(front, power)| {
        front.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && power.starts_with('+')
    });
    match text.len() {
        15 if digits => IdFault::Old,
        _ if exponent => IdFault::Rounded,
        _ => IdFault::Form,
    }
}

/// The date of birth in a number of 18 characters.
pub(super) fn birth(text: &str) -> Option<Date> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i16>().ok();
    let (year, month, day) = (number(6, 10)?, number(10, 12)?, number(12, 14)?);
    if !(1800..2100).contains(&year) {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Whether its first digits are given to anybody who is registered now.
pub(super) fn check_region(text: &str) -> Result<(), IdFault> {
    let number = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<u32>().ok());
    match number(0, 2) {
        Some(81..=83) if number(2, 6) != Some(0) => Err(IdFault::Permit),
        Some(81..=83) => Ok(()),
        // The notice of 2023 on the five-star card: 9, the province that took the request, the state, birth, order, check.
        Some(90..=99) if number(1, 3).is_some_and(is_province) => Ok(()),
        Some(90..=99) => Err(IdFault::ResidenceRegion),
        Some(region) if is_province(region) => Ok(()),
        _ => Err(IdFault::Region),
    }
}

/// GB/T 2260.
const fn is_province(number: u32) -> bool {
    matches!(number, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81 | 82)
}
