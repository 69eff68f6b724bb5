//! The test data that the EU published for verifiers (`published.tsv` names its source).

use hufu_check::Foreign as _;
use hufu_hc1::signers::Signers;
use hufu_hc1::{Verifier, date, dsc};
use hufu_policy::foreign::Country;
use hufu_wire::Reason;

use crate::made;

/// The reason of each that is refused.
const REFUSED: [(&str, Reason); 17] = [
    ("B1", Reason::ForeignUnreadable),
    ("CBO1", Reason::ForeignUnreadable),
    ("CBO2", Reason::ForeignUnreadable),
    ("CO5", Reason::BadSignature),
    ("CO6", Reason::KeyOutOfScope),
    ("CO8", Reason::KeyOutOfScope),
    ("CO10", Reason::KeyOutOfScope),
    ("CO11", Reason::KeyOutOfScope),
    ("CO16", Reason::NotYetValid),
    ("CO17", Reason::Expired),
    ("CO22", Reason::KeyUnknown),
    ("CO23", Reason::KeyUnknown),
    ("DGC1", Reason::ForeignUnreadable),
    ("DGC2", Reason::ForeignUnreadable),
    ("Z1", Reason::ForeignUnreadable),
    ("Z2", Reason::ForeignUnreadable),
    ("", Reason::ForeignCode),
];

#[test]
fn r63_published_certificates_get_the_published_results() {
    let mut counts = [0, 0];
    for line in include_str!("published.tsv").lines().filter(|line| !line.starts_with('#')) {
        let [name, country, clock, wrong, signer, text] = line.splitn(6, '\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let der = base64(signer);
        let listed = dsc::read(&der, Country::of(country), None).unwrap();
        let list = Signers::sign(made::dated(1), &[listed], &made::operator());
        let signers = Signers::open(&list, &made::operator_key()).unwrap();
        let verifier = Verifier::new(signers, None, 4).unwrap();
        if wrong == "UNPREFIX" {
            assert!(!verifier.takes(text.as_bytes()), "{name}");
            continue;
        }
        let found = verifier.verify(date::moment(clock).unwrap(), text.as_bytes());
        let expected = REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, reason)| *reason);
        assert_eq!(expected.is_some(), wrong != "-", "{name}: {wrong}");
        assert_eq!(found.err(), expected, "{name}: {wrong}");
        counts[usize::from(found.is_ok())] += 1;
    }
    assert_eq!(counts, [16, 12], "refused and genuine");
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.trim_end_matches('=').bytes().map(digit).collect();
    let of_four = |four: &[u8]| {
        let bits = four.iter().enumerate().fold(0_u32, |bits, (at, digit)| bits | u32::from(*digit) << (18 - 6 * at));
        bits.to_be_bytes()[1..four.len()].to_vec()
    };
    digits.chunks(4).flat_map(of_four).collect()
}
