//! Two keys of two authorities, or nothing (R21): every way to have less is refused with its own fault.

mod common;

use std::sync::LazyLock;

use common::*;
use hufu_codes::chain::{
    Authorities, AuthoritySigner, ChainFault, ChainFaultKind, Confirmed, Place, Role, Tip, Unconfirmed,
    Unsignable, content_digest, open_checkpoint, open_head, open_instruction, open_release,
};
use hufu_codes::keyring::{Keyring, ListedKey, Uses};
use hufu_codes::{Verified, ed25519};
use hufu_wire::chain::{
    ChainDigest, Change, ChangeSet, Changes, Checkpoint, Content, ContentDigest, Head, InputsDigest,
    Instruction, Parts, Position, Record, Release,
};
use hufu_wire::{
    Colour, HolderIndex, IssuerId, KeyId, Message, Reason, RuleId, Sequence, StatusWord, UnixMillis,
    UnixSeconds, limits,
};

const NATIONAL: IssuerId = IssuerId(100_000);
const PUBLISHER: IssuerId = IssuerId(900_001);
const PROPOSED: UnixMillis = UnixMillis(NOW.0 as u64 * 1000);
const CONFIRMED: UnixMillis = UnixMillis(PROPOSED.0 + 1000);

fn local() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x41; 32], ISSUER)
}

fn national() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x42; 32], NATIONAL)
}

fn publisher() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x43; 32], PUBLISHER)
}

/// A key of the issuer that may do everything.
fn greedy() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x44; 32], ISSUER)
}

/// The national platform's key for its own chain.
fn national_local() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x45; 32], NATIONAL)
}

fn retired() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x46; 32], ISSUER)
}

fn stolen() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x47; 32], NATIONAL)
}

fn unlisted() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x48; 32], ISSUER)
}

fn authorities() -> Authorities {
    Authorities::new(ISSUER, NATIONAL, PUBLISHER).expect("two authorities")
}

fn trusted() -> &'static Keyring {
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

fn records() -> Vec<Record> {
    let red = Change::Status(StatusWord::new(Colour::Red, 0));
    vec![Record::new(HOLDER, red), Record::new(HolderIndex(HOLDER.0 + 1), Change::Generation(8))]
}

fn content(records: &[Record]) -> Content<'_> {
    Content {
        proposed: PROPOSED,
        valid_s: 3600,
        rule: RuleId(7),
        inputs: InputsDigest([0x55; 32]),
        local_key: local().key(),
        reason: "contact of a case",
        changes: Changes::new(records).expect("good records"),
    }
}

fn position() -> Position {
    let previous = ChainDigest([9; 32]);
    let national_key = national().key();
    Position { issuer: ISSUER, sequence: Sequence(5), confirmed: CONFIRMED, national_key, previous }
}

/// The set that these two would sign, whoever they are.
fn signed(
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

fn good() -> Vec<u8> {
    signed(&position(), &content(&records()), &local(), &national())
}

fn confirm(bytes: &[u8]) -> Result<Confirmed<ChangeSet<'_>>, ChainFault> {
    Unconfirmed::read(bytes, &authorities())?.confirm(trusted(), ed25519::backend())
}

fn written<'a>(message: &impl Message<'a>) -> Vec<u8> {
    let mut bytes = vec![0; message.size()];
    message.write_to(&mut bytes);
    bytes
}

fn check(case: &str, bytes: &[u8], kind: ChainFaultKind) {
    let fault = confirm(bytes).expect_err(case);
    assert_eq!(fault.kind, kind, "{case}");
    assert_eq!((fault.issuer, fault.sequence), (ISSUER, Some(Sequence(5))), "{case}");
}

#[test]
fn r21_two_keys_of_two_authorities_confirm_a_set() {
    let bytes = good();
    let confirmed = confirm(&bytes).expect("both signed");
    assert_eq!(confirmed.content.changes.len(), 2);
    let unconfirmed = Unconfirmed::read(&bytes, &authorities()).expect("readable");
    let digest = unconfirmed.digest();
    let tip = Tip { sequence: Sequence(5), digest, proposed: PROPOSED, confirmed: CONFIRMED };
    assert_eq!(confirmed.tip(), &tip);
    for backend in ed25519::backends() {
        assert!(unconfirmed.confirm(trusted(), backend).is_ok(), "{}", backend.name());
    }
}

