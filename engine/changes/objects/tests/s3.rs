//! Snapshots in an S3-compatible store: a real one, which speaks the protocol over loopback, checks signatures and
//! keeps its objects in a folder.
#![cfg(feature = "s3")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use common::{FEW, MANY, folder, names, snapshot};
use hufu_objects::{Objects, Published, S3Options};
use hufu_sync::{FeedFault, Snapshots};
use hufu_table::SnapshotDigest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const BUCKET: &str = "hufu";
const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// Serves the folders in `root` as buckets until the test's runtime goes.
async fn server(root: &Path) -> SocketAddr {
    fs::create_dir(root.join(BUCKET)).unwrap();
    let mut service = S3ServiceBuilder::new(FileSystem::new(root).unwrap());
    service.set_auth(SimpleAuth::from_single(KEY, SECRET));
    let service = service.build();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let connection = Builder::new(TokioExecutor::new());
                _ = connection.serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    address
}

fn options(address: SocketAddr, secret: &str) -> S3Options {
    _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    S3Options {
        endpoint: Some(format!("http://{address}")),
        region: Some("us-east-1".to_owned()),
        access_key_id: Some(KEY.to_owned()),
        secret_access_key: Some(secret.to_owned()),
        ..S3Options::default()
    }
}

fn objects(address: SocketAddr) -> Objects {
    Objects::s3(BUCKET, "snapshots/310000", &options(address, SECRET)).unwrap()
}

#[tokio::test]
async fn what_was_published_is_fetched_as_it_was() {
    let (made, store, engine) = (folder(), folder(), folder());
    let objects = objects(server(store.path()).await);
    for holders in [FEW, MANY] {
        let (path, digest) = snapshot(made.path(), holders, holders);
        assert_eq!(objects.publish(&path, digest).await.unwrap(), Published::Stored);
        assert_eq!(objects.publish(&path, digest).await.unwrap(), Published::Known);

        let fetched = engine.path().join("fetched");
        objects.fetch(digest, &fetched).await.unwrap();
        assert!(fs::read(&fetched).unwrap() == fs::read(&path).unwrap(), "{holders}");
    }
    let all = objects.list().await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(names(&store.path().join("hufu/snapshots/310000")).len(), 2, "no part is left behind");
}

#[tokio::test]
async fn a_name_once_taken_keeps_its_content() {
    for holders in [FEW, MANY] {
        let (made, store) = (folder(), folder());
        let objects = objects(server(store.path()).await);
        let (path, digest) = snapshot(made.path(), 1, holders);
        let shelf = store.path().join("hufu/snapshots/310000");
        fs::create_dir_all(&shelf).unwrap();
        let mut other = fs::read(&path).unwrap();
        other[64] ^= 1;
        let taken = shelf.join(format!("{digest}.snapshot"));
        fs::write(&taken, &other).unwrap();

        let fault = objects.publish(&path, digest).await.unwrap_err();
        assert!(
            matches!(&fault, FeedFault::Garbled { what, .. } if what.contains("another file")),
            "{fault}"
        );
        assert!(fs::read(&taken).unwrap() == other);
        assert_eq!(names(&shelf).len(), 1, "no part is left behind");
    }
}

#[tokio::test]
async fn what_the_store_does_not_have_or_give_is_refused() {
    let (store, engine) = (folder(), folder());
    let address = server(store.path()).await;
    let fetched = engine.path().join("fetched");
    let nothing = SnapshotDigest([7; 32]);
    let fault = objects(address).fetch(nothing, &fetched).await.unwrap_err();
    assert!(matches!(fault, FeedFault::Refused { .. }), "{fault}");

    let stranger = Objects::s3(BUCKET, "", &options(address, "another secret")).unwrap();
    let fault = stranger.fetch(nothing, &fetched).await.unwrap_err();
    assert!(matches!(&fault, FeedFault::Refused { what, .. } if what.contains("credentials")), "{fault}");
    assert!(
        !format!("{fault:?} {stranger:?} {:?}", options(address, "another secret"))
            .contains("another secret")
    );
    assert!(names(engine.path()).is_empty());
}

#[tokio::test]
async fn pruning_keeps_what_it_is_told() {
    let (made, store) = (folder(), folder());
    let objects = objects(server(store.path()).await);
    let (first, gone) = snapshot(made.path(), 1, FEW);
    let (second, kept) = snapshot(made.path(), 2, FEW);
    objects.publish(&first, gone).await.unwrap();
    objects.publish(&second, kept).await.unwrap();
    let later = SystemTime::now() + Duration::from_secs(3600);
    let pruned = objects.prune(&[kept], later).await.unwrap();
    assert_eq!(pruned.iter().map(|one| one.snapshot).collect::<Vec<_>>(), [gone]);
    assert_eq!(objects.list().await.unwrap().iter().map(|one| one.snapshot).collect::<Vec<_>>(), [kept]);
}

#[tokio::test]
async fn a_file_keeps_its_name_and_its_content() {
    let (made, store) = (folder(), folder());
    let objects = objects(server(store.path()).await);
    common::files_keep_their_content(&objects, made.path()).await;
    assert_eq!(names(&store.path().join("hufu/snapshots/310000")), ["days", "large"]);
}

/// A line to `server` that is cut after each 3 MiB of answers.
async fn cutting(server: SocketAddr) -> SocketAddr {
    const CUT_BYTES: usize = 3 << 20;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(server).await.unwrap();
            let ((mut near_in, mut near_out), (mut far_in, mut far_out)) =
                (near.into_split(), far.into_split());
            tokio::spawn(async move { tokio::io::copy(&mut near_in, &mut far_out).await });
            tokio::spawn(async move {
                let (mut piece, mut sent) = (vec![0; 64 << 10], 0);
                while sent < CUT_BYTES {
                    let read = far_in.read(&mut piece).await.unwrap_or(0);
                    if read == 0 || near_out.write_all(&piece[..read]).await.is_err() {
                        return;
                    }
                    sent += read;
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_line_that_breaks_again_and_again_still_brings_the_snapshot() {
    let (made, store, engine) = (folder(), folder(), folder());
    let address = server(store.path()).await;
    let (path, digest) = snapshot(made.path(), 1, MANY);
    objects(address).publish(&path, digest).await.unwrap();
    let fetched = engine.path().join("fetched");
    objects(cutting(address).await).fetch(digest, &fetched).await.unwrap();
    assert!(fs::read(&fetched).unwrap() == fs::read(&path).unwrap());
}
