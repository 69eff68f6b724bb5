//! When two names are the same.

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// Whether two names are of one person: equal once both are in normal form KC of Unicode (full width becomes half width)
/// and in lower case, without spaces, hyphens, apostrophes and dots.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one == other || *letters(one) == *letters(other)
}

/// Whether `text` says `name`, however it is spelt.
pub(crate) fn is_said(text: &str, name: &str) -> bool {
    let name = letters(name);
    name.chars().count() > 1 && letters(text).contains(name.as_str())
}

/// What counts of a name; of one that is nothing but marks, all of it.
fn letters(name: &str) -> Zeroizing<String> {
    // With room from the start, so that nothing is left behind in memory that grew.
    let mut letters = Zeroizing::new(String::with_capacity(name.len() * 4));
    letters.extend(name.nfkc().flat_map(char::to_lowercase).filter(|char| !is_between(*char)));
    if letters.is_empty() {
        letters.push_str(name);
    }
    letters
}

/// Whether it stands between the letters of a name and is often left out or written in another way.
fn is_between(char: char) -> bool {
    char.is_whitespace()
        || matches!(char, '-' | '\'' | '.' | ',' | '`' | '\u{b4}' | '\u{b7}' | '\u{2bc}')
        || matches!(
            char,
            '\u{2010}'..='\u{2015}' | '\u{2018}' | '\u{2019}' | '\u{2022}' | '\u{2027}' | '\u{30fb}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r47_names_are_compared_by_their_letters() {
        let check = |one: &str, other: &str, same: bool| {
            assert_eq!((is_same(one, other), is_same(other, one)), (same, same), "{one} and {other}");
        };
        check("Wang Xiaoming", "WANG  XIAO MING", true);
        check("王小明", "王　小明", true);
        check("Ａｄａ", "ada", true);
        check("阿卜杜拉·买买提", "阿卜杜拉•买买提", true);
        check("Jean-Luc O'Neil", "jean luc o\u{2019}neil", true);
        check("Zoe\u{308}", "zoë", true);
        check("王小明", "王小名", false);
        check("Wang Xiaoming", "Wang", false);
        check("José", "Jose", false);
        check("-", "'", false);
        assert!(is_said("wrong: it is Wang Xiao-Ming's", "Wang Xiaoming"));
        assert!(!is_said("a new passport", "Ada") && !is_said("a", "a"));
    }
}
