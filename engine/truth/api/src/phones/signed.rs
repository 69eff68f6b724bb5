//! A request that a phone has signed.

use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{FromRequest as _, Request};
use axum::http::HeaderMap;
use bytes::Bytes;
use hufu_contract::{
    Base64Url, PHONE_CLOCK_MS_MAX, PHONE_HEADER, PHONE_SIGNATURE_HEADER, PHONE_TIME_HEADER, PhoneName,
    PhoneRequest,
};
use hufu_registry::{KnownPhone, PhoneKey};
use hufu_wire::UnixMillis;
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use super::Phones;
use crate::extract::{expect_type, read_json, unread};
use crate::problem::{ApiProblem, Kind};

/// A request whose body is here and whose signature was not looked at, with its place among those that are worked at.
pub(super) struct Arrived {
    phone: String,
    signature: [u8; SIGNATURE_BYTES],
    message: Vec<u8>,
    body: Bytes,
    _place: OwnedSemaphorePermit,
}

/// r and s, 32 bytes each.
const SIGNATURE_BYTES: usize = 64;

impl Arrived {
    /// Looks at headers and time, then reads the body.
    pub(super) async fn read(
        state: &Phones,
        request: Request,
        now: UnixMillis,
    ) -> Result<Arrived, ApiProblem> {
        let headers = request.headers();
        expect_type(headers, "application/json")?;
        let [phone, time, signature] = [PHONE_HEADER, PHONE_TIME_HEADER, PHONE_SIGNATURE_HEADER]
            .map(|name| one(headers, name).map(str::to_owned));
        let (phone, time) = (phone?, time?);
        let signature = signature_of(&signature?).ok_or_else(unsigned)?;
        check_clock(&time, now)?;
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let body = Bytes::from_request(request, &()).await.map_err(unread)?;
        let place = Arc::clone(&state.room).try_acquire_owned().map_err(|_| state.busy())?;
        let digest = digest(&SHA256, &body).as_ref().try_into().unwrap_or_default();
        let (method, path, phone_text, time) = (method.as_str(), &*path, &*phone, &*time);
        let message = PhoneRequest { method, path, phone: phone_text, time, body: digest }.signed_bytes();
        Ok(Arrived { phone, signature, message, body, _place: place })
    }

    /// The phone that has signed it, and what it asks for.
    pub(super) async fn by_phone<T: DeserializeOwned>(
        &self,
        state: &Phones,
    ) -> Result<(KnownPhone, T), ApiProblem> {
        let name: PhoneName = self.phone.parse().map_err(|_| unsigned())?;
        let phone = state.registry.known_phone(name, &self.message, &self.signature).await?;
        if !state.asked.count(name, Instant::now()) {
            let detail = "this phone has asked too often within a minute";
            return Err(ApiProblem::new(Kind::TooMany, detail).after(60));
        }
        Ok((phone, self.body()?))
    }

    /// What it asks for; whose it is was not looked at.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, ApiProblem> {
        read_json(&self.body)
    }

    /// Whether this key has signed it, for no phone.
    pub(super) fn is_by(&self, key: PhoneKey) -> bool {
        self.phone.is_empty() && key.has_signed(&self.message, &self.signature)
    }
}

/// The one value of a header.
fn one<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<&'h str, ApiProblem> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(unsigned()) };
    value.to_str().map_err(|_| unsigned())
}

/// A signature has one spelling.
fn signature_of(text: &str) -> Option<[u8; SIGNATURE_BYTES]> {
    let read: Base64Url = serde_json::from_value(text.into()).ok()?;
    read.0.try_into().ok()
}

/// Whether the phone's clock is near enough to ours, so that an old request is not taken again.
fn check_clock(time: &str, now: UnixMillis) -> Result<(), ApiProblem> {
    let is_number = (1..=19).contains(&time.len()) && time.bytes().all(|byte| byte.is_ascii_digit());
    let time: u64 = if is_number { time.parse().map_err(|_| unsigned())? } else { return Err(unsigned()) };
    if time.abs_diff(now.0) > PHONE_CLOCK_MS_MAX { Err(ApiProblem::clock(now)) } else { Ok(()) }
}

/// It is not signed as it must be.
pub(super) fn unsigned() -> ApiProblem {
    let detail = "no phone of this name has signed this request: docs/REGISTRY.md, Phones, has the headers";
    ApiProblem::new(Kind::Unauthenticated, detail)
}
