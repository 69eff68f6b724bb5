//! A whole roster at once: every member's verdict and a summary (R12).

use hufu_codes::Verified;
use hufu_codes::roster::{Roster, parse};
use hufu_policy::{Facts, Shown, SitePolicy, evaluate};
use hufu_wire::{
    Age, CheckNumber, Decision, Grant, HolderIndex, IssuerId, MemberVerdict, Message, Reason, RosterReply,
    StatusWord, UnixMillis, Verdict, limits,
};

use crate::cases::Batch;
use crate::counters::Counters;
use crate::engine::Engine;
use crate::journal::{Channel, Durability, Record, RosterTally, Trace};
use crate::statuses::Statuses;

/// What one roster is checked with.
pub(crate) struct Check<'s> {
    pub(crate) now: UnixMillis,
    /// Of the device that sent it.
    pub(crate) grant: &'s Grant,
    pub(crate) counters: &'s Counters,
}

impl Check<'_> {
    /// Appends the reply to `out`: the summary, then each member's verdict unless the roster is turned down. Returns
    /// what is noted of it.
    pub(crate) fn run(
        &self,
        engine: &Engine,
        device_fault: Option<Reason>,
        roster: &[u8],
        out: &mut Vec<u8>,
    ) -> Record {
        let rules = engine.sites.load();
        let policy = rules.sites.get(self.grant.site);
        let usable = match (device_fault, policy) {
            (Some(reason), _) => Err(reason),
            (None, None) => Err(Reason::SiteUnknown),
            (None, Some(policy)) => {
                verify(self.now, engine, self.grant, policy, roster).map(|it| (policy, it))
            }
        };
        let reply = match usable {
            Ok((policy, roster)) => self.members(&engine.table, policy, &roster, out),
            Err(reason) => {
                self.counters.count_verdict(self.grant.site, reason.decision(), reason);
                turn_down_roster(self.now, reason, out)
            }
        };
        record(self.grant, policy, &reply)
    }

    /// Decides every member in batches, and writes the summary in front of them once it is known.
    fn members(
        &self,
        table: &impl Statuses,
        policy: &SitePolicy,
        roster: &Roster<'_>,
        out: &mut Vec<u8>,
    ) -> RosterReply {
        let Check { now, grant, counters } = *self;
        let mut reply = summary(now);
        let summary_at = out.len();
        out.reserve_exact(RosterReply::BYTES + roster.len() * MemberVerdict::BYTES);
        append(&reply, out);
        for (issuer, holders) in roster.groups() {
            let (slot, age) = issuer_now(now, table, issuer);
            reply.age = older(reply.age, age);
            let facts =
                Facts { now: now.seconds(), shown: Shown::Member, issuer, status: StatusWord::UNKNOWN, age };
            let decide = |status: StatusWord| {
                let ruling = evaluate(policy, &Facts { status, ..facts });
                let (decision, reason) = (ruling.decision(), ruling.reason());
                MemberVerdict { decision, reason, colour: status.colour() }
            };
            let mut holders = holders.peekable();
            while holders.peek().is_some() {
                let batch: Batch<HolderIndex> = holders.by_ref().take(limits::BATCH_MAX).collect();
                let members: Batch<MemberVerdict> =
                    words(table, slot, &batch).into_iter().map(decide).collect();
                for member in &members {
                    counters.count_verdict(grant.site, member.decision, member.reason);
                    append(member, out);
                    reply.members += 1;
                    match member.decision {
                        Decision::Admit => reply.admitted += 1,
                        Decision::Refer => reply.referred += 1,
                        Decision::Refuse => reply.refused += 1,
                    }
                }
            }
        }
        counters.count_roster_members(roster.len());
        reply.write_to(&mut out[summary_at..summary_at + RosterReply::BYTES]);
        reply
    }
}

/// Appends the reply to a roster of which no member is checked, for this reason.
pub fn turn_down_roster(now: UnixMillis, reason: Reason, out: &mut Vec<u8>) -> RosterReply {
    let reply = RosterReply { reason, age: Age::Unknown, ..summary(now) };
    append(&reply, out);
    reply
}

/// One for the whole roster: it says how many members there were, and nothing of who they are.
fn record(grant: &Grant, policy: Option<&SitePolicy>, reply: &RosterReply) -> Record {
    let RosterReply { server_time, age, reason, members, admitted, referred, refused } = *reply;
    Record {
        channel: Channel::Roster,
        grant: *grant,
        lane: None,
        trace: Trace::None,
        durability: policy.map_or_else(Durability::default, |policy| policy.records),
        verdict: Verdict { age, ..Verdict::of(CheckNumber(0), server_time, reason) },
        roster: Some(RosterTally { members, admitted, referred, refused }),
    }
}

