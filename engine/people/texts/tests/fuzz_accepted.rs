//! An `Accept-Language` header comes from anybody.

use hufu_texts::Language;

#[test]
fn fuzz_accepted() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let header = String::from_utf8_lossy(bytes);
        let accepted = Language::accepted(&header);
        let _ = Language::from_tag(&header);
        if let Some(language) = accepted {
            // It names the language somewhere, in some case.
            let tags = if language == Language::Id { ["id", "in"] } else { [language.tag(); 2] };
            assert!(tags.iter().any(|tag| header.to_ascii_lowercase().contains(tag)));
            assert!(header.len() <= 1024);
        }
    });
}
