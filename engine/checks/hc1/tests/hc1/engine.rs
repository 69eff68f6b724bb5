//! An engine that takes certificates from abroad: verdicts, pass-back, records.

use std::sync::Arc;

use hufu_check::{
    ClusterKeys, Durability, Engine, EngineParts, Journal, Mark, Rate, Record, Spine, Standing, Trace,
};
use hufu_codes::keyring::Keyring;
use hufu_hc1::Verifier;
use hufu_hc1::revoked::{Digested, Group, Sought};
use hufu_policy::Sites;
use hufu_table::{Limits, Table};
use hufu_wire::{
    Age, CheckNumber, CheckRequest, CodeKind, Decision, DeviceGeneration, DeviceId, Grant, Lane, Reason, Scope,
    SiteId, UnixMillis, Verdict,
};

use crate::made::{self, NOW, Said, Signer, Value};

const KEY_ID: [u8; 8] = [7; 8];
const SITES: &str = r#"
[[site]]
id = 1
name = "Border"
accepts = ["phone", "foreign"]
foreign_countries = ["DE", "FR"]
foreign_rapid_age_max_h = 24
pass_back_s = 60

[[site]]
id = 2
name = "School"

[[site]]
id = 3
name = "Hospital"
accepts = ["foreign"]
foreign_kinds = ["vaccination"]
foreign_products = ["EU/1/20/1507"]
foreign_vaccination_until_d = 270
on_foreign_not_enough = "refer"
"#;

struct Recorder(Vec<Record>);

impl Journal for Recorder {
    fn begin(&mut self, _: usize) -> bool {
        true
    }

    fn note(&mut self, records: impl ExactSizeIterator<Item = Record>) -> Mark {
        self.0.extend(records);
        Mark { position: self.0.len() as u64, durability: Durability::Written }
    }

    fn standing(&self, _: Mark) -> Standing {
        Standing::Durable
    }

    fn wait(&self) {}
}

struct Checkpoint {
    engine: Arc<Engine>,
    spine: Spine<Recorder>,
}

impl Checkpoint {
    fn new() -> Checkpoint {
        let now = UnixMillis(u64::from(NOW.0) * 1000);
        let engine = Engine::new(EngineParts {
            table: Table::new(Limits::for_holders(1, 10)).unwrap().reader(),
            keyring: Keyring::empty(),
            sites: Sites::parse(SITES, "sites.toml").unwrap(),
            cluster: ClusterKeys::from_seed(&[3; 32], now).unwrap(),
            devices_max: 64,
            device_rate: Rate { per_s: 1_000_000, burst: 1_000_000 },
            cookie_s: 3600,
            seen_entries: 16,
            pass_back_entries: 1024,
        })
        .unwrap();
        let spine = Spine::with_journal(Arc::clone(&engine), Recorder(Vec::new())).unwrap();
        Checkpoint { engine, spine }
    }

    fn trust(&self, signers: &[&Signer], revoked: Vec<Group>) {
        let revoked = (!revoked.is_empty()).then(|| made::revoked(revoked));
        let verifier = Verifier::new(made::opened(signers), revoked, 64).unwrap();
        self.engine.set_foreign(Some(Arc::new(verifier)));
    }

    fn show_all(&mut self, device: u32, site: u32, texts: &[&str]) -> Vec<Verdict> {
        let grant = Grant {
            device: DeviceId(device),
            generation: DeviceGeneration(0),
            site: SiteId(site),
            scope: Scope::CHECKS,
        };
        let now = UnixMillis(u64::from(NOW.0) * 1000);
        let request = |text: &&'static str| (CheckNumber(1), CheckRequest::of_scan(Lane(0), text.as_bytes()));
        let texts: Vec<&'static str> = texts.iter().map(|text| &*text.to_string().leak()).collect();
        let requests: Vec<_> = texts.iter().map(request).collect();
        let mut verdicts = vec![Verdict::of(CheckNumber(0), now, Reason::Busy); texts.len()];
        self.spine.check(now, &grant, &requests, &mut verdicts);
        verdicts
    }

