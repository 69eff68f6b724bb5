//! A follower among sets, heads, checkpoints, forgeries, a second history, restarts and time, in an order that the fuzzer
//! chooses: it never goes back, its words are always those of one history, and in the end it comes to the one that
//! the authorities chose. Three bytes are one event.

mod common;
mod play;

use play::{Event, Forgery, Play, TRUE_SETS, world};

const EVENTS_MAX: usize = 60;

#[test]
fn any_life_of_a_follower() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let mut play = Play::begin();
        for &event in bytes.as_chunks::<3>().0.iter().take(EVENTS_MAX) {
            play.happen(&read(event));
        }
        play.converge(&world().tail);
        assert_eq!(play.engine.follower.tip(), &world().tail[2].tip);
    });
}

fn read([kind, which, much]: [u8; 3]) -> Event {
    let at = usize::from(which) % (world().truth.len() + world().twin.len() + world().tail.len());
    let ms = u64::from(much) * 20;
    match kind % 16 {
        0 | 1 => Event::Set(at),
        2..=5 => Event::Set(usize::from(which) % TRUE_SETS),
        6 => Event::Forged(at, forgery(much)),
        7 | 8 => Event::Head(at, ms),
        9 => Event::Lie(at, ms),
        10 => Event::ForgedHead(at),
        11 => Event::Checkpoint(usize::from(which) % 4),
        12 => Event::Mixed(usize::from(which) % 4, usize::from(much) % 4),
        13 => Event::Save,
        14 => Event::Restart,
        _ => Event::Wait(1 + ms * 4),
    }
}

fn forgery(much: u8) -> Forgery {
    let at = u16::from(much) * 3;
    match much % 8 {
        0 => Forgery::NoLocal,
        1 => Forgery::NoNational,
        2 => Forgery::Swapped,
        3 => Forgery::Moved,
        4 => Forgery::Relinked,
        5 => Forgery::Cut(at),
        _ => Forgery::Flipped(at),
    }
}
