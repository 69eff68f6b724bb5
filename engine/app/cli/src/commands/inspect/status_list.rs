//! Token Status Lists, and the text that refers to an entry of one (R64).

use hufu_files::moment;
use hufu_statuslist::{DRAFT, Format, Token, look};
use hufu_wire::{Reason, Reference};

use super::explained::Explained;

/// A token. Its signature is not verified: `hufu status-list check --key` does so.
pub(super) fn token(bytes: &[u8]) -> Explained {
    let Token { format, algorithm, key_id, claims, list } = match look(bytes) {
        Ok(token) => token,
        Err(fault) => return Explained::unreadable("status list token", fault.to_string()),
    };
    let form = match format {
        Format::Jwt => "JWT",
        Format::Cwt => "CWT",
    };
    let mut explained = Explained::new(format!("status list token, {form}"));
    explained.field("binary", format!("{} bytes", bytes.len()), DRAFT);
    explained.field("algorithm", algorithm, "how it claims to be signed; not verified here");
    if let Some(key_id) = key_id {
        explained.field("key id", key_id, "whose signature it claims to carry");
    }
    explained.field("sub", &claims.uri, "where the list is; credentials name the same URI");
    explained.field("iat", moment::show(claims.issued), "of when the statuses are");
    if let Some(expires) = claims.expires {
        explained.field("exp", moment::show(expires), "from when it must not be relied on");
    }
    if let Some(ttl_s) = claims.ttl_s {
        explained.field("ttl", format!("{ttl_s} s"), "after how long it should be fetched again");
    }
    explained.field("bits", list.bits() as u8, "of each entry");
    explained.field("entries", list.entries(), "with those that fill the last byte");
    let mut counts = [0_u64; 256];
    (0..list.entries()).filter_map(|index| list.get(index)).for_each(|value| counts[usize::from(value)] += 1);
    let names = ["VALID", "INVALID", "SUSPENDED"];
    for (value, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let name = names.get(value).map_or_else(|| format!("value {value}"), |name| (*name).to_owned());
        explained.field("count", count, name);
    }
    explained.sound("read whole; `hufu status-list check --key` verifies its signature")
}

/// `SL1:ISSUER.INDEX`.
pub(super) fn reference(text: &[u8]) -> Explained {
    let mut explained = Explained::new("reference to an entry of a status list");
    let Some(Reference { issuer, index }) = Reference::read(text) else {
        return explained.refused(Reason::BadText);
    };
    explained.field("issuer", issuer, "whose list, by its [[status_list]] table in engine.toml");
    explained.field("index", index, "which entry, counted over all lists of the issuer");
    explained.sound(
        "a device says that it has verified the credential, at a site that accepts \"reference\"; scanned it is bad-text",
    )
}
