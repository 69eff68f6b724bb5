//! Phones of holders: invited by clerks, activated with a number, and answered by their signature alone (R41, R46).

use hufu_codes::keyring::Uses;
use hufu_contract::{BindingId, PhoneName, ProofLevel, Scope, SecondPhone, Side};
use hufu_wire::{HolderIndex, IssuerId, StatusWord, Step, UnixMillis, limits};

use super::credentials::goes_on;
use super::{PAGE_MAX, Registry};
use crate::caller::Caller;
use crate::credential::{CredentialRequest, Issuance, TERMS_S_MAX, Terms};
use crate::fault::Fault;
use crate::issuer::Issuer;
use crate::person::Person;
use crate::phone::{
    Activated, INVITATION_KEPT_MS, INVITATION_S_MAX, InvitationNumber, Invited, KnownPhone, OwnStatus,
    PhoneFault, PhoneKey, Renewal, RenewalTime, StoredInvitation, StoredPhone,
};
use crate::store::{PhoneEdit, PhoneRecords, Receiver};
use crate::trail::{Action, Entry};

/// Most trips that a phone is told of.
const TRIPS_MAX: u32 = 32;

impl Registry {
    /// Makes an invitation for a holder; one that was made before and not used ends.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Invalid`] for more than seven days, [`Fault::Conflict`] when the
    /// record was joined into another.
    pub async fn invite(
        &self,
        caller: &Caller,
        (issuer, holder): (IssuerId, HolderIndex),
        (level, valid_s): (ProofLevel, u32),
        now: UnixMillis,
    ) -> Result<Invited, Fault> {
        caller.may(Scope::Invitations, issuer)?;
        if !(1..=INVITATION_S_MAX).contains(&valid_s) {
            return Err(Fault::invalid("valid_s", format!("1 to {INVITATION_S_MAX} seconds")));
        }
        let number = InvitationNumber::random()?;
        let expires = UnixMillis(now.0.saturating_add(u64::from(valid_s) * 1000));
        let new = StoredInvitation {
            number: number.digest(),
            issuer,
            holder,
            level,
            made: now,
            expires,
            ended: None,
            used: None,
        };
        let what = format!("for holder {holder}, {level}, for {valid_s} s");
        let line = Entry::new(now, caller, Action::InvitationMade, Some(issuer), what);
        let decide = |records: &PhoneRecords| {
            goes_on(issuer, &records.holder)?;
            let open = records.invitations.iter().filter(|invitation| invitation.used.is_none());
            let open = open.filter(|invitation| invitation.refusal(now).is_none());
            let ended = open.map(|invitation| StoredInvitation { ended: Some(now), ..invitation.clone() });
            Ok(PhoneEdit {
                invitations: ended.chain([new.clone()]).collect(),
                forget: Some(UnixMillis(now.0.saturating_sub(INVITATION_KEPT_MS))),
                line: Some(line.clone()),
                ..PhoneEdit::default()
            })
        };
        self.store.edit_phones(issuer, holder, &decide).await?;
        let phones = going_on(&self.store.phones_of(issuer, holder).await?);
        Ok(Invited { number, expires, phones })
    }

    /// Every phone of a holder, those that were ended too.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such a holder.
    pub async fn phones(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        holder: HolderIndex,
        now: UnixMillis,
    ) -> Result<Vec<StoredPhone>, Fault> {
        caller.may(Scope::Invitations, issuer)?;
        let line = Entry::new(now, caller, Action::PhonesRead, Some(issuer), format!("of holder {holder}"));
        self.store.note(&line).await?;
        self.ensure_holder(issuer, holder).await?;
        self.store.phones_of(issuer, holder).await
    }

