//! What a server is told when it starts.

use std::net::SocketAddr;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

/// Everything [`serve`](crate::serve) needs besides the engine.
#[derive(Debug)]
pub struct ServeOptions {
    /// Sealed UDP.
    pub udp: UdpOptions,
    /// QUIC.
    pub quic: QuicOptions,
    /// Certificates and revocation lists.
    pub tls: TlsParts,
    /// Where metrics and health are served over HTTP; `None` serves none. They tell how much a site is used:
    /// keep the address inside the operator's network.
    pub metrics: Option<SocketAddr>,
    /// How long [`Running::stop`](crate::Running::stop) waits for work under way.
    pub stop_within: Duration,
}

/// How sealed UDP is served.
#[derive(Clone, Debug)]
pub struct UdpOptions {
    /// Address and port; port 0 takes a free one. The unspecified IPv6 address serves IPv4 too, unless `also` names
    /// an IPv4 address with its port.
    pub listen: SocketAddr,
    /// More addresses, each with workers of its own and with the port of `listen`: an enrolment names one port.
    pub also: Vec<SocketAddr>,
    /// The port that enrolments name, when devices reach another one than `listen` has.
    pub advertised_port: Option<u16>,
    /// Worker threads for each address, at least 1, each with a socket of its own (`SO_REUSEPORT`).
    pub workers: usize,
    /// Cores to pin workers to, in turn; empty pins none.
    pub cores: Vec<usize>,
    /// How long an idle worker spins before it sleeps. Zero sleeps at once; more gives away a core for the
    /// 10 to 17 microseconds that waking one costs.
    pub busy_poll: Duration,
    /// Asked for as receive and as send buffer of each socket, bytes; the system may give less.
    pub socket_buffer_bytes: usize,
}

/// How QUIC is served.
#[derive(Clone, Debug)]
pub struct QuicOptions {
    /// Address and port; port 0 takes a free one. The unspecified IPv6 address serves IPv4 too, unless `also` names
    /// an IPv4 address with its port.
    pub listen: SocketAddr,
    /// More addresses.
    pub also: Vec<SocketAddr>,
    /// Where devices without QUIC may enrol over HTTPS; `None` serves none. It has its share of the handshakes below.
    pub https: Option<SocketAddr>,
    /// Connections that may be open.
    pub connections_max: usize,
    /// Connections one device may have open; one more closes the oldest.
    pub connections_per_device_max: usize,
    /// Handshakes under way in all; from half of it on a source must first prove its address (RFC 9000
    /// section 8.1.2).
    pub handshakes_max: usize,
    /// Handshakes under way from one IPv4 address or one IPv6 /64.
    pub handshakes_per_source_max: usize,
    /// For a handshake, for the first byte of a stream, for a frame to arrive once it has begun, and for its answer
    /// to be taken.
    pub step_timeout: Duration,
    /// After this long without a packet a connection is forgotten, and after this long without a further frame a
    /// stream is.
    pub idle: Duration,
    /// Streams one connection may have open.
    pub streams_per_connection: u16,
    /// Frames under way in all connections together, bytes; at least one frame of the largest kind. One device
    /// may take a twelfth of it, or one such frame.
    pub frames_bytes_max: usize,
}

/// The engine's certificate and whom it trusts.
#[derive(Debug)]
pub struct TlsParts {
    /// The engine's certificate chain, leaf first; the leaf carries [`ENGINE_NAME`](crate::profile::ENGINE_NAME).
    pub chain: Vec<CertificateDer<'static>>,
    /// The leaf's private key.
    pub key: PrivateKeyDer<'static>,
    /// The roots of device certificates.
    pub device_roots: Vec<CertificateDer<'static>>,
    /// The newest revocation list of each root; none checks no revocation.
    pub crls: Vec<CertificateRevocationListDer<'static>>,
    /// Whether devices are refused once a list is past its next update. With this set a CA that falls silent
    /// shuts out every device; without it an old list still counts.
    pub crls_must_be_fresh: bool,
}

impl UdpOptions {
    /// The usual way to serve at `listen`: one worker for each core, no pinning, no spinning.
    pub fn new(listen: SocketAddr) -> UdpOptions {
        UdpOptions {
            listen,
            also: Vec::new(),
            advertised_port: None,
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            cores: Vec::new(),
            busy_poll: Duration::ZERO,
            socket_buffer_bytes: 8 << 20,
        }
    }
}

impl QuicOptions {
    /// The usual way to serve at `listen`.
    pub fn new(listen: SocketAddr) -> QuicOptions {
        QuicOptions {
            listen,
            also: Vec::new(),
            https: None,
            connections_max: 65_536,
            connections_per_device_max: 4,
            // A handshake costs about 0.65 ms of one core: 512 under way are a third of a second of work.
            handshakes_max: 512,
            handshakes_per_source_max: 64,
            step_timeout: Duration::from_secs(5),
            idle: Duration::from_secs(30),
            streams_per_connection: 8,
            frames_bytes_max: 64 << 20,
        }
    }
}
