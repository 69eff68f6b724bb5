//! Presentations beside a verified credential (R02, R08).

mod common;

use std::sync::LazyLock;

use common::*;
use hufu_codes::code::{self, Code};
use hufu_codes::keyring::Keyring;
use hufu_codes::presentation::{Salt, Shown, StepTree, clock_offset, present, present_all, steps_ahead};
use hufu_wire::{ClockOffset, HolderIndex, Reason, Step, UnixSeconds};
use proptest::prelude::*;

#[test]
fn r02_a_phone_proves_any_of_its_4096_steps() {
    let keyring = keyring();
    let (phone, tree) = phone();
    let credential = signed(&phone);
    for index in [0, 1, 15, 16, 17, 2047, 2048, 4094, 4095] {
        let code = code::write(&credential, Some(tree.present(step(index)).borrowed()));
        let shown = Shown::At(steps_after(NOW.step(), index));
        assert_eq!(check_binary(&keyring, &code, NOW), Ok(shown), "step {index}");
    }
}

#[test]
fn r02_another_credentials_presentation_proves_nothing() {
    let keyring = keyring();
    let (phone, tree) = phone();
    let credential = signed(&phone);
    let origin = NOW.step();
    let salt = |holder, generation, issued| Salt::of(phone.key, holder, generation, origin, issued);
    let later = UnixSeconds(phone.issued.0 + 1);
    for (case, tree) in [
        ("another holder", StepTree::new(&PHONE_SEED, &salt(HolderIndex(1), phone.generation, phone.issued))),
        ("another generation", StepTree::new(&PHONE_SEED, &salt(phone.holder, 8, phone.issued))),
        ("another issue", StepTree::new(&PHONE_SEED, &salt(phone.holder, phone.generation, later))),
        ("another seed", StepTree::new(&[1; 32], &salt(phone.holder, phone.generation, phone.issued))),
    ] {
        let code = code::write(&credential, Some(tree.present(step(0)).borrowed()));
        assert_eq!(check_binary(&keyring, &code, NOW), Err(Reason::PresentationInvalid), "{case}");
    }
    let mut moved = tree.present(step(5));
    moved.step = step(6);
    let code = code::write(&credential, Some(moved.borrowed()));
    assert_eq!(check_binary(&keyring, &code, NOW), Err(Reason::PresentationInvalid));
}

#[test]
fn r02_a_step_beyond_the_tree_has_no_encoding() {
    let (phone, tree) = phone();
    let code = code::write(&signed(&phone), Some(tree.present(step(4095)).borrowed()));
    let at = code.windows(3).position(|window| window == [0x19, 0x0f, 0xff]).expect("step 4095");
    let mut beyond = code.clone();
    beyond[at + 1..at + 3].copy_from_slice(&4096_u16.to_be_bytes());
    assert_eq!(code::parse(&beyond), Err(Reason::BadEncoding));
}

proptest! {
    /// Whatever stands beside it in its batch, and however many do.
    #[test]
    fn r02_a_batch_is_answered_as_each_alone(
        asked in prop::collection::vec((0..4u8, 0..4096u32, any::<u16>()), 0..40),
    ) {
        static ONCE: LazyLock<(Keyring, Vec<u8>, Vec<u8>, StepTree)> = LazyLock::new(|| {
            let (credential, tree) = phone();
            (keyring(), signed(&paper()), signed(&credential), tree)
        });
        let (keyring, paper, phone, tree) = &*ONCE;
        let texts = asked.iter().map(|&(kind, at, bit)| {
            let mut shown = tree.present(step(at));
            match kind {
                0 => return (paper, None),
                1 => return (phone, None),
                // One bit is another.
                2 if bit % 2 == 0 => shown.preimage[usize::from(bit) / 2 % 16] ^= 1 << (bit % 8),
                2 => shown.path[usize::from(bit) / 2 % 128] ^= 1 << (bit % 8),
                _ => {}
            }
            (phone, Some(shown))
        });
        let codes: Vec<_> =
            texts.map(|(signed, shown)| code::write(signed, shown.as_ref().map(|shown| shown.borrowed()))).collect();
        let codes: Vec<_> = codes.iter().map(|code| {
            let Code { credential, presentation } = code::parse(code).expect("ours");
            let verified = keyring.admit(credential, NOW).and_then(|admitted| admitted.verify(hufu_signature::backend()));
            (verified.expect("ours"), presentation)
        }).collect();
        let mut answers = vec![Err(Reason::Busy); codes.len()];
        present_all(codes.iter().map(|(verified, shown)| (verified, shown.as_ref())), &mut answers);
        for ((answer, (verified, shown)), (kind, at, _)) in answers.into_iter().zip(&codes).zip(asked) {
            prop_assert_eq!(answer, present(verified, shown.as_ref()));
            let expected = match kind {
                0 => Ok(Shown::NotNeeded),
                1 => Err(Reason::PresentationMissing),
                2 => Err(Reason::PresentationInvalid),
                _ => Ok(Shown::At(steps_after(NOW.step(), at))),
            };
            prop_assert_eq!(answer, expected);
        }
    }
}

#[test]
fn r08_a_skewed_phone_is_told_by_how_much() {
    let keyring = keyring();
    let (phone, tree) = phone();
    // The phone's clock is five minutes ahead of the engine's.
    let ahead = tree.present(step(10));
    let code = code::write(&signed(&phone), Some(ahead.borrowed()));
    let Ok(Shown::At(shown)) = check_binary(&keyring, &code, NOW) else { panic!("genuine") };
    assert_eq!(steps_ahead(shown, NOW), 10);
    assert_eq!(clock_offset(shown, NOW), ClockOffset(280));
    assert_eq!(clock_offset(shown, UnixSeconds(NOW.0 + 300)), ClockOffset(0));
    assert_eq!(clock_offset(Step(shown.0 - 20), NOW), ClockOffset(-291));
}
