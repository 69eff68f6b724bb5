//! What is signed: codes, credentials, rosters and trust lists.

use hufu_codes::cbor::Reader;
use hufu_codes::code::{self, Code};
use hufu_codes::keyring::TrustList;
use hufu_codes::presentation::{Presentation, clock_offset, present};
use hufu_codes::{Claims, Credential, Detail, Signed, SignedCredential, Verified, roster};
use hufu_files::moment::{show, show_span};
use hufu_files::trust_list;
use hufu_signature::Scheme;
use hufu_wire::{Reason, UnixSeconds};

use super::Judge;
use super::explained::Explained;
use crate::verdict::kind_slug;

/// A code in binary form, that came as a text of `text_bytes`.
pub(super) fn code(bytes: &[u8], text_bytes: Option<usize>, judge: &Judge) -> Explained {
    let code = match code::read(bytes) {
        Ok(code) => code,
        // As text it said that it was a code; as bare bytes it may be anything.
        Err(_) if text_bytes.is_some() => return Explained::new("code").refused(Reason::BadEncoding),
        Err(fault) => return Explained::unreadable("code", fault.to_string()),
    };
    let mut explained = Explained::new(format!("{} code", kind_slug(code.credential.claims().kind())));
    if let Some(text_bytes) = text_bytes {
        explained.field("text", format!("{text_bytes} characters"), "HF1: and base45, at most 511");
    }
    explained.field("binary", format!("{} bytes", bytes.len()), "CBOR: the credential, and a presentation");
    credential_fields(&mut explained, &code.credential);
    if let Some(presentation) = &code.presentation {
        presentation_fields(&mut explained, presentation, code.credential.claims(), judge.now);
    }
    let judgement = judge_code(&code, judge);
    explained.judged(judgement)
}

/// A signed credential without a presentation.
pub(super) fn credential(bytes: &[u8], judge: &Judge) -> Explained {
    let signed = match whole::<Credential<'_>>(bytes) {
        Ok(signed) => signed,
        Err(why) => return Explained::unreadable("credential", why),
    };
    let mut explained = Explained::new(format!("{} credential", kind_slug(signed.claims().kind())));
    explained.field("binary", format!("{} bytes", bytes.len()), "COSE_Sign1, RFC 9052");
    credential_fields(&mut explained, &signed);
    explained.judged(judge_credential(&signed, judge).map(|_| note(judge)))
}

/// A signed roster.
pub(super) fn roster(bytes: &[u8], judge: &Judge) -> Explained {
    let signed = match whole::<roster::Roster<'_>>(bytes) {
        Ok(signed) => signed,
        Err(why) => return Explained::unreadable("roster", why),
    };
    let claims = *signed.claims();
    let mut explained = Explained::new("roster");
    explained
        .field("binary", format!("{} bytes", bytes.len()), "COSE_Sign1, RFC 9052")
        .field("key", claims.key(), "who signed it")
        .field("site", claims.site(), "the only site that may ask about it")
        .field("issued", show(claims.issued()), "from when it is valid")
        .field("expires", show(claims.expires()), "from when it is refused")
        .field("members", claims.len(), "verdicts answer in their order");
    for (issuer, members) in claims.groups() {
        explained.field("of issuer", issuer, format!("{} members", members.len()));
    }
    let judgement = verify(signed, judge).and_then(|_| claims.valid_at(judge.now)).and_then(|()| {
        if claims.len() > hufu_wire::limits::ROSTER_MEMBERS_MAX {
            Err(Reason::RosterTooLarge)
        } else {
            Ok(())
        }
    });
    explained.judged(judgement.map(|()| note(judge)))
}

/// What the payload of a trust list begins with: a map of one claim, -65540 (CODES, "Trust list").
const TRUST_LIST: &[u8] = b"\xa1\x3a\x00\x01\x00\x03";

/// A trust list; without the operator's key it cannot even be opened.
pub(super) fn trust_list(bytes: &[u8], judge: &Judge) -> Explained {
    let Some(operator) = &judge.operator else {
        return match hufu_codes::cose::Sign1::read(&mut Reader::new(bytes)) {
            Ok(envelope)
                if envelope.bytes.len() == bytes.len() && envelope.payload.starts_with(TRUST_LIST) =>
            {
                let mut explained = Explained::new("signed message");
                explained.field("key", envelope.key, "who signed it");
                explained.sound("This may be a trust list: --operator FILE verifies it.")
            }
            _ => Explained::unreadable("trust list", "not a COSE_Sign1"),
        };
    };
    let list = match TrustList::open(bytes, operator) {
        Ok(list) => list,
        Err(fault) => return Explained::unreadable("trust list", fault.to_string()),
    };
    let mut explained = Explained::new("trust list");
    explained
        .field("version", list.version(), "engines never go back to a lower one")
        .field("made at", show(list.made_at()), "")
        .field(
            "next by",
            list.next_by().map_or_else(|| "not said".to_owned(), show),
            "by when engines must have heard of a newer one",
        )
        .field("digest", hex::encode(list.digest().0), "which list of this version it is")
        .field("keys", list.keys().len(), "at most 256");
    for digest in list.settles() {
        explained.field(
            "settles",
            hex::encode(digest.0),
            "taken after this list, whatever the two contradict in",
        );
    }
    for (kid, key) in list.keys() {
        let state = trust_list::state(key, judge.now);
        let (until, scheme) = (show(key.until), key.public.scheme());
        let says = format!("issuer {}, {}, {state}, until {until}, {scheme}", key.issuer, key.uses);
        explained.field("key", kid, says);
    }
    explained.sound("Signed by this operator.")
}

