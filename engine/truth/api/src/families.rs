//! Families as the API spells them.

use hufu_contract as types;
use hufu_registry::{Application, BindingView, Commitment, KeptAssurance};
use hufu_wire::{HolderIndex, IssuerId};

/// An application as it came.
pub(crate) fn application(wanted: types::BindRelative) -> Application {
    let types::BindRelative { user, name, id_number, born, assurance, consent } = wanted;
    Application {
        user: HolderIndex(user),
        name: name.into(),
        id_number: id_number.into(),
        born,
        assurance,
        consent,
    }
}

/// A binding of `issuer`, masked.
pub(crate) fn binding(issuer: IssuerId, view: BindingView) -> types::Binding {
    let BindingView { binding, state, user_display, relative_display, evidence } = view;
    let assured = match evidence.assurance {
        KeptAssurance::Face { statement: _, key, level, at_ms } => types::Assured::Face { level, at_ms, key },
        KeptAssurance::Commitment { version, text_digest, signed_name: _, signature: _, signed_ms } => {
            types::Assured::Commitment { version, text_digest, signed_ms }
        }
    };
    types::Binding {
        id: binding.id.0,
        issuer: issuer.0,
        user: binding.user_place.0,
        user_display,
        relative: binding.relative_place.0,
        relative_display,
        state,
        made_ms: binding.made.0,
        endable_ms: binding.endable().0,
        until_ms: binding.until.map(|until| until.0),
        ended_ms: binding.ended.map(|(at, _)| at.0),
        ended_by: binding.ended.map(|(_, by)| by),
        assured,
        consent: evidence.consent,
    }
}

/// Texts of the commitment.
pub(crate) fn commitments(texts: &[Commitment]) -> types::Commitments {
    let commitments = texts.iter().map(|commitment| types::CommitmentText {
        version: commitment.version.clone(),
        text_digest: types::Hex(commitment.digest()),
        text: commitment.text.clone(),
    });
    types::Commitments { commitments: commitments.collect() }
}
