//! What all calls have in common: who is asked, what is sent twice, and what a registry's no turns into.

mod common;

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum_server::tls_rustls::RustlsConfig;
use common::{Caller, ISSUER, TOKEN, frame, problem, serve};
use hufu_contract::FrameKind;
use hufu_contract::ProposalId;
use hufu_contract::{Hex, IssueCredential};
use hufu_table::SnapshotDigest;
use hufu_upstream::{ApiFault, Documents, Statuses};
use hufu_wire::{HolderIndex, Sequence, StatusWord};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// A registry that answers everything so, and how often it was asked.
async fn registry(
    answer: impl Fn(usize) -> Response + Clone + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let asks = Arc::clone(&asked);
    let router =
        Router::new().fallback(move |_: Request| async move { answer(asks.fetch_add(1, Ordering::Relaxed)) });
    (serve(router).await, asked)
}

const TIP: &str = concat!(
    r#"{"sequence":7,"digest":"0707070707070707070707070707070707070707070707070707070707070707","#,
    r#""proposed_ms":1,"confirmed_ms":2,"a member of later":true}"#
);

#[tokio::test]
async fn what_may_come_twice_is_asked_again_after_a_while() {
    let caller = Caller::new();
    let busy_at_first =
        |asked| if asked < 2 { problem(503, "busy", "a moment") } else { TIP.into_response() };

    let (address, asked) = registry(busy_at_first).await;
    let tip = caller.api(address).tip(ISSUER).await.unwrap();
    assert_eq!((tip.sequence, tip.digest), (7, Hex([7; 32])));
    assert_eq!(asked.load(Ordering::Relaxed), 3);

    // An instruction handed in twice is one proposal. What comes back here is none, and that is not tried again.
    let (address, asked) = registry(busy_at_first).await;
    let fault = caller.api(address).propose(ISSUER, vec![0; 8]).await.unwrap_err();
    assert!(matches!(fault, ApiFault::Garbled { .. }), "{fault}");
    assert_eq!(asked.load(Ordering::Relaxed), 3);

    // A credential asked for twice would be two.
    let (address, asked) = registry(busy_at_first).await;
    let paper = IssueCredential::Paper { valid_s: None };
    let fault = caller.api(address).issue_credential(ISSUER, HolderIndex(1), &paper).await.unwrap_err();
    assert_eq!(fault.problem().unwrap().name(), "busy");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_registrys_no_is_kept_in_its_own_words() {
    let caller = Caller::new();
    let (address, asked) = registry(|_| {
        let body = format!(
            r#"{{"type":"urn:hufu:problem:moved","title":"The chain has grown since","status":409,
            "detail":"the chain ends at 7 now","tip":{TIP}}}"#
        );
        (StatusCode::CONFLICT, [("content-type", "application/problem+json")], body).into_response()
    })
    .await;
    let fault = caller.api(address).confirm(ISSUER, ProposalId(1), vec![0; 8]).await.unwrap_err();
    let problem = fault.problem().unwrap();
    assert_eq!((problem.name(), problem.status, problem.tip.unwrap().sequence), ("moved", 409, 7));
    assert_eq!(
        fault.to_string(),
        format!("http://{address}: The chain has grown since: the chain ends at 7 now")
    );
    assert_eq!(asked.load(Ordering::Relaxed), 1, "a no is no reason to ask again");
}

#[tokio::test]
async fn whoever_is_no_registry_is_told_apart() {
    let caller = Caller::new();
    let check = async |answer: fn(usize) -> Response, expected: &str| {
        let (address, _) = registry(answer).await;
        let fault = caller.api(address).tip(ISSUER).await.unwrap_err();
        assert!(fault.to_string().contains(expected), "{fault}");
        assert!(!format!("{fault:?}").contains(TOKEN), "{fault:?}");
    };
    check(|_| (StatusCode::NOT_FOUND, "<html>").into_response(), "404 Not Found with text/plain").await;
    check(|_| "<html>".into_response(), "does not answer as a registry").await;
    check(|_| vec![b' '; 17 << 20].into_response(), "more than 16777216 bytes").await;
    check(
        |_| (StatusCode::CONFLICT, [("content-type", "application/problem+json")], "no").into_response(),
        "a problem that cannot be read",
    )
    .await;
    check(|_| (StatusCode::FOUND, [("location", "https://elsewhere.example/")]).into_response(), "redirects")
        .await;
}

