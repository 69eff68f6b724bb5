//! Sets and heads that nobody should believe, between genuine ones: in a folder that an engine follows, and at the
//! registry's own door.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use hufu_codes::chain::Tip;
use hufu_field::{HOLDERS, ISSUER, Scene, Settings, eventually};
use hufu_registry::ProposalId;
use hufu_upstream::ApiFault;
use hufu_wire::chain::{ChainDigest, Change, ChangeSet, Record};
use hufu_wire::{Colour, HolderIndex, IssuerId, Sequence, StatusWord, UnixMillis, read};
use tokio::runtime::Builder;

use super::carried::{Carried, at, comes_to, counts, over_a_folder, whole};
use super::forge::{Forge, Says};
use super::{PAUSE, now, open, over_http, pause, snapshots, told};

/// What a log says of something that is refused.
const REFUSED: [&str; 2] = ["issuer 310000 stays at", "nothing of it is applied"];

/// What both keys sign here, and no authority ever decided: everybody is green.
fn all_green() -> Vec<Record> {
    let green = Change::Status(StatusWord::new(Colour::Green, 0));
    (0..HOLDERS).map(|holder| Record::new(HolderIndex(holder), green)).collect()
}

/// Everything that may stand where a genuine set after `tip` belongs.
fn unbelievable(forge: &Forge, tip: &Tip, genuine: &[u8]) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let (records, now) = (all_green(), now());
    let says = Says::now(&records);
    let after = |ms: u64| UnixMillis(now.0 + ms);
    let mut bad = forge.badly_signed(genuine)?;
    let future = Says { proposed: after(59_000), confirmed: after(60_000), ..says };
    bad.push(("another issuer's", forge.set(tip, &Says { issuer: IssuerId(110_000), ..says })?));
    bad.push(("of the future", forge.set(tip, &future)?));
    bad.push((
        "an instruction no later than the last",
        forge.set(tip, &Says { proposed: tip.proposed.at(), ..says })?,
    ));
    let expired = Says { proposed: UnixMillis(now.0 - 2_000), valid_s: 1, ..says };
    bad.push(("an expired instruction", forge.set(tip, &expired)?));
    Ok(bad)
}

/// One bit flipped in each of some bytes all over a set.
fn flipped(genuine: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..genuine.len()).step_by(7).map(|at| {
        let mut bytes = genuine.to_vec();
        bytes[at] ^= 1 << (at % 8);
        bytes
    })
}

/// The registry's next set, which nobody has carried yet, and the tip before it.
fn next(scene: &mut Scene) -> Result<(Tip, Sequence, Vec<u8>)> {
    let before = *scene.author.tip();
    let sequence = scene.turn()?.sequence;
    let genuine = scene.author.fetch(sequence)?;
    Ok((before, sequence, genuine))
}

fn sets(scene: &Scene, outcome: &str) -> Result<f64> {
    scene.engines[0].figure("sets", Some(outcome))
}

#[test]
fn r21_what_two_authorities_did_not_sign_is_refused_and_what_follows_is_applied() -> Result<()> {
    let (mut scene, carried) = over_a_folder()?;
    let (forge, begun) = (Forge::new(&scene.deployment)?, Instant::now());
    let mut round = 0;
    loop {
        let (before, sequence, genuine) = next(&mut scene)?;
        let bad = unbelievable(&forge, &before, &genuine)?;
        let Some((what, bytes)) = bad.get(round) else { break };
        let refused = sets(&scene, "refused")?;
        carried.put_set(sequence, bytes)?;
        counts(&scene, 0, ("sets", "refused"), refused + 1.0).context(*what)?;
        ensure!(at(&scene.engines[0])? == before.sequence, "{what} was applied");
        if round == 0 {
            let place = format!("stays at {}: issuer 310000, change set {sequence}:", before.sequence);
            told::once(&scene.engines[0].log(&scene.deployment), &[&place])?;
        }
        carried.bring(&scene, sequence)?;
        comes_to(&scene, 0, sequence).context(*what)?;
        round += 1;
    }
    ensure!(round == 8, "{round} rounds");
    carried.bring(&scene, Sequence(1))?;
    told::seldom(&scene.engines[0].log(&scene.deployment), &REFUSED, begun)?;
    scene.end()
}

