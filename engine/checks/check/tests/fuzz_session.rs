//! Sessions of several devices in an order that the fuzzer chooses: checks, repeats, losses, altered packets, numbers that are
//! left out, enrolments, revocations and a clock that leaps. No reply is as long as its request, nothing altered is
//! answered, and no presentation is admitted at two places inside the window. Four bytes are one action.

mod common;
mod town;

use std::rc::Rc;

use common::Checkpoint;
use town::{Action, Codes, DEVICES, Town};

const ACTIONS_MAX: usize = 120;

thread_local! {
    /// Signed once.
    static CODES: Rc<Codes> = Rc::new(Codes::new(&Checkpoint::new()));
}

#[test]
fn any_life_of_sessions() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let mut town = Town::new(&CODES.with(Rc::clone));
        for &action in bytes.as_chunks::<4>().0.iter().take(ACTIONS_MAX) {
            town.act(read(action));
        }
    });
}

fn read([kind, device, one, two]: [u8; 4]) -> Action {
    let device = usize::from(device) % DEVICES;
    match kind % 16 {
        0..=5 => Action::Show {
            device,
            older: usize::from(one % 3),
            lane: u16::from(two & 1),
            holder: u32::from(two >> 1 & 1),
            paper: two & 4 != 0,
            steps: i32::from(two >> 3) % 3 - 1,
            lost: two >= 224,
        },
        6..=8 => Action::Replay { back: usize::from(one % 40) },
        9 => Action::Alter { back: usize::from(one % 40), at: usize::from(two) * 7 },
        10 => Action::Skip { device, numbers: 1 + u64::from(one) },
        11 => Action::Enrol { device, generation_back: u32::from(one % 3) },
        12 => Action::Visitors { device, sessions: 1 + u64::from(one % 4) },
        13 => Action::Replace { device, revoked: one & 1 != 0 },
        14 => Action::Clock { by_s: i64::from(one.cast_signed()) },
        _ => Action::Clock { by_s: i64::from(one.cast_signed()) * 60 },
    }
}
