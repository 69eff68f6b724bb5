//! The made-up people of the screens: a school's pupils, with names, id numbers and colours.

use std::fmt::Write as _;

/// A pupil.
pub(super) struct Pupil {
    pub(super) name: String,
    pub(super) id_number: String,
    pub(super) class: String,
    pub(super) colour: &'static str,
}

const SURNAMES: &str = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹";
const GIVEN: &str = "子轩雨涵浩然欣怡梓宇晨曦思远佳琪明哲诗雅俊熙若兰嘉懿文博芷晴景行书瑶";
const CLASSES: usize = 10;
/// Amber and red in so many; the others are green.
const AMBER_EVERY: usize = 29;
const RED_EVERY: usize = 61;

/// `count` pupils, the same each time.
pub(super) fn pupils(count: usize) -> Vec<Pupil> {
    let letters = |of: &str| of.chars().collect::<Vec<_>>();
    let (surnames, given) = (letters(SURNAMES), letters(GIVEN));
    (0..count)
        .map(|at| {
            let [surname, first, second] =
                [surnames[at % surnames.len()], given[at * 7 % given.len()], given[at * 11 % given.len()]];
            let colour = match at {
                _ if at % RED_EVERY == RED_EVERY - 1 => "red",
                _ if at % AMBER_EVERY == AMBER_EVERY - 1 => "amber",
                _ => "green",
            };
            Pupil {
                name: format!("{surname}{first}{second}"),
                id_number: id_number(at),
                class: format!("{}班", at % CLASSES + 1),
                colour,
            }
        })
        .collect()
}

/// What `hufu import` brings in: everybody with a colour and a test.
pub(super) fn register(pupils: &[Pupil]) -> String {
    let mut text = "id_number,name,colour,test_at,test_result,doses\n".to_owned();
    for (at, Pupil { name, id_number, colour, .. }) in pupils.iter().enumerate() {
        let result = if *colour == "red" { "positive" } else { "negative" };
        let _ = writeln!(text, "{id_number},{name},{colour},-{}h,{result},{}", 3 + at % 20, at % 4);
    }
    text
}

/// What a school uploads: those of the register, a pupil who is not registered, and a slip of the hand. With the mark that
/// spreadsheets know UTF-8 by.
pub(super) fn name_list(pupils: &[Pupil]) -> String {
    let mut text = "\u{feff}班级,姓名,身份证号\n".to_owned();
    for Pupil { name, id_number, class, .. } in pupils {
        let _ = writeln!(text, "{class},{name},{id_number}");
    }
    let _ = writeln!(text, "1班,钱新生,{}", self::id_number(pupils.len()));
    let _ = writeln!(text, "2班,沈笔误,310101201209010000");
    text
}

/// A valid number that no person has: of a district of Shanghai, born in 2012, with its check character (GB 11643-1999).
fn id_number(at: usize) -> String {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &[u8; 11] = b"10X98765432";
    let body = format!("3101012012{:02}{:02}{:03}", at % 12 + 1, at / 12 % 28 + 1, 137 + at / 336 % 800);
    let sum: u32 = body.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = usize::try_from(sum % 11).unwrap_or_default();
    format!("{body}{}", char::from(CHECKS[check]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_registry::IdNumber;
    use std::collections::BTreeSet;

    #[test]
    fn every_pupil_has_a_valid_number_of_their_own() {
        let pupils = pupils(3_000);
        let numbers: BTreeSet<&String> = pupils.iter().map(|pupil| &pupil.id_number).collect();
        assert_eq!(numbers.len(), pupils.len());
        for pupil in &pupils {
            assert!(IdNumber::read(&pupil.id_number).is_ok(), "{}", pupil.id_number);
        }
        let list = name_list(&pupils);
        let slip = list.lines().last().and_then(|line| line.rsplit(',').next()).unwrap();
        assert!(IdNumber::read(slip).is_err(), "the slip of the hand is none: {slip}");
    }
}
