//! Certificates for abroad: a holder's doses or tests in the format of the EU Digital COVID Certificate, schema 1.3.0.
//!
//! What goes in is a [`Claim`] of a clerk, [checked](Claim::check) before anything is signed. What comes out is the text of a QR
//! code: CBOR claims (CWT), signed (COSE, ES256), compressed (zlib), in base45 behind `HC1:` (hcert-spec, sections 3 to 5).

mod check;
mod date;
mod uvci;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use hufu_codes::cbor::Writer;
use hufu_codes::text;
use hufu_wire::UnixSeconds;
use miniz_oxide::deflate::compress_to_vec_zlib;

use crate::dsc;
use crate::signers::{Kinds, ListedSigner};

pub use check::{Checked, Claim, Kind, Method, Recovery, Test, Unfit, VALIDITY_S_MAX, Vaccination};
pub use uvci::Uvci;

/// What the text of a certificate begins with.
const PREFIX: &str = "HC1:";
/// The version of the schema that is written.
const SCHEMA: &str = "1.3.0";
/// The disease, COVID-19, in SNOMED CT: the only one of the schema.
const DISEASE: &str = "840539006";
/// "Not detected" in SNOMED CT: a certificate of a positive test is one of recovery.
const NOT_DETECTED: &str = "260415000";
/// zlib's best level: what is signed is small, and each byte makes the symbol denser.
const LEVEL: u8 = 9;

/// An authority's document signer: a P-256 key and the certificate that verifiers abroad know it by.
pub struct Signer {
    key: EcdsaKeyPair,
    listed: ListedSigner,
}

impl Signer {
    /// The signer of a private key (PKCS #8, DER) and its certificate (X.509, DER).
    ///
    /// # Errors
    /// [`Unfit`]: the key is not on P-256, the certificate is another key's, names no country, or is not valid at `now`.
    pub fn new(pkcs8: &[u8], certificate: &[u8], now: UnixSeconds) -> Result<Signer, Unfit> {
        let unfit = |what: &str| Unfit::new("signer", what);
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
            .map_err(|_| unfit("the key is not on P-256; `hufu abroad signer` makes one"))?;
        // As verifiers read it.
        let listed = dsc::read(certificate, None, None)
            .map_err(|fault| Unfit::new("signer", format!("the certificate: {fault}")))?;
        if listed.public != key.public_key().as_ref() {
            return Err(unfit(
                "the certificate is another key's; put the one beside the key that was issued for it",
            ));
        }
        if !(listed.from..listed.until).contains(&now) {
            return Err(unfit(
                "the certificate is not valid today; make a new signer and hand its certificate out",
            ));
        }
        Ok(Signer { key, listed })
    }

    /// The country that issues, two letters (ISO 3166-1).
    pub fn country(&self) -> &str {
        self.listed.country.as_str()
    }

    /// When the certificate ends, and with it every code that it signs.
    pub fn ends(&self) -> UnixSeconds {
        self.listed.until
    }

    /// The text of the QR code.
    ///
    /// # Errors
    /// [`Unfit`] for times that verifiers would refuse, or when the operating system gives no random bytes.
    pub fn sign(
        &self,
        claim: &Checked<'_>,
        (issued, expires): (UnixSeconds, UnixSeconds),
        uvci: &Uvci,
    ) -> Result<String, Unfit> {
        if expires <= issued || expires.0 - issued.0 > VALIDITY_S_MAX {
            return Err(Unfit::new(
                "valid",
                format!("at least a second and at most {} days", VALIDITY_S_MAX / 86_400),
            ));
        }
        if expires > self.ends() {
            return Err(Unfit::new(
                "valid",
                "the code would outlive the signer's certificate; give a shorter --valid",
            ));
        }
        let kind = match claim.kind() {
            Kind::Vaccination(_) => Kinds::VACCINATION,
            Kind::Test(_) => Kinds::TEST,
            Kind::Recovery(_) => Kinds::RECOVERY,
        };
        if !self.listed.kinds.contain(kind) {
            return Err(Unfit::new(
                "signer",
                "its certificate is for another kind (extended key usage): take the signer of this kind",
            ));
        }
        let mut protected = Writer::new();
        protected.map(2).int(1).int(-7).int(4).bytes(&self.listed.key_id);
        let protected = protected.into_bytes();
        let payload = payload(claim, self.country(), (issued, expires), uvci);
        let mut signed = Writer::new();
        signed.array(4).text("Signature1").bytes(&protected).bytes(&[]).bytes(&payload);
        let signature = self
            .key
            .sign(&SystemRandom::new(), &signed.into_bytes())
            .map_err(|_| Unfit::new("signer", "the operating system gives no random bytes"))?;
        let mut message = Writer::new();
        // Tag 18: COSE_Sign1 (RFC 9052, section 2).
        message.raw(&[0xd2]).array(4).bytes(&protected).map(0).bytes(&payload).bytes(signature.as_ref());
        let packed = compress_to_vec_zlib(&message.into_bytes(), LEVEL);
        Ok(text::encode(&packed).replacen(text::PREFIX, PREFIX, 1))
    }
}

/// The claims that are signed (hcert-spec, section 3.3): issuer, end, beginning, and the certificate itself.
fn payload(
    claim: &Checked<'_>,
    country: &str,
    (issued, expires): (UnixSeconds, UnixSeconds),
    uvci: &Uvci,
) -> Vec<u8> {
    let mut claims = Writer::new();
    claims.map(4).int(1).text(country).int(4).uint(expires.0).int(6).uint(issued.0).int(-260).map(1).int(1);
    let said = claim.claim();
    claims.map(4).text("ver").text(SCHEMA).text("nam");
    let given = usize::from(!said.given.is_empty());
    claims.map(2 + 2 * given).text("fn").text(&said.surname).text("fnt").text(claim.surname_icao());
    if given == 1 {
        claims.text("gn").text(&said.given).text("gnt").text(claim.given_icao());
    }
    claims.text("dob").text(&said.born);
    let texts = |claims: &mut Writer, entry: &[(&str, &str)]| {
        for (key, value) in entry {
            claims.text(key).text(value);
        }
    };
    match claim.kind() {
        Kind::Vaccination(v) => {
            claims.text("v").array(1).map(10);
            texts(&mut claims, &[("tg", DISEASE), ("vp", &v.vaccine), ("mp", &v.product), ("ma", &v.maker)]);
            claims.text("dn").uint(v.dose).text("sd").uint(v.series);
            texts(&mut claims, &[("dt", &v.date), ("co", &v.country), ("is", &v.issued_by)]);
        }
        Kind::Test(t) => {
            claims.text("t").array(1).map(9);
            let (key, name) = match t.method {
                Method::Naat => ("nm", &t.name),
                Method::Antigen => ("ma", &t.name),
            };
            texts(&mut claims, &[("tg", DISEASE), ("tt", t.method.code()), (key, name), ("sc", &t.taken)]);
            texts(
                &mut claims,
                &[("tr", NOT_DETECTED), ("tc", &t.centre), ("co", &t.country), ("is", &t.issued_by)],
            );
        }
        Kind::Recovery(r) => {
            claims.text("r").array(1).map(7);
            texts(&mut claims, &[("tg", DISEASE), ("fr", &r.first_positive), ("co", &r.country)]);
            texts(&mut claims, &[("is", &r.issued_by), ("df", &r.from), ("du", &r.until)]);
        }
    }
    claims.text("ci").text(uvci.as_str());
    claims.into_bytes()
}

#[cfg(test)]
mod tests;
