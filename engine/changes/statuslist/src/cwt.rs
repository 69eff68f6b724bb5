//! The CWT form (draft sections 4.3 and 5.2): a tagged `COSE_Sign1` over a map of claims.

use std::collections::BTreeSet;

use hufu_codes::cbor::Writer;
use hufu_wire::UnixSeconds;
use minicbor::Decoder;
use minicbor::data::Type;

use crate::fault::{Fault, shown};
use crate::jwt::CHAIN_MAX;
use crate::list::Bits;
use crate::signer::Signer;
use crate::token::{Algorithm, Claims, Deflated, Envelope};

/// The tag of `COSE_Sign1` (RFC 9052 section 2), which the draft demands, and no tag of a CWT around it.
pub(crate) const SIGN1_TAG: u8 = 0xd2;

const TYPE: &str = "application/statuslist+cwt";

/// Header labels: RFC 9052 section 3.1, RFC 9596, RFC 9360.
const ALG: i64 = 1;
const CRIT: i64 = 2;
const KID: i64 = 4;
const TYP: i64 = 16;
const X5CHAIN: i64 = 33;

/// Claim keys: RFC 8392 section 3.1, and draft section 14.3.
const SUB: i64 = 2;
const EXP: i64 = 4;
const NBF: i64 = 5;
const IAT: i64 = 6;
const STATUS_LIST: i64 = 65_533;
const TTL: i64 = 65_534;

/// Arrays and maps inside each other that are passed over.
const DEPTH_MAX: u32 = 8;

#[derive(Default)]
struct Headers {
    algorithm: Option<Algorithm>,
    typ: bool,
    key_id: Option<String>,
    chain: Vec<Vec<u8>>,
}

pub(crate) fn open(token: &[u8]) -> Result<Envelope, Fault> {
    let not = |_| Fault::NotAToken("its CBOR is cut or damaged");
    let mut reader = Decoder::new(&token[1..]);
    if reader.array().map_err(not)? != Some(4) {
        return Err(Fault::NotAToken("a COSE_Sign1 has four parts"));
    }
    let protected = reader.bytes().map_err(not)?;
    let mut headers = Headers::default();
    headers.read(&mut Decoder::new(protected), protected.len(), true)?;
    headers.read(&mut reader, token.len(), false)?;
    let payload = reader.bytes().map_err(not)?;
    let signature = reader.bytes().map_err(not)?.to_vec();
    if reader.position() + 1 != token.len() {
        return Err(Fault::NotAToken("more bytes follow it"));
    }
    let Headers { algorithm, typ, key_id, chain } = headers;
    if !typ {
        return Err(Fault::Type("the header 16 application/statuslist+cwt"));
    }
    Ok(Envelope {
        algorithm: algorithm.ok_or(Fault::Unsigned)?,
        key_id,
        chain,
        message: message(protected, payload),
        signature,
        payload: payload.to_vec(),
    })
}

/// `Sig_structure` (RFC 9052 section 4.4).
fn message(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut message = Writer::new();
    message.array(4).text("Signature1").bytes(protected).bytes(&[]).bytes(payload);
    message.into_bytes()
}

impl Headers {
    /// One of the two maps; `ends` is where the protected one must end.
    fn read(&mut self, reader: &mut Decoder<'_>, ends: usize, protected: bool) -> Result<(), Fault> {
        each(reader, |key, reader| {
            let fault = |_| Fault::Content(format!("header {key:?} has a value of another kind"));
            match key {
                Key::Number(ALG) if protected => self.algorithm = Some(algorithm(reader)?),
                Key::Number(TYP) if protected => {
                    self.typ = reader.str().is_ok_and(|typ| typ == TYPE);
                    if !self.typ {
                        return Err(Fault::Type("the header 16 application/statuslist+cwt"));
                    }
                }
                Key::Number(CRIT) => {
                    return Err(Fault::Content("crit asks for more than a status list has".to_owned()));
                }
                // What is not signed chooses no algorithm and no type.
                Key::Number(ALG | TYP) => {
                    return Err(Fault::Content("alg or type is not in the protected header".to_owned()));
                }
                Key::Number(KID) => {
                    let kid = String::from_utf8_lossy(reader.bytes().map_err(fault)?).into_owned();
                    if self.key_id.replace(kid).is_some() {
                        return Err(Fault::Duplicate("the key id".to_owned()));
                    }
                }
                Key::Number(X5CHAIN) => {
                    if !self.chain.is_empty() {
                        return Err(Fault::Duplicate("the certificate chain".to_owned()));
                    }
                    self.chain = chain(reader)?;
                }
                _ => skip(reader, DEPTH_MAX)?,
            }
            Ok(())
        })?;
        if protected && reader.position() != ends {
            return Err(Fault::NotAToken("more bytes follow its protected header"));
        }
        Ok(())
    }
}

