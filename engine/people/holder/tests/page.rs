//! The page's scripts, run by Node: against golden bytes, and against a reader of QR codes; and how the files are served.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use axum::body::Body;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use hufu_texts::{Area, Language};
use serde_json::Value;
use tower_service::Service as _;

fn node(arguments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let output = Command::new("node").args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|why| panic!("node is not here: install Node 20 or newer: {why}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let end: Vec<&str> = said.lines().rev().take(40).collect();
    assert!(output.status.success(), "{end:#?}{}", String::from_utf8_lossy(&output.stderr));
    said
}

#[test]
fn r41_r61_the_page_makes_and_finds_what_the_golden_bytes_say() {
    let said = node(&["--test", "--test-reporter=tap", "page.test.mjs"]);
    assert!(said.contains("# fail 0"), "{said}");
    let passed = said.lines().find_map(|line| line.strip_prefix("# pass ")).unwrap();
    assert!(passed.parse::<u32>().unwrap() >= 7, "{said}");
}

#[test]
fn r61_a_phone_keeps_what_it_should_and_nothing_of_another_holder() {
    let said = node(&["--test", "--test-reporter=tap", "phone.test.mjs"]);
    assert!(said.contains("# pass 13\n") && said.contains("# fail 0"), "{said}");
}

#[test]
fn r61_a_reader_reads_every_size_and_level_of_qr_code_that_the_page_draws() {
    let mut versions = BTreeSet::new();
    for line in node(&["codes.mjs"]).lines() {
        let code: Value = serde_json::from_str(line).unwrap();
        let rows: Vec<&[u8]> =
            code["rows"].as_array().unwrap().iter().map(|row| row.as_str().unwrap().as_bytes()).collect();
        // Four pixels a module, and the quiet zone around it.
        let side = (rows.len() + 8) * 4;
        let is_dark = |at: usize| (at / 4).checked_sub(4);
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| {
            let module = is_dark(y).zip(is_dark(x)).and_then(|(y, x)| rows.get(y)?.get(x));
            if module == Some(&b'1') { 0 } else { 255 }
        });
        let grids = picture.detect_grids();
        let text = code["text"].as_str().unwrap();
        assert_eq!(grids.len(), 1, "{text}");
        let mut read = Vec::new();
        let meta = grids[0].decode_to(&mut read).unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!(String::from_utf8_lossy(&read), text);
        let level = u16::from(code["level"] == "L");
        assert_eq!(meta.ecc_level, level, "{text}");
        versions.insert((level, meta.version.0));
    }
    assert_eq!(versions.len(), 30, "versions 1 to 15 of both levels: {versions:?}");
}

fn is_script(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ending)| ending == "js")
}

async fn get(path: &str, headers: &[(header::HeaderName, &str)]) -> (StatusCode, http::HeaderMap, String) {
    let mut request = Request::builder().uri(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let response = hufu_holder::pages().call(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn r61_every_file_that_the_page_names_is_served_strictly_and_kept_by_the_service_worker() {
    let (_, _, worker) = get("/sw.js", &[]).await;
    let files =
        worker.lines().find_map(|line| line.strip_prefix("const FILES = ")?.strip_suffix(';')).unwrap();
    let files: Vec<String> = serde_json::from_str(files).unwrap();
    assert!(files.len() > 20, "{files:?}");
    let mut weight = 0;
    for path in files.iter().map(String::as_str).chain(["/sw.js", "/icon-192.png", "/icon-512.png"]) {
        let (status, headers, body) = get(path, &[]).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache", "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        let tag = headers[header::ETAG].to_str().unwrap();
        let again = get(path, &[(header::IF_NONE_MATCH, tag)]).await;
        assert_eq!((again.0, again.2.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
        if is_script(path) {
            assert_eq!(headers[header::CONTENT_TYPE], "text/javascript; charset=utf-8", "{path}");
            assert!(
                !body.contains("innerHTML")
                    && !body.contains("eval(")
                    && !body.replace("http://www.w3.org/2000/svg", "").contains("http:"),
                "{path}"
            );
            // Modules import from the same folder what is served there.
            for name in body.split('"').filter(|word| word.starts_with("./") && is_script(word)) {
                assert!(files.contains(&name[1..].to_owned()), "{path} imports {name}");
            }
        }
        weight += body.len();
    }
    assert!(weight < 200 * 1024, "the page weighs {weight} bytes with everything it keeps");
    assert_eq!(get("/texts/xx.json", &[]).await.0, StatusCode::NOT_FOUND);
    assert_eq!(get("/package.json", &[]).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn r62_the_page_speaks_each_of_the_sixteen_languages() {
    // What scripts name, whole or in part.
    let scripts = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("page")).unwrap();
    let scripts: Vec<String> =
        scripts.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap_or_default()).collect();
    let named: BTreeSet<&str> = scripts
        .iter()
        .flat_map(|script| script.split("say(\"").skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(named.len() > 50, "{named:?}");
    for language in Language::ALL {
        let (status, _, body) = get(&format!("/texts/{}.json", language.tag()), &[]).await;
        assert_eq!(status, StatusCode::OK);
        let texts: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(
            texts["holder"].to_string(),
            serde_json::from_str::<Value>(&hufu_texts::script(language, Area::Holder)).unwrap().to_string()
        );
        let messages = texts["holder"]["messages"].as_object().unwrap();
        let missing: Vec<&&str> = named.iter().filter(|id| !messages.contains_key(**id)).collect();
        assert!(missing.is_empty(), "{language:?}: {missing:?}");
        assert!(texts["reasons"]["100"].as_str().unwrap().len() > 3, "{language:?}");
        let (_, headers, page) = get("/", &[(header::ACCEPT_LANGUAGE, language.tag())]).await;
        let (tag, dir) = (language.tag(), language.direction().as_str());
        assert!(page.contains(&format!("<html lang=\"{tag}\" dir=\"{dir}\">")), "{page}");
        assert!(!page.contains('{') && !page.contains("holder-"), "{page}");
        assert_eq!(headers[header::VARY], "accept-language");
    }
}
