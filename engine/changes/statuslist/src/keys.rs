//! Whose signatures count: public keys, and roots that certificates in a token lead to.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hufu_wire::UnixSeconds;
use serde::Deserialize;
use serde_json::json;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

use crate::fault::Fault;
use crate::json;
use crate::json::there;
use crate::token::{Algorithm, Envelope};

/// Keys and roots of one list: a publisher has one, or two while it changes.
const KEYS_MAX: usize = 16;

/// What stands before the point of a P-256 key, and before an Ed25519 key, in a `SubjectPublicKeyInfo` (RFC 5480,
/// RFC 8410).
const SPKI_P256: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const SPKI_ED25519: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A key whose signatures count, with its one algorithm: no token can choose another for it.
#[derive(Clone, Debug)]
pub struct PublicKey {
    algorithm: Algorithm,
    /// An uncompressed point, or 32 bytes.
    bytes: Vec<u8>,
    prepared: ParsedPublicKey,
    /// RFC 7638; the key id of our own tokens.
    thumbprint: String,
    /// The `kid` of its JWK.
    key_id: Option<String>,
}

/// Whose signatures count.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    keys: Vec<PublicKey>,
    /// Certificates in DER.
    roots: Vec<Vec<u8>>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    #[serde(default, deserialize_with = "there")]
    kid: Option<String>,
    alg: Option<String>,
    d: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Jwk>,
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &PublicKey) -> bool {
        self.algorithm == other.algorithm && self.bytes == other.bytes
    }
}

impl PublicKey {
    fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<PublicKey, Fault> {
        let wrong = |_| Fault::Key(format!("no public key of {}", algorithm.name()));
        let prepared = match algorithm {
            Algorithm::Es256 => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes),
            Algorithm::EdDsa => ParsedPublicKey::new(&ED25519, bytes),
        };
        let prepared = prepared.map_err(wrong)?;
        let mut key =
            PublicKey { algorithm, bytes: bytes.to_vec(), prepared, thumbprint: String::new(), key_id: None };
        // Members in the order of their names, without blanks (RFC 7638 section 3).
        key.thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, key.jwk_members().to_string().as_bytes()));
        Ok(key)
    }

    /// A P-256 key by its uncompressed point.
    pub(crate) fn es256(point: &[u8]) -> Result<PublicKey, Fault> {
        if point.len() != 65 || point.first() != Some(&4) {
            return Err(Fault::Key("a P-256 key is an uncompressed point of 65 bytes".to_owned()));
        }
        PublicKey::new(Algorithm::Es256, point)
    }

    /// A key by its `SubjectPublicKeyInfo`, in DER.
    fn of_spki(der: &[u8]) -> Result<PublicKey, Fault> {
        match (der.strip_prefix(SPKI_P256), der.strip_prefix(SPKI_ED25519)) {
            (Some(point), _) => PublicKey::es256(point),
            (_, Some(key)) => PublicKey::new(Algorithm::EdDsa, key),
            _ => Err(Fault::Key("it is neither of P-256 nor of Ed25519".to_owned())),
        }
    }

    /// The key of a certificate, in DER.
    pub(crate) fn of_certificate(der: &[u8]) -> Result<PublicKey, Fault> {
        PublicKey::of_spki(certificate(der)?.public_key().raw)
    }

    fn of_jwk(jwk: &Jwk) -> Result<PublicKey, Fault> {
        if jwk.d.is_some() {
            return Err(Fault::Key("it is a private JWK; give its public half, without d".to_owned()));
        }
        let coordinate = |name: &str, value: &Option<String>| {
            let bytes = value.as_ref().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
            bytes
                .filter(|bytes| bytes.len() == 32)
                .ok_or_else(|| Fault::Key(format!("{name} of the JWK is not 32 bytes")))
        };
        let key = match (&*jwk.kty, jwk.crv.as_deref()) {
            ("EC", Some("P-256")) => {
                let point = [vec![4], coordinate("x", &jwk.x)?, coordinate("y", &jwk.y)?].concat();
                PublicKey::es256(&point)?
            }
            ("OKP", Some("Ed25519")) => PublicKey::new(Algorithm::EdDsa, &coordinate("x", &jwk.x)?)?,
            // A shared secret proves nothing about who signed.
            ("oct", _) => return Err(Fault::Key("a shared secret (oct) is no signature key".to_owned())),
            _ => return Err(Fault::Key("the JWK is neither of P-256 nor of Ed25519".to_owned())),
        };
        // RFC 9864 gives EdDSA on this curve a name of its own, which tokens may use, too.
        let names: &[&str] = match key.algorithm {
            Algorithm::Es256 => &["ES256"],
            Algorithm::EdDsa => &["EdDSA", "Ed25519"],
        };
        if jwk.alg.as_deref().is_some_and(|alg| !names.contains(&alg)) {
            return Err(Fault::Key("alg of the JWK is not of its curve".to_owned()));
        }
        Ok(PublicKey { key_id: jwk.kid.clone(), ..key })
    }

    /// Its JWK thumbprint (RFC 7638): the key id in our tokens.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// As JWK, for people who follow a list.
    pub fn jwk(&self) -> serde_json::Value {
        let mut jwk = self.jwk_members();
        jwk["alg"] = self.algorithm.name().into();
        jwk["kid"] = self.thumbprint.clone().into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// As PEM.
    pub fn to_pem(&self) -> String {
        let prefix = match self.algorithm {
            Algorithm::Es256 => SPKI_P256,
            Algorithm::EdDsa => SPKI_ED25519,
        };
        pem("PUBLIC KEY", &[prefix, &self.bytes].concat())
    }

    fn jwk_members(&self) -> serde_json::Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self.algorithm {
            Algorithm::Es256 => {
                json!({ "crv": "P-256", "kty": "EC", "x": text(&self.bytes[1..33]), "y": text(&self.bytes[33..]) })
            }
            Algorithm::EdDsa => json!({ "crv": "Ed25519", "kty": "OKP", "x": text(&self.bytes) }),
        }
    }

    fn has_signed(&self, envelope: &Envelope) -> bool {
        self.algorithm == envelope.algorithm
            && self.prepared.verify_sig(&envelope.message, &envelope.signature).is_ok()
    }

    /// Whether a token that names this key id may mean this key.
    fn is_named(&self, key_id: Option<&str>) -> bool {
        let known = self.key_id.as_deref().unwrap_or(&self.thumbprint);
        // A key that was given without an id may have any at its publisher.
        key_id.is_none_or(|named| self.key_id.is_none() || named == known)
    }
}

