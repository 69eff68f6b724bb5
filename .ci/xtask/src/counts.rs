//! How many checks passed and failed, read from the closing lines of test runners.

use std::ops::AddAssign;

/// Checks by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Counts {
    /// One check that passed.
    pub(crate) const ONE: Counts = Counts { passed: 1, failed: 0 };

    /// What a runner's closing line says; `None` for any other line.
    pub(crate) fn of_line(line: &str) -> Option<Counts> {
        let line = without_colour(line);
        // nextest shows what a failed test printed, a little to the right: that line counts a test that the summary has.
        let sums = line.starts_with("test result: ") || line.trim_start().starts_with("Summary [");
        if !sums || !line.contains(" passed") {
            return None;
        }
        Some(Counts { passed: before(&line, " passed"), failed: before(&line, " failed") })
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Counts) {
        self.passed += more.passed;
        self.failed += more.failed;
    }
}

/// The number that stands right before `word`, 0 when there is none.
fn before(line: &str, word: &str) -> u64 {
    let Some((front, _)) = line.split_once(word) else { return 0 };
    let digits = front.bytes().rev().take_while(u8::is_ascii_digit).count();
    front[front.len() - digits..].parse().unwrap_or(0)
}

/// `line` without terminal colours: `ESC [ ... m`.
fn without_colour(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').map_or("", |(_, text)| text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, passed: u64, failed: u64) {
        assert_eq!(Counts::of_line(line), Some(Counts { passed, failed }), "{line}");
    }

    #[test]
    fn closing_lines_are_counted() {
        check("     Summary [   1.631s] 26 tests run: 26 passed, 3 skipped", 26, 0);
        check("     Summary [   9.1s] 5/30 tests run: 3 passed (1 slow), 2 failed, 0 skipped", 3, 2);
        check("test result: ok. 4 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out", 4, 0);
        check(
            "\u{1b}[32;1m     Summary\u{1b}[0m [   1.6s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped",
            2,
            0,
        );
    }

    #[test]
    fn other_lines_are_not() {
        assert_eq!(Counts::of_line("        PASS [   0.006s] 12 passed"), None);
        assert_eq!(Counts::of_line("Summary of changes"), None);
        assert_eq!(Counts::of_line(""), None);
        let inner = "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 31 filtered out";
        assert_eq!(Counts::of_line(inner), None);
        assert_eq!(Counts::of_line(&format!("\u{1b}[31m{inner}\u{1b}[0m")), None);
    }
}
