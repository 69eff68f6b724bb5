//! The operator's lists: one encoding, signed, sorted, counted.

use hufu_codes::cbor::Writer;
use hufu_codes::issue::OperatorSigner;
use hufu_hc1::lists::ListFault;
use hufu_hc1::revoked::{Digested, Group, Revoked};
use hufu_hc1::signers::{Kinds, Signers};

use crate::made::{self, NOW, Signer};

#[test]
fn r63_a_list_of_signers_is_read_as_it_was_signed_and_not_when_it_was_cut_or_signed_by_others() {
    let key = made::operator_key();
    let (first, second) = (Signer::es256("FR", [9; 8]), Signer::ps256("DE", [1; 8]));
    let bytes = made::signers(3, &[&first, &second, &first]);
    let list = Signers::open(&bytes, &key).unwrap();
    assert_eq!(list.dated, made::dated(3));
    assert_eq!(list.listed().cloned().collect::<Vec<_>>(), [second.listed, first.listed.clone()]);
    for cut in 0..bytes.len() {
        assert!(Signers::open(&bytes[..cut], &key).is_err(), "cut at {cut}");
    }
    let stranger = Signers::sign(made::dated(3), &[first.listed], &OperatorSigner::from_seed(&[9; 32]));
    let fault = Signers::open(&stranger, &key).err().unwrap();
    assert!(matches!(fault, ListFault::NotSigned(_)), "{fault}");
    assert!(fault.to_string().contains("not signed by this operator"), "{fault}");
    let revoked = Revoked::sign(made::dated(1), Vec::new(), &made::operator());
    assert!(Signers::open(&revoked, &key).is_err(), "one list is not the other");
}

#[test]
fn r63_keys_of_other_curves_and_off_the_curve_are_refused_in_a_list() {
    let key = made::operator_key();
    let good = Signer::es256("FR", [9; 8]);
    let other = aws_lc_rs::signature::EcdsaKeyPair::generate(
        &aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING,
    )
    .unwrap();
    let p384 = aws_lc_rs::signature::KeyPair::public_key(&other).as_ref().to_vec();
    let mut off = good.listed.public.clone();
    off[64] ^= 1;
    let compressed = good.listed.public[..33].to_vec();
    for public in [p384, off, compressed, Vec::new()] {
        let mut listed = good.listed.clone();
        listed.public = public;
        let bytes = Signers::sign(made::dated(1), &[listed], &made::operator());
        let fault = Signers::open(&bytes, &key).err().unwrap();
        assert!(matches!(fault, ListFault::BadKey { .. }), "{fault}");
        assert!(fault.to_string().contains("0909090909090909 of FR"), "{fault}");
    }
    let mut never = good.listed.clone();
    (never.from, never.until) = (never.until, never.from);
    never.kinds = Kinds::TEST;
    let bytes = Signers::sign(made::dated(1), &[never], &made::operator());
    assert!(Signers::open(&bytes, &key).is_err(), "it ends before it begins");
}

#[test]
fn r63_a_list_of_revocations_that_is_not_sorted_or_not_counted_is_refused() {
    let key = made::operator_key();
    let group = |key_id, of, digests: &[u8]| Group {
        key_id,
        of,
        digests: digests.iter().map(|byte| [*byte; 16]).collect(),
    };
    let groups = vec![
        group(Some([3; 8]), Digested::Signature, &[5, 2, 5]),
        group(None, Digested::Id, &[1]),
        group(Some([3; 8]), Digested::Signature, &[4]),
    ];
    let bytes = Revoked::sign(made::dated(8), groups, &made::operator());
    let list = Revoked::open(&bytes, &key).unwrap();
    let sorted =
        [group(None, Digested::Id, &[1]), group(Some([3; 8]), Digested::Signature, &[2, 4, 5])];
    assert_eq!((list.groups(), list.len(), list.dated), (&sorted[..], 4, made::dated(8)));
    for cut in 0..bytes.len() {
        assert!(Revoked::open(&bytes[..cut], &key).is_err(), "cut at {cut}");
    }
    let signed = |count: u64, groups: &[(&[u8], u8, &[u8])]| {
        let mut writer = Writer::new();
        writer.map(1).int(-65561).array(4).uint(1_u8).uint(NOW.0).uint(count).array(groups.len());
        for (key_id, of, digests) in groups {
            writer.array(3).bytes(key_id).uint(*of).bytes(digests);
        }
        Revoked::open(&made::operator().sign_payload(&writer.into_bytes()), &key)
    };
    let rising = [[1; 16], [2; 16]].concat();
    assert_eq!(signed(2, &[(&[], 1, &rising)]).unwrap().len(), 2);
    assert_eq!(signed(3, &[(&[], 1, &rising)]), Err(ListFault::Count { declared: 3, found: 2 }));
    for (what, list) in [
        ("falling", signed(2, &[(&[], 1, &[[2; 16], [1; 16]].concat())])),
        ("twice", signed(2, &[(&[], 1, &[[2; 16], [2; 16]].concat())])),
        ("half a digest", signed(2, &[(&[], 1, &rising[..24])])),
        ("an empty group", signed(0, &[(&[], 1, &[])])),
        ("groups that fall", signed(2, &[(&[], 2, &[1; 16]), (&[], 1, &[1; 16])])),
        ("one group twice", signed(2, &[(&[], 1, &[1; 16]), (&[], 1, &[2; 16])])),
        ("an id of 7 bytes", signed(2, &[(&[1; 7], 1, &rising)])),
        ("an unknown kind", signed(2, &[(&[], 4, &rising)])),
    ] {
        assert!(matches!(list, Err(ListFault::Malformed(_))), "{what}: {list:?}");
    }
}