fn whole<'a, T: Claims<'a>>(bytes: &'a [u8]) -> Result<Signed<'a, T>, String> {
    let mut reader = Reader::new(bytes);
    let signed = Signed::read(&mut reader).map_err(|fault| fault.to_string())?;
    reader.end().map_err(|fault| fault.to_string())?;
    Ok(signed)
}

fn credential_fields(explained: &mut Explained, signed: &SignedCredential<'_>) {
    let claims = signed.claims();
    let validity = show_span(claims.expires.0.saturating_sub(claims.issued.0));
    explained
        .field("key", claims.key, "who signed it; the trust list says which issuer that is")
        .field("issued", show(claims.issued), "from when it is valid")
        .field("expires", show(claims.expires), format!("valid for {validity}"))
        .field("holder", claims.holder, "index in the issuer's status list, nothing personal")
        .field("generation", claims.generation, "dead unless the status names the same")
        .field("display", format!("{:?}", claims.display), "what a gate may show of the person");
    match claims.detail {
        Detail::Phone { root, origin } => {
            explained.field("step root", hex::encode(root), "what presentations lead to");
            explained.field(
                "step origin",
                origin.0,
                format!("index 0 is shown at {}", show(origin.starts())),
            );
        }
        Detail::Paper | Detail::Family => {}
        Detail::Trip { hub, from, until } => {
            explained.field("hub", hub, "the only hub where it is good");
            explained.field("from", show(from), "first second of the window");
            explained.field("until", show(until), "last second of the window");
        }
    }
    let envelope = signed.envelope();
    let scheme = match envelope.scheme {
        Scheme::Ed25519 => "Ed25519, RFC 8032",
        Scheme::Sm2 => "SM2 with SM3, GB/T 32918.2",
    };
    explained.field("signature", hex::encode(&envelope.signature[..8]) + "…", scheme);
}

fn presentation_fields(
    explained: &mut Explained,
    presentation: &Presentation<'_>,
    claims: &Credential<'_>,
    now: UnixSeconds,
) {
    let Detail::Phone { origin, .. } = claims.detail else { return };
    let step = presentation.step.after(origin);
    let ahead = match clock_offset(step, now).0 {
        0 => "the current step".to_owned(),
        offset_s @ 1.. => format!("{} ahead of the clock here", show_span(offset_s.unsigned_abs())),
        offset_s => format!("{} behind the clock here", show_span(offset_s.unsigned_abs())),
    };
    explained.field("step", presentation.step.get(), format!("shown at {}: {ahead}", show(step.starts())));
    explained.field("preimage", hex::encode(presentation.preimage), "released in that step");
}

fn judge_code(code: &Code<'_>, judge: &Judge) -> Result<&'static str, Reason> {
    let verified = judge_credential(&code.credential, judge)?;
    if let (Detail::Phone { .. }, None) = (code.credential.claims().detail, &code.presentation) {
        return Err(Reason::PresentationMissing);
    }
    if let Some(verified) = verified {
        present(&verified, code.presentation.as_ref())?;
    }
    if let (Detail::Phone { origin, .. }, Some(presentation)) =
        (code.credential.claims().detail, &code.presentation)
    {
        let ahead = hufu_codes::presentation::steps_ahead(presentation.step.after(origin), judge.now);
        // What a site accepts unless its policy says otherwise.
        if ahead.abs() > 1 {
            return Err(Reason::ClockSkew);
        }
    }
    Ok(note(judge))
}

fn judge_credential<'a>(
    signed: &SignedCredential<'a>,
    judge: &Judge,
) -> Result<Option<Verified<Credential<'a>>>, Reason> {
    let verified = verify(*signed, judge)?;
    signed.claims().validity_fits()?;
    signed.claims().valid_at(judge.now)?;
    Ok(verified)
}

/// Verifies a signature where there is a keyring to do it with.
fn verify<'a, T: Claims<'a>>(signed: Signed<'a, T>, judge: &Judge) -> Result<Option<Verified<T>>, Reason> {
    let Some(keyring) = &judge.keyring else { return Ok(None) };
    keyring.admit(signed, judge.now)?.verify(hufu_signature::backend()).map(Some)
}

fn note(judge: &Judge) -> &'static str {
    if judge.keyring.is_some() {
        "Genuine and valid. Only an engine knows whether its holder may pass."
    } else {
        "Well formed and not expired. The signature was not verified: give --trust and --operator to verify it."
    }
}
