//! A signer's own certificate (DSC), as countries publish it: X.509, in DER.

use aws_lc_rs::digest::{SHA256, digest};
use hufu_policy::foreign::Country;
use hufu_wire::UnixSeconds;
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

use crate::signers::{Algorithm, KeyId, Kinds, ListedSigner};

/// Public keys on elliptic curves (RFC 5480), P-256, and RSA (RFC 8017), the general one and that for PSS alone.
const EC: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const RSA: [&str; 2] = ["1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"];
/// The extended key usages of signers, hcert-spec; the second of each pair was written by mistake and is in use.
const USAGES: [(&str, &str, Kinds); 3] = [
    ("1.3.6.1.4.1.1847.2021.1.1", "1.3.6.1.4.1.0.1847.2021.1.1", Kinds::TEST),
    ("1.3.6.1.4.1.1847.2021.1.2", "1.3.6.1.4.1.0.1847.2021.1.2", Kinds::VACCINATION),
    ("1.3.6.1.4.1.1847.2021.1.3", "1.3.6.1.4.1.0.1847.2021.1.3", Kinds::RECOVERY),
];

/// Why a certificate is no signer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASigner {
    /// Not DER of an X.509 certificate, or bytes behind it.
    #[error("it is no X.509 certificate")]
    NoCertificate,
    /// A key that certificates are not signed with.
    #[error("its key is neither of P-256 nor of RSA with 2048 bits or more")]
    Key,
    /// No country, and none was given.
    #[error("neither its subject nor its issuer names a country; name one with --country")]
    NoCountry,
    /// A validity that begins before 1970 or ends before it begins.
    #[error("its validity is none")]
    Validity,
}

/// The id of a certificate's key: the first 8 bytes of SHA-256 over its DER (hcert-spec, section 3.3.2).
pub fn key_id(der: &[u8]) -> KeyId {
    digest(&SHA256, der).as_ref().first_chunk().copied().unwrap_or_default()
}

/// The signer that a certificate describes. `country` and `key_id` go before what the certificate says: publishers give
/// both beside it.
///
/// # Errors
/// [`NotASigner`].
pub fn read(der: &[u8], country: Option<Country>, key_id: Option<KeyId>) -> Result<ListedSigner, NotASigner> {
    let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| NotASigner::NoCertificate)?;
    if !rest.is_empty() {
        return Err(NotASigner::NoCertificate);
    }
    let named = [certificate.subject(), certificate.issuer()].into_iter().find_map(|name| {
        Country::of(&name.iter_country().next()?.as_str().ok()?.to_ascii_uppercase())
    });
    let (algorithm, public) = public_key(&certificate).ok_or(NotASigner::Key)?;
    let second = |at: i64| u32::try_from(at).map(UnixSeconds);
    let validity = certificate.validity();
    let signer = ListedSigner {
        key_id: key_id.unwrap_or_else(|| self::key_id(der)),
        country: country.or(named).ok_or(NotASigner::NoCountry)?,
        algorithm,
        public,
        from: second(validity.not_before.timestamp()).map_err(|_| NotASigner::Validity)?,
        until: second(validity.not_after.timestamp()).unwrap_or(UnixSeconds(u32::MAX)),
        kinds: kinds(&certificate),
    };
    if signer.until < signer.from {
        return Err(NotASigner::Validity);
    }
    if signer.is_usable() { Ok(signer) } else { Err(NotASigner::Key) }
}

fn public_key(certificate: &X509Certificate<'_>) -> Option<(Algorithm, Vec<u8>)> {
    let info = certificate.public_key();
    let key = info.subject_public_key.data.to_vec();
    let algorithm = info.algorithm.algorithm.to_id_string();
    if RSA.contains(&algorithm.as_str()) {
        return Some((Algorithm::Ps256, key));
    }
    let curve = info.algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string();
    (algorithm == EC && curve == P256).then_some((Algorithm::Es256, key))
}

/// What it may sign. Without a usage of this kind it may sign all.
fn kinds(certificate: &X509Certificate<'_>) -> Kinds {
    let usages = certificate.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::ExtendedKeyUsage(usages) => Some(usages),
        _ => None,
    });
    let named = usages.into_iter().flat_map(|usages| &usages.other).filter_map(|usage| {
        let usage = usage.to_id_string();
        USAGES.iter().find(|(oid, old, _)| usage == *oid || usage == *old).map(|(_, _, kinds)| *kinds)
    });
    named.reduce(|all, one| all | one).unwrap_or(Kinds::ALL)
}
