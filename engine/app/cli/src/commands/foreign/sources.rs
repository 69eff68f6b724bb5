//! Where signers abroad are published: lists of certificates, DID documents, certificates themselves.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hufu_files as files;
use hufu_hc1::dsc;
use hufu_hc1::signers::{Algorithm, KeyId, Kinds, ListedSigner};
use hufu_policy::foreign::Country;
use hufu_wire::UnixSeconds;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::Value;

/// What sources hold.
#[derive(Default)]
pub(super) struct Found {
    pub(super) signers: Vec<ListedSigner>,
    /// What cannot be used, and why.
    pub(super) left_out: Vec<String>,
}

/// A list as the back ends of the EU's gateway publish it.
#[derive(Deserialize)]
struct DscList {
    certificates: Vec<DscEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DscEntry {
    kid: Option<String>,
    raw_data: String,
    country: Option<String>,
    certificate_type: Option<String>,
}

/// A DID document (W3C DID Core, section 5), as the WHO's network publishes it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DidDocument {
    verification_method: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Method {
    id: String,
    public_key_jwk: Jwk,
}

/// RFC 7517.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    #[serde(default)]
    x5c: Vec<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// Reads one source, whatever it is.
pub(super) fn read(path: &Path, country: Option<Country>, found: &mut Found) -> anyhow::Result<()> {
    let bytes = files::read(path)?;
    if let Some(json) = json(&bytes) {
        let value: Value = serde_json::from_slice(json).context("it is not JSON")?;
        if value.get("certificates").is_some() {
            // Not the parser's own words: of a value that was read already it knows no line.
            let list: DscList = serde_json::from_value(value).map_err(|error| {
                anyhow!("it is no list of certificates as the EU's gateway has them: {error}")
            })?;
            list.certificates.iter().for_each(|entry| found.add(entry.signer(country), &entry.name()));
        } else if value.get("verificationMethod").is_some() {
            let document: DidDocument =
                serde_json::from_value(value).map_err(|error| anyhow!("it is no DID document: {error}"))?;
            // Texts among them refer to others, which are there too.
            for method in document.verification_method.into_iter().filter(Value::is_object) {
                let name = method["id"].as_str().unwrap_or("a method without an id").to_owned();
                found.add(method_signer(method, country), &name);
            }
        } else {
            bail!("it has neither certificates nor a verificationMethod");
        }
        return Ok(());
    }
    let name = path.display().to_string();
    let is_pem = bytes.windows(11).any(|window| window == b"-----BEGIN ");
    if !is_pem {
        found.add(certificate(&bytes, country, None), &name);
        return Ok(());
    }
    let mut is_any = false;
    for der in CertificateDer::pem_slice_iter(&bytes) {
        let der = der.map_err(|error| anyhow!("it is no PEM: {error:?}"))?;
        found.add(certificate(&der, country, None), &name);
        is_any = true;
    }
    if !is_any {
        found.left_out.push(format!("{name}: it is PEM without a certificate"));
    }
    Ok(())
}

/// The JSON of a file, behind the publisher's detached signature where its first line is one.
fn json(bytes: &[u8]) -> Option<&[u8]> {
    let is_object = |bytes: &[u8]| bytes.trim_ascii_start().starts_with(b"{");
    if is_object(bytes) {
        return Some(bytes);
    }
    let (first, rest) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n')?);
    let is_base64 =
        !first.is_empty() && first.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=\r".contains(byte));
    (is_base64 && is_object(rest)).then_some(rest)
}

fn certificate(der: &[u8], country: Option<Country>, key_id: Option<KeyId>) -> anyhow::Result<ListedSigner> {
    Ok(dsc::read(der, country, key_id)?)
}

impl Found {
    fn add(&mut self, signer: anyhow::Result<ListedSigner>, name: &str) {
        match signer {
            Ok(signer) => self.signers.push(signer),
            Err(why) => self.left_out.push(format!("{name}: {why:#}")),
        }
    }
}

impl DscEntry {
    fn name(&self) -> String {
        format!("{} of {}", self.kid.as_deref().unwrap_or("a key"), self.country.as_deref().unwrap_or("?"))
    }