impl Keys {
    /// The keys in a file: a JWK, a JWK set, PEM of public keys, or PEM of certificates, which are roots for tokens with
    /// a chain and keys of their own for tokens without.
    ///
    /// # Errors
    /// [`Fault::Key`]: which part of the file cannot be used.
    pub fn add_file(&mut self, file: &[u8]) -> Result<(), Fault> {
        let before = self.keys.len() + self.roots.len();
        let blank = |byte: &u8| byte.is_ascii_whitespace();
        if file.iter().find(|byte| !blank(byte)) == Some(&b'{') {
            let jwks = json::parse::<JwkSet>(file).map(|set| set.keys);
            let one = |_| json::parse::<Jwk>(file).map(|jwk| vec![jwk]);
            let jwks = jwks.or_else(one).map_err(|fault| Fault::Key(format!("no JWK: {fault}")))?;
            for jwk in &jwks {
                self.keys.push(PublicKey::of_jwk(jwk)?);
            }
        } else {
            for (label, der) in pem_blocks(file)? {
                match &*label {
                    "PUBLIC KEY" => self.keys.push(PublicKey::of_spki(&der)?),
                    "CERTIFICATE" => {
                        certificate(&der)?;
                        // A root of another kind of key can still vouch for a P-256 one.
                        self.keys.extend(PublicKey::of_certificate(&der).ok());
                        self.roots.push(der);
                    }
                    other => return Err(Fault::Key(format!("a block {other:?} is no public key"))),
                }
            }
        }
        let after = self.keys.len() + self.roots.len();
        if after == before || after > 2 * KEYS_MAX {
            return Err(Fault::Key(format!("1 to {KEYS_MAX} keys are expected, as JWK or PEM")));
        }
        Ok(())
    }

    /// The thumbprint of each key.
    pub fn thumbprints(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(PublicKey::thumbprint)
    }

    /// These keys and one more.
    #[must_use]
    pub fn with(mut self, key: PublicKey) -> Keys {
        self.keys.push(key);
        self
    }

