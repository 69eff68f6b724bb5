use super::fault::SnapshotFaultKind::{self, Damaged};
use crate::disk::DiskFile;

/// Fills `out`; a file that ends before is damaged.
pub(super) fn read_at(file: &dyn DiskFile, out: &mut [u8], at: u64) -> Result<(), SnapshotFaultKind> {
    match file.read_at(out, at).map_err(SnapshotFaultKind::io("read it"))? {
        filled if filled < out.len() => Err(Damaged { what: "it is cut off" }),
        _ => Ok(()),
    }
}
