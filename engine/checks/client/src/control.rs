//! The QUIC side: enrolment, time, checks and rosters over one connection (RFC 9000, RFC 9221).

mod frame;

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use frame::{NUMBER_BYTES, append, checks_payload, read_frame, read_verdicts, write_frame};
use hufu_wire::limits::{CHECK_REQUEST_BYTES_MAX, FRAME_CHECKS_MAX};
use hufu_wire::{
    CheckNumber, CheckRequest, Enrolled, FrameKind, Malformed, MemberVerdict, Message as _, OfflineAsk,
    Reason, RecordsKept, RosterReply, ServerTime, Suites, UnixMillis, UnixSeconds, Verdict, read,
};
use quinn::{Connection, Endpoint};
use rustls_pki_types::CertificateDer;
use tokio::task::JoinSet;

use crate::address::EngineAddress;
use crate::clock::DeviceClock;
use crate::fault::{ControlFault, malformed};
use crate::identity::{Identity, validity};
use crate::revocations::{Revocations, Revoked};

/// One connection to one engine. Cloning gives another handle on the same connection.
///
/// Every method opens a stream of its own, so calls may run side by side.
#[derive(Clone, Debug)]
pub struct Control {
    connection: Connection,
    endpoint: Endpoint,
    clock: Arc<DeviceClock>,
    revocations: Revocations,
    suites: Suites,
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

    /// Looks `engine` up and connects to the first of its addresses that answers.
    ///
    /// # Errors
    /// [`ControlFault`]; of several addresses' the one that tells most.
    pub async fn reach(
        engine: &EngineAddress,
        name: &str,
        identity: &Identity,
    ) -> Result<Control, ControlFault> {
        Self::connect_any(&engine.look_up().await?, name, identity).await
    }

    /// Connects to the first of these addresses of one engine that answers. Each is tried when the one before it
    /// has failed, or has not answered for 250 ms (RFC 8305 section 5).
    ///
    /// # Errors
    /// [`ControlFault`]; of several addresses' the one that tells most.
    pub(crate) async fn connect_any(
        addresses: &[SocketAddr],
        name: &str,
        identity: &Identity,
    ) -> Result<Control, ControlFault> {
        let mut fault = ControlFault::Unreachable { why: "the engine has no address".to_owned() };
        let mut attempts: JoinSet<Result<Control, ControlFault>> = JoinSet::new();
        let mut untried = addresses.iter().copied();
        loop {
            let next = untried.next();
            if let Some(address) = next {
                let (name, identity) = (name.to_owned(), identity.clone());
                attempts.spawn(async move { Control::connect(address, &name, &identity).await });
            } else if attempts.is_empty() {
                return Err(fault);
            }
            let wait = if untried.len() > 0 { NEXT_ADDRESS_AFTER } else { ANSWER_MAX };
            match tokio::time::timeout(wait, attempts.join_next()).await {
                Ok(Some(Ok(Ok(control)))) => return Ok(control),
                Ok(Some(Ok(Err(other)))) => fault = fault.or(other),
                // An attempt that panicked has said so on standard error; one that takes long goes on.
                Ok(Some(Err(_)) | None) | Err(_) => {}
            }
        }
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
        let clock = Arc::clone(identity.clock());
        let shaking =
            async { connecting.await.map_err(|error| ControlFault::of_handshake(error, clock.judge())) };
        let connection = in_time(shaking).await?;
        let revocations = identity.revocations().clone();
        let suites = identity.suites();
        let control = Control { connection, endpoint: endpoint.clone(), clock, revocations, suites };
        control.hold_against_lists()?;
        Ok(control)
    }

    /// Asks for a session. First enrolment and renewal are the same. The operator's revocation lists are fetched
    /// before the session is taken, and this engine is held against them.
    ///
    /// # Errors
    /// [`ControlFault`]; [`Refused`](ControlFault::Refused) tells why the engine gives none, and
    /// [`Untrusted`](ControlFault::Untrusted) that it was revoked.
    pub async fn enrol(&self) -> Result<Enrolled, ControlFault> {
        let mut said = [0; Suites::BYTES];
        self.suites.write_to(&mut said);
        // Engines of before there was SM4 know this request empty alone.
        let said = if self.suites == Suites::AES { &[][..] } else { &said };
        let payload = self.ask(FrameKind::Enrol, said, FrameKind::Enrolled).await?;
        let enrolled: Enrolled = read(&payload)?;
        if !self.suites.contain(enrolled.suite) {
            return Err(ControlFault::Suite(enrolled.suite));
        }
        self.fetch_revocations().await?;
        self.clock.hear(enrolled.server_time, self.engine_until());
        Ok(enrolled)
    }

