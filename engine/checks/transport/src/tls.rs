//! Who may connect: TLS 1.3, both sides with certificates of the operator's CA (R43).

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::digest::{Digest, SHA256, digest};
use hufu_wire::limits::FRAME_BYTES_MAX;
use hufu_wire::{DeviceGeneration, DeviceId, Reason};
use quinn::crypto::rustls::QuicServerConfig;
use quinn::{IdleTimeout, MtuDiscoveryConfig, TransportConfig, VarInt};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{CertificateError, RootCertStore};

use crate::options::{QuicOptions, TlsParts};
use crate::profile;

/// The ALPN protocol id (RFC 7301).
pub const ALPN: &[u8] = b"hufu/1";

impl TlsParts {
    /// Whether a server can use these, as [`serve`](crate::serve) finds out when it starts.
    ///
    /// # Errors
    /// [`TlsFault`], for example when certificate and key do not belong together.
    pub fn verify(self, options: &QuicOptions) -> Result<(), TlsFault> {
        Tls::new(self, options).map(drop)
    }
}

/// Why certificates cannot be used to serve. The operator's CA can correct it.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// Certificate and key are missing, damaged or do not belong together.
    #[error("the engine's certificate or key cannot be used: {0}")]
    Own(String),
    /// The roots are missing or damaged, or a list is.
    #[error("the device roots or revocation lists cannot be used: {0}")]
    Devices(String),
}

/// What new connections are accepted with, and what tells whether an old one may stay.
pub(crate) struct Tls {
    pub(crate) server: Arc<quinn::ServerConfig>,
    /// The same for devices that enrol over HTTPS.
    pub(crate) https: Arc<rustls::ServerConfig>,
    pub(crate) revoked: BTreeSet<(DeviceId, DeviceGeneration)>,
    /// What devices are told, so that they refuse revoked engines; `None` without a list.
    pub(crate) lists: Option<Lists>,
    verifier: Arc<dyn ClientCertVerifier>,
}

/// Every revocation list, as devices get them.
pub(crate) struct Lists {
    pub(crate) der: Vec<u8>,
    pub(crate) digest: Digest,
}

impl Tls {
    pub(crate) fn new(parts: TlsParts, options: &QuicOptions) -> Result<Tls, TlsFault> {
        let mut revoked = BTreeSet::new();
        for crl in &parts.crls {
            revoked.extend(profile::read_crl(crl).map_err(|fault| TlsFault::Devices(fault.to_string()))?);
        }
        // The provider is named, never taken from the process: two linked providers would make rustls panic.
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        for root in parts.device_roots {
            roots.add(root).map_err(|error| TlsFault::Devices(error.to_string()))?;
        }
        let lists = Lists::of(&parts.crls);
        let mut verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .only_check_end_entity_revocation();
        if !parts.crls.is_empty() {
            verifier = verifier.with_crls(parts.crls);
        }
        if parts.crls_must_be_fresh {
            verifier = verifier.enforce_revocation_expiration();
        }
        let verifier = verifier.build().map_err(|error| TlsFault::Devices(error.to_string()))?;

        let own = |error: rustls::Error| {
            TlsFault::Own(match error {
                rustls::Error::InconsistentKeys(_) => "the key is not that of the certificate".to_owned(),
                error => error.to_string(),
            })
        };
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(own)?
            .with_client_cert_verifier(Arc::clone(&verifier))
            .with_single_cert(parts.chain, parts.key)
            .map_err(own)?;
        forbid_resumption(&mut tls);
        let mut https = tls.clone();
        https.alpn_protocols = vec![b"http/1.1".to_vec()];
        tls.alpn_protocols = vec![ALPN.to_vec()];
        let crypto = QuicServerConfig::try_from(tls).map_err(|error| TlsFault::Own(error.to_string()))?;
        let mut server = quinn::ServerConfig::with_crypto(Arc::new(crypto));
        server.transport_config(Arc::new(transport(options)));
        // Every one that waits here is looked at at once; `Handshakes` holds the caps, and counts. What quinn drops
        // beyond this is not counted, and the device sends it again.
        server.max_incoming(options.handshakes_max.max(64));
        Ok(Tls { server: Arc::new(server), https: Arc::new(https), revoked, lists, verifier })
    }

