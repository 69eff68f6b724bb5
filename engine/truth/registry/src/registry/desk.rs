//! What becomes of tickets, knowing what there is, and the codes that they get.
//!
//! A code is not kept: the same request makes the same bytes again, because a key has one signature for a message and the
//! ticket keeps from when its credential is valid.

use std::collections::HashMap;

use hufu_codes::issue::{IssuerSigner, code_text};
use hufu_codes::keyring::{Keyring, Uses};
use hufu_codes::{Credential, Detail};
use hufu_contract::{TicketPhase, TripOutcome};
use hufu_wire::{CodeKind, HolderIndex, IssuerId, UnixMillis, UnixSeconds};

use super::Signers;
use crate::caller::Caller;
use crate::credential::{CredentialRequest, IssuedCredential, Terms};
use crate::fault::Fault;
use crate::store::{TicketEdit, TicketRecords};
use crate::ticket::{StoredTicket, TicketKey, TicketOrder, TripIssuance, forgotten};
use crate::trail::{Action, Entry};

/// A ticket whose traveller is known.
pub(super) struct Ready<'o> {
    pub(super) order: &'o TicketOrder,
    pub(super) key: TicketKey,
    pub(super) holder: HolderIndex,
    /// The traveller, masked.
    pub(super) traveller: String,
}

/// What tickets are decided by.
pub(super) struct Desk<'d> {
    pub(super) issuer: IssuerId,
    pub(super) office: &'d str,
    pub(super) signers: &'d Signers,
    pub(super) keyring: &'d Keyring,
    pub(super) now: UnixMillis,
}

/// What became of each ticket of a request.
pub(super) type Outcomes = Vec<Result<TripIssuance, Fault>>;

