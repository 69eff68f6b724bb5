//! Issued credentials in the store.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use hufu_contract::{PhoneName, SecondPhone};
use hufu_wire::{CodeKind, HolderIndex, IssuerId, KeyId, UnixMillis, UnixSeconds};

use super::row::{Columns, FromColumns, damaged};
use crate::credential::{IssuedCredential, ListedCredential, OtherPhones};
use crate::fault::Fault;
use crate::trail::Entry;

/// A credential to be written down, with its line of the trail.
#[derive(Clone, Debug)]
pub struct NewCredential {
    /// The credential.
    pub credential: IssuedCredential,
    /// Who gets it.
    pub receiver: Receiver,
    /// Its line of the trail.
    pub entry: Entry,
}

/// Who gets a credential. A phone that had one before is no second phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// Not a phone of its own name: what a clerk issues.
    Unnamed,
    /// This phone, which is not known to have had one before; from this one on it has.
    First(PhoneName),
    /// A phone that had one before.
    Renewing,
}

/// What became of each of several credentials, in their order.
pub type Kept = Vec<Result<OtherPhones, Fault>>;

/// What was issued.
#[async_trait]
pub trait Credentials {
    /// Writes down credentials of any holders in one transaction, each as if it came alone and in this order; one of the
    /// same digest is written down once, and a phone's leaves one line. With the first of a phone it is noted, as with
    /// [`note_renewals`](super::Phones::note_renewals), that it had one. Answers for each which other phone credentials go on beside it
    /// ([`IssuedCredential::others_from`]). One that cannot be written leaves no row and no line, and the others as they
    /// are: [`Fault::NotFound`] without such a holder, [`Fault::Conflict`] where its issuer wants the other phone superseded
    /// first.
    ///
    /// # Errors
    /// The transaction failed, and nothing is written.
    async fn add_credentials(&self, adds: &[NewCredential]) -> Result<Kept, Fault>;

    /// A holder's credentials whose number is above `after`, in the order in which they were issued, at most
    /// `limit`.
    async fn credentials(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ListedCredential>, Fault>;
}

/// What is read of one issuer before credentials are written down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoughtCredentials {
    /// Holders who get one, by rising index.
    pub holders: Vec<HolderIndex>,
    /// Holders who get one on a phone, by rising index.
    pub phones: Vec<HolderIndex>,
    /// Phone credentials that end after this time count; none when no phone gets one.
    pub from: Option<UnixSeconds>,
    /// Holders with a phone that is not known to have had one; their phones that had one count.
    pub firsts: Vec<HolderIndex>,
}

/// A phone credential that was written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldPhone {
    /// Of which of the holder's credentials.
    pub generation: u8,
    /// From when it is refused.
    pub expires: UnixSeconds,
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
}

/// What was read, under the locks that credentials are written under.
#[derive(Clone, Debug, Default)]
pub struct CredentialRecords {
    /// Issuers that want another phone superseded first.
    supersede: HashSet<IssuerId>,
    /// Holders who are registered and were not joined into others.
    going_on: HashSet<(IssuerId, HolderIndex)>,
    phones: HashMap<(IssuerId, HolderIndex), Vec<HeldPhone>>,
    /// Phones that had a credential.
    renewed: HashSet<PhoneName>,
}

/// What is to be written, and the answers.
#[derive(Debug)]
pub struct CredentialEdit<'n> {
    /// What became of each.
    pub kept: Kept,
    /// Those that are written, in their order.
    pub new: Vec<&'n NewCredential>,
    /// Phones that got their first, and when.
    pub firsts: Vec<(PhoneName, UnixMillis)>,
}

impl SoughtCredentials {
    /// What is sought of each issuer.
    pub fn of(adds: &[NewCredential]) -> BTreeMap<IssuerId, SoughtCredentials> {
        let mut all: BTreeMap<IssuerId, SoughtCredentials> = BTreeMap::new();
        for NewCredential { credential, receiver, .. } in adds {
            let sought = all.entry(credential.issuer).or_default();
            sought.holders.push(credential.holder);
            if let Some(from) = credential.others_from() {
                sought.phones.push(credential.holder);
                sought.from = Some(sought.from.map_or(from, |least| least.min(from)));
            }
            if let Receiver::First(_) = receiver {
                sought.firsts.push(credential.holder);
            }
        }
        for sought in all.values_mut() {
            for holders in [&mut sought.holders, &mut sought.phones, &mut sought.firsts] {
                holders.sort_unstable();
                holders.dedup();
            }
        }
        all
    }
}

impl CredentialRecords {
    /// Adds what was read of one issuer.
    pub fn take(
        &mut self,
        issuer: IssuerId,
        second_phone: SecondPhone,
        going_on: Vec<HolderIndex>,
        phones: Vec<(HolderIndex, HeldPhone)>,
    ) {
        if second_phone == SecondPhone::Supersede {
            self.supersede.insert(issuer);
        }
        self.going_on.extend(going_on.into_iter().map(|holder| (issuer, holder)));
        for (holder, phone) in phones {
            self.phones.entry((issuer, holder)).or_default().push(phone);
        }
    }

