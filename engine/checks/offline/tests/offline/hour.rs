//! An hour without a network, as a whole.

use std::collections::BTreeMap;

use hufu_offline::Shelf;
use hufu_policy::{Facts, Shown, Sites, evaluate};
use hufu_sync::SetAnswer;
use hufu_table::OsDisk;
use hufu_wire::chain::Change;
use hufu_wire::{Age, Colour, Decision, HolderIndex, Lane, Reason, SiteId, StatusWord, UnixMillis};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::book::kept;
use crate::world::{DEVICE, ISSUER, SITES, START, World, after, gate, paper};

const HOLDERS: u32 = 400;
const HOUR_MS: u64 = 3_600_000;

fn colour(number: u64) -> Colour {
    [Colour::Green, Colour::Red, Colour::Amber][usize::try_from(number % 3).unwrap()]
}

/// 1 % of the holders change colour in the hour. The gate hears of half of it by other ways, of the rest when the network
/// is back. Every verdict is right for the place of the chain that it names; every record arrives once.
#[test]
fn r06_an_hour_without_a_network() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut below = |limit: u32| u32::try_from(random.next_u64() % u64::from(limit)).unwrap();
    let words: Vec<_> = (0..HOLDERS)
        .map(|holder| {
            let colour = if below(25) == 0 { Colour::Red } else { Colour::Green };
            (holder, StatusWord::new(colour, u8::from(below(50) == 0) + 1))
        })
        .collect();
    let mut world = World::new(&words);
    let (mut door, _folder) = gate(&world, 1);
    let offline = Sites::parse(SITES, "sites.toml").unwrap().offline();
    let policy = offline.get(SiteId(1)).unwrap();
    let (mut sets, mut turned_red, mut given) = (Vec::new(), Vec::new(), 0);
    let mut history = vec![world.words.clone()];
    let mut used: BTreeMap<u32, u64> = BTreeMap::new();

    for minute in 1..=60_u64 {
        let now = UnixMillis(START.0 + minute * 60_000);
        if minute % 15 == 0 {
            let change = Change::Status(StatusWord::new(colour(minute / 15), 0));
            sets.push(world.change(now, &[(below(HOLDERS), change)]));
            history.push(world.words.clone());
        }
        // After half of the hour the gate is brought what there is.
        if minute == 31 {
            for set in &sets[given..] {
                let answer = door.change_set(after(minute * 60_000), ISSUER, set, &mut turned_red).unwrap();
                assert!(matches!(answer, SetAnswer::Applied { .. }), "{answer:?}");
            }
            given = sets.len();
        }
        for visitor in 0..5 {
            let (holder, generation) = (below(HOLDERS), u8::from(below(50) == 0) + 1);
            let ms = minute * 60_000 + visitor;
            let shown = door.check(after(ms), Lane(0), paper(holder, generation).as_bytes()).unwrap();
            let verdict = shown.verdict;
            let known = &history[usize::try_from(verdict.as_of.0).unwrap()];
            let facts = Facts {
                now: verdict.server_time.seconds(),
                shown: Shown::Paper { generation },
                issuer: ISSUER,
                status: known[&holder],
                age: verdict.age,
            };
            let expected = evaluate(policy, &facts);
            assert_eq!((verdict.decision, verdict.reason), (expected.decision(), expected.reason()));
            assert_eq!((verdict.server_time, shown.since), (UnixMillis(START.0 + ms), START));
            assert_eq!(usize::try_from(verdict.as_of.0).unwrap(), given, "what it had been brought");
            assert!(matches!(verdict.age, Age::Millis(age) if u64::from(age) >= ms), "never too young");
            if verdict.decision == Decision::Admit {
                used.insert(holder, verdict.number.0);
            }
        }
    }

    // The network is back.
    let later = after(HOUR_MS + 1000);
    for set in &sets[given..] {
        door.change_set(later, ISSUER, set, &mut turned_red).unwrap();
    }
    door.head(later, ISSUER, &world.head(UnixMillis(START.0 + HOUR_MS))).unwrap();
    for (holder, word) in &world.words {
        assert_eq!(door.lists()[0].words().status(HolderIndex(*holder)), *word);
    }
    for event in &turned_red {
        assert!(used.values().any(|counter| *counter == event.counter), "{event:?}");
    }
    let shelves = tempfile::tempdir().unwrap();
    let mut shelf = Shelf::open(&OsDisk::shared(), shelves.path()).unwrap();
    for lost in [true, false, true, false, false, false, false, false] {
        let handover = door.book().handover(64).unwrap();
        let received = shelf.receive(DEVICE, &handover).unwrap();
        if !lost {
            door.book().handed_over(received.kept).unwrap();
        }
    }
    assert_eq!(kept(shelves.path()), (1..=300).collect::<Vec<_>>());
    assert_eq!(door.book().waiting(), 0);
    let verdict = door.check(later, Lane(0), paper(HOLDERS, 1).as_bytes()).unwrap().verdict;
    assert_eq!((verdict.reason, verdict.as_of.0), (Reason::StatusUnknown, 4));
}
