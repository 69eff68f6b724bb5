//! Files stay rooms: a report of those that have grown long.

use std::fs;

use anyhow::Result;

use crate::counts::Counts;
use crate::process::output_of;

const LINES_MAX: usize = 400;

/// Names Rust files over [`LINES_MAX`] lines, the longest first. Never fails for a long file: whether it is
/// still one room is for a reader to say.
pub(crate) fn report() -> Result<Counts> {
    let mut git = std::process::Command::new("git");
    let files = output_of(git.args(["ls-files", "--cached", "--others", "--exclude-standard", "*.rs"]))?;
    // A file deleted and not yet committed is still listed.
    let mut sizes: Vec<(usize, &str)> = files
        .lines()
        .filter_map(|file| Some((fs::read_to_string(file).ok()?.lines().count(), file)))
        .collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let lines: usize = sizes.iter().map(|(lines, _)| lines).sum();
    let long = sizes.iter().take_while(|(lines, _)| *lines > LINES_MAX);
    println!("{} Rust files, {lines} lines", sizes.len());
    for (lines, file) in long {
        println!("warning: {file} has {lines} lines, more than {LINES_MAX}");
    }
    Ok(Counts::ONE)
}
