use super::*;

const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

fn later(epochs: u64) -> UnixMillis {
    UnixMillis(NOW.0 + epochs * u64::from(limits::EPOCH_S) * 1000)
}

fn two() -> ClusterKeys {
    let mut keys = ClusterKeys::first(NOW, [1; 8], &[1; 32]);
    keys.advance_to(ClusterKeys::epoch_at(later(3))).unwrap();
    keys.add_next(later(3), [2; 8], &[2; 32]).unwrap();
    keys
}

fn at(keys: &ClusterKeys, now: UnixMillis) -> (KeyEpoch, Vec<(KeyEpoch, [u8; 16])>) {
    let mut all = Vec::new();
    let sealing = keys.keys_at(now, |epoch, key| {
        all.push((epoch, *key));
        Ok(())
    });
    (sealing.unwrap(), all)
}

#[test]
fn keys_that_were_kept_are_the_same_and_a_changed_byte_is_noticed() {
    let bytes = two().to_bytes();
    assert!(bytes.len() <= 512, "{} bytes", bytes.len());
    let read = ClusterKeys::from_bytes(&bytes).unwrap();
    assert_eq!(at(&read, later(4)), at(&two(), later(4)));
    assert_eq!(*read.to_bytes(), *bytes);
    for index in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[index] ^= 1;
        assert_eq!(ClusterKeys::from_bytes(&changed).err(), Some(ClusterFault::Damaged), "{index}");
        assert_eq!(ClusterKeys::from_bytes(&bytes[..index]).err(), Some(ClusterFault::Damaged), "{index}");
    }
}

#[test]
fn b10_a_newer_chain_takes_over_step_by_step() {
    let mut keys = two();
    let (sealing, all) = at(&keys, later(3));
    assert_eq!(sealing.chain(), 0, "the older one still seals");
    assert!(all.iter().any(|(epoch, _)| epoch.chain() == 1), "and both open");
    assert_eq!(keys.drop_older(later(3), true), Err(ClusterFault::NotInUse));
    assert_eq!(keys.add_next(NOW, [3; 8], &[3; 32]), Err(ClusterFault::TwoChains));

    keys.use_newer(later(3)).unwrap();
    let (sealing, all) = at(&keys, later(3));
    assert_eq!(sealing.chain(), 1);
    assert!(all.iter().any(|(epoch, _)| epoch.chain() == 0), "cookies of the older one still open");
    let until = UnixSeconds(later(3).seconds().0 + limits::COOKIE_S_MAX);
    assert_eq!(keys.drop_older(later(6), false), Err(ClusterFault::Alive(until)));
    keys.use_newer(later(6)).unwrap();
    keys.drop_older(later(7), false).unwrap();
    assert!(at(&keys, later(7)).1.iter().all(|(epoch, _)| epoch.chain() == 1));
    assert_eq!(keys.drop_older(later(7), true), Err(ClusterFault::OneChain));
    assert_eq!(keys.use_newer(later(7)), Err(ClusterFault::OneChain));
}

#[test]
fn b10_an_import_brings_back_nothing_that_was_forgotten() {
    let old = ClusterKeys::first(NOW, [1; 8], &[1; 32]);
    let mut keys = old.clone();
    keys.advance_to(ClusterKeys::epoch_at(later(9))).unwrap();
    keys.merge(&old).unwrap();
    assert_eq!(keys.epoch(), ClusterKeys::epoch_at(later(9)));
    keys.merge(&two()).unwrap();
    assert_eq!(keys.facts().map(|chain| chain.number).collect::<Vec<_>>(), [0, 1]);
    let stranger = ClusterKeys::first(NOW, [9; 8], &[1; 32]);
    assert_eq!(keys.merge(&stranger), Err(ClusterFault::AnotherCluster(0)));
    assert_eq!(keys.facts().count(), 2, "and nothing was taken");
}

#[test]
fn r51_a_chain_that_is_ahead_of_the_clock_still_seals_and_opens() {
    let mut keys = ClusterKeys::first(NOW, [1; 8], &[1; 32]);
    keys.advance_to(ClusterKeys::epoch_at(later(800))).unwrap();
    let (sealing, all) = at(&keys, NOW);
    assert_eq!(sealing.number(), ClusterKeys::epoch_at(later(800)));
    assert!(all.iter().any(|(epoch, _)| *epoch == sealing));
}

#[test]
fn facts_tell_which_chain_seals() {
    let chain = |number: u8, seals| ChainFacts {
        number,
        name: [number + 1; 8],
        epoch: ClusterKeys::epoch_at(later(3)),
        seals,
    };
    let mut keys = two();
    assert_eq!(keys.facts().collect::<Vec<_>>(), [chain(0, true), chain(1, false)]);
    keys.use_newer(later(3)).unwrap();
    assert_eq!(keys.facts().collect::<Vec<_>>(), [chain(0, false), chain(1, true)]);
}

#[test]
fn b10_bytes_that_are_whole_and_say_what_cannot_be_are_refused() {
    let one = ClusterKeys::first(NOW, [1; 8], &[1; 32]);
    assert_eq!(*ClusterKeys::from_bytes(&one.to_bytes()).unwrap().to_bytes(), *one.to_bytes());
    let no_such_chain = ClusterKeys { sealing: 2, ..two() };
    assert_eq!(ClusterKeys::from_bytes(&no_such_chain.to_bytes()).err(), Some(ClusterFault::Damaged));
    let checked = |change: fn(&mut Vec<u8>)| {
        let mut said = two().to_bytes().to_vec();
        said.truncate(said.len() - SHA256_OUTPUT_LEN);
        change(&mut said);
        let check = digest(&SHA256, &said);
        [&said, check.as_ref()].concat()
    };
    assert!(ClusterKeys::from_bytes(&checked(|_| {})).is_ok());
    let changes: [fn(&mut Vec<u8>); 2] = [|said| said[0] += 1, |said| said.push(0)];
    for change in changes {
        assert_eq!(ClusterKeys::from_bytes(&checked(change)).err(), Some(ClusterFault::Damaged));
    }
}

/// Chain 255 is followed by chain 0.
#[test]
fn b10_the_older_chain_comes_first_across_the_end_of_the_numbers() {
    let of = |number| ClusterKeys::of(Chain::new(number, [number; 8], 82_870, &[1; 32]));
    for (one, other) in [(255, 0), (0, 255)] {
        let mut keys = of(one);
        keys.merge(&of(other)).unwrap();
        assert_eq!(keys.facts().map(|chain| chain.number).collect::<Vec<_>>(), [255, 0]);
    }
}

#[test]
fn every_fault_has_a_sentence_of_its_own() {
    let faults = [
        ClusterFault::Damaged,
        ClusterFault::TwoChains,
        ClusterFault::OneChain,
        ClusterFault::NotInUse,
        ClusterFault::Alive(UnixSeconds(1_790_000_000)),
        ClusterFault::AnotherCluster(7),
        ClusterFault::Crypto,
    ];
    let told: std::collections::BTreeSet<_> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), faults.len());
    assert!(told.iter().all(|sentence| sentence.split(' ').count() > 3), "{told:?}");
    assert!(faults[4].to_string().contains("1790000000") && faults[5].to_string().contains('7'));
}
