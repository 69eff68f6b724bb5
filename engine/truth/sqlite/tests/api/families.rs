//! Relatives bound to users over HTTP (R27).

use hufu_registry::{IdNumber, Scope};
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::world::{Asker, World, name, now};

const FAMILIES: &str = "/v1/issuers/310000/families";

/// A number of somebody who has lived about so many years.
fn aged(years: u64) -> String {
    let year = 1970 + now().0 / 31_556_952_000 - years;
    let numbers = "10X98765432".chars().map(|check| format!("110105{year}0101002{check}"));
    numbers.into_iter().find(|number| IdNumber::read(number).is_ok()).unwrap()
}

async fn application(asker: &Asker<'_>, number: &str) -> Value {
    let (status, texts) = asker.get("/v1/issuers/310000/commitments").await;
    assert_eq!(status, StatusCode::OK, "{texts}");
    let text =
        texts["commitments"].as_array().unwrap().iter().find(|text| text["version"] == "zh-1").unwrap();
    assert!(text["text"].as_str().unwrap().contains("承诺书"));
    json!({
        "user": 0, "name": "王小宝", "id_number": number,
        "assurance": {"kind": "commitment", "version": "zh-1", "text_digest": text["text_digest"],
            "signed_name": "王小明", "signed_ms": now().0},
        "consent": {"how": "guardian", "recorded_by": "counter 3", "given_ms": now().0},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn r27_a_relative_is_bound_listed_printed_for_and_unbound() {
    let world = World::start().await;
    let asker = world.asker([Scope::Holders, Scope::Families]).await;
    let people = json!({"holders": [
        {"name": "王小明", "id_number": "11010519491231002X"},
        {"name": "王小宝", "id_number": aged(3)},
    ]});
    assert_eq!(asker.post("/v1/issuers/310000/holders", people).await.0, StatusCode::OK);

    let (status, binding) = asker.post(FAMILIES, application(&asker, &aged(3)).await).await;
    assert_eq!(status, StatusCode::OK, "{binding}");
    assert_eq!(
        (&binding["id"], &binding["state"], &binding["relative"]),
        (&json!(1), &json!("active"), &json!(1))
    );
    let text = binding.to_string();
    assert!(text.contains("王*002X") && !text.contains("小宝") && !text.contains("小明"), "{text}");
    assert_eq!(binding["assured"]["version"], "zh-1");
    for side in ["user=0", "relative=1"] {
        let (_, listed) = asker.get(&format!("{FAMILIES}?{side}")).await;
        assert_eq!(listed["bindings"], json!([binding]), "{side}");
        let (_, listed) = asker.get(&format!("{FAMILIES}?{side}&after=1")).await;
        assert_eq!(listed["bindings"], json!([]));
    }
    assert_eq!(asker.get(&format!("{FAMILIES}/1")).await.1, binding);
    for query in ["", "?user=0&relative=1"] {
        let (status, problem) = asker.get(&format!("{FAMILIES}{query}")).await;
        assert_eq!((status, name(&problem)), (StatusCode::BAD_REQUEST, "malformed-query"));
    }

    let (status, issued) = asker.post(&format!("{FAMILIES}/1/codes"), json!({})).await;
    assert_eq!(status, StatusCode::OK, "{issued}");
    assert!(issued["code"].as_str().unwrap().starts_with("HF1:"));
    let week = issued["expires_ms"].as_u64().unwrap() - issued["issued_ms"].as_u64().unwrap();
    assert_eq!(week, 7 * 86_400_000);

    let (status, problem) = asker.post(&format!("{FAMILIES}/1/end"), json!({"by": "relative"})).await;
    assert_eq!((status, name(&problem)), (StatusCode::CONFLICT, "conflict"));
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .starts_with("a binding can be ended 24 hours after it was made: from 20")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn r27_what_an_applicant_must_correct_is_said_in_their_words() {
    let world = World::start().await;
    let asker = world.asker([Scope::Holders, Scope::Families]).await;
    let people = json!({"holders": [{"name": "王小明", "id_number": "11010519491231002X"}]});
    assert_eq!(asker.post("/v1/issuers/310000/holders", people).await.0, StatusCode::OK);
    let refused = async |number: &str| {
        let (status, problem) = asker.post(FAMILIES, application(&asker, number).await).await;
        assert!(!problem.to_string().contains(number), "{problem}");
        (status, problem["detail"].as_str().unwrap().to_owned())
    };
    let (status, detail) = refused("110105194912310021").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(detail.starts_with("id_number: enter a correct id number: "), "{detail}");
    let (status, detail) = refused(&aged(30)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(detail, "id_number: only people of 16 and under or of 60 and over can be bound");
    let (status, detail) = refused(&aged(3)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(detail.ends_with("register the relative first"), "{detail}");
}
