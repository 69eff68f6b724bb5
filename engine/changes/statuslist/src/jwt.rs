//! The JWT form (draft sections 4.2 and 5.1): compact JWS, header and claims as JSON.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hufu_wire::UnixSeconds;
use serde::{Deserialize, Serialize};

use crate::fault::{Fault, shown};
use crate::json::{self, there};
use crate::list::Bits;
use crate::signer::Signer;
use crate::token::{Algorithm, Claims, Deflated, Envelope};

/// RFC 7515 section 4.1.9 lets `application/` out.
const TYP: &str = "statuslist+jwt";

/// Certificates of one chain, for both formats.
pub(crate) const CHAIN_MAX: usize = 4;

/// Bytes of a header: a chain fits.
const HEADER_BYTES_MAX: usize = 32 << 10;

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    #[serde(default, deserialize_with = "there")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "there")]
    x5c: Option<Vec<String>>,
    crit: Option<serde::de::IgnoredAny>,
}

#[derive(Serialize)]
struct OwnHeader<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    x5c: Vec<String>,
}

#[derive(Deserialize, Serialize)]
struct Content {
    #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    exp: Option<u32>,
    iat: u32,
    #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    nbf: Option<u32>,
    status_list: List,
    sub: String,
    #[serde(default, deserialize_with = "there", skip_serializing_if = "Option::is_none")]
    ttl: Option<u32>,
}

#[derive(Deserialize, Serialize)]
struct List {
    bits: u64,
    lst: String,
}

pub(crate) fn open(token: &[u8]) -> Result<Envelope, Fault> {
    let text =
        std::str::from_utf8(token).map_err(|_| Fault::NotAToken("its bytes are no text and no CWT"))?;
    let mut parts = text.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Fault::NotAToken("it has not three parts"));
    };
    if header.len() > HEADER_BYTES_MAX {
        return Err(Fault::TooLong { max: HEADER_BYTES_MAX });
    }
    let decode =
        |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::NotAToken("a part is no base64url"));
    let head: Header = json::parse(&decode(header)?)?;
    let algorithm = match &*head.alg {
        "ES256" => Algorithm::Es256,
        "EdDSA" | "Ed25519" => Algorithm::EdDsa,
        none if none.eq_ignore_ascii_case("none") => return Err(Fault::Unsigned),
        other => return Err(Fault::Algorithm(shown(other))),
    };
    if head.typ.as_deref() != Some(TYP) {
        return Err(Fault::Type("the typ statuslist+jwt"));
    }
    if head.crit.is_some() {
        return Err(Fault::Content("crit asks for more than a status list has".to_owned()));
    }
    let chain = head.x5c.unwrap_or_default();
    if chain.len() > CHAIN_MAX {
        return Err(Fault::Content(format!("x5c has more than {CHAIN_MAX} certificates")));
    }
    let certificate = |text: &String| STANDARD.decode(text).map_err(|_| Fault::NotAToken("x5c is no base64"));
    Ok(Envelope {
        algorithm,
        key_id: head.kid,
        chain: chain.iter().map(certificate).collect::<Result<_, _>>()?,
        message: text.as_bytes()[..header.len() + 1 + payload.len()].to_vec(),
        signature: decode(signature)?,
        payload: decode(payload)?,
    })
}

pub(crate) fn claims(payload: &[u8]) -> Result<Deflated, Fault> {
    let content: Content = json::parse(payload)?;
    let zlib = URL_SAFE_NO_PAD.decode(&content.status_list.lst);
    Ok(Deflated {
        claims: Claims {
            uri: content.sub,
            issued: UnixSeconds(content.iat),
            expires: content.exp.map(UnixSeconds),
            ttl_s: content.ttl,
        },
        not_before: content.nbf,
        bits: Bits::of(content.status_list.bits)?,
        zlib: zlib.map_err(|_| Fault::Content("lst is no base64url without padding".to_owned()))?,
    })
}

pub(crate) fn write(claims: &Claims, bits: Bits, zlib: &[u8], signer: &Signer) -> Result<Vec<u8>, Fault> {
    let x5c = signer.chain().iter().map(|certificate| STANDARD.encode(certificate)).collect();
    let header = OwnHeader { alg: Algorithm::Es256.name(), kid: signer.key_id(), typ: TYP, x5c };
    let content = Content {
        exp: claims.expires.map(|expires| expires.0),
        iat: claims.issued.0,
        nbf: None,
        status_list: List { bits: bits as u64, lst: URL_SAFE_NO_PAD.encode(zlib) },
        sub: claims.uri.clone(),
        ttl: claims.ttl_s,
    };
    // Texts and numbers: nothing about them cannot be JSON.
    let [header, content] = [serde_json::to_vec(&header), serde_json::to_vec(&content)]
        .map(|json| URL_SAFE_NO_PAD.encode(json.unwrap_or_default()));
    let mut token = format!("{header}.{content}");
    let signature = signer.sign(token.as_bytes())?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    Ok(token.into_bytes())
}
