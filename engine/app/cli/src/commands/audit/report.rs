//! Who agrees with the chain, and where the first difference is with who does not.

use std::fmt::Write as _;

use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusWord};
use serde_json::{Value, json};

use crate::status;
use crate::term::{Paint, printable};

/// What an audit found.
pub(super) struct Report {
    issuer: IssuerId,
    /// How far the chain was recomputed, and the digest there.
    pub(super) end: (Sequence, String),
    pub(super) changes: u64,
    /// The trail's last line and its digest, where the trail was recomputed.
    pub(super) trail: Option<(u64, String)>,
    findings: Vec<Finding>,
}

/// What became of one comparison.
pub(super) struct Finding {
    /// Who is compared: `registry's statuses`, `engine http://...`.
    pub(super) who: String,
    /// At which place of the chain.
    pub(super) sequence: Sequence,
    pub(super) difference: Option<Difference>,
}

/// The first difference with somebody.
pub(super) enum Difference {
    /// Another word of one holder.
    Word { holder: HolderIndex, held: StatusWord, should: StatusWord },
    /// Another history.
    Digest { held: String, should: String },
    /// Something else, in words.
    Told(String),
}

impl Report {
    pub(super) fn new(issuer: IssuerId) -> Report {
        Report { issuer, end: (Sequence(0), String::new()), changes: 0, trail: None, findings: Vec::new() }
    }

    /// Notes a comparison.
    pub(super) fn note(
        &mut self,
        who: impl Into<String>,
        sequence: Sequence,
        difference: Option<Difference>,
    ) {
        self.findings.push(Finding { who: who.into(), sequence, difference });
    }

    pub(super) fn extend(&mut self, findings: Vec<Finding>) {
        self.findings.extend(findings);
    }

    /// Whether nobody differs.
    pub(super) fn agrees(&self) -> bool {
        self.findings.iter().all(|finding| finding.difference.is_none())
    }

    /// For a person.
    pub(super) fn to_text(&self, paint: Paint) -> String {
        let mut text = String::new();
        let (sequence, digest) = &self.end;
        // Writing into a string does not fail.
        let _ = writeln!(text, "issuer {}: {sequence} change sets, {} changes", self.issuer, self.changes);
        let _ = writeln!(text, "digest {digest}");
        match &self.trail {
            Some((number, digest)) => {
                let _ = writeln!(text, "trail end {number}:{digest}");
            }
            None => {
                let _ = writeln!(text, "trail not recomputed to its end");
            }
        }
        for Finding { who, sequence, difference } in &self.findings {
            let who = printable(who);
            match difference {
                None => {
                    let _ = writeln!(text, "{}  {who}, at {sequence}", paint.good("agrees"));
                }
                Some(difference) => {
                    let _ = writeln!(
                        text,
                        "{}  {who}, at {sequence}: {}",
                        paint.bad("DIFFERS"),
                        difference.told()
                    );
                }
            }
        }
        text
    }

    /// For a program.
    pub(super) fn to_json(&self) -> Value {
        let (sequence, digest) = &self.end;
        let findings: Vec<_> = self
            .findings
            .iter()
            .map(|Finding { who, sequence, difference }| {
                let difference = difference.as_ref().map(Difference::to_json);
                json!({ "who": who, "sequence": sequence.0, "agrees": difference.is_none(), "difference": difference })
            })
            .collect();
        json!({
            "issuer": self.issuer.0,
            "sequence": sequence.0,
            "digest": digest,
            "changes": self.changes,
            "trail_end": self.trail.as_ref().map(|(number, digest)| format!("{number}:{digest}")),
            "agrees": self.agrees(),
            "compared": findings,
        })
    }
}

impl Difference {
    fn told(&self) -> String {
        match self {
            Difference::Word { holder, held, should } => format!(
                "holder {holder} is {} there and should be {}",
                status::describe(*held),
                status::describe(*should)
            ),
            Difference::Digest { held, should } => {
                format!("another history: digest {} there and should be {should}", printable(held))
            }
            Difference::Told(what) => printable(what),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Difference::Word { holder, held, should } => json!({
                "holder": holder.0,
                "held": status::to_json(*held), "held_word": format!("{:016x}", held.to_bits()),
                "should": status::to_json(*should), "should_word": format!("{:016x}", should.to_bits()),
            }),
            Difference::Digest { held, should } => json!({ "held_digest": held, "should_digest": should }),
            Difference::Told(what) => json!({ "told": what }),
        }
    }
}
