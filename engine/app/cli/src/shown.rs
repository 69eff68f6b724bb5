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
