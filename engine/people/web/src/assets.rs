//! Files beside a page: style sheets, scripts, pictures. Each is served under a name with a hash of its content, so that a
//! browser keeps it and never shows an old one.

use std::collections::HashMap;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use super::secret::sha256;

/// A file that pages refer to. A script is one ES module that imports no other: their names have a hash.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    /// Its name, for example `console.js`; unique in a process.
    pub name: &'static str,
    /// Its content.
    pub bytes: &'static [u8],
}

/// The files that every page has.
pub(crate) const OWN: [Asset; 2] = [
    Asset { name: "style.css", bytes: include_bytes!("../assets/style.css") },
    Asset { name: "icon.svg", bytes: include_bytes!("../assets/icon.svg") },
];

/// Where files are served.
pub(crate) const FOLDER: &str = "/assets/";

/// Every file of a process.
#[derive(Debug, Default)]
pub(crate) struct Assets {
    urls: HashMap<&'static str, String>,
    files: HashMap<String, Asset>,
}

impl Assets {
    pub(crate) fn of(assets: impl IntoIterator<Item = Asset>) -> Assets {
        let mut all = Assets::default();
        for asset in assets {
            let hash = sha256(asset.bytes).first_chunk().copied().map_or(0, u64::from_be_bytes);
            let (stem, kind) = asset.name.rsplit_once('.').unwrap_or((asset.name, "bin"));
            let name = format!("{stem}-{hash:016x}.{kind}");
            all.urls.insert(asset.name, format!("{FOLDER}{name}"));
            all.files.insert(name, asset);
        }
        all
    }

    /// The address of a file; an unknown name leads to a page that is not there, which tests see.
    pub(crate) fn url(&self, name: &str) -> &str {
        self.urls.get(name).map_or("/assets/unknown", String::as_str)
    }

    pub(crate) fn serve(&self, file: &str) -> Response {
        let Some(asset) = self.files.get(file) else { return StatusCode::NOT_FOUND.into_response() };
        let kind = match asset.name.rsplit_once('.').map(|(_, kind)| kind) {
            Some("css") => "text/css; charset=utf-8",
            Some("js" | "mjs") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            _ => "application/octet-stream",
        };
        let mut response = Response::new(Body::from(asset.bytes));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        // A year, the most that caches honour (RFC 8246).
        headers
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
        response
    }
}
