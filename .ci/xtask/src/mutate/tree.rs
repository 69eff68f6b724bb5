//! A copy of the tree that mutants may change. It stays in `target`, so that a second run builds little again.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::output_of;

/// Makes `to` a copy of what git lists and of files that are not ignored. Files that did not change keep their
/// times, so cargo does not build them again.
pub(super) fn copy(to: &Path) -> Result<()> {
    let listed =
        output_of(Command::new("git").args(["ls-files", "--cached", "--others", "--exclude-standard"]))?;
    // Cargo finds the configuration in the folders above as well; two copies would add their flags up.
    let wanted: BTreeSet<PathBuf> = listed
        .lines()
        .map(PathBuf::from)
        .filter(|file| !file.starts_with(".cargo") && file.is_file())
        .collect();
    for file in &wanted {
        copy_if_other(file, &to.join(file))
            .with_context(|| format!("{} cannot be copied", file.display()))?;
    }
    for gone in files(to, Path::new(""))?.difference(&wanted) {
        fs::remove_file(to.join(gone))?;
    }
    Ok(())
}

fn copy_if_other(from: &Path, to: &Path) -> Result<()> {
    let content = fs::read(from)?;
    if fs::read(to).is_ok_and(|old| old == content) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(to, content)?)
}

/// The files below `top/folder`, as paths from `top`, apart from build output.
fn files(top: &Path, folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(top.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if path != Path::new("target") {
                found.append(&mut files(top, &path)?);
            }
        } else {
            found.insert(path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_below_a_folder_are_found_without_build_output() {
        let top = std::env::temp_dir().join(format!("hufu-xtask-tree-{}", std::process::id()));
        for file in ["a.rs", "b/c.rs", "target/debug/d"] {
            fs::create_dir_all(top.join(file).parent().unwrap()).unwrap();
            fs::write(top.join(file), file).unwrap();
        }
        let found = files(&top, Path::new("")).unwrap();
        fs::remove_dir_all(&top).unwrap();
        assert_eq!(found, ["a.rs", "b/c.rs"].map(PathBuf::from).into());
    }

    #[test]
    fn a_file_is_written_only_when_it_differs() {
        let folder = std::env::temp_dir().join(format!("hufu-xtask-copy-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (from, to) = (folder.join("from"), folder.join("deep/to"));
        let modified = |file: &Path| fs::metadata(file).unwrap().modified().unwrap();
        fs::write(&from, "1").unwrap();
        copy_if_other(&from, &to).unwrap();
        let first = modified(&to);
        copy_if_other(&from, &to).unwrap();
        assert_eq!(modified(&to), first);
        fs::write(&from, "2").unwrap();
        copy_if_other(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "2");
        fs::remove_dir_all(&folder).unwrap();
    }
}
