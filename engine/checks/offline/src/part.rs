//! A part of a chain, as an engine hands it to a gate; `docs/OFFLINE.md` draws the bytes.

use hufu_wire::chain::Head;

/// Change sets in order, and the last head when no set was left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChainPart<'b> {
    /// The change sets.
    pub sets: Vec<&'b [u8]>,
    /// The head; [`Head::BYTES`] bytes.
    pub head: Option<&'b [u8]>,
}

impl<'b> ChainPart<'b> {
    /// Bytes of a part beside those of its sets.
    pub fn bytes_beside(sets: usize) -> usize {
        4 + sets * 4 + Head::BYTES
    }

    /// Its bytes.
    ///
    /// # Panics
    /// When a set has 4 GiB or more: none has.
    pub fn to_bytes(&self) -> Vec<u8> {
        let count = |count: usize| u32::try_from(count).expect("no set has 4 GiB").to_le_bytes();
        let mut bytes = count(self.sets.len()).to_vec();
        for set in &self.sets {
            bytes.extend(count(set.len()));
            bytes.extend_from_slice(set);
        }
        bytes.extend_from_slice(self.head.unwrap_or_default());
        bytes
    }

    /// Reads a part; `None` for anything else. What is in it is proven by its signatures.
    pub fn read(bytes: &'b [u8]) -> Option<ChainPart<'b>> {
        let (count, mut rest) = bytes.split_first_chunk()?;
        let mut sets = Vec::new();
        for _ in 0..u32::from_le_bytes(*count) {
            let (length, behind) = rest.split_first_chunk()?;
            let (set, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            sets.push(set);
            rest = behind;
        }
        match rest.len() {
            0 => Some(ChainPart { sets, head: None }),
            Head::BYTES => Some(ChainPart { sets, head: Some(rest) }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_one_form_and_a_cut_one_is_refused() {
        let head = [7; Head::BYTES];
        for (sets, head) in [
            (vec![], None),
            (vec![], Some(&head[..])),
            (vec![&b"one"[..], b""], None),
            (vec![&b"one"[..], b"two"], Some(&head[..])),
        ] {
            let part = ChainPart { sets, head };
            let bytes = part.to_bytes();
            assert_eq!(ChainPart::read(&bytes), Some(part.clone()));
            for end in 0..bytes.len() {
                let read = ChainPart::read(&bytes[..end]);
                assert!(read.is_none_or(|read| read.head.is_none() && part.head.is_some()), "{end}");
            }
        }
        assert_eq!(ChainPart::read(&[0xff; 64]), None);
    }
}
