//! The engine's certificate, the devices' root and the revocation list, read and verified.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use hufu_transport::{TlsParts, profile};
use hufu_wire::{DeviceGeneration, DeviceId};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::config::Files;
use crate::moment;

/// What TLS needs.
pub(super) struct Certificates {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    roots: Vec<CertificateDer<'static>>,
    crls: Vec<CertificateRevocationListDer<'static>>,
    /// The devices that the list revokes.
    pub(super) revoked: Vec<(DeviceId, DeviceGeneration)>,
}

impl Certificates {
    /// Reads all of them.
    ///
    /// # Errors
    /// A file that is missing or is not what it should be; a revocation list that none of the roots signed.
    pub(super) fn read(files: &Files) -> anyhow::Result<Certificates> {
        let roots = certificates(&files.ca)?;
        let mut crls = Vec::new();
        let mut revoked = Vec::new();
        if let Some(path) = &files.crl {
            crls = CertificateRevocationListDer::pem_file_iter(path)
                .and_then(Iterator::collect)
                .map_err(|error| pem(path, &error))?;
            ensure!(!crls.is_empty(), "{} holds no revocation list", path.display());
            for crl in &crls {
                verify(crl, &roots).with_context(|| format!("{} cannot be used", path.display()))?;
                revoked.extend(profile::read_crl(crl)?);
            }
        }
        let chain = certificates(&files.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| pem(&files.key, &error))?;
        Ok(Certificates { chain, key, roots, crls, revoked })
    }

    /// A copy for the server to keep.
    pub(super) fn parts(&self, crls_must_be_fresh: bool) -> TlsParts {
        TlsParts {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
            device_roots: self.roots.clone(),
            crls: self.crls.clone(),
            crls_must_be_fresh,
        }
    }
}

/// Whether one of the roots signed the list (RFC 5280 section 6.3.3). A list past its next update is believed
/// and told: it can only revoke too little.
fn verify(crl: &[u8], roots: &[CertificateDer<'_>]) -> anyhow::Result<()> {
    let Ok((_, crl)) = x509_parser::parse_x509_crl(crl) else { bail!("it is not a revocation list") };
    let signed = roots.iter().any(|root| {
        X509Certificate::from_der(root).is_ok_and(|(_, root)| {
            root.subject() == crl.issuer() && crl.verify_signature(root.public_key()).is_ok()
        })
    });
    ensure!(signed, "none of the root certificates has signed the revocation list");
    let now = i64::from(moment::now().seconds().0);
    if crl.next_update().is_some_and(|next| next.timestamp() <= now) {
        tracing::warn!("the revocation list is past its next update; `hufu ca refresh` signs a new one");
    }
    Ok(())
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(|error| pem(path, &error))?;
    ensure!(!found.is_empty(), "{} holds no certificate", path.display());
    Ok(found)
}

fn pem(path: &Path, error: &rustls::pki_types::pem::Error) -> anyhow::Error {
    anyhow::anyhow!("{} cannot be used: {error}", path.display())
}
