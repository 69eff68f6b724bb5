//! Credentials, issued with a key that lies outside the store.

use hufu_codes::issue::code_text;
use hufu_codes::keyring::Uses;
use hufu_codes::{Credential, Detail};
use hufu_contract::Scope;
use hufu_wire::{CodeKind, HolderIndex, IssuerId, KeyId, StatusWord, UnixMillis, UnixSeconds, limits};

use super::records::joined_already;
use super::{Registry, page};
use crate::caller::Caller;
use crate::credential::{
    CredentialRequest, Issuance, IssuedCredential, ListedCredential, TERMS_S_MAX, Terms,
};
use crate::fault::Fault;
use crate::holder::StoredHolder;
use crate::person::Person;
use crate::store::{NewCredential, Receiver};
use crate::trail::{Action, Entry};

impl Registry {
    /// What a phone makes its step tree for: the key, the generation and the time that its credential will name.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such a holder, [`Fault::Misconfigured`] without a key.
    pub async fn terms(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        holder: HolderIndex,
        now: UnixMillis,
    ) -> Result<Terms, Fault> {
        caller.may(Scope::Credentials, issuer)?;
        let (record, word) = self.batches.look(issuer, holder).await?;
        goes_on(issuer, &record.ok_or_else(|| Fault::no_holder(issuer, holder))?)?;
        self.terms_of(issuer, word, Uses::PHONE, now)
    }

