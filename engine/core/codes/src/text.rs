//! The text of a code: `HF1:` and base45 (RFC 9285), in exactly one spelling per byte string.

use hufu_wire::{Reason, limits, scan};

/// What every code text begins with.
pub const PREFIX: &str = scan::CODE_PREFIX;

/// Digits in the order of their values, RFC 9285 section 4.2.
const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
/// What a character that is no digit adds to its group: more than any group may have.
const NO_DIGIT: u32 = 1 << 16;
/// What each character adds in the first, second and third place of a group.
const FIRST: [u32; 256] = worth(1);
const SECOND: [u32; 256] = worth(45);
const THIRD: [u32; 256] = worth(45 * 45);

/// Decodes a code's text into `out` and returns the part it filled.
///
/// # Errors
/// Without the prefix, whatever the length: [`Reason::ForeignCode`] where another system's certificate begins so, or
/// [`Reason::NotACode`]. [`Reason::CodeTooLong`] beyond [`limits::CODE_TEXT_BYTES_MAX`],
/// [`Reason::BadText`] for everything an encoder would not have written: lower case, a group above 65535
/// (or above 255 in a last pair), a single digit left over.
pub fn decode<'b>(text: &[u8], out: &'b mut [u8; limits::CODE_BINARY_BYTES_MAX]) -> Result<&'b [u8], Reason> {
    let digits = text.strip_prefix(PREFIX.as_bytes()).ok_or_else(|| not_ours(text))?;
    if text.len() > limits::CODE_TEXT_BYTES_MAX {
        return Err(Reason::CodeTooLong);
    }
    let size = decode_digits(digits, out).ok_or(Reason::BadText)?;
    Ok(&out[..size])
}

#[cold]
fn not_ours(text: &[u8]) -> Reason {
    if scan::is_foreign(text) { Reason::ForeignCode } else { Reason::NotACode }
}

/// The text of `binary`, however long it is.
pub fn encode(binary: &[u8]) -> String {
    let mut text = String::with_capacity(PREFIX.len() + binary.len().div_ceil(2) * 3);
    text.push_str(PREFIX);
    let (pairs, last) = binary.as_chunks::<2>();
    for pair in pairs {
        push_digits(&mut text, usize::from(u16::from_be_bytes(*pair)), 3);
    }
    if let [byte] = last {
        push_digits(&mut text, usize::from(*byte), 2);
    }
    text
}

/// Decodes base45 without a prefix into the front of `out`, and returns how many bytes it has; `None` when `digits` is
/// not what an encoder writes or `out` is too small.
#[inline]
pub fn decode_digits(digits: &[u8], out: &mut [u8]) -> Option<usize> {
    let (triples, rest) = digits.as_chunks::<3>();
    let size = triples.len() * 2 + rest.len() / 2;
    let (pairs, last) = out.get_mut(..size)?.as_chunks_mut::<2>();
    // A digit too many and a group too large both show above the low 16 bits. They are gathered and looked at
    // once: a branch for each group would cost more than the decoding.
    let mut all = 0;
    for (&[a, b, c], pair) in triples.iter().zip(pairs) {
        let group = FIRST[usize::from(a)] + SECOND[usize::from(b)] + THIRD[usize::from(c)];
        all |= group;
        let [_, _, high, low] = group.to_be_bytes();
        *pair = [high, low];
    }
    match (rest, last) {
        ([], _) => {}
        (&[a, b], [byte]) => {
            let group = FIRST[usize::from(a)] + SECOND[usize::from(b)];
            all |= group >> 8 << 16;
            [_, _, _, *byte] = group.to_be_bytes();
        }
        _ => return None,
    }
    (all >> 16 == 0).then_some(size)
}

fn push_digits(text: &mut String, mut value: usize, digits: usize) {
    for _ in 0..digits {
        text.push(char::from(ALPHABET[value % 45]));
        value /= 45;
    }
}