    fn show(&mut self, device: u32, site: u32, text: &str) -> (Decision, Reason) {
        let verdict = self.show_all(device, site, &[text])[0];
        assert_eq!((verdict.colour, verdict.age, verdict.as_of.0), (None, Age::Unknown, 0), "no colour, ever");
        (verdict.decision, verdict.reason)
    }
}

#[test]
fn r63_a_site_admits_a_certificate_that_says_what_it_asks() {
    use Decision::{Admit, Refer, Refuse};
    let (german, swiss) = (Signer::es256("DE", KEY_ID), Signer::ps256("CH", [8; 8]));
    let mut checkpoint = Checkpoint::new();
    let text = german.text(&Said::vaccination());
    assert_eq!(checkpoint.show(1, 1, &text), (Refuse, Reason::ForeignCode), "nothing verifies it");
    checkpoint.trust(&[&german, &swiss], Vec::new());
    let texts = |said: Said| german.text(&said);
    let (vaccination, test, recovery) = (Said::vaccination(), Said::test(), Said::recovery());
    let text_of = |value| Value::Text(value);
    for (site, text, expected) in [
        (1, text.clone(), (Admit, Reason::Clear)),
        (1, texts(test.clone()), (Admit, Reason::Clear)),
        (1, texts(recovery.clone()), (Admit, Reason::Clear)),
        (2, text.clone(), (Refuse, Reason::KindNotAccepted)),
        (3, text.clone(), (Refer, Reason::ForeignNotEnough)),
        (3, texts(recovery.clone()), (Refer, Reason::ForeignNotEnough)),
        (3, texts(vaccination.clone().with("mp", text_of("EU/1/20/1507"))), (Admit, Reason::Clear)),
        (1, swiss.text(&Said { issuer: None, ..vaccination.clone() }), (Refuse, Reason::IssuerNotRecognised)),
        (1, texts(vaccination.clone().with("dn", Value::Int(1))), (Refuse, Reason::DosesTooFew)),
        (1, texts(vaccination.clone().with("dt", text_of("2026-09-08"))), (Refuse, Reason::ForeignNotEnough)),
        (1, texts(vaccination.clone().with("dt", text_of("2026-09-07"))), (Admit, Reason::Clear)),
        (1, texts(vaccination.with("dt", text_of("2026-12-01"))), (Refuse, Reason::ForeignNotEnough)),
        (1, texts(test.clone().with("tr", text_of("260373001"))), (Refuse, Reason::TestPositive)),
        (1, texts(test.clone().with("sc", text_of("2026-09-17T12:00:00Z"))), (Refuse, Reason::TestTooOld)),
        (1, texts(test.clone().with("tt", text_of("LP217198-3"))), (Refuse, Reason::TestTooOld)),
        (1, texts(test.with("tt", text_of("LP0000-0"))), (Refuse, Reason::ForeignNotEnough)),
        (1, texts(recovery.with("df", text_of("2026-10-01"))), (Refuse, Reason::ForeignNotEnough)),
        (1, "HC1:".to_owned(), (Refuse, Reason::ForeignUnreadable)),
        (1, format!("HC1:{}", "0".repeat(1500)), (Refuse, Reason::ForeignUnreadable)),
        (1, "hc1:NCF".to_owned(), (Refuse, Reason::ForeignCode)),
        (1, "shc:/5676".to_owned(), (Refuse, Reason::ForeignCode)),
    ] {
        assert_eq!(checkpoint.show(1, site, &text), expected, "site {site}: {text}");
        assert_eq!(checkpoint.show(1, site, &text), expected, "and again");
    }
}

