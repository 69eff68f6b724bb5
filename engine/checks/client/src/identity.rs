//! Who the device is: its certificate and key, and whom it trusts.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hufu_wire::{Actor, Suites, UnixSeconds, without_bom};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, TransportConfig};
use rustls::RootCertStore;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::clock::DeviceClock;
use crate::revocations::Revocations;

/// A device's certificate chain and private key, and the operator's roots, checked and ready to connect with.
///
/// Cloning is cheap: clones share one configuration.
#[derive(Clone, Debug)]
pub struct Identity {
    config: ClientConfig,
    clock: Arc<DeviceClock>,
    revocations: Revocations,
    suites: Suites,
}

impl Identity {
    /// Reads three PEM files: the device's certificate chain (leaf first), its private key (PKCS #8, SEC1 or
    /// PKCS #1), and the operator's root certificates.
    ///
    /// # Errors
    /// [`IdentityFault`], naming the file.
    pub fn from_pem_files(chain: &Path, key: &Path, roots: &Path) -> Result<Identity, IdentityFault> {
        let read = |file: &Path| fs::read(file).map_err(|error| unreadable(file, &error));
        Identity::of_pem([(chain, &read(chain)?), (key, &read(key)?), (roots, &read(roots)?)])
    }

    /// The same from PEM text in memory.
    ///
    /// # Errors
    /// [`IdentityFault`]; `chain`, `key` or `roots` stands for the file.
    pub fn from_pem(chain: &[u8], key: &[u8], roots: &[u8]) -> Result<Identity, IdentityFault> {
        let named = |name, pem| (Path::new(name), pem);
        Identity::of_pem([named("chain", chain), named("key", key), named("roots", roots)])
    }

    fn of_pem(files: [(&Path, &[u8]); 3]) -> Result<Identity, IdentityFault> {
        let [chain, key, roots] = files.map(|(what, pem)| (what, without_bom(pem)));
        let certificates = |(what, pem)| {
            let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            all.map_err(|error| unreadable(what, &error))
        };
        let private = PrivateKeyDer::from_pem_slice(key.1).map_err(|error| match error {
            pem::Error::NoItemsFound => {
                unreadable(key.0, &"it has no private key in PEM; take it from `hufu ca device`")
            }
            error => unreadable(key.0, &error),
        })?;
        Identity::from_der(certificates(chain)?, private, &certificates(roots)?).map_err(
            |fault| match fault {
                IdentityFault::Unusable { why } => {
                    let files = [chain.0, key.0, roots.0].map(|file| file.display().to_string()).join(", ");
                    IdentityFault::Unusable { why: format!("{files}: {why}") }
                }
                fault @ IdentityFault::Unreadable { .. } => fault,
            },
        )
    }

