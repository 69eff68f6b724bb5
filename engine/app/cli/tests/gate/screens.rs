//! What a gate's screen shows: the verdict, in the languages of the site, and where to appeal.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::common::{PATIENCE, hufu, said};
use crate::{STDIN, deployment, gate};

/// What a screen shows: mark, sentence, name.
type Shown = [String; 3];

/// What a lane's screen shows, as its events come.
fn shown(events: TcpStream) -> impl Iterator<Item = Shown> {
    let lines = BufReader::new(events).lines().map_while(Result::ok);
    lines.filter_map(|line| {
        let event: Value = serde_json::from_str(line.strip_prefix("data: ")?).unwrap();
        Some(["mark", "says", "display"].map(|key| event[key].as_str().unwrap().to_owned()))
    })
}

/// Scans until the screen shows this. A verdict is shown for a second: on a busy machine that can be over before it is
/// sent, and the code is scanned again.
fn shows_after(scan: &mut impl FnMut(), shown: &mut impl Iterator<Item = Shown>, wanted: [&str; 3]) {
    let mut seen = Vec::new();
    for _ in 0..10 {
        scan();
        for found in shown.by_ref() {
            if found == wanted {
                return;
            }
            let is_missed = found[0] == "ready";
            seen.push(found);
            if is_missed {
                break;
            }
        }
    }
    panic!("{wanted:?} is not among {seen:?}");
}

#[test]
fn r60_a_screen_shows_the_verdict_in_the_language_of_the_site_and_forgets_it() {
    let deployment = deployment();
    let _engine = deployment.serve();
    let words = "language = \"zh-CN\"\n[words]\nready = \"请出示健康码\"\nclear = \"请通行\"\nno-gate = \"<断开\\\">\"\n";
    deployment.write("zh.toml", words);
    let page = "[page]\nlisten = \"127.0.0.1:0\"\nshow_s = 1\nwords = \"zh.toml\"\n";
    let (mut gate, ready) = gate(&deployment, &format!("{page}{STDIN}"));
    let address =
        ready["page"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned();

    let ask = |path: &str, host: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        stream
    };
    let whole = |path: &str, host: &str| {
        let mut answer = String::new();
        ask(path, host).read_to_string(&mut answer).unwrap();
        answer
    };
    let page = whole("/lanes/3", "localhost:7470");
    assert!(page.contains("lang=\"zh-CN\"") && page.contains("&lt;断开&quot;>"), "{page}");
    assert!(page.contains("content-security-policy: default-src 'none'; script-src 'self'"), "{page}");
    for text in [&page, &whole("/screen.css", "[::1]"), &whole("/screen.js", "127.0.0.1:1")] {
        assert!(
            text.starts_with("HTTP/1.1 200") && !text.contains("http:") && !text.contains("https:"),
            "{text}"
        );
    }
    assert!(whole("/", "localhost").contains("location: /lanes/3"));
    assert!(whole("/lanes/4", "localhost").starts_with("HTTP/1.1 404"));
    for host in ["gate.example", "127.0.0.1.example:80", "", "10.0.0.1"] {
        assert!(whole("/lanes/3", host).starts_with("HTTP/1.1 403"), "{host}");
    }

    let ready = ["ready", "请出示健康码", ""];
    let mut events = shown(ask("/lanes/3/events", "localhost"));
    assert_eq!(events.next().unwrap(), ready);
    let mut scans = |holder: &str, wanted: [&str; 3]| {
        let code = deployment.code(holder);
        shows_after(&mut || drop(gate.scan(code.as_bytes())), &mut events, wanted);
    };
    scans("42", ["admit", "请通行", "L*0042"]);
    scans("43", ["refuse", "状态为红码，不可通行。", "L*0042"]);
    assert!(events.any(|found| found == ready), "the verdict is shown for ever");
    // A screen that is switched on later sees nothing of the holder before.
    assert_eq!(shown(ask("/lanes/3/events", "localhost")).next().unwrap(), ready);
}

