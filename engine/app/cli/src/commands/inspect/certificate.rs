//! A certificate of another system: an EU Digital COVID Certificate.

use hufu_codes::credential::masked;
use hufu_files::moment::show;
use hufu_hc1::claims::Claims;
use hufu_hc1::cose::Sign1;
use hufu_hc1::signers::Algorithm;
use hufu_hc1::{lists, text};
use hufu_policy::foreign::{Proof, TestKind};
use hufu_wire::{Reason, scan};

use super::Judge;
use super::explained::Explained;
use crate::commands::foreign;

/// Explains the text of a certificate. The person's name is masked, as in codes of ours.
pub(super) fn explain(given: &[u8], judge: &Judge) -> Explained {
    let mut explained = Explained::new(scan::foreign_name(given).unwrap_or("certificate"));
    let mut room = [0; text::BYTES_MAX];
    let Ok(bytes) = text::open(given, &mut room) else { return explained.refused(Reason::ForeignUnreadable) };
    explained.field("text", format!("{} characters", given.len()), "a request holds 1068");
    explained.field("binary", format!("{} bytes", bytes.len()), "inflated; COSE_Sign1, RFC 9052");
    let Ok(message) = Sign1::read(bytes) else { return explained.refused(Reason::ForeignUnreadable) };
    let name = Algorithm::of_cose(message.algorithm).map_or("unknown here", foreign::algorithm);
    explained.field("algorithm", message.algorithm, name);
    if let Some(key_id) = message.key_id {
        explained.field("key", hex::encode(key_id), "which key signed it, by its own account");
    }
    let Ok(claims) = Claims::read(message.payload) else {
        return explained.refused(Reason::ForeignUnreadable);
    };
    describe(&mut explained, &claims);
    let Some(verifier) = &judge.foreign else {
        return explained.sound("Well formed; --signers FILE and --operator FILE verify its signature.");
    };
    let verified = match verifier.verify_bytes(bytes) {
        Ok(verified) => verified,
        Err(reason) => return explained.refused(reason),
    };
    let signer = verified.signer;
    let says = format!("of {}, until {}", signer.country.as_str(), show(signer.until));
    explained.field("signer", lists::hex(&signer.key_id), says);
    if verifier.is_revoked(&verified) {
        return explained.refused(Reason::ForeignRevoked);
    }
    let judged = verified.valid_at(judge.now);
    explained.judged(judged.map(|()| "Genuine and valid; the site's policy decides the rest."))
}

fn describe(explained: &mut Explained, claims: &Claims<'_>) {
    let issuer = claims.issuer.unwrap_or("not said");
    explained.field("issuer", issuer, "the country that issued it");
    explained.field("issued", show(claims.issued), "");
    explained.field("expires", show(claims.expires), "the first second after its validity");
    explained.field("holder", masked(&format!("{}{}", claims.surname, claims.forename), ""), "masked name");
    explained.field("identifier", claims.id, "what pass-back and revocations tell it by");
    let kind = foreign::kinds(claims.kind()).concat();
    explained.field("proves", &kind, "one of vaccination, test, recovery");
    explained.field("in", claims.country, "where that was, or the first positive test");
    match claims.proof {
        Proof::Vaccination { dose, of, on, .. } => {
            explained.field("vaccine", claims.product, "as sites name it in foreign_products");
            explained.field("doses", format!("{dose} of {of}"), "");
            explained.field("on", show(on), "the day of the dose");
        }
        Proof::Test { kind, negative, taken } => {
            let kind = match kind {
                TestKind::Naat => "nucleic acid (PCR)",
                TestKind::Rapid => "rapid antigen",
                TestKind::Other => "another type",
            };
            explained.field("test", kind, if negative { "negative" } else { "positive" });
            explained.field("taken", show(taken), "");
        }
        Proof::Recovery { positive, from, until } => {
            explained.field("positive", show(positive), "the day of the first positive test");
            explained.field("from", show(from), "");
            explained.field("until", show(until), "the first second after it");
        }
    }
}
