//! Records as bytes, for those who read them in another language: what `fixtures/golden/records.json` holds means what it says it means.
//! `HUFU_GOLDEN=write` makes it again; keys and salts are random, so every byte is another then.

use std::path::Path;

use hufu_check::{Channel, Durability, Record, RosterTally, Trace};
use hufu_records::{
    Answer, CodeKey, Finder, Found, Held, Identity, Kept, KeyFolder, Row, Secret, SegmentHeader, Store,
    VERIFIER, engine_of, public_key, read, verify,
};
use hufu_wire::{Reason, UnixMillis};
use serde_json::{Value, json};

use crate::common::{DAY_MS, NOON, day_of, options, record, value};
use crate::disk::LyingDisk;

const FILE: &str = "../../../fixtures/golden/records.json";
const SECRET: [u8; 32] = [9; 32];
/// The first half of an issuer's signature under a paper code.
const SIGNATURE: [u8; 32] = [0x77; 32];

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var("HUFU_GOLDEN").is_ok_and(|what| what == "write") {
        std::fs::write(&path, format!("{:#}\n", made())).unwrap();
    }
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// An engine's morning: a phone, a paper code, something unreadable, a roster; the night, and a check of the next day.
fn made() -> Value {
    let (records, keys) = (LyingDisk::default(), LyingDisk::default());
    let secret = || Box::new(Secret::new(SECRET));
    let identity = Identity::of(&*secret()).unwrap();
    let keys_folder = KeyFolder::new(keys.folder(), secret());
    let mut store = Store::open(records.folder(), keys_folder, identity, options()).unwrap();
    let kept = |record: Record| Kept { row: Row::of(&record, 40), trace: record.trace };
    let phone = |now, number| record(now, number, Trace::Step(value(1, number)));
    let mut unreadable = record(NOON, 3, Trace::None);
    (unreadable.lane, unreadable.verdict.kind, unreadable.verdict.reason) = (None, None, Reason::NotACode);
    let mut roster = record(NOON, 0, Trace::None);
    (roster.channel, roster.lane, roster.durability) = (Channel::Roster, None, Durability::Synced);
    roster.roster = Some(RosterTally { members: 30, admitted: 28, referred: 1, refused: 1 });
    let morning = [phone(NOON, 1), record(NOON, 2, Trace::Code(SIGNATURE)), unreadable, roster];
    store.commit(NOON, &morning.map(kept)).unwrap();
    store.rest(NOON).unwrap();
    let tomorrow = UnixMillis(NOON.0 + DAY_MS);
    store.commit(tomorrow, &[kept(phone(tomorrow, 5))]).unwrap();
    drop(store);
    let files = |disk: &LyingDisk| -> Value {
        let file = |path: std::path::PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let mut bytes = disk.contents(&name);
            // A segment goes on with zeros.
            let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(end);
            (name, Value::from(hex::encode(bytes)))
        };
        disk.names().into_iter().filter(|path| !path.ends_with("spare.rec")).map(file).collect()
    };
    let (records, keys) = (files(&records), files(&keys));
    let means = means(&records, &keys);
    json!({
        "secret": hex::encode(SECRET), "records": records, "keys": keys,
        "phone": { "1": hex::encode(value(1, 1)), "5": hex::encode(value(1, 5)) },
        "code": hex::encode(SIGNATURE),
        "means": means,
    })
}

fn disk_of(files: &Value) -> LyingDisk {
    let disk = LyingDisk::default();
    for (name, bytes) in files.as_object().unwrap() {
        disk.put(name, &hex::decode(bytes.as_str().unwrap()).unwrap());
    }
    disk
}

/// What our own reader finds in these files.
fn means(records: &Value, keys: &Value) -> Value {
    let (records, keys) = (disk_of(records), disk_of(keys));
    let keys = KeyFolder::new(keys.folder(), Box::new(Secret::new(SECRET)));
    let verifier = public_key(&records.contents(VERIFIER)).unwrap();
    let report = verify(&records.folder(), Some(&keys), &engine_of(&verifier), &verifier).unwrap();
    assert_eq!(report.faults, []);
    let mut days = Vec::new();
    for (index, day) in report.days.iter().enumerate() {
        let mut rows = Vec::new();
        let segment = records.contents(&format!("segment-{:012}.rec", index + 1));
        let header = SegmentHeader::from_bytes(segment.first_chunk().unwrap()).unwrap();
        let key = keys.find(day.day, &header.key).unwrap().unwrap();
        let code = Finder::of_code(&CodeKey::of(key.bytes()), &SIGNATURE);
        read(&records.folder(), &keys, day.day, |found| {
            rows.push(row(&found, &code));
            Ok(())
        })
        .unwrap();
        days.push(json!({
            "day": day.day.to_string(), "first": day.first, "count": day.records,
            "closed": day.held == Held::Closed, "key": hex::encode(key.bytes()), "records": rows,
        }));
    }
    days.into()
}

fn row(found: &Found, code: &Finder) -> Value {
    let row = &found.row;
    let slip = found.slip.as_ref().map(|slip| {
        let phone = [1, 5].map(|step| Finder::of_step(&value(1, step)));
        let seen = phone.iter().chain([code]).find_map(|finder| finder.open(slip)).expect("one of ours");
        json!({
            "tag": hex::encode(slip.tag), "time_ms": seen.time.0, "site": seen.site.0,
            "decision": seen.decision as u8, "reason": seen.reason.code(), "kind": seen.kind as u8,
        })
    });
    let answer = match &row.answer {
        Answer::Verdict(verdict) => json!({
            "check": verdict.number.0, "time_ms": verdict.server_time.0, "decision": verdict.decision as u8,
            "reason": verdict.reason.code(),
        }),
        Answer::Roster(reply) => json!({
            "members": reply.members, "admitted": reply.admitted, "referred": reply.referred,
            "refused": reply.refused,
        }),
    };
    json!({
        "record": found.number, "bytes": hex::encode(row.to_bytes()), "site": row.site.0,
        "device": row.device.0, "lane": row.lane.0, "latency_us": row.latency_us, "slip": slip, "answer": answer,
    })
}

#[test]
fn records_mean_what_the_golden_bytes_say() {
    let golden = golden();
    assert_eq!(means(&golden["records"], &golden["keys"]), golden["means"]);
    let days = golden["means"].as_array().unwrap();
    assert_eq!(days[0]["day"], day_of(NOON).to_string());
    let slips = days[0]["records"].as_array().unwrap().iter().filter(|row| !row["slip"].is_null()).count();
    assert_eq!((days.len(), slips), (2, 2));
}
