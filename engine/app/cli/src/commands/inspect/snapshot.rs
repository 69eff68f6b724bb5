//! Snapshot files.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use hufu_files::moment::show;
use hufu_table::{Snapshot, SnapshotFaultKind, SnapshotInfo};

use super::explained::Explained;

/// Explains a snapshot file; `None` when it is something else and `--as` does not name a snapshot.
pub(super) fn explain(path: &Path, surely: bool) -> Option<Explained> {
    // A shorter file would be told as a snapshot that is cut off.
    if !surely && !begins_with_magic(path) {
        return None;
    }
    let snapshot = match Snapshot::open(path) {
        Ok(snapshot) => snapshot,
        Err(fault) if matches!(&fault.kind, SnapshotFaultKind::Io { .. }) && !surely => return None,
        Err(fault) => return Some(Explained::unreadable("snapshot", fault.to_string())),
    };
    let SnapshotInfo { issuer, sequence, heard, holders, segments, bytes, digest } = *snapshot.info();
    let heard = heard.map_or_else(|| "never".to_owned(), |heard| show(heard.seconds()));
    let mut explained = Explained::new("snapshot");
    explained
        .field("issuer", issuer, "whose holders these are")
        .field("sequence", sequence, "every change up to this one is in it")
        .field("heard", heard, "when the issuer's head was made")
        .field("holders", holders, "with a known status")
        .field("segments", segments, "of 262,144 holders each")
        .field("bytes", bytes, "")
        .field("digest", digest, "names the content");
    Some(explained.sound("Header and list are complete; `hufu snapshot show` checks every word."))
}

/// SNAPSHOT, "Header".
fn begins_with_magic(path: &Path) -> bool {
    let mut first = [0; 8];
    File::open(path).is_ok_and(|mut file| file.read_exact(&mut first).is_ok() && first == *b"HUFUSNAP")
}
