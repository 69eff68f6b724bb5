//! A request, a setting or a terminal names its language.

use hufu_texts::Language;

#[test]
fn r62_a_tag_names_its_language_and_nothing_else_does() {
    for language in Language::ALL {
        assert_eq!(Language::from_tag(language.tag()), Some(language));
        assert_eq!(Language::from_tag(language.locale()), Some(language));
    }
    for (tag, language) in [
        ("zh-Hant-TW", Language::Zh),
        ("PT_br", Language::Pt),
        ("de_DE.UTF-8", Language::De),
        ("ja@calendar=japanese", Language::Ja),
        ("in", Language::Id),
    ] {
        assert_eq!(Language::from_tag(tag), Some(language), "{tag}");
    }
    for tag in ["", "*", "C", "POSIX", "eng", "z", "zh中", "-zh", "en fr", "中文"] {
        assert_eq!(Language::from_tag(tag), None, "{tag}");
    }
    let said = "xx".parse::<Language>().unwrap_err();
    assert!(said.contains("\"xx\"") && said.contains("zh, en, fr"), "{said}");
}

#[test]
fn r62_a_browser_gets_the_language_that_it_asks_for_most() {
    for (header, language) in [
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", Some(Language::Fr)),
        ("xx, en;q=0.3, ar-EG;q=0.4", Some(Language::Ar)),
        ("en;q=0.8,ko;q=0.80", Some(Language::En)),
        ("ja ; q=1.000", Some(Language::Ja)),
        ("en;q=0", None),
        ("en;q=2, en;q=1.001, en;q=0.1234, en;q=-1, en;q=, en;level=1", None),
        ("*", None),
        ("", None),
    ] {
        assert_eq!(Language::accepted(header), language, "{header}");
    }
    let long = format!("{}zh", "x,".repeat(1000));
    assert_eq!(Language::accepted(&long), None, "no more is read than a browser sends");
}

/// Found by fuzzing: the range at the end of what is read was read in part, as another one, and where the end fell into a letter
/// nothing was read.
#[test]
fn r62_a_range_that_is_cut_is_not_read() {
    let half = format!("fr;q=0.5,{},en;q=0.1", "x".repeat(1012));
    assert_eq!(half.find(";q=0.1"), Some(1024));
    assert_eq!(Language::accepted(&half), Some(Language::Fr));
    let letter = format!("fr,{}é", "x".repeat(1020));
    assert!(!letter.is_char_boundary(1024));
    assert_eq!(Language::accepted(&letter), Some(Language::Fr));
}
