//! Text that people read.

/// Whether a character is not seen and changes what is: it turns text around, joins, breaks or fills it without a mark of
/// its own, and no spelling needs it, as Persian needs the joiners (Unicode, `Default_Ignorable_Code_Point`, UAX 9), or is a control character. Names and displays have none.
pub fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r47_what_is_not_seen_is_hidden() {
        for hidden in ['\n', '\u{7f}', '\u{85}', '\u{200b}', '\u{202e}', '\u{2066}', '\u{2028}', '\u{feff}'] {
            assert!(is_hidden(hidden), "{hidden:?}");
        }
        for seen in ['a', ' ', '陈', '·', '\u{a0}', '\u{3000}', 'é', '\u{301}', '\u{200c}', '𠮷', '\u{fffd}']
        {
            assert!(!is_hidden(seen), "{seen:?}");
        }
    }
}