#[test]
fn r63_neighbours_in_a_batch_change_nothing() {
    let signer = Signer::es256("DE", KEY_ID);
    let mut checkpoint = Checkpoint::new();
    checkpoint.trust(&[&signer], Vec::new());
    let texts = [signer.text(&Said::vaccination()), "HF1:BB8".to_owned(), "HC1:BB8".to_owned(), signer.text(&Said::test())];
    let verdicts = checkpoint.show_all(1, 1, &texts.each_ref().map(String::as_str));
    let found: Vec<_> = verdicts.iter().map(|verdict| (verdict.reason, verdict.kind)).collect();
    let foreign = Some(CodeKind::Foreign);
    assert_eq!(
        found,
        [
            (Reason::Clear, foreign),
            (Reason::BadEncoding, None),
            (Reason::ForeignUnreadable, foreign),
            (Reason::Clear, foreign)
        ]
    );
    assert_eq!(checkpoint.spine.journal().0.len(), 4, "each has its record");
}

#[test]
fn r63_one_certificate_passes_one_gate_at_a_time_whatever_text_carries_it() {
    let signer = Signer::es256("DE", KEY_ID);
    let mut checkpoint = Checkpoint::new();
    checkpoint.trust(&[&signer], Vec::new());
    let said = Said::vaccination();
    assert_eq!(checkpoint.show(1, 1, &signer.text(&said)).1, Reason::Clear);
    // Signed once more: another signature, another text, the same identifier.
    assert_eq!(checkpoint.show(2, 1, &signer.text(&said)).1, Reason::PassBack);
    assert_eq!(checkpoint.show(1, 1, &signer.text(&said)).1, Reason::Clear, "the same gate");
    assert_eq!(checkpoint.show(2, 1, &signer.text(&Said::recovery())).1, Reason::Clear, "another certificate");
}

#[test]
fn r63_a_record_has_the_beginning_of_the_signature_and_only_of_a_genuine_one() {
    let signer = Signer::es256("DE", KEY_ID);
    let mut checkpoint = Checkpoint::new();
    checkpoint.trust(&[&signer], Vec::new());
    let payload = Said::test().payload();
    let protected = made::header(Some(-7), Some(KEY_ID));
    let signature = signer.signature(&made::to_sign(&protected, &payload));
    let text = made::text(&made::message(&protected, &[0xa0], &payload, &signature));
    let forged = made::text(&made::message(&protected, &[0xa0], &payload, &[5; 64]));
    checkpoint.show_all(1, 1, &[&text, &forged, &text]);
    let traces: Vec<_> = checkpoint.spine.journal().0.iter().map(|record| record.trace).collect();
    let half = Trace::Code(signature[..32].try_into().unwrap());
    assert_eq!(traces, [half, Trace::None, half]);
}

#[test]
fn r63_another_list_forgets_what_was_verified_under_the_one_before() {
    let signer = Signer::es256("DE", KEY_ID);
    let mut checkpoint = Checkpoint::new();
    checkpoint.trust(&[&signer], Vec::new());
    let text = signer.text(&Said::vaccination());
    for _ in 0..2 {
        assert_eq!(checkpoint.show(1, 1, &text).1, Reason::Clear);
    }
    let id = "URN:UVCI:01DE/IZ12345A/5CWLU12RNOB9RXSEOP6FG8#W";
    let digest = Digested::Id.digest(&Sought { key_id: KEY_ID, signature: &[], country: "", id });
    checkpoint.trust(&[&signer], vec![Group { key_id: None, of: Digested::Id, digests: vec![digest] }]);
    assert_eq!(checkpoint.show(1, 1, &text).1, Reason::ForeignRevoked);
    checkpoint.trust(&[], Vec::new());
    assert_eq!(checkpoint.show(1, 1, &text).1, Reason::KeyUnknown);
    checkpoint.engine.set_foreign(None);
    assert_eq!(checkpoint.show(1, 1, &text).1, Reason::ForeignCode);
}
