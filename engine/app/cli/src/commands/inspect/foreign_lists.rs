//! The operator's two lists for certificates from abroad (R63).

use hufu_files::moment::show;
use hufu_hc1::lists::{self, Dated, ListKind};
use hufu_hc1::revoked::Revoked;
use hufu_hc1::signers::Signers;
use hufu_signature::PreparedKey;

use super::Judge;
use super::explained::Explained;
use crate::commands::foreign;

/// Rows of a list that are shown: an explanation is for a person.
const ROWS_MAX: usize = 32;

/// Explains a list, which is read once its signature was verified.
pub(super) fn explain(kind: ListKind, bytes: &[u8], judge: &Judge) -> Explained {
    let what = format!("list of foreign {kind}");
    match &judge.operator {
        Some(operator) => match kind {
            ListKind::Signers => signers(&what, bytes, operator),
            ListKind::Revocations => revocations(&what, bytes, operator),
        },
        None if ListKind::of(bytes) == Some(kind) => {
            let mut explained = Explained::new(what);
            explained.field("binary", format!("{} bytes", bytes.len()), "COSE_Sign1 of the operator");
            explained.sound("This may be such a list: --operator FILE verifies it.")
        }
        None => Explained::unreadable(what, "not a COSE_Sign1 with such a list"),
    }
}

fn signers(what: &str, bytes: &[u8], operator: &PreparedKey) -> Explained {
    let list = match Signers::open(bytes, operator) {
        Ok(list) => list,
        Err(fault) => return Explained::unreadable(what, fault.to_string()),
    };
    let mut explained = dated(what, list.dated);
    explained.field("keys", list.listed().len(), "that sign certificates abroad");
    for signer in list.listed().take(ROWS_MAX) {
        let signs = foreign::kinds(signer.kinds).join(", ");
        let (country, algorithm) = (signer.country.as_str(), foreign::algorithm(signer.algorithm));
        let says =
            format!("{country}, {algorithm}, {signs}, {} to {}", show(signer.from), show(signer.until));
        explained.field("key", lists::hex(&signer.key_id), says);
    }
    explained.sound(note(list.listed().len(), "hufu foreign signers show"))
}

fn revocations(what: &str, bytes: &[u8], operator: &PreparedKey) -> Explained {
    let list = match Revoked::open(bytes, operator) {
        Ok(list) => list,
        Err(fault) => return Explained::unreadable(what, fault.to_string()),
    };
    let mut explained = dated(what, list.dated);
    explained.field("revocations", list.len(), "digests of 16 bytes");
    for group in list.groups().iter().take(ROWS_MAX) {
        let key = group.key_id.as_ref().map_or_else(|| "any".to_owned(), lists::hex);
        let says = format!("{} by {}", group.digests.len(), foreign::digested(group.of));
        explained.field("key", key, says);
    }
    explained.sound(note(list.groups().len(), "hufu foreign revocations show"))
}

fn dated(what: &str, Dated { serial, made_at }: Dated) -> Explained {
    let mut explained = Explained::new(what);
    explained.field("serial", serial, "engines and gates never go back to a lower one").field(
        "made at",
        show(made_at),
        "",
    );
    explained
}

fn note(rows: usize, command: &str) -> String {
    match rows.checked_sub(ROWS_MAX).filter(|more| *more > 0) {
        Some(more) => format!("Signed by this operator; `{command}` shows the other {more}."),
        None => "Signed by this operator.".to_owned(),
    }
}
