//! Enrolment over HTTPS, and what gates without a network need, for firmware that has TLS and no QUIC: one request a
//! connection, the same certificates, the same limits, and the same bytes as in the frames.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hufu_wire::limits::FRAME_BYTES_MAX;
use hufu_wire::{Enrolled, Grant, Message, OFFLINE_RECORDS_PATH, OfflineAsk, Reason, Suites, UnixSeconds};
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::http::uri::PathAndQuery;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::admission::Admission;
use super::answer::suites;
use super::connection::read_chain;
use super::offline;
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
    let answer = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(answer(request, device, shared).await)
    });
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

async fn answer(
    request: Request<Incoming>,
    device: Result<Enrolling, Reason>,
    shared: &Shared,
) -> Response<Full<Bytes>> {
    let path = request.uri().path_and_query().map_or("", PathAndQuery::as_str);
    let ask = OfflineAsk::from_path(path);
    let (method, takes) = match path {
        "/v1/enrol" | OFFLINE_RECORDS_PATH => (Method::POST, "POST"),
        _ if ask.is_some() => (Method::GET, "GET"),
        _ => return text(StatusCode::NOT_FOUND, "there is no such path; docs/PROTOCOL.md has them"),
    };
    if request.method() != method {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, "another method; docs/PROTOCOL.md has it");
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static(takes));
        return refused;
    }
    let answered = match (device, ask) {
        (Err(reason), _) => Err(reason),
        (Ok(device), Some(ask)) => offline::part(shared, device.grant, shared.clock.now(), ask).await,
        (Ok(device), None) if path == OFFLINE_RECORDS_PATH => {
            match Limited::new(request.into_body(), FRAME_BYTES_MAX).collect().await {
                Ok(records) => receive(shared, device.grant, records.to_bytes().into()).await,
                Err(_) => return text(StatusCode::PAYLOAD_TOO_LARGE, "records of at most 655360 bytes"),
            }
        }
        (Ok(device), None) => match Limited::new(request.into_body(), Suites::BYTES).collect().await {
            Ok(said) => match suites(&said.to_bytes()) {
                Some(suites) => enrol(&device, suites, shared).map(|enrolled| bytes_of(&enrolled)),
                None => return text(StatusCode::BAD_REQUEST, "suites are 4 bytes, or no body"),
            },
            Err(_) => return text(StatusCode::PAYLOAD_TOO_LARGE, "suites are 4 bytes, or no body"),
        },
    };
    match answered {
        Ok(bytes) => respond(StatusCode::OK, "application/octet-stream", bytes.into()),
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

async fn receive(shared: &Shared, grant: Grant, records: Vec<u8>) -> Result<Vec<u8>, Reason> {
    offline::receive(shared, grant, shared.clock.now(), records).await.map(|kept| bytes_of(&kept))
}

fn bytes_of<'m>(message: &impl Message<'m>) -> Vec<u8> {
    let mut bytes = vec![0; message.size()];
    message.write_to(&mut bytes);
    bytes
}

fn enrol(device: &Enrolling, suites: Suites, shared: &Shared) -> Result<Enrolled, Reason> {
    let Enrolling { grant, ends, ref binding } = *device;
    if shared.stopping() {
        return Err(Reason::Stopping);
    }
    let now = shared.clock.now();
    if !shared.engine.devices().charge(&grant, now) {
        shared.meters.frames_refused.count(Reason::RateExceeded);
        return Err(Reason::RateExceeded);
    }
    shared
        .enrol(grant, suites, ends, now, binding)
        .inspect_err(|reason| shared.meters.frames_refused.count(*reason))
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
