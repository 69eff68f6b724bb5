//! The list that was checked last, as it is kept: what a check needs, and nothing that says who a pupil is.
//!
//! Numbers of lines, classes, masked names and holders' indices; no id number and no full name. The file is for its owner
//! alone. It is not encrypted: the key would have to lie beside it, in the same process's reach (decision 0036).

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hufu_files::{self as files, Readable};
use hufu_wire::limits::ROSTER_MEMBERS_MAX;
use hufu_wire::{HolderIndex, IssuerId, SiteId, UnixSeconds};
use serde::{Deserialize, Serialize};

use crate::config::Settings;
use crate::people::{Named, Unfound};
use crate::rows::RefusedRow;

/// A register, with the signed rosters of its members.
#[derive(Clone, Debug)]
pub(crate) struct Register {
    /// When its list was uploaded.
    pub(crate) uploaded: UnixSeconds,
    /// Its lines, in their order.
    pub(crate) names: Vec<Named>,
    /// Lines that could not be read.
    pub(crate) refused: Vec<RefusedRow>,
    /// The names of its rosters at the registry.
    pub(crate) rosters: Vec<String>,
    /// The same, signed, as many as there are yet.
    pub(crate) signed: Vec<Vec<u8>>,
}

impl Default for Register {
    fn default() -> Register {
        let (names, refused, rosters, signed) = Default::default();
        Register { uploaded: UnixSeconds(0), names, refused, rosters, signed }
    }
}

/// The file. Its fields may grow; `version` tells when they change their meaning.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    site: u32,
    issuer: u32,
    uploaded_s: u32,
    lines: Vec<Line>,
    refused: Vec<RefusedRow>,
    rosters: Vec<String>,
    signed: Vec<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the line of a line is what a list calls it")]
struct Line {
    line: u64,
    group: String,
    display: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unfound: Option<String>,
}

const VERSION: u32 = 1;

/// Its file in the folder.
fn path(folder: &Path) -> PathBuf {
    folder.join("register.json")
}

impl Register {
    /// The members of each roster: as many as one may have, by rising index.
    pub(crate) fn parts(&self) -> Vec<Vec<u32>> {
        let mut members: Vec<_> =
            self.names.iter().filter_map(|named| Some(named.holder.ok()?.1.0)).collect();
        members.sort_unstable();
        members.dedup();
        members.chunks(ROSTER_MEMBERS_MAX).map(<[u32]>::to_vec).collect()
    }

    /// The one that is kept in the school's folder.
    ///
    /// # Errors
    /// It cannot be read, or is another school's.
    pub(crate) fn load(settings: &Settings) -> anyhow::Result<Option<Register>> {
        let path = path(&settings.folder);
        if !path.exists() {
            return Ok(None);
        }
        let read = || -> anyhow::Result<Register> {
            let file: File = serde_json::from_slice(&files::read(&path)?)?;
            ensure!(file.version == VERSION, "its version is {}, and this is {VERSION}", file.version);
            let is_own = (file.site, file.issuer) == (settings.site.0, settings.issuer.0);
            ensure!(is_own, "it is of site {} and issuer {}", file.site, file.issuer);
            let issuer = IssuerId(file.issuer);
            Ok(Register {
                uploaded: UnixSeconds(file.uploaded_s),
                names: file.lines.into_iter().map(|line| line.named(issuer)).collect::<Result<_, _>>()?,
                refused: file.refused,
                rosters: file.rosters,
                signed: file
                    .signed
                    .iter()
                    .map(|text| BASE64_STANDARD.decode(text))
                    .collect::<Result<_, _>>()?,
            })
        };
        let register = read()
            .with_context(|| format!("{}: upload the list again, or remove the file", path.display()))?;
        Ok(Some(register))
    }

