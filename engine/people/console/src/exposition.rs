//! Figures as metrics pages have them (Prometheus' text format, OpenMetrics).

use std::borrow::Cow;

/// One figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'t> {
    /// Its name, for example `hufu_decisions_total`.
    pub name: &'t str,
    /// Its labels, in order.
    pub labels: Vec<(&'t str, Cow<'t, str>)>,
    /// Its value: finite.
    pub value: f64,
}

/// Labels of one figure that are read; ours have at most two.
const LABELS_MAX: usize = 8;

impl Sample<'_> {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    /// Its value as a count; what is below 0 or too large for one is 0.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is looked at first"
    )]
    pub fn count(&self) -> u64 {
        if (0.0..9e15).contains(&self.value) { self.value as u64 } else { 0 }
    }
}

/// The figures of a page. A line that is none is passed over, and so are values that are no finite number.
pub fn samples(page: &str) -> impl Iterator<Item = Sample<'_>> {
    page.lines().filter(|line| !line.starts_with('#')).filter_map(sample)
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let name_end = line.find(|letter: char| !(letter.is_ascii_alphanumeric() || "_:".contains(letter)))?;
    let (name, mut rest) = line.split_at(name_end);
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            rest = rest.trim_start_matches([',', ' ']);
            if let Some(after) = rest.strip_prefix('}') {
                rest = after;
                break;
            }
            let (label, after) = rest.split_once("=\"")?;
            let end = quote_end(after)?;
            if labels.len() == LABELS_MAX {
                return None;
            }
            labels.push((label, unescaped(&after[..end])));
            rest = &after[end + 1..];
        }
    }
    // A time or an exemplar may follow.
    let value: f64 = rest.strip_prefix(' ')?.split(' ').next()?.parse().ok()?;
    (!name.is_empty() && value.is_finite()).then_some(Sample { name, labels, value })
}

/// Where the value of a label ends: at the first quote without a backslash of its own.
fn quote_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            letter => plain.push(letter),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_with_their_labels() {
        let page = "# HELP hufu_ready 1\n# TYPE hufu_ready gauge\nhufu_ready 1\n\
            hufu_site_verdicts_total{site=\"7\",decision=\"admit\"} 12\n\
            x{a=\"say \\\"}\\\" \\\\ \\n\",} -0.5 1700000000 # {} 1\nnan NaN\ninf{le=\"+Inf\"} +Inf\n\
            broken{a=\"b\nbroken{a} 1\n{a=\"b\"} 1\nnothing\n\nwords here\n# EOF\n";
        let read: Vec<_> = samples(page).collect();
        assert_eq!(read.len(), 3, "{read:?}");
        assert_eq!((read[0].name, read[0].count()), ("hufu_ready", 1));
        assert_eq!(
            (read[1].label("site"), read[1].label("decision"), read[1].count()),
            (Some("7"), Some("admit"), 12)
        );
        assert_eq!((read[2].label("a"), read[2].value, read[2].count()), (Some("say \"}\" \\ \n"), -0.5, 0));
    }
}
