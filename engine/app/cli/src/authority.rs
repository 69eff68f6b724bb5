//! The operator's certificate authority: a folder with a root, an index of what it issued, and the revocation
//! list. Certificates follow docs/PROTOCOL.md section 1, with the serial numbers of [`profile`].

mod index;
pub(crate) mod request;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use aws_lc_rs::digest::{SHA256, digest};
use hufu_transport::profile;
use hufu_wire::{DeviceGeneration, DeviceId, Grant, UnixSeconds, limits};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, RevocationReason, RevokedCertParams,
    SanType, SerialNumber, SubjectPublicKeyInfo,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
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
    /// When the root ends, and with it all that it has signed.
    root_ends: UnixSeconds,
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
    /// A new authority in `folder`, which must not hold one. Without a name the root is called after its key, so that
    /// no two roots have one name: a revocation list says by name whose it is.
    pub(crate) fn init(folder: &Path, name: Option<&str>) -> anyhow::Result<Authority> {
        let key = KeyPair::generate().context("cannot make the root's key")?;
        let name = name.map_or_else(|| name_after(&key), str::to_owned);
        // RFC 5280 appendix A: ub-common-name.
        ensure!((1..=64).contains(&name.chars().count()), "the root's name must have 1 to 64 characters");
        files::folder(folder)?;
        let lock = files::lock(folder)?;
        let root_ends = until(ROOT_LIFE_S);
        let mut params = params(&name, root_ends);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let root_pem = params.self_signed(&key).context("cannot sign the root certificate")?.pem();
        let key_pem = Zeroizing::new(key.serialize_pem());
        files::create(&folder.join(ROOT_KEY), key_pem.as_bytes(), Readable::Owner)?;
        files::create(&folder.join(ROOT), root_pem.as_bytes(), Readable::All)?;
        let root = Issuer::from_ca_cert_pem(&root_pem, key)?;
        let index = Index::default();
        let mut authority =
            Authority { folder: folder.to_owned(), _lock: lock, root_pem, root, root_ends, index };
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
        let root_ends = CertificateDer::from_pem_slice(root_pem.as_bytes())
            .ok()
            .and_then(|root| profile::read_end(&root).ok())
            .with_context(|| format!("{} is not a root certificate", of(ROOT).display()))?;
        let index = Index::load(&of(INDEX))?;
        Ok(Authority { folder: folder.to_owned(), _lock: lock, root_pem, root, root_ends, index })
    }

    /// The root certificate, PEM.
    pub(crate) fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// A certificate for a device, and the key that is made with it.
    pub(crate) fn device(&mut self, grant: Grant, life_s: u32) -> anyhow::Result<Issued> {
        let issued = self.device_unstored(grant, life_s)?;
        self.store()?;
        Ok(issued)
    }

    /// A certificate, PEM, for a device that keeps its key to itself and has proved that it has it.
    pub(crate) fn device_with_key(
        &mut self,
        grant: Grant,
        life_s: u32,
        key: &SubjectPublicKeyInfo,
    ) -> anyhow::Result<String> {
        let chain = self.certify_device(grant, life_s, key)?;
        self.store()?;
        Ok(chain)
    }

    /// Certificates for many devices, noted in the index together.
    pub(crate) fn devices(&mut self, grants: &[Grant], life_s: u32) -> anyhow::Result<Vec<Issued>> {
        let issued =
            grants.iter().map(|grant| self.device_unstored(*grant, life_s)).collect::<Result<_, _>>()?;
        self.store()?;
        Ok(issued)
    }

    fn device_unstored(&mut self, grant: Grant, life_s: u32) -> anyhow::Result<Issued> {
        let key = new_key()?;
        let chain = self.certify_device(grant, life_s, &key)?;
        Ok(Issued { chain, key: Zeroizing::new(key.serialize_pem()) })
    }

    fn certify_device(
        &mut self,
        grant: Grant,
        life_s: u32,
        key: &impl PublicKeyData,
    ) -> anyhow::Result<String> {
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
        let ends = self.ends_after(life_s)?;
        let mut params = params(&format!("Hufu device {device}"), ends);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        for name in profile::names(grant) {
            params.subject_alt_names.push(SanType::URI(name.try_into()?));
        }
        let chain = self.sign(params, &serial, key)?;
        self.index.add(&serial, Subject::device(grant), ends);
        Ok(chain)
    }

    /// A certificate for an engine.
    pub(crate) fn server(&mut self, names: &[String], life_s: u32) -> anyhow::Result<Issued> {
        let ends = self.ends_after(life_s)?;
        names.iter().try_for_each(|name| request::ensure_host_name(name))?;
        let mut params = params("Hufu engine", ends);
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
        let key = new_key()?;
        let chain = self.sign(params, &serial, &key)?;
        self.index.add(&serial, Subject::Engine { names: names.to_vec() }, ends);
        self.store()?;
        Ok(Issued { chain, key: Zeroizing::new(key.serialize_pem()) })
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

    /// The end of a certificate that lives this long from now. One that is over at once, or that outlives its root, is
    /// refused here: no gate and no engine would accept it.
    fn ends_after(&self, life_s: u32) -> anyhow::Result<UnixSeconds> {
        ensure!(
            life_s > 0,
            "--valid 0 makes a certificate that has expired; give it a day at least, for example 7d"
        );
        let ends = until(life_s);
        ensure!(
            ends <= self.root_ends,
            "the certificate would end {}, after the root that signs it ({}), and is not accepted then; give a shorter \
             --valid, or make a new authority with `hufu ca init`",
            moment::show(ends),
            moment::show(self.root_ends)
        );
        Ok(ends)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        serial: &[u8],
        key: &impl PublicKeyData,
    ) -> anyhow::Result<String> {
        params.serial_number = Some(SerialNumber::from_slice(serial));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        Ok(params.signed_by(key, &self.root).context("cannot sign the certificate")?.pem())
    }

    fn store(&self) -> anyhow::Result<()> {
        self.index.store(&self.folder.join(INDEX))
    }
}

