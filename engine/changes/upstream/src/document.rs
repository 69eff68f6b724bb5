//! A document that somebody else publishes at a URL, signed in itself: no token goes there.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, ETAG, HeaderValue, IF_NONE_MATCH};
use reqwest::{Client, StatusCode, Url};

use crate::api::{client, is_here};
use crate::call::TRY;
use crate::fault::{ApiFault, told};

/// Fetches documents of one host.
#[derive(Debug)]
pub struct Documents {
    client: Client,
}

/// What was there.
#[derive(Debug)]
pub struct Document {
    /// Its bytes.
    pub bytes: Bytes,
    /// By which the next fetch can tell that nothing has changed.
    pub tag: Option<String>,
}

impl Documents {
    /// For URLs like this one. `ca` holds the roots that its host's certificate must have; the platform's when there is
    /// none.
    ///
    /// # Errors
    /// [`ApiFault::Misconfigured`].
    pub fn of(url: &str, ca: Option<&Path>) -> Result<Documents, ApiFault> {
        Ok(Documents { client: client(&read_url(url)?, ca)? })
    }

    /// The document at `url` as one of the media types that `accept` names, or `None` when it is still the one of `tag`.
    ///
    /// # Errors
    /// [`ApiFault`]: it cannot be reached, is not there, or has more than `bytes_max` bytes.
    pub async fn get(
        &self,
        url: &str,
        accept: &'static str,
        tag: Option<&str>,
        bytes_max: usize,
    ) -> Result<Option<Document>, ApiFault> {
        let place = read_url(url)?;
        let unreachable = |what: String| ApiFault::Unreachable { registry: url.to_owned(), what };
        let exchange = async {
            let mut request = self.client.get(place).header(ACCEPT, accept);
            if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(tag).ok()) {
                request = request.header(IF_NONE_MATCH, tag);
            }
            let mut response = request.send().await.map_err(|error| unreachable(told(error)))?;
            match response.status() {
                StatusCode::OK => {}
                StatusCode::NOT_MODIFIED if tag.is_some() => return Ok(None),
                other => {
                    return Err(unreachable(format!(
                        "it answers {other}; correct the address, or tell its publisher"
                    )));
                }
            }
            let tag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
            let mut bytes = BytesMut::new();
            while let Some(piece) = response.chunk().await.map_err(|error| unreachable(told(error)))? {
                if bytes.len() + piece.len() > bytes_max {
                    return Err(unreachable(format!("it sends more than {bytes_max} bytes")));
                }
                bytes.extend_from_slice(&piece);
            }
            Ok(Some(Document { bytes: bytes.freeze(), tag }))
        };
        let late = |_| unreachable(format!("no answer within {} s", TRY.as_secs()));
        tokio::time::timeout(TRY, exchange).await.map_err(late)?
    }
}

/// HTTPS, or this machine: what comes in the clear could be kept from who asks.
fn read_url(url: &str) -> Result<Url, ApiFault> {
    let read = Url::parse(url).ok().filter(|url| url.username().is_empty() && url.password().is_none());
    match read {
        Some(read) if read.scheme() == "https" || read.scheme() == "http" && is_here(&read) => Ok(read),
        _ => Err(ApiFault::Misconfigured(format!(
            "{url:?} is no place of a document; write https://HOST/PATH, or http:// for an address of this machine"
        ))),
    }
}
