//! Holders, their credentials, sites, devices and rosters; and the trail that all of it leaves.

use hufu_registry::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{World, name};

const HOLDERS: &str = "/v1/issuers/310000/holders";

fn people() -> Value {
    json!({"holders": [
        {"name": "王小明", "id_number": "11010519491231002X", "phone": "+86 10 1234 5678"},
        {"name": "Ada", "id_number": "passport:E12345678"},
    ]})
}

#[tokio::test(flavor = "multi_thread")]
async fn r10_holders_are_registered_once_and_shown_masked() {
    let world = World::start().await;
    let asker = world.asker([Scope::Holders]).await;
    let (status, registered) = asker.post(HOLDERS, people()).await;
    assert_eq!(status, StatusCode::OK, "{registered}");
    assert_eq!(registered["holders"], json!([{"index": 0, "known": false}, {"index": 1, "known": false}]));
    let (_, registered) = asker.post(HOLDERS, people()).await;
    assert_eq!(registered["holders"], json!([{"index": 0, "known": true}, {"index": 1, "known": true}]));

    let (status, holder) = asker.get(&format!("{HOLDERS}/0")).await;
    assert_eq!(status, StatusCode::OK);
    let text = holder.to_string();
    assert!(text.contains("王*") && !text.contains("小明") && !text.contains("110105"), "{text}");
    assert!(holder.get("status").is_none(), "nothing is known of them: {text}");

    let find = format!("{HOLDERS}/find");
    let (_, found) = asker.post(&find, json!({"id_number": "PASSPORT:e12345678"})).await;
    assert_eq!(found["index"], 1);
    let (status, problem) = asker.post(&find, json!({"id_number": "passport:E99999999"})).await;
    assert_eq!((status, name(&problem)), (StatusCode::NOT_FOUND, "not-found"));
    assert!(!problem.to_string().contains("E99999999"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_who_cannot_be_meant_registers_nobody() {
    let world = World::start().await;
    let asker = world.asker([Scope::Holders]).await;
    let mut wrong = people();
    wrong["holders"][1]["id_number"] = json!("110105194912310021");
    let (status, problem) = asker.post(HOLDERS, wrong).await;
    assert_eq!((status, name(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("holders[1].id_number") && !detail.contains("110105"), "{detail}");
    assert_eq!(asker.get(&format!("{HOLDERS}/0")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(asker.post(HOLDERS, json!({"holders": []})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread")]
async fn r47_documents_are_read_checked_and_taken_from_whom_they_may_be() {
    const LINES: &str =
        "P<SWEERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10";
    let world = World::start().await;
    let asker = world.asker([Scope::Holders, Scope::Audit]).await;
    // State, number and name come out of the lines that a reader gives.
    let (status, registered) = asker.post(HOLDERS, json!({"holders": [{"id_number": LINES}]})).await;
    assert_eq!(status, StatusCode::OK, "{registered}");
    let find = json!({"id_number": "passport:SWE:L898902C3<6", "name": "Eriksson, Anna Maria"});
    assert_eq!(asker.post(&format!("{HOLDERS}/find"), find).await.1["index"], 0);
    let altered = LINES.replace("L898902C3", "L898902C8");
    let (status, problem) = asker.post(HOLDERS, json!({"holders": [{"id_number": altered}]})).await;
    assert_eq!((status, name(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("check digit of the number") && !detail.contains("898902"), "{detail}");

    let soldier = json!([{"name": "Li", "id_number": "officer:1234567"}]);
    let (status, problem) = asker.post(HOLDERS, json!({"holders": soldier})).await;
    assert_eq!((status, name(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, "invalid"));
    assert!(problem["detail"].as_str().unwrap().contains("seen_by_clerk"), "{problem}");
    let (status, _) = asker.post(HOLDERS, json!({"holders": soldier, "seen_by_clerk": true})).await;
    assert_eq!(status, StatusCode::OK);
    let (_, trail) = asker.get("/v1/trail").await;
    assert!(trail.to_string().contains("1 people, seen by a clerk"), "{trail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r47_another_name_is_a_problem_that_names_everybody_it_concerns() {
    let world = World::start().await;
    let asker = world.asker([Scope::Holders]).await;
    asker.post(HOLDERS, people()).await;
    let mut wrong = people();
    wrong["holders"][0]["name"] = json!("李华");
    wrong["holders"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "Bob", "id_number": "passport:CAN:E12345678"}));
    let (status, problem) = asker.post(HOLDERS, wrong).await;
    assert_eq!((status, name(&problem)), (StatusCode::CONFLICT, "other-person"));
    assert_eq!(problem["holders"], json!([0, 2]), "{problem}");
    let text = problem.to_string();
    assert!(!text.contains('王') && !text.contains("小明") && !text.contains("Ada"), "{text}");
    assert!(!text.contains("110105") && !text.contains("李华"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r47_records_are_corrected_joined_and_parted_by_who_may() {
    let world = World::start().await;
    let clerk = world.asker([Scope::Holders]).await;
    clerk.post(HOLDERS, people()).await;
    let correction =
        json!({"display": "A*5678", "id_number": "passport:GBR:E12345678", "reason": "its state"});
    let (status, problem) = clerk.post(&format!("{HOLDERS}/1/correct"), correction.clone()).await;
    assert_eq!((status, name(&problem)), (StatusCode::FORBIDDEN, "forbidden"));

    let asker = world.asker([Scope::Correct]).await;
    let (status, corrected) = asker.post(&format!("{HOLDERS}/1/correct"), correction).await;
    assert_eq!((status, &corrected["display"]), (StatusCode::OK, &json!("A*5678")), "{corrected}");
    let parting = json!({"display": "A*5678", "name": "Bob", "reason": "two people"});
    let (status, parted) = asker.post(&format!("{HOLDERS}/1/part"), parting).await;
    assert_eq!((status, &parted["index"], &parted["display"]), (StatusCode::OK, &json!(2), &json!("B*5678")));
    let joining = json!({"display": "B*5678", "into": 0, "into_display": "王*002X", "reason": "one person"});
    let (status, joined) = asker.post(&format!("{HOLDERS}/2/join"), joining).await;
    assert_eq!((status, &joined["index"]), (StatusCode::OK, &json!(0)), "{joined}");
    let (_, ended) = clerk.get(&format!("{HOLDERS}/2")).await;
    assert_eq!((&ended["joined_into"], ended.get("status")), (&json!(0), None), "{ended}");
    let find = json!({"id_number": "passport:GBR:E12345678", "name": "bob"});
    let (_, found) = clerk.post(&format!("{HOLDERS}/find"), find).await;
    assert_eq!(found["index"], 0, "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn r02_r03_r04_credentials_of_every_kind_are_issued_and_written_down() {
    let world = World::start().await;
    let asker = world.asker([Scope::Holders, Scope::Credentials]).await;
    asker.post(HOLDERS, people()).await;
    let credentials = format!("{HOLDERS}/0/credentials");

    let (status, paper) = asker.post(&credentials, json!({"kind": "paper"})).await;
    assert_eq!(status, StatusCode::OK, "{paper}");
    assert!(paper["code"].as_str().unwrap().starts_with("HF1:"));

    let from = super::world::now().0 / 1000 * 1000;
    let trip = json!({"kind": "trip", "hub": 9, "from_ms": from, "until_ms": from + 3_600_000});
    let (status, trip) = asker.post(&credentials, trip).await;
    assert_eq!(status, StatusCode::OK, "{trip}");

    let (_, terms) = asker.get(&format!("{HOLDERS}/0/terms")).await;
    let origin = terms["issued_ms"].as_u64().unwrap() / 30_000;
    let phone = json!({"kind": "phone", "step_root": "00".repeat(16), "origin_step": origin, "terms": terms});
    let (status, issued) = asker.post(&credentials, phone.clone()).await;
    assert_eq!(status, StatusCode::OK, "{issued}");
    assert!(issued.get("code").is_none(), "a phone adds its presentation first");
    assert_eq!(issued["key"], terms["key"]);

    let mut stale = phone;
    stale["terms"]["generation"] = json!(3);
    let (status, problem) = asker.post(&credentials, stale).await;
    assert_eq!((status, name(&problem)), (StatusCode::CONFLICT, "conflict"), "{problem}");

    let (_, listed) = asker.get(&format!("{credentials}?limit=2")).await;
    let kinds = |listed: &Value| {
        let listed = listed["credentials"].as_array().unwrap().clone();
        listed.into_iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&listed), ["paper", "trip"]);
    let (_, rest) = asker.get(&format!("{credentials}?after={}", listed["credentials"][1]["number"])).await;
    assert_eq!(kinds(&rest), ["phone"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn r12_a_roster_is_kept_and_signed() {
    let world = World::start().await;
    let asker = world.asker([Scope::Rosters, Scope::Holders]).await;
    let roster = "/v1/sites/310101/rosters/class%203b";
    let groups = json!({"groups": [{"issuer": 310_000, "holders": [1, 0, 1]}]});
    let (status, refused) = asker.send(Method::PUT, roster, groups.clone()).await;
    let detail = refused["detail"].as_str().unwrap();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(detail.contains("holder 1 of issuer 310000 is not registered"), "{detail}");
    asker.post(HOLDERS, people()).await;
    let sought = json!({"people": [{"id_number": "passport:E99999999"}]});
    let (_, found) = asker.post(&format!("{HOLDERS}/look-up"), sought).await;
    assert_eq!(found, json!({"found": [null]}));
    let (status, put) = asker.send(Method::PUT, roster, groups).await;
    assert_eq!((status, &put), (StatusCode::OK, &json!({"name": "class 3b", "members": 2})));
    let (_, read) = asker.get(roster).await;
    assert_eq!(read["groups"], json!([{"issuer": 310_000, "holders": [0, 1]}]));
    let (_, listed) = asker.get("/v1/sites/310101/rosters").await;
    assert_eq!(listed["rosters"], json!([{"name": "class 3b", "members": 2}]));

    let sign = asker.request(Method::POST, &format!("{roster}/sign")).json(&json!({"valid_s": 3600}));
    let signed = sign.send().await.unwrap();
    assert_eq!(
        (signed.status(), &signed.headers()["content-type"]),
        (StatusCode::OK, &"application/octet-stream".parse().unwrap())
    );
    let signed = signed.bytes().await.unwrap();
    let parsed = hufu_codes::roster::parse(&signed).unwrap();
    assert_eq!(parsed.claims().len(), 2);

    let gone = asker.request(Method::DELETE, roster).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::NO_CONTENT);
    assert_eq!(asker.get(roster).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_and_devices_come_and_go() {
    let world = World::start().await;
    let asker = world.asker([Scope::Sites, Scope::Devices]).await;
    let site = json!({"name": "Airport", "policy": "accepts = [\"phone\"]\n"});
    assert_eq!(asker.send(Method::PUT, "/v1/sites/9", site).await.0, StatusCode::OK);
    let toml = String::from_utf8(asker.bytes("/v1/sites.toml").await).unwrap();
    assert!(toml.contains("id = 9\nname = \"Airport\"\naccepts = [\"phone\"]"), "{toml}");
    assert_eq!(
        asker.request(Method::DELETE, "/v1/sites/9").send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );

    let devices = "/v1/sites/310101/devices";
    let (_, device) = asker.post(devices, json!({"name": "Gate 1"})).await;
    assert_eq!((&device["id"], &device["generation"]), (&json!(1), &json!(1)));
    assert_eq!(asker.post(devices, json!({"name": "Gate 1"})).await.0, StatusCode::CONFLICT);
    let (_, revoked) = asker.post("/v1/devices/1/revoke", Value::Null).await;
    assert!(revoked["revoked_ms"].is_u64(), "{revoked}");
    let (_, renewed) = asker.post("/v1/devices/1/renew", Value::Null).await;
    assert_eq!((&renewed["generation"], renewed.get("revoked_ms")), (&json!(2), None));
    let (_, listed) = asker.get("/v1/devices?site=310101").await;
    assert_eq!(listed["devices"].as_array().unwrap().len(), 1);
    let (status, problem) = asker.send(Method::DELETE, "/v1/sites/310101", Value::Null).await;
    assert_eq!(
        (status, name(&problem)),
        (StatusCode::CONFLICT, "conflict"),
        "devices are kept for the record"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn r44_reading_about_people_leaves_a_line_with_who_it_was() {
    let world = World::start().await;
    let asker = world.asker([Scope::Holders, Scope::Credentials, Scope::Audit]).await;
    asker.post(HOLDERS, people()).await;
    asker.get(&format!("{HOLDERS}/0")).await;
    asker.post(&format!("{HOLDERS}/find"), json!({"id_number": "passport:E12345678"})).await;
    asker.get(&format!("{HOLDERS}/0/credentials")).await;
    assert!(asker.bytes("/v1/issuers/310000/statuses").await.is_empty());

    let (_, trail) = asker.get("/v1/trail?limit=1000").await;
    let entries = trail["entries"].as_array().unwrap();
    let done: Vec<_> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    let ours = &done[done.len() - 7..];
    assert_eq!(
        ours,
        [
            "holders.added",
            "holder.read",
            "holder.sought",
            "holder.read",
            "credentials.read",
            "statuses.exported",
            "trail.read",
        ]
    );
    let last = entries.last().unwrap();
    assert!(last["actor"].as_str().unwrap().starts_with("asker "), "{last}");
    let text = trail.to_string();
    assert!(!text.contains("E12345678") && !text.contains("110105") && !text.contains("王"), "{text}");
}