    fn signer(&self, country: Option<Country>) -> anyhow::Result<ListedSigner> {
        if let Some(kind) = self.certificate_type.as_deref().filter(|kind| *kind != "DSC") {
            bail!("it is a {kind}, and only a DSC signs certificates");
        }
        let der = STANDARD.decode(&self.raw_data).context("rawData is not base64")?;
        let country = self.country.as_deref().and_then(Country::of).or(country);
        certificate(&der, country, self.kid.as_deref().map(key_id).transpose()?)
    }
}

/// A key id in base64.
pub(super) fn key_id(text: &str) -> anyhow::Result<KeyId> {
    let bytes = STANDARD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')));
    let bytes = bytes.with_context(|| format!("the key id {text} is not base64"))?;
    bytes.as_slice().try_into().map_err(|_| anyhow!("the key id {text} has {} bytes, not 8", bytes.len()))
}

fn method_signer(method: Value, country: Option<Country>) -> anyhow::Result<ListedSigner> {
    let Method { id, public_key_jwk: key } =
        serde_json::from_value(method).context("it has no publicKeyJwk")?;
    let fragment = id.rsplit_once('#').map(|(_, fragment)| fragment);
    let fragment = fragment.map(|text| percent_encoding::percent_decode_str(text).decode_utf8_lossy());
    let named = fragment.and_then(|text| key_id(&text).ok());
    if let Some(leaf) = key.x5c.first() {
        return certificate(&STANDARD.decode(leaf).context("x5c is not base64")?, country, named);
    }
    let (algorithm, public) = key.public()?;
    let signer = ListedSigner {
        key_id: named.context("it has neither a certificate nor a key id in its id")?,
        country: country.context("it has no certificate; name its country with --country")?,
        algorithm,
        public,
        from: UnixSeconds(0),
        until: UnixSeconds(u32::MAX),
        kinds: Kinds::ALL,
    };
    signer.is_usable().then_some(signer).context("its key is no point of P-256, nor RSA of 2048 bits or more")
}

impl Jwk {
    /// The key as lists hold it.
    fn public(&self) -> anyhow::Result<(Algorithm, Vec<u8>)> {
        let part = |part: &Option<String>| {
            let text = part.as_deref().context("the key lacks a part")?;
            URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).context("a part of the key is not base64url")
        };
        match (&*self.kty, self.crv.as_deref()) {
            ("EC", Some("P-256")) => {
                Ok((Algorithm::Es256, [&[4][..], &part(&self.x)?, &part(&self.y)?].concat()))
            }
            ("RSA", _) => {
                let numbers = [der(2, &unsigned(part(&self.n)?)), der(2, &unsigned(part(&self.e)?))].concat();
                Ok((Algorithm::Ps256, der(0x30, &numbers)))
            }
            (kind, curve) => bail!("{kind} {} is no key of certificates", curve.unwrap_or_default()),
        }
    }
}

/// The digits of a number in DER: a zero in front of one that would look negative.
fn unsigned(mut digits: Vec<u8>) -> Vec<u8> {
    if digits.first().is_some_and(|first| *first > 127) {
        digits.insert(0, 0);
    }
    digits
}

