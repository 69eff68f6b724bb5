//! Dates, numbers and sentences with arguments are written as each language writes them.

use hufu_texts::{Arg, Language, clock, date, decimal, moment, number, say};
use jiff::civil;

#[test]
fn r62_dates_and_times_follow_the_language() {
    let day = civil::date(2026, 11, 30);
    let written = |language| moment(language, day.at(15, 4, 0, 0));
    assert_eq!(written(Language::En), "30 Nov 2026, 15:04");
    assert_eq!(written(Language::Zh), "2026年11月30日 15:04");
    assert_eq!(written(Language::De), "30.11.2026, 15:04");
    assert_eq!(written(Language::Vi), "15:04 30 thg 11, 2026");
    assert!(written(Language::Ar).starts_with("٣٠"), "{}", written(Language::Ar));
    // Years in Thailand are counted from 543 BC.
    assert_eq!(date(Language::Th, day), "30 พ.ย. 2569");
    assert_eq!(clock(Language::Id, civil::time(15, 4, 0, 0)), "15.04");
    let all = Language::ALL.map(|language| date(language, day));
    assert!(all.iter().all(|date| date.chars().filter(|c| c.is_numeric()).count() >= 6), "{all:?}");
}

#[test]
fn r62_numbers_follow_the_language() {
    assert_eq!(number(Language::En, 1_234_567), "1,234,567");
    assert_eq!(number(Language::De, 1_234_567), "1.234.567");
    assert_eq!(number(Language::Ar, 1_234_567), "١٬٢٣٤٬٥٦٧");
    assert_eq!(decimal(Language::Fr, 1_230, 2), "12,30");
    assert_eq!(decimal(Language::En, -5, 1), "-0.5");
    assert_eq!(number(Language::En, i64::MIN), "-9,223,372,036,854,775,808");
}

#[test]
fn r62_a_number_chooses_its_plural_form() {
    let said = |language, count: u64| {
        say(language, "list-checked", &[("when", "x".into()), ("count", count.into())])
    };
    assert!(said(Language::En, 1).ends_with("1 person."), "{}", said(Language::En, 1));
    assert!(said(Language::En, 2000).ends_with("2,000 people."), "{}", said(Language::En, 2000));
    for (count, wanted) in
        [(1, "1 человек"), (2, "2 человека"), (5, "5 человек"), (21, "21 человек"), (11, "11 человек")]
    {
        assert!(said(Language::Ru, count).ends_with(&format!("{wanted}.")), "{}", said(Language::Ru, count));
    }
    for (count, wanted) in
        [(0, "لا أحد"), (1, "شخص واحد"), (2, "شخصان"), (3, "٣ أشخاص"), (11, "١١ شخصا"), (100, "١٠٠ شخص")]
    {
        assert!(said(Language::Ar, count).ends_with(&format!("{wanted}.")), "{}", said(Language::Ar, count));
    }
}

#[test]
fn r62_a_name_cannot_turn_the_order_of_a_sentence() {
    let said = |language, text| say(language, "gate-appeal-at", &[("where", Arg::Text(text))]);
    assert_eq!(said(Language::En, "desk 3"), "appeal: desk 3");
    assert_eq!(said(Language::En, "محمد"), "appeal: \u{2068}محمد\u{2069}");
    // Marks of its own would end the isolation, or turn what follows.
    assert_eq!(said(Language::En, "a\u{202E}b\u{2069}"), "appeal: \u{2068}ab\u{2069}");
    assert_eq!(said(Language::Ar, "desk"), "الاعتراض: \u{2068}desk\u{2069}");
}

#[test]
fn r62_an_unknown_message_is_said_as_its_id() {
    assert_eq!(say(Language::Ja, concat!("no-", "such"), &[]), "no-such");
}
