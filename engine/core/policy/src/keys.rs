//! Every key of a site's table: the text behind `docs/POLICY.md` and behind "did you mean".

/// One key of a `[[site]]` table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// As written in the file.
    pub name: &'static str,
    /// What holds when it is left out, as it would be written; "required" and "none" stand for themselves.
    pub default: &'static str,
    /// The unit, or the kind of value.
    pub unit: &'static str,
}

macro_rules! keys {
    ($($konst:ident $name:literal $default:literal $unit:literal;)*) => {
        $(pub(crate) const $konst: Key = Key { name: $name, default: $default, unit: $unit };)*

        /// Every key, in the order of `docs/POLICY.md`.
        pub const KEYS: &[Key] = &[$($konst),*];
    };
}

keys! {
    ID "id" "required" "site id";
    NAME "name" "required" "text";
    HUB "hub" "none" "hub id";
    HOTLINE "hotline" "none" "text";
    ORGANISATION "organisation" "none" "text";
    ACCEPTS "accepts" "[\"phone\"]" "kinds";
    ROSTER "roster" "false" "true or false";
    ISSUERS "issuers" "\"all-trusted\"" "issuer ids";
    ADMITS "admits" "[\"green\"]" "colours";
    ON_AMBER "on_amber" "\"refer\"" "refer or refuse";
    ON_UNKNOWN "on_unknown" "\"refer\"" "refer or refuse";
    ON_EXPIRED "on_expired" "\"refer\"" "refer or refuse";
    STALENESS_MS_MAX "staleness_ms_max" "60000" "milliseconds";
    OFFLINE_AGE_S_MAX "offline_age_s_max" "none" "seconds";
    ON_STALE "on_stale" "\"refer\"" "refer or refuse";
    TEST_AGE_MAX_H "test_age_max_h" "none" "hours";
    ON_TEST_MISSING "on_test_missing" "\"refuse\"" "refer or refuse";
    ON_TEST_TOO_OLD "on_test_too_old" "\"refuse\"" "refer or refuse";
    ON_TEST_PENDING "on_test_pending" "\"refer\"" "refer or refuse";
    ON_TEST_POSITIVE "on_test_positive" "\"refuse\"" "refer or refuse";
    DOSES_MIN "doses_min" "0" "doses";
    ON_DOSES_TOO_FEW "on_doses_too_few" "\"refuse\"" "refer or refuse";
    FOREIGN_KINDS "foreign_kinds" "[\"vaccination\", \"test\", \"recovery\"]" "kinds of certificate";
    FOREIGN_COUNTRIES "foreign_countries" "\"all-trusted\"" "country codes";
    FOREIGN_PRODUCTS "foreign_products" "\"all\"" "vaccine products";
    FOREIGN_DOSES_COMPLETE "foreign_doses_complete" "true" "true or false";
    FOREIGN_VACCINATION_FROM_D "foreign_vaccination_from_d" "14" "days";
    FOREIGN_VACCINATION_UNTIL_D "foreign_vaccination_until_d" "none" "days";
    FOREIGN_NAAT_AGE_MAX_H "foreign_naat_age_max_h" "72" "hours";
    FOREIGN_RAPID_AGE_MAX_H "foreign_rapid_age_max_h" "0" "hours";
    FOREIGN_RECOVERY_FROM_D "foreign_recovery_from_d" "11" "days";
    FOREIGN_RECOVERY_UNTIL_D "foreign_recovery_until_d" "180" "days";
    ON_FOREIGN_NOT_ENOUGH "on_foreign_not_enough" "\"refuse\"" "refer or refuse";
    SKEW_STEPS "skew_steps" "1" "steps of 30 s";
    ON_CLOCK_SKEW "on_clock_skew" "\"refer\"" "refer or refuse";
    PASS_BACK_S "pass_back_s" "30 × (2 × skew_steps + 1)" "seconds";
    PASS_BACK_BY "pass_back_by" "\"device\"" "device or lane";
    RECORDS "records" "\"written\"" "memory, written or synced";
    UNRECORDED_UNTIL "unrecorded_until" "none" "a date and time with its zone";
}

/// The key an operator probably meant, `None` when nothing is near.
pub(crate) fn nearest(written: &str) -> Option<&'static str> {
    nearest_of(written, KEYS.iter().map(|key| key.name))
}

/// The word of `known` that takes fewest edits to reach from `written`, at most a third of its length.
pub(crate) fn nearest_of(written: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    // Longer than any key: not worth the square of its length.
    if written.len() > 64 {
        return None;
    }
    let written = written.to_ascii_lowercase();
    known
        .map(|word| (strsim::levenshtein(&written, word), word))
        .min()
        .filter(|(edits, word)| *edits <= 1 + word.len() / 3)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_near_within_one_edit_and_a_third_of_its_length() {
        const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
        let near = |written: &str, known: &'static str| nearest_of(written, [known].into_iter()).is_some();
        assert!(near("abcxyz", "abcdef") && !near("abwxyz", "abcdef"));
        assert!(near("o", "no") && !near("on", "no"));
        assert!(near(LONG, LONG) && !near(&format!("{LONG}a"), LONG));
        assert_eq!(LONG.len(), 64);
    }

    #[test]
    fn the_nearest_key_is_suggested_and_a_far_one_is_not() {
        assert_eq!(nearest("skew_step"), Some("skew_steps"));
        assert_eq!(nearest("Accept"), Some("accepts"));
        assert_eq!(nearest("staleness_max_ms"), Some("staleness_ms_max"));
        assert_eq!(nearest("passback_s"), Some("pass_back_s"));
        assert_eq!(nearest("colour_of_the_door"), None);
        assert_eq!(nearest(&"x".repeat(1 << 20)), None);
    }
}