#[test]
fn r22_sets_that_come_again_or_in_another_order_change_nothing_and_hold_nothing_up() -> Result<()> {
    let (mut scene, carried) = over_a_folder()?;
    scene.turns(4, PAUSE / 4)?;
    carried.bring(&scene, Sequence(1))?;
    comes_to(&scene, 0, scene.author.tip().sequence)?;
    let old = scene.author.fetch(Sequence(2))?;
    // Under its own name, under the name of the set that comes next; and the last one under that name.
    for (again, outcome) in [(true, "behind"), (false, "behind"), (false, "duplicate")] {
        let (before, sequence, genuine) = next(&mut scene)?;
        let replay = match outcome {
            "duplicate" => scene.author.fetch(before.sequence)?,
            _ => old.clone(),
        };
        let seen = sets(&scene, outcome)?;
        carried.put_set(if again { Sequence(2) } else { sequence }, &replay)?;
        counts(&scene, 0, ("sets", outcome), seen + 1.0)?;
        ensure!(at(&scene.engines[0])? == before.sequence);
        // The set alone, without a head that would tell that it is missing.
        carried.put_set(sequence, &genuine)?;
        comes_to(&scene, 0, sequence)?;
    }
    let trips = whole(&scene.engines[0], "trips", Some("hung"))?;
    ensure!(trips == 0, "the folder had to be opened anew:\n{}", scene.engines[0].log(&scene.deployment));

    let (before, first, one) = next(&mut scene)?;
    let (_, second, two) = next(&mut scene)?;
    carried.put_set(second, &two)?;
    counts(&scene, 0, ("sets", "beyond-gap"), 1.0)?;
    let place = format!("issuer 310000 at {}", before.sequence);
    let from = format!("and begins with {second}");
    eventually("a gap is not told", || {
        let log = scene.engines[0].log(&scene.deployment);
        told::once(&log, &[&place, "no longer has the sets after it", &from])
    })?;
    ensure!(at(&scene.engines[0])? == before.sequence, "a set was applied before the one before it");
    carried.put_set(first, &one)?;
    comes_to(&scene, 0, second)?;
    let log = scene.engines[0].log(&scene.deployment);
    told::once(&log, &[&place, &from])?;
    ensure!(told::lines(&log, &REFUSED).is_empty(), "a repetition is nobody's fault:\n{log}");
    scene.end()
}

#[test]
fn r22_a_set_that_is_cut_off_is_being_copied_or_refused() -> Result<()> {
    let mut scene = open(&Settings::default())?;
    let names = ["drop-a", "drop-b", "drop-c", "drop-d"];
    let folders = names.map(|name| Carried::new(&scene, name));
    let folders = folders.into_iter().collect::<Result<Vec<_>>>()?;
    for folder in &folders {
        folder.bring(&scene, Sequence(1))?;
        scene.engine(&folder.follow())?;
    }
    scene.agrees()?;
    let (_, sequence, genuine) = next(&mut scene)?;
    let lengths = [0, 71, genuine.len() / 2, genuine.len() - 1];
    // On its way: looked at, and looked at again when the rest is there.
    for (folder, length) in folders.iter().zip(lengths) {
        folder.put_set(sequence, &genuine[..length])?;
    }
    pause(2.0);
    for (number, folder) in folders.iter().enumerate() {
        folder.put_set(sequence, &genuine)?;
        comes_to(&scene, number, sequence)?;
        ensure!(whole(&scene.engines[number], "sets", Some("refused"))? == 0, "copying is no fault");
    }
    // The rest never comes.
    let (before, sequence, genuine) = next(&mut scene)?;
    for (folder, length) in folders.iter().zip(lengths) {
        folder.put_set(sequence, &genuine[..length])?;
    }
    for (number, folder) in folders.iter().enumerate() {
        counts(&scene, number, ("sets", "refused"), 1.0)?;
        let engine = &scene.engines[number];
        ensure!(at(engine)? == before.sequence);
        told::once(&engine.log(&scene.deployment), &REFUSED)?;
        told::once(
            &engine.log(&scene.deployment),
            &[&format!("issuer 310000 stays at {}", before.sequence)],
        )?;
        folder.bring(&scene, sequence)?;
        comes_to(&scene, number, sequence)?;
    }
    scene.end()
}

