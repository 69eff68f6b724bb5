//! The engine's certificate, the devices' roots and their revocation lists, read and verified.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};
use hufu_files::{keys, moment, read_pem};
use hufu_transport::{TlsParts, profile};
use hufu_wire::{DeviceGeneration, DeviceId, UnixSeconds};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, GeneralName, X509Certificate};
use zeroize::Zeroizing;

use super::state::State;
use crate::config::Files;

/// Who the engine is.
pub(super) struct Own {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// Which devices it believes.
pub(super) struct Devices {
    roots: Vec<CertificateDer<'static>>,
    crls: Vec<CertificateRevocationListDer<'static>>,
    /// The devices that the lists revoke.
    pub(super) revoked: Vec<(DeviceId, DeviceGeneration)>,
    /// When the first of the lists should have been followed by another.
    pub(super) end: Option<UnixSeconds>,
    /// What each list says of itself.
    pub(super) lists: Vec<RevocationList>,
}

/// What a revocation list says of itself.
#[derive(Clone, Debug)]
pub(super) struct RevocationList {
    /// Whose it is.
    pub(super) authority: String,
    /// Its number (RFC 5280 section 5.2.3).
    pub(super) number: Option<u64>,
    /// When it was made.
    pub(super) made_at: UnixSeconds,
    /// By when the next one is due.
    pub(super) next_by: Option<UnixSeconds>,
}

impl Own {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// A file that is missing or is not what it should be, and two that do not belong together.
    pub(super) fn read(files: &Files) -> anyhow::Result<Own> {
        let chain = certificates(&files.certificate)?;
        let key = Zeroizing::new(read_pem(&files.key)?);
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(|error| pem(&files.key, &error))?;
        keys::ensure_private(&files.key)?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider).map_err(|error| {
            let (key, certificate) = (files.key.display(), files.certificate.display());
            match error {
                rustls::Error::InconsistentKeys(_) => anyhow!(
                    "{key} is not the key of the certificate in {certificate}; copy both from one `hufu ca server`"
                ),
                error => anyhow!("{key} and {certificate} cannot be used: {error}"),
            }
        })?;
        Ok(Own { chain, key })
    }

    /// From when the certificate is valid.
    pub(super) fn begin(&self) -> Option<UnixSeconds> {
        Some(self.validity()?.0)
    }

    /// When the certificate ends.
    pub(super) fn end(&self) -> Option<UnixSeconds> {
        Some(self.validity()?.1)
    }

    /// For how long it was issued, seconds.
    pub(super) fn life_s(&self) -> u32 {
        self.validity().map_or(u32::MAX, |(begin, end)| end.0.saturating_sub(begin.0))
    }

    fn validity(&self) -> Option<(UnixSeconds, UnixSeconds)> {
        profile::read_validity(self.chain.first()?).ok()
    }

    /// Refuses what no gate would accept, before it takes the place of what works.
    ///
    /// # Errors
    /// The certificate has ended, is revoked, or is not an engine's.
    pub(super) fn check(&self, devices: &Devices, now: UnixSeconds) -> anyhow::Result<()> {
        let leaf = self.chain.first().context("there is no certificate")?;
        let (_, leaf) = X509Certificate::from_der(leaf).ok().context("the certificate cannot be read")?;
        let names = leaf.subject_alternative_name().ok().flatten();
        let is_engine = |name: &GeneralName<'_>| *name == GeneralName::DNSName(profile::ENGINE_NAME);
        ensure!(
            names.is_some_and(|names| names.value.general_names.iter().any(is_engine)),
            "the certificate does not carry the name {}; `hufu ca server` issues an engine's",
            profile::ENGINE_NAME
        );
        let end = self.end().unwrap_or(UnixSeconds(0));
        ensure!(
            now < end,
            "the certificate ended {}; `hufu ca server --renew` issues a new one",
            moment::show(end)
        );
        let revoked = devices.crls.iter().any(|crl| {
            x509_parser::parse_x509_crl(crl).is_ok_and(|(_, crl)| {
                crl.issuer() == leaf.issuer()
                    && crl
                        .iter_revoked_certificates()
                        .any(|revoked| revoked.raw_serial() == leaf.raw_serial())
            })
        });
        ensure!(!revoked, "the certificate is revoked; `hufu ca server --renew` issues a new one");
        Ok(())
    }
}

