//! What the table costs, as the kernel sees it.

use std::ops::Range;
use std::{fs, io};

use crate::segment::SEGMENT_BYTES;

/// Memory of a table's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUse {
    /// Segments that exist.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes accounted for now: segments and whatever a loading snapshot stages.
    pub bytes_reserved: u64,
    /// The bound on them.
    pub bytes_max: u64,
    /// What the kernel says; `None` where it does not say (other systems than Linux).
    pub kernel: Option<KernelView>,
}

/// What the kernel has given for the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelView {
    /// Bytes in memory.
    pub resident_bytes: u64,
    /// Those of them in huge pages.
    pub huge_bytes: u64,
}

/// What the kernel says of these segments.
pub(crate) fn kernel_view(mut segments: Vec<usize>) -> io::Result<Option<KernelView>> {
    if !cfg!(target_os = "linux") {
        return Ok(None);
    }
    segments.sort_unstable();
    Ok(Some(added_up(&fs::read_to_string("/proc/self/smaps")?, &segments)))
}

/// Adds up the mappings that hold these segments, given by rising address. The kernel merges neighbouring mappings of
/// the same kind, so memory of others can be counted with them; never more than the segments' own bytes.
fn added_up(smaps: &str, segments: &[usize]) -> KernelView {
    let bytes = (segments.len() * SEGMENT_BYTES) as u64;
    let mut view = KernelView { resident_bytes: 0, huge_bytes: 0 };
    let mut ours = false;
    for line in smaps.lines() {
        if let Some(range) = mapping(line) {
            let first = segments.partition_point(|&start| start < range.start);
            ours = segments.get(first).is_some_and(|start| range.contains(start));
        } else if ours {
            view.resident_bytes += field(line, "Rss:").unwrap_or(0);
            view.huge_bytes += field(line, "AnonHugePages:").unwrap_or(0);
        }
    }
    view.resident_bytes = view.resident_bytes.min(bytes);
    view.huge_bytes = view.huge_bytes.min(bytes);
    view
}

/// The addresses, if this line begins a mapping (`7f00-7f20 rw-p …`).
fn mapping(line: &str) -> Option<Range<usize>> {
    let (start, end) = line.split(' ').next()?.split_once('-')?;
    Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
}

/// The bytes of a field that the kernel gives in kB.
fn field(line: &str, name: &str) -> Option<u64> {
    let kilobytes = line.strip_prefix(name)?.trim().strip_suffix(" kB")?;
    Some(kilobytes.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mappings below, with two segments in one, with one, between and above.
    const SMAPS: &str = "\
00100000-00200000 rw-p 00000000 00:00 0
Rss: 1024 kB
AnonHugePages: 0 kB
00400000-00800000 rw-p 00000000 00:00 0
Rss: 3072 kB
AnonHugePages: 2048 kB
00800000-00a00000 rw-p 00000000 00:00 0
Rss: 64 kB
00c00000-00e00000 rw-p 00000000 00:00 0
Rss: 512 kB
AnonHugePages: 0 kB
00e00000-01000000 rw-p 00000000 00:00 0
Rss: 2048 kB
AnonHugePages: 2048 kB
";

    #[test]
    fn only_mappings_with_segments_are_added_up() {
        let check = |segments: &[usize], resident_kb: u64, huge_kb: u64| {
            let expected = KernelView { resident_bytes: resident_kb * 1024, huge_bytes: huge_kb * 1024 };
            assert_eq!(added_up(SMAPS, segments), expected, "{segments:x?}");
        };
        check(&[], 0, 0);
        check(&[0x40_0000, 0x60_0000, 0xc0_0000], 3584, 2048);
        check(&[0xc0_0000], 512, 0);
        check(&[0xa0_0000], 0, 0);
        // A mapping shared with others counts for no more than the segments' own bytes.
        check(&[0x60_0000], 2048, 2048);
    }

    #[test]
    fn lines_of_smaps_are_told_apart() {
        assert_eq!(
            mapping("7f0000200000-7f0000400000 rw-p 00000000 00:00 0 "),
            Some(0x7f00_0020_0000..0x7f00_0040_0000)
        );
        assert_eq!(mapping("Rss:                2048 kB"), None);
        assert_eq!(mapping("VmFlags: rd wr mr mw me ac sd hg"), None);
        assert_eq!(field("AnonHugePages:      2048 kB", "AnonHugePages:"), Some(2 << 20));
        assert_eq!(field("Rss:                   4 kB", "AnonHugePages:"), None);
    }
}
