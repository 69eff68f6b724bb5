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

/// A crowd applies at once, through two registries: two users for twelve relatives each, and six users for four relatives.
/// No limit is passed, and all the room there is gets used.
pub async fn r27_many_applicants_at_once_do_not_pass_the_limits(database: &dyn Database) {
    let scenes = [Arc::new(Scene::open(database).await), Arc::new(Scene::beside(database).await)];
    for (year, seed) in [(2015, 0x9e37_79b9_7f4a_7c15), (2016, 0xd1b5_4a32_d192_ed03)] {
        // Other people with each seed.
        let (mut users, mut relatives) = (Vec::new(), Vec::new());
        for n in 0..8 {
            users.push(add(&scenes[0], &format!("{}0101", year - 35), n).await.1);
        }
        for n in 0..16 {
            relatives.push(add(&scenes[0], &format!("{year}0101"), n).await);
        }
        let ((greedy, modest), (free, sought)) = (users.split_at(2), relatives.split_at(12));
        let all = |users: &[u32], relatives: &[(Someone, u32)]| -> Vec<_> {
            let pairs =
                |user: &u32| relatives.iter().map(|relative| (*user, relative.clone())).collect::<Vec<_>>();
            users.iter().flat_map(pairs).collect()
        };
        let mut crowd = JoinSet::new();
        let pairs = shuffled([all(greedy, free), all(modest, sought)].concat(), seed);
        for (nth, (user, relative)) in pairs.into_iter().enumerate() {
            let scene = Arc::clone(&scenes[nth % 2]);
            crowd.spawn(async move { bind(&scene, user, &relative, MORNING).await.map(|_| ()) });
        }
        let mut refused = BTreeMap::new();
        while let Some(outcome) = crowd.join_next().await {
            if let Err(fault) = works(outcome) {
                *refused.entry(said::<()>(Err(fault))).or_insert(0) += 1;
            }
        }
        let whole = |count: usize| i32::try_from(count).expect("a few");
        let wanted = [
            (TOO_MANY_RELATIVES.to_owned(), whole(greedy.len() * (free.len() - RELATIVES_MAX))),
            (TOO_MANY_USERS.to_owned(), whole(sought.len() * (modest.len() - USERS_MAX))),
        ];
        assert_eq!(refused, BTreeMap::from(wanted), "seed {seed}");
        let bound = async |side, holder: u32| {
            let (registry, operator) = (&scenes[1].registry, &scenes[1].operator);
            let page = (BindingId(0), 1000);
            works(registry.bindings(operator, ISSUER, (side, HolderIndex(holder)), page, MORNING).await).len()
        };
        for user in greedy {
            assert_eq!(bound(Side::User, *user).await, RELATIVES_MAX, "seed {seed}");
        }
        for relative in sought {
            assert_eq!(bound(Side::Relative, relative.1).await, USERS_MAX, "seed {seed}");
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