/// One value in DER.
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let head = match digits[..] {
        [] => vec![tag, 0],
        [short @ 0..=127] => vec![tag, short],
        // A key's lengths have two digits at the most.
        _ => [&[tag, if digits.len() == 1 { 0x81 } else { 0x82 }][..], &digits].concat(),
    };
    [&head[..], value].concat()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair};
    use serde_json::json;

    use super::*;

    /// A certificate, and what its key id would be.
    fn made(country: &str) -> (Vec<u8>, KeyId) {
        let mut parameters = rcgen::CertificateParams::new([]).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::CountryName, country);
        let usage = |last| vec![1, 3, 6, 1, 4, 1, 1847, 2021, 1, last];
        parameters.extended_key_usages =
            [1, 2].map(|last| rcgen::ExtendedKeyUsagePurpose::Other(usage(last))).into();
        let key = rcgen::KeyPair::generate().unwrap();
        let der = parameters.self_signed(&key).unwrap().der().to_vec();
        let id = dsc::key_id(&der);
        (der, id)
    }

    fn found(name: &str, content: &[u8], country: Option<&str>) -> anyhow::Result<Found> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let mut found = Found::default();
        read(&path, country.and_then(Country::of), &mut found).map(|()| found)
    }

    #[test]
    fn r63_a_published_list_is_read_with_and_without_its_signature() {
        let ((german, id), (french, _)) = (made("DE"), made("FR"));
        let entry = |der: &[u8], kid: Option<&str>, kind| json!({ "certificateType": kind, "country": "DE", "kid": kid, "rawData": STANDARD.encode(der), "thumbprint": "x" });
        let list = json!({ "certificates": [
            entry(&german, Some(&STANDARD.encode(id)), "DSC"),
            entry(&french, Some("AQIDBAUGBwg="), "DSC"),
            entry(&german, None, "CSCA"),
            entry(b"no certificate", None, "DSC"),
        ]});
        for content in [list.to_string(), format!("MEUCIQ+/ab==\n{list}")] {
            let Found { signers, left_out } = found("list.json", content.as_bytes(), None).unwrap();
            let ids: Vec<_> = signers.iter().map(|signer| (signer.key_id, signer.country.as_str())).collect();
            assert_eq!(ids, [(id, "DE"), ([1, 2, 3, 4, 5, 6, 7, 8], "DE")], "what the list says goes first");
            assert_eq!(signers[0].kinds, Kinds::TEST | Kinds::VACCINATION);
            assert_eq!(left_out.len(), 2, "{left_out:?}");
            assert!(left_out[0].contains("it is a CSCA") && left_out[1].contains("no X.509"), "{left_out:?}");
        }
        assert!(found("list.json", b"not base64!\n{}", None).unwrap().signers.is_empty());
        assert!(found("other.json", b"{}", None).is_err());
    }

    #[test]
    fn r63_a_did_document_is_read_with_certificates_and_with_bare_keys() {
        let (der, id) = made("BE");
        let curve = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = curve.public_key().as_ref();
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let numbers = PublicKeyComponents::<Vec<u8>>::from(rsa.public_key());
        let did = |last: &str| format!("did:web:tng-cdn.who.int:v2:trustlist:DCC:BEL:DSC#{last}");
        let document = json!({ "id": "did:web:tng-cdn.who.int:v2:trustlist", "verificationMethod": [
            did("refers"),
            { "id": did(&STANDARD.encode(id).replace('=', "%3D")), "type": "JsonWebKey2020",
              "publicKeyJwk": { "kty": "EC", "crv": "P-256", "x5c": [STANDARD.encode(&der)], "x": "a", "y": "b" } },
            { "id": did("AQIDBAUGBwg%3D"),
              "publicKeyJwk": { "kty": "EC", "crv": "P-256", "x": part(&point[1..33]), "y": part(&point[33..]) } },
            { "id": did("CAcGBQQDAgE%3D"),
              "publicKeyJwk": { "kty": "RSA", "n": part(&numbers.n), "e": part(&numbers.e) } },
            { "id": did("AQIDBAUGBwg%3D"), "publicKeyJwk": { "kty": "EC", "crv": "P-384", "x": "", "y": "" } },
            { "id": did("AQIDBAUGBwg%3D"), "publicKeyJwk": { "kty": "EC", "crv": "P-256", "x": part(&[1; 32]), "y": part(&[1; 32]) } },
        ]});
        let Found { signers, left_out } = found("did.json", document.to_string().as_bytes(), None).unwrap();
        assert_eq!((signers.len(), signers[0].key_id, signers[0].country.as_str()), (1, id, "BE"));
        assert!(left_out[0].contains("--country"), "{left_out:?}");
        let Found { signers, left_out } =
            found("did.json", document.to_string().as_bytes(), Some("BE")).unwrap();
        assert_eq!((signers.len(), left_out.len()), (3, 2), "{left_out:?}");
        assert_eq!((signers[1].public.as_slice(), signers[1].key_id), (point, [1, 2, 3, 4, 5, 6, 7, 8]));
        assert_eq!(
            (signers[2].public.as_slice(), signers[2].algorithm),
            (rsa.public_key().as_ref(), Algorithm::Ps256)
        );
    }

    #[test]
    fn r63_certificates_are_read_as_der_and_as_pem() {
        let ((first, id), (second, other)) = (made("SE"), made("NO"));
        let pem = |der: &[u8]| {
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der))
        };
        let ids = |found: Found| found.signers.iter().map(|signer| signer.key_id).collect::<Vec<_>>();
        assert_eq!(ids(found("a.der", &first, None).unwrap()), [id]);
        let both = format!("{}{}", pem(&first), pem(&second));
        assert_eq!(ids(found("a.pem", both.as_bytes(), None).unwrap()), [id, other]);
        let key = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let left_out = found("a.key", key, None).unwrap().left_out;
        assert!(left_out[0].contains("PEM without a certificate"), "{left_out:?}");
        let said = found("a.json", br#"{"certificates":[{"kid":5,"rawData":""}]}"#, None).err().unwrap();
        let said = crate::message::of(&said);
        assert!(said.contains("integer `5`") && !said.contains("line 0"), "{said}");
        let cut = &first[..first.len() - 1];
        assert_eq!(found("cut.der", cut, None).unwrap().left_out.len(), 1);
    }
}
