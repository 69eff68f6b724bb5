//! Terminals that speak HTTP, through a real bridge to a real engine (R60).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;

use common::{Deployment, Engine, check, eventually, get};
use serde_json::{Value, json};

const NORTH: &str = "north-token-0123456789";
const SOUTH: &str = "south-token-0123456789";
const SERIAL: &str = "463D5361";

/// Two terminals with tokens and a QR-86 reader, on three lanes of one device.
fn bridged() -> Deployment {
    let deployment = Deployment::new();
    deployment.issue("42");
    deployment.set("43", "red");
    deployment.issue("43");
    for (name, token) in [("north", NORTH), ("south", SOUTH)] {
        let path = deployment.path(&format!("{name}.token"));
        fs::write(&path, format!("{token}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    deployment.write("bridge.toml", &settings("", ""));
    deployment
}

fn settings(first: &str, more: &str) -> String {
    format!(
        "listen = '127.0.0.1:0'\n{first}
         [[terminal]]\nname = 'north'\ngate = 'gate'\ntoken = 'north.token'
         [[terminal]]\nname = 'south'\ngate = 'gate'\nlane = 1\ntoken = 'south.token'
         [[terminal]]\nname = 'reader'\ngate = 'gate'\nlane = 2\ndialect = 'qr-86'\nserial = '{SERIAL}'\nsource = '127.0.0.1'
         {more}"
    )
}

struct Bridge {
    process: Engine,
    address: String,
}

impl Bridge {
    fn start(deployment: &Deployment) -> Bridge {
        let process = deployment.serve_bridge("bridge.toml");
        let address = process.ready.trim().strip_prefix("ready api=").unwrap().to_owned();
        Bridge { process, address }
    }

    /// Every terminal has a session.
    fn with_sessions(deployment: &Deployment) -> Bridge {
        let bridge = Bridge::start(deployment);
        bridge.becomes_ready();
        bridge
    }

    fn becomes_ready(&self) {
        eventually("every terminal has a session", || match get(&self.address, "/readyz") {
            (200, _) => Ok(()),
            (_, why) => Err(why),
        });
    }

    /// Sends these bytes; the status and the body's JSON.
    fn sends(&self, request: &[u8]) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    fn asks(&self, token: &str, body: &Value) -> (u16, Value) {
        let body = body.to_string();
        let length = format!("Content-Length: {}\r\n", body.len());
        self.sends(format!("{}{length}\r\n{body}", head(token)).as_bytes())
    }

    fn reads(&self, serial: &str, card: &str, time: &str) -> (u16, Value) {
        let path = format!("/qa/mcardsea.php?cardid={card}&mjihao=1&cjihao={serial}&status=11&time={time}");
        self.sends(format!("GET {path} HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n").as_bytes())
    }
}

fn head(token: &str) -> String {
    format!("POST /v1/check HTTP/1.1\r\nHost: b\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n")
}

#[test]
fn r60_terminals_open_by_their_own_tokens() {
    let deployment = bridged();
    // Somebody who is in cannot come in again, at whichever terminal.
    let sites = fs::read_to_string(deployment.path("sites.toml")).unwrap();
    deployment.write("sites.toml", &format!("{sites}pass_back_s = 60\npass_back_by = \"lane\"\n"));
    let _engine = deployment.serve();
    let bridge = Bridge::with_sessions(&deployment);
    let green = deployment.code("42");
    let (status, first) = bridge.asks(NORTH, &json!({ "code": green, "id": "scan 1" }));
    assert_eq!(
        (status, &first["decision"], &first["id"]),
        (200, &json!("admit"), &json!("scan 1")),
        "{first}"
    );
    assert!(first["server_time_ms"].as_u64().is_some_and(|ms| ms > 1_790_000_000_000), "{first}");
    // It did not hear the answer.
    assert_eq!(bridge.asks(NORTH, &json!({ "code": green, "id": "scan 1" })), (200, first.clone()));
    let (_, again) = bridge.asks(NORTH, &json!({ "code": green, "id": "scan 2" }));
    assert_eq!(again["decision"], "admit", "{again}");
    assert_ne!(again["number"], first["number"], "another scan is another check");
    for ask in [json!({ "code": green, "id": "scan 1" }), json!({ "code": green })] {
        let (status, there) = bridge.asks(SOUTH, &ask);
        assert_eq!(
            (status, &there["decision"], &there["reason"]),
            (200, &json!("refuse"), &json!("pass-back"))
        );
    }
    // The same name for another code is another scan.
    let (_, red) = bridge.asks(NORTH, &json!({ "code": deployment.code("43"), "id": "scan 1" }));
    assert_eq!(red["reason"], "status-red");
    assert_eq!(red["appeal"], "Ask the staff, or appeal at the authority that issued the code.", "r29");
    let (status, torn) = bridge.asks(SOUTH, &json!({ "code": "hf1:6bf" }));
    assert_eq!((status, &torn["decision"]), (200, &Value::Null), "{torn}");
    assert!(torn["server_time_ms"].is_u64(), "{torn}");
}

#[test]
fn r62_a_terminal_is_answered_in_the_language_of_its_request_its_setting_or_its_header() {
    let deployment = bridged();
    let settings = fs::read_to_string(deployment.path("bridge.toml")).unwrap();
    let south = "token = 'south.token'";
    assert!(settings.contains(south), "{settings}");
    deployment.write("bridge.toml", &settings.replace(south, &format!("{south}\nlanguage = \"zh-CN\"")));
    let _engine = deployment.serve();
    let bridge = Bridge::with_sessions(&deployment);
    let red = deployment.code("43");
    let asks = |token: &str, lang: Option<&str>, header: &str| {
        let mut body = json!({ "code": red });
        if let Some(lang) = lang {
            body["lang"] = json!(lang);
        }
        let body = body.to_string();
        let length = format!("{header}Content-Length: {}\r\n", body.len());
        let (status, answer) = bridge.sends(format!("{}{length}\r\n{body}", head(token)).as_bytes());
        assert_eq!(status, 200, "{answer}");
        answer
    };
    let french = "Accept-Language: fr-CH, en;q=0.5\r\n";
    for (token, lang, header, says, short) in [
        (NORTH, None, "", "The status is red.", ["Red status", "No entry"]),
        (NORTH, None, french, "Le statut est rouge.", ["Statut rouge", "Accès refusé"]),
        (SOUTH, None, french, "状态为红码，不可通行。", ["红码", "不可通行"]),
        (SOUTH, Some("ar"), french, "الحالة حمراء.", ["الحالة حمراء", "الدخول ممنوع"]),
        (SOUTH, Some("tlh"), "", "状态为红码，不可通行。", ["红码", "不可通行"]),
    ] {
        let answer = asks(token, lang, header);
        assert_eq!((&answer["says"], &answer["short"]), (&json!(says), &json!(short)), "{answer}");
    }
    let said = asks(NORTH, Some("ja"), "")["appeal"].clone();
    assert_eq!(said, "係員にお尋ねになるか、コードを発行した機関に異議を申し立ててください。");
}

#[test]
fn r60_what_is_no_question_opens_nothing() {
    let deployment = bridged();
    let _engine = deployment.serve();
    let bridge = Bridge::with_sessions(&deployment);
    let body = json!({ "code": deployment.code("42") }).to_string();
    let long = "A".repeat(1 << 20);
    let chunked =
        format!("{}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", head(NORTH), body.len());
    let with =
        |token: &str, body: &str| format!("{}Content-Length: {}\r\n\r\n{body}", head(token), body.len());
    for (request, wanted) in [
        (with("wrong-token-0123456789", &body), 401),
        (with(NORTH, &body).replace("Authorization", "X-Authorization"), 401),
        (with(NORTH, "{\"code\":"), 400),
        (with(NORTH, "cardid=1&status=11"), 400),
        (with(NORTH, "{\"code\":\"a\",\"lane\":3}"), 400),
        (with(NORTH, &format!("{{\"code\":\"a\",\"id\":\"{}\"}}", &long[..65])), 400),
        (with(NORTH, &format!("{{\"code\":\"{}\"}}", &long[..8000])), 413),
        (with(NORTH, &body).replace("POST", "GET"), 405),
        (with(NORTH, &body).replace("/v1/check", "/check"), 404),
        (chunked, 200),
    ] {
        let (status, answer) = bridge.sends(request.as_bytes());
        assert_eq!(status, wanted, "{}: {answer}", &request[..request.len().min(300)]);
        assert_eq!(answer["decision"] == "admit", wanted == 200, "{answer}");
        assert!(!answer.to_string().contains(&body[9..40]), "{answer}");
    }
    // One that ends in the middle, and one that brings a megabyte and does not wait.
    for request in [with(NORTH, &body)[..150].to_owned(), with(NORTH, &long)] {
        let mut stream = TcpStream::connect(&bridge.address).unwrap();
        let _ = stream.write_all(request.as_bytes());
    }
    let (status, answer) = bridge.asks(NORTH, &json!({ "code": deployment.code("42") }));
    assert_eq!((status, &answer["decision"]), (200, &json!("admit")), "{answer}");
    assert!(
        !bridge.process.log().contains(NORTH) && !bridge.process.log().contains("HF1:"),
        "{}",
        bridge.process.log()
    );
}

#[test]
fn r60_a_bridge_without_engines_says_so_and_goes_on_when_one_is_back() {
    let deployment = bridged();
    let bridge = Bridge::start(&deployment);
    let code = || json!({ "code": deployment.code("42") });
    let offline = |wanted: &str| {
        let (status, answer) = bridge.asks(NORTH, &code());
        assert_eq!((status, &answer["decision"]), (503, &Value::Null), "{answer}");
        assert!(answer["offline"].as_str().is_some_and(|why| why.contains(wanted)), "{answer}");
    };
    offline("the gate has just started");
    let (status, answer) = bridge.reads(SERIAL, "1", "1606460000");
    assert_eq!((status, &answer["data"][0]["status"]), (200, &json!(0)), "{answer}");
    // A clock that no engine set is left alone.
    assert_eq!((&answer["data"][0]["time"], &answer["message"]), (&json!("1606460000"), &json!("offline")));
    assert_eq!(get(&bridge.address, "/livez").0, 200);
    let engine = deployment.serve();
    bridge.becomes_ready();
    assert_eq!(bridge.asks(NORTH, &code()).1["decision"], "admit");
    drop(engine);
    offline("no engine");
    bridge.process.logs("no verdict: ");
    assert_eq!(get(&bridge.address, "/readyz").0, 503);
    let _engine = deployment.serve();
    eventually("an engine answers again", || match bridge.asks(NORTH, &code()) {
        (200, answer) if answer["decision"] == "admit" => Ok(()),
        (_, answer) => Err(answer.to_string()),
    });
    bridge.process.logs("an engine answers");
}

#[test]
fn r60_a_terminal_does_not_notice_that_its_engine_is_gone() {
    let deployment = bridged();
    let _other = deployment.serve();
    // It is asked first.
    let engine = deployment.serve_second();
    let bridge = Bridge::with_sessions(&deployment);
    let asks = || {
        let (status, answer) = bridge.asks(NORTH, &json!({ "code": deployment.code("42") }));
        assert_eq!((status, &answer["decision"]), (200, &json!("admit")), "{answer}");
    };
    asks();
    engine.signal("-KILL");
    engine.ended();
    (0..5).for_each(|_| asks());
    assert!(!bridge.process.log().contains("no verdict"), "{}", bridge.process.log());
}

fn hex_digit(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap().to_ascii_uppercase()
}

#[test]
fn r60_a_qr_86_reader_is_answered_in_its_own_words() {
    let deployment = bridged();
    let _engine = deployment.serve();
    let bridge = Bridge::with_sessions(&deployment);
    let green = deployment.code("42");
    // Everything escaped, blanks alone, and blanks as in a form.
    let escaped: String =
        green.bytes().flat_map(|byte| ['%', hex_digit(byte >> 4), hex_digit(byte & 15)]).collect();
    let blanks = green.replace(' ', "%20");
    let form = green.replace('%', "%25").replace('+', "%2B").replace(':', "%3A").replace(' ', "+");
    for (time, card) in [("1606460001", &escaped), ("1606460002", &blanks), ("1606460003", &form)] {
        let (status, answer) = bridge.reads(SERIAL, card, time);
        let card = &answer["data"][0];
        assert_eq!(
            (status, &answer["code"], &answer["message"]),
            (200, &json!(0), &json!("clear")),
            "{answer}"
        );
        assert_eq!(
            (&card["status"], &card["cjihao"], &card["mjihao"]),
            (&json!(1), &json!(SERIAL), &json!(1))
        );
        assert_eq!(card["output"], 2, "{answer}");
        assert!(card["time"].as_str().is_some_and(|s| s.parse::<u64>().unwrap() > 1_790_000_000), "{answer}");
    }
    let (_, red) = bridge.reads(SERIAL, &deployment.code("43").replace(' ', "%20"), "1606460004");
    assert_eq!((&red["data"][0]["status"], &red["message"]), (&json!(0), &json!("status-red")));
    let (_, no_code) = bridge.reads(SERIAL, "0012345678", "1606460005");
    assert_eq!((&no_code["data"][0]["status"], &no_code["message"]), (&json!(0), &json!("not-a-code")));
    assert_eq!(bridge.reads("00000000", &blanks, "1606460006").0, 401);
    let (status, _) =
        bridge.sends(b"GET /qa/mcardsea.php?cardid=1 HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n");
    assert_eq!(status, 400);
}

#[test]
fn r60_a_reader_is_known_by_its_address_too() {
    let deployment = bridged();
    deployment
        .write("bridge.toml", &settings("", "").replace("source = '127.0.0.1'", "source = '192.0.2.20'"));
    let bridge = Bridge::start(&deployment);
    let (status, answer) = bridge.reads(SERIAL, "1", "1606460000");
    assert_eq!((status, &answer["decision"]), (401, &Value::Null), "{answer}");
}

#[test]
fn settings_that_would_let_terminals_be_mistaken_are_refused() {
    let deployment = bridged();
    let folder = deployment.folder();
    let refused = |settings: String, wanted: &str| {
        deployment.write("bridge.toml", &settings);
        check(folder, &["bridge", "--check"], 2, wanted);
    };
    check(folder, &["bridge", "--check"], 0, "3 terminals can be served");
    refused(
        settings("listne = 1\n", ""),
        "bridge.toml:2: listne: there is no such key; did you mean listen?",
    );
    refused(
        settings("connections_source_max = 1025\n", ""),
        "bridge.toml:2: connections_source_max: 1025 is out of range",
    );
    refused(
        settings("", "[[terminal]]\nname = 'x'\ngate = 'gate'\ntokn = 'x'"),
        "tokn: there is no such key; did you mean token?",
    );
    refused("listen = '127.0.0.1:0'\n".to_owned(), "there is no [[terminal]]");
    refused(
        settings("", "").replace("127.0.0.1:0", "0.0.0.0:0"),
        "is reached from the network: give certificate and key",
    );
    refused(settings("certificate = 'a.pem'\n", ""), "certificate and key belong together");
    let tls = |certificate: &str, key: &str| {
        settings(&format!("certificate = '{certificate}'\nkey = '{key}'\n"), "")
    };
    refused(tls("none.pem", "engine.key"), "none.pem: ");
    refused(
        tls("engine.pem", "gate/device.key"),
        "device.key: it is not the key of the certificate in engine.pem",
    );
    deployment.write("bridge.toml", &tls("engine.pem", "engine.key"));
    check(folder, &["bridge", "--check"], 0, "3 terminals can be served");
    let add = |more: &str| settings("", &format!("[[terminal]]\nname = 'fourth'\ngate = 'gate'\n{more}"));
    refused(add("lane = 1\ntoken = 'south.token'"), "\"south\" is the same lane of the same gate");
    refused(add("lane = 3\ntoken = 'south.token'"), "another terminal has the token of");
    refused(add("lane = 3\n"), "terminal \"fourth\": give it a token");
    refused(add("lane = 3\ntoken = 'south.token'\nserial = 'A'"), "those are of qr-86");
    refused(add("lane = 3\ndialect = 'qr-86'\nserial = 'A'"), "give it serial and source");
    let reader = format!("lane = 3\ndialect = 'qr-86'\nserial = '{SERIAL}'\nsource = '127.0.0.2'");
    refused(add(&reader), "another terminal has the serial");
    refused(add("lane = 3\ntoken = 'none.token'"), "none.token");
    fs::write(deployment.path("short.token"), "short").unwrap();
    fs::set_permissions(deployment.path("short.token"), fs::Permissions::from_mode(0o600)).unwrap();
    refused(add("lane = 3\ntoken = 'short.token'"), "16 to 256 characters without blanks");
    fs::set_permissions(deployment.path("south.token"), fs::Permissions::from_mode(0o644)).unwrap();
    refused(settings("", ""), "south.token");
}