#[test]
fn r62_a_screen_speaks_the_languages_of_its_gate_one_beneath_the_other() {
    let deployment = deployment();
    let _engine = deployment.serve();
    let config = format!("languages = [\"ar\", \"en\"]\n[page]\nlisten = \"127.0.0.1:0\"\n{STDIN}");
    let (mut gate, ready) = gate(&deployment, &config);
    let address =
        ready["page"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let ask = |path: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        BufReader::new(stream)
    };
    let mut page = String::new();
    ask("/lanes/3").read_to_string(&mut page).unwrap();
    assert!(page.contains("<html lang=\"ar\" dir=\"rtl\">"), "{page}");
    let mut lines = ask("/lanes/3/events").lines().map_while(Result::ok);
    let verdict = gate.scan(deployment.code("43").as_bytes());
    assert_eq!((&verdict["says"], &verdict["short"][1]), (&"الحالة حمراء.".into(), &"الدخول ممنوع".into()));
    let event = lines.find(|line| line.contains("\"refuse\"")).unwrap();
    let event: Value = serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
    let appeal = "اسأل الموظف، أو قدّم اعتراضا إلى الجهة التي أصدرت الرمز.";
    assert_eq!((&event["says"], &event["appeal"]), (&"الحالة حمراء.".into(), &appeal.into()), "{event}");
    let more = &event["more"];
    assert_eq!((more.as_array().unwrap().len(), &more[0]["lang"]), (1, &"en".into()), "{event}");
    assert_eq!(more[0]["says"], "The status is red.");

    let code = deployment.code("43");
    let line = hufu(deployment.folder(), &["check", "--gate", "gate", "--language", "ru", &code]);
    assert!(said(&line).contains("ОТКАЗАТЬ  status-red: Статус красный."), "{}", said(&line));
    assert!(said(&line).contains("жалоба: Обратитесь к сотруднику"), "{}", said(&line));

    deployment.write("wrong.toml", &format!("gate = \"gate\"\nlanguages = [\"ar\", \"xx\"]\n{STDIN}"));
    let wrong = hufu(deployment.folder(), &["gate", "--config", "wrong.toml", "--check"]);
    assert!(said(&wrong).contains("wrong.toml:2: languages: unknown language \"xx\""), "{}", said(&wrong));
}

#[test]
fn r29_each_refusal_says_where_to_appeal_on_the_screen_and_in_json() {
    let deployment = deployment();
    let engine = deployment.serve();
    let settings = fs::read_to_string(deployment.path("gate/gate.toml")).unwrap();
    assert!(settings.contains("# appeal = \""), "{settings}");
    deployment.write("gate/gate.toml", &format!("{settings}appeal = \"hotline 12345\"\n"));
    let (mut gate, ready) = gate(&deployment, &format!("[page]\nlisten = \"127.0.0.1:0\"\n{STDIN}"));
    let address =
        ready["page"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut events = TcpStream::connect(address).unwrap();
    events.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(events, "GET /lanes/3/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut shown = BufReader::new(events).lines().map_while(Result::ok);
    let mut shows = |says: &str| {
        let data = shown.find(|line| line.starts_with("data: ") && line.contains(says)).unwrap();
        serde_json::from_str::<Value>(&data["data: ".len()..]).unwrap()["appeal"].clone()
    };
    assert_eq!(shows("Show your code."), "");
    assert_eq!(gate.scan(deployment.code("43").as_bytes())["appeal"], "hotline 12345");
    assert_eq!(shows("The status is red."), "hotline 12345");
    assert_eq!(gate.scan(deployment.code("42").as_bytes())["appeal"], Value::Null, "an admission needs none");
    assert_eq!(shows("Please pass."), "");
    let line = hufu(deployment.folder(), &["check", "--gate", "gate", &deployment.code("43")]);
    assert!(said(&line).contains("appeal: hotline 12345"), "{}", said(&line));
    engine.signal("-KILL");
    engine.ended();
    let away = gate.scan(deployment.code("43").as_bytes());
    assert_eq!(
        (&away["decision"], &away["appeal"]),
        (&Value::Null, &Value::Null),
        "no verdict, nothing to appeal"
    );

    deployment.write("gate/gate.toml", &format!("{settings}appeal = \" \"\n"));
    let wrong = hufu(deployment.folder(), &["check", "--gate", "gate", "HF1:"]);
    assert!(said(&wrong).contains("gate.toml: appeal: write a line"), "{}", said(&wrong));
}