    /// Why a chain that was accepted before would not be accepted now: [`Reason::DeviceRevoked`] only where a
    /// list names the certificate, [`Reason::OutOfScope`] where it grants nothing for the time being.
    pub(crate) fn objection(&self, chain: &[CertificateDer<'_>]) -> Option<Reason> {
        let Some((leaf, intermediates)) = chain.split_first() else { return Some(Reason::OutOfScope) };
        match self.verifier.verify_client_cert(leaf, intermediates, UnixTime::now()) {
            Ok(_) => None,
            Err(rustls::Error::InvalidCertificate(CertificateError::Revoked)) => Some(Reason::DeviceRevoked),
            Err(_) => Some(Reason::OutOfScope),
        }
    }
}

impl Lists {
    /// One after the other; each says itself where it ends.
    fn of(crls: &[CertificateRevocationListDer<'_>]) -> Option<Lists> {
        let der = crls.iter().map(AsRef::as_ref).collect::<Vec<_>>().concat();
        if der.is_empty() {
            return None;
        }
        if der.len() > FRAME_BYTES_MAX {
            tracing::warn!(
                "the revocation lists have {} bytes; gates are told of revoked engines up to {FRAME_BYTES_MAX}",
                der.len()
            );
            return None;
        }
        let digest = digest(&SHA256, &der);
        Some(Lists { der, digest })
    }
}

/// No 0-RTT, whose data can be replayed (RFC 8446 section 8), and no resumption, which would admit a device
/// on the strength of a certificate that was checked before its revocation.
fn forbid_resumption(tls: &mut rustls::ServerConfig) {
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    tls.session_storage = Arc::new(NoServerSessionStorage {});
}

/// Windows are small because nothing a device sends is large but a frame, which is read as it arrives.
fn transport(options: &QuicOptions) -> TransportConfig {
    const STREAM_WINDOW_BYTES: u32 = 128 << 10;
    const CONNECTION_WINDOW_BYTES: u32 = 256 << 10;
    const SEND_WINDOW_BYTES: u64 = 256 << 10;
    /// 1,024 checks of 100 bytes under way.
    const DATAGRAMS_BYTES: usize = 128 << 10;

    let mut transport = TransportConfig::default();
    let idle_ms = u32::try_from(options.idle.as_millis()).unwrap_or(u32::MAX);
    transport
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(idle_ms))))
        .max_concurrent_bidi_streams(options.streams_per_connection.into())
        .max_concurrent_uni_streams(0_u8.into())
        .stream_receive_window(STREAM_WINDOW_BYTES.into())
        .receive_window(CONNECTION_WINDOW_BYTES.into())
        .send_window(SEND_WINDOW_BYTES)
        .datagram_receive_buffer_size(Some(DATAGRAMS_BYTES))
        .datagram_send_buffer_size(DATAGRAMS_BYTES)
        .mtu_discovery_config(Some(MtuDiscoveryConfig::default()))
        // RFC 9000 section 7.5 asks for 4 KiB; a client's chain and signature fit in 16.
        .crypto_buffer_size(16 << 10);
    transport
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_be_replayed_or_resumed() {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let resolver = Arc::new(rustls::server::ResolvesServerCertUsingSni::new());
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        tls.max_early_data_size = u32::MAX;
        forbid_resumption(&mut tls);
        assert_eq!(tls.max_early_data_size, 0, "0-RTT is off");
        assert_eq!(tls.send_tls13_tickets, 0);
        assert!(!tls.session_storage.can_cache());
    }
}
