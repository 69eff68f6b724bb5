//! What else is signed about a chain: heads, checkpoints, releases.

use hufu_codes::chain::{
    AuthoritySigner, ChainFaultKind, Role, Tip, Unsignable, content_digest, open_checkpoint, open_head,
    open_instruction, open_release,
};
use hufu_wire::chain::{ChainDigest, Checkpoint, Content, ContentDigest, Head, Instruction, Release};
use hufu_wire::{KeyId, Reason, Sequence};

use crate::common::*;
use crate::scene::*;

#[test]
fn r24_a_head_is_its_publishers_word() {
    let tip = Tip { sequence: Sequence(5), digest: ChainDigest([5; 32]), ..Tip::START };
    let bytes = publisher().head(ISSUER, &tip, CONFIRMED);
    let open = |bytes: &[u8]| open_head(bytes, &authorities(), trusted(), hufu_signature::backend());
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
        proposed: PROPOSED.into(),
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
    let open = |bytes: &[u8]| open_checkpoint(bytes, &authorities(), trusted(), hufu_signature::backend());
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
    let open = |bytes: &[u8]| open_release(bytes, &authorities(), trusted(), hufu_signature::backend());
    let of = |signer: &AuthoritySigner, issuer| Release {
        issuer,
        content: ContentDigest([7; 32]),
        made: CONFIRMED,
        national_key: signer.key(),
        set_back: 30_000,
        holders: 200_000,
        signature: [0; 64],
    };
    let bytes = national().release(&of(&national(), ISSUER)).expect("its own");
    let released = open(&bytes).expect("genuine");
    assert_eq!((released.set_back, released.content), (30_000, ContentDigest([7; 32])));
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
    let nobody = Release { set_back: 0, ..of(&national(), ISSUER) };
    assert!(matches!(national().release(&nobody), Err(Unsignable::Malformed(_))));
}

#[test]
fn r21_every_key_of_a_checkpoint_is_its_authoritys() {
    let open = |bytes: &[u8]| open_checkpoint(bytes, &authorities(), trusted(), hufu_signature::backend());
    let kind = |checkpoint: &Checkpoint| open(&written(checkpoint)).expect_err("refused").kind;
    let by = |local: &AuthoritySigner, national: &AuthoritySigner| {
        let (local_key, national_key) = (local.key(), national.key());
        let checkpoint = Checkpoint { local_key, national_key, ..checkpoint() };
        let local_signature = local.vouch(&checkpoint).expect("its own");
        // The second signature is made under the other name: one key may stand in both places.
        let other = Checkpoint { local_key: KeyId([0; 8]), ..checkpoint };
        let national_signature =
            national.vouch(&checkpoint).or_else(|_| national.vouch(&other)).expect("its own");
        Checkpoint { local_signature, national_signature, ..checkpoint }
    };
    let another = |role, signer: &AuthoritySigner, found, wanted| ChainFaultKind::AnotherAuthority {
        role,
        kid: signer.key(),
        found,
        wanted,
    };
    // Genuine signatures by keys that may sign this, of the wrong issuer.
    let foreign = by(&national_local(), &national());
    assert_eq!(
        kind(&foreign),
        another(Role::Local, &national_local(), NATIONAL, ISSUER),
        "the platform decides"
    );
    let alone = by(&local(), &greedy());
    assert_eq!(
        kind(&alone),
        another(Role::National, &greedy(), ISSUER, NATIONAL),
        "the issuer confirms itself"
    );
    let elsewhere = Checkpoint { issuer: NATIONAL, ..checkpoint() };
    assert_eq!(kind(&elsewhere), ChainFaultKind::AnotherIssuer { found: NATIONAL });
}

#[test]
fn r21_the_key_of_an_instruction_is_its_issuers() {
    let open = |bytes: &[u8]| {
        open_instruction(bytes, &authorities(), trusted(), hufu_signature::backend()).map(drop)
    };
    let records = records();
    let by = |signer: &AuthoritySigner, issuer| {
        let content = Content { local_key: signer.key(), ..content(&records) };
        let signature = signer.sign_content(issuer, &content_digest(&written(&content)));
        written(&Instruction { issuer, content, signature })
    };
    assert_eq!(open(&by(&local(), ISSUER)), Ok(()));
    let kind = |bytes: &[u8]| open(bytes).expect_err("refused").kind;
    let (role, kid, found, wanted) = (Role::Local, national_local().key(), NATIONAL, ISSUER);
    let by_platform = by(&national_local(), ISSUER);
    assert_eq!(kind(&by_platform), ChainFaultKind::AnotherAuthority { role, kid, found, wanted });
    let elsewhere = by(&national_local(), NATIONAL);
    assert_eq!(kind(&elsewhere), ChainFaultKind::AnotherIssuer { found: NATIONAL });
    for (bit, flipped) in bit_flips(&by(&local(), ISSUER)) {
        assert!(open(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn r21_the_key_of_a_release_is_the_national_platforms() {
    let open = |bytes: &[u8]| open_release(bytes, &authorities(), trusted(), hufu_signature::backend());
    let release = Release {
        issuer: ISSUER,
        content: ContentDigest([7; 32]),
        made: CONFIRMED,
        national_key: greedy().key(),
        set_back: 30_000,
        holders: 200_000,
        signature: [0; 64],
    };
    // A key of the issuer itself that may confirm: for other issuers.
    let fault = open(&greedy().release(&release).expect("its own")).expect_err("refused").kind;
    let (role, kid, found, wanted) = (Role::National, greedy().key(), ISSUER, NATIONAL);
    assert_eq!(fault, ChainFaultKind::AnotherAuthority { role, kid, found, wanted });
}
