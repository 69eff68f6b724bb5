//! Dates, times and numbers are written as each language writes them.

use hufu_texts::{Arg, Language, clock, date, decimal, moment, number, say};
use jiff::civil;

#[test]
fn r62_dates_and_numbers_follow_the_language() {
    let day = civil::date(2026, 11, 30);
    for language in Language::ALL {
        println!(
            "{language} {} | {} | {} | {} | {}",
            date(language, day),
            moment(language, day.at(15, 4, 0, 0)),
            clock(language, civil::time(15, 4, 0, 0)),
            number(language, 1_234_567),
            decimal(language, -1_234_500, 2)
        );
    }
    println!("{}", say(Language::De, "reason-clear", &[("a", Arg::Number(3))]));
}
