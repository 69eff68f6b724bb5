//! Rosters: who belongs to a site (R12).

use hufu_wire::limits::ROSTER_MEMBERS_MAX;
use hufu_wire::{HolderIndex, IssuerId, SiteId};

use crate::fault::Fault;
use crate::issuer::check_name;

/// A site's members, by issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    /// The only site that may ask about it.
    pub site: SiteId,
    /// Its name, unique at its site: a class, a shift.
    pub name: String,
    /// Members by rising issuer, each by rising index and once, no group empty.
    pub groups: Groups,
}

/// Members of a roster by issuer.
pub type Groups = Vec<(IssuerId, Vec<HolderIndex>)>;

/// A roster without its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterSummary {
    /// The only site that may ask about it.
    pub site: SiteId,
    /// Its name.
    pub name: String,
    /// How many members it has.
    pub members: u32,
}

impl Roster {
    /// A roster of these members, sorted and each once.
    ///
    /// # Errors
    /// [`Fault::Invalid`]: its name, nobody in it, or more than [`ROSTER_MEMBERS_MAX`].
    pub fn new(
        site: SiteId,
        name: String,
        members: impl IntoIterator<Item = (IssuerId, HolderIndex)>,
    ) -> Result<Roster, Fault> {
        check_name("name", &name)?;
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        if members.is_empty() || members.len() > ROSTER_MEMBERS_MAX {
            return Err(Fault::invalid("groups", format!("1 to {ROSTER_MEMBERS_MAX} members")));
        }
        let groups = members.chunk_by(|a, b| a.0 == b.0);
        let groups =
            groups.map(|group| (group[0].0, group.iter().map(|member| member.1).collect())).collect();
        Ok(Roster { site, name, groups })
    }

    /// How many members it has.
    pub fn len(&self) -> usize {
        self.groups.iter().map(|(_, members)| members.len()).sum()
    }

    /// Whether it has no members; none that was made by [`new`](Self::new) is.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The members as a store keeps them: of each group the issuer, how many, and every index, 4 bytes each,
    /// little-endian.
    pub fn members_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len() * 4 + self.groups.len() * 8);
        for (issuer, members) in &self.groups {
            bytes.extend(issuer.0.to_le_bytes());
            bytes.extend(u32::try_from(members.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend(members.iter().flat_map(|holder| holder.0.to_le_bytes()));
        }
        bytes
    }

    /// A roster as a store kept it.
    ///
    /// # Errors
    /// [`Fault::Damaged`] when these are not the members of any roster.
    pub fn stored(site: SiteId, name: &str, members: &[u8]) -> Result<Roster, Fault> {
        let damaged = || Fault::Damaged(format!("roster {name:?} of site {site} cannot be read"));
        let groups = read_groups(members).ok_or_else(damaged)?;
        let roster = Roster { site, name: name.to_owned(), groups };
        let issuers_rise = roster.groups.is_sorted_by(|a, b| a.0 < b.0);
        let members_rise = roster.groups.iter().all(|(_, members)| members.is_sorted_by(|a, b| a < b));
        if issuers_rise && members_rise && !roster.is_empty() { Ok(roster) } else { Err(damaged()) }
    }
}

fn read_groups(mut bytes: &[u8]) -> Option<Groups> {
    let mut groups = Vec::new();
    while !bytes.is_empty() {
        let (issuer, rest) = bytes.split_first_chunk()?;
        let (count, rest) = rest.split_first_chunk()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok().filter(|count| *count > 0)?;
        let (members, rest) = rest.split_at_checked(count.checked_mul(4)?)?;
        let members = members.as_chunks::<4>().0.iter().map(|index| HolderIndex(u32::from_le_bytes(*index)));
        groups.push((IssuerId(u32::from_le_bytes(*issuer)), members.collect()));
        bytes = rest;
    }
    Some(groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roster_is_sorted_kept_and_found_altered() {
        let of = |issuer, holder| (IssuerId(issuer), HolderIndex(holder));
        let members = [of(2, 9), of(1, 7), of(2, 3), of(1, 7)];
        let roster = Roster::new(SiteId(5), "3b".into(), members).unwrap();
        let groups =
            vec![(IssuerId(1), vec![HolderIndex(7)]), (IssuerId(2), vec![HolderIndex(3), HolderIndex(9)])];
        assert_eq!(roster.groups, groups);
        let bytes = roster.members_bytes();
        let stored = |bytes: &[u8]| Roster::stored(SiteId(5), "3b", bytes);
        assert_eq!(stored(&bytes).unwrap(), roster);
        for cut in 0..bytes.len() {
            let whole_group = cut == 12;
            assert_eq!(stored(&bytes[..cut]).is_ok(), whole_group, "cut at {cut}");
        }
        assert!(Roster::new(SiteId(5), "nobody".into(), []).is_err());
    }
}
