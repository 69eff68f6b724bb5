//! `hufu records offline`: what gates decided without a network, as they handed it over to engines.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use hufu_files::{self as files, moment};
use hufu_offline::{Handover, OfflineRecord, Shelf};
use hufu_table::OsDisk;
use hufu_texts::Language;
use hufu_wire::DeviceId;
use serde_json::{Value, json};

use crate::outcome::Exit;
use crate::term::{self, note};
use crate::verdict::{age_text, verdict_json};

pub(super) fn run(folders: &[PathBuf]) -> anyhow::Result<Exit> {
    let mut known = BTreeSet::new();
    for folder in folders {
        let listed = Shelf::files(&OsDisk::shared(), folder);
        let listed = listed.with_context(|| format!("cannot read {}", folder.display()))?;
        if listed.is_empty() {
            note!(
                "{}: no gate's records are here; they lie in the folder offline-records in an engine's state, once a gate \
                 has handed some over",
                folder.display()
            );
        }
        for path in listed {
            let Some(handover) = Handover::read_begun(&files::read(&path)?) else {
                bail!("{}: damaged; keep the file, and restore it from a backup", path.display());
            };
            for record in &handover.records {
                // A gate that did not hear one engine's answer gives the same records to another.
                if known.insert((handover.device, handover.book, record.counter())) {
                    term::event(|| to_json(handover.device, record), || to_line(handover.device, record));
                }
            }
        }
    }
    Ok(Exit::Yes)
}

fn to_json(device: DeviceId, record: &OfflineRecord) -> Value {
    let mut object = verdict_json(&record.verdict, Language::En);
    object["device"] = json!(device.0);
    object["lane"] = json!(record.lane.0);
    object["uncertain_ms"] = json!(record.uncertain_ms);
    object
}

fn to_line(device: DeviceId, record: &OfflineRecord) -> String {
    let OfflineRecord { verdict, lane, uncertain_ms } = record;
    let age = age_text(verdict.age);
    format!(
        "{} ± {} s  device {device}  lane {}  no. {}  {}  ({age}, as of {})",
        moment::show(verdict.server_time.seconds()),
        uncertain_ms.div_ceil(1000),
        lane.0,
        verdict.number,
        verdict.reason,
        verdict.as_of
    )
}
