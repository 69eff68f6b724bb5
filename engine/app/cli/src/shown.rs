//! What a phone remembers of the steps that it showed: what finds the slips of each, for as long as records are kept.
//!
//! It lies beside the holder's file, which changes with every new credential, and outlives it. A line has the step and
//! what finds and opens its slips (tag and key, 64 digits). It gives away the slips of these steps and no others.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use hufu_files::keys::ensure_private;
use hufu_files::{self as files, Readable};
use hufu_records::Finder;
use hufu_wire::{Step, UnixSeconds};
use zeroize::Zeroizing;

/// The steps, oldest first.
pub(crate) struct Shown {
    steps: BTreeSet<(Step, [u8; 32])>,
}

/// Records are kept for so long (R42).
const KEPT_S: u32 = 60 * 86_400;
/// More than a phone shows in that time: one step in five minutes, day and night.
const STEPS_MAX: usize = 20_000;
const HEAD: &str = "# The steps that a phone showed, and what finds their checks: for its holder alone. Remove the file to forget.\n";

impl Shown {
    /// The file beside a holder's.
    pub(crate) fn file(holder: &Path) -> PathBuf {
        files::with_extension(holder, "shown")
    }

    /// What is remembered beside this holder's file; nothing where there is no file.
    pub(crate) fn load(holder: &Path) -> anyhow::Result<Shown> {
        let path = Shown::file(holder);
        if !path.exists() {
            return Ok(Shown { steps: BTreeSet::new() });
        }
        ensure_private(&path)?;
        let text = Zeroizing::new(files::read_text(&path)?);
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with('#'));
        let steps = lines.map(|(number, line)| {
            let said =
                || format!("{}, line {number}: not a step and 64 digits; remove the line", path.display());
            read(line).with_context(said)
        });
        Ok(Shown { steps: steps.collect::<anyhow::Result<_>>()? })
    }

    /// Remembers one step, and forgets those that are too old.
    pub(crate) fn note(holder: &Path, step: Step, finder: &Finder, now: UnixSeconds) -> anyhow::Result<()> {
        let path = Shown::file(holder);
        let _lock = files::lock_folder_of(&path)?;
        let mut shown = Shown::load(holder)?;
        let before = shown.steps.len();
        let oldest = UnixSeconds(now.0.saturating_sub(KEPT_S)).step();
        shown.steps.retain(|(step, _)| *step >= oldest);
        let is_new = shown.steps.insert((step, *finder.to_bytes()));
        ensure!(shown.steps.len() <= STEPS_MAX, "{} has {STEPS_MAX} steps already", path.display());
        if !is_new && shown.steps.len() == before {
            return Ok(());
        }
        let mut text = Zeroizing::new(String::with_capacity(HEAD.len() + 76 * shown.steps.len()));
        text.push_str(HEAD);
        for (step, finder) in &shown.steps {
            let digits = Zeroizing::new(hex::encode(finder));
            writeln!(text, "{} {}", step.0, &*digits)?;
        }
        files::replace(&path, text.as_bytes(), Readable::Owner)
    }

    /// Every step, oldest first, and what finds it.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (Step, Finder)> {
        self.steps.iter().map(|(step, finder)| (*step, Finder::from_bytes(*finder)))
    }

    /// Whether this step was shown.
    pub(crate) fn has(&self, step: Step) -> bool {
        self.steps.iter().any(|(shown, _)| *shown == step)
    }
}

fn read(line: &str) -> Option<(Step, [u8; 32])> {
    let (step, digits) = line.split_once(' ')?;
    let mut finder = [0; 32];
    hex::decode_to_slice(digits, &mut finder).ok()?;
    Some((Step(step.parse().ok()?), finder))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_795_000_000);

    fn note(holder: &Path, step: Step, value: u8, now: UnixSeconds) -> anyhow::Result<()> {
        Shown::note(holder, step, &Finder::of_step(&[value; 16]), now)
    }

    fn steps(holder: &Path) -> Vec<u32> {
        Shown::load(holder).unwrap().steps().map(|(step, _)| step.0).collect()
    }

    #[test]
    fn r41_a_phone_remembers_what_it_showed_for_sixty_days() {
        let folder = tempfile::tempdir().unwrap();
        let holder = folder.path().join("zhang.holder");
        assert!(steps(&holder).is_empty());
        let first = NOW.step();
        for (step, value) in [(first, 1), (first, 1), (Step(first.0 + 1), 2), (first, 3)] {
            note(&holder, step, value, NOW).unwrap();
        }
        // The same step of another credential is another one.
        assert_eq!(steps(&holder), [first.0, first.0, first.0 + 1]);
        let finders: Vec<_> =
            Shown::load(&holder).unwrap().steps().map(|(_, finder)| *finder.tag()).collect();
        let tag = *Finder::of_step(&[2; 16]).tag();
        assert_eq!(finders[2], tag, "what is read back finds the same slip");
        let text = fs::read_to_string(Shown::file(&holder)).unwrap();
        assert!(!text.contains(&hex::encode([1; 16])), "the value itself is not kept");
        let later = UnixSeconds(NOW.0 + KEPT_S + 31);
        note(&holder, later.step(), 4, later).unwrap();
        assert_eq!(steps(&holder), [first.0 + 1, later.step().0]);
    }

    #[test]
    fn a_memory_that_others_can_read_or_that_is_damaged_is_refused_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let holder = folder.path().join("zhang.holder");
        note(&holder, NOW.step(), 1, NOW).unwrap();
        let path = Shown::file(&holder);
        let mut text = fs::read_to_string(&path).unwrap();
        text.push_str("7 abc\n");
        fs::write(&path, text).unwrap();
        let why = format!("{:#}", Shown::load(&holder).err().unwrap());
        assert!(why.contains("zhang.holder.shown, line 3: not a step and 64 digits"), "{why}");
        assert!(note(&holder, NOW.step(), 2, NOW).is_err(), "nothing is lost");
        assert!(fs::read_to_string(&path).unwrap().ends_with("7 abc\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(Shown::load(&holder).is_err());
    }
}