const fn worth(place: u32) -> [u32; 256] {
    let mut worth = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 45 {
        worth[ALPHABET[value as usize] as usize] = value * place;
        value += 1;
    }
    worth
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(text: &[u8]) -> Result<Vec<u8>, Reason> {
        decode(text, &mut [0; limits::CODE_BINARY_BYTES_MAX]).map(<[u8]>::to_vec)
    }

    #[test]
    fn the_examples_of_rfc_9285_section_4() {
        for (binary, digits) in
            [("AB", "BB8"), ("Hello!!", "%69 VD92EX0"), ("base-45", "UJCLQE7W581"), ("ietf!", "QED8WEX0")]
        {
            let text = format!("HF1:{digits}");
            assert_eq!(encode(binary.as_bytes()), text);
            assert_eq!(decoded(text.as_bytes()), Ok(binary.as_bytes().to_vec()));
        }
    }

    /// Gates strip blanks behind a scan: none of them may belong to a code.
    #[test]
    fn no_text_ends_in_a_blank() {
        let last = |binary: &[u8]| encode(binary).pop().unwrap();
        for pair in 0..=u16::MAX {
            assert!(last(&pair.to_be_bytes()) <= 'W', "{pair}");
        }
        for byte in 0..=u8::MAX {
            assert!(last(&[0, 0, byte]) <= '5', "{byte}");
        }
    }

    #[test]
    fn r01_text_that_is_not_canonical_is_refused_with_its_reason() {
        for (text, reason) in [
            ("", Reason::NotACode),
            ("HF1", Reason::NotACode),
            ("hf1:BB8", Reason::NotACode),
            ("HC1:BB8", Reason::ForeignCode),
            ("hc1:bb8", Reason::ForeignCode),
            ("shc:/5676", Reason::ForeignCode),
            (" HC1:BB8", Reason::NotACode),
            (" HF1:BB8", Reason::NotACode),
            ("HF1:bb8", Reason::BadText),
            ("HF1:BB8\n", Reason::BadText),
            ("HF1:B", Reason::BadText),
            ("HF1:BB8B", Reason::BadText),
            ("HF1:GGW", Reason::BadText),
            ("HF1:::::", Reason::BadText),
            ("HF1:V5", Reason::BadText),
        ] {
            assert_eq!(decoded(text.as_bytes()), Err(reason), "{text:?}");
        }
        // The last values that have bytes: 65535 and 255.
        assert_eq!(decoded(b"HF1:FGW"), Ok(vec![255, 255]));
        assert_eq!(decoded(b"HF1:U5"), Ok(vec![255]));
        assert_eq!(decoded(&[b"HF1:".as_slice(), &[0xff; 3]].concat()), Err(Reason::BadText));
    }

    #[test]
    fn the_longest_text_fits_and_one_more_is_too_long() {
        let longest = format!("HF1:{}", "0".repeat(507));
        assert_eq!(decoded(longest.as_bytes()), Ok(vec![0; 338]));
        // One more is no text of whole groups, and the most that a gate sends.
        for digits in [508, 509, 510, 4000] {
            let beyond = format!("HF1:{}", "0".repeat(digits));
            assert_eq!(decoded(beyond.as_bytes()), Err(Reason::CodeTooLong), "{digits}");
        }
        // What is no code is not too long for one.
        assert_eq!(decoded(format!("HC1:{}", "0".repeat(4000)).as_bytes()), Err(Reason::ForeignCode));
        assert_eq!(decoded(&[b'0'; 4000]), Err(Reason::NotACode));
    }

    proptest! {
        #[test]
        fn bytes_survive(binary in proptest::collection::vec(any::<u8>(), 0..=338)) {
            prop_assert_eq!(decoded(encode(&binary).as_bytes()), Ok(binary));
        }

        #[test]
        fn r01_what_decodes_is_what_encode_writes(digits in "[0-9A-Z $%*+./:a-f-]{0,12}") {
            let text = format!("HF1:{digits}");
            if let Ok(binary) = decoded(text.as_bytes()) {
                prop_assert_eq!(encode(&binary), text);
            }
        }
    }
}
