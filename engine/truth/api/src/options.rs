//! How the API is served.

use std::net::SocketAddr;
use std::path::PathBuf;

/// How the API is served. [`ApiOptions::on`] has the defaults.
#[derive(Clone, Debug)]
pub struct ApiOptions {
    /// Where to listen; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// The server's certificate and key. Without, the API is plain HTTP, which is served on loopback only: a token
    /// that travels in the clear is anybody's.
    pub tls: Option<TlsFiles>,
    /// Plain HTTP beyond loopback too. Never for the registry: only where terminals speak nothing else.
    pub plain: bool,
    /// Connections at once; the next one is closed.
    pub connections_max: usize,
    /// Connections at once of one source: an IPv4 address, or an IPv6 network of 64 bits; the next one is closed.
    pub connections_source_max: usize,
    /// How long a caller may take for TLS, and how long for the headers of a request, milliseconds.
    pub headers_ms_max: u64,
    /// How long a caller may take for each 256 KiB of what waits to be sent to it, milliseconds; then its connection is
    /// closed.
    pub sending_ms_max: u64,
    /// Requests worked at or answered at once, feeds not among them; the next one is answered `busy`.
    pub requests_max: usize,
    /// Requests under way at once of one token, those among them whose body still arrives or whose answer is still sent.
    pub requests_token_max: usize,
    /// Feeds at once; the next one is answered `busy`.
    pub feeds_max: usize,
    /// Feeds at once of one token.
    pub feeds_token_max: usize,
    /// How long one request may take, milliseconds; feeds and snapshots are not measured.
    pub request_ms_max: u64,
    /// An engine that is more than so many sets behind the newest checkpoint is offered it before the sets.
    pub offer_after_sets: u64,
    /// The folder of snapshots; without, none are kept here.
    pub snapshots: Option<PathBuf>,
    /// How much of them is kept.
    pub snapshot_limits: SnapshotLimits,
    /// How often refusals are written to the log and the trail, milliseconds.
    pub refusals_every_ms: u64,
}

/// How much is kept of snapshots, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotLimits {
    /// Largest snapshot that is taken, bytes.
    pub one_bytes_max: u64,
    /// Bytes of all snapshots, those among them that still arrive.
    pub bytes_max: u64,
    /// Bytes of the snapshots of one issuer, those among them that still arrive.
    pub issuer_bytes_max: u64,
    /// How long a snapshot is kept that no checkpoint names, seconds.
    pub unnamed_s: u64,
}

impl SnapshotLimits {
    /// 16 GiB each, 64 GiB in all, 48 GiB an issuer, a week.
    pub const DEFAULT: SnapshotLimits = SnapshotLimits {
        // The status words of 1.4 billion holders take 11.2 GB.
        one_bytes_max: 16 << 30,
        bytes_max: 64 << 30,
        issuer_bytes_max: 48 << 30,
        unnamed_s: 7 * 86_400,
    };
}

/// The files of a server's identity, PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate, and after it those that lead to the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl ApiOptions {
    /// Plain HTTP on `listen`, 1,024 connections and 256 of one source, 256 requests and 64 of one token, 512 feeds and 256
    /// of one token, 10 s for headers, 30 s a request and for 256 KiB of its answer, checkpoints offered from 1,000 sets, no
    /// snapshots.
    pub fn on(listen: SocketAddr) -> ApiOptions {
        ApiOptions {
            listen,
            tls: None,
            plain: false,
            connections_max: 1024,
            connections_source_max: 256,
            headers_ms_max: 10_000,
            sending_ms_max: 30_000,
            requests_max: 256,
            requests_token_max: 64,
            feeds_max: 512,
            feeds_token_max: 256,
            request_ms_max: 30_000,
            offer_after_sets: 1000,
            snapshots: None,
            snapshot_limits: SnapshotLimits::DEFAULT,
            refusals_every_ms: 60_000,
        }
    }
}

/// Why the API is not served. The operator can fix each.
#[derive(Debug, thiserror::Error)]
pub enum ServeFault {
    /// Plain HTTP, and not on loopback.
    #[error("{0} is not a loopback address: configure a certificate and a key, or listen on 127.0.0.1")]
    Plain(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen on {addr}: {}", unbound(.why))]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// What the operating system says.
        why: std::io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("{file}: {what}", file = file.display())]
    Tls {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The folder of snapshots cannot be used.
    #[error("{folder}: {why}", folder = folder.display())]
    Snapshots {
        /// The folder.
        folder: PathBuf,
        /// What the operating system says.
        why: std::io::Error,
    },
}

fn unbound(why: &std::io::Error) -> String {
    match why.kind() {
        std::io::ErrorKind::AddrInUse => {
            "another process listens there; stop it, or configure another address".to_owned()
        }
        _ => why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_taken_is_told_so() {
        let addr = SocketAddr::from(([127, 0, 0, 1], 7420));
        let why = std::io::Error::from(std::io::ErrorKind::AddrInUse);
        let told = ServeFault::Listen { addr, why }.to_string();
        assert!(told.contains("another process listens there"), "{told}");
    }
}
