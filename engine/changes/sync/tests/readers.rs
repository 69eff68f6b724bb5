//! Readers beside a follower: what they are told to rely on is there when they look.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};

use common::*;
use hufu_codes::chain::Tip;
use hufu_wire::chain::Change;
use hufu_wire::{Colour, HolderIndex, StatusWord};

/// Every set turns everybody to the next generation, red for odd sequences and green for even ones. A reader that is
/// told sequence `n` finds generation `n` or a later one in every word (R22).
#[test]
fn r22_words_read_after_a_sequence_include_it() {
    const HOLDERS: u32 = 64;
    let mut sets = Vec::new();
    let (mut tip, mut words) = (Tip::START, Words::new());
    for generation in 1..=100_u8 {
        let colour = if generation % 2 == 1 { Colour::Red } else { Colour::Green };
        let change = Change::Word(StatusWord::new(colour, generation));
        let changes: Vec<_> = (0..HOLDERS).map(|holder| (holder * 5000, change)).collect();
        let link = next(&tip, &words, &changes);
        (tip, words) = (link.tip, link.words.clone());
        sets.push(link);
    }

    let mut engine = engine();
    let (reader, is_done) = (engine.table.reader(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let slot = reader.slot(ISSUER).expect("followed");
            let mut looks = 0_u64;
            while !is_done.load(Ordering::Relaxed) || looks == 0 {
                let told = reader.as_of(slot).sequence.0;
                for holder in 0..HOLDERS {
                    let word = reader.lookup(slot, HolderIndex(holder * 5000));
                    let generation = u64::from(word.generation());
                    assert!(generation >= told, "told {told}, found {generation}");
                    let is_red = word.colour() == Some(Colour::Red);
                    assert!(generation == 0 || is_red == (generation % 2 == 1), "a word in half");
                }
                looks += 1;
            }
            looks
        });
        for set in &sets {
            engine.follower.change_set(&set.bytes, keyring(), later()).expect("the next one");
        }
        is_done.store(true, Ordering::Relaxed);
        assert!(looking.join().expect("no promise was broken") > 0);
    });
    assert_eq!(engine.follower.tip(), &tip);
}
