//! Three authorities, their keys on one trust list, and the sets that any two of them would sign.

use std::sync::LazyLock;

use hufu_codes::chain::{
    Authorities, AuthoritySigner, ChainFault, ChainFaultKind, Confirmed, Unconfirmed, content_digest,
};
use hufu_codes::keyring::{Keyring, ListedKey, Uses};
use hufu_wire::chain::{ChainDigest, Change, ChangeSet, Changes, Content, InputsDigest, Position, Record};
use hufu_wire::{
    Colour, HolderIndex, IssuerId, Message, RuleId, Sequence, StatusWord, UnixMillis, UnixSeconds,
};

use crate::common::*;

pub(crate) const NATIONAL: IssuerId = IssuerId(100_000);
pub(crate) const PUBLISHER: IssuerId = IssuerId(900_001);
pub(crate) const PROPOSED: UnixMillis = UnixMillis(NOW.0 as u64 * 1000);
pub(crate) const CONFIRMED: UnixMillis = UnixMillis(PROPOSED.0 + 1000);

pub(crate) fn local() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x41; 32], ISSUER)
}

pub(crate) fn national() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x42; 32], NATIONAL)
}

pub(crate) fn publisher() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x43; 32], PUBLISHER)
}

/// A key of the issuer that may do everything.
pub(crate) fn greedy() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x44; 32], ISSUER)
}

/// The national platform's key for its own chain.
pub(crate) fn national_local() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x45; 32], NATIONAL)
}

pub(crate) fn retired() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x46; 32], ISSUER)
}

pub(crate) fn stolen() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x47; 32], NATIONAL)
}

pub(crate) fn unlisted() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x48; 32], ISSUER)
}

pub(crate) fn authorities() -> Authorities {
    Authorities::new(ISSUER, NATIONAL, PUBLISHER).expect("two authorities")
}

pub(crate) fn trusted() -> &'static Keyring {
    static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
        let since = UnixSeconds(NOW.0 - 3600);
        let key = |signer: AuthoritySigner, uses| signer.listed(uses, since, since, FOREVER);
        let all = Uses::from_bits(127).expect("every use");
        let keys = [
            key(local(), Uses::INSTRUCTION),
            key(national(), Uses::CONFIRMATION),
            key(publisher(), Uses::HEAD),
            key(greedy(), all),
            key(national_local(), Uses::INSTRUCTION),
            ListedKey { until: UnixSeconds(NOW.0 - 1), ..key(retired(), Uses::INSTRUCTION) },
            ListedKey { revoked: true, ..key(stolen(), Uses::CONFIRMATION) },
        ];
        Keyring::empty().update(&list(1, &keys), NOW).expect("a good list")
    });
    &KEYRING
}

pub(crate) fn records() -> Vec<Record> {
    let red = Change::Status(StatusWord::new(Colour::Red, 0));
    vec![Record::new(HOLDER, red), Record::new(HolderIndex(HOLDER.0 + 1), Change::Generation(8))]
}

pub(crate) fn content(records: &[Record]) -> Content<'_> {
    Content {
        proposed: PROPOSED.into(),
        valid_s: 3600,
        rule: RuleId(7),
        inputs: InputsDigest([0x55; 32]),
        local_key: local().key(),
        reason: "contact of a case",
        changes: Changes::new(records).expect("good records"),
    }
}

pub(crate) fn position() -> Position {
    let previous = ChainDigest([9; 32]);
    let national_key = national().key();
    Position { issuer: ISSUER, sequence: Sequence(5), confirmed: CONFIRMED, national_key, previous }
}

/// The set that these two would sign, whoever they are.
pub(crate) fn signed(
    position: &Position,
    content: &Content<'_>,
    local: &AuthoritySigner,
    national: &AuthoritySigner,
) -> Vec<u8> {
    let digest = content_digest(&written(content));
    written(&ChangeSet {
        position: *position,
        content: *content,
        local_signature: local.sign_content(position.issuer, &digest),
        national_signature: national.sign_position(position, &digest),
    })
}

pub(crate) fn good() -> Vec<u8> {
    signed(&position(), &content(&records()), &local(), &national())
}

pub(crate) fn confirm(bytes: &[u8]) -> Result<Confirmed<ChangeSet<'_>>, ChainFault> {
    Unconfirmed::read(bytes, &authorities())?.confirm(trusted(), hufu_signature::backend())
}

pub(crate) fn written<'a>(message: &impl Message<'a>) -> Vec<u8> {
    let mut bytes = vec![0; message.size()];
    message.write_to(&mut bytes);
    bytes
}

pub(crate) fn check(case: &str, bytes: &[u8], kind: ChainFaultKind) {
    let fault = confirm(bytes).expect_err(case);
    assert_eq!(fault.kind, kind, "{case}");
    assert_eq!((fault.issuer, fault.sequence), (ISSUER, Some(Sequence(5))), "{case}");
}
