//! Texts within markup that no template makes.

/// A text as HTML or SVG has it, between tags and in attributes with double quotes.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
