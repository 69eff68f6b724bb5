//! The view of a day: every slip is in its bucket, no bucket is small, and an altered file is refused (R41, R42).

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::common::{Chance, DAY_MS, KEEP_DAYS, NOON, day_of, keys, record, signer, value};
use crate::disk::LyingDisk;
use hufu_check::Trace;
use hufu_records::{
    BUCKET_SLIPS_MIN, BuildFault, Identity, Kept, OpenView, Row, Slip, Store, View, ViewFault, ViewHeader,
    build_view, engine_of, prefix_of, read,
};
use hufu_wire::UnixMillis;
use proptest::prelude::*;

const DAY_AFTER: UnixMillis = UnixMillis(NOON.0 + DAY_MS);

/// A store whose segments name the engine that its key says, as the engine's own do.
fn open(records: &LyingDisk, key_disk: &LyingDisk) -> Store {
    let identity = Identity { engine: engine_of(&signer().verifying_key()), signer: signer() };
    Store::open(records.folder(), keys(key_disk), identity, crate::common::options()).unwrap()
}

/// A closed day of so many checks, each second one of a phone in a step of its own.
fn closed(checks: u64) -> (LyingDisk, LyingDisk) {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let mut store = open(&records, &key_disk);
    let all: Vec<_> = (0..checks)
        .map(|number| {
            let trace = if number % 2 == 0 { Trace::Step(value(number, number)) } else { Trace::None };
            Kept { row: Row::of(&record(UnixMillis(NOON.0 + number), number, trace), 1), trace }
        })
        .collect();
    for (index, block) in all.chunks(1000).enumerate() {
        if index == 1 {
            // The engine was started again: another key of the same day.
            drop(store);
            store = open(&records, &key_disk);
        }
        store.commit(NOON, block).unwrap();
    }
    store.turn(DAY_AFTER).unwrap();
    (records, key_disk)
}

fn build(records: &LyingDisk, key_disk: &LyingDisk, out: &Path) -> Result<(PathBuf, ViewHeader), BuildFault> {
    build_view(&records.folder(), &keys(key_disk), day_of(NOON), out, |done, total| assert!(done <= total))
}

fn unlock(key_disk: &LyingDisk, path: &Path) -> Result<OpenView, ViewFault> {
    let view = View::open(path)?;
    let key = keys(key_disk).find(view.header().day, &view.header().key).unwrap().unwrap();
    Ok(view.unlock(&key).unwrap())
}

fn buckets(view: &OpenView) -> Result<Vec<Vec<Slip>>, ViewFault> {
    (0..u32::try_from(view.header().buckets()).unwrap()).map(|number| view.bucket(number)).collect()
}

fn slips(records: &LyingDisk, key_disk: &LyingDisk) -> Vec<Slip> {
    let mut slips = Vec::new();
    read(&records.folder(), &keys(key_disk), day_of(NOON), |one| {
        slips.extend(one.slip);
        Ok(())
    })
    .unwrap();
    slips.sort_unstable();
    slips
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn r41_every_slip_of_a_day_is_in_the_bucket_of_its_prefix_and_no_bucket_is_small(checks in 1..12_000_u64) {
        let (records, key_disk) = closed(checks);
        let out = tempfile::tempdir().unwrap();
        let (path, header) = build(&records, &key_disk, out.path()).unwrap();
        let view = unlock(&key_disk, &path).unwrap();
        prop_assert_eq!(*view.header(), header);
        let buckets = buckets(&view).unwrap();
        let all = slips(&records, &key_disk);
        prop_assert_eq!(header.slips, all.len() as u64);
        prop_assert_eq!((header.first, header.last.0), (NOON, NOON.0 + (checks - 1) / 2 * 2));
        for (number, bucket) in (0..).zip(&buckets) {
            prop_assert!(bucket.iter().all(|slip| prefix_of(&slip.tag, header.prefix_bits) == number));
            prop_assert!(bucket.len() as u64 >= BUCKET_SLIPS_MIN || header.prefix_bits == 0);
            // A longer prefix, as another engine's view of the day may have.
            let longer = [2 * number, 2 * number + 1]
                .map(|prefix| view.slips(header.prefix_bits + 1, prefix).unwrap());
            prop_assert_eq!(&longer.concat(), bucket);
        }
        prop_assert_eq!(buckets.concat(), all.clone());
        // One bit more would leave a bucket with too few.
        let longer = header.prefix_bits + 1;
        let few = (0..1_u32 << longer)
            .any(|number| all.iter().filter(|slip| prefix_of(&slip.tag, longer) == number).count() < 100);
        prop_assert!(few);
    }
}

