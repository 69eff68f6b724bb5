//! What watches the pages notices what it is there for.

use serde_json::json;

use crate::common::browser;

#[test]
fn r61_faults_of_a_page_are_noticed() {
    let seen = browser::run("watched", &json!({}));
    let noticed = |what: &str| seen[what].as_str().unwrap_or_default().to_owned();
    assert!(noticed("console").contains("a page's own error"), "{seen}");
    assert!(noticed("thrown").contains("thrown by a page"), "{seen}");
    assert!(noticed("origin").contains("asked another origin: http://127.0.0.2"), "{seen}");
    assert!(noticed("axe").contains("image-alt"), "{seen}");
    assert!(noticed("weight").contains("weighs"), "{seen}");
    assert!(noticed("slow").contains("is seen after"), "{seen}");
    assert_eq!(noticed("clean"), "", "{seen}");
}