#[test]
fn r21_one_flipped_bit_anywhere_is_refused() -> Result<()> {
    let (mut scene, carried) = over_a_folder()?;
    let begun = Instant::now();
    let (before, sequence, genuine) = next(&mut scene)?;
    // Those that can be read stand under the names of sets to come, and are taken one after the other; one that
    // cannot is taken to be half copied for a while.
    let (mut readable, unreadable): (Vec<_>, Vec<_>) =
        flipped(&genuine).partition(|bytes| read::<ChangeSet<'_>>(bytes).is_ok());
    ensure!(readable.len() > 30, "only {} of {} flips", readable.len(), genuine.len());
    readable.extend(unreadable.into_iter().take(1));
    let (refused, behind) = (sets(&scene, "refused")?, sets(&scene, "behind")?);
    for (bytes, at) in readable.iter().zip(sequence.0..) {
        carried.put_set(Sequence(at), bytes)?;
    }
    eventually("some flips are not looked at", || {
        let seen = sets(&scene, "refused")? - refused + sets(&scene, "behind")? - behind;
        let put = u32::try_from(readable.len())?;
        ensure!(seen >= f64::from(put), "{seen} of {put}:\n{}", scene.engines[0].log(&scene.deployment));
        Ok(())
    })?;
    ensure!(at(&scene.engines[0])? == before.sequence, "a flipped bit was applied");
    ensure!(whole(&scene.engines[0], "forked", None)? == 0, "a flipped bit stopped the chain");
    let log = scene.engines[0].log(&scene.deployment);
    told::seldom(&log, &REFUSED, begun)?;
    ensure!(!told::lines(&log, &[&format!("issuer 310000 stays at {}", before.sequence)]).is_empty());
    carried.bring(&scene, sequence)?;
    comes_to(&scene, 0, sequence)?;
    // Where the last of the bad ones still lies the genuine one comes after all.
    scene.turns(2, PAUSE)?;
    carried.bring(&scene, sequence)?;
    scene.end()
}

#[test]
fn r22_two_signed_histories_stop_an_engine_until_both_authorities_settle_it() -> Result<()> {
    let (mut scene, carried) = over_a_folder()?;
    let (forge, begun, records) = (Forge::new(&scene.deployment)?, Instant::now(), all_green());
    let forked = |scene: &Scene| Ok::<_, anyhow::Error>(whole(&scene.engines[0], "forked", None)? == 1);
    scene.turns(3, PAUSE)?;

    // A checkpoint above it.
    let (before, parted, _) = next(&mut scene)?;
    carried.bring(&scene, Sequence(1))?;
    comes_to(&scene, 0, parted)?;
    carried.put_set(parted, &forge.set(&before, &Says::now(&records))?)?;
    counts(&scene, 0, ("sets", "forked"), 1.0)?;
    scene.turns(2, PAUSE)?;
    let last = scene.author.tip().sequence;
    for sequence in parted.0 + 1..=last.0 {
        carried.put_set(Sequence(sequence), &scene.author.fetch(Sequence(sequence))?)?;
    }
    counts(&scene, 0, ("sets", "forked"), 2.0)?;
    ensure!(forked(&scene)? && at(&scene.engines[0])? == parted, "what follows a fork was applied");
    let half = snapshots::propose(&scene)?;
    let refused = scene.engines[0].figure("checkpoints", Some("refused"))?;
    carried.put(&format!("{last:020}.checkpoint"), &half)?;
    counts(&scene, 0, ("checkpoints", "refused"), refused + 1.0)?;
    ensure!(forked(&scene)?, "one authority alone settled a fork");
    snapshots::confirm(&scene)?;
    carried.bring_checkpoint(&scene)?;
    comes_to(&scene, 0, last)?;
    ensure!(!forked(&scene)?);
    let log = scene.engines[0].log(&scene.deployment);
    told::once(&log, &["issuer 310000 is forked", &format!("two histories that part at {parted}.")])?;
    told::once(&log, &["issuer 310000: the fork is settled", &format!("it is at {last}")])?;
    let (_, sequence, _) = next(&mut scene)?;
    carried.bring(&scene, sequence)?;
    scene.agrees()?;

    // A checkpoint of the very place: what the engine has was right.
    let (before, parted, _) = next(&mut scene)?;
    carried.bring(&scene, parted)?;
    comes_to(&scene, 0, parted)?;
    let other = forge.set(&before, &Says::now(&records))?;
    carried.put_set(parted, &other)?;
    eventually("the second fork is not seen", || {
        ensure!(forked(&scene)?);
        Ok(())
    })?;
    snapshots::propose(&scene)?;
    snapshots::confirm(&scene)?;
    carried.bring_checkpoint(&scene)?;
    eventually("the second fork is not settled", || {
        ensure!(!forked(&scene)?);
        Ok(())
    })?;
    let behind = sets(&scene, "behind")?;
    carried.put_set(parted, &other)?;
    counts(&scene, 0, ("sets", "behind"), behind + 1.0).context("a fork that was settled")?;
    ensure!(!forked(&scene)?, "it was settled");
    scene.turns(2, PAUSE)?;
    carried.bring(&scene, parted)?;
    told::seldom(&scene.engines[0].log(&scene.deployment), &["issuer 310000 is forked"], begun)?;
    scene.end()
}

#[test]
fn r24_heads_that_lie_change_no_word_and_make_nothing_younger() -> Result<()> {
    let (mut scene, carried) = over_a_folder()?;
    let forge = Forge::new(&scene.deployment)?;
    let earlier = *scene.author.tip();
    scene.turns(2, PAUSE)?;
    carried.bring(&scene, Sequence(1))?;
    scene.agrees()?;
    let old = std::fs::read(carried.path("newest.head"))?;
    let tip = *scene.author.tip();
    // A head may cross with the set before it: one that is made later is a lie.
    pause(2.5);
    let other = Tip { digest: ChainDigest([0x5a; 32]), ..tip };
    let future = UnixMillis(now().0 + 60_000);
    let heads = [
        ("of the future", forge.publisher.head(ISSUER, &tip, future).to_vec(), "refused"),
        ("no publisher's", forge.local.head(ISSUER, &tip, now()).to_vec(), "refused"),
        ("seen before", old, "late"),
        ("of another history", forge.publisher.head(ISSUER, &other, now()).to_vec(), "forked"),
        ("from before the last sets", forge.publisher.head(ISSUER, &earlier, now()).to_vec(), "rolled-back"),
    ];
    for (what, head, outcome) in heads {
        let age = scene.engines[0].figure("heard_seconds", None)?;
        let seen = scene.engines[0].figure("heads", Some(outcome))?;
        carried.put("newest.head", &head)?;
        counts(&scene, 0, ("heads", outcome), seen + 1.0).context(what)?;
        let later = scene.engines[0].figure("heard_seconds", None)?;
        ensure!(later > age, "{what} made the words younger: {age} s, then {later} s");
        ensure!(at(&scene.engines[0])? == tip.sequence, "{what} moved the words");
    }
    let place = format!("issuer 310000 at {}", tip.sequence);
    let log = scene.engines[0].log(&scene.deployment);
    told::once(&log, &REFUSED)?;
    told::once(&log, &[&place, "heads name another history"])?;
    let lost = format!("says that the chain ends at {}", earlier.sequence);
    told::once(&log, &[&format!("issuer 310000 stays at {}", tip.sequence), &lost])?;
    // Sets go on whatever heads say, and a true head makes everything well.
    let (_, sequence, genuine) = next(&mut scene)?;
    carried.put_set(sequence, &genuine)?;
    comes_to(&scene, 0, sequence)?;
    carried.bring(&scene, sequence)?;
    eventually("a true head does not count", || {
        let log = scene.engines[0].log(&scene.deployment);
        told::once(&log, &["issuer 310000", "its publisher agrees again"])
    })?;
    scene.end()
}

#[test]
fn r21_a_registry_takes_none_of_them_at_its_own_door() -> Result<()> {
    let mut scene = over_http()?;
    let forge = Forge::new(&scene.deployment)?;
    scene.turns(3, PAUSE)?;
    let (api, tip) = (scene.registry.api(&scene.deployment)?, *scene.author.tip());
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let (instruction, set) = scene.author.sign(&all_green())?;
    let proposal = ProposalId(runtime.block_on(api.propose(ISSUER, instruction.clone()))?.id);
    let name = |fault: &ApiFault| fault.problem().map(|problem| problem.name().to_owned());
    let check = |what: &str, bytes: Vec<u8>, wanted: &str| -> Result<()> {
        let fault = runtime.block_on(api.confirm(ISSUER, proposal, bytes)).err();
        let fault = fault.with_context(|| format!("{what} was taken"))?;
        ensure!(name(&fault).as_deref() == Some(wanted), "{what} is {fault:?}, not {wanted}");
        Ok(())
    };
    for (what, bytes) in unbelievable(&forge, &tip, &set)? {
        let wanted = match what {
            // Signed by both, and not what was proposed.
            "of the future" | "an instruction no later than the last" => "conflict",
            _ => "unbelieved",
        };
        check(what, bytes, wanted)?;
    }
    for length in [1, 71, set.len() / 2, set.len() - 1] {
        check("cut off", set[..length].to_vec(), "unbelieved")?;
    }
    for bytes in flipped(&set) {
        check("a flipped bit", bytes, "unbelieved")?;
    }
    check("an old set", scene.author.fetch(tip.sequence)?, "conflict")?;
    let beyond = Tip { sequence: Sequence(tip.sequence.0 + 1), ..tip };
    check("beyond a gap", forge.moved(&set, &beyond)?, "moved")?;
    let branch = Tip { digest: ChainDigest([0x5a; 32]), ..tip };
    check("of another history", forge.moved(&set, &branch)?, "moved")?;
    let mut altered = instruction;
    altered[100] ^= 1;
    let fault = runtime.block_on(api.propose(ISSUER, altered)).err().context("an altered instruction")?;
    ensure!(name(&fault).as_deref() == Some("unbelieved"), "{fault:?}");

    let found = runtime.block_on(api.tip(ISSUER))?;
    ensure!(
        found.sequence == tip.sequence.0 && found.digest.to_string() == tip.digest.to_string(),
        "{found:?}"
    );
    scene.turns(3, PAUSE)?;
    for engine in &scene.engines {
        ensure!(whole(engine, "sets", Some("refused"))? == 0, "a refused set came to an engine");
    }
    scene.end()
}