#[test]
fn r41_a_day_of_one_phone_is_one_bucket() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let mut store = open(&records, &key_disk);
    let trace = Trace::Step(value(1, 1));
    let all: Vec<_> =
        (0..1000).map(|number| Kept { row: Row::of(&record(NOON, number, trace), 1), trace }).collect();
    store.commit(NOON, &all).unwrap();
    store.turn(DAY_AFTER).unwrap();
    let out = tempfile::tempdir().unwrap();
    let (path, header) = build(&records, &key_disk, out.path()).unwrap();
    assert_eq!((header.prefix_bits, header.slips), (0, 1000));
    assert_eq!(unlock(&key_disk, &path).unwrap().bucket(0).unwrap(), slips(&records, &key_disk));
}

#[test]
fn a_view_that_was_altered_cut_short_or_exchanged_is_refused() {
    let (records, key_disk) = closed(3000);
    let out = tempfile::tempdir().unwrap();
    let (path, header) = build(&records, &key_disk, out.path()).unwrap();
    assert!(header.prefix_bits >= 2);
    let whole = fs::read(&path).unwrap();
    let is_read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        unlock(&key_disk, &path).and_then(|view| buckets(&view))
    };
    assert!(is_read(&whole).is_ok());
    let mut chance = Chance::new(7);
    for at in (0..300).step_by(5).chain((0..40).map(|_| chance.below(whole.len()))) {
        let mut altered = whole.clone();
        altered[at] ^= 0x10;
        let Err(why) = is_read(&altered) else { panic!("byte {at} may be altered") };
        assert!(why.to_string().contains("build it again with `hufu records view`"), "{why}");
    }
    for length in [0, 7, ViewHeader::BYTES, whole.len() - 1] {
        assert!(is_read(&whole[..length]).is_err(), "{length}");
    }
    assert!(is_read(&[&whole[..], &[0]].concat()).is_err());
    // Buckets of another view of the same day: another salt.
    build(&records, &key_disk, out.path()).unwrap();
    let other = fs::read(&path).unwrap();
    let front = other.len() - 1000;
    assert!(is_read(&[&other[..front], &whole[front..]].concat()).is_err());
    // Two buckets of one view exchanged, index and all, as far as that goes.
    let index = ViewHeader::BYTES + 8;
    let mut swapped = whole;
    let (one, two) = (swapped[index..index + 8].to_vec(), swapped[index + 8..index + 16].to_vec());
    swapped[index..index + 8].copy_from_slice(&two);
    swapped[index + 8..index + 16].copy_from_slice(&one);
    assert!(is_read(&swapped).is_err());
}

#[test]
fn r42_a_view_is_worthless_once_the_keys_of_its_day_are_destroyed() {
    let (records, key_disk) = closed(600);
    let out = tempfile::tempdir().unwrap();
    let (path, header) = build(&records, &key_disk, out.path()).unwrap();
    // Nothing of a slip lies there in the clear.
    let bytes = fs::read(&path).unwrap();
    let slip = slips(&records, &key_disk)[0];
    assert!(!bytes.windows(16).any(|window| window == slip.tag));
    let mut store = open(&records, &key_disk);
    let later = UnixMillis(NOON.0 + u64::from(KEEP_DAYS + 2) * DAY_MS);
    store.commit(later, &crate::common::kept(later, 600, 1)).unwrap();
    store.turn(later).unwrap();
    assert!(keys(&key_disk).find(header.day, &header.key).unwrap().is_none());
    let other = keys(&key_disk).make(header.day).unwrap();
    assert!(View::open(&path).unwrap().unlock(&other).is_none(), "another key opens nothing");
    assert!(matches!(build(&records, &key_disk, out.path()), Err(BuildFault::Destroyed(_))));
}

#[test]
fn a_day_that_is_open_or_not_whole_has_no_view_and_leaves_nothing_behind() {
    let out = tempfile::tempdir().unwrap();
    let left = || fs::read_dir(out.path()).unwrap().count();
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let mut store = open(&records, &key_disk);
    store.commit(NOON, &crate::common::kept(NOON, 0, 300)).unwrap();
    let open = build(&records, &key_disk, out.path());
    assert!(matches!(open, Err(BuildFault::NotClosed(_))), "{:?}", open.err());
    store.commit(NOON, &crate::common::kept(NOON, 300, 300)).unwrap();
    store.turn(DAY_AFTER).unwrap();
    // The second block.
    let at = 4096 + (80 + 300 * 56 + 150 * 48 + 32_usize).next_multiple_of(64);
    records.flip("segment-000000000001.rec", at + 100);
    let damaged = build(&records, &key_disk, out.path());
    assert!(
        matches!(damaged, Err(BuildFault::Incomplete { found: 300, said: 600, .. })),
        "{:?}",
        damaged.err()
    );
    assert_eq!(left(), 0);
    records.flip("segment-000000000001.rec", at + 100);
    // What a process that was killed left of this view is removed; the view of another day stays.
    let (path, _) = build(&records, &key_disk, out.path()).unwrap();
    let first = unlock(&key_disk, &path).and_then(|view| buckets(&view)).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    fs::write(out.path().join(format!(".{name}.abc.partial")), b"half").unwrap();
    fs::write(out.path().join("view-2020-01-01-00.hufu"), b"another").unwrap();
    build(&records, &key_disk, out.path()).unwrap();
    assert_eq!(left(), 2);
    assert_eq!(unlock(&key_disk, &path).and_then(|view| buckets(&view)).unwrap(), first);
}

