//! Chains whose authorities and publisher sign with either scheme (R45).

use hufu_codes::chain::{
    AuthoritySigner, ChainFaultKind, Role, Tip, Unconfirmed, Unsignable, open_checkpoint, open_head,
    open_instruction, open_release,
};
use hufu_codes::issue::Secret;
use hufu_codes::keyring::{Keyring, Uses};
use hufu_signature::{Scheme, backend};
use hufu_wire::chain::{Checkpoint, Content, ContentDigest, Head, Release};
use hufu_wire::{IssuerId, UnixSeconds};

use crate::common::*;
use crate::scene::*;

fn signer(seed: u8, scheme: Scheme, issuer: IssuerId) -> AuthoritySigner {
    AuthoritySigner::new(Secret::new(scheme, &[seed; 32]).expect("a key"), issuer)
}

fn keyring(signers: [(&AuthoritySigner, Uses); 3]) -> Keyring {
    let since = UnixSeconds(NOW.0 - 3600);
    let keys = signers.map(|(signer, uses)| signer.listed(uses, since, since, FOREVER));
    Keyring::empty().update(&list(1, &keys), NOW).expect("a good list")
}

#[test]
fn r45_a_chain_is_signed_by_keys_of_either_scheme() {
    for (of_local, of_national) in Scheme::ALL.into_iter().flat_map(|one| Scheme::ALL.map(|two| (one, two))) {
        let local = signer(1, of_local, ISSUER);
        let national = signer(2, of_national, NATIONAL);
        let publisher = signer(3, of_local, PUBLISHER);
        let keyring =
            keyring([(&local, Uses::INSTRUCTION), (&national, Uses::CONFIRMATION), (&publisher, Uses::HEAD)]);
        let (records, authorities) = (records(), authorities());
        let content = Content { local_key: local.key(), ..content(&records) };

        let instruction = local.instruct(&content).expect("good");
        let opened = open_instruction(&instruction, &authorities, &keyring, backend()).expect("genuine");
        let set = national.confirm(&opened, &Tip::START, CONFIRMED).expect("good");
        let confirm = |bytes: &[u8]| {
            let set = Unconfirmed::read(bytes, &authorities)?.confirm(&keyring, backend())?;
            Ok::<Tip, hufu_codes::chain::ChainFault>(*set.tip())
        };
        let tip = confirm(&set).expect("signed by both");
        for (role, from_end) in [(Role::Local, 100), (Role::National, 40)] {
            let mut flipped = set.clone();
            let at = set.len() - from_end;
            flipped[at] ^= 1;
            let refused = confirm(&flipped).expect_err("not genuine").kind;
            assert_eq!(refused, ChainFaultKind::NotGenuine { role }, "{of_local} {of_national}");
        }

        let head = publisher.head(ISSUER, &tip, CONFIRMED);
        assert!(open_head(&head, &authorities, &keyring, backend()).is_ok());
        let mut forged: [u8; Head::BYTES] = head;
        forged[Head::BYTES - 1] ^= 1;
        assert!(open_head(&forged, &authorities, &keyring, backend()).is_err());

        let mut checkpoint = Checkpoint {
            issuer: ISSUER,
            sequence: tip.sequence,
            proposed: tip.proposed,
            made: CONFIRMED,
            local_key: local.key(),
            national_key: national.key(),
            digest: tip.digest,
            snapshot: [4; 32],
            local_signature: [0; 64],
            national_signature: [0; 64],
        };
        checkpoint.local_signature = local.vouch(&checkpoint).expect("its key");
        checkpoint.national_signature = national.vouch(&checkpoint).expect("its key");
        assert!(open_checkpoint(&written(&checkpoint), &authorities, &keyring, backend()).is_ok());
        std::mem::swap(&mut checkpoint.local_signature, &mut checkpoint.national_signature);
        assert!(open_checkpoint(&written(&checkpoint), &authorities, &keyring, backend()).is_err());

        // What an agent signed elsewhere is verified by the key's own scheme.
        let release = Release {
            issuer: ISSUER,
            content: ContentDigest([7; 32]),
            made: CONFIRMED,
            national_key: national.key(),
            set_back: 1,
            holders: 1,
            signature: [0; 64],
        };
        let unsigned = || national.authority().release(&release).expect("its key");
        let agent = Secret::new(of_national, &[2; 32]).expect("a key");
        let sealed = unsigned().sealed(&agent.sign(&[unsigned().covered()])).expect("genuine");
        assert!(open_release(&sealed, &authorities, &keyring, backend()).is_ok());
        for other in Scheme::ALL.map(|scheme| Secret::new(scheme, &[9; 32]).expect("a key")) {
            let refused = unsigned().sealed(&other.sign(&[unsigned().covered()]));
            assert_eq!(refused, Err(Unsignable::NotGenuine { signer: national.key() }));
        }
    }
}