    /// Takes the engine's revocation lists, if they are new to this device.
    async fn fetch_revocations(&self) -> Result<(), ControlFault> {
        let known = self.revocations.known();
        match self.ask(FrameKind::Revocations, &known, FrameKind::RevocationLists).await {
            Ok(lists) => self.revocations.take(&lists)?,
            // An engine that knows no lists, or is too busy: those that are known count, and the next one may have
            // more. A stolen engine could say the same.
            Err(ControlFault::Refused(Reason::RateExceeded | Reason::Busy) | ControlFault::Lost { .. }) => {}
            Err(fault) => return Err(fault),
        }
        self.hold_against_lists()
    }

    /// Closes the connection if its engine was revoked.
    fn hold_against_lists(&self) -> Result<(), ControlFault> {
        let Some(Revoked { list }) = self.revocations.find(&self.engine_chain()) else { return Ok(()) };
        self.connection.close(0_u8.into(), b"the engine's certificate is revoked");
        let why = format!("revocation list {list} of the operator's CA names the engine's certificate");
        Err(ControlFault::Untrusted { why })
    }

    /// The engine's clock.
    ///
    /// # Errors
    /// [`ControlFault`].
    pub async fn time(&self) -> Result<UnixMillis, ControlFault> {
        let payload = self.ask(FrameKind::Time, &[], FrameKind::ServerTime).await?;
        let ServerTime(now) = read(&payload)?;
        self.clock.hear(now, self.engine_until());
        Ok(now)
    }

    /// What a gate needs to go on without a network: the bytes of what is asked for.
    ///
    /// # Errors
    /// [`ControlFault`]; [`Refused`](ControlFault::Refused) with `out-of-scope` where the policy of the device's site has
    /// no `offline_age_s_max`.
    pub async fn offline(&self, ask: OfflineAsk) -> Result<Vec<u8>, ControlFault> {
        let mut payload = [0; OfflineAsk::BYTES];
        ask.write_to(&mut payload);
        self.ask(FrameKind::Offline, &payload, FrameKind::OfflinePart).await
    }

    /// Hands records of checks without a network over. Returns the counter up to which the engine has them, durably.
    ///
    /// # Errors
    /// [`ControlFault`]; the records stay the device's then.
    pub async fn hand_over(&self, records: &[u8]) -> Result<u64, ControlFault> {
        let payload = self.ask(FrameKind::OfflineRecords, records, FrameKind::RecordsKept).await?;
        let RecordsKept(kept) = read(&payload)?;
        Ok(kept)
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
    /// numbers that arrive meanwhile are dropped: to keep several checks under way use
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

    /// Sends one check as a datagram and does not wait. Datagrams may be lost, here too: where more wait for the network than
    /// 32 KiB, the oldest.
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

    /// The connection underneath, for measurements.
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

    /// The end of the engine's certificate.
    fn engine_until(&self) -> UnixSeconds {
        let chain = self.engine_chain();
        chain.first().and_then(|leaf| validity(leaf)).map_or(UnixSeconds(0), |(_, until)| until)
    }

    /// The certificates that the engine showed, leaf first.
    fn engine_chain(&self) -> Vec<CertificateDer<'static>> {
        let shown = self.connection.peer_identity().and_then(|identity| identity.downcast().ok());
        shown.map_or_else(Vec::new, |chain: Box<Vec<CertificateDer<'static>>>| *chain)
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

/// How long an address may be silent before the next one is tried beside it.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);
/// How long an engine may take over one frame before it counts as gone.
const ANSWER_MAX: Duration = Duration::from_secs(10);

async fn in_time<T>(work: impl Future<Output = Result<T, ControlFault>>) -> Result<T, ControlFault> {
    tokio::time::timeout(ANSWER_MAX, work)
        .await
        .unwrap_or_else(|_| Err(ControlFault::Unreachable { why: "no answer in 10 s".to_owned() }))
}
