//! How an issuer's holders are spread over lists.

use hufu_wire::HolderIndex;

/// Lists of one issuer: each of the same number of entries, at a URI with its number in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shards {
    uri: String,
    entries: u32,
}

/// What stands in a URI for the number of the list.
const PLACE: &str = "{shard}";

impl Shards {
    /// Entries of a list where nothing else is said: the size of the draft's test vectors, 45 KB at 4 % non-green.
    pub const ENTRIES: u32 = 1 << 20;

    /// Lists of `entries` holders at `uri`, in which `{shard}` stands for the number from 0.
    pub fn new(uri: String, entries: u32) -> Shards {
        Shards { uri, entries: entries.max(1) }
    }

    /// Holders of one list.
    pub fn entries(&self) -> u32 {
        self.entries
    }

    /// Whether several lists have several places.
    pub fn are_told_apart(&self) -> bool {
        self.uri.contains(PLACE)
    }

    /// Where a list is: its `sub`, and the `uri` in credentials.
    pub fn uri(&self, shard: u32) -> String {
        self.uri.replace(PLACE, &shard.to_string())
    }

    /// A holder's list, and the index in it.
    pub fn place(&self, holder: HolderIndex) -> (u32, u32) {
        (holder.0 / self.entries, holder.0 % self.entries)
    }

    /// The first holder of a list; `None` beyond the last holder that can be.
    pub fn first(&self, shard: u32) -> Option<HolderIndex> {
        shard.checked_mul(self.entries).map(HolderIndex)
    }
}
