//! Tokens travel encrypted, or on loopback.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use hufu_api::{ServeFault, TlsFiles, serve};
use reqwest::tls::Version;
use reqwest::{Certificate, Client};

use super::world::{World, options};

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_served_under_tls_1_3_and_1_2_to_whoever_knows_its_root() {
    let folder = tempfile::TempDir::new().unwrap();
    let (files, certificate) = identity(folder.path());
    let world = World::with(|options| options.tls = Some(files.clone())).await;
    let url = format!("https://127.0.0.1:{}/v1/health", world.running.addr().port());

    let root = Certificate::from_pem(certificate.as_bytes()).unwrap();
    for version in [Version::TLS_1_2, Version::TLS_1_3] {
        let builder = Client::builder().tls_certs_only([root.clone()]);
        let client = builder.tls_version_min(version).tls_version_max(version).build().unwrap();
        assert!(client.get(&url).send().await.unwrap().status().is_success(), "{version:?}");
    }
    let stranger = Client::builder().tls_certs_only([]).build().unwrap();
    assert!(stranger.get(&url).send().await.unwrap_err().is_connect());
    let plain = url.replace("https:", "http:");
    assert!(Client::new().get(plain).send().await.is_err());

    let renewed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(&files.certificate, renewed.cert.pem()).unwrap();
    let fault = world.running.renew(&files).unwrap_err();
    assert!(fault.to_string().contains("is not the key of the certificate in"), "{fault}");
    assert!(fault.to_string().contains("api.pem"), "a certificate of another key: {fault}");
    fs::write(&files.key, renewed.signing_key.serialize_pem()).unwrap();
    world.running.renew(&files).unwrap();
    let root = Certificate::from_pem(renewed.cert.pem().as_bytes()).unwrap();
    let client = Client::builder().tls_certs_only([root]).build().unwrap();
    assert!(client.get(&url).send().await.unwrap().status().is_success(), "without a restart");
}

/// A certificate for this machine and its key in a folder, and the certificate as PEM.
pub(crate) fn identity(folder: &Path) -> (TlsFiles, String) {
    let identity =
        rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    let files = TlsFiles { certificate: folder.join("api.pem"), key: folder.join("api.key") };
    fs::write(&files.certificate, identity.cert.pem()).unwrap();
    fs::write(&files.key, identity.signing_key.serialize_pem()).unwrap();
    (files, identity.cert.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_served_is_told_with_the_cure() {
    let world = World::start().await;
    let check = |change: &dyn Fn(&mut hufu_api::ApiOptions), says: &str| {
        let mut options = options();
        change(&mut options);
        let fault: ServeFault = serve(&options, Arc::clone(&world.registry)).unwrap_err();
        assert!(fault.to_string().contains(says), "{fault}");
    };
    let everywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    check(&|options| options.listen = everywhere, "configure a certificate");
    check(&|options| options.listen = world.running.addr(), "cannot listen on 127.0.0.1");
    let files = |certificate: &str| TlsFiles { certificate: certificate.into(), key: "absent.key".into() };
    check(&|options| options.tls = Some(files("absent.pem")), "absent.pem");
    let folder = world.folder.path().join("registry.db/snapshots");
    check(&|options| options.snapshots = Some(folder.clone()), "registry.db/snapshots");
}
