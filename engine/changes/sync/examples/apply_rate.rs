//! How fast one core verifies and applies change sets: `cargo run --release -p hufu-sync --example apply_rate`.
//!
//! CPU time of one thread, from the bytes of a set to its words in a table of ten million holders. The median of
//! nine rounds; each round follows the same chain from its beginning into a table that is filled already, so that
//! no first touch of memory is counted.

use std::error::Error;
use std::hint::black_box;

use hufu_codes::chain::{Authorities, AuthoritySigner, Tip, Unconfirmed, open_instruction};
use hufu_codes::issue::OperatorSigner;
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_signature::PreparedKey;
use hufu_sync::{Follower, SetAnswer};
use hufu_table::{Limits, Table};
use hufu_wire::chain::{Change, Changes, Content, InputsDigest, Record};
use hufu_wire::{Colour, HolderIndex, IssuerId, RuleId, StatusWord, UnixMillis, UnixSeconds, limits};
use rustix::time::{ClockId, clock_gettime};

type Outcome<T> = Result<T, Box<dyn Error>>;

const ISSUER: IssuerId = IssuerId(110_000);
const NATIONAL: IssuerId = IssuerId(100_000);
const START: UnixMillis = UnixMillis(1_790_000_000_000);
const HOLDERS: u32 = 10_000_000;
const SETS: u32 = 24;
const ROUNDS: usize = 9;
/// The least that is asked for, changes a second.
const TARGET: f64 = 5_000_000.0;

fn main() -> Outcome<()> {
    let authorities = Authorities::new(ISSUER, NATIONAL, NATIONAL)?;
    let local = AuthoritySigner::from_seed(&[0x61; 32], ISSUER);
    let national = AuthoritySigner::from_seed(&[0x62; 32], NATIONAL);
    let keyring = keyring(&local, &national)?;

    println!(
        "{SETS} sets of up to {CHANGES} changes, {HOLDERS} holders, signatures by {}",
        hufu_signature::backend().name()
    );
    println!("{:<34} {:>12} {:>12} {:>10}", "", "changes/s", "ns a change", "us a set");
    let spread_out = HOLDERS / CHANGES;
    for (name, changes, spread) in [
        ("one change", 1, spread_out),
        ("full, neighbours", CHANGES, 1),
        ("full, spread over ten million", CHANGES, spread_out),
    ] {
        let chain = chain(&local, &national, &authorities, &keyring, changes, spread)?;
        let whole = median(|| follow(&chain, &authorities, &keyring))?;
        let proof = median(|| {
            cpu_of(|| {
                for set in &chain {
                    let set = Unconfirmed::read(set, &authorities)?;
                    black_box(set.confirm(&keyring, hufu_signature::backend())?);
                }
                Ok(())
            })
        })?;
        let reading = median(|| {
            cpu_of(|| {
                for set in &chain {
                    black_box(Unconfirmed::read(black_box(set), &authorities)?);
                }
                Ok(())
            })
        })?;
        row(name, changes, whole);
        row("  reading", changes, reading);
        row("  digest and two signatures", changes, proof - reading);
        row("  applying", changes, whole - proof);
        if changes == CHANGES {
            let rate = f64::from(CHANGES * SETS) / whole;
            println!("  {:.1} times the target of {TARGET} changes a second", rate / TARGET);
        }
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "32,768")]
const CHANGES: u32 = limits::CHANGES_MAX as u32;

/// Follows the chain from its beginning; CPU seconds.
fn follow(chain: &[Vec<u8>], authorities: &Authorities, keyring: &Keyring) -> Outcome<f64> {
    let table = Table::new(Limits::for_holders(1, u64::from(HOLDERS)))?;
    let mut writer = table.writer(ISSUER)?;
    for holder in 0..HOLDERS {
        writer.set(HolderIndex(holder), StatusWord::new(Colour::Green, 1))?;
    }
    drop(writer);
    let mut follower = Follower::new(table.writer(ISSUER)?, *authorities)?;
    let now = UnixMillis(START.0 + 1_000_000);
    cpu_of(|| {
        for set in chain {
            let answer = follower.change_set(set, keyring, now)?;
            if !matches!(answer, SetAnswer::Applied { .. }) {
                return Err(format!("not applied: {answer:?}").into());
            }
        }
        Ok(())
    })
}

/// Sets of `changes` changes of the three kinds, `spread` holders from one to the next.
fn chain(
    local: &AuthoritySigner,
    national: &AuthoritySigner,
    authorities: &Authorities,
    keyring: &Keyring,
    changes: u32,
    spread: u32,
) -> Outcome<Vec<Vec<u8>>> {
    let mut tip = Tip::START;
    let mut chain = Vec::new();
    let mut random = 1_u32;
    for set in 0..SETS {
        let proposed = UnixMillis(START.0 + 1000 * u64::from(set));
        let mut records = Vec::new();
        for nth in 0..changes {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let holder = HolderIndex(nth * spread + (random >> 8) % spread);
            let change = match random >> 28 {
                0..4 => Change::Generation(2),
                4 => Change::Word(StatusWord::new(Colour::Amber, 1)),
                _ => Change::Status(StatusWord::new(Colour::Red, 0)),
            };
            records.push(Record::new(holder, change));
        }
        let content = Content {
            proposed: proposed.into(),
            valid_s: 60,
            rule: RuleId(7),
            inputs: InputsDigest([0x55; 32]),
            local_key: local.key(),
            reason: "a measurement",
            changes: Changes::new(&records)?,
        };
        let instruction = local.instruct(&content)?;
        let instruction = open_instruction(&instruction, authorities, keyring, hufu_signature::backend())?;
        let bytes = national.confirm(&instruction, &tip, proposed)?;
        tip = *Unconfirmed::read(&bytes, authorities)?.confirm(keyring, hufu_signature::backend())?.tip();
        chain.push(bytes);
    }
    Ok(chain)
}

fn keyring(local: &AuthoritySigner, national: &AuthoritySigner) -> Outcome<Keyring> {
    let operator = OperatorSigner::from_seed(&[0x22; 32]);
    let since = UnixSeconds(1_780_000_000);
    let keys = [
        local.listed(Uses::INSTRUCTION, since, since, UnixSeconds(u32::MAX)),
        national.listed(Uses::CONFIRMATION, since, since, UnixSeconds(u32::MAX)),
    ];
    let list = TrustList::sign(1, since, &keys, &operator);
    let list = TrustList::open(&list, &PreparedKey::new(operator.public())?)?;
    Ok(Keyring::empty().update(&list, START.seconds())?)
}

fn median(mut measure: impl FnMut() -> Outcome<f64>) -> Outcome<f64> {
    let mut rounds = (0..ROUNDS).map(|_| measure()).collect::<Outcome<Vec<_>>>()?;
    rounds.sort_by(f64::total_cmp);
    Ok(rounds[ROUNDS / 2])
}

/// CPU seconds of this thread.
fn cpu_of(work: impl FnOnce() -> Outcome<()>) -> Outcome<f64> {
    let before = cpu_s();
    work()?;
    Ok(cpu_s() - before)
}

#[expect(clippy::cast_precision_loss, reason = "seconds and nanoseconds of one process")]
fn cpu_s() -> f64 {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

fn row(name: &str, changes: u32, seconds: f64) {
    let changes = f64::from(changes * SETS);
    let (rate, ns) = (changes / seconds, seconds / changes * 1e9);
    println!("{name:<34} {rate:>12.0} {ns:>12.2} {:>10.1}", seconds / f64::from(SETS) * 1e6);
}
