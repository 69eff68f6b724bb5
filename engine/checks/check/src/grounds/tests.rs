use super::*;

/// The longest time from the first moment at which any site takes a presentation to the last at which this one does.
#[test]
fn r09_a_presentation_counts_for_as_long_as_it_can_be_shown() {
    let site = |id: u32, skew_steps: u8, pass_back_s: u32| {
        format!(
            "[[site]]\nid = {id}\nname = \"Door\"\nskew_steps = {skew_steps}\npass_back_s = {pass_back_s}\n"
        )
    };
    let sites = [site(1, 4, 1), site(2, 2, 1), site(3, 2, 500), site(4, 3, 0)].concat();
    let rules = Rules::new(Sites::parse(&sites, "sites.toml").unwrap());
    let told = |presented| -> Vec<u32> {
        rules.sites.iter().map(|site| rules.pass_back_s(site, presented)).collect()
    };
    assert_eq!(told(true), [9 * limits::STEP_S, 7 * limits::STEP_S, 500, 0]);
    assert_eq!(told(false), [1, 1, 500, 0]);
    assert_eq!(rules.pass_back_s_max, 500);
}
