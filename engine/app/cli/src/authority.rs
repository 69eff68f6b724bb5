//! The operator's certificate authority: a folder with a root, an index of what it issued, and the revocation
//! list. Certificates follow docs/PROTOCOL.md section 1, with the serial numbers of [`profile`].

mod index;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use hufu_transport::profile;
use hufu_wire::{DeviceGeneration, DeviceId, Grant, UnixSeconds, limits};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevocationReason, RevokedCertParams, SanType,
    SerialNumber,
};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use self::index::Index;
pub(crate) use self::index::{Entry, Subject};
use hufu_files::keys;
use hufu_files::moment;
use hufu_files::{self as files, Lock, Readable};

/// An authority that has been opened for work; others wait until it is dropped.
pub(crate) struct Authority {
    folder: PathBuf,
    _lock: Lock,
    root_pem: String,
    root: Issuer<'static, KeyPair>,
    index: Index,
}

/// A certificate with its key, PEM.
pub(crate) struct Issued {
    /// The certificate, and nothing above it: engines and devices hold the root.
    pub(crate) chain: String,
    /// Its private key.
    pub(crate) key: Zeroizing<String>,
}

/// Names of the files in the authority's folder.
pub(crate) const ROOT: &str = "ca.pem";
const ROOT_KEY: &str = "ca.key";
pub(crate) const CRL: &str = "crl.pem";
const INDEX: &str = "index.json";

const ROOT_LIFE_S: u32 = 20 * 365 * 86_400;
/// How long engines may go without a newer list. They warn before it ends.
const CRL_LIFE_S: u32 = 30 * 86_400;
/// Certificates begin this long before they are made, so that clocks may differ.
const CLOCKS_DIFFER_S: u32 = 3600;

impl Authority {
    /// A new authority in `folder`, which must not hold one.
    pub(crate) fn init(folder: &Path, name: &str) -> anyhow::Result<Authority> {
        files::folder(folder)?;
        let lock = files::lock(folder)?;
        let key = KeyPair::generate().context("cannot make the root's key")?;
        let mut params = params(name, ROOT_LIFE_S);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root_pem = params.self_signed(&key).context("cannot sign the root certificate")?.pem();
        let key_pem = Zeroizing::new(key.serialize_pem());
        files::create(&folder.join(ROOT_KEY), key_pem.as_bytes(), Readable::Owner)?;
        files::create(&folder.join(ROOT), root_pem.as_bytes(), Readable::All)?;
        let root = Issuer::from_ca_cert_pem(&root_pem, key)?;
        let mut authority =
            Authority { folder: folder.to_owned(), _lock: lock, root_pem, root, index: Index::default() };
        authority.publish()?;
        Ok(authority)
    }