    /// Issues a credential. Its generation is that of the holder's status word, its display is masked (R10).
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Misconfigured`] without a key for the kind,
    /// [`Fault::Conflict`] when a phone's terms no longer hold, the issuer wants the holder's other phone superseded
    /// first, or the holder was joined into another, [`Fault::Invalid`] and [`Fault::Misissued`] for what
    /// no gate would take.
    pub async fn issue(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        holder: HolderIndex,
        wanted: &CredentialRequest,
        now: UnixMillis,
    ) -> Result<Issuance, Fault> {
        caller.may(Scope::Credentials, issuer)?;
        let (record, word) = self.batches.look(issuer, holder).await?;
        let record = record.ok_or_else(|| Fault::no_holder(issuer, holder))?;
        goes_on(issuer, &record)?;
        let person = self.open(issuer, &record)?;
        let terms = self.terms_of(issuer, word, wanted.uses(), now)?;
        let (issued, expires, detail) = wanted.claims(&terms)?;
        // A phone's is the key of its terms: what that signs for a day is believed to the end.
        let kind = kind_word(wanted.kind());
        let entry = Entry::new(
            now,
            caller,
            Action::CredentialIssued,
            Some(issuer),
            format!("{kind} for holder {holder}"),
        );
        let claims = (issued, expires, detail);
        self.sign_and_keep(
            (issuer, holder, &person),
            (wanted.uses(), terms.generation),
            claims,
            (now, &entry),
            Receiver::Unnamed,
        )
        .await
    }

    /// Signs what a holder gets, and writes down that `receiver` got it.
    pub(super) async fn sign_and_keep(
        &self,
        (issuer, holder, person): (IssuerId, HolderIndex, &Person),
        (uses, generation): (Uses, u8),
        (issued, expires, detail): (UnixSeconds, UnixSeconds, Detail),
        (now, entry): (UnixMillis, &Entry),
        receiver: Receiver,
    ) -> Result<Issuance, Fault> {
        let signer = self.signers.code(issuer, uses, &self.keyring.load(), (now, expires))?;
        let display = person.display();
        let credential =
            Credential { key: signer.key(), issued, expires, holder, generation, display: &display, detail };
        let bytes = signer.sign_credential(&credential)?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        let issued = IssuedCredential {
            issuer,
            holder,
            kind: credential.kind(),
            generation,
            issued,
            expires,
            key: credential.key,
            digest: digest.as_ref().try_into().unwrap_or_default(),
        };
        let new = NewCredential { credential: issued.clone(), receiver, entry: entry.clone() };
        let phones = self.batches.keep(new).await?;
        let code = (issued.kind != CodeKind::Phone).then(|| code_text(&bytes, None));
        Ok(Issuance { bytes, code, issued, phones })
    }

    /// What was issued to a holder, in that order.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such a holder.
    pub async fn credentials(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        holder: HolderIndex,
        (after, limit): (u64, u32),
        now: UnixMillis,
    ) -> Result<Vec<ListedCredential>, Fault> {
        caller.may(Scope::Credentials, issuer)?;
        let what = format!("of holder {holder}");
        self.store.note(&Entry::new(now, caller, Action::CredentialsRead, Some(issuer), what)).await?;
        self.ensure_holder(issuer, holder).await?;
        self.store.credentials(issuer, holder, after, page(limit)).await
    }

    /// What a phone of a holder would make its step tree for now.
    pub(super) async fn terms_now(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        uses: Uses,
        now: UnixMillis,
    ) -> Result<Terms, Fault> {
        let (_, word) = self.batches.look(issuer, holder).await?;
        self.terms_of(issuer, word, uses, now)
    }

    /// The same of one with this word.
    pub(super) fn terms_of(
        &self,
        issuer: IssuerId,
        word: StatusWord,
        uses: Uses,
        now: UnixMillis,
    ) -> Result<Terms, Fault> {
        let issued = now.seconds();
        let key: KeyId = self.signers.code(issuer, uses, &self.keyring.load(), (now, issued))?.key();
        Ok(Terms { key, generation: word.generation(), issued })
    }
}

impl CredentialRequest {
    fn kind(&self) -> CodeKind {
        match self {
            CredentialRequest::Phone { .. } => CodeKind::Phone,
            CredentialRequest::Paper { .. } => CodeKind::Paper,
            CredentialRequest::Trip { .. } => CodeKind::Trip,
        }
    }

    fn uses(&self) -> Uses {
        match self {
            CredentialRequest::Phone { .. } => Uses::PHONE,
            CredentialRequest::Paper { .. } => Uses::PAPER,
            CredentialRequest::Trip { .. } => Uses::TRIP,
        }
    }

    /// From when, until when, and what the kind adds, under the terms of this moment.
    pub(super) fn claims(&self, current: &Terms) -> Result<(UnixSeconds, UnixSeconds, Detail), Fault> {
        let now = current.issued;
        let until = |from: UnixSeconds, valid_s: u32, valid_s_max: u32| {
            if (1..=valid_s_max).contains(&valid_s) {
                Ok(UnixSeconds(from.0.saturating_add(valid_s)))
            } else {
                Err(Fault::invalid("valid_s", format!("1 to {valid_s_max} seconds for this kind")))
            }
        };
        match *self {
            CredentialRequest::Phone { terms, root, origin, valid_s } => {
                let is_fresh = terms.issued <= now && now.0 - terms.issued.0 <= TERMS_S_MAX;
                if terms.key != current.key || terms.generation != current.generation || !is_fresh {
                    return Err(Fault::Conflict(
                        "the terms that the phone used for its tree have expired: request new terms".into(),
                    ));
                }
                let expires = until(terms.issued, valid_s, limits::PHONE_VALIDITY_S_MAX)?;
                let first = now.step();
                if origin > first || first.0 - origin.0 > limits::STEPS / 4 || !holds(origin, expires) {
                    return Err(Fault::invalid(
                        "origin",
                        "the current step or a recent one, with a tree that lasts until the code expires",
                    ));
                }
                Ok((terms.issued, expires, Detail::Phone { root, origin }))
            }
            CredentialRequest::Paper { valid_s } => {
                Ok((now, until(now, valid_s, limits::PAPER_VALIDITY_S_MAX)?, Detail::Paper))
            }
            CredentialRequest::Trip { hub, from, until: last } => {
                let expires = UnixSeconds(last.0.saturating_add(1));
                if last < from || expires <= now {
                    return Err(Fault::invalid("until", "not before `from`, and not in the past"));
                }
                if expires.0 - now.0 > limits::TRIP_VALIDITY_S_MAX {
                    return Err(Fault::invalid(
                        "until",
                        "a trip code is issued at most 60 days before it expires",
                    ));
                }
                Ok((now, expires, Detail::Trip { hub, from, until: last }))
            }
        }
    }
}

/// Whether a record is not joined into another.
pub(super) fn goes_on(issuer: IssuerId, record: &StoredHolder) -> Result<(), Fault> {
    record.joined.map_or(Ok(()), |into| Err(joined_already(issuer, record.index, into)))
}

/// Whether a tree that begins with `origin` has a step for every second before `expires`.
fn holds(origin: hufu_wire::Step, expires: UnixSeconds) -> bool {
    expires.step().0.saturating_sub(origin.0) < limits::STEPS
}

/// A kind's word in the API and in the store.
const fn kind_word(kind: CodeKind) -> &'static str {
    match kind {
        CodeKind::Phone => "phone",
        CodeKind::Paper => "paper",
        CodeKind::Trip => "trip",
        CodeKind::Family => "family",
        CodeKind::Foreign => "foreign",
        CodeKind::Reference => "reference",
    }
}
