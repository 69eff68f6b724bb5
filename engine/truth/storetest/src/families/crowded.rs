//! How many relatives a user may have, and users a relative, also when many apply at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use hufu_registry::{BindingId, Fault, RELATIVES_MAX, Side, USERS_MAX};
use hufu_wire::{HolderIndex, UnixMillis};
use tokio::task::JoinSet;

use super::{HOUR_MS, MORNING, Someone, add, bind, said, works};
use crate::{Database, ISSUER, Scene};

const TOO_MANY_RELATIVES: &str = "a user can have at most 8 relatives: end another binding first";
const TOO_MANY_USERS: &str = "a relative can be bound to at most 3 users: another user must end theirs first";

/// Eight and three; a binding that has ended makes room.
pub async fn r27_a_user_has_8_relatives_and_a_relative_3_users(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let mut users = Vec::new();
    for n in 0..4 {
        users.push(add(&scene, "19800101", n).await.1);
    }
    let mut children = Vec::new();
    for n in 0..10 {
        children.push(add(&scene, "20150101", n).await);
    }
    let mut first = None;
    for child in &children[..8] {
        let bound = works(bind(&scene, users[0], child, MORNING).await);
        first = first.or(Some(bound.binding.id));
    }
    let ninth = bind(&scene, users[0], &children[8], MORNING).await;
    assert!(matches!(ninth, Err(Fault::Conflict(_))));
    assert_eq!(said(ninth), TOO_MANY_RELATIVES);
    works(bind(&scene, users[1], &children[0], MORNING).await);
    works(bind(&scene, users[2], &children[0], MORNING).await);
    let fourth = bind(&scene, users[3], &children[0], MORNING).await;
    assert!(matches!(fourth, Err(Fault::Conflict(_))));
    assert_eq!(said(fourth), TOO_MANY_USERS);

    let later = UnixMillis(MORNING.0 + 24 * HOUR_MS);
    let first = first.expect("a binding");
    works(scene.registry.end_binding(&scene.operator, ISSUER, first, Side::Relative, later).await);
    works(bind(&scene, users[0], &children[8], later).await);
    assert_eq!(said(bind(&scene, users[0], &children[9], later).await), TOO_MANY_RELATIVES);
    works(bind(&scene, users[3], &children[0], later).await);
}

/// The order in which a crowd applies follows from a seed, and so does which of two registries each one asks.
fn shuffled<T>(mut all: Vec<T>, seed: u64) -> Vec<T> {
    let mut state = seed | 1;
    for at in (1..all.len()).rev() {
        // xorshift64, <https://www.jstatsoft.org/article/view/v008i14>.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let other = usize::try_from(state % (at as u64 + 1)).expect("an index");
        all.swap(at, other);
    }
    all
}

/// Everybody applies for everybody at once, through two registries. No limit is passed, and nobody is refused who had room.
pub async fn r27_many_applicants_at_once_do_not_pass_the_limits(database: &dyn Database) {
    const USERS: u32 = 5;
    const RELATIVES: u32 = 10;
    let scenes = [Arc::new(Scene::open(database).await), Arc::new(Scene::beside(database).await)];
    for seed in [0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03] {
        // Other people with each seed.
        let year = 2015 + u32::try_from(seed % 2 + seed % 3).expect("a year");
        let (mut users, mut relatives) = (Vec::new(), Vec::new());
        for n in 0..USERS {
            users.push(add(&scenes[0], &format!("19{:02}0101", year % 100), n).await.1);
        }
        for n in 0..RELATIVES {
            relatives.push(add(&scenes[0], &format!("{year}0101"), n).await);
        }
        let pairs = users.iter().flat_map(|user| relatives.iter().map(|relative| (*user, relative.clone())));
        let mut crowd = JoinSet::new();
        for (nth, (user, relative)) in
            shuffled(pairs.collect::<Vec<(u32, (Someone, u32))>>(), seed).into_iter().enumerate()
        {
            let scene = Arc::clone(&scenes[nth % 2]);
            crowd.spawn(async move {
                (user, relative.1, bind(&scene, user, &relative, MORNING).await.map(|_| ()))
            });
        }
        let mut bound: BTreeMap<(Side, u32), usize> = BTreeMap::new();
        let mut refused = Vec::new();
        while let Some(outcome) = crowd.join_next().await {
            let (user, relative, outcome) = works(outcome);
            match outcome {
                Ok(()) => {
                    *bound.entry((Side::User, user)).or_default() += 1;
                    *bound.entry((Side::Relative, relative)).or_default() += 1;
                }
                Err(fault) => refused.push((user, relative, said::<()>(Err(fault)))),
            }
        }
        let count = |side, holder: u32| bound.get(&(side, holder)).copied().unwrap_or_default();
        for (user, relative, why) in &refused {
            let is_full = match why.as_str() {
                TOO_MANY_RELATIVES => count(Side::User, *user) == RELATIVES_MAX,
                TOO_MANY_USERS => count(Side::Relative, *relative) == USERS_MAX,
                other => panic!("seed {seed}: {other}"),
            };
            assert!(is_full, "seed {seed}: {user} and {relative} had room: {why}");
        }
        assert!(!refused.is_empty(), "seed {seed}: the limits were never reached");
        for (side, holders, most) in [
            (Side::User, users.clone(), RELATIVES_MAX),
            (Side::Relative, relatives.iter().map(|relative| relative.1).collect(), USERS_MAX),
        ] {
            for holder in holders {
                let page = (BindingId(0), 1000);
                let (registry, operator) = (&scenes[1].registry, &scenes[1].operator);
                let listed =
                    registry.bindings(operator, ISSUER, (side, HolderIndex(holder)), page, MORNING).await;
                let listed = works(listed).len();
                assert!(listed <= most, "seed {seed}: {side:?} {holder} has {listed}");
                assert_eq!(listed, count(side, holder), "seed {seed}: as the applicants were told");
            }
        }
    }
}

/// A request that was sent again, or twice at once, makes one binding.
pub async fn r27_the_same_application_twice_is_one_binding(database: &dyn Database) {
    let scenes = [Scene::open(database).await, Scene::beside(database).await];
    let (_, user) = add(&scenes[0], "19800101", 1).await;
    let child = add(&scenes[0], "20150101", 1).await;
    let (one, two) =
        tokio::join!(bind(&scenes[0], user, &child, MORNING), bind(&scenes[1], user, &child, MORNING));
    assert_eq!(works(one).binding, works(two).binding);
    let later = UnixMillis(MORNING.0 + 30 * HOUR_MS);
    let again = works(bind(&scenes[0], user, &child, later).await).binding;
    assert_eq!((again.id, again.made), (BindingId(1), MORNING), "the evidence of the first stays");
    works(scenes[0].registry.end_binding(&scenes[0].operator, ISSUER, again.id, Side::User, later).await);
    let anew = works(bind(&scenes[0], user, &child, later).await).binding;
    assert_eq!((anew.id, anew.made), (BindingId(2), later), "one that was ended does not come back");
}
