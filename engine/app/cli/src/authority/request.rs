//! Certificate requests (PKCS #10, RFC 2986) of devices that make their key themselves, in a secure element for
//! example, and never give it away.

use std::path::Path;

use anyhow::{Context as _, anyhow, ensure};
use hufu_files as files;
use rcgen::{PublicKeyData as _, SubjectPublicKeyInfo};
use rustls::pki_types::CertificateSigningRequestDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509CertificationRequest};
use x509_parser::public_key::PublicKey;

/// What RSA keys may have, bits: what engines verify.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The public key of the request in `path`, PEM or DER, once the request has proved that its sender has the private
/// one. Nothing else of a request counts: names, usages and validity are the authority's to say.
///
/// # Errors
/// The file cannot be read, is no request, is not signed by its own key, or has a key that engines do not accept.
pub(crate) fn read(path: &Path) -> anyhow::Result<SubjectPublicKeyInfo> {
    public_key(&files::read_pem(path)?).with_context(|| path.display().to_string())
}

fn public_key(bytes: &[u8]) -> anyhow::Result<SubjectPublicKeyInfo> {
    let not_one =
        || anyhow!("not a certificate request (PKCS #10), PEM or DER; `openssl req -new` makes one");
    let from_pem = CertificateSigningRequestDer::from_pem_slice(bytes);
    let der = from_pem.as_ref().map_or(bytes, AsRef::as_ref);
    let Ok(([], request)) = X509CertificationRequest::from_der(der) else { return Err(not_one()) };
    let key = &request.certification_request_info.subject_pki;
    let accepted = SubjectPublicKeyInfo::from_der(key.raw).ok().filter(|public| {
        let elliptic = [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519];
        elliptic.contains(&public.algorithm())
            || matches!(key.parsed(), Ok(PublicKey::RSA(rsa)) if RSA_BITS.contains(&rsa.key_size()))
    });
    let accepted = accepted.context(
        "the request's key is of a type that is not accepted; make one on P-256 or P-384 (ECDSA), of Ed25519, or of RSA \
         with 2048 to 8192 bits",
    )?;
    request.verify_signature().map_err(|_| {
        anyhow!(
            "the request is not signed by its own key, so it does not show that the device has the private key; make a \
             new request on the device"
        )
    })?;
    Ok(accepted)
}

/// Refuses a name that no TLS client could look for.
pub(super) fn ensure_host_name(name: &str) -> anyhow::Result<()> {
    let host = name.strip_prefix("*.").unwrap_or(name);
    ensure!(
        rustls::pki_types::ServerName::try_from(host).is_ok(),
        "{name:?} is neither a DNS name nor an IP address; write it without https:// and without a port"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, SigningKey};

    fn request(key: &impl SigningKey) -> rcgen::CertificateSigningRequest {
        CertificateParams::new(vec!["not.ours".to_owned()]).unwrap().serialize_request(key).unwrap()
    }

    #[test]
    fn a_request_must_prove_its_key_and_have_one_that_engines_accept() {
        for algorithm in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ED25519,
            &rcgen::PKCS_RSA_SHA256,
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let request = request(&key);
            let pem = request.pem().unwrap();
            for bytes in [pem.as_bytes(), request.der()] {
                assert_eq!(public_key(bytes).unwrap().der_bytes(), key.der_bytes());
            }
            let mut forged = request.der().to_vec();
            // The last byte of the common name: the signature covers it.
            let at = forged.windows(8).position(|window| window == b"not.ours").unwrap();
            forged[at] ^= 1;
            let said = public_key(&forged).err().unwrap().to_string();
            assert!(said.contains("not signed by its own key"), "{said}");
        }
        let other = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
        let said = public_key(request(&other).der()).err().unwrap().to_string();
        assert!(said.contains("on P-256 or P-384"), "{said}");
        for wrong in [&b""[..], b"-----BEGIN CERTIFICATE REQUEST-----", &[0x30, 0]] {
            let said = public_key(wrong).err().unwrap().to_string();
            assert!(said.contains("not a certificate request"), "{said}");
        }
    }
}
