//! Phones of holders over HTTP, on their own socket (R41, R46).

mod asking;
mod room;

use hufu_contract::Base64Url;
use hufu_registry::{Caller, IdNumber, Scope};
use hufu_wire::{HolderIndex, UnixMillis};
use reqwest::header::CONTENT_LENGTH;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use asking::{Front, Phone};

use super::world::{Asker, ISSUER, World, name, now, told};

async fn invite(clerk: &Asker<'_>, holder: u32) -> String {
    let path = format!("/v1/issuers/310000/holders/{holder}/invitations");
    let (status, invited) = clerk.post(&path, json!({"level": "document"})).await;
    assert_eq!(status, StatusCode::OK, "{invited}");
    invited["number"].as_str().unwrap().to_owned()
}

/// Somebody of three, for a commitment; the other person of every case.
fn child() -> String {
    let year = 1970 + now().0 / 31_556_952_000 - 3;
    let mut numbers = "10X98765432".chars().map(|check| format!("110105{year}0101002{check}"));
    numbers.find(|number| IdNumber::read(number).is_ok()).unwrap()
}

async fn people(clerk: &Asker<'_>) {
    let people = json!({"holders": [
        {"name": "王小明", "id_number": "11010519491231002X"},
        {"name": "王小宝", "id_number": child()},
    ]});
    assert_eq!(clerk.post("/v1/issuers/310000/holders", people).await.0, StatusCode::OK);
}

fn renewal(terms: &Value) -> Value {
    let origin = terms["issued_ms"].as_u64().unwrap() / 30_000 - 8;
    json!({"terms": terms, "step_root": "09".repeat(16), "origin_step": origin})
}