impl Desk<'_> {
    /// What is written, and what becomes of each ticket.
    pub(super) fn decide(
        &self,
        caller: &Caller,
        records: &TicketRecords,
        ready: &[Result<Ready<'_>, Fault>],
    ) -> Result<(TicketEdit, Outcomes), Fault> {
        let mut edit = TicketEdit { over: forgotten(self.now.seconds()), ..TicketEdit::default() };
        let mut outcomes = Vec::with_capacity(ready.len());
        // Two tickets of one holder in one second would otherwise be one credential, and end together.
        let mut last = HashMap::new();
        for ready in ready {
            let outcome = match ready {
                Ok(ready) => {
                    let after = last.get(&ready.holder).copied().or_else(|| records.last_of(ready.holder));
                    self.put(records, ready, after, &mut edit)
                }
                Err(fault) => Err(fault.clone()),
            };
            match outcome {
                Err(fault) if is_of_all(&fault) => return Err(fault),
                outcome => {
                    if let Ok(issuance) = &outcome
                        && issuance.outcome != TripOutcome::Unchanged
                    {
                        last.insert(issuance.ticket.holder, issuance.ticket.issued);
                    }
                    outcomes.push(outcome);
                }
            }
        }
        edit.lines = self.lines(caller, &outcomes);
        Ok((edit, outcomes))
    }

    fn put(
        &self,
        records: &TicketRecords,
        ready: &Ready<'_>,
        after: Option<UnixSeconds>,
        edit: &mut TicketEdit,
    ) -> Result<TripIssuance, Fault> {
        let now = self.now.seconds();
        if !records.goes_on(ready.holder) {
            return Err(Fault::Conflict(format!(
                "holder {} was joined into another holder at the same moment: hand the ticket in again",
                ready.holder
            )));
        }
        let held = records.of(ready.key);
        let generation = records.word(ready.holder).generation();
        if let Some(held) = held {
            if held.phase == TicketPhase::Cancelled {
                return Err(Fault::Conflict(
                    "the ticket was cancelled, and a cancelled ticket gets no code: use another ticket number".into(),
                ));
            }
            let is_same = (held.holder, held.hub, held.from, held.until)
                == (ready.holder, ready.order.hub, ready.order.from, ready.order.until);
            if is_same && held.expires() > now {
                // The same bytes, unless generation, name or reference are others by now, or the key is gone: with the
                // next key the code that is printed stays good.
                for signer in
                    self.signers.codes_of(self.issuer, Uses::TRIP, self.keyring, (self.now, held.expires()))
                {
                    let (bytes, credential) = self.sign(signer, ready, (generation, held.issued))?;
                    if credential.digest == held.digest {
                        return Ok(issuance(TripOutcome::Unchanged, held.clone(), ready, bytes));
                    }
                }
            }
        }
        // Never the second of a code that ended: its bytes could be the same.
        let after = after.max(held.map(|held| held.issued));
        let issued = after.map_or(now, |after| now.max(UnixSeconds(after.0.saturating_add(1))));
        // Without any key that signs trips now no ticket gets a code; the rest is this ticket's alone.
        let any = self.signers.code(self.issuer, Uses::TRIP, self.keyring, (self.now, now))?;
        let (_, expires, _) = ready.claims(any, (generation, issued))?;
        let mut lasting = self.signers.codes_of(self.issuer, Uses::TRIP, self.keyring, (self.now, expires));
        let signer = lasting.next().ok_or_else(|| self.outlived())?;
        let (bytes, credential) = self.sign(signer, ready, (generation, issued))?;
        let ticket = StoredTicket {
            key: ready.key,
            office: self.office.to_owned(),
            phase: TicketPhase::Active,
            holder: ready.holder,
            hub: ready.order.hub,
            from: ready.order.from,
            until: ready.order.until,
            issued,
            digest: credential.digest,
            made: held.map_or(self.now, |held| held.made),
            changed: self.now,
        };
        edit.put.push(ticket.clone());
        edit.issued.push(credential);
        edit.ended.extend(held.and_then(|held| held.ended(now)));
        let outcome = if held.is_some() { TripOutcome::Changed } else { TripOutcome::Issued };
        Ok(issuance(outcome, ticket, ready, bytes))
    }

    /// The window ends when no key that signs trips now is believed any more.
    fn outlived(&self) -> Fault {
        Fault::Conflict(format!(
            "until: later than the keys that sign trips of issuer {} are believed: hand the ticket in again when the operator \
             of the registry has the next key in force",
            self.issuer
        ))
    }

    /// The credential of a ticket, of this generation and valid from `issued` on.
    fn sign(
        &self,
        signer: &IssuerSigner,
        ready: &Ready<'_>,
        (generation, issued): (u8, UnixSeconds),
    ) -> Result<(Vec<u8>, IssuedCredential), Fault> {
        let (issued, expires, detail) = ready.claims(signer, (generation, issued))?;
        let credential = Credential {
            key: signer.key(),
            issued,
            expires,
            holder: ready.holder,
            generation,
            display: &ready.display(),
            detail,
        };
        let bytes = signer.sign_credential(&credential)?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        let noted = IssuedCredential {
            issuer: self.issuer,
            holder: ready.holder,
            kind: CodeKind::Trip,
            generation,
            issued,
            expires,
            key: signer.key(),
            digest: digest.as_ref().try_into().unwrap_or_default(),
        };
        Ok((bytes, noted))
    }

    /// One line for each thing that was done: with the holder if it was done to one ticket alone. That a code was given
    /// out again is a line too.
    fn lines(&self, caller: &Caller, outcomes: &Outcomes) -> Vec<Entry> {
        let kinds = [
            (TripOutcome::Issued, Action::TripIssued),
            (TripOutcome::Changed, Action::TripChanged),
            (TripOutcome::Unchanged, Action::TripRead),
        ];
        let line = |(kind, action)| {
            let done: Vec<_> =
                outcomes.iter().flatten().filter(|issuance| issuance.outcome == kind).collect();
            let what = match done.as_slice() {
                [] => return None,
                [one] => format!("a ticket of office {} for holder {}", self.office, one.ticket.holder),
                several => format!("{} tickets of office {}", several.len(), self.office),
            };
            Some(Entry::new(self.now, caller, action, Some(self.issuer), what))
        };
        kinds.into_iter().filter_map(line).collect()
    }
}

impl Ready<'_> {
    /// From when, until when, and the window, if a credential of `issued` may have it.
    fn claims(
        &self,
        signer: &IssuerSigner,
        (generation, issued): (u8, UnixSeconds),
    ) -> Result<(UnixSeconds, UnixSeconds, Detail), Fault> {
        let TicketOrder { hub, from, until, .. } = *self.order;
        let terms = Terms { key: signer.key(), generation, issued };
        CredentialRequest::Trip { hub, from, until }.claims(&terms)
    }

    /// What gates show: the traveller, masked, and the reference behind a space.
    fn display(&self) -> String {
        match &self.order.reference {
            Some(reference) => format!("{} {}", self.traveller, reference.as_str()),
            None => self.traveller.clone(),
        }
    }
}

fn issuance(outcome: TripOutcome, ticket: StoredTicket, ready: &Ready<'_>, bytes: Vec<u8>) -> TripIssuance {
    let (display, traveller) = (ready.display(), ready.traveller.clone());
    TripIssuance { outcome, ticket, traveller, display, code: code_text(&bytes, None), bytes }
}

/// Whether a fault is not one ticket's.
pub(super) fn is_of_all(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Unavailable(_) | Fault::Damaged(_) | Fault::Misconfigured(_) | Fault::Forbidden { .. }
    )
}
