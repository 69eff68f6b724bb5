//! An operator's CA for one run: nothing of it is kept.

use anyhow::Context as _;
use hufu_transport::{TlsParts, profile};
use hufu_wire::{Grant, UnixSeconds};
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, SerialNumber,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};

/// What a device connects with, PEM.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DevicePem {
    /// Its certificate.
    pub chain: String,
    /// Its private key.
    pub key: String,
    /// The operator's root.
    pub root: String,
}

/// The operator's root and its key.
pub(super) struct Authority {
    root: CertificateDer<'static>,
    root_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> anyhow::Result<Authority> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate()?;
        let root = params.self_signed(&key)?;
        Ok(Authority { root: root.der().clone(), root_pem: root.pem(), issuer: Issuer::new(params, key) })
    }

    /// What an engine serves with.
    pub(super) fn engine(&self) -> anyhow::Result<TlsParts> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::DnsName(profile::ENGINE_NAME.try_into()?)];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer).context("the engine's certificate")?;
        Ok(TlsParts {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            device_roots: vec![self.root.clone()],
            crls: Vec::new(),
            crls_must_be_fresh: false,
        })
    }

    /// What the device with this grant connects with.
    pub(super) fn device(&self, grant: Grant, issued: UnixSeconds) -> anyhow::Result<DevicePem> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = profile::names(grant)
            .into_iter()
            .map(|name| Ok(SanType::URI(name.as_str().try_into()?)))
            .collect::<anyhow::Result<_>>()?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let serial = profile::serial(grant.device, grant.generation, issued);
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer).context("a device's certificate")?;
        Ok(DevicePem { chain: certificate.pem(), key: key.serialize_pem(), root: self.root_pem.clone() })
    }
}
