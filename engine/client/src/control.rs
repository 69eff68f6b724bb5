//! The QUIC side: enrolment, time, checks and rosters over one connection (RFC 9000, RFC 9221).

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use hufu_wire::limits::{CHECK_REQUEST_BYTES_MAX, FRAME_BYTES_MAX, FRAME_CHECKS_MAX};
use hufu_wire::{
    Actor, CheckNumber, CheckRequest, Enrolled, FRAME_HEADER_BYTES, FrameHeader, FrameKind, Malformed,
    MemberVerdict, Message, Reason, RosterReply, ServerTime, UnixMillis, Verdict, read, write,
};
use quinn::{Connection, ConnectionError, Endpoint, ReadExactError, RecvStream, SendStream, WriteError};

use crate::identity::Identity;

/// One connection to one engine. Cloning gives another handle on the same connection.
///
/// Every method opens a stream of its own, so calls may run side by side.
#[derive(Clone, Debug)]
pub struct Control {
    connection: Connection,
    endpoint: Endpoint,
}

/// A local UDP endpoint for QUIC, of the address family that reaches `server`. One endpoint serves any number
/// of connections.
///
/// # Errors
/// The operating system's, when it gives no socket.
///
/// # Panics
/// Outside a tokio runtime.
pub fn endpoint(server: SocketAddr) -> io::Result<Endpoint> {
    let local: SocketAddr =
        if server.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    Endpoint::client(local)
}

impl Control {
    /// Connects to the engine at `server`, whose certificate must carry `name`.
    ///
    /// # Errors
    /// [`ControlFault`]. In TLS 1.3 a client may learn only with its first request that the engine did not
    /// accept its certificate.
    pub async fn connect(
        server: SocketAddr,
        name: &str,
        identity: &Identity,
    ) -> Result<Control, ControlFault> {
        Self::connect_from(&endpoint(server).map_err(ControlFault::Local)?, server, name, identity).await
    }