    /// Keeps it in the place of the one before: whole or not at all.
    ///
    /// # Errors
    /// The disk does not take it.
    pub(crate) fn store(&self, settings: &Settings) -> anyhow::Result<()> {
        let Settings { site: SiteId(site), issuer: IssuerId(issuer), .. } = *settings;
        let lines = self.names.iter().map(|named| Line {
            line: named.line,
            group: named.group.clone(),
            display: named.display.clone(),
            holder: named.holder.ok().map(|(_, holder)| holder.0),
            unfound: named.holder.err().map(|unfound| unfound.slug().to_owned()),
        });
        let file = File {
            version: VERSION,
            site,
            issuer,
            uploaded_s: self.uploaded.0,
            lines: lines.collect(),
            refused: self.refused.clone(),
            rosters: self.rosters.clone(),
            signed: self.signed.iter().map(|signed| BASE64_STANDARD.encode(signed)).collect(),
        };
        files::folder(&settings.folder)?;
        files::replace(&path(&settings.folder), &serde_json::to_vec(&file)?, Readable::Owner)
    }

    /// Keeps none any more.
    ///
    /// # Errors
    /// The file stays.
    pub(crate) fn remove(settings: &Settings) -> anyhow::Result<()> {
        let path = path(&settings.folder);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| path.display().to_string())
            }
            _ => Ok(()),
        }
    }
}

impl Line {
    fn named(self, issuer: IssuerId) -> anyhow::Result<Named> {
        let holder = match (self.holder, self.unfound.as_deref()) {
            (Some(holder), None) => Ok((issuer, HolderIndex(holder))),
            (None, Some("unregistered")) => Err(Unfound::Unregistered),
            (None, Some("other-name")) => Err(Unfound::OtherName),
            _ => bail!("line {} has neither a holder nor why there is none", self.line),
        };
        Ok(Named { line: self.line, group: self.group, display: self.display, holder })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn settings(folder: &Path, site: u32) -> Settings {
        Settings {
            site: SiteId(site),
            issuer: IssuerId(310_000),
            terminal: folder.to_owned(),
            folder: folder.join("kept"),
            roster: "school".to_owned(),
            valid_s: 3600,
            zone: "UTC".parse().unwrap(),
        }
    }

    fn register(people: u32) -> Register {
        let named = |line: u32| Named {
            line: u64::from(line),
            group: "3b".to_owned(),
            display: "王*002X".to_owned(),
            holder: if line == 2 {
                Err(Unfound::OtherName)
            } else {
                Ok((IssuerId(310_000), HolderIndex(line)))
            },
        };
        Register {
            uploaded: UnixSeconds(7),
            names: (2..people + 2).rev().map(named).collect(),
            refused: vec![RefusedRow { line: 99, word: "twice".to_owned(), of: 2 }],
            rosters: vec!["school-a-1".to_owned()],
            signed: vec![vec![1, 2, 3]],
        }
    }

    #[test]
    fn r61_the_kept_register_is_read_as_it_was_and_only_by_its_school() {
        let folder = tempfile::tempdir().unwrap();
        let own = settings(folder.path(), 310_101);
        assert!(Register::load(&own).unwrap().is_none());
        register(3).store(&own).unwrap();
        let path = path(&own.folder);
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600,
            "for its owner alone"
        );
        let kept = Register::load(&own).unwrap().unwrap();
        assert_eq!(kept.names, register(3).names);
        assert_eq!((kept.refused.len(), kept.rosters.len(), &kept.signed[0]), (1, 1, &vec![1, 2, 3]));
        let other = settings(folder.path(), 310_102);
        let said = format!("{:#}", Register::load(&other).unwrap_err());
        assert!(said.contains("it is of site 310101") && said.contains("upload the list again"), "{said}");
        Register::remove(&own).unwrap();
        Register::remove(&own).unwrap();
        assert!(Register::load(&own).unwrap().is_none());
    }

    #[test]
    fn r61_a_list_longer_than_a_roster_becomes_several() {
        let parts = register(70_000).parts();
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [32_768, 32_768, 4_463]);
        assert!(parts.concat().is_sorted());
        assert!(register(1).parts().is_empty(), "the only line is no holder");
    }
}