#[tokio::test]
async fn sets_and_statuses_are_read_from_their_bytes() {
    let caller = Caller::new();
    let set = vec![1; 408];
    let sent = set.clone();
    let router = Router::new()
        .route(
            "/v1/issuers/310000/sets",
            get(move |request: Request| async move {
                assert_eq!(request.uri().query(), Some("after=3&bytes_max=1048576"));
                [frame(FrameKind::ChangeSet, &sent), frame(FrameKind::ChangeSet, &sent)].concat()
            }),
        )
        .route(
            "/v1/issuers/310000/statuses",
            get(|request: Request| async move {
                assert_eq!(request.uri().query(), Some("from=5&limit=2"));
                let digest = "07".repeat(32);
                let words = [&5_u32.to_le_bytes()[..], &9_u64.to_le_bytes(), &[6, 0, 0, 0], &[8; 8]].concat();
                ([("hufu-tip-sequence", "7".to_owned()), ("hufu-tip-digest", digest)], words)
            }),
        );
    let api = caller.api(serve(router).await);
    assert_eq!(api.sets(ISSUER, Sequence(3), 1 << 20).await.unwrap(), [set.clone(), set]);
    let words = vec![
        (HolderIndex(5), StatusWord::from_bits(9)),
        (HolderIndex(6), StatusWord::from_bits(u64::from_le_bytes([8; 8]))),
    ];
    let statuses = api.statuses(ISSUER, HolderIndex(5), 2).await.unwrap();
    assert_eq!(statuses, Statuses { sequence: Sequence(7), digest: Hex([7; 32]), words });

    let (address, _) =
        registry(|_| frame(FrameKind::ChangeSet, &[1; 408]).slice(..400).into_response()).await;
    let fault = caller.api(address).sets(ISSUER, Sequence(0), 1).await.unwrap_err();
    assert!(fault.to_string().contains("cut off"), "{fault}");
}

#[tokio::test]
async fn a_snapshot_is_sent_as_it_is_on_disk() {
    let caller = Caller::new();
    let path = caller.folder.path().join("snapshot");
    let content: Vec<u8> = (0..3 << 20).map(|at: u32| at.to_le_bytes()[0]).collect();
    std::fs::write(&path, &content).unwrap();
    let digest = SnapshotDigest([7; 32]);
    let tries = Arc::new(AtomicUsize::new(0));
    let router = Router::new().route(
        &format!("/v1/issuers/310000/snapshots/{digest}"),
        put(move |request: Request| async move {
            assert_eq!(request.headers()[CONTENT_LENGTH], content.len().to_string());
            let body: Bytes = axum::body::to_bytes(request.into_body(), 1 << 30).await.unwrap();
            assert!(body == content);
            if tries.fetch_add(1, Ordering::Relaxed) == 0 {
                return problem(503, "busy", "a moment");
            }
            StatusCode::NO_CONTENT.into_response()
        }),
    );
    let api = caller.api(serve(router).await);
    api.put_snapshot(ISSUER, digest, &path).await.unwrap();
    let fault = api.put_snapshot(ISSUER, digest, std::path::Path::new("/no/such/file")).await.unwrap_err();
    assert!(matches!(&fault, ApiFault::Misconfigured(what) if what.contains("/no/such/file")), "{fault}");
}

#[tokio::test]
async fn only_the_operators_roots_are_trusted() {
    let caller = Caller::new();
    let root = |name: &str| {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    };
    let (own, strange) = (root("operator"), root("stranger"));
    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &own).unwrap();
    let tls = RustlsConfig::from_der(vec![certificate.der().to_vec()], key.serialize_der()).await.unwrap();
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/v1/issuers/310000/tip", get(|| async { TIP }));
    let server = axum_server::from_tcp_rustls(listener, tls).unwrap();
    tokio::spawn(server.serve(router.into_make_service()));

    let ca = |name: &str, pem: String| {
        let path = caller.folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        Some(path)
    };
    let url = format!("https://{address}");
    let api = caller.api_at(url.clone(), ca("own.pem", own.pem()));
    assert_eq!(api.tip(ISSUER).await.unwrap().sequence, 7);

    let strangers = ca("strange.pem", strange.pem());
    let elsewhere = format!("https://localhost:{}", address.port());
    for (url, roots) in [(url, strangers), (elsewhere, ca("own.pem", own.pem()))] {
        let fault = caller.api_at(url, roots).tip(ISSUER).await.unwrap_err();
        assert!(matches!(&fault, ApiFault::Misconfigured(what) if what.contains("certificate")), "{fault}");
    }
}

#[tokio::test]
async fn tls_and_plain_http_in_the_place_of_each_other_are_told() {
    let caller = Caller::new();
    let root =
        CertifiedIssuer::self_signed(CertificateParams::default(), KeyPair::generate().unwrap()).unwrap();
    let roots = caller.folder.path().join("roots.pem");
    std::fs::write(&roots, root.pem()).unwrap();
    // The alert of TLS for what is no handshake (RFC 8446 section 6), and an answer of plain HTTP.
    for (scheme, answer, expected) in [
        ("http", &b"\x15\x03\x03\x00\x02\x02\x32"[..], "does it speak TLS? write https://"),
        ("https", b"HTTP/1.1 400 Bad Request\r\n\r\n", "it does not speak TLS"),
    ] {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("{scheme}://{}/list", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            assert!(stream.read(&mut [0; 4096]).unwrap() > 0);
            stream.write_all(answer).unwrap();
        });
        let documents = Documents::of(&url, Some(&roots)).unwrap();
        let fault = documents.get(&url, "text/plain", None, 9).await.err().unwrap();
        assert!(fault.to_string().contains(expected), "{fault}");
        server.join().unwrap();
    }
}
