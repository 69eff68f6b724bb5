//! Certificates and signers, made for tests. The bytes are written by `minicbor`'s encoder, not by code of this crate.

#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub, reason = "each test uses its part")]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PSS_SHA256, RsaKeyPair,
};
use hufu_codes::issue::OperatorSigner;
use hufu_hc1::lists::Dated;
use hufu_hc1::revoked::{Group, Revoked};
use hufu_hc1::signers::{Algorithm, KeyId, Kinds, ListedSigner, Signers};
use hufu_policy::foreign::Country;
use hufu_signature::PreparedKey;
use hufu_wire::UnixSeconds;
use minicbor::Encoder;

pub const NOW: UnixSeconds = UnixSeconds(1_790_000_010);
pub const DAY_S: u32 = 86_400;
/// 14 days before and 20 days before [`NOW`], which is 2026-09-21.
pub const VACCINATED: &str = "2026-09-01";
pub const TESTED: &str = "2026-09-20T12:00:00Z";

/// A signer abroad.
pub struct Signer {
    key: Key,
    pub listed: ListedSigner,
}

enum Key {
    Es(EcdsaKeyPair),
    Ps(RsaKeyPair),
}

/// A value of an entry.
#[derive(Clone, Copy)]
pub enum Value {
    Text(&'static str),
    Int(u64),
    Float(f64),
}

pub type Fields = Vec<(&'static str, Value)>;

/// What a certificate says.
#[derive(Clone)]
pub struct Said {
    pub issuer: Option<&'static str>,
    pub issued: Value,
    pub expires: Value,
    pub group: &'static str,
    pub fields: Fields,
    /// Whether maps and arrays end with a break.
    pub open: bool,
}

impl Signer {
    pub fn es256(country: &str, key_id: KeyId) -> Signer {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public = key.public_key().as_ref().to_vec();
        Signer { key: Key::Es(key), listed: listed(country, key_id, Algorithm::Es256, public) }
    }

    pub fn ps256(country: &str, key_id: KeyId) -> Signer {
        let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = key.public_key().as_ref().to_vec();
        Signer { key: Key::Ps(key), listed: listed(country, key_id, Algorithm::Ps256, public) }
    }

    /// The signature over a message.
    pub fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Es(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::Ps(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PSS_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// A whole message: algorithm and key id in the protected header.
    pub fn sign(&self, payload: &[u8]) -> Vec<u8> {
        self.sign_as(self.listed.algorithm.cose(), Some(self.listed.key_id), None, payload)
    }

    /// The same with other headers.
    pub fn sign_as(
        &self,
        algorithm: i64,
        protected_id: Option<KeyId>,
        unprotected_id: Option<KeyId>,
        payload: &[u8],
    ) -> Vec<u8> {
        let protected = header(Some(algorithm), protected_id);
        let signature = self.signature(&to_sign(&protected, payload));
        message(&protected, &header(None, unprotected_id), payload, &signature)
    }

    /// The text of a certificate that says this.
    pub fn text(&self, said: &Said) -> String {
        text(&self.sign(&said.payload()))
    }
}

fn listed(country: &str, key_id: KeyId, algorithm: Algorithm, public: Vec<u8>) -> ListedSigner {
    ListedSigner {
        key_id,
        country: Country::of(country).unwrap(),
        algorithm,
        public,
        from: UnixSeconds(NOW.0 - 400 * DAY_S),
        until: UnixSeconds(NOW.0 + 400 * DAY_S),
        kinds: Kinds::ALL,
    }
}

pub fn header(algorithm: Option<i64>, key_id: Option<KeyId>) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.map(u64::from(algorithm.is_some()) + u64::from(key_id.is_some())).unwrap();
    if let Some(algorithm) = algorithm {
        encoder.u8(1).unwrap().i64(algorithm).unwrap();
    }
    if let Some(key_id) = key_id {
        encoder.u8(4).unwrap().bytes(&key_id).unwrap();
    }
    encoder.into_writer()
}

/// RFC 9052, section 4.4.
pub fn to_sign(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.array(4).unwrap().str("Signature1").unwrap();
    encoder.bytes(protected).unwrap().bytes(&[]).unwrap().bytes(payload).unwrap();
    encoder.into_writer()
}

pub fn message(protected: &[u8], unprotected: &[u8], payload: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.tag(minicbor::data::Tag::new(18)).unwrap().array(4).unwrap().bytes(protected).unwrap();
    encoder.writer_mut().extend_from_slice(unprotected);
    encoder.bytes(payload).unwrap().bytes(signature).unwrap();
    encoder.into_writer()
}

pub fn text(message: &[u8]) -> String {
    packed(&miniz_oxide::deflate::compress_to_vec_zlib(message, 9))
}

/// The text of bytes as they are.
pub fn packed(bytes: &[u8]) -> String {
    hufu_codes::text::encode(bytes).replacen("HF1:", "HC1:", 1)
}

impl Said {
    fn of(group: &'static str, fields: Fields) -> Said {
        Said {
            issuer: Some("DE"),
            issued: Value::Int(u64::from(NOW.0 - 10 * DAY_S)),
            expires: Value::Int(u64::from(NOW.0 + 100 * DAY_S)),
            group,
            fields,
            open: false,
        }
    }

    pub fn vaccination() -> Said {
        use Value::{Int, Text};
        let fields = vec![
            ("tg", Text("840539006")),
            ("vp", Text("1119349007")),
            ("mp", Text("EU/1/20/1528")),
            ("ma", Text("ORG-100030215")),
            ("dn", Int(2)),
            ("sd", Int(2)),
            ("dt", Text(VACCINATED)),
            ("co", Text("DE")),
            ("is", Text("Robert Koch-Institut")),
            ("ci", Text("URN:UVCI:01DE/IZ12345A/5CWLU12RNOB9RXSEOP6FG8#W")),
        ];
        Said::of("v", fields)
    }

    pub fn test() -> Said {
        use Value::Text;
        let fields = vec![
            ("tg", Text("840539006")),
            ("tt", Text("LP6464-4")),
            ("sc", Text(TESTED)),
            ("tr", Text("260415000")),
            ("tc", Text("Testzentrum Köln")),
            ("co", Text("DE")),
            ("ci", Text("URN:UVCI:01DE/IBMT102/18Q12HTUJ7NAXYZ#S")),
        ];
        Said::of("t", fields)
    }

    pub fn recovery() -> Said {
        use Value::Text;
        let fields = vec![
            ("tg", Text("840539006")),
            ("fr", Text("2026-08-01")),
            ("df", Text("2026-08-12")),
            ("du", Text("2027-01-28")),
            ("co", Text("DE")),
            ("ci", Text("URN:UVCI:01DE/5CWLU12RNOB9RXSEOP6FG8#R")),
        ];
        Said::of("r", fields)
    }

    /// The same with one field changed.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Said {
        let field = self.fields.iter_mut().find(|(field, _)| *field == name).unwrap();
        field.1 = value;
        self
    }

    /// The same without one field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Said {
        self.fields.retain(|(field, _)| *field != name);
        self
    }

    pub fn payload(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        let open = self.open;
        let begin = |encoder: &mut Encoder<Vec<u8>>, size| {
            let _ = if open { encoder.begin_map() } else { encoder.map(size) }.unwrap();
        };
        let end = |encoder: &mut Encoder<Vec<u8>>| {
            if open {
                encoder.end().unwrap();
            }
        };
        begin(&mut encoder, 3 + u64::from(self.issuer.is_some()));
        if let Some(issuer) = self.issuer {
            encoder.u8(1).unwrap().str(issuer).unwrap();
        }
        encoder.u8(4).unwrap();
        self.expires.write(&mut encoder);
        encoder.u8(6).unwrap();
        self.issued.write(&mut encoder);
        encoder.i64(-260).unwrap();
        begin(&mut encoder, 1);
        encoder.u8(1).unwrap();
        begin(&mut encoder, 4);
        encoder.str("ver").unwrap().str("1.3.0").unwrap().str("dob").unwrap().str("1964-08-12").unwrap();
        encoder.str("nam").unwrap();
        begin(&mut encoder, 4);
        for (key, name) in [("fn", "Mustermann"), ("gn", "Erika"), ("fnt", "MUSTERMANN"), ("gnt", "ERIKA")] {
            encoder.str(key).unwrap().str(name).unwrap();
        }
        end(&mut encoder);
        encoder.str(self.group).unwrap();
        let _ = if open { encoder.begin_array() } else { encoder.array(1) }.unwrap();
        begin(&mut encoder, self.fields.len() as u64);
        for (name, value) in &self.fields {
            encoder.str(name).unwrap();
            value.write(&mut encoder);
        }
        // The entry, its array, the certificate, the claim, the claims.
        (0..5).for_each(|_| end(&mut encoder));
        encoder.into_writer()
    }
}

impl Value {
    fn write(self, encoder: &mut Encoder<Vec<u8>>) {
        let _ = match self {
            Value::Text(text) => encoder.str(text),
            Value::Int(number) => encoder.u64(number),
            Value::Float(number) => encoder.f64(number),
        }
        .unwrap();
    }
}

pub fn operator() -> OperatorSigner {
    OperatorSigner::from_seed(&[2; 32])
}

pub fn operator_key() -> PreparedKey {
    PreparedKey::new(operator().public()).unwrap()
}

pub fn dated(serial: u64) -> Dated {
    Dated { serial, made_at: NOW }
}

/// A signed list of these signers.
pub fn signers(serial: u64, signers: &[&Signer]) -> Vec<u8> {
    let listed: Vec<_> = signers.iter().map(|signer| signer.listed.clone()).collect();
    Signers::sign(dated(serial), &listed, &operator())
}

pub fn opened(signers: &[&Signer]) -> Signers {
    Signers::open(&self::signers(1, signers), &operator_key()).unwrap()
}

pub fn revoked(groups: Vec<Group>) -> Revoked {
    Revoked::open(&Revoked::sign(dated(1), groups, &operator()), &operator_key()).unwrap()
}
