//! Where a person who is refused can appeal, as a gate says it with each refusal (R29).

use std::borrow::Cow;
use std::sync::Arc;

use anyhow::ensure;
use hufu_texts::{Language, say};
use hufu_wire::text::is_hidden;
use hufu_wire::{Decision, Verdict};

/// Longest channel, characters: a line on a screen.
const CHARS_MAX: usize = 120;

/// The channel that a gate's settings name, if they do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Channel(Option<Arc<str>>);

impl Channel {
    /// As the settings have it.
    ///
    /// # Errors
    /// It is empty, longer than a line, or has characters that are not seen.
    pub(crate) fn read(own: Option<&str>) -> anyhow::Result<Channel> {
        if let Some(own) = own {
            let length = own.chars().count();
            ensure!(
                !own.trim().is_empty() && length <= CHARS_MAX && !own.contains(is_hidden),
                "write a line of 1 to {CHARS_MAX} characters that are seen, or leave the key out"
            );
        }
        Ok(Channel(own.map(Arc::from)))
    }

    /// What the settings name.
    pub(crate) fn own(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// What the settings name; else a sentence that is true everywhere.
    pub(crate) fn says(&self, language: Language) -> Cow<'_, str> {
        self.own().map_or_else(|| say(language, "gate-appeal", &[]).into(), Cow::Borrowed)
    }

    /// Itself, where it is said with a verdict: not with an admission, nor when gate or network is at fault.
    pub(crate) fn for_verdict(&self, verdict: &Verdict) -> Option<Channel> {
        let is_refused = verdict.decision != Decision::Admit && verdict.reason.concerns_person();
        is_refused.then(|| self.clone())
    }
}

#[cfg(test)]
mod tests {
    use hufu_wire::{CheckNumber, Reason, UnixMillis};

    use super::*;

    #[test]
    fn r29_a_refusal_of_a_person_names_its_channel_and_a_fault_of_the_gate_none() {
        let verdict = |reason| Verdict::of(CheckNumber(1), UnixMillis(1), reason);
        let hotline = Channel::read(Some("hotline 12345")).unwrap();
        for reason in [Reason::StatusRed, Reason::StatusUnknown, Reason::Expired, Reason::WrongHub] {
            let named = hotline.for_verdict(&verdict(reason)).unwrap();
            assert_eq!(named.says(Language::Fr), "hotline 12345", "{reason}");
            let anywhere = Channel::default().for_verdict(&verdict(reason)).unwrap();
            let said = "Ask the staff, or appeal at the authority that issued the code.";
            assert_eq!(anywhere.says(Language::En), said, "{reason}");
            assert_eq!(anywhere.says(Language::Vi), say(Language::Vi, "gate-appeal", &[]), "{reason}");
        }
        for reason in
            [Reason::Clear, Reason::Busy, Reason::StaleData, Reason::CookieExpired, Reason::SiteUnknown]
        {
            assert!(hotline.for_verdict(&verdict(reason)).is_none(), "{reason}");
        }
        for wrong in ["", "  ", "two\nlines", &"x".repeat(121)] {
            assert!(Channel::read(Some(wrong)).is_err(), "{wrong:?}");
        }
    }
}