    /// Whether one of the keys has signed it, directly or through the certificates in it.
    pub(crate) fn verify(&self, envelope: &Envelope, now: UnixSeconds) -> Result<(), Fault> {
        let named = envelope.key_id.as_deref();
        let mut fitting = self
            .keys
            .iter()
            .filter(|key| key.algorithm == envelope.algorithm && key.is_named(named))
            .peekable();
        let is_known = fitting.peek().is_some();
        if fitting.any(|key| key.has_signed(envelope)) {
            return Ok(());
        }
        if !envelope.chain.is_empty() && !self.roots.is_empty() {
            let leaf = self.vouched(&envelope.chain, now)?;
            return if leaf.has_signed(envelope) { Ok(()) } else { Err(Fault::Signature) };
        }
        let id = named.map(|id| format!(" (key id {:?})", id.chars().take(64).collect::<String>()));
        if is_known { Err(Fault::Signature) } else { Err(Fault::UnknownKey(id.unwrap_or_default())) }
    }

    /// The key of the first certificate, if the chain leads to a root: each signed by the next, all valid now.
    fn vouched(&self, chain: &[Vec<u8>], now: UnixSeconds) -> Result<PublicKey, Fault> {
        let unknown = |what: &str| Fault::UnknownKey(format!(" ({what})"));
        let chain: Vec<_> = chain.iter().map(|der| certificate(der)).collect::<Result<_, _>>()?;
        let roots: Vec<_> = self.roots.iter().map(|der| certificate(der)).collect::<Result<_, _>>()?;
        let at = ASN1Time::from_timestamp(now.0.into()).map_err(|_| unknown("no such time"))?;
        if !chain.iter().all(|link| link.validity().is_valid_at(at)) {
            return Err(unknown("a certificate of its chain is not valid now"));
        }
        let is_ca = |link: &X509Certificate<'_>| {
            matches!(link.basic_constraints(), Ok(Some(basic)) if basic.value.ca)
                && link.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()))
        };
        let signed = |link: &X509Certificate<'_>, by: &X509Certificate<'_>| {
            link.issuer() == by.subject() && is_ca(by) && link.verify_signature(Some(by.public_key())).is_ok()
        };
        if !chain.windows(2).all(|pair| signed(&pair[0], &pair[1])) {
            return Err(unknown("a certificate of its chain is not signed by the next"));
        }
        let last = chain.last().ok_or_else(|| unknown("it has no certificate"))?;
        let is_rooted = |root: &X509Certificate<'_>| {
            root.as_raw() == last.as_raw() || root.validity().is_valid_at(at) && signed(last, root)
        };
        if !roots.iter().any(is_rooted) {
            return Err(unknown("its chain leads to no trusted root"));
        }
        let first = chain.first().ok_or_else(|| unknown("it has no certificate"))?;
        if first.key_usage().is_ok_and(|usage| usage.is_some_and(|usage| !usage.value.digital_signature())) {
            return Err(unknown("its certificate may not sign"));
        }
        PublicKey::of_spki(first.public_key().raw)
    }
}

fn certificate(der: &[u8]) -> Result<X509Certificate<'_>, Fault> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(Fault::Key("a certificate cannot be read".to_owned())),
    }
}

/// The blocks of a PEM file (RFC 7468): label and content.
pub(crate) fn pem_blocks(file: &[u8]) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let damaged = || Fault::Key("the PEM is damaged".to_owned());
    let text = String::from_utf8_lossy(file);
    let (mut blocks, mut open): (_, Option<(String, String)>) = (Vec::new(), None);
    for line in text.lines().map(str::trim) {
        match (line.strip_prefix("-----BEGIN "), line.strip_prefix("-----END "), &mut open) {
            (Some(label), _, None) => {
                let label = label.strip_suffix("-----").ok_or_else(damaged)?;
                open = Some((label.to_owned(), String::new()));
            }
            (Some(_), _, Some(_)) => return Err(damaged()),
            (_, Some(_), _) => {
                let (label, content) = open.take().ok_or_else(damaged)?;
                blocks.push((label, STANDARD.decode(content).map_err(|_| damaged())?));
            }
            (_, _, Some((_, content))) => content.push_str(line),
            // Between blocks stands what a person wants.
            (_, _, None) => {}
        }
    }
    if open.is_some() { Err(damaged()) } else { Ok(blocks) }
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let content = STANDARD.encode(der);
    let lines: Vec<&str> =
        (0..content.len()).step_by(64).map(|at| &content[at..content.len().min(at + 64)]).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
