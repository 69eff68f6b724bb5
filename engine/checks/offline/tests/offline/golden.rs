//! The layouts as bytes, for those who read them in another language: what `fixtures/golden/offline.json` holds means what
//! it says it means. `HUFU_GOLDEN=write` makes it again.

use std::io::Read as _;
use std::path::Path;

use flate2::read::ZlibDecoder;
use hufu_offline::{BookId, Handover, OfflineFile, OfflineList, OfflineRecord, Room};
use hufu_wire::chain::Change;
use hufu_wire::{
    CheckNumber, Colour, HolderIndex, Lane, Reason, StatusMinute, StatusWord, UnixMillis, Verdict,
};
use serde_json::{Value, json};

use crate::world::{DEVICE, ISSUER, START, World};

const FILE: &str = "../../../fixtures/golden/offline.json";
const HEADER_BYTES: usize = 104;

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
    if std::env::var("HUFU_GOLDEN").is_ok_and(|what| what == "write") {
        std::fs::write(&path, format!("{:#}\n", made())).unwrap();
    }
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Every colour, raised generations, an end, and a holder with a generation and no status.
fn list() -> OfflineFile {
    let green = StatusWord::new(Colour::Green, 1);
    let mut world = World::new(&[
        (0, green),
        (1, green),
        (2, StatusWord::new(Colour::Red, 1)),
        (4, green.with_generation(3)),
        (9, StatusWord::new(Colour::Amber, 1).with_until(StatusMinute::new(4_000_000).unwrap())),
        (300, StatusWord::UNKNOWN.with_generation(2)),
    ]);
    world.change(START, &[(1, Change::Status(StatusWord::new(Colour::Red, 0)))]);
    world.file(UnixMillis(START.0 + 700))
}

fn handover() -> Handover {
    let record = |counter, reason| OfflineRecord {
        verdict: Verdict::of(CheckNumber(counter), UnixMillis(START.0 + counter), reason),
        lane: Lane(2),
        uncertain_ms: 1360,
    };
    let records = vec![record(5, Reason::StatusRed), record(6, Reason::StaleData)];
    Handover { device: DEVICE, book: BookId([0xb0; 16]), first: 5, records }
}

/// The part of a list that is packed. Compressors differ, so this is what can be compared.
fn unpacked(list: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    ZlibDecoder::new(&list[HEADER_BYTES..]).read_to_end(&mut plain).unwrap();
    plain
}

fn list_means(list: &OfflineList) -> Value {
    let status = |holder| {
        let word = list.status(HolderIndex(holder));
        let colour = word.colour().map(|colour| format!("{colour:?}").to_lowercase());
        let until = word.until().map(StatusMinute::get);
        json!({ "holder": holder, "colour": colour, "generation": word.generation(), "until_minute": until })
    };
    [0, 1, 2, 3, 4, 9, 10, 300, 301].map(status).into_iter().collect()
}

fn handover_means(handover: &Handover) -> Value {
    let record = |record: &OfflineRecord| {
        json!({
            "counter": record.counter().to_string(), "time_ms": record.verdict.server_time.0.to_string(),
            "reason": record.verdict.reason.slug(), "lane": record.lane.0, "uncertain_ms": record.uncertain_ms,
        })
    };
    json!({
        "device": handover.device.0, "book": hex::encode(handover.book.0), "first": handover.first.to_string(),
        "records": handover.records.iter().map(record).collect::<Vec<_>>(),
    })
}

fn made() -> Value {
    let (file, handover) = (list(), handover());
    let bytes = file.to_bytes();
    json!({
        "list": {
            "hex": hex::encode(&bytes), "unpacked_hex": hex::encode(unpacked(&bytes)), "issuer": ISSUER.0,
            "sequence": file.tip.sequence.0.to_string(), "digest": file.tip.digest.to_string(),
            "heard_ms": (START.0 + 700).to_string(), "means": list_means(&file.list),
        },
        "handover": { "hex": hex::encode(handover.to_bytes()), "means": handover_means(&handover) },
    })
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn r06_the_golden_list_is_read_and_written() {
    let golden = &golden()["list"];
    let file = OfflineFile::read(&bytes(&golden["hex"]), Room::for_holders(1000)).unwrap();
    assert_eq!(list_means(&file.list), golden["means"]);
    assert_eq!((file.list.issuer(), file.tip), (ISSUER, list().tip));
    assert_eq!(file.list.as_of().heard, Some(UnixMillis(START.0 + 700)));
    let written = list().to_bytes();
    assert_eq!(unpacked(&written), bytes(&golden["unpacked_hex"]));
    // All but the length of the packed part.
    assert_eq!(written[..92], bytes(&golden["hex"])[..92]);
    assert_eq!(written[96..HEADER_BYTES], bytes(&golden["hex"])[96..HEADER_BYTES]);
}

#[test]
fn r06_the_golden_handover_is_read_and_written() {
    let golden = &golden()["handover"];
    let read = Handover::read(&bytes(&golden["hex"])).unwrap();
    assert_eq!((&read, handover_means(&read)), (&handover(), golden["means"].clone()));
    assert_eq!(handover().to_bytes(), bytes(&golden["hex"]));
}
