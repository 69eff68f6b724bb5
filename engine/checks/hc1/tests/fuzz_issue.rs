//! What any clerk may write in a claim: it is refused, or it fits the schema. The corpus begins with a good one.

use hufu_hc1::issue::{Claim, Uvci};
use hufu_wire::UnixSeconds;

const NOW: UnixSeconds = UnixSeconds(1_795_219_200);

#[test]
fn any_claim() {
    bolero::check!().for_each(|input: &[u8]| {
        let Ok(text) = str::from_utf8(input) else { return };
        if let Ok(uvci) = Uvci::read(text) {
            assert!(uvci.as_str().len() <= 80);
        }
        let Ok(claim) = toml::from_str::<Claim>(text) else { return };
        if let Ok(checked) = claim.check(NOW) {
            let names = [checked.surname_icao(), checked.given_icao()];
            let is_icao = |name: &&str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'<');
            assert!(names.iter().all(is_icao) && !names[0].is_empty());
            assert!(names.iter().all(|name| name.len() <= 80) && claim.surname.chars().count() <= 80);
        }
    });
}
