//! An operator's CA for tests.

use std::time::Duration;

use hufu_client::Identity;
use hufu_transport::{TlsParts, profile};
use hufu_wire::{Grant, UnixSeconds};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason,
    RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

const ISSUED: UnixSeconds = UnixSeconds(1_790_000_000);

/// One root and its key.
pub(crate) struct Ca {
    root: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Ca {
    pub(crate) fn new() -> Ca {
        Ca::named("Hufu test operator")
    }

    pub(crate) fn named(operator: &str) -> Ca {
        let mut params = CertificateParams::default();
        params.distinguished_name = name(operator);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().der().clone();
        Ca { root, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    /// What an engine of this operator serves with, having revoked `revoked`.
    pub(crate) fn engine(&self, revoked: &[Grant]) -> TlsParts {
        self.engine_of(CertificateParams::default(), revoked)
    }

    /// The same with a certificate that is valid from `start` until `end`.
    pub(crate) fn engine_between(&self, start: UnixSeconds, end: UnixSeconds) -> TlsParts {
        self.engine_of(between(CertificateParams::default(), start, end), &[])
    }

    fn engine_of(&self, mut params: CertificateParams, revoked: &[Grant]) -> TlsParts {
        params.subject_alt_names = vec![SanType::DnsName(profile::ENGINE_NAME.try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let (certificate, key) = self.sign(params);
        TlsParts {
            chain: vec![certificate],
            key,
            device_roots: vec![self.root()],
            crls: vec![self.crl(revoked)],
            crls_must_be_fresh: true,
        }
    }

    /// What the engine whose certificate has this serial number serves with: list `number` names `revoked`.
    pub(crate) fn engine_with(&self, serial: &[u8], number: u64, revoked: &[&[u8]]) -> TlsParts {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::DnsName(profile::ENGINE_NAME.try_into().unwrap())];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.serial_number = Some(SerialNumber::from_slice(serial));
        let (certificate, key) = self.sign(params);
        TlsParts {
            chain: vec![certificate],
            key,
            device_roots: vec![self.root()],
            crls: vec![self.list(number, revoked)],
            crls_must_be_fresh: true,
        }
    }

    /// The identity of a device with this grant, trusting this CA's engines.
    pub(crate) fn device(&self, grant: Grant) -> Identity {
        self.with_names(&profile::names(grant), grant, self)
    }

    /// A device whose certificate ends at `end`.
    pub(crate) fn device_until(&self, grant: Grant, end: UnixSeconds) -> Identity {
        let mut params = device_params(&profile::names(grant), grant);
        params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(end.0.into());
        let (certificate, key) = self.sign(params);
        Identity::from_der(vec![certificate], key, &[self.root()]).unwrap()
    }

    /// A device whose certificate starts at `start`.
    pub(crate) fn device_from(&self, grant: Grant, start: UnixSeconds) -> Identity {
        let params = device_params(&profile::names(grant), grant);
        let (certificate, key) = self.sign(between(params, start, UnixSeconds(u32::MAX)));
        Identity::from_der(vec![certificate], key, &[self.root()]).unwrap()
    }

    /// A certificate with any names, trusting the engines of `trusted`.
    pub(crate) fn with_names(&self, names: &[String], grant: Grant, trusted: &Ca) -> Identity {
        let (certificate, key) = self.device_certificate(names, grant);
        Identity::from_der(vec![certificate], key, &[trusted.root()]).unwrap()
    }

    pub(crate) fn device_certificate(
        &self,
        names: &[String],
        grant: Grant,
    ) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        self.sign(device_params(names, grant))
    }

    fn crl(&self, revoked: &[Grant]) -> CertificateRevocationListDer<'static> {
        self.crl_of(1, revoked.iter().map(|grant| serial(*grant)))
    }

    /// List `number`, which names these serial numbers.
    pub(crate) fn list(&self, number: u64, revoked: &[&[u8]]) -> CertificateRevocationListDer<'static> {
        self.crl_of(number, revoked.iter().map(|serial| SerialNumber::from_slice(serial)))
    }

    fn crl_of(
        &self,
        number: u64,
        revoked: impl Iterator<Item = SerialNumber>,
    ) -> CertificateRevocationListDer<'static> {
        let revoked_certs = revoked.map(|serial_number| RevokedCertParams {
            serial_number,
            revocation_time: date_time_ymd(2026, 1, 1),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 1, 1),
            next_update: date_time_ymd(4000, 1, 1),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked_certs.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().der().clone()
    }

    fn sign(&self, mut params: CertificateParams) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        params.distinguished_name = name("Hufu test");
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        (certificate, PrivateKeyDer::Pkcs8(key.serialize_der().into()))
    }
}

fn device_params(names: &[String], grant: Grant) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names =
        names.iter().map(|name| SanType::URI(name.as_str().try_into().unwrap())).collect();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.serial_number = Some(serial(grant));
    params
}

fn between(mut params: CertificateParams, start: UnixSeconds, end: UnixSeconds) -> CertificateParams {
    let moment = |time: UnixSeconds| date_time_ymd(1970, 1, 1) + Duration::from_secs(time.0.into());
    (params.not_before, params.not_after) = (moment(start), moment(end));
    params
}

fn serial(grant: Grant) -> SerialNumber {
    SerialNumber::from_slice(&profile::serial(grant.device, grant.generation, ISSUED))
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}
