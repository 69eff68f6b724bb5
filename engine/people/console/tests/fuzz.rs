//! Pages of strangers: no panic, and what is read is bounded and finite.

use hufu_console::samples;

#[test]
fn r61_any_metrics_page_is_read_without_a_panic() {
    bolero::check!().for_each(|input: &[u8]| {
        let page = String::from_utf8_lossy(input);
        for sample in samples(&page) {
            assert!(sample.value.is_finite() && !sample.name.is_empty() && sample.labels.len() <= 8);
            assert!(page.contains(sample.name));
        }
    });
}