#[tokio::test(flavor = "multi_thread")]
async fn r41_a_phone_is_activated_renews_and_shows_its_holder_s_data() {
    let world = World::start().await;
    let clerk = world.everybody().await;
    people(&clerk).await;
    clerk.append(0).await;
    let front = Front::start(&world, |_| {});
    let about = front.about().await;
    assert_eq!(about["issuers"], json!([{"issuer": 310_000, "name": "Home"}]));
    assert_eq!((&about["zone"], &about["valid_s"]), (&json!("Asia/Shanghai"), &json!(86_400)));

    let (mut phone, number) = (Phone::new(), invite(&clerk, 0).await);
    let typed = number.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
    let (status, activated) = front.activate(&mut phone, &typed).await;
    assert_eq!(status, StatusCode::OK, "{activated}");
    assert_eq!((&activated["level"], &activated["display"]), (&json!("document"), &json!("王*002X")));
    let terms = &activated["terms"];
    let wanted = renewal(terms);
    let (status, renewed) = front.ask(&phone, "/phone/v1/renew", wanted.clone()).await;
    assert_eq!(status, StatusCode::OK, "{renewed}");
    assert_eq!((&renewed["key"], &renewed["issued_ms"]), (&terms["key"], &terms["issued_ms"]));
    let ms = |member: &str| renewed[member].as_u64().unwrap();
    assert!(ms("issued_ms") < ms("renew_from_ms") && ms("renew_from_ms") < ms("renew_until_ms"));
    assert_eq!(ms("expires_ms") - ms("issued_ms"), 86_400_000);
    assert_eq!(ms("expires_ms") - ms("renew_until_ms"), 3 * 3_600_000);
    assert_eq!(renewed["next_terms"], json!({"key": terms["key"], "generation": 0}));

    // A relative of the holder's, bound at a counter.
    let (_, texts) = clerk.get("/v1/issuers/310000/commitments").await;
    let text =
        texts["commitments"].as_array().unwrap().iter().find(|text| text["version"] == "zh-1").unwrap();
    let application = json!({
        "user": 0, "name": "王小宝", "id_number": child(),
        "assurance": {"kind": "commitment", "version": "zh-1", "text_digest": text["text_digest"],
            "signed_name": "王小明", "signed_ms": now().0},
        "consent": {"how": "guardian", "recorded_by": "counter 3", "given_ms": now().0},
    });
    assert_eq!(clerk.post("/v1/issuers/310000/families", application).await.0, StatusCode::OK);
    let soon = now().0 / 1000 * 1000 + 3_600_000;
    let trip = json!({"holder": 0, "hub": 9, "from_ms": soon, "until_ms": soon + 3_600_000});
    let trips = "/v1/issuers/310000/trips/12306/E1";
    assert_eq!(clerk.send(reqwest::Method::PUT, trips, trip).await.0, StatusCode::OK);

    let (status, own) = front.ask(&phone, "/phone/v1/status", json!({})).await;
    assert_eq!(status, StatusCode::OK, "{own}");
    assert_eq!(
        (&own["colour"], &own["display"], &own["phones"]),
        (&json!("green"), &json!("王*002X"), &json!(1))
    );
    assert_eq!(
        (&own["level"], &own["appeal"], &own["doses"]),
        (&json!("document"), &json!("12345"), &json!(0))
    );
    assert_eq!(own["trips"], json!([{"hub": 9, "from_ms": soon, "until_ms": soon + 3_600_000}]));
    assert_eq!(own["relatives"][0]["relative"], 1);
    let (status, code) = front.ask(&phone, "/phone/v1/family", json!({"relative": 1})).await;
    assert_eq!(status, StatusCode::OK, "{code}");
    assert!(code["code"].as_str().unwrap().starts_with("HF1:"));
    assert_eq!(code["display"], own["relatives"][0]["display"]);
    let (status, none) = front.ask(&phone, "/phone/v1/family", json!({"relative": 2})).await;
    assert_eq!((status, name(&none)), (StatusCode::NOT_FOUND, "not-found"));

    // The phone of somebody else asks for the same binding.
    let (mut other, number) = (Phone::new(), invite(&clerk, 1).await);
    front.activate(&mut other, &number).await;
    let (status, none) = front.ask(&other, "/phone/v1/family", json!({"relative": 1})).await;
    assert_eq!((status, name(&none)), (StatusCode::NOT_FOUND, "not-found"));

    let figures = front.running.figures()();
    assert_eq!(figures.renewals, 1);
    assert!(figures.requests.contains(&("renew".into(), 200, 1)), "{figures:?}");
    front.running.stop().await;
    let trail = world.registry.trail(&Caller::operator(), 0, 1000, now()).await.unwrap();
    let asked = trail.iter().find(|line| line.entry.action.slug() == "phones.asked").unwrap();
    assert_eq!(asked.entry.what, "1 times, by holders about themselves", "one line for all of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn r41_only_what_a_phone_has_signed_just_now_is_answered() {
    let world = World::start().await;
    let clerk = world.everybody().await;
    people(&clerk).await;
    let front = Front::start(&world, |_| {});
    let [mut phone, mut other] = [Phone::new(), Phone::new()];
    let number = invite(&clerk, 0).await;
    front.activate(&mut phone, &number).await;
    let number = invite(&clerk, 1).await;
    front.activate(&mut other, &number).await;
    let path = "/phone/v1/status";
    let refused = async |case: &str, request: RequestBuilder, status: u16, problem: &str| {
        let (told, found) = told(request.send().await.unwrap()).await;
        assert_eq!((told.as_u16(), name(&found)), (status, problem), "{case}: {found}");
        found
    };
    let at = now().0;
    let build = |change: &dyn Fn(&mut reqwest::Request)| {
        let (client, request) = front.request(&phone, path, at, "{}").build_split();
        let mut request = request.unwrap();
        change(&mut request);
        RequestBuilder::from_parts(client, request)
    };
    let header = |name: &'static str, value: &str| {
        let value: reqwest::header::HeaderValue = value.parse().unwrap();
        build(&move |request| drop(request.headers_mut().insert(name, value.clone())))
    };
    assert_eq!(told(build(&|_| {}).send().await.unwrap()).await.0, StatusCode::OK);
    for missing in ["hufu-phone", "hufu-time", "hufu-signature"] {
        let request = build(&|request| drop(request.headers_mut().remove(missing)));
        refused(missing, request, 401, "unauthenticated").await;
    }
    let request = header("hufu-signature", &other.sign(path, &at.to_string(), "{}"));
    refused("another phone's signature", request, 401, "unauthenticated").await;
    refused("another phone's name", header("hufu-phone", &other.name), 401, "unauthenticated").await;
    refused("no phone's name", header("hufu-phone", "310000.7.1"), 401, "unauthenticated").await;
    let later = (at + 1).to_string();
    refused("another time", header("hufu-time", &later), 401, "unauthenticated").await;
    let request = build(&|request| *request.body_mut() = Some("{ }".into()));
    refused("another body", request, 401, "unauthenticated").await;
    let request = build(&|request| request.url_mut().set_path("/phone/v1/renew"));
    refused("another path", request, 401, "unauthenticated").await;
    refused("no JSON", header("content-type", "text/plain"), 415, "media-type").await;
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(4096));
    refused("too long", front.request(&phone, path, at, &long), 413, "too-large").await;
    let stranger = front.request(&phone, path, at, "{\"stranger\": 1}");
    refused("an unknown member", stranger, 422, "invalid").await;
    let get = front.client.get(front.url(path));
    refused("another method", get, 405, "method-not-allowed").await;
    refused("no such path", front.client.get(front.url("/v1/issuers")), 404, "not-found").await;

    // A clock that is two minutes off is told so, with ours.
    for off in [-121_000_i64, 121_000] {
        let time = now().0.saturating_add_signed(off);
        let told = refused("a clock", front.request(&phone, path, time, "{}"), 401, "clock").await;
        let ours = told["now_ms"].as_u64().unwrap();
        assert!(now().0.abs_diff(ours) < 60_000, "{told}");
    }
    let early = front.request(&phone, path, now().0 - 110_000, "{}").send().await.unwrap();
    assert_eq!(early.headers()["cache-control"], "no-store");
    assert_eq!(early.status(), StatusCode::OK);

    // The same bytes twice have one effect.
    let (_, own) = front.ask(&phone, path, json!({})).await;
    let terms =
        json!({"key": own["terms"]["key"], "generation": 0, "issued_ms": now().0 / 1000 * 1000 - 5000});
    let body = renewal(&terms).to_string();
    let renew = || front.request(&phone, "/phone/v1/renew", now().0, &body);
    let (_, one) = told(renew().send().await.unwrap()).await;
    let (_, two) = told(renew().send().await.unwrap()).await;
    assert!(one["credential"].is_string() && one["credential"] == two["credential"]);
    let operator = Caller::operator();
    let issued = world.registry.credentials(&operator, ISSUER, HolderIndex(0), (0, 9), now()).await;
    assert_eq!(issued.unwrap().len(), 1);

    // A generation that was raised is told with the terms that hold.
    let terms = json!({"key": own["terms"]["key"], "generation": 3, "issued_ms": terms["issued_ms"]});
    let request = front.request(&phone, "/phone/v1/renew", now().0, &renewal(&terms).to_string());
    let told = refused("a generation", request, 409, "terms").await;
    assert_eq!((&told["terms"]["generation"], &told["terms"]["key"]), (&json!(0), &terms["key"]));
    assert!(told["now_ms"].is_u64(), "{told}");

    // Ended, and refused at once.
    let ended =
        clerk.send(reqwest::Method::DELETE, "/v1/issuers/310000/holders/0/phones/1", Value::Null).await;
    assert_eq!(ended.0, StatusCode::OK, "{}", ended.1);
    refused("ended", front.request(&phone, path, now().0, "{}"), 403, "phone-ended").await;
    front.running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn r41_wrong_numbers_are_told_apart_and_shut_no_one_else_out() {
    let world = World::start().await;
    let clerk = world.everybody().await;
    people(&clerk).await;
    let front = Front::start(&world, |_| {});
    let mut phone = Phone::new();
    let number = invite(&clerk, 0).await;
    for mistyped in ["", "K7QM", "K7QM-3ZTA-90XW-5HCU", &format!("{number}0")] {
        let (status, problem) = front.activate(&mut phone, mistyped).await;
        assert_eq!((status.as_u16(), name(&problem)), (422, "number-mistyped"), "{mistyped:?}");
        assert!(!problem.to_string().contains("K7QM"), "what was typed is not repeated");
    }
    assert_eq!(front.activate(&mut phone, &number).await.0, StatusCode::OK);
    let mut thief = Phone::new();
    let (status, problem) = front.activate(&mut thief, &number).await;
    assert_eq!((status.as_u16(), name(&problem)), (409, "number-used"));
    // With another key in the body than the one that signed.
    let mut liar = Phone::new();
    let body = json!({"number": number, "public_key": phone.public_key()});
    let (status, problem) = front.ask(&liar, "/phone/v1/activate", body).await;
    assert_eq!((status.as_u16(), name(&problem)), (401, "unauthenticated"));

    let old = invite(&clerk, 0).await;
    let new = invite(&clerk, 0).await;
    let (status, problem) = front.activate(&mut thief, &old).await;
    assert_eq!((status.as_u16(), name(&problem)), (410, "number-replaced"));
    // Thousands of phones share one address: what some of them get wrong is no other's fault.
    for guess in 100..140 {
        let (status, problem) = front.activate(&mut liar, &format!("0000-0000-0000-0{guess}")).await;
        assert_eq!((status.as_u16(), name(&problem)), (404, "number-unknown"), "{guess}");
    }
    // And who begins more activations than there are places for, and never ends them, holds none.
    let mut open = Vec::new();
    for _ in 0..17 {
        let mut stream = tokio::net::TcpStream::connect(front.running.addr()).await.unwrap();
        let head = format!(
            "POST /phone/v1/activate HTTP/1.1\r\nhost: x\r\nhufu-phone:\r\nhufu-time: {}\r\nhufu-signature: {}\r\n\
             content-type: application/json\r\nexpect: 100-continue\r\n{CONTENT_LENGTH}: 400\r\n\r\n",
            now().0,
            Base64Url(vec![7; 64]),
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // It is told to go on as soon as its body is waited for.
        let mut answer = [0; 25];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n");
        open.push(stream);
    }
    let mut other = Phone::new();
    assert_eq!(front.activate(&mut other, &new).await.0, StatusCode::OK);
    drop(open);
    front.running.stop().await;
}

/// A phone that asks too often waits; who signs nothing in its name uses up nothing of it.
/// A number that a thief has read is worth nothing once it was used, and the clerk sees every phone that there is.
#[tokio::test(flavor = "multi_thread")]
async fn r41_a_clerk_sees_and_ends_every_phone_of_a_holder() {
    let world = World::start().await;
    let clerk = world.everybody().await;
    people(&clerk).await;
    let front = Front::start(&world, |_| {});
    for nth in 1..=2_u32 {
        let mut phone = Phone::new();
        let number = invite(&clerk, 0).await;
        front.activate(&mut phone, &number).await;
        assert_eq!(phone.name, format!("310000.0.{nth}"));
        let (_, own) = front.ask(&phone, "/phone/v1/status", json!({})).await;
        assert_eq!(
            (&own["phones"], &own["colour"]),
            (&json!(nth), &json!("unknown")),
            "a holder sees how many"
        );
    }
    let path = "/v1/issuers/310000/holders/0/phones";
    let (_, listed) = clerk.get(path).await;
    let phones = listed["phones"].as_array().unwrap();
    assert_eq!((phones.len(), &phones[0]["level"]), (2, &json!("document")));
    assert_ne!(phones[0]["key"], phones[1]["key"]);
    let (status, invited) = clerk
        .post("/v1/issuers/310000/holders/0/invitations", json!({"level": "account", "valid_s": 60}))
        .await;
    assert_eq!((status, &invited["other_phones"]), (StatusCode::OK, &json!(2)));
    let until = UnixMillis(invited["expires_ms"].as_u64().unwrap());
    assert!(until.since(now()) <= 60_000);
    let long = json!({"level": "account", "valid_s": 604_801});
    let (status, problem) = clerk.post("/v1/issuers/310000/holders/0/invitations", long).await;
    assert_eq!((status.as_u16(), name(&problem)), (422, "invalid"));
    let red = world.asker([Scope::Credentials]).await.get(path).await.0;
    assert_eq!(red, StatusCode::FORBIDDEN, "issuing credentials is another scope");
    front.running.stop().await;
}
