//! Rosters: who belongs to a site, signed, for one click of a school's batch terminal (R12).

use hufu_wire::{HolderIndex, IssuerId, KeyId, Reason, SiteId, UnixSeconds, limits};

use crate::cbor::{Fault, Reader, Writer};
use crate::cose::Sign1;
use crate::credential::{EXP, NBF};
use crate::keyring::Uses;
use crate::verified::{Claims, Signed, Verified};

/// Private claim of a roster.
const ROSTER: i64 = -65538;

/// A site's members, by issuer. Read in place: members stay in the bytes they came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roster<'a> {
    key: KeyId,
    site: SiteId,
    issued: UnixSeconds,
    expires: UnixSeconds,
    /// Encoded groups, read through once and found sound.
    groups: &'a [u8],
    members: usize,
}

/// A roster that has been read and not yet verified.
pub type SignedRoster<'a> = Signed<'a, Roster<'a>>;

/// Reads a signed roster: structure only, nothing is verified, nothing allocated.
///
/// # Errors
/// [`Reason::RosterTooLarge`] beyond [`limits::ROSTER_MEMBERS_MAX`], [`Reason::RosterInvalid`] for every
/// other byte string that is not the one encoding of its content.
pub fn parse(bytes: &[u8]) -> Result<SignedRoster<'_>, Reason> {
    let roster = read(bytes).map_err(|_| Reason::RosterInvalid)?;
    if roster.claims().members > limits::ROSTER_MEMBERS_MAX {
        return Err(Reason::RosterTooLarge);
    }
    Ok(roster)
}

fn read(bytes: &[u8]) -> Result<SignedRoster<'_>, Fault> {
    let mut reader = Reader::new(bytes);
    let roster = SignedRoster::read(&mut reader)?;
    reader.end()?;
    Ok(roster)
}

impl<'a> Roster<'a> {
    /// Whose key signed it.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// The only site that may ask about it.
    pub fn site(&self) -> SiteId {
        self.site
    }

    /// From when it is valid.
    pub fn issued(&self) -> UnixSeconds {
        self.issued
    }

    /// From when it is refused.
    pub fn expires(&self) -> UnixSeconds {
        self.expires
    }

    /// How many members it has, at most [`limits::ROSTER_MEMBERS_MAX`].
    pub fn len(&self) -> usize {
        self.members
    }

    /// Whether it has no members.
    pub fn is_empty(&self) -> bool {
        self.members == 0
    }

    /// Its members by issuer, issuers rising.
    pub fn groups(&self) -> Groups<'a> {
        Groups { reader: Reader::new(self.groups) }
    }

    /// Every member, in the order in which verdicts answer.
    pub fn members(&self) -> impl Iterator<Item = (IssuerId, HolderIndex)> + use<'a> {
        self.groups().flat_map(|(issuer, members)| members.map(move |holder| (issuer, holder)))
    }

    /// Whether it is valid at `now`.
    ///
    /// # Errors
    /// [`Reason::RosterExpired`] from its expiry on, and more than [`limits::NOT_BEFORE_TOLERANCE_S`] before
    /// it was issued.
    pub fn valid_at(&self, now: UnixSeconds) -> Result<(), Reason> {
        let begun = now.0.saturating_add(limits::NOT_BEFORE_TOLERANCE_S) >= self.issued.0;
        if begun && now < self.expires { Ok(()) } else { Err(Reason::RosterExpired) }
    }
}

impl Verified<Roster<'_>> {
    /// Whether a device of `site` may ask about it at `now` (R12).
    ///
    /// # Errors
    /// [`Reason::RosterOfAnotherSite`], then [`Reason::RosterExpired`].
    pub fn usable(&self, site: SiteId, now: UnixSeconds) -> Result<(), Reason> {
        if self.site != site {
            return Err(Reason::RosterOfAnotherSite);
        }
        self.valid_at(now)
    }
}

/// The groups of a roster.
#[derive(Clone, Debug)]
pub struct Groups<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for Groups<'a> {
    type Item = (IssuerId, Members<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        // The groups were read once already, so the only error left is their end.
        read_group(&mut self.reader).ok()
    }
}

/// One issuer's members, rising.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    holders: core::slice::Iter<'a, [u8; 4]>,
}

impl Iterator for Members<'_> {
    type Item = HolderIndex;

    fn next(&mut self) -> Option<HolderIndex> {
        self.holders.next().map(|bytes| HolderIndex(u32::from_le_bytes(*bytes)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.holders.size_hint()
    }
}

impl ExactSizeIterator for Members<'_> {}

impl<'a> Claims<'a> for Roster<'a> {
    const NOT_GENUINE: Reason = Reason::RosterInvalid;

    fn read(envelope: &Sign1<'a>) -> Result<Roster<'a>, Fault> {
        let mut reader = Reader::new(envelope.payload);
        reader.map_of(3)?;
        reader.key(EXP)?;
        let expires = UnixSeconds(reader.u32()?);
        reader.key(NBF)?;
        let issued = UnixSeconds(reader.u32()?);
        reader.key(ROSTER)?;
        reader.array_of(2)?;
        let site = SiteId(reader.u32()?);
        let count = reader.array()?;
        let (members, groups) = reader.spanned(|reader| read_groups(reader, count))?;
        reader.end()?;
        if expires <= issued {
            return Err(Fault::Range);
        }
        Ok(Roster { key: envelope.key, site, issued, expires, groups, members })
    }

    fn key_use(&self) -> Uses {
        Uses::ROSTER
    }

    fn issued(&self) -> UnixSeconds {
        self.issued
    }

    fn within_rules(&self) -> Result<(), Reason> {
        Ok(())
    }
}

/// Reads all groups and returns how many members they have together.
fn read_groups(reader: &mut Reader<'_>, count: usize) -> Result<usize, Fault> {
    let mut members = 0;
    let mut last = None;
    for _ in 0..count {
        let (issuer, group) = read_group(reader)?;
        if last >= Some(issuer) || !group.clone().is_sorted_by(|a, b| a < b) {
            return Err(Fault::Order);
        }
        last = Some(issuer);
        members += group.len();
    }
    Ok(members)
}

fn read_group<'a>(reader: &mut Reader<'a>) -> Result<(IssuerId, Members<'a>), Fault> {
    reader.array_of(2)?;
    let issuer = IssuerId(reader.u32()?);
    let (holders, rest) = reader.bytes()?.as_chunks::<4>();
    // A group of nobody would say the same as no group.
    if holders.is_empty() || !rest.is_empty() {
        return Err(Fault::Count);
    }
    Ok((issuer, Members { holders: holders.iter() }))
}

/// The payload that an issuer signs.
pub(crate) fn payload(
    site: SiteId,
    issued: UnixSeconds,
    expires: UnixSeconds,
    groups: &[(IssuerId, &[HolderIndex])],
) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.map(3).int(EXP).uint(expires.0).int(NBF).uint(issued.0).int(ROSTER);
    writer.array(2).uint(site.0).array(groups.len());
    for (issuer, holders) in groups {
        let holders: Vec<u8> = holders.iter().flat_map(|holder| holder.0.to_le_bytes()).collect();
        writer.array(2).uint(issuer.0).bytes(&holders);
    }
    writer.into_bytes()
}
