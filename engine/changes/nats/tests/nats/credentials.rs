//! Who is let in, and what is said to the others.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use hufu_fixtures::services::Nats;
use hufu_nats::{Credentials, Keep, NatsFeed, NatsOptions};
use hufu_sync::{Feed as _, FeedFault};
use hufu_wire::Sequence;
use tempfile::TempDir;

use crate::common::{Engine, ISSUER, Registry, newest_checkpoint, options, publish_with};

fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("a writable folder");
    path
}

fn with(nats: &Nats, credentials: Credentials) -> NatsOptions {
    let mut options = options(nats);
    options.credentials = credentials;
    options
}

fn user(nats: &Nats, folder: &TempDir, line: &str) -> NatsOptions {
    let name = line.split(':').next().unwrap_or_default();
    with(nats, Credentials::User(file(folder, name, line)))
}

async fn check_admitted(options: NatsOptions) {
    let registry = Registry::new();
    registry.append();
    let _publisher = publish_with(options.clone(), 1, Keep::default(), &registry);
    Engine::new(options).catch_up(&registry, Duration::from_secs(20)).await;
}

async fn check_refused(options: NatsOptions, why: &str) {
    let fault = NatsFeed::new(options, ISSUER).subscribe(Sequence(0)).await.expect_err("not let in");
    assert!(matches!(fault, FeedFault::Refused { .. }), "{fault:?}");
    assert!(fault.to_string().contains(why), "{fault}");
    assert!(!fault.to_string().contains("secret"), "{fault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_asked_for() {
    let nats = Nats::start_with("authorization { token: \"secret\" }").expect("nats-server");
    let folder = TempDir::new().expect("a folder");
    let unknown = "refuses our credentials";
    check_admitted(with(&nats, Credentials::Token(file(&folder, "right", "secret\n")))).await;
    check_refused(with(&nats, Credentials::Token(file(&folder, "wrong", "secrets"))), unknown).await;
    check_refused(with(&nats, Credentials::None), unknown).await;
    check_refused(with(&nats, Credentials::Token(folder.path().join("none"))), "none: No such file").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_and_a_password_are_asked_for() {
    let nats =
        Nats::start_with("authorization { user: hufu, password: \"secret:er\" }").expect("nats-server");
    let folder = TempDir::new().expect("a folder");
    check_admitted(user(&nats, &folder, "hufu:secret:er\n")).await;
    check_refused(user(&nats, &folder, "hufu:secret"), "refuses our credentials").await;
    check_refused(user(&nats, &folder, "no-password"), "no-password: expected one line name:password").await;
}

#[tokio::test]
async fn no_secret_travels_in_the_clear() {
    let folder = TempDir::new().expect("a folder");
    let mut options = NatsOptions::new("nats://127.0.0.1:4222,nats://192.0.2.1:4222").expect("servers");
    for credentials in [
        Credentials::Token(file(&folder, "token", "secret")),
        Credentials::User(file(&folder, "user", "hufu:secret")),
    ] {
        options.credentials = credentials;
        check_refused(options.clone(), "192.0.2.1 would be sent in the clear").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_engine_may_not_do_is_named() {
    let settings = "authorization { users: [
        { user: registry, password: r },
        { user: engine, password: e, permissions: {
            publish: [\"$JS.API.STREAM.INFO.HUFU-310000\"], subscribe: [\"_INBOX.>\", \"hufu.>\"] } }
    ] }";
    let nats = Nats::start_with(settings).expect("nats-server");
    let folder = TempDir::new().expect("a folder");
    check_admitted(user(&nats, &folder, "registry:r")).await;
    check_refused(user(&nats, &folder, "engine:e"), "Permissions Violation for Publish to \"$JS.API.").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_permissions_of_the_documentation_are_enough() {
    let settings = "authorization { users: [
        { user: registry, password: r, permissions: {
            publish: [\"hufu.>\", \"$JS.API.STREAM.>\", \"$JS.API.DIRECT.GET.>\"],
            subscribe: [\"_INBOX.>\"] } },
        { user: engine, password: e, permissions: {
            publish: [\"$JS.API.STREAM.INFO.HUFU-310000\", \"$JS.API.STREAM.INFO.HUFU-CHECKPOINTS\",
                      \"$JS.API.CONSUMER.CREATE.HUFU-310000\", \"$JS.API.DIRECT.GET.HUFU-310000.>\",
                      \"$JS.API.DIRECT.GET.HUFU-310000\",
                      \"$JS.API.DIRECT.GET.HUFU-CHECKPOINTS.hufu.checkpoints.310000\", \"$JS.FC.HUFU-310000.>\"],
            subscribe: [\"_INBOX.>\", \"hufu.heads.310000\", \"hufu.checkpoints.310000\"] } }
    ] }";
    let nats = Nats::start_with(settings).expect("nats-server");
    let folder = TempDir::new().expect("a folder");
    let registry = Registry::new();
    for _ in 0..100 {
        registry.append_changes(20_000);
    }
    let _publisher = publish_with(user(&nats, &folder, "registry:r"), 1, Keep::default(), &registry);
    let mut engine = Engine::new(user(&nats, &folder, "engine:e"));
    engine.catch_up(&registry, Duration::from_secs(30)).await;
    assert_eq!(newest_checkpoint(&mut engine.feed).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_encrypted_where_a_ca_is_named() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = TempDir::new().expect("a folder");
    let server = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let ca = file(&folder, "ca.pem", &server.cert.pem());
    let key = file(&folder, "key.pem", &server.signing_key.serialize_pem());
    let stranger = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let other = file(&folder, "other.pem", &stranger.cert.pem());
    let tls = format!("tls {{ cert_file: {ca:?}, key_file: {key:?} }}");
    let nats = Nats::start_with(&tls).expect("nats-server");
    let with = |ca: &PathBuf| {
        let mut options = options(&nats);
        options.ca = Some(ca.clone());
        options
    };
    check_admitted(with(&ca)).await;
    check_refused(with(&other), "TLS").await;
    check_refused(with(&folder.path().join("none.pem")), "none.pem: No such file").await;
}
