//! A registry's HTTP side in a few lines, so that it can do what a good one never does.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(missing_docs, unreachable_pub, reason = "shared by test files only")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use hufu_contract::{Frame, FrameKind};
use hufu_upstream::{Api, ApiOptions};
use hufu_wire::IssuerId;
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const ISSUER: IssuerId = IssuerId(310_000);
pub const TOKEN: &str = "hufu_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Serves until the test's runtime goes.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A caller's folder with its token.
pub struct Caller {
    pub folder: TempDir,
}

impl Caller {
    pub fn new() -> Caller {
        _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let caller = Caller { folder: tempfile::tempdir().unwrap() };
        caller.set_token(TOKEN);
        caller
    }

    pub fn set_token(&self, token: &str) {
        std::fs::write(self.token(), token).unwrap();
    }

    pub fn token(&self) -> PathBuf {
        self.folder.path().join("feed.token")
    }

    pub fn api(&self, address: SocketAddr) -> Api {
        self.api_at(format!("http://{address}"), None)
    }

    pub fn api_at(&self, url: String, ca: Option<PathBuf>) -> Api {
        Api::open(&ApiOptions { url, token: Some(self.token()), ca }).unwrap()
    }
}

/// A problem as a registry sends it.
pub fn problem(status: u16, name: &str, detail: &str) -> Response {
    let body = format!(
        r#"{{"type":"urn:hufu:problem:{name}","title":"A title","status":{status},"detail":"{detail}"}}"#
    );
    let status = axum::http::StatusCode::from_u16(status).unwrap();
    (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response()
}

pub fn frame(kind: FrameKind, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    Frame::put(kind, payload, &mut frame);
    frame.freeze()
}

/// An answer of these pieces, each sent by itself; then the connection breaks, ends or stays.
pub fn pieces(pieces: Vec<Bytes>, then: Then) -> Body {
    let pieces = stream::iter(pieces).map(Ok::<_, std::io::Error>).then(|piece| async {
        // Long enough that the piece before is on its way alone.
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        piece
    });
    match then {
        Then::End => Body::from_stream(pieces),
        Then::Break => Body::from_stream(pieces.chain(stream::iter([Err(std::io::Error::other("cut"))]))),
        Then::Stay => Body::from_stream(pieces.chain(stream::pending())),
    }
}

#[derive(Clone, Copy)]
pub enum Then {
    End,
    Break,
    Stay,
}
