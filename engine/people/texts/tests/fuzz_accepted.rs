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
            let mut read = header.to_ascii_lowercase().into_bytes();
            read.truncate(1024);
            let names = |tag: &&str| read.windows(tag.len()).any(|part| part == tag.as_bytes());
            assert!(tags.iter().any(names), "no more is read than a browser sends");
        }
    });
}
