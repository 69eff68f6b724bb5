//! The highest rate that a server holds.

/// Where the search begins, checks a second.
pub(crate) const FIRST_PER_S: u32 = 20_000;
/// Where it ends: far beyond what one core can send.
const LAST_PER_S: u32 = 2_000_000;
/// How often the step between what holds and what does not is halved.
const HALVINGS: usize = 3;

/// The highest rate for which `holds` is true, as far as a few trials tell. A trial that fails is tried once
/// more: on a busy machine one disturbance must not end the search. 0 when even the first rate does not hold.
pub(crate) fn highest<E>(mut holds: impl FnMut(u32) -> Result<bool, E>) -> Result<u32, E> {
    let mut twice = |rate_per_s| Ok(holds(rate_per_s)? || holds(rate_per_s)?);
    let (mut good, mut bad) = (0, FIRST_PER_S);
    while bad < LAST_PER_S && twice(bad)? {
        good = bad;
        bad += bad / 2;
    }
    for _ in 0..HALVINGS {
        let middle = good.midpoint(bad);
        if twice(middle)? {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Ok(good)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn the_search_comes_near_what_holds_from_below() {
        for limit in [3_000, 20_000, 61_000, 260_000] {
            let found = highest(|rate| Ok::<_, Infallible>(rate <= limit)).unwrap();
            assert!(found <= limit && f64::from(found) > f64::from(limit) * 0.8, "{found} of {limit}");
        }
    }

    #[test]
    fn one_disturbance_does_not_end_the_search() {
        let mut trials = 0;
        let found = highest(|rate| {
            trials += 1;
            Ok::<_, Infallible>(trials % 3 != 0 && rate <= 100_000)
        });
        assert!(found.unwrap() > 80_000);
    }
}
