//! What else is signed about a chain: heads, checkpoints, releases.

use crate::common::*;
use crate::scene::*;
use hufu_codes::chain::{
    AuthoritySigner, ChainFaultKind, Role, Tip, Unsignable, open_checkpoint, open_head, open_release,
};
use hufu_codes::ed25519;
use hufu_wire::chain::{ChainDigest, Checkpoint, ContentDigest, Head, Release};
use hufu_wire::{KeyId, Reason, Sequence};

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