    /// The authority in `folder`.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Authority> {
        let of = |name: &str| folder.join(name);
        let missing =
            || format!("{} has no certificate authority; `hufu ca init` makes one", folder.display());
        ensure!(of(ROOT_KEY).exists(), missing());
        let lock = files::lock(folder)?;
        let root_pem = files::read_text(&of(ROOT))?;
        keys::ensure_private(&of(ROOT_KEY))?;
        let key_pem = Zeroizing::new(files::read_text(&of(ROOT_KEY))?);
        let key = KeyPair::from_pem(&key_pem)
            .ok()
            .with_context(|| format!("{} is not a private key", of(ROOT_KEY).display()))?;
        let root = Issuer::from_ca_cert_pem(&root_pem, key)
            .with_context(|| format!("{} is not a root certificate", of(ROOT).display()))?;
        let index = Index::load(&of(INDEX))?;
        Ok(Authority { folder: folder.to_owned(), _lock: lock, root_pem, root, index })
    }

    /// The root certificate, PEM.
    pub(crate) fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// A certificate for a device.
    pub(crate) fn device(&mut self, grant: Grant, life_s: u32) -> anyhow::Result<Issued> {
        let issued = self.device_unstored(grant, life_s)?;
        self.store()?;
        Ok(issued)
    }

    /// Certificates for many devices, noted in the index together.
    pub(crate) fn devices(&mut self, grants: &[Grant], life_s: u32) -> anyhow::Result<Vec<Issued>> {
        let issued =
            grants.iter().map(|grant| self.device_unstored(*grant, life_s)).collect::<Result<_, _>>()?;
        self.store()?;
        Ok(issued)
    }

    fn device_unstored(&mut self, grant: Grant, life_s: u32) -> anyhow::Result<Issued> {
        let Grant { device, generation, .. } = grant;
        ensure!(device.0 < limits::DEVICES_MAX, "a device id must be less than {}", limits::DEVICES_MAX);
        ensure!(
            !self.index.is_revoked(device, generation),
            "generation {generation} of device {device} is revoked; issue a higher one"
        );
        if let Some(before) = self.index.issued(device, generation) {
            let next = generation.0.saturating_add(1);
            bail!(
                "generation {generation} of device {device} was issued at {}, and two devices would share its state: revoke \
                 it (hufu ca revoke --device {device} --generation {generation}) and issue generation {next} (--generation \
                 {next})",
                moment::show(UnixSeconds(before.issued_s))
            );
        }
        let serial = profile::serial(device, generation, moment::now().seconds());
        let mut params = params(&format!("Hufu device {device}"), life_s);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        for name in profile::names(grant) {
            params.subject_alt_names.push(SanType::URI(name.try_into()?));
        }
        let issued = self.sign(params, &serial)?;
        self.index.add(&serial, Subject::device(grant), until(life_s));
        Ok(issued)
    }

    /// A certificate for an engine.
    pub(crate) fn server(&mut self, names: &[String], life_s: u32) -> anyhow::Result<Issued> {
        let mut params = params("Hufu engine", life_s);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for name in std::iter::once(profile::ENGINE_NAME).chain(names.iter().map(String::as_str)) {
            params.subject_alt_names.push(match name.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => {
                    SanType::DnsName(name.to_owned().try_into().context("not a DNS name or an IP address")?)
                }
            });
        }
        let serial = random_serial()?;
        let issued = self.sign(params, &serial)?;
        self.index.add(&serial, Subject::Engine { names: names.to_vec() }, until(life_s));
        self.store()?;
        Ok(issued)
    }

    /// Revokes a device up to and including `generation`; returns how many certificates that kills. A device
    /// whose certificates are not in the index is revoked as well.
    pub(crate) fn revoke(&mut self, device: DeviceId, generation: DeviceGeneration) -> anyhow::Result<usize> {
        let killed = self.index.revoke(device, generation, moment::now().seconds());
        self.publish()?;
        Ok(killed)
    }

    /// Revokes an engine's certificate by its serial number; gates refuse it once any engine has told them.
    ///
    /// # Errors
    /// No engine was given a certificate of this number; or the list cannot be signed or written.
    pub(crate) fn revoke_engine(&mut self, serial: &[u8]) -> anyhow::Result<bool> {
        let alive = self.index.revoke_engine(serial, moment::now().seconds()).with_context(|| {
            format!("unknown engine certificate {}; `hufu ca list` lists the known ones", hex::encode(serial))
        })?;
        self.publish()?;
        Ok(alive)
    }

    /// Signs the revocation list again, with a higher number and a new end.
    pub(crate) fn publish(&mut self) -> anyhow::Result<()> {
        let crl = CertificateRevocationListParams {
            this_update: instant(moment::now().seconds()),
            next_update: instant(until(CRL_LIFE_S)),
            crl_number: SerialNumber::from(self.index.next_crl_number()),
            issuing_distribution_point: None,
            revoked_certs: self.index.revoked().map(|(serial, at)| revoked(&serial, at)).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let pem = crl.signed_by(&self.root).context("cannot sign the revocation list")?.pem()?;
        // The index first: a crash in between leaves an old list that the next run replaces.
        self.store()?;
        files::replace(&self.folder.join(CRL), pem.as_bytes(), Readable::All)
    }

    /// Everything issued, oldest first.
    pub(crate) fn entries(&self) -> &[Entry] {
        self.index.entries()
    }

    fn sign(&self, mut params: CertificateParams, serial: &[u8]) -> anyhow::Result<Issued> {
        let key = KeyPair::generate().context("cannot make the certificate's key")?;
        params.serial_number = Some(SerialNumber::from_slice(serial));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.root).context("cannot sign the certificate")?;
        Ok(Issued { chain: certificate.pem(), key: Zeroizing::new(key.serialize_pem()) })
    }

    fn store(&self) -> anyhow::Result<()> {
        self.index.store(&self.folder.join(INDEX))
    }
}

fn params(name: &str, life_s: u32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let now = moment::now().seconds();
    params.not_before = instant(UnixSeconds(now.0.saturating_sub(CLOCKS_DIFFER_S)));
    params.not_after = instant(until(life_s));
    params
}