#[test]
fn r21_whatever_is_missing_has_its_own_fault() {
    let (records, position) = (records(), position());
    let content = content(&records);
    let by = |local: &AuthoritySigner, national: &AuthoritySigner| {
        let content = Content { local_key: local.key(), ..content };
        let position = Position { national_key: national.key(), ..position };
        signed(&position, &content, local, national)
    };
    let key =
        |role, signer: &AuthoritySigner, reason| ChainFaultKind::Key { role, kid: signer.key(), reason };
    let another = |role, signer: &AuthoritySigner, found, wanted| ChainFaultKind::AnotherAuthority {
        role,
        kid: signer.key(),
        found,
        wanted,
    };
    let not_genuine = |role| ChainFaultKind::NotGenuine { role };
    let (local, national, greedy) = (local(), national(), greedy());

    check(
        "one authority with two keys",
        &by(&local, &greedy),
        another(Role::National, &greedy, ISSUER, NATIONAL),
    );
    check("one key for both", &by(&greedy, &greedy), another(Role::National, &greedy, ISSUER, NATIONAL));
    check(
        "the national platform decides by itself",
        &by(&national_local(), &national),
        another(Role::Local, &national_local(), NATIONAL, ISSUER),
    );
    check("swapped", &by(&national, &local), key(Role::Local, &national, Reason::KeyOutOfScope));
    check(
        "a publisher instructs",
        &by(&publisher(), &national),
        key(Role::Local, &publisher(), Reason::KeyOutOfScope),
    );
    check(
        "a publisher confirms",
        &by(&local, &publisher()),
        key(Role::National, &publisher(), Reason::KeyOutOfScope),
    );
    check("a retired key", &by(&retired(), &national), key(Role::Local, &retired(), Reason::KeyNotValid));
    check("a revoked key", &by(&local, &stolen()), key(Role::National, &stolen(), Reason::KeyRevoked));
    check("an unlisted key", &by(&unlisted(), &national), key(Role::Local, &unlisted(), Reason::KeyUnknown));

    let bytes = good();
    let parts = Parts::of(&bytes).expect("a set");
    let with =
        |local: &[u8; 64], national: &[u8; 64]| [parts.position, parts.content, local, national].concat();
    let (by_local, by_national) = (parts.local_signature, parts.national_signature);
    check("no local signature", &with(&[0; 64], by_national), not_genuine(Role::Local));
    check("no national signature", &with(by_local, &[0; 64]), not_genuine(Role::National));
    check("signatures swapped", &with(by_national, by_local), not_genuine(Role::Local));
    check("the local signature twice", &with(by_local, by_local), not_genuine(Role::National));
}

#[test]
fn r22_a_set_is_genuine_in_one_place_only() {
    let (records, position) = (records(), position());
    let bytes = good();
    let signatures = Parts::of(&bytes).expect("a set");
    let moved = |position: Position, content: &Content<'_>| {
        let (position, content) = (written(&position), written(content));
        [position.as_slice(), &content, signatures.local_signature, signatures.national_signature].concat()
    };
    let content = content(&records);
    let not_genuine = ChainFaultKind::NotGenuine { role: Role::National };
    let later = UnixMillis(CONFIRMED.0 + 1);
    check(
        "after another set",
        &moved(Position { previous: ChainDigest([8; 32]), ..position }, &content),
        not_genuine,
    );
    check("at another time", &moved(Position { confirmed: later, ..position }, &content), not_genuine);
    let elsewhere = moved(Position { sequence: Sequence(6), ..position }, &content);
    assert_eq!(confirm(&elsewhere).expect_err("moved").kind, not_genuine);
    let greener = Record::new(HOLDER, Change::Status(StatusWord::new(Colour::Green, 0)));
    let green = Content { changes: Changes::new(std::slice::from_ref(&greener)).expect("good"), ..content };
    check("with other changes", &moved(position, &green), ChainFaultKind::NotGenuine { role: Role::Local });

    let foreign = signed(&Position { issuer: NATIONAL, ..position }, &content, &local(), &national());
    assert_eq!(
        confirm(&foreign).expect_err("foreign").kind,
        ChainFaultKind::AnotherIssuer { found: NATIONAL }
    );
}