/// What could not be made durable is given up, and its numbers are used again: the day has them twice.
#[test]
fn r41_a_day_in_which_a_sync_failed_has_a_view() {
    let (records, key_disk) = (LyingDisk::default(), LyingDisk::default());
    let mut store = open(&records, &key_disk);
    let commit = |store: &mut Store, from, count| {
        store.commit(NOON, &crate::common::kept(NOON, from, count)).unwrap();
    };
    commit(&mut store, 0, 300);
    store.sync(NOON).unwrap();
    commit(&mut store, 300, 300);
    records.fail_syncs(Some(ErrorKind::Other));
    store.sync(NOON).unwrap_err();
    records.fail_syncs(None);
    assert_eq!(store.records(), 300);
    commit(&mut store, 600, 150);
    commit(&mut store, 750, 150);
    store.turn(DAY_AFTER).unwrap();

    let out = tempfile::tempdir().unwrap();
    let (path, header) = build(&records, &key_disk, out.path()).unwrap();
    assert_eq!(header.slips, 450, "those that were given up, too");
    let view = unlock(&key_disk, &path).unwrap();
    assert_eq!(buckets(&view).unwrap().concat(), slips(&records, &key_disk));

    // The last block behind the gap: that its numbers were given up once does not stand for it.
    let before = 128 + (80 + 150 * 56 + 75 * 48 + 32_usize).next_multiple_of(64);
    records.flip("segment-000000000002.rec", 4096 + before + 100);
    let damaged = build(&records, &key_disk, out.path());
    assert!(
        matches!(damaged, Err(BuildFault::Incomplete { found: 450, said: 600, .. })),
        "{:?}",
        damaged.err()
    );
}

/// Written from docs/RECORDS.md alone, with nothing of this crate but the day's key.
#[test]
fn r41_a_view_is_read_by_hand_as_the_document_says() {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    use sha2::{Digest as _, Sha256};

    let (records, key_disk) = closed(2000);
    let out = tempfile::tempdir().unwrap();
    let (path, _) = build(&records, &key_disk, out.path()).unwrap();
    let bytes = fs::read(path).unwrap();
    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    assert_eq!(&bytes[..8], b"HUFUVEW\x01");
    assert_eq!(bytes[8..24], engine_of(&signer().verifying_key()));
    assert_eq!(bytes[24..28], day_of(NOON).0.to_le_bytes());
    let bits = u32::from_le_bytes(bytes[28..32].try_into().unwrap());
    assert!(bits >= 2);
    assert_eq!((number(32), number(40), number(48)), (1000, NOON.0, NOON.0 + 1998));
    let (salt, name, digest) = (&bytes[56..72], bytes[72..104].try_into().unwrap(), &bytes[104..136]);
    assert_eq!(digest, Sha256::digest(&bytes[..104]).as_slice());
    let day_key = keys(&key_disk).find(day_of(NOON), &name).unwrap().unwrap();
    let key = [b"hufu view of a day", day_key.bytes().as_slice(), salt].concat();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &Sha256::digest(key)).unwrap());
    let buckets = 1 << bits;
    let (mut at, mut all) = (136 + 8 * (buckets + 1), Vec::new());
    for bucket in 0..buckets {
        let slips = usize::try_from(number(136 + 8 * (bucket + 1)) - number(136 + 8 * bucket)).unwrap();
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&u32::try_from(bucket).unwrap().to_le_bytes());
        let mut sealed = bytes[at..at + 48 * slips + 16].to_vec();
        at += sealed.len();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = key.open_in_place(nonce, Aad::from(digest), &mut sealed).unwrap();
        for slip in plain.chunks(48) {
            let front = u32::from_be_bytes(slip[..4].try_into().unwrap());
            assert_eq!((front >> (32 - bits)) as usize, bucket);
            all.push(<[u8; 48]>::try_from(slip).unwrap());
        }
    }
    assert_eq!(at, bytes.len());
    let expected: Vec<[u8; 48]> =
        slips(&records, &key_disk).into_iter().map(|slip| zerocopy::transmute!(slip)).collect();
    assert_eq!(all, expected);
}
