//! What is not signed: packets and messages of fixed layout.

use hufu_files::moment::show;
use hufu_texts::Language;
use hufu_wire::{
    Age, CheckRequest, Colour, Enrolled, Malformed, MemberVerdict, Message, ReplyHeader, RequestHeader,
    RosterReply, StatusWord, Verdict, limits, read, sealed,
};

use super::Kind;
use super::explained::Explained;
use crate::status;
use crate::term::printable;
use crate::verdict::{decision_slug, kind_slug};

/// Explains a message of `kind`.
pub(super) fn explain(kind: Kind, bytes: &[u8]) -> Explained {
    match kind {
        Kind::SealedRequest => sealed_request(bytes),
        Kind::SealedReply => sealed_reply(bytes),
        Kind::CheckRequest => whole(bytes, check_request),
        Kind::Verdict => whole(bytes, verdict),
        Kind::RosterVerdicts => roster_verdicts(bytes),
        Kind::Enrolled => whole(bytes, enrolled),
        Kind::Status => status_word(bytes),
        _ => Explained::unreadable("message", "signed, or a file"),
    }
}

fn whole<'a, M: Message<'a>>(bytes: &'a [u8], explain: fn(&M) -> Explained) -> Explained {
    read(bytes).map_or_else(|fault| malformed(M::NAME, fault), |message| explain(&message))
}

pub(super) fn malformed(name: &str, fault: Malformed) -> Explained {
    Explained::unreadable(name, fault.fault)
}

fn sealed_request(bytes: &[u8]) -> Explained {
    const NAME: &str = "sealed request";
    let range = limits::SEALED_REQUEST_BYTES_MIN..=limits::SEALED_REQUEST_BYTES_MAX;
    if !range.contains(&bytes.len()) {
        return Explained::unreadable(NAME, format!("{} bytes; it has {range:?}", bytes.len()));
    }
    let (header, cipher) = bytes.split_at(sealed::REQUEST_HEADER_BYTES);
    let RequestHeader { epoch, cookie_nonce, number, .. } = match read(header) {
        Ok(header) => header,
        Err(fault) => return malformed(NAME, fault),
    };
    let epoch_from = show(hufu_wire::UnixSeconds(epoch.number().saturating_mul(limits::EPOCH_S)));
    let mut explained = Explained::new(NAME);
    explained
        .field("key epoch", epoch, format!("its cookie was made in the six hours from {epoch_from}"))
        .field("suite", epoch.suite().name(), "what cookie and packets are sealed with")
        .field("cookie nonce", hex::encode(cookie_nonce), "")
        .field("cookie", format!("{} bytes", sealed::COOKIE_BYTES), "only engines of the cluster can open it")
        .field("number", number, "of the check in its session, and the nonce")
        .field(
            "sealed part",
            format!("{} bytes", cipher.len()),
            format!("a check request of {} bytes under the request key", cipher.len() - sealed::TAG_BYTES),
        );
    explained.sound("A sealed request; only its session's keys open it.")
}

fn sealed_reply(bytes: &[u8]) -> Explained {
    const NAME: &str = "sealed reply";
    if bytes.len() != sealed::REPLY_BYTES {
        return Explained::unreadable(NAME, format!("{} bytes; it has {}", bytes.len(), sealed::REPLY_BYTES));
    }
    let (header, _) = bytes.split_at(sealed::REPLY_HEADER_BYTES);
    let ReplyHeader { number, nonce } = match read(header) {
        Ok(header) => header,
        Err(fault) => return malformed(NAME, fault),
    };
    let mut explained = Explained::new(NAME);
    explained.field("number", number, "the request it answers").field("nonce", hex::encode(nonce), "").field(
        "sealed part",
        "56 bytes",
        "a verdict under the reply key",
    );
    explained.sound("A sealed reply; only its session's keys open it.")
}

fn check_request(request: &CheckRequest<'_>) -> Explained {
    let mut explained = Explained::new("check request");
    let code = String::from_utf8_lossy(request.code);
    let from = if request.is_reference { "a reference, the device's own word" } else { "just as scanned" };
    explained.field("lane", request.lane.0, "for a device that serves several").field(
        "code",
        printable(&code),
        format!("{} bytes, {from}", request.code.len()),
    );
    explained
}

fn verdict(verdict: &Verdict) -> Explained {
    let Verdict { number, server_time, as_of, age, clock_offset, decision, reason, colour, kind } = *verdict;
    let age = match age {
        Age::Unknown => "unknown".to_owned(),
        Age::Millis(age_ms) => format!("{age_ms} ms"),
    };
    let mut explained = Explained::new("verdict");
    explained
        .field("number", number, "of the check")
        .field("server time", show(server_time.seconds()), format!("{} ms", server_time.0))
        .field("as of", as_of, "the issuer's last change set that it takes into account")
        .field("age", age, "of the issuer's data")
        .field("clock offset", clock_offset, "how far the holder's clock is ahead")
        .field("decision", decision_slug(decision), "a gate opens only for admit")
        .field("reason", format!("{reason} ({})", reason.code()), hufu_texts::reason(Language::En, reason))
        .field("colour", colour.map_or("unknown", Colour::slug), "or not looked up")
        .field("kind", kind.map_or("not known", kind_slug), "paper is shown as paper, a family code as one");
    explained
}

fn roster_verdicts(bytes: &[u8]) -> Explained {
    const NAME: &str = "roster verdicts";
    let Some((front, members)) = bytes.split_at_checked(RosterReply::BYTES) else {
        return Explained::unreadable(NAME, "too short");
    };
    let summary: RosterReply = match read(front) {
        Ok(summary) => summary,
        Err(fault) => return malformed(NAME, fault),
    };
    if members.len() != summary.members as usize * MemberVerdict::BYTES {
        return Explained::unreadable(NAME, "the summary has another number of members");
    }
    let mut explained = Explained::new(NAME);
    explained
        .field("server time", show(summary.server_time.seconds()), "")
        .field("reason", summary.reason, hufu_texts::reason(Language::En, summary.reason))
        .field("members", summary.members, "four bytes each, in the roster's order")
        .field("admitted", summary.admitted, "")
        .field("referred", summary.referred, "a person must look")
        .field("refused", summary.refused, "");
    explained
}

fn enrolled(enrolled: &Enrolled) -> Explained {
    let Enrolled { server_time, grant, issued, expires, udp_port, epoch, suite, .. } = *enrolled;
    let mut explained = Explained::new("session");
    explained
        .field("server time", show(server_time.seconds()), "")
        .field("device", grant.device, format!("generation {}", grant.generation))
        .field("site", grant.site, "the only one it may ask about")
        .field("scope", grant.scope.to_bits(), "1: checks, 3: checks and rosters")
        .field("issued", show(issued), "")
        .field("expires", show(expires), "renew at half of its life")
        .field("key epoch", epoch, "")
        .field("udp port", udp_port, "for sealed requests")
        .field("suite", suite.name(), "what its packets are sealed with")
        .field("keys", "not shown", "two of 16 bytes, secret");
    explained
}

fn status_word(bytes: &[u8]) -> Explained {
    let Ok(bytes) = <[u8; 8]>::try_from(bytes) else {
        return Explained::unreadable("status word", "it has 8 bytes");
    };
    let word = StatusWord::from_bits(u64::from_le_bytes(bytes));
    let mut explained = Explained::new("status word");
    explained.field("status", status::describe(word), format!("{:#018x}", word.to_bits()));
    explained
}
