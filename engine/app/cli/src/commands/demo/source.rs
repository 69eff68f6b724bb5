//! The source of truth at work: a registry in a process of its own, and the chains that come out of it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hufu_authority::Remote;
use hufu_authority::figures::followed;
use hufu_contract::{Brake, IssuerEdit, SecondPhone};
use hufu_files::unavailable;
use hufu_wire::chain::Change;
use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusWord};

use super::authorities::{CHAINED, NATIONAL, PUBLISHER};
use super::chain::Chain;
use super::child::{Engine, Registry};
use super::place::Place;
use super::summary;
use crate::progress::{COUNT, progress};

/// A running registry with everybody in it.
pub(super) struct Source {
    /// One for each issuer that is followed, the home province's first.
    chains: [Chain; CHAINED.len()],
    _registry: Registry,
}

/// How an issuer's chain ends at the registry and in the engine.
pub(super) struct Agreement {
    /// Whose chain.
    pub(super) issuer: IssuerId,
    /// Its last set at the registry.
    pub(super) sequence: Sequence,
    /// That set's chain digest, hexadecimal.
    pub(super) digest: String,
    /// Whether the engine says the same.
    pub(super) is_one: bool,
}

/// How long the engine may take to follow everything that is in the registry: a country, on a busy machine.
const FOLLOWED_WITHIN: Duration = Duration::from_secs(300);
/// How long it may take for the last few sets.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(10);
/// Everybody may be set back at once: a demo whose changes the brake holds would show nothing.
const NO_BRAKE: Brake = Brake { share_permille: 1_000, window_s: 1, free: u32::MAX };

impl Source {
    /// Starts the registry, and brings everybody's status in through the chain.
    pub(super) fn start(place: &Place) -> anyhow::Result<Source> {
        let begun = Instant::now();
        let registry = Registry::start(&place.registry_config(), &place.folder.join("registry.log"))?;
        let took_ms = begun.elapsed().as_millis();
        let what = format!("process {}, API at {}, SQLite, after {took_ms} ms", registry.pid(), registry.api);
        summary::step("registry", &what);
        let remote = place.registry()?;
        release_brakes(&remote)?;
        place.let_engine_in(&remote)?;

        let begun = Instant::now();
        let [home, neighbour] = CHAINED.map(|issuer| place.chain(issuer));
        let mut chains = [home?, neighbour?];
        let bar = progress(place.world.holders().into(), "people", COUNT);
        for chain in &mut chains {
            chain.populate(everybody(place, chain.issuer()), |more| bar.inc(more))?;
        }
        bar.finish_and_clear();
        let source = Source { chains, _registry: registry };
        let (sets, took) = (source.sets(), begun.elapsed().as_secs_f64());
        let people = place.world.holders();
        summary::step(
            "people",
            &format!("{people} of 3 issuers; {sets} change sets, proposed and confirmed in {took:.1} s"),
        );
        Ok(source)
    }

    /// The home province's chain.
    pub(super) fn home(&mut self) -> &mut Chain {
        &mut self.chains[0]
    }

    /// Waits until the engine has followed everything; how many sets that are.
    pub(super) fn wait_for(&self, engine: &Engine) -> anyhow::Result<u64> {
        let begun = Instant::now();
        while !self.compare_once(engine)?.iter().all(|agreement| agreement.is_one) {
            if begun.elapsed() > FOLLOWED_WITHIN {
                return Err(unavailable("the engine has not followed the registry; its log is engine.log"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(self.sets())
    }

    /// Compares how chains end, after the engine has had time to hear of the last sets.
    pub(super) fn compare(&self, engine: &Engine) -> anyhow::Result<Vec<Agreement>> {
        let begun = Instant::now();
        loop {
            let agreements = self.compare_once(engine)?;
            let is_late = begun.elapsed() > CAUGHT_UP_WITHIN;
            if is_late || agreements.iter().all(|agreement| agreement.is_one) {
                return Ok(agreements);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the registry says, what both authorities know, and what the engine tells on its page.
    fn compare_once(&self, engine: &Engine) -> anyhow::Result<Vec<Agreement>> {
        let page = engine.figures()?;
        let compare = |chain: &Chain| {
            let (issuer, tip, told) = (chain.issuer(), chain.tip(), chain.registry_tip()?);
            ensure!(
                told == *tip,
                "the registry's chain of issuer {issuer} ends with set {}, and the authorities made {}",
                told.sequence,
                tip.sequence
            );
            let (sequence, digest) = (tip.sequence, tip.digest.to_string());
            let is_one = followed(&page, issuer) == Some((sequence, digest.clone()));
            Ok(Agreement { issuer, sequence, digest, is_one })
        };
        self.chains.iter().map(compare).collect()
    }

    fn sets(&self) -> u64 {
        self.chains.iter().map(|chain| chain.tip().sequence.0).sum()
    }
}

fn release_brakes(registry: &Remote) -> anyhow::Result<()> {
    for issuer in CHAINED {
        let edit = IssuerEdit {
            name: format!("Province {issuer}"),
            national: NATIONAL.0,
            publisher: PUBLISHER.0,
            brake: Some(NO_BRAKE),
            second_phone: SecondPhone::Tell,
        };
        registry.ask(|api| api.put_issuer(issuer, &edit)).context("the registry refuses its issuers")?;
    }
    Ok(())
}

/// Every holder of an issuer of whom anything is known.
fn everybody(place: &Place, issuer: IssuerId) -> impl Iterator<Item = (HolderIndex, Change)> {
    let people = place.world.issuer(issuer).people;
    let status = move |holder| (HolderIndex(holder), people.status(HolderIndex(holder)));
    let known = (0..people.holders()).map(status).filter(|(_, word)| *word != StatusWord::UNKNOWN);
    known.map(|(holder, word)| (holder, Change::Word(word)))
}
