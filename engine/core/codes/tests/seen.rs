//! The memory of verified credentials: it answers only for what was verified, in batches as alone.

mod common;

use common::*;
use hufu_codes::issue::IssuerSigner;
use hufu_codes::keyring::{Keyring, Uses};
use hufu_codes::seen::{SeenCache, Unseen};
use hufu_codes::{Credential, code};
use hufu_wire::{HolderIndex, Reason};

/// Codes of many holders; every third is signed by a key that only claims to be the issuer's.
fn codes(count: u32) -> Vec<(bool, Vec<u8>)> {
    let forger = IssuerSigner::from_seed(&[0x66; 32], ISSUER);
    (0..count)
        .map(|n| {
            let credential = Credential { holder: HolderIndex(n), ..paper() };
            let mut bytes = signed(&credential);
            if n % 3 == 2 {
                let foreign = forger.sign_payload(&credential.payload());
                let signature = bytes.len() - 64;
                bytes[signature..].copy_from_slice(&foreign[signature..]);
            }
            (n % 3 != 2, code::write(&bytes, None))
        })
        .collect()
}

fn admitted<'k, 'a>(keyring: &'k Keyring, binary: &'a [u8]) -> hufu_codes::Admitted<'k, 'a, Credential<'a>> {
    keyring.admit(code::parse(binary).expect("well formed").credential, NOW).expect("a known key")
}

#[test]
fn only_genuine_credentials_are_remembered() {
    let keyring = keyring();
    for batch in [1, 2, 31, 32, 33, 70] {
        let seen = SeenCache::new(4096, [8; 16]);
        let codes = codes(batch);
        let unseen: Vec<Unseen<'_, '_, Credential<'_>>> = codes
            .iter()
            .map(|(_, binary)| {
                seen.recall(admitted(&keyring, binary)).expect_err("nothing is remembered yet")
            })
            .collect();
        let mut answers = vec![Err(Reason::Busy); codes.len()];
        seen.verify(hufu_signature::backend(), &unseen, &mut answers);
        for ((genuine, binary), answer) in codes.iter().zip(answers) {
            assert_eq!(answer.is_ok(), *genuine);
            assert_eq!(answer.err(), (!genuine).then_some(Reason::BadSignature));
            let alone = admitted(&keyring, binary).verify(hufu_signature::backend());
            assert_eq!(alone, answer, "in a batch as alone");
            assert_eq!(seen.recall(admitted(&keyring, binary)).ok(), answer.ok());
        }
    }
}

#[test]
fn an_empty_batch_is_answered() {
    let seen = SeenCache::new(16, [8; 16]);
    seen.verify::<Credential<'_>>(hufu_signature::backend(), &[], &mut []);
}

#[test]
fn one_changed_bit_of_a_remembered_credential_is_not_remembered() {
    let keyring = keyring();
    let seen = SeenCache::new(64, [8; 16]);
    let binary = code::write(&signed(&paper()), None);
    let Err(unseen) = seen.recall(admitted(&keyring, &binary)) else { panic!("nothing is remembered yet") };
    let mut answers = [Err(Reason::Busy)];
    seen.verify(hufu_signature::backend(), &[unseen], &mut answers);
    assert!(seen.recall(admitted(&keyring, &binary)).is_ok());
    for (bit, flipped) in bit_flips(&binary) {
        if let Some(admitted) =
            code::parse(&flipped).ok().and_then(|code| keyring.admit(code.credential, NOW).ok())
        {
            assert!(seen.recall(admitted).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn a_new_cache_has_forgotten_everything() {
    let keyring = keyring();
    let binary = code::write(&signed(&paper()), None);
    let seen = SeenCache::new(64, [8; 16]);
    let Err(unseen) = seen.recall(admitted(&keyring, &binary)) else { panic!("nothing is remembered yet") };
    let mut answers = [Err(Reason::Busy)];
    seen.verify(hufu_signature::backend(), &[unseen], &mut answers);
    assert!(SeenCache::new(64, [9; 16]).recall(admitted(&keyring, &binary)).is_err());
    // And a key that is revoked is turned down before the memory is asked.
    let revoked = hufu_codes::keyring::ListedKey { revoked: true, ..listed(&issuer(), Uses::CODES) };
    let next = keyring.update(&list(2, &[revoked]), NOW).expect("a good list");
    let signed = code::parse(&binary).expect("our own").credential;
    assert_eq!(next.admit(signed, NOW).err(), Some(Reason::KeyRevoked));
}