    /// Ends a phone: it gets nothing any more. What it has goes on until it expires, or the generation is raised. One that
    /// was ended stays as it is.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn end_phone(
        &self,
        caller: &Caller,
        (issuer, holder, phone): (IssuerId, HolderIndex, u32),
        now: UnixMillis,
    ) -> Result<StoredPhone, Fault> {
        caller.may(Scope::Invitations, issuer)?;
        let missing = || Fault::NotFound(format!("phone {phone} of holder {holder} of issuer {issuer}"));
        let what = format!("phone {phone} of holder {holder}");
        let line = Entry::new(now, caller, Action::PhoneEnded, Some(issuer), what);
        let decide = |records: &PhoneRecords| {
            let held = records.phones.iter().find(|held| held.phone == phone).ok_or_else(missing)?;
            if !held.goes_on() {
                return Ok(PhoneEdit::default());
            }
            Ok(PhoneEdit {
                phones: vec![StoredPhone { ended: Some(now), ..held.clone() }],
                line: Some(line.clone()),
                ..PhoneEdit::default()
            })
        };
        self.store.edit_phones(issuer, holder, &decide).await?;
        let name = PhoneName { issuer: issuer.0, holder: holder.0, phone };
        self.batches.phone(name).await?.ok_or_else(missing)
    }

    /// Makes the phone with this key one of the holder that the number invites. The caller has verified that the request is
    /// signed with it. The same key and number again are the same phone, while that goes on and the
    /// invitation is kept: its answer may have been lost.
    ///
    /// # Errors
    /// [`PhoneFault`] for the number; [`Fault::Conflict`] while another phone goes on where the issuer wants one;
    /// [`Fault::Misconfigured`] without a key that signs for phones: the number is good afterwards.
    pub async fn activate(
        &self,
        number: &InvitationNumber,
        key: PhoneKey,
        now: UnixMillis,
    ) -> Result<Activated, Fault> {
        let digest = number.digest();
        let unknown = || Fault::from(PhoneFault::NumberUnknown);
        let found = self.store.invitation(digest).await?.ok_or_else(unknown)?;
        let (issuer, holder) = (found.issuer, found.holder);
        // What the answer needs is had before the number is used up.
        let (person, record) = self.person(issuer, holder).await?;
        if record.joined.is_some() {
            return Err(PhoneFault::NumberReplaced.into());
        }
        let terms = self.terms_now(issuer, holder, Uses::PHONE, now).await?;
        let one_phone = self.issuer_of(issuer).await?.second_phone == SecondPhone::Supersede;
        let decide = |records: &PhoneRecords| {
            let mine = records.invitations.iter().find(|invitation| invitation.number == digest);
            let invitation = mine.ok_or_else(unknown)?;
            if records.holder.joined.is_some() {
                return Err(PhoneFault::NumberReplaced.into());
            }
            if let Some((_, phone)) = invitation.used {
                let held = records.phones.iter().find(|held| held.phone == phone);
                let again = held.is_some_and(|held| held.key == key && held.goes_on());
                return if again { Ok(PhoneEdit::default()) } else { Err(PhoneFault::NumberUsed.into()) };
            }
            if let Some(refusal) = invitation.refusal(now) {
                return Err(refusal.into());
            }
            if one_phone && going_on(&records.phones) > 0 {
                return Err(other_phone(issuer, holder));
            }
            let phone = records.phones.last().map_or(1, |last| last.phone.saturating_add(1));
            let new = StoredPhone {
                issuer,
                holder,
                phone,
                key,
                level: invitation.level,
                made: now,
                renewed: None,
                ended: None,
            };
            let what = format!("phone {phone} of holder {holder}, {}", invitation.level);
            let line =
                Entry::new(now, &Caller::phone(new.name()), Action::PhoneActivated, Some(issuer), what);
            Ok(PhoneEdit {
                invitations: vec![StoredInvitation { used: Some((now, phone)), ..invitation.clone() }],
                phones: vec![new],
                line: Some(line),
                ..PhoneEdit::default()
            })
        };
        self.store.edit_phones(issuer, holder, &decide).await?;
        let used = self.store.invitation(digest).await?.and_then(|invitation| invitation.used);
        let (_, phone) = used.ok_or_else(|| Fault::Damaged("an invitation lost its phone".into()))?;
        let name = PhoneName { issuer: issuer.0, holder: holder.0, phone };
        Ok(Activated { name, level: found.level, display: person.display(), terms })
    }

    /// The phone of this name, which has signed `message`.
    ///
    /// # Errors
    /// [`Fault::Unauthenticated`], the same whether there is no such phone or it is not its signature;
    /// [`PhoneFault::Ended`] when it was ended.
    pub async fn known_phone(
        &self,
        name: PhoneName,
        message: &[u8],
        signature: &[u8],
    ) -> Result<KnownPhone, Fault> {
        self.batches.phone(name).await?.ok_or(Fault::Unauthenticated)?.known(message, signature)
    }

    /// Issues the next credential of a phone, for terms that the phone proposes.
    ///
    /// # Errors
    /// [`PhoneFault::Terms`] with those that hold, [`PhoneFault::Ended`] for a record that was joined,
    /// [`Fault::Conflict`] when it is the first of a phone and the holder has credentials of another where the issuer
    /// wants those superseded, [`Fault::Invalid`] for what no gate would take.
    pub async fn renew_phone(
        &self,
        phone: &KnownPhone,
        (terms, root, origin): (Terms, [u8; 16], Step),
        now: UnixMillis,
    ) -> Result<Renewal, Fault> {
        let StoredPhone { issuer, holder, renewed, .. } = *phone.stored();
        let (person, word) = self.own(phone).await?;
        let current = self.terms_of(issuer, word, Uses::PHONE, now)?;
        let is_fresh = terms.issued <= current.issued && current.issued.0 - terms.issued.0 <= TERMS_S_MAX;
        if (terms.key, terms.generation) != (current.key, current.generation) || !is_fresh {
            return Err(PhoneFault::Terms(current).into());
        }
        let valid_s = limits::PHONE_VALIDITY_S_MAX;
        let claims = CredentialRequest::Phone { terms, root, origin, valid_s }.claims(&current)?;
        let caller = Caller::phone(phone.stored().name());
        let what = format!("phone for holder {holder}");
        let entry = Entry::new(now, &caller, Action::CredentialIssued, Some(issuer), what);
        let whose = (issuer, holder, &person);
        let of = (Uses::PHONE, terms.generation);
        // The first is noted with its credential, whatever becomes of this request; later times are noted together.
        let receiver = renewed.map_or(Receiver::First(phone.stored().name()), |_| Receiver::Renewing);
        let issuance = self.sign_and_keep(whose, of, claims, (now, &entry), receiver).await?;
        let (issued, expires) = (issuance.issued.issued, issuance.issued.expires);
        let when = RenewalTime::of(&issuance.issued.digest, issued, expires);
        Ok(Renewal { issuance, display: person.display(), when })
    }

    /// A holder's own data. That it was read is counted by who asks for it, and noted by
    /// [`note_phones_asked`](Self::note_phones_asked).
    ///
    /// # Errors
    /// [`PhoneFault::Ended`] for a record that was joined.
    pub async fn own_status(&self, phone: &KnownPhone, now: UnixMillis) -> Result<OwnStatus, Fault> {
        let StoredPhone { issuer, holder, .. } = *phone.stored();
        let (person, word) = self.own(phone).await?;
        let phones = going_on(&self.store.phones_of(issuer, holder).await?);
        let trips = self.store.tickets_of(issuer, holder, now.seconds(), TRIPS_MAX).await?;
        let mut relatives = Vec::new();
        let bindings = self.store.bindings_of(issuer, (Side::User, holder), BindingId(0), PAGE_MAX).await?;
        for binding in bindings.into_iter().filter(|binding| binding.is_active(now)) {
            let (relative, _) = self.person(issuer, binding.relative_place).await?;
            relatives.push((binding.id, relative.display(), binding.until));
        }
        let terms = self.terms_of(issuer, word, Uses::PHONE, now)?;
        Ok(OwnStatus { word, display: person.display(), phones, trips, relatives, terms })
    }

    /// The family code of a relative that the phone's holder is bound to, and the relative, masked.
    ///
    /// # Errors
    /// [`Fault::NotFound`] when it is not this holder's binding, [`Fault::Conflict`] when it has ended,
    /// [`PhoneFault::Ended`] for a record that was joined.
    pub async fn own_family_code(
        &self,
        phone: &KnownPhone,
        id: BindingId,
        now: UnixMillis,
    ) -> Result<(Issuance, String), Fault> {
        let StoredPhone { issuer, holder, .. } = *phone.stored();
        self.own(phone).await?;
        let binding = self.store.binding(issuer, id).await?.filter(|binding| binding.user_place == holder);
        let binding =
            binding.ok_or_else(|| Fault::NotFound(format!("relative {id} of this phone's holder")))?;
        let (relative, _) = self.person(issuer, binding.relative_place).await?;
        let caller = Caller::phone(phone.stored().name());
        let valid_s = limits::PAPER_VALIDITY_S_MAX;
        Ok((self.family_code(&caller, issuer, &binding, valid_s, now).await?, relative.display()))
    }

    /// Writes down when phones got credentials, several at once.
    ///
    /// # Errors
    /// As the store.
    pub async fn note_renewals(&self, renewed: &[(PhoneName, UnixMillis)]) -> Result<(), Fault> {
        self.store.note_renewals(renewed).await
    }

    /// Leaves a line that holders' own phones read their own data so many times.
    ///
    /// # Errors
    /// As the store.
    pub async fn note_phones_asked(
        &self,
        issuer: IssuerId,
        times: u64,
        now: UnixMillis,
    ) -> Result<(), Fault> {
        let what = format!("{times} times, by holders about themselves");
        self.store.note(&Entry::of_itself(now, Action::PhonesAsked, Some(issuer), what)).await
    }

    /// Every issuer with its name, as it is told to who asks.
    ///
    /// # Errors
    /// As the store.
    pub async fn known_issuers(&self) -> Result<Vec<Issuer>, Fault> {
        self.store.issuers().await
    }

    /// The time zone of the registry's place.
    pub fn zone(&self) -> &str {
        self.families.zone().iana_name().unwrap_or("Etc/UTC")
    }

    /// Who a phone's holder is, and their word; a record that was joined into another has no phone.
    async fn own(&self, phone: &KnownPhone) -> Result<(Person, StatusWord), Fault> {
        let StoredPhone { issuer, holder, .. } = *phone.stored();
        let (record, word) = self.batches.look(issuer, holder).await?;
        let record = record.filter(|record| record.joined.is_none()).ok_or(PhoneFault::Ended)?;
        Ok((self.open(issuer, &record)?, word))
    }
}

/// How many of the phones go on.
fn going_on(phones: &[StoredPhone]) -> u32 {
    let count = phones.iter().filter(|phone| phone.goes_on()).count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// What is to be done before another phone is activated, where the issuer wants one.
fn other_phone(issuer: IssuerId, holder: HolderIndex) -> Fault {
    Fault::Conflict(format!(
        "holder {holder} of issuer {issuer} has another phone that goes on: have the authority end it (hufu holder end-phone) \
         and raise the holder's generation, then activate this one with the same number"
    ))
}
