//! Corpora: the working one holds whatever reached something new, the kept one the few inputs of it that reach most.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;

/// What the repository holds of one target at most: files that people did not put there, and bytes of each.
const KEPT_FILES_MAX: usize = 12;
const KEPT_BYTES_MAX: u64 = 2048;
/// So begins the name of a file that this program put there.
const MARK: &str = "found-";

/// Files in the corpora of one target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    /// In the target folder.
    pub(super) working: usize,
    /// In the repository.
    pub(super) kept: usize,
    /// Of those, put there now.
    pub(super) new: usize,
}

/// Takes out of `working` what reaches nothing that smaller inputs do not reach, and keeps the best of it in `kept`.
///
/// `merge` gets a control file of libFuzzer and returns it with what each input reached; `None` when an input failed: then
/// nothing changes.
pub(super) fn tidy(
    kept: &Path,
    working: &Path,
    merge: impl Fn(&str) -> Result<Option<String>>,
) -> Result<Sizes> {
    // What was found before competes with what is found now.
    let is_found =
        |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(MARK));
    for (path, _) in files(kept)?.into_iter().filter(|(path, _)| is_found(path)) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().replace(MARK, "");
        fs::copy(&path, working.join(name))?;
    }
    let (mut of_kept, of_working) = (files(kept)?, files(working)?);
    let before: Vec<PathBuf> =
        of_kept.extract_if(.., |(path, _)| is_found(path)).map(|(path, _)| path).collect();
    let mut sizes = Sizes { working: of_working.len(), kept: of_kept.len() + before.len(), new: 0 };
    let all: Vec<&PathBuf> = of_kept.iter().chain(&of_working).map(|(path, _)| path).collect();
    let mut control = format!("{}\n{}\n", all.len(), of_kept.len());
    for path in &all {
        let _ = writeln!(control, "{}", path.display());
    }
    if of_working.is_empty() {
        return Ok(sizes);
    }
    let Some(merged) = merge(&control)? else { return Ok(sizes) };
    let features = reached(&merged, "FT");
    let edges = reached(&merged, "COV");
    let mut best = Vec::new();
    for (number, (path, bytes)) in (of_kept.len()..).zip(&of_working) {
        if features.get(&number).copied().unwrap_or(0) == 0 {
            fs::remove_file(path)?;
            sizes.working -= 1;
        } else if let Some(&edges) =
            edges.get(&number).filter(|&&edges| edges > 0 && *bytes <= KEPT_BYTES_MAX)
        {
            best.push((edges, path));
        }
    }
    best.sort_by(|a, b| b.cmp(a));
    let mut now = Vec::new();
    for (_, path) in best.into_iter().take(KEPT_FILES_MAX) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let place = kept.join(format!("{MARK}{}", name.get(..12).unwrap_or(&name)));
        if !before.contains(&place) {
            fs::create_dir_all(kept)?;
            fs::copy(path, &place)?;
            sizes.new += 1;
        }
        now.push(place);
    }
    for path in before.iter().filter(|path| !now.contains(path)) {
        fs::remove_file(path)?;
    }
    sizes.kept = of_kept.len() + now.len();
    Ok(sizes)
}

/// How many things each input reached first: the lines `FT 7 1 4 6` and `COV 7 2 3`.
fn reached(merged: &str, kind: &str) -> BTreeMap<usize, usize> {
    let of_line = |line: &str| {
        let mut words = line.strip_prefix(kind)?.split_whitespace();
        let number = words.next()?.parse().ok()?;
        Some((number, words.count()))
    };
    merged.lines().filter_map(of_line).collect()
}

/// The files of a folder, small ones first, with their lengths; none where there is no folder.
fn files(folder: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                files.push((entry.path(), entry.metadata()?.len()));
            }
        }
    }
    files.sort_by(|a, b| (a.1, &a.0).cmp(&(b.1, &b.0)));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_nothing_goes_and_the_best_is_kept() {
        let folder = std::env::temp_dir().join(format!("hufu-corpus-{}", std::process::id()));
        let (kept, working) = (folder.join("kept"), folder.join("working"));
        fs::create_dir_all(&working).unwrap();
        for (name, bytes) in
            [("aaaaaaaaaaaaaaaa", 1), ("bbbbbbbbbbbbbbbb", 2), ("cccccccccccccccc", 5000), ("d", 9000)]
        {
            fs::write(working.join(name), vec![0; bytes]).unwrap();
        }
        let merge = |control: &str| {
            assert!(control.starts_with("4\n0\n") && control.lines().count() == 6, "{control}");
            Ok(Some(format!(
                "{control}STARTED 0 1\nFT 0 1 2\nCOV 0 7\nFT 1\nCOV 1\nFT 2 9\nCOV 2 8\nFT 3 10\nCOV 3\n"
            )))
        };
        let sizes = tidy(&kept, &working, merge).unwrap();
        assert_eq!(
            sizes,
            Sizes { working: 3, kept: 1, new: 1 },
            "the second reaches nothing, the third is too long"
        );
        assert!(kept.join("found-aaaaaaaaaaaa").is_file());
        let failed = tidy(&kept, &working, |_| Ok(None)).unwrap();
        assert_eq!(failed, Sizes { working: 4, kept: 1, new: 0 }, "what was kept competes again");
        // Now another one is the best: the first leaves.
        fs::write(kept.join("by-hand"), "x").unwrap();
        let better = |control: &str| {
            assert!(control.starts_with("5\n1\n") && control.contains("by-hand"), "{control}");
            Ok(Some("FT 0 1\nCOV 0 1\nFT 1\nCOV 1\nFT 2\nCOV 2\nFT 3 9\nCOV 3\nFT 4 10\nCOV 4\n".to_owned()))
        };
        assert_eq!(tidy(&kept, &working, better).unwrap(), Sizes { working: 2, kept: 1, new: 0 });
        assert!(!kept.join("found-aaaaaaaaaaaa").exists() && kept.join("by-hand").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
