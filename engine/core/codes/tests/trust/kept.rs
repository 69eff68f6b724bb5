//! What an engine keeps of its keyring over a restart.

use super::*;

#[test]
fn what_is_kept_is_what_was_known_and_damage_is_noticed() {
    let keyring = Keyring::empty().update(&list(7, &[key(1), revoked(2)]), NOW).expect("good");
    let state = keyring.to_state();
    let kept = Keyring::from_state(&state, operator_key()).expect("our own state");
    assert_eq!(kept.version(), 7);
    assert_eq!(kept.to_state(), state);
    assert_eq!(kept.keys().len(), 1);
    for length in 0..state.len() {
        assert_eq!(Keyring::from_state(&state[..length], operator_key()).err(), Some(TrustFault::Damaged));
    }
    for (bit, flipped) in bit_flips(&state) {
        assert_eq!(
            Keyring::from_state(&flipped, operator_key()).err(),
            Some(TrustFault::Damaged),
            "bit {bit}"
        );
    }
    let empty = Keyring::from_state(&Keyring::empty().to_state(), operator_key()).expect("an empty state");
    assert_eq!((empty.version(), empty.keys().len()), (0, 0));
}

/// A state of another program, sealed well: the digest holds and the revoked keys do not.
#[test]
fn a_state_with_odd_revoked_keys_is_damaged() {
    let state = |revoked: &[u8]| {
        // Three members: version 1, an empty list, the revoked keys (RFC 8949 section 3.1).
        let length = u32::try_from(revoked.len()).expect("short");
        let content = [&[0x83, 0x01, 0x40, 0x5a], &length.to_be_bytes()[..], revoked].concat();
        [Sha256::digest(&content).as_slice(), &content].concat()
    };
    let kids = |count: u64| (0..count).flat_map(u64::to_be_bytes).collect::<Vec<u8>>();
    let read = |revoked: &[u8]| Keyring::from_state(&state(revoked), operator_key()).err();
    // A CBOR length is as short as it can be, so only a long list is written with four bytes.
    let most = 1 << 16;
    assert_eq!(read(&kids(most)), None);
    assert_eq!(read(&kids(most + 1)), Some(TrustFault::Damaged), "one too many");
    assert_eq!(read(&kids(most)[..8 * 65_536 - 1]), Some(TrustFault::Damaged), "a key cut short");
    let twice = [kids(most - 1), (most - 2).to_be_bytes().to_vec()].concat();
    assert_eq!(read(&twice), Some(TrustFault::Damaged), "one key twice");
}