    /// The same from DER: the device's chain (leaf first), its key, and the operator's roots.
    ///
    /// # Errors
    /// [`IdentityFault::Unusable`] when key and certificate do not belong together, or there is no root.
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        roots: &[CertificateDer<'static>],
    ) -> Result<Identity, IdentityFault> {
        let unusable = |error: rustls::Error| IdentityFault::Unusable {
            why: match error {
                rustls::Error::InconsistentKeys(_) => "the key is not that of the certificate".to_owned(),
                error => error.to_string(),
            },
        };
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root.clone()).map_err(unusable)?;
        }
        if store.is_empty() {
            return Err(IdentityFault::Unusable { why: "there is no root certificate".to_owned() });
        }
        let start = chain.first().and_then(|leaf| validity(leaf)).map_or(UnixSeconds(0), |(start, _)| start);
        let clock = Arc::new(DeviceClock::new(start));
        // The provider is named, never taken from the process: two linked providers would make rustls panic.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut tls = rustls::ClientConfig::builder_with_details(provider, Arc::clone(&clock) as _)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(unusable)?
            .with_root_certificates(store)
            .with_client_auth_cert(chain, key)
            .map_err(unusable)?;
        tls.alpn_protocols = vec![crate::ALPN.to_vec()];
        // 0-RTT data can be replayed (RFC 8446 section 8); a request for a session may not be.
        tls.enable_early_data = false;
        let crypto = QuicClientConfig::try_from(tls)
            .map_err(|_| IdentityFault::Unusable { why: "no TLS 1.3 cipher suite for QUIC".to_owned() })?;
        let mut config = ClientConfig::new(Arc::new(crypto));
        config.transport_config(Arc::new(transport()));
        Ok(Identity { config, clock, revocations: Revocations::new(roots), suites: Suites::AES })
    }

    /// Keeps the time that engines tell in this file, and takes up what it holds: engines' certificates are judged
    /// by the latest of that time, this device's own clock and the start of its own certificate. All clones of this
    /// identity share the file; it is replaced at each enrolment.
    ///
    /// # Errors
    /// [`IdentityFault::Unreadable`] when the file is there and holds no time. It is used all the same: the next
    /// enrolment replaces it.
    pub fn keep_time_in(&self, path: &Path) -> Result<(), IdentityFault> {
        self.clock.keep_in(path).map_err(|why| IdentityFault::Unreadable { what: path.to_path_buf(), why })
    }

    /// Reads the device's own clock with `read` instead of asking the system, for devices that keep theirs
    /// elsewhere. The first call counts.
    #[must_use]
    pub fn with_own_clock(self, read: impl Fn() -> UnixSeconds + Send + Sync + 'static) -> Identity {
        // A second way to read one clock would be a mistake of the caller's that changes nothing.
        let _ = self.clock.set_own(Box::new(read));
        self
    }

    /// What the device knows of the time.
    pub(crate) fn clock(&self) -> &Arc<DeviceClock> {
        &self.clock
    }

    /// Remembers in `file` which engines are revoked, and begins with what an earlier run has remembered there.
    /// Without this the device knows only what it has heard since it started. Clones of this identity share it.
    ///
    /// # Errors
    /// [`IdentityFault::Unreadable`] when the file is there and is not what was written. Removing it makes the
    /// device begin again.
    pub fn remember_revocations_in(&self, file: &Path) -> Result<(), IdentityFault> {
        self.revocations.keep_in(file).map_err(|error| IdentityFault::Unreadable {
            what: file.to_path_buf(),
            why: format!("{error}; remove it, and the device fetches the revocation lists again"),
        })
    }

    /// Takes sessions of these suites: AES alone without this. Engines of before there was SM4 know no others.
    #[must_use]
    pub fn with_suites(self, suites: Suites) -> Identity {
        Identity { suites, ..self }
    }

    /// The suites that it takes.
    pub(crate) fn suites(&self) -> Suites {
        self.suites
    }

    /// Which engines are revoked, as far as this device knows.
    pub(crate) fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// The configuration to connect with.
    pub(crate) fn config(&self) -> ClientConfig {
        self.config.clone()
    }
}

fn unreadable(what: &Path, error: &impl ToString) -> IdentityFault {
    IdentityFault::Unreadable { what: what.to_path_buf(), why: error.to_string() }
}

/// From when until when a certificate is valid (RFC 5280 section 4.1.2.5), within the times that this protocol has. Engines
/// have this in `transport`, which is above this floor.
pub(crate) fn validity(certificate: &[u8]) -> Option<(UnixSeconds, UnixSeconds)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let validity = certificate.validity();
    let within = |time: i64| UnixSeconds(u32::try_from(time.max(0)).unwrap_or(u32::MAX));
    Some((within(validity.not_before.timestamp()), within(validity.not_after.timestamp())))
}

/// Engines close a connection that is silent for 30 s; a gate's is kept alive well within that.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// How long a handshake or a dead connection may take to be noticed.
const IDLE_MS_MAX: u32 = 15_000;
/// Room for the answers to a large batch: verdicts of 1,024 checks are 40 KiB, of a full roster 128 KiB.
const DATAGRAM_BYTES_MAX: usize = 1 << 20;
/// Room for checks in datagrams that the congestion window does not let out yet: 64 phone codes. What waits longer than its
/// answer is of use is dropped for what was asked after it; a megabyte of it made every answer of an overloaded engine late.
const DATAGRAMS_SENT_BYTES: usize = 32 << 10;

fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(quinn::VarInt::from_u32(IDLE_MS_MAX).into()))
        // An engine never opens a stream.
        .max_concurrent_bidi_streams(0_u8.into())
        .max_concurrent_uni_streams(0_u8.into())
        .datagram_receive_buffer_size(Some(DATAGRAM_BYTES_MAX))
        .datagram_send_buffer_size(DATAGRAMS_SENT_BYTES);
    transport
}

/// Why a device has no usable identity. The person who installed the files can correct it.
#[derive(Debug, thiserror::Error)]
pub enum IdentityFault {
    /// A file is missing or holds no PEM of the kind wanted.
    #[error("{}: {why}", what.display())]
    Unreadable {
        /// The file, or which of three texts.
        what: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The parts do not make an identity.
    #[error("certificate and key cannot be used: {why}")]
    Unusable {
        /// What is wrong.
        why: String,
    },
}

impl IdentityFault {
    /// Who can correct it: always the operator, whose CA writes the files of devices.
    pub const fn actor(&self) -> Actor {
        Actor::Operator
    }
}
