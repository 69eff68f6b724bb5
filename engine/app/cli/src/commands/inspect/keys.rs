//! Files of keys: of `hufu keys generate`, of document signers for abroad (R63), of status lists (R64). Nothing of a private key
//! is shown.

use std::path::Path;

use hufu_files::keys::{Owner, PublicKey, SecretKey};
use hufu_files::moment::show;
use hufu_hc1::{dsc, lists};
use hufu_statuslist::Keys;
use rcgen::{CertificateSigningRequestParams, KeyPair};
use rustls::pki_types::pem::{PemObject as _, SectionKind};
use rustls::pki_types::{CertificateDer, CertificateSigningRequestDer};
use serde_json::Value;

use super::explained::Explained;
use crate::commands::foreign;

/// Explains a file of keys; `None` for any other.
pub(super) fn explain(path: &Path, bytes: &[u8]) -> Option<Explained> {
    let text = str::from_utf8(bytes).ok()?;
    if let Some(owner) = text.lines().find_map(|line| line.strip_prefix("owner = ")) {
        return Some(ours(path, text, Owner::of_word(owner.trim_matches(['"', ' ']))?));
    }
    if text.trim_ascii_start().starts_with('{') {
        return jwk(text);
    }
    let (kind, der) = <(SectionKind, Vec<u8>)>::from_pem_slice(bytes).ok()?;
    match kind {
        SectionKind::Certificate => Some(certificate(&CertificateDer::from(der))),
        SectionKind::Csr => Some(request(&der)),
        SectionKind::PrivateKey | SectionKind::EcPrivateKey | SectionKind::RsaPrivateKey => {
            Some(private(text))
        }
        _ => None,
    }
}

/// A file of `hufu keys generate`, public or secret.
fn ours(path: &Path, text: &str, owner: Owner) -> Explained {
    let name = path.display().to_string();
    let secret = SecretKey::parse(text, owner, &name).ok();
    let (what, public) = match &secret {
        Some(secret) => ("secret key of Hufu", PublicKey::of(secret)),
        None => ("public key of Hufu", PublicKey::load(path, owner)),
    };
    let public = match public {
        Ok(public) => public,
        Err(why) => return Explained::unreadable(what, format!("{why:#}")),
    };
    let mut explained = Explained::new(what);
    explained.field("key", public.kid(), "its id in trust lists and signatures");
    match public.issuer() {
        Ok(issuer) => explained.field("issuer", issuer, "whose key it is"),
        Err(_) => explained.field("owner", "operator", "who signs trust lists and foreign lists"),
    };
    explained.field("scheme", public.public.scheme(), "of its signatures");
    explained.sound(match secret {
        Some(_) => "Nothing else of it is shown. It is for its owner alone (mode 600).",
        None => "Nothing secret.",
    })
}

fn certificate(der: &CertificateDer<'_>) -> Explained {
    let mut explained = Explained::new("certificate, X.509 in PEM");
    explained.field("binary", format!("{} bytes", der.len()), "DER");
    let signer = match dsc::read(der, None, None) {
        Ok(signer) => signer,
        Err(why) => {
            return explained.sound(format!("Not one of a document signer for certificates abroad: {why}."));
        }
    };
    explained
        .field(
            "key",
            lists::hex(&signer.key_id),
            "what verifiers abroad know it by: SHA-256 of the certificate, cut",
        )
        .field("country", signer.country.as_str(), "whose certificates it signs")
        .field("algorithm", foreign::algorithm(signer.algorithm), "")
        .field("signs", foreign::kinds(signer.kinds).join(", "), "by its extended key usages; all without")
        .field("from", show(signer.from), "")
        .field("until", show(signer.until), "no code outlives it");
    explained.sound("`hufu foreign signers import` takes it; who vouches for it is for you to know.")
}

fn request(der: &[u8]) -> Explained {
    let mut explained = Explained::new("request for a certificate, PKCS #10 in PEM");
    if CertificateSigningRequestParams::from_der(&CertificateSigningRequestDer::from(der)).is_err() {
        return Explained::unreadable(
            "request for a certificate",
            "it is cut, or its signature is not genuine",
        );
    }
    explained.field("binary", format!("{} bytes", der.len()), "DER, signed by its own key");
    explained.sound(
        "For a country's signing authority (CSCA): its certificate takes the place of the .pem beside it.",
    )
}

fn private(text: &str) -> Explained {
    let mut explained = Explained::new("private key, PEM");
    let Ok(key) = KeyPair::from_pem(text) else {
        return explained
            .sound("Nothing of it is shown. It is not PKCS #8, or of a kind that is not used here.");
    };
    let mut keys = Keys::default();
    if keys.add_file(key.public_key_pem().as_bytes()).is_ok()
        && let Some(thumbprint) = keys.thumbprints().next()
    {
        explained.field("key", thumbprint, "its id in status lists (RFC 7638)");
    }
    explained.sound("Nothing else of it is shown. It is for its owner alone (mode 600).")
}

fn jwk(text: &str) -> Option<Explained> {
    let value: Value = serde_json::from_str(text).ok()?;
    let is_one = value.get("kty").is_some();
    if !is_one && !value.get("keys").is_some_and(Value::is_array) {
        return None;
    }
    let what = if is_one { "public key, JWK" } else { "public keys, JWK set" };
    if value.get("d").is_some() {
        return Some(Explained::unreadable(
            what,
            "it has its private part (d) in it: hand out the public one",
        ));
    }
    let mut keys = Keys::default();
    if let Err(fault) = keys.add_file(text.as_bytes()) {
        return Some(Explained::unreadable(what, fault.to_string()));
    }
    let mut explained = Explained::new(what);
    for thumbprint in keys.thumbprints() {
        explained.field("key", thumbprint, "its id in status lists (RFC 7638)");
    }
    Some(
        explained
            .sound("Nothing secret. Engines name it in `keys` of [[status_list]], third parties in --key."),
    )
}
