//! What authorities and registries sign: the messages of a chain (SYNC). Their signatures are not verified here:
//! `hufu audit` does so, with the keys of both authorities.

use hufu_files::moment::show;
use hufu_wire::chain::{ChangeSet, Checkpoint, Content, Head, Instruction, Release};
use hufu_wire::{Message, read};

use super::Kind;
use super::explained::Explained;
use super::message::malformed;
use crate::instructed::Tally;
use crate::term;

/// Explains a message of `kind`.
pub(super) fn explain(kind: Kind, bytes: &[u8]) -> Explained {
    match kind {
        Kind::Checkpoint => whole(bytes, checkpoint),
        Kind::ChangeSet => whole(bytes, change_set),
        Kind::Instruction => whole(bytes, instruction),
        Kind::Head => whole(bytes, head),
        _ => whole(bytes, release),
    }
}

fn whole<'a, M: Message<'a>>(bytes: &'a [u8], explain: fn(&mut Explained, &M) -> &'static str) -> Explained {
    match read::<M>(bytes) {
        Ok(message) => {
            let mut explained = Explained::new(M::NAME);
            let note = explain(&mut explained, &message);
            explained.sound(note)
        }
        Err(fault) => malformed(M::NAME, fault),
    }
}

const UNVERIFIED: &str = "Well formed. The signatures were not verified: `hufu audit` does so.";

fn checkpoint(explained: &mut Explained, checkpoint: &Checkpoint) -> &'static str {
    explained
        .field("issuer", checkpoint.issuer, "whose table")
        .field("sequence", checkpoint.sequence, "every change up to this one is in it")
        .field("made", show(checkpoint.made.seconds()), "when both agreed on it")
        .field("proposed", show(checkpoint.proposed.at().seconds()), "the last instruction in it")
        .field("era", checkpoint.proposed.era(), "how often the time of the chain was reset")
        .field("local key", checkpoint.local_key, "")
        .field("national key", checkpoint.national_key, "")
        .field("chain", checkpoint.digest, "digest that the next change set follows")
        .field("snapshot", hex::encode(checkpoint.snapshot), "digest of the snapshot file");
    if checkpoint.national_signature == [0; 64] {
        "Signed by the local authority alone: `hufu checkpoint confirm` adds the national signature."
    } else {
        UNVERIFIED
    }
}

fn change_set(explained: &mut Explained, set: &ChangeSet<'_>) -> &'static str {
    let position = &set.position;
    explained
        .field("issuer", position.issuer, "whose chain")
        .field("sequence", position.sequence, "its place in the chain")
        .field("confirmed", show(position.confirmed.seconds()), format!("by key {}", position.national_key))
        .field("follows", position.previous, "digest of the set before it");
    content(explained, &set.content);
    UNVERIFIED
}

fn instruction(explained: &mut Explained, instruction: &Instruction<'_>) -> &'static str {
    explained.field("issuer", instruction.issuer, "whose holders");
    content(explained, &instruction.content);
    "Well formed, and not confirmed. The signature was not verified: the registry does so."
}

fn content(explained: &mut Explained, content: &Content<'_>) {
    explained
        .field("proposed", show(content.proposed.at().seconds()), format!("by key {}", content.local_key))
        .field("expires", show(content.expires().seconds()), "unless it is confirmed before")
        .field("rule", content.rule, "that set the colours")
        .field("reason", content.reason, "")
        .field("changes", content.changes.len(), Tally::of(content).to_line(term::plain()));
}

fn head(explained: &mut Explained, head: &Head) -> &'static str {
    explained
        .field("issuer", head.issuer, "whose chain")
        .field("sequence", head.sequence, "its last change set")
        .field("time", show(head.time.seconds()), "when it was the last")
        .field("key", head.publisher_key, "of the publisher")
        .field("chain", head.digest, "digest of that set");
    "Well formed. The signature was not verified: engines do so."
}

fn release(explained: &mut Explained, release: &Release) -> &'static str {
    explained
        .field("issuer", release.issuer, "whose holders")
        .field("content", release.content, "digest of what is released")
        .field("made", show(release.made.seconds()), "when the national platform looked again")
        .field("key", release.national_key, "of the national platform")
        .field("set back", release.set_back, format!("of {} holders may be set back", release.holders));
    "Well formed. The signature was not verified: the registry does so."
}