    /// The same from an endpoint that exists already.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_from(
        endpoint: &Endpoint,
        server: SocketAddr,
        name: &str,
        identity: &Identity,
    ) -> Result<Control, ControlFault> {
        let connecting = endpoint
            .connect_with(identity.config(), server, name)
            .map_err(|error| ControlFault::Local(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
        let connection = in_time(async { Ok(connecting.await?) }).await?;
        Ok(Control { connection, endpoint: endpoint.clone() })
    }

    /// Asks for a session. First enrolment and renewal are the same.
    ///
    /// # Errors
    /// [`ControlFault`]; [`Refused`](ControlFault::Refused) tells why the engine gives none.
    pub async fn enrol(&self) -> Result<Enrolled, ControlFault> {
        let payload = self.ask(FrameKind::Enrol, &[], FrameKind::Enrolled).await?;
        Ok(read(&payload)?)
    }

    /// The engine's clock.
    ///
    /// # Errors
    /// [`ControlFault`].
    pub async fn time(&self) -> Result<UnixMillis, ControlFault> {
        let payload = self.ask(FrameKind::Time, &[], FrameKind::ServerTime).await?;
        let ServerTime(now) = read(&payload)?;
        Ok(now)
    }

    /// Checks any number of codes on one stream; the verdicts come in the requests' order.
    ///
    /// # Errors
    /// [`ControlFault`]; nothing is returned for checks that were answered before it.
    pub async fn checks(
        &self,
        checks: &[(CheckNumber, CheckRequest<'_>)],
    ) -> Result<Vec<Verdict>, ControlFault> {
        let mut verdicts = Vec::with_capacity(checks.len());
        let (mut send, mut recv) = in_time(async { Ok(self.connection.open_bi().await?) }).await?;
        for frame in checks.chunks(FRAME_CHECKS_MAX) {
            let payload = checks_payload(frame)?;
            let answer = async {
                write_frame(&mut send, FrameKind::Checks, &payload).await?;
                read_frame(&mut recv, FrameKind::Verdicts).await
            };
            read_verdicts(&in_time(answer).await?, frame, &mut verdicts)?;
        }
        Ok(verdicts)
    }

    /// Checks every member of a signed roster (R12).
    ///
    /// # Errors
    /// [`ControlFault`]. A roster that the engine read and did not accept is no error here: its summary says
    /// why and has no members.
    pub async fn roster(&self, roster: &[u8]) -> Result<(RosterReply, Vec<MemberVerdict>), ControlFault> {
        let payload = self.ask(FrameKind::Roster, roster, FrameKind::RosterVerdicts).await?;
        let (summary, members) =
            payload.split_at_checked(RosterReply::BYTES).ok_or(malformed("roster reply", "too short"))?;
        let summary: RosterReply = read(summary)?;
        if members.len() != summary.members as usize * MemberVerdict::BYTES {
            return Err(malformed("roster reply", "another number of members than the summary says"));
        }
        let members =
            members.chunks_exact(MemberVerdict::BYTES).map(read).collect::<Result<Vec<_>, Malformed>>()?;
        Ok((summary, members))
    }

    /// Checks one code in a datagram and waits for its verdict, asking again every 100 ms. Verdicts of other
    /// numbers that arrive meanwhile are dropped: whoever keeps several checks under way uses
    /// [`send_check`](Self::send_check) and [`next_verdict`](Self::next_verdict).
    ///
    /// # Errors
    /// [`ControlFault`]; [`Unreachable`](ControlFault::Unreachable) after five datagrams without an answer.
    pub async fn check_datagram(
        &self,
        number: CheckNumber,
        request: &CheckRequest<'_>,
    ) -> Result<Verdict, ControlFault> {
        const TRIES: u32 = 5;
        const TRY: Duration = Duration::from_millis(100);
        for _ in 0..TRIES {
            self.send_check(number, request)?;
            let answer = async {
                loop {
                    match self.next_verdict().await {
                        Ok(verdict) if verdict.number == number => return Ok(verdict),
                        Ok(_) => {}
                        Err(fault) => return Err(fault),
                    }
                }
            };
            if let Ok(answer) = tokio::time::timeout(TRY, answer).await {
                return answer;
            }
        }
        Err(ControlFault::Unreachable { why: "no datagram was answered".to_owned() })
    }

    /// Sends one check as a datagram and does not wait. Datagrams may be lost.
    ///
    /// # Errors
    /// [`ControlFault`] when the connection is gone or the code too long for any request.
    pub fn send_check(&self, number: CheckNumber, request: &CheckRequest<'_>) -> Result<(), ControlFault> {
        let mut datagram = Vec::with_capacity(NUMBER_BYTES + CHECK_REQUEST_BYTES_MAX);
        datagram.extend_from_slice(&number.0.to_le_bytes());
        append(request, &mut datagram)?;
        self.connection
            .send_datagram(Bytes::from(datagram))
            .map_err(|error| ControlFault::Lost { why: error.to_string() })
    }

    /// The next verdict that arrives as a datagram.
    ///
    /// # Errors
    /// [`ControlFault`] when the connection is gone or the engine sent something else than a verdict.
    pub async fn next_verdict(&self) -> Result<Verdict, ControlFault> {
        let datagram = self.connection.read_datagram().await?;
        Ok(read(&datagram)?)
    }

    /// The engine this connection leads to.
    pub fn server(&self) -> SocketAddr {
        self.connection.remote_address()
    }

    /// The connection underneath, for whoever measures it.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Closes the connection and waits until the engine has been told.
    pub async fn close(self) {
        self.connection.close(0_u8.into(), b"");
        drop(self.connection);
        // Bounded by quinn itself: three probe timeouts (RFC 9000 section 10.2).
        self.endpoint.wait_idle().await;
    }

    async fn ask(&self, kind: FrameKind, payload: &[u8], wanted: FrameKind) -> Result<Vec<u8>, ControlFault> {
        in_time(async {
            let (mut send, mut recv) = self.connection.open_bi().await?;
            write_frame(&mut send, kind, payload).await?;
            // The engine may have reset the stream already; what it said about that is read below.
            let _ = send.finish();
            read_frame(&mut recv, wanted).await
        })
        .await
    }
}

const NUMBER_BYTES: usize = 8;
/// How long an engine may take over one frame before it counts as gone.
const ANSWER_MAX: Duration = Duration::from_secs(10);

async fn in_time<T>(work: impl Future<Output = Result<T, ControlFault>>) -> Result<T, ControlFault> {
    tokio::time::timeout(ANSWER_MAX, work)
        .await
        .unwrap_or_else(|_| Err(ControlFault::Unreachable { why: "no answer in 10 s".to_owned() }))
}

async fn write_frame(send: &mut SendStream, kind: FrameKind, payload: &[u8]) -> Result<(), ControlFault> {
    if payload.len() > FRAME_BYTES_MAX {
        return Err(ControlFault::TooLarge { payload_bytes: payload.len() });
    }
    let header = FrameHeader { kind, payload_bytes: u32::try_from(payload.len()).unwrap_or(u32::MAX) };
    let mut head = [0; FRAME_HEADER_BYTES];
    header.write_to(&mut head);
    // A stream the engine stopped reading still carries its answer; only a lost connection ends here.
    for part in [&head[..], payload] {
        match send.write_all(part).await {
            Ok(()) | Err(WriteError::Stopped(_)) => {}
            Err(WriteError::ConnectionLost(error)) => return Err(error.into()),
            Err(error) => return Err(ControlFault::Lost { why: error.to_string() }),
        }
    }
    Ok(())
}

async fn read_frame(recv: &mut RecvStream, wanted: FrameKind) -> Result<Vec<u8>, ControlFault> {
    let mut head = [0; FRAME_HEADER_BYTES];
    recv.read_exact(&mut head).await.map_err(ended)?;
    let header: FrameHeader = read(&head)?;
    // `FrameHeader` refuses more than FRAME_BYTES_MAX.
    let mut payload = vec![0; header.payload_bytes as usize];
    recv.read_exact(&mut payload).await.map_err(ended)?;
    if header.kind == wanted {
        return Ok(payload);
    }
    if header.kind != FrameKind::Refused {
        return Err(malformed("frame", "not the answer to what was asked"));
    }
    let code: [u8; 2] = payload.try_into().map_err(|_| malformed("refusal", "wrong length"))?;
    let reason = Reason::from_code(u16::from_le_bytes(code)).ok_or(malformed("refusal", "unknown reason"))?;
    Err(ControlFault::Refused(reason))
}

fn checks_payload(checks: &[(CheckNumber, CheckRequest<'_>)]) -> Result<Vec<u8>, ControlFault> {
    let bytes = checks.iter().map(|(_, request)| NUMBER_BYTES + 2 + request.size()).sum();
    let mut payload = Vec::with_capacity(bytes);
    for (number, request) in checks {
        payload.extend_from_slice(&number.0.to_le_bytes());
        let size = u16::try_from(request.size())
            .map_err(|_| ControlFault::TooLarge { payload_bytes: request.size() })?;
        payload.extend_from_slice(&size.to_le_bytes());
        append(request, &mut payload)?;
    }
    Ok(payload)
}

fn append(request: &CheckRequest<'_>, out: &mut Vec<u8>) -> Result<(), ControlFault> {
    let size = request.size();
    if size > CHECK_REQUEST_BYTES_MAX {
        return Err(ControlFault::TooLarge { payload_bytes: size });
    }
    let from = out.len();
    out.resize(from + size, 0);
    write(request, &mut out[from..])
        .map_err(|fault| ControlFault::TooLarge { payload_bytes: fault.needed })?;
    Ok(())
}

fn read_verdicts(
    payload: &[u8],
    checks: &[(CheckNumber, CheckRequest<'_>)],
    out: &mut Vec<Verdict>,
) -> Result<(), ControlFault> {
    if payload.len() != checks.len() * Verdict::BYTES {
        return Err(malformed("verdicts", "another number of verdicts than of checks"));
    }
    for (bytes, (number, _)) in payload.chunks_exact(Verdict::BYTES).zip(checks) {
        let verdict: Verdict = read(bytes)?;
        if verdict.number != *number {
            return Err(malformed("verdicts", "not in the order of the checks"));
        }
        out.push(verdict);
    }
    Ok(())
}

const fn malformed(message: &'static str, fault: &'static str) -> ControlFault {
    ControlFault::Malformed(Malformed { message, fault })
}

fn ended(error: ReadExactError) -> ControlFault {
    match error {
        ReadExactError::ReadError(quinn::ReadError::ConnectionLost(error)) => error.into(),
        ReadExactError::ReadError(quinn::ReadError::Reset(_)) => {
            ControlFault::Lost { why: "the engine could not read the frame".to_owned() }
        }
        error => ControlFault::Lost { why: error.to_string() },
    }
}

/// PROTOCOL 2: an engine that closes a connection gives the number of its reason as error code.
fn refused_or_lost(code: quinn::VarInt, why: &str) -> ControlFault {
    u16::try_from(code.into_inner())
        .ok()
        .and_then(Reason::from_code)
        .map_or_else(|| ControlFault::Lost { why: why.to_owned() }, ControlFault::Refused)
}

/// Why a request over QUIC was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ControlFault {
    /// This machine gives no socket, or cannot send there.
    #[error("no local socket: {0}")]
    Local(#[source] io::Error),
    /// Nobody answers at the engine's address.
    #[error("the engine does not answer: {why}")]
    Unreachable {
        /// What was tried.
        why: String,
    },
    /// One side does not accept the other's certificate.
    #[error("no trust between device and engine: {why}")]
    Untrusted {
        /// What TLS says about it.
        why: String,
    },
    /// The engine understood and said no.
    #[error("the engine refused: {0}")]
    Refused(Reason),
    /// The connection ended before the answer.
    #[error("the connection was lost: {why}")]
    Lost {
        /// How it ended.
        why: String,
    },
    /// The engine's answer is not one.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// More than one request may carry.
    #[error("{payload_bytes} bytes are too many for one request")]
    TooLarge {
        /// Bytes that were to be sent.
        payload_bytes: usize,
    },
}

impl ControlFault {
    /// Who can mend it.
    pub const fn actor(&self) -> Actor {
        match self {
            ControlFault::Refused(reason) => reason.actor(),
            ControlFault::Local(_) | ControlFault::TooLarge { .. } => Actor::Gate,
            ControlFault::Unreachable { .. }
            | ControlFault::Untrusted { .. }
            | ControlFault::Lost { .. }
            | ControlFault::Malformed(_) => Actor::Operator,
        }
    }
}

impl From<ConnectionError> for ControlFault {
    fn from(error: ConnectionError) -> ControlFault {
        let why = error.to_string();
        match error {
            ConnectionError::TimedOut | ConnectionError::VersionMismatch | ConnectionError::Reset => {
                ControlFault::Unreachable { why }
            }
            ConnectionError::TransportError(error) if is_tls(error.code) => ControlFault::Untrusted { why },
            ConnectionError::ConnectionClosed(close) if is_tls(close.error_code) => {
                ControlFault::Untrusted { why }
            }
            ConnectionError::ConnectionClosed(close)
                if close.error_code == quinn::TransportErrorCode::CONNECTION_REFUSED =>
            {
                ControlFault::Refused(Reason::Busy)
            }
            ConnectionError::ApplicationClosed(close) => refused_or_lost(close.error_code, &why),
            _ => ControlFault::Lost { why },
        }
    }
}

/// RFC 9001 section 4.8: TLS alerts are the transport error codes 0x100 to 0x1ff.
fn is_tls(code: quinn::TransportErrorCode) -> bool {
    (0x100..0x200).contains(&u64::from(code))
}