fn algorithm(reader: &mut Decoder<'_>) -> Result<Algorithm, Fault> {
    match reader.i64() {
        Ok(-7) => Ok(Algorithm::Es256),
        Ok(-8 | -19) => Ok(Algorithm::EdDsa),
        Ok(other) => Err(Fault::Algorithm(format!("COSE algorithm {other}"))),
        Err(_) => Err(Fault::Algorithm("an algorithm that is no number".to_owned())),
    }
}

/// One certificate, or an array of them (RFC 9360 section 2).
fn chain(reader: &mut Decoder<'_>) -> Result<Vec<Vec<u8>>, Fault> {
    let fault = |_| Fault::Content("x5chain is no certificate and no array of them".to_owned());
    if matches!(reader.datatype(), Ok(Type::Bytes)) {
        return Ok(vec![reader.bytes().map_err(fault)?.to_vec()]);
    }
    let count = reader.array().map_err(fault)?.unwrap_or(u64::MAX);
    if count == 0 || count > CHAIN_MAX as u64 {
        return Err(Fault::Content(format!("x5chain has not 1 to {CHAIN_MAX} certificates")));
    }
    (0..count).map(|_| Ok(reader.bytes().map_err(fault)?.to_vec())).collect()
}

pub(crate) fn claims(payload: &[u8]) -> Result<Deflated, Fault> {
    let mut reader = Decoder::new(payload);
    let (mut uri, mut issued, mut expires, mut ttl_s, mut not_before, mut list) =
        (None, None, None, None, None, None);
    each(&mut reader, |key, reader| {
        let fault = |_| Fault::Content(format!("claim {key:?} has a value of another kind"));
        match key {
            Key::Number(SUB) => uri = Some(reader.str().map_err(fault)?.to_owned()),
            // Whole numbers alone: a float date has no one reading.
            Key::Number(IAT) => issued = Some(reader.u32().map_err(fault)?),
            Key::Number(EXP) => expires = Some(reader.u32().map_err(fault)?),
            Key::Number(NBF) => not_before = Some(reader.u32().map_err(fault)?),
            Key::Number(TTL) => ttl_s = Some(reader.u32().map_err(fault)?),
            Key::Number(STATUS_LIST) => list = Some(status_list(reader)?),
            _ => skip(reader, DEPTH_MAX)?,
        }
        Ok(())
    })?;
    if reader.position() != payload.len() {
        return Err(Fault::NotAToken("more bytes follow its claims"));
    }
    let missing = |what: &str| Fault::Content(format!("{what} is missing"));
    let (bits, zlib) = list.ok_or_else(|| missing("claim 65533, the list,"))?;
    Ok(Deflated {
        claims: Claims {
            uri: uri.ok_or_else(|| missing("claim 2, the URI,"))?,
            issued: UnixSeconds(issued.ok_or_else(|| missing("claim 6, issued at,"))?),
            expires: expires.map(UnixSeconds),
            ttl_s,
        },
        not_before,
        bits,
        zlib,
    })
}

