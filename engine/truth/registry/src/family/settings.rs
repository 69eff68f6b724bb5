//! What an operator says about families.

use hufu_codes::cose::key_id;
use hufu_signature::PreparedKey;
use hufu_wire::KeyId;
use jiff::tz::{Offset, TimeZone};

/// A text that users sign for children.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commitment {
    /// Its version, such as `zh-1`; a changed text gets another one.
    pub version: String,
    /// The text.
    pub text: String,
}

/// What an operator says about families: `[families]` of `registry.toml`.
#[derive(Clone, Debug)]
pub struct Families {
    zone: TimeZone,
    face_keys: Vec<(KeyId, PreparedKey)>,
    face_level_min: u8,
    commitments: Vec<Commitment>,
}

/// The zone that days are of unless the operator says another.
const ZONE: &str = "Asia/Shanghai";
/// The lowest level of a face check that is taken, unless the operator says another.
const FACE_LEVEL_MIN: u8 = 2;

impl Default for Families {
    fn default() -> Families {
        let zone = TimeZone::get(ZONE).unwrap_or_else(|_| TimeZone::fixed(Offset::constant(8)));
        let commitment =
            |version: &str, text: &str| Commitment { version: version.into(), text: text.into() };
        let commitments = vec![
            commitment("en-1", include_str!("commitment-en-1.txt")),
            commitment("zh-1", include_str!("commitment-zh-1.txt")),
        ];
        Families { zone, face_keys: Vec::new(), face_level_min: FACE_LEVEL_MIN, commitments }
    }
}

impl Families {
    /// The same with days of another zone of the IANA database; `None` when there is no such zone.
    pub fn in_zone(self, name: &str) -> Option<Families> {
        let zone = TimeZone::get(name).ok()?;
        Some(Families { zone, ..self })
    }

    /// The same, which believes statements that these keys signed, from this level on.
    #[must_use]
    pub fn believing(self, keys: impl IntoIterator<Item = PreparedKey>, level_min: u8) -> Families {
        let face_keys = keys.into_iter().map(|key| (key_id(&key.public()), key)).collect();
        Families { face_keys, face_level_min: level_min, ..self }
    }

    /// The same with more texts of the commitment; one of a version that there is replaces it.
    #[must_use]
    pub fn with_commitments(mut self, more: impl IntoIterator<Item = Commitment>) -> Families {
        for commitment in more {
            self.commitments.retain(|known| known.version != commitment.version);
            self.commitments.push(commitment);
        }
        self
    }

    /// Whose days decide about ages.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Every text of the commitment.
    pub fn commitments(&self) -> &[Commitment] {
        &self.commitments
    }

    pub(super) fn face_keys(&self) -> &[(KeyId, PreparedKey)] {
        &self.face_keys
    }

    pub(super) fn face_level_min(&self) -> u8 {
        self.face_level_min
    }
}

impl Commitment {
    /// SHA-256 of the text.
    pub fn digest(&self) -> [u8; 32] {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.text.as_bytes());
        digest.as_ref().try_into().unwrap_or_default()
    }
}
