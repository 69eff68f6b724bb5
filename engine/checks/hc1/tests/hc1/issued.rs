//! Certificates that are issued here are verified here, as those of any other country.

use hufu_check::Foreign as _;
use hufu_codes::issue::OperatorSigner;
use hufu_hc1::issue::{Claim, Signer, Uvci};
use hufu_hc1::lists::Dated;
use hufu_hc1::revoked::{Digested, Group, Revoked};
use hufu_hc1::signers::Signers;
use hufu_hc1::{Verifier, dsc};
use hufu_policy::foreign::{Country, Product, Proof, TestKind};
use hufu_signature::PreparedKey;
use hufu_wire::{Reason, UnixSeconds};
use rcgen::{CertificateParams, DnType, KeyPair};

use crate::made::{DAY_S, NOW, TESTED, VACCINATED};

const HEAD: &str =
    "surname = '王'\ngiven = '小明'\nsurname_icao = 'WANG'\ngiven_icao = 'XIAOMING'\nborn = '1949-12-31'\n";
const TAIL: &str = "country = 'CN'\nissued_by = 'Shanghai Health Commission'\n";

fn claim(what: &str) -> Claim {
    toml::from_str(&format!("{HEAD}{what}{TAIL}")).unwrap()
}

fn day(text: &str) -> UnixSeconds {
    hufu_hc1::date::day(text).unwrap()
}

/// A signer of CN, and the verifier of an operator that trusts it.
fn signer() -> (Signer, impl Fn(Option<[u8; 16]>) -> Verifier) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CountryName, "CN");
    params.not_before = rcgen::date_time_ymd(2026, 9, 1);
    params.not_after = rcgen::date_time_ymd(2027, 9, 1);
    let certificate = params.self_signed(&key).unwrap().der().to_vec();
    let signer = Signer::new(&key.serialize_der(), &certificate, NOW).unwrap();
    let verifier = move |revoked: Option<[u8; 16]>| {
        let operator = OperatorSigner::from_seed(&[1; 32]);
        let prepared = PreparedKey::new(operator.public()).unwrap();
        let dated = Dated { serial: 1, made_at: NOW };
        let listed = dsc::read(&certificate, None, None).unwrap();
        let signers = Signers::open(&Signers::sign(dated, &[listed], &operator), &prepared).unwrap();
        let revoked = revoked.map(|digest| {
            let group = Group { key_id: None, of: Digested::Id, digests: vec![digest] };
            Revoked::open(&Revoked::sign(dated, vec![group], &operator), &prepared).unwrap()
        });
        Verifier::new(signers, revoked, 64).unwrap()
    };
    (signer, verifier)
}

#[test]
fn r63_what_is_issued_here_is_verified_here_until_it_ends_or_is_revoked() {
    let (signer, verifier) = signer();
    let dose = format!(
        "[vaccination]\nvaccine = '1119349007'\nproduct = 'CoronaVac'\nmaker = 'Sinovac-Biotech'\ndose = 2\nseries = 2\n\
         date = '{VACCINATED}'\n"
    );
    let test =
        format!("[test]\nmethod = 'antigen'\nname = '1232'\ntaken = '{TESTED}'\ncentre = '瑞金医院'\n");
    let recovery = "[recovery]\nfirst_positive = '2026-08-01'\nfrom = '2026-08-12'\nuntil = '2027-01-28'\n";
    let product = Product::of("CoronaVac");
    let taken = hufu_hc1::date::moment(TESTED).unwrap();
    let until = UnixSeconds(day("2027-01-28").0 + DAY_S);
    for (nth, (what, proof)) in (1..).zip([
        (dose.as_str(), Proof::Vaccination { product, dose: 2, of: 2, on: day(VACCINATED) }),
        (&test, Proof::Test { kind: TestKind::Rapid, negative: true, taken }),
        (recovery, Proof::Recovery { positive: day("2026-08-01"), from: day("2026-08-12"), until }),
    ]) {
        let claim = claim(what);
        let uvci = Uvci::new("CN", 310_000, &[nth; 16]);
        let expires = UnixSeconds(NOW.0 + 30 * DAY_S);
        let text = signer.sign(&claim.check(NOW).unwrap(), (NOW, expires), &uvci).unwrap();
        let verify = |revoked, at| verifier(revoked).verify(at, text.as_bytes());
        let genuine = verify(None, NOW).unwrap();
        assert_eq!(
            (genuine.certificate.country, genuine.certificate.proof),
            (Country(*b"CN"), proof),
            "{what}"
        );
        assert_eq!(verify(None, expires), Err(Reason::Expired));
        assert_eq!(verify(Some(uvci.digest()), NOW), Err(Reason::ForeignRevoked));
        assert!(verify(Some([9; 16]), NOW).is_ok(), "another one is revoked");
    }
}
