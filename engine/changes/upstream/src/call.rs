//! One call: sent, sent again where that does no harm, answered or refused.

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use hufu_contract::Problem;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, LOCATION};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::api::{Api, Part};
use crate::fault::{ApiFault, is_certificate, told};
use crate::token;
use crate::waits::Waits;

/// How long one try of a call may take.
pub(crate) const TRY: Duration = Duration::from_secs(30);

/// What an upload may take beyond that for each MiB.
const UPLOAD_A_MIB: Duration = Duration::from_secs(4);

/// Further tries of a call that may be repeated: with their waits about a second and a half.
const TRIES: u32 = 3;

/// Largest answer that is taken in, bytes: a page of sets has at most 8 MiB and one set more.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Largest problem that is taken in, bytes.
const PROBLEM_BYTES_MAX: usize = 64 << 10;

const JSON: &str = "application/json";
const PROBLEM_JSON: &str = "application/problem+json";
const OCTETS: &str = "application/octet-stream";

/// A request before it is sent, as often as need be.
pub(crate) struct Call {
    method: Method,
    url: Url,
    body: Body,
    is_repeatable: bool,
}

enum Body {
    None,
    Json(Bytes),
    Octets(Bytes),
    File { path: PathBuf, bytes: u64 },
}

impl Api {
    pub(crate) fn get(&self, parts: &[&Part<'_>]) -> Call {
        self.call(Method::GET, parts)
    }

    pub(crate) fn put(&self, parts: &[&Part<'_>]) -> Call {
        self.call(Method::PUT, parts)
    }

    pub(crate) fn delete(&self, parts: &[&Part<'_>]) -> Call {
        self.call(Method::DELETE, parts)
    }

    /// A call that is not sent twice, but with [`Call::repeatable`].
    pub(crate) fn post(&self, parts: &[&Part<'_>]) -> Call {
        self.call(Method::POST, parts)
    }

    fn call(&self, method: Method, parts: &[&Part<'_>]) -> Call {
        // RFC 9110 section 9.2.2.
        let is_repeatable = method != Method::POST;
        Call { method, url: self.url(parts), body: Body::None, is_repeatable }
    }

    /// The answer as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: Call) -> Result<T, ApiFault> {
        let answer = self.octets(call).await?;
        serde_json::from_slice(&answer).map_err(|error| self.garbled(error.to_string()))
    }

    /// The answer as bytes.
    pub(crate) async fn octets(&self, call: Call) -> Result<Bytes, ApiFault> {
        Ok(self.answer(call).await?.1)
    }

    /// The answer, headers and bytes.
    pub(crate) async fn answer(&self, call: Call) -> Result<(HeaderMap, Bytes), ApiFault> {
        let mut waits = Waits::new(if call.is_repeatable { TRIES } else { 0 }, u64::MAX);
        loop {
            let fault = match self.try_once(&call).await {
                Err(fault) if fault.is_passing() => fault,
                answer => return answer,
            };
            let Some(wait) = waits.next() else { return Err(fault) };
            tokio::time::sleep(wait).await;
        }
    }

    /// No answer but that it was done.
    pub(crate) async fn done(&self, call: Call) -> Result<(), ApiFault> {
        self.octets(call).await.map(drop)
    }

    /// Sends a call once and hands out its answer when that begins. How long the rest may take is the caller's to
    /// say.
    pub(crate) async fn begin(&self, call: &Call, headers: HeaderMap) -> Result<Response, ApiFault> {
        self.within(TRY, self.send(call, headers)).await
    }

    async fn try_once(&self, call: &Call) -> Result<(HeaderMap, Bytes), ApiFault> {
        let exchange = async {
            let mut response = self.send(call, HeaderMap::new()).await?;
            let headers = std::mem::take(response.headers_mut());
            Ok((headers, self.gather(response, ANSWER_BYTES_MAX).await?))
        };
        self.within(call.time(), exchange).await
    }

    async fn send(&self, call: &Call, headers: HeaderMap) -> Result<Response, ApiFault> {
        let mut request = self.shared.client.request(call.method.clone(), call.url.clone()).headers(headers);
        if let Some(file) = &self.shared.token {
            request = request.header(AUTHORIZATION, token::authorization(file)?);
        }
        let request = call.body.put_into(request).await?;
        let response = request.send().await.map_err(|error| self.not_sent(error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(response).await) }
    }

    fn not_sent(&self, error: reqwest::Error) -> ApiFault {
        if is_certificate(&error) {
            let what = format!("{}; check the URL and the file of roots", told(error));
            return ApiFault::Misconfigured(format!("registry {}: {what}", self.name()));
        }
        self.unreachable(told(error))
    }

    /// What an answer other than success means.
    async fn refusal(&self, response: Response) -> ApiFault {
        let (status, headers) = (response.status(), response.headers());
        if let Some(place) = headers.get(LOCATION).filter(|_| status.is_redirection()) {
            let what = format!(
                "it redirects to {place:?}, where no token is sent; configure the registry's own URL"
            );
            return ApiFault::Misconfigured(format!("registry {}: {what}", self.name()));
        }
        let kind =
            headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("no type").to_owned();
        if kind.starts_with(PROBLEM_JSON) {
            let body = match self.gather(response, PROBLEM_BYTES_MAX).await {
                Ok(body) => body,
                Err(fault) => return fault,
            };
            return match serde_json::from_slice::<Problem>(&body) {
                // The status of the answer is the one that counts (RFC 9457 section 3.1.2).
                Ok(problem) => {
                    let problem = Box::new(Problem { status: status.as_u16(), ..problem });
                    ApiFault::Refused { registry: self.name().to_owned(), problem }
                }
                Err(error) => self.garbled(format!("{status} with a problem that cannot be read: {error}")),
            };
        }
        // Not from a registry: a proxy before it, most often.
        match status {
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
                self.unreachable(format!("what stands before it answers {status}"))
            }
            _ => self.garbled(format!("{status} with {kind}")),
        }
    }

    /// The whole body, if it is not larger than `bytes_max`.
    async fn gather(&self, mut response: Response, bytes_max: usize) -> Result<Bytes, ApiFault> {
        let mut body = BytesMut::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.unreachable(told(error)))? {
            if body.len() + piece.len() > bytes_max {
                return Err(self.garbled(format!("an answer of more than {bytes_max} bytes")));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    }

    async fn within<T>(
        &self,
        time: Duration,
        work: impl Future<Output = Result<T, ApiFault>>,
    ) -> Result<T, ApiFault> {
        let late = |_| self.unreachable(format!("no answer within {} s", time.as_secs()));
        tokio::time::timeout(time, work).await.map_err(late)?
    }

    pub(crate) fn unreachable(&self, what: String) -> ApiFault {
        ApiFault::Unreachable { registry: self.name().to_owned(), what }
    }

    pub(crate) fn garbled(&self, what: String) -> ApiFault {
        ApiFault::Garbled { registry: self.name().to_owned(), what }
    }
}

impl Call {
    /// With `?name=value`.
    pub(crate) fn query(mut self, name: &str, value: impl Display) -> Call {
        self.url.query_pairs_mut().append_pair(name, &value.to_string());
        self
    }

    /// With this as JSON.
    pub(crate) fn with_json(self, body: &impl Serialize) -> Call {
        // Structs of texts, numbers and lists: nothing about them cannot be JSON.
        let json = serde_json::to_vec(body).unwrap_or_default();
        Call { body: Body::Json(json.into()), ..self }
    }

    /// With these bytes.
    pub(crate) fn with_octets(self, body: impl Into<Bytes>) -> Call {
        Call { body: Body::Octets(body.into()), ..self }
    }

    /// With this file.
    pub(crate) fn with_file(self, path: PathBuf) -> Result<Call, ApiFault> {
        let bytes = std::fs::metadata(&path).map_err(|error| of_file(&path, &error))?.len();
        Ok(Call { body: Body::File { path, bytes }, ..self })
    }

    /// A call that changes nothing when it comes twice.
    pub(crate) fn repeatable(self) -> Call {
        Call { is_repeatable: true, ..self }
    }

    fn time(&self) -> Duration {
        match self.body {
            Body::File { bytes, .. } => {
                TRY + UPLOAD_A_MIB * u32::try_from(bytes >> 20).unwrap_or(u32::MAX >> 8)
            }
            _ => TRY,
        }
    }
}

impl Body {
    async fn put_into(&self, request: RequestBuilder) -> Result<RequestBuilder, ApiFault> {
        let request = request.header(ACCEPT, "*/*");
        Ok(match self {
            Body::None => request,
            Body::Json(json) => request.header(CONTENT_TYPE, JSON).body(json.clone()),
            Body::Octets(octets) => request.header(CONTENT_TYPE, OCTETS).body(octets.clone()),
            Body::File { path, bytes } => {
                let file = tokio::fs::File::open(path).await.map_err(|error| of_file(path, &error))?;
                request.header(CONTENT_TYPE, OCTETS).header(CONTENT_LENGTH, *bytes).body(file)
            }
        })
    }
}

fn of_file(path: &std::path::Path, error: &std::io::Error) -> ApiFault {
    ApiFault::Misconfigured(format!("{}: {error}", path.display()))
}