impl Devices {
    /// Reads roots and revocation lists.
    ///
    /// # Errors
    /// A file that is missing or is not what it should be; a revocation list that none of the roots signed; roots of
    /// one name beside a revocation list.
    pub(super) fn read(files: &Files) -> anyhow::Result<Devices> {
        let roots = certificates(&files.ca)?;
        let mut devices =
            Devices { roots, crls: Vec::new(), revoked: Vec::new(), end: None, lists: Vec::new() };
        if let Some(path) = &files.crl {
            devices
                .ensure_names_differ()
                .with_context(|| format!("{} cannot be used", files.ca.display()))?;
            let crls: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&read_pem(path)?)
                .collect::<Result<_, _>>()
                .map_err(|error| pem(path, &error))?;
            ensure!(!crls.is_empty(), "{} holds no revocation list", path.display());
            for crl in crls {
                devices.add(crl).with_context(|| format!("{} cannot be used", path.display()))?;
            }
        }
        Ok(devices)
    }

    /// Refuses roots that share a name and not a key. A list says by name whose it is: TLS would verify it with the key
    /// of the other root, and refuse every device of that root.
    fn ensure_names_differ(&self) -> anyhow::Result<()> {
        let roots: Vec<_> =
            self.roots.iter().filter_map(|root| Some(X509Certificate::from_der(root).ok()?.1)).collect();
        for (at, root) in roots.iter().enumerate() {
            let is_twin = |other: &X509Certificate<'_>| {
                other.subject() == root.subject() && other.public_key().raw != root.public_key().raw
            };
            ensure!(
                !roots[..at].iter().any(is_twin),
                "two root certificates have the name {} and different keys, so their revocation lists cannot be told apart; \
                 take the newer root and its list out of the files, and make that authority again with another name \
                 (`hufu ca init --name`)",
                root.subject()
            );
        }
        Ok(())
    }

    /// Adds a list that one of the roots signed (RFC 5280 section 6.3.3). One past its next update is believed
    /// and told: it can only revoke too little.
    fn add(&mut self, der: CertificateRevocationListDer<'static>) -> anyhow::Result<()> {
        let Ok((_, crl)) = x509_parser::parse_x509_crl(&der) else { bail!("it is not a revocation list") };
        ensure!(self.signed(&crl), "none of the root certificates has signed the revocation list");
        self.revoked.extend(profile::read_crl(&der)?);
        let seconds = |timestamp: i64| UnixSeconds(u32::try_from(timestamp.max(0)).unwrap_or(u32::MAX));
        let end = crl.next_update().map(|next| seconds(next.timestamp()));
        self.lists.push(RevocationList {
            authority: crl.issuer().to_string(),
            number: crl.crl_number().and_then(|number| u64::try_from(number).ok()),
            made_at: seconds(crl.last_update().timestamp()),
            next_by: end,
        });
        self.end = self.end.into_iter().chain(end).min();
        self.crls.push(der);
        Ok(())
    }

    fn signed(&self, crl: &CertificateRevocationList<'_>) -> bool {
        self.roots.iter().any(|root| {
            X509Certificate::from_der(root).is_ok_and(|(_, root)| {
                root.subject() == crl.issuer() && crl.verify_signature(root.public_key()).is_ok()
            })
        })
    }

    /// Remembers what was revoked, and tells when an older list has come back: what it lacks stays revoked.
    pub(super) fn remember(&self, state: &State) {
        state.remember_revoked(&self.revoked);
        for RevocationList { authority, number, .. } in &self.lists {
            let Some(number) = *number else { continue };
            let before = state.remember_list(authority, number);
            if number < before {
                tracing::warn!(
                    "revocation list {number} of {authority} is older than {before}, which this engine has read; \
                     put the newer one back. Whoever was revoked stays revoked"
                );
            }
        }
    }
}

/// A copy for TLS to keep.
pub(super) fn parts(own: &Own, devices: &Devices, crls_must_be_fresh: bool) -> TlsParts {
    TlsParts {
        chain: own.chain.clone(),
        key: own.key.clone_key(),
        device_roots: devices.roots.clone(),
        crls: devices.crls.clone(),
        crls_must_be_fresh,
    }
}

fn certificates(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(&read_pem(path)?)
        .collect::<Result<_, _>>()
        .map_err(|error| pem(path, &error))?;
    ensure!(!found.is_empty(), "{} holds no certificate", path.display());
    Ok(found)
}

fn pem(path: &Path, error: &rustls::pki_types::pem::Error) -> anyhow::Error {
    match error {
        // Of certificates and lists there may be none; a key is looked for.
        rustls::pki_types::pem::Error::NoItemsFound => {
            anyhow!("{} has no private key in PEM; copy the one that `hufu ca server` wrote", path.display())
        }
        error => anyhow!("{} cannot be used: {error}", path.display()),
    }
}
