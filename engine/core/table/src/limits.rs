use crate::fault::TableFault;
use crate::segment::{SEGMENT_BYTES, SEGMENT_WORDS};

/// How far a table may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Issuers, 1 to [`ISSUERS_MAX`](hufu_wire::limits::ISSUERS_MAX). Each reserves 128 KiB of address space
    /// for its segment addresses, of which only what is used becomes resident.
    pub issuers_max: usize,
    /// Holders of one issuer, 1 to 2^32: an issuer that names holders far apart takes a segment for each, and
    /// this keeps one issuer's mistake from using up the memory of all.
    pub holders_max: u64,
    /// Bytes for the words of all issuers, and for what a snapshot stages while it loads.
    pub bytes_max: u64,
}

impl Limits {
    /// Limits for this many holders spread over `issuers` issuers: every issuer may end in a segment that is
    /// not full.
    pub const fn for_holders(issuers: usize, holders: u64) -> Limits {
        let segments = holders.div_ceil(SEGMENT_WORDS as u64) + issuers as u64;
        Limits { issuers_max: issuers, holders_max: HOLDERS_MAX, bytes_max: segments * SEGMENT_BYTES as u64 }
    }

    pub(crate) fn check(&self) -> Result<(), TableFault> {
        let refuse = |what| Err(TableFault::BadLimits { what });
        if self.issuers_max == 0 || self.issuers_max > hufu_wire::limits::ISSUERS_MAX {
            return refuse("issuers_max is 1 to 1024");
        }
        if self.holders_max == 0 || self.holders_max > HOLDERS_MAX {
            return refuse("holders_max is 1 to 4294967296");
        }
        if self.bytes_max < SEGMENT_BYTES as u64 {
            return refuse("bytes_max is at least one segment, 2097152");
        }
        Ok(())
    }
}

impl Default for Limits {
    /// The whole country on one 24 GiB machine (R14): 1.4 billion holders in as many issuers as the protocol
    /// allows, 13.3 GB at most.
    fn default() -> Limits {
        Limits::for_holders(hufu_wire::limits::ISSUERS_MAX, 1_400_000_000)
    }
}

/// Holder indexes are 32 bits wide.
const HOLDERS_MAX: u64 = 1 << 32;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn limits_that_make_no_sense_are_refused() {
        let good = Limits::default();
        assert!(good.check().is_ok());
        for bad in [
            Limits { issuers_max: 0, ..good },
            Limits { issuers_max: 1025, ..good },
            Limits { holders_max: 0, ..good },
            Limits { holders_max: HOLDERS_MAX + 1, ..good },
            Limits { bytes_max: SEGMENT_BYTES as u64 - 1, ..good },
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }

    /// The measured whole is `examples/province`.
    #[test]
    fn r14_a_country_has_room_in_24_gib_with_all_its_issuers() {
        let limits = Limits::default();
        assert!(limits.bytes_max < 14 << 30);
        assert!(limits.check().is_ok());
        let one_issuer = Limits::for_holders(1, 1_400_000_000);
        assert!(one_issuer.bytes_max < 1_400_000_000 * 8 * 101 / 100, "8 bytes a holder and 1 %");
    }
}