fn status_list(reader: &mut Decoder<'_>) -> Result<(Bits, Vec<u8>), Fault> {
    let (mut bits, mut zlib) = (None, None);
    each(reader, |key, reader| {
        let fault = |_| Fault::Content(format!("{key:?} of the list has a value of another kind"));
        match key {
            Key::Text("bits") => bits = Some(Bits::of(reader.u64().map_err(fault)?)?),
            Key::Text("lst") => zlib = Some(reader.bytes().map_err(fault)?.to_vec()),
            _ => skip(reader, DEPTH_MAX)?,
        }
        Ok(())
    })?;
    bits.zip(zlib).ok_or_else(|| Fault::Content("the list has not both bits and lst".to_owned()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Number(i64),
    Text(&'a str),
}

/// The members of a map of known length, each key once.
fn each<'a>(
    reader: &mut Decoder<'a>,
    mut member: impl FnMut(Key<'a>, &mut Decoder<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let no_map = |_| Fault::NotAToken("a map of known length is expected in its CBOR");
    let Some(count) = reader.map().map_err(no_map)? else {
        return Err(Fault::NotAToken("a map of known length is expected in its CBOR"));
    };
    let mut keys = BTreeSet::new();
    for _ in 0..count {
        let key = match reader.datatype() {
            Ok(Type::String) => reader.str().map(Key::Text),
            _ => reader.i64().map(Key::Number),
        };
        let key = key.map_err(|_| Fault::NotAToken("a key of its CBOR is no number and no text"))?;
        if !keys.insert(key) {
            return Err(Fault::Duplicate(match key {
                Key::Number(_) => format!("{key:?}"),
                Key::Text(name) => format!("{:?}", Key::Text(&shown(name))),
            }));
        }
        member(key, reader)?;
    }
    Ok(())
}

/// Passes over one value of known length.
fn skip(reader: &mut Decoder<'_>, depth: u32) -> Result<(), Fault> {
    let damaged = |_| Fault::NotAToken("its CBOR is cut or damaged");
    let inner = depth.checked_sub(1).ok_or(Fault::NotAToken("its CBOR is nested too deep"))?;
    let items = match reader.datatype().map_err(damaged)? {
        Type::Array => reader.array().map_err(damaged)?.unwrap_or_default(),
        Type::Map => reader.map().map_err(damaged)?.unwrap_or_default().saturating_mul(2),
        Type::Tag => reader.tag().map(|_| 1).map_err(damaged)?,
        Type::ArrayIndef | Type::MapIndef | Type::BytesIndef | Type::StringIndef => {
            return Err(Fault::NotAToken("a length in its CBOR is not said"));
        }
        _ => return reader.skip().map_err(damaged),
    };
    (0..items).try_for_each(|_| skip(reader, inner))
}

pub(crate) fn write(claims: &Claims, bits: Bits, zlib: &[u8], signer: &Signer) -> Result<Vec<u8>, Fault> {
    let mut protected = Writer::new();
    protected.map(2).int(ALG).int(Algorithm::Es256.cose()).int(TYP).text(TYPE);
    let protected = protected.into_bytes();

    let members = 3 + usize::from(claims.expires.is_some()) + usize::from(claims.ttl_s.is_some());
    let mut content = Writer::new();
    content.map(members).int(SUB).text(&claims.uri);
    if let Some(expires) = claims.expires {
        content.int(EXP).uint(expires.0);
    }
    content.int(IAT).uint(claims.issued.0);
    content.int(STATUS_LIST).map(2).text("bits").uint(bits as u8).text("lst").bytes(zlib);
    if let Some(ttl_s) = claims.ttl_s {
        content.int(TTL).uint(ttl_s);
    }
    let content = content.into_bytes();
    let signature = signer.sign(&message(&protected, &content))?;

    let chain = signer.chain();
    let mut token = Writer::new();
    token.raw(&[SIGN1_TAG]).array(4).bytes(&protected);
    token.map(1 + usize::from(!chain.is_empty())).int(KID).bytes(signer.key_id().as_bytes());
    match chain {
        [] => {}
        [one] => _ = token.int(X5CHAIN).bytes(one),
        several => {
            token.int(X5CHAIN).array(several.len());
            for certificate in several {
                token.bytes(certificate);
            }
        }
    }
    token.bytes(&content).bytes(&signature);
    Ok(token.into_bytes())
}
