//! `[families]` of `registry.toml`: what decides about relatives (R27).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use hufu_files as files;
use hufu_files::keys::{Owner, PublicKey};
use hufu_files::settings::{Misconfigured, Place, bare};
use hufu_registry::{Commitment, Families};
use hufu_signature::PreparedKey;
use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;
use toml::Spanned;

/// Whose days count, which face checks are believed, and what users sign for small children.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct FamilySettings {
    /// The time zone whose days decide about ages.
    pub zone: Spanned<String>,
    /// Public keys of the services that compare faces.
    pub face_keys: Vec<PathBuf>,
    /// The lowest level of a face check that is taken.
    pub face_level_min: Spanned<u8>,
    /// More texts of the commitment, each by its version.
    pub commitments: BTreeMap<String, PathBuf>,
}

impl Default for FamilySettings {
    fn default() -> FamilySettings {
        FamilySettings {
            zone: bare("Asia/Shanghai".to_owned()),
            face_keys: Vec::new(),
            face_level_min: bare(2),
            commitments: BTreeMap::new(),
        }
    }
}

impl FamilySettings {
    pub(super) fn check(&self, place: Place<'_>) -> Result<(), Misconfigured> {
        place.within("face_level_min", &self.face_level_min, 1..=u8::MAX)?;
        if Families::default().in_zone(self.zone.get_ref()).is_none() {
            let what = format!("there is no time zone {:?}", self.zone.get_ref());
            let mend = "write a name of the IANA database such as Asia/Shanghai";
            return Err(place.misconfigured("zone", &self.zone, what, mend));
        }
        Ok(())
    }

    pub(super) fn make_relative_to(&mut self, folder: &Path) {
        for path in self.face_keys.iter_mut().chain(self.commitments.values_mut()) {
            *path = folder.join(&*path);
        }
    }

    /// Reads every file that is named.
    ///
    /// # Errors
    /// The file that cannot be used.
    pub fn load(&self) -> anyhow::Result<Families> {
        let key = |path: &PathBuf| Ok(PreparedKey::new(&PublicKey::load(path, Owner::Issuer)?.public)?);
        let keys = self.face_keys.iter().map(key).collect::<anyhow::Result<Vec<_>>>()?;
        let text = |(version, path): (&String, &PathBuf)| {
            Ok(Commitment { version: version.clone(), text: files::read_text(path)? })
        };
        let commitments = self.commitments.iter().map(text).collect::<anyhow::Result<Vec<_>>>()?;
        let families =
            Families::default().in_zone(self.zone.get_ref()).context("zone: there is no such zone")?;
        Ok(families.believing(keys, *self.face_level_min.get_ref()).with_commitments(commitments))
    }
}