#[test]
fn r21_a_set_is_confirmed_in_time() {
    let records = records();
    let at = |ms: i64| {
        let confirmed = UnixMillis(PROPOSED.0.saturating_add_signed(ms));
        signed(&Position { confirmed, ..position() }, &content(&records), &local(), &national())
    };
    let skew = limits::CHAIN_SKEW_MS_MAX.cast_signed();
    assert!(confirm(&at(0)).is_ok());
    assert!(confirm(&at(-skew)).is_ok(), "two clocks");
    assert!(confirm(&at(3_599_999)).is_ok());
    check("expired", &at(3_600_000), ChainFaultKind::ExpiredBeforeConfirmation { late_ms: 0 });
    check("long expired", &at(3_700_000), ChainFaultKind::ExpiredBeforeConfirmation { late_ms: 100_000 });
    let early_ms = limits::CHAIN_SKEW_MS_MAX + 1;
    check("too early", &at(-skew - 1), ChainFaultKind::ConfirmedBeforeProposal { early_ms });
}

#[test]
fn r22_no_cut_and_no_flipped_bit_is_believed() {
    let bytes = good();
    for length in 0..bytes.len() {
        let fault = confirm(&bytes[..length]).expect_err("cut");
        assert!(matches!(fault.kind, ChainFaultKind::Malformed(_)), "cut to {length}");
        assert_eq!(fault.sequence, (length >= 24).then_some(Sequence(5)), "cut to {length}");
    }
    assert!(confirm(&[bytes.as_slice(), &[0]].concat()).is_err());
    for (bit, flipped) in bit_flips(&bytes) {
        assert!(confirm(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn equal_histories_have_equal_digests_whoever_signs_how() {
    let bytes = good();
    let digest = |bytes: &[u8]| Unconfirmed::read(bytes, &authorities()).expect("readable").digest();
    let mut other_signatures = bytes.clone();
    let from = bytes.len() - 128;
    other_signatures[from..].fill(7);
    assert_eq!(digest(&other_signatures), digest(&bytes));
    for at in [24, 40, Position::BYTES, Position::BYTES + 64, Position::BYTES + Content::HEADER_BYTES] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_ne!(digest(&changed), digest(&bytes), "byte {at}");
    }
}

#[test]
fn a_national_platform_is_never_the_issuer_itself() {
    assert!(Authorities::new(ISSUER, ISSUER, PUBLISHER).is_err());
    assert!(Authorities::new(ISSUER, NATIONAL, ISSUER).is_ok());
}

#[test]
fn r24_a_head_is_its_publishers_word() {
    let tip = Tip { sequence: Sequence(5), digest: ChainDigest([5; 32]), ..Tip::START };
    let bytes = publisher().head(ISSUER, &tip, CONFIRMED);
    let open = |bytes: &[u8]| open_head(bytes, &authorities(), trusted(), ed25519::backend());
    let head = open(&bytes).expect("genuine");
    assert_eq!((head.sequence, head.digest, head.time), (tip.sequence, tip.digest, CONFIRMED));
    assert_eq!(head.issuer(), PUBLISHER, "whose key it was");

    let kind = |bytes: &[u8]| open(bytes).expect_err("refused").kind;
    let foreign = publisher().head(NATIONAL, &tip, CONFIRMED);
    assert_eq!(kind(&foreign), ChainFaultKind::AnotherIssuer { found: NATIONAL });
    let [found, wanted] = [ISSUER, PUBLISHER];
    let by_greedy = greedy().head(ISSUER, &tip, CONFIRMED);
    let (role, kid) = (Role::Publisher, greedy().key());
    assert_eq!(kind(&by_greedy), ChainFaultKind::AnotherAuthority { role, kid, found, wanted });
    let (kid, reason) = (local().key(), Reason::KeyOutOfScope);
    assert_eq!(kind(&local().head(ISSUER, &tip, CONFIRMED)), ChainFaultKind::Key { role, kid, reason });
    for length in 0..Head::BYTES {
        assert!(open(&bytes[..length]).is_err(), "cut to {length}");
    }
    for (bit, flipped) in bit_flips(&bytes) {
        assert!(open(&flipped).is_err(), "bit {bit}");
    }
}

fn checkpoint() -> Checkpoint {
    let mut checkpoint = Checkpoint {
        issuer: ISSUER,
        sequence: Sequence(5),
        made: CONFIRMED,
        proposed: PROPOSED,
        local_key: local().key(),
        national_key: national().key(),
        digest: ChainDigest([5; 32]),
        snapshot: [6; 32],
        local_signature: [0; 64],
        national_signature: [0; 64],
    };
    checkpoint.local_signature = local().vouch(&checkpoint).expect("its own");
    checkpoint.national_signature = national().vouch(&checkpoint).expect("its own");
    checkpoint
}

#[test]
fn r21_a_checkpoint_takes_both_keys_too() {
    let open = |bytes: &[u8]| open_checkpoint(bytes, &authorities(), trusted(), ed25519::backend());
    let good = checkpoint();
    let bytes = written(&good);
    let confirmed = open(&bytes).expect("both vouched");
    assert_eq!(*confirmed, good);
    assert_eq!(confirmed.tip().sequence, Sequence(5));
    for length in 0..Checkpoint::BYTES {
        assert!(open(&bytes[..length]).is_err(), "cut to {length}");
    }
    for (bit, flipped) in bit_flips(&bytes) {
        assert!(open(&flipped).is_err(), "bit {bit}");
    }
    let swapped = Checkpoint {
        local_signature: good.national_signature,
        national_signature: good.local_signature,
        ..good
    };
    assert!(open(&written(&swapped)).is_err());
    let stranger = Checkpoint { local_key: KeyId([1; 8]), ..good };
    assert!(matches!(local().vouch(&stranger), Err(Unsignable::AnotherKey { .. })));
}

#[test]
fn only_the_national_platform_releases_a_bulk_red() {
    let open = |bytes: &[u8]| open_release(bytes, &authorities(), trusted(), ed25519::backend());
    let of = |signer: &AuthoritySigner, issuer| Release {
        issuer,
        content: ContentDigest([7; 32]),
        made: CONFIRMED,
        national_key: signer.key(),
        reds: 30_000,
        holders: 200_000,
        signature: [0; 64],
    };
    let bytes = national().release(&of(&national(), ISSUER)).expect("its own");
    let released = open(&bytes).expect("genuine");
    assert_eq!((released.reds, released.content), (30_000, ContentDigest([7; 32])));
    assert_eq!(released.issuer(), NATIONAL, "whose key it was");
    for (bit, flipped) in bit_flips(&bytes) {
        assert!(open(&flipped).is_err(), "bit {bit}");
    }
    let kind = |bytes: &[u8]| open(bytes).expect_err("refused").kind;
    let by_local = local().release(&of(&local(), ISSUER)).expect("its own");
    let (role, kid, reason) = (Role::National, local().key(), Reason::KeyOutOfScope);
    assert_eq!(kind(&by_local), ChainFaultKind::Key { role, kid, reason });
    let elsewhere = national().release(&of(&national(), PUBLISHER)).expect("its own");
    assert_eq!(kind(&elsewhere), ChainFaultKind::AnotherIssuer { found: PUBLISHER });
    assert!(matches!(national().release(&of(&local(), ISSUER)), Err(Unsignable::AnotherKey { .. })));
    let nobody = Release { reds: 0, ..of(&national(), ISSUER) };
    assert!(matches!(national().release(&nobody), Err(Unsignable::Malformed(_))));
}

fn open_by_local(bytes: &[u8]) -> Result<Verified<Instruction<'_>>, ChainFault> {
    open_instruction(bytes, &authorities(), trusted(), ed25519::backend())
}

#[test]
fn an_authority_signs_only_what_followers_take() {
    let records = records();
    let content = content(&records);
    let tip = Tip { sequence: Sequence(4), digest: ChainDigest([9; 32]), ..Tip::START };
    let instruction = local().instruct(&content).expect("good");
    let opened = open_by_local(&instruction).expect("genuine");
    let confirm_at = |tip: &Tip, now| national().confirm(&opened, tip, now);
    assert_eq!(confirm_at(&tip, CONFIRMED), Ok(good()), "the same set as by hand");

    assert_eq!(confirm_at(&tip, content.expires()), Err(Unsignable::Expired));
    let before = UnixMillis(PROPOSED.0 - limits::CHAIN_SKEW_MS_MAX - 1);
    assert_eq!(confirm_at(&tip, before), Err(Unsignable::FromTheFuture));
    let settled = Tip { proposed: PROPOSED, ..tip };
    let sequence = Sequence(4);
    assert_eq!(confirm_at(&settled, CONFIRMED), Err(Unsignable::OutOfOrder { sequence }), "once");

    let long = "x".repeat(limits::REASON_BYTES_MAX + 1);
    assert_eq!(local().instruct(&Content { reason: &long, ..content }), Err(Unsignable::Altered));
    let (claimed, signer) = (local().key(), national().key());
    assert_eq!(national().instruct(&content), Err(Unsignable::AnotherKey { claimed, signer }));
    assert!(matches!(local().instruct(&Content { valid_s: 0, ..content }), Err(Unsignable::Malformed(_))));
    for length in 0..instruction.len() {
        assert!(open_by_local(&instruction[..length]).is_err(), "cut to {length}");
    }
    for (bit, flipped) in bit_flips(&instruction) {
        assert!(open_by_local(&flipped).is_err(), "bit {bit}");
    }
    // What the registry gets is no change set, and a change set is no instruction.
    assert!(confirm(&instruction).is_err());
    assert!(hufu_wire::read::<Instruction<'_>>(&good()).is_err());
}

#[test]
fn places_follow_from_sequence_and_digest() {
    let tip = Tip { sequence: Sequence(5), digest: ChainDigest([5; 32]), ..Tip::START };
    let place = |sequence, previous| {
        let (sequence, previous) = (Sequence(sequence), ChainDigest([previous; 32]));
        tip.place(&Position { sequence, previous, ..position() })
    };
    assert_eq!(place(4, 3), Place::Behind);
    assert_eq!(place(5, 4), Place::AtTip);
    assert_eq!(place(6, 5), Place::Next);
    assert_eq!(place(6, 4), Place::Branch);
    assert_eq!(place(7, 5), Place::Beyond);
    assert_eq!(place(u64::MAX, 5), Place::Beyond);
    let last = Tip { sequence: Sequence(u64::MAX), ..tip };
    assert_eq!(last.place(&Position { sequence: Sequence(u64::MAX), ..position() }), Place::AtTip);
}

#[test]
fn r21_a_key_kept_elsewhere_signs_the_same_bytes_and_nothing_it_signed_is_taken_unseen() {
    let records = [Record::new(HolderIndex(7), Change::Word(StatusWord::new(Colour::Red, 0)))];
    let content = Content {
        proposed: PROPOSED,
        valid_s: 3600,
        rule: RuleId(1),
        inputs: InputsDigest([1; 32]),
        local_key: local().key(),
        reason: "a case",
        changes: Changes::new(&records).unwrap(),
    };
    let unsigned = local().authority().instruct(&content).unwrap();
    // What a device elsewhere does with the bytes that it is handed.
    let elsewhere = |seed: u8, bytes: &[u8]| {
        use ed25519_dalek::Signer as _;
        ed25519_dalek::SigningKey::from_bytes(&[seed; 32]).sign(bytes).to_bytes()
    };
    let signature = elsewhere(0x41, unsigned.covered());
    assert_eq!(unsigned.clone().sealed(&signature), local().instruct(&content));
    assert_eq!(local().seal(unsigned.clone()), local().instruct(&content));

    let refused = Err(Unsignable::NotGenuine { signer: local().key() });
    for (case, signature) in [
        ("another key", elsewhere(0x42, unsigned.covered())),
        ("something else", elsewhere(0x41, b"hufu/1 instruction")),
        ("no signature", [0; 64]),
    ] {
        assert_eq!(unsigned.clone().sealed(&signature), refused, "{case}");
    }
    let another = Unsignable::AnotherKey { claimed: local().key(), signer: national().key() };
    assert_eq!(national().seal(unsigned), Err(another));
}
