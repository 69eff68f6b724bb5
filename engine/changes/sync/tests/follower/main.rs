//! What a follower does with each thing that can come, one by one.

mod clocks;
#[path = "../common/mod.rs"]
mod common;
mod forks;
mod heads;
mod sets;
mod snapshots;
mod warm;

use common::*;
use hufu_codes::chain::Tip;
use hufu_sync::{HeadAnswer, SetAnswer, SyncFault};
use hufu_wire::chain::{Change, Head};
use hufu_wire::{Colour, StatusWord, UnixMillis};

const GREEN: StatusWord = StatusWord::new(Colour::Green, 0);
const RED: StatusWord = StatusWord::new(Colour::Red, 0);

fn turned(word: StatusWord) -> Change {
    Change::Status(word)
}

/// Holder 1 becomes green, red, and gets a new phone.
fn chain() -> [Link; 3] {
    let first = next(&Tip::START, &Words::new(), &[(1, turned(GREEN)), (2, turned(GREEN))]);
    let second = next(&first.tip, &first.words, &[(1, turned(RED))]);
    let third = next(&second.tip, &second.words, &[(1, Change::Generation(1))]);
    [first, second, third]
}

/// Another second set that both authorities signed: holder 1 stays green.
fn twin(chain: &[Link; 3]) -> Link {
    next(&chain[0].tip, &chain[0].words, &[(2, turned(RED))])
}

fn head(tip: &Tip, time: UnixMillis) -> [u8; Head::BYTES] {
    publisher().head(ISSUER, tip, time)
}

fn after(tip: &Tip, ms: u64) -> UnixMillis {
    UnixMillis(tip.confirmed.0 + ms)
}

impl Engine {
    fn set(&mut self, link: &Link) -> Result<SetAnswer, SyncFault> {
        self.follower.change_set(&link.bytes, keyring(), later())
    }

    fn apply(&mut self, links: &[Link]) {
        for link in links {
            let (sequence, words) = (link.tip.sequence, &link.words);
            assert!(matches!(self.set(link), Ok(SetAnswer::Applied { .. })), "{sequence}");
            assert_eq!((self.sequence(), self.follower.tip()), (sequence, &link.tip));
            assert!(words.iter().all(|(holder, word)| self.word(*holder) == *word), "{sequence}");
        }
    }

    fn head(&mut self, tip: &Tip, time: UnixMillis, now: UnixMillis) -> Result<HeadAnswer, SyncFault> {
        self.follower.head(&head(tip, time), keyring(), now)
    }
}