fn until(life_s: u32) -> UnixSeconds {
    UnixSeconds(moment::now().seconds().0.saturating_add(life_s))
}

fn revoked(serial: &[u8], at: UnixSeconds) -> RevokedCertParams {
    RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial),
        revocation_time: instant(at),
        reason_code: Some(RevocationReason::Unspecified),
        invalidity_date: None,
    }
}

/// Twelve random bytes that no device's serial number begins like.
fn random_serial() -> anyhow::Result<[u8; 12]> {
    let mut serial = [0; 12];
    aws_lc_rs::rand::fill(&mut serial).ok().context("the operating system gives no random bytes")?;
    serial[0] = b'E';
    Ok(serial)
}

fn instant(at: UnixSeconds) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::from_secs(at.0.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{Scope, SiteId};
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::CertificateRevocationListDer;
    use rustls::pki_types::pem::PemObject as _;

    const GRANT: Grant = Grant {
        device: DeviceId(7),
        generation: DeviceGeneration(2),
        site: SiteId(310_101),
        scope: Scope::CHECKS,
    };

    fn crl_of(folder: &Path) -> Vec<(DeviceId, DeviceGeneration)> {
        let der = CertificateRevocationListDer::from_pem_file(folder.join(CRL)).unwrap();
        profile::read_crl(&der).unwrap().into_iter().collect()
    }

    #[test]
    fn r43_a_device_certificate_says_its_grant_and_a_revocation_reaches_the_list() {
        let folder = tempfile::tempdir().unwrap();
        let mut authority = Authority::init(folder.path(), "Test").unwrap();
        let issued = authority.device(GRANT, 86_400).unwrap();
        let leaf = CertificateDer::from_pem_slice(issued.chain.as_bytes()).unwrap();
        assert_eq!(profile::read_certificate(&leaf), Ok(GRANT));
        assert_eq!(crl_of(folder.path()), []);

        drop(authority);
        let mut again = Authority::open(folder.path()).unwrap();
        again.device(Grant { generation: DeviceGeneration(1), ..GRANT }, 86_400).unwrap();
        assert_eq!(again.revoke(GRANT.device, GRANT.generation).unwrap(), 2, "and every one before it");
        let revoked = crl_of(folder.path());
        assert!(revoked.contains(&(GRANT.device, GRANT.generation)), "{revoked:?}");
        assert!(again.device(GRANT, 86_400).is_err(), "a revoked generation is never issued again");
        assert!(again.device(Grant { generation: DeviceGeneration(3), ..GRANT }, 86_400).is_ok());
    }

    #[test]
    fn a_device_and_generation_are_issued_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut authority = Authority::init(folder.path(), "Test").unwrap();
        authority.device(GRANT, 86_400).unwrap();
        drop(authority);
        let mut again = Authority::open(folder.path()).unwrap();
        let said = again.device(GRANT, 86_400).err().unwrap().to_string();
        assert!(said.contains("was issued") && said.contains("--generation 3"), "{said}");
        let next = Grant { generation: DeviceGeneration(3), ..GRANT };
        let both = [next, Grant { device: DeviceId(8), ..GRANT }];
        assert_eq!(again.devices(&both, 86_400).unwrap().len(), 2);
        assert!(
            again.devices(&[Grant { device: DeviceId(9), ..GRANT }; 2], 86_400).is_err(),
            "also within one list"
        );
    }

    #[test]
    fn a_device_that_is_not_in_the_index_is_revoked_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let mut authority = Authority::init(folder.path(), "Test").unwrap();
        assert_eq!(authority.revoke(DeviceId(9), DeviceGeneration(4)).unwrap(), 0);
        assert_eq!(crl_of(folder.path()), [(DeviceId(9), DeviceGeneration(4))]);
        // Not issued before, and revoked with the one above it.
        let below = Grant { device: DeviceId(9), generation: DeviceGeneration(3), ..GRANT };
        let said = authority.device(below, 86_400).err().unwrap().to_string();
        assert!(said.contains("is revoked; issue a higher one"), "{said}");
        authority.device(Grant { generation: DeviceGeneration(5), ..below }, 86_400).unwrap();
    }

    #[test]
    fn an_authority_is_never_made_over_another() {
        let folder = tempfile::tempdir().unwrap();
        Authority::init(folder.path(), "Test").unwrap();
        assert!(Authority::init(folder.path(), "Test").is_err());
        assert!(Authority::open(&folder.path().join("elsewhere")).is_err());
    }
}
