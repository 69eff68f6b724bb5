//! Enrolment over HTTPS, for firmware that has TLS and no QUIC: one request a connection, the same certificates, the same
//! limits, and the same bytes as the frame `Enrolled`.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hufu_wire::{Enrolled, Grant, Message as _, Reason, UnixSeconds};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::admission::Admission;
use super::connection::read_chain;
use super::shared::Shared;
use crate::tls::Tls;

/// Bytes of a request's head; hyper takes no smaller limit.
const HEAD_BYTES_MAX: usize = 8 << 10;

/// Accepts connections until told to stop.
pub(super) async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    /// The system has no more descriptors: others have to be closed first.
    const TRY_AGAIN: Duration = Duration::from_millis(100);

    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "devices cannot enrol over HTTPS"),
    };
    loop {
        tokio::select! {
            _ = shared.stopped() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, from)) => begin(stream, from, &shared),
                Err(_) => sleep(TRY_AGAIN).await,
            },
        }
    }
}

/// TCP has shown that what is sent to this address arrives there, as a token does over QUIC.
fn begin(stream: TcpStream, from: SocketAddr, shared: &Arc<Shared>) {
    let meters = &shared.meters;
    let place = match shared.handshakes.admit(from.ip(), true) {
        Admission::Begin(place) => place,
        Admission::Full => return meters.refused_total.add(1),
        Admission::SourceFull | Admission::ProveAddress => return meters.refused_source.add(1),
    };
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let (tls, step) = (shared.tls.load_full(), shared.options.step_timeout);
        match timeout(step, TlsAcceptor::from(Arc::clone(&tls.https)).accept(stream)).await {
            // A request and its answer.
            Ok(Ok(stream)) => drop(timeout(step * 2, converse(stream, &tls, &shared)).await),
            _ => shared.meters.failed.add(1),
        }
        // Held to the end: a connection that stays silent takes a place, and no more.
        drop(place);
    });
}

/// A device whose certificate has been accepted.
#[derive(Clone, Copy)]
struct Enrolling {
    grant: Grant,
    ends: UnixSeconds,
    /// Secret bytes that no other connection has, as over QUIC.
    binding: [u8; 32],
}

/// One connection from its handshake to its end.
async fn converse(stream: TlsStream<TcpStream>, tls: &Arc<Tls>, shared: &Shared) {
    let device = admitted(&stream, tls, shared);
    let answer =
        service_fn(async |request: Request<Incoming>| Ok::<_, Infallible>(answer(&request, device, shared)));
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), answer);
    // What comes in after the handshake and is no request is answered or cut off by hyper.
    drop(connection.await);
}

/// Who connected, or why it gets no session; counted.
fn admitted(stream: &TlsStream<TcpStream>, tls: &Arc<Tls>, shared: &Shared) -> Result<Enrolling, Reason> {
    let connection = stream.get_ref().1;
    let chain = connection.peer_certificates().unwrap_or_default();
    let Some((grant, ends)) = read_chain(chain) else {
        shared.meters.closed_profile.add(1);
        return Err(Reason::OutOfScope);
    };
    if let Some(reason) = shared.objection(tls, &grant, chain) {
        shared.count_objection(reason);
        return Err(reason);
    }
    shared.meters.accepted.add(1);
    // Fails before a handshake only.
    let binding = connection.export_keying_material([0; 32], b"EXPORTER-hufu-session", Some(b""));
    Ok(Enrolling { grant, ends, binding: binding.map_err(|_| Reason::Busy)? })
}

fn answer(
    request: &Request<Incoming>,
    device: Result<Enrolling, Reason>,
    shared: &Shared,
) -> Response<Full<Bytes>> {
    if request.uri().path() != "/v1/enrol" {
        return text(StatusCode::NOT_FOUND, "there is POST /v1/enrol");
    }
    if request.method() != Method::POST {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "there is POST /v1/enrol");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return refused;
    }
    match device.and_then(|device| enrol(&device, shared)) {
        Ok(enrolled) => {
            let mut bytes = [0; Enrolled::BYTES];
            enrolled.write_to(&mut bytes);
            respond(StatusCode::OK, "application/octet-stream", Bytes::copy_from_slice(&bytes))
        }
        Err(reason) => {
            let status = match reason {
                Reason::RateExceeded => StatusCode::TOO_MANY_REQUESTS,
                Reason::Busy | Reason::Stopping => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::FORBIDDEN,
            };
            text(status, reason.slug())
        }
    }
}

fn enrol(device: &Enrolling, shared: &Shared) -> Result<Enrolled, Reason> {
    let Enrolling { grant, ends, ref binding } = *device;
    if shared.stopping() {
        return Err(Reason::Stopping);
    }
    let now = shared.clock.now();
    if !shared.engine.devices().charge(&grant, now) {
        shared.meters.frames_refused.count(Reason::RateExceeded);
        return Err(Reason::RateExceeded);
    }
    shared.enrol(grant, ends, now, binding).inspect_err(|reason| shared.meters.frames_refused.count(*reason))
}

fn text(status: StatusCode, says: &'static str) -> Response<Full<Bytes>> {
    respond(status, "text/plain", Bytes::from_static(says.as_bytes()))
}

fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // It holds the session's keys.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