/// The name of a root that was given none.
fn name_after(key: &KeyPair) -> String {
    let id = digest(&SHA256, key.public_key_raw());
    format!("Hufu operator {}", hex::encode(&id.as_ref()[..4]))
}

fn new_key() -> anyhow::Result<KeyPair> {
    KeyPair::generate().context("cannot make the certificate's key")
}

fn params(name: &str, ends: UnixSeconds) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let now = moment::now().seconds();
    params.not_before = instant(UnixSeconds(now.0.saturating_sub(CLOCKS_DIFFER_S)));
    params.not_after = instant(ends);
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
    use rustls::pki_types::CertificateRevocationListDer;
    use x509_parser::prelude::{FromDer as _, X509Certificate};

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
        let mut authority = Authority::init(folder.path(), Some("Test")).unwrap();
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
        let mut authority = Authority::init(folder.path(), Some("Test")).unwrap();
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
        let mut authority = Authority::init(folder.path(), Some("Test")).unwrap();
        assert_eq!(authority.revoke(DeviceId(9), DeviceGeneration(4)).unwrap(), 0);
        assert_eq!(crl_of(folder.path()), [(DeviceId(9), DeviceGeneration(4))]);
        // Not issued before, and revoked with the one above it.
        let below = Grant { device: DeviceId(9), generation: DeviceGeneration(3), ..GRANT };
        let said = authority.device(below, 86_400).err().unwrap().to_string();
        assert!(said.contains("is revoked; issue a higher one"), "{said}");
        authority.device(Grant { generation: DeviceGeneration(5), ..below }, 86_400).unwrap();
    }

    /// Whatever the request asks for, the certificate says what the authority says.
    #[test]
    fn r43_a_device_keeps_its_key_and_gets_nothing_that_its_request_asks_for() {
        let folder = tempfile::tempdir().unwrap();
        let mut authority = Authority::init(folder.path(), Some("Test")).unwrap();
        let key = KeyPair::generate().unwrap();
        let mut wishes = CertificateParams::new(vec![profile::ENGINE_NAME.to_owned()]).unwrap();
        wishes.distinguished_name.push(DnType::CommonName, "Hufu engine");
        wishes.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        wishes.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let file = folder.path().join("gate.csr");
        let pem = wishes.serialize_request(&key).unwrap().pem().unwrap();
        std::fs::write(&file, format!("\u{feff}{pem}")).unwrap();
        let requested = request::read(&file).unwrap();
        let chain = authority.device_with_key(GRANT, 86_400, &requested).unwrap();

        let leaf = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
        assert_eq!(profile::read_certificate(&leaf), Ok(GRANT));
        let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
        assert_eq!(leaf.public_key().subject_public_key.data, key.der_bytes());
        assert_eq!(leaf.subject().to_string(), "CN=Hufu device 7");
        let usage = leaf.extended_key_usage().unwrap().unwrap().value;
        assert!(usage.client_auth && !usage.server_auth && !leaf.is_ca());
        let names = leaf.subject_alternative_name().unwrap().unwrap().value;
        assert_eq!(names.general_names.len(), 3, "{names:?}");
        let said = authority.device_with_key(GRANT, 86_400, &requested).err().unwrap().to_string();
        assert!(said.contains("two devices would share its state"), "{said}");
    }

    #[test]
    fn a_certificate_that_nobody_would_accept_is_not_issued() {
        let folder = tempfile::tempdir().unwrap();
        let mut authority = Authority::init(folder.path(), Some("Test")).unwrap();
        for (life_s, wanted) in
            [(0, "expired"), (ROOT_LIFE_S + 60, "after the root"), (u32::MAX, "after the root")]
        {
            for said in [authority.device(GRANT, life_s).err(), authority.server(&[], life_s).err()] {
                let said = said.unwrap().to_string();
                assert!(said.contains(wanted), "{said}");
            }
        }
        for name in ["https://engine.example", "engine.example:7411", "an engine", ""] {
            let said = authority.server(&[name.to_owned()], 60).err().unwrap().to_string();
            assert!(said.contains("neither a DNS name nor an IP address"), "{said}");
        }
        authority.server(&["*.engine.example", "10.0.0.1", "::1"].map(str::to_owned), 60).unwrap();
        assert!(authority.device(GRANT, 60).is_ok(), "and nothing of it is used up");
        let empty = folder.path().join("other");
        assert!(Authority::init(&empty, Some("")).is_err() && !empty.exists());
    }

    #[test]
    fn an_authority_is_never_made_over_another() {
        let folder = tempfile::tempdir().unwrap();
        Authority::init(folder.path(), Some("Test")).unwrap();
        assert!(Authority::init(folder.path(), Some("Test")).is_err());
        assert!(Authority::open(&folder.path().join("elsewhere")).is_err());
    }
}