/// The summary of a roster of which no member is judged yet.
const fn summary(now: UnixMillis) -> RosterReply {
    RosterReply {
        server_time: now,
        age: Age::Millis(0),
        reason: Reason::Clear,
        members: 0,
        admitted: 0,
        referred: 0,
        refused: 0,
    }
}

/// A roster this device may ask about now: genuine, of its site, not expired, from an issuer the site recognises.
fn verify<'a>(
    now: UnixMillis,
    engine: &Engine,
    grant: &Grant,
    policy: &SitePolicy,
    roster: &'a [u8],
) -> Result<Verified<Roster<'a>>, Reason> {
    let signed = parse(roster)?;
    if !engine.devices.charge_many(grant, further(signed.claims().len()), now) {
        return Err(Reason::RateExceeded);
    }
    let trust = engine.trust.load();
    let roster = trust.keyring.admit(signed, now.seconds())?.verify(hufu_signature::backend())?;
    roster.usable(grant.site, now.seconds())?;
    if !policy.issuers.recognise(roster.issuer()) {
        return Err(Reason::IssuerNotRecognised);
    }
    Ok(roster)
}

/// How many single checks a roster is worth to its device's rate beside the one it is charged before it is read: a
/// member costs about a hundredth of one.
fn further(members: usize) -> u32 {
    u32::try_from(members / MEMBERS_A_CHECK).unwrap_or(u32::MAX)
}

const MEMBERS_A_CHECK: usize = 128;

fn issuer_now<T: Statuses>(now: UnixMillis, table: &T, issuer: IssuerId) -> (Option<T::Slot>, Age) {
    let Some(slot) = table.slot(issuer) else { return (None, Age::Unknown) };
    let heard = table.as_of(slot).heard;
    (Some(slot), heard.map_or(Age::Unknown, |heard| Age::between(heard, now)))
}

fn words<T: Statuses>(table: &T, slot: Option<T::Slot>, holders: &Batch<HolderIndex>) -> Batch<StatusWord> {
    let mut words: Batch<StatusWord> = holders.iter().map(|_| StatusWord::UNKNOWN).collect();
    if let Some(slot) = slot {
        let wanted: Batch<(T::Slot, HolderIndex)> = holders.iter().map(|&holder| (slot, holder)).collect();
        table.lookup_batch(&wanted, &mut words);
    }
    words
}

fn older(one: Age, other: Age) -> Age {
    match (one, other) {
        (Age::Millis(one), Age::Millis(other)) => Age::Millis(one.max(other)),
        (Age::Unknown, _) | (_, Age::Unknown) => Age::Unknown,
    }
}

fn append<'a>(message: &impl Message<'a>, out: &mut Vec<u8>) {
    let at = out.len();
    out.resize(at + message.size(), 0);
    message.write_to(&mut out[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statuses::moving::{BEGUN, HOLDERS, ISSUER, Moving};
    use hufu_codes::issue::IssuerSigner;
    use hufu_policy::Sites;
    use hufu_wire::{Colour, DeviceGeneration, DeviceId, Scope, SiteId, read};

    /// The table changes after each read. The first change is green, the later ones are red.
    #[test]
    fn r12_a_roster_reads_the_age_of_the_words_before_the_words() {
        let table = Moving::new();
        let site = "[[site]]\nid = 1\nname = \"Door\"\nroster = true\n";
        let sites = Sites::parse(site, "sites.toml").unwrap();
        let holders: Vec<_> = (0..HOLDERS).map(HolderIndex).collect();
        let now = UnixMillis(BEGUN.0 + 10_000);
        let (from, until) = (BEGUN.seconds(), hufu_wire::UnixSeconds(u32::MAX));
        let signer = IssuerSigner::from_seed(&[1; 32], ISSUER);
        let bytes = signer.sign_roster(SiteId(1), from, until, &[(ISSUER, &holders)]).unwrap();
        let (signed, mut out) = (parse(&bytes).unwrap(), Vec::new());
        let policy = sites.get(SiteId(1)).unwrap();
        let (device, generation) = (DeviceId(1), DeviceGeneration(0));
        let grant = Grant { device, generation, site: SiteId(1), scope: Scope::CHECKS_AND_ROSTERS };
        let check = Check { now, grant: &grant, counters: &Counters::default() };
        check.members(&table, policy, signed.claims(), &mut out);
        let reply: RosterReply = read(&out[..RosterReply::BYTES]).unwrap();
        assert_eq!(reply.age, Age::Millis(9000), "of the first change");
        let members = out[RosterReply::BYTES..].chunks(MemberVerdict::BYTES);
        let colours: Vec<_> = members.map(|it| read::<MemberVerdict>(it).unwrap().colour).collect();
        assert_eq!(colours, vec![Some(Colour::Red); holders.len()], "of the change that came between");
        assert_eq!(table.changes(), 3, "one read of the age, one of the words");
    }
}