    /// Adds phones of one issuer that had a credential, each as holder and number.
    pub fn take_renewed(&mut self, issuer: IssuerId, renewed: Vec<(HolderIndex, u32)>) {
        let name =
            |(holder, phone): (HolderIndex, u32)| PhoneName { issuer: issuer.0, holder: holder.0, phone };
        self.renewed.extend(renewed.into_iter().map(name));
    }

    /// What is written, and what becomes of each.
    pub fn decide(mut self, adds: &[NewCredential]) -> CredentialEdit<'_> {
        let mut edit =
            CredentialEdit { kept: Vec::with_capacity(adds.len()), new: Vec::new(), firsts: Vec::new() };
        for add in adds {
            let put = self.put(&add.credential, add.receiver);
            if let Ok((_, is_new)) = put {
                if is_new {
                    edit.new.push(add);
                }
                if let Receiver::First(phone) = add.receiver {
                    self.renewed.insert(phone);
                    edit.firsts.push((phone, add.entry.at));
                }
            }
            edit.kept.push(put.map(|(others, _)| others));
        }
        edit
    }

    /// Which others go on beside it, and whether it is not held yet.
    fn put(&mut self, new: &IssuedCredential, receiver: Receiver) -> Result<(OtherPhones, bool), Fault> {
        let place = (new.issuer, new.holder);
        if !self.going_on.contains(&place) {
            return Err(Fault::no_holder(new.issuer, new.holder));
        }
        let Some(from) = new.others_from() else { return Ok((OtherPhones::default(), true)) };
        let held = self.phones.entry(place).or_default();
        let goes_on = |phone: &&HeldPhone| {
            phone.generation == new.generation && phone.expires > from && phone.digest != new.digest
        };
        let ends = held.iter().filter(goes_on).map(|phone| phone.expires);
        let others = OtherPhones {
            others: u32::try_from(ends.clone().count()).unwrap_or(u32::MAX),
            until: ends.max(),
        };
        let renewed = match receiver {
            Receiver::Unnamed => false,
            Receiver::First(phone) => self.renewed.contains(&phone),
            Receiver::Renewing => true,
        };
        if others.others > 0 && !renewed && self.supersede.contains(&new.issuer) {
            return Err(supersede_first(new, others));
        }
        let is_new = !held.iter().any(|phone| phone.digest == new.digest);
        if is_new {
            held.push(HeldPhone { generation: new.generation, expires: new.expires, digest: new.digest });
        }
        Ok((others, is_new))
    }
}

/// What is to be proposed before another phone gets a credential.
fn supersede_first(new: &IssuedCredential, phones: OtherPhones) -> Fault {
    let IssuedCredential { issuer, holder, generation, .. } = *new;
    let until = phones.until.map_or(0, |until| until.0);
    Fault::Conflict(format!(
        "holder {holder} of issuer {issuer} has {} other phone credential(s) of generation {generation}, the last until \
         Unix second {until}: propose generation {} for the holder, have it confirmed, and issue again",
        phones.others,
        generation.wrapping_add(1),
    ))
}

impl FromColumns for ListedCredential {
    fn read(row: &impl Columns) -> Result<ListedCredential, Fault> {
        let kind: u8 = row.number("kind")?;
        let credential = IssuedCredential {
            issuer: IssuerId(row.number("issuer")?),
            holder: HolderIndex::read(row)?,
            kind: CodeKind::from_byte(kind)
                .filter(|kind| *kind != CodeKind::Foreign)
                .ok_or_else(|| damaged("kind", kind))?,
            generation: row.number("generation")?,
            issued: UnixSeconds(row.number("issued_s")?),
            expires: UnixSeconds(row.number("expires_s")?),
            key: KeyId(row.array("key")?),
            digest: row.array("digest")?,
        };
        Ok(ListedCredential { number: row.number("number")?, credential })
    }
}

impl FromColumns for (HolderIndex, HeldPhone) {
    fn read(row: &impl Columns) -> Result<(HolderIndex, HeldPhone), Fault> {
        let phone = HeldPhone {
            generation: row.number("generation")?,
            expires: UnixSeconds(row.number("expires_s")?),
            digest: row.array("digest")?,
        };
        Ok((HolderIndex::read(row)?, phone))
    }
}

/// A holder's phone, by holder and number.
impl FromColumns for (HolderIndex, u32) {
    fn read(row: &impl Columns) -> Result<(HolderIndex, u32), Fault> {
        Ok((HolderIndex::read(row)?, row.number("phone")?))
    }
}

/// How an issuer takes a second phone.
impl FromColumns for SecondPhone {
    fn read(row: &impl Columns) -> Result<SecondPhone, Fault> {
        row.word("second_phone", SecondPhone::from_slug)
    }
}
