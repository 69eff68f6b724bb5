//! Whatever comes in whatever order, the words are those of one history that both authorities signed, at the
//! sequence that is told (R22).

mod common;
mod play;

use common::Words;
use hufu_wire::Colour;
use play::*;
use proptest::prelude::*;

fn events(sets: usize) -> impl Strategy<Value = Vec<Event>> {
    let forgery = prop_oneof![
        Just(Forgery::NoLocal),
        Just(Forgery::NoNational),
        Just(Forgery::Swapped),
        Just(Forgery::Moved),
        Just(Forgery::Relinked),
        any::<u16>().prop_map(Forgery::Cut),
        any::<u16>().prop_map(Forgery::Flipped),
    ];
    let event = prop_oneof![
        12 => (0..sets).prop_map(Event::Set),
        // What comes in order is what leads anywhere.
        8 => (0..TRUE_SETS).prop_map(Event::Set),
        3 => (0..sets, forgery).prop_map(|(set, forgery)| Event::Forged(set, forgery)),
        4 => (0..sets, 0_u64..5000).prop_map(|(set, ms)| Event::Head(set, ms)),
        1 => (0..sets, 0_u64..5000).prop_map(|(set, ms)| Event::Lie(set, ms)),
        1 => (0..sets).prop_map(Event::ForgedHead),
        1 => (0_usize..4).prop_map(Event::Checkpoint),
        1 => (0_usize..4, 0_usize..4).prop_map(|(one, other)| Event::Mixed(one, other)),
        2 => Just(Event::Save),
        1 => Just(Event::Restart),
        2 => (1_u64..20_000).prop_map(Event::Wait),
    ];
    proptest::collection::vec(event, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Both histories, forgeries, lies, restarts: always one history, and in the end the one that was chosen.
    #[test]
    fn r22_any_order_of_anything_comes_to_the_chosen_history(events in events(TRUE_SETS + 5 + 3)) {
        let mut play = Play::begin();
        for event in &events {
            play.happen(event);
        }
        play.converge(&world().tail);
        prop_assert_eq!(play.engine.follower.tip(), &world().tail[2].tip);
    }

    /// Without a second history no order needs anybody's help: the feed alone brings every follower to the end.
    #[test]
    fn r23_any_order_of_one_history_comes_to_its_end(events in events(TRUE_SETS)) {
        let mut play = Play::begin();
        for event in &events {
            if !matches!(event, Event::Checkpoint(_) | Event::Mixed(..) | Event::Lie(..)) {
                play.happen(event);
            }
        }
        prop_assert!(!play.engine.follower.is_forked());
        play.converge(&world().truth);
        prop_assert_eq!(play.engine.follower.tip(), &world().truth[TRUE_SETS - 1].tip);
        prop_assert!(play.engine.follower.counters().sets_forked == 0);
    }
}

/// The worlds are worth something: each history turns people red, and they differ.
#[test]
fn the_histories_differ_where_it_matters() {
    let world = world();
    let red = |words: &Words| words.values().filter(|word| word.colour() == Some(Colour::Red)).count();
    assert!(world.truth.iter().chain(&world.twin).filter(|link| red(&link.words) > 0).count() > 10);
    assert_ne!(world.truth[PARTED].words, world.twin[0].words);
}
