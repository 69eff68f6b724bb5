//! A job's steps: read, ask, put, sign, check, keep. Nothing of a list counts before all of it does: rosters of a new list
//! have other names than those of the kept one, which stays as it is until the new one is checked.

use hufu_client::ControlFault;
use hufu_codes::roster;
use hufu_contract::{RosterEdit, RosterGroup, SignRoster};
use hufu_files::moment;
use hufu_sheets::{Limits, Table, TableArgs};
use hufu_wire::{Malformed, MemberVerdict, Reason, RosterReply, UnixSeconds};

use crate::job::{Doing, Job, JobFault, Work};
use crate::people::{look_up, read};
use crate::register::Register;
use crate::report::{Member, Report};
use crate::rows::{Outcome, RefusedRow};
use crate::school::School;
use crate::terminal::Terminal;

/// Most rows of a list.
pub(crate) const ROWS_MAX: u64 = 100_000;

/// Most MiB of a workbook once unzipped: three times a list of that many rows.
const UNZIPPED_MIB_MAX: u64 = 96;

/// A signature that ends sooner than this is renewed, seconds.
const RENEW_BEFORE_S: u32 = 60;

impl School {
    /// Does what is left of a job.
    pub(crate) async fn work(&self, job: &Job) {
        let Some(mut work) = job.take_work() else { return };
        // One list at a time: two tabs wait for each other, and the later one is what is kept.
        let turn = self.turn.lock().await;
        if !work.is_new {
            // Only now is it known which list is kept, and nothing but its signatures is changed until the turn ends.
            let Some(kept) = self.kept() else { return job.failed(JobFault::Deleted, work) };
            work.register = (*kept).clone();
        }
        match self.steps(job, &mut work).await {
            Ok(outcome) => {
                let counts = outcome.counts();
                tracing::info!(site = self.settings.site.0, ?counts, "a school's list was checked");
                job.done(outcome);
            }
            Err(fault) => job.failed(fault, work),
        }
        drop(turn);
    }

    async fn steps(&self, job: &Job, work: &mut Work) -> Result<Outcome, JobFault> {
        self.read_file(job, work).await?;
        self.ask(job, work).await?;
        self.put(job, work).await?;
        let terminal = Terminal::open(&self.settings.terminal)?;
        if let Some(warning) = &terminal.warning {
            tracing::warn!(warning, "a school's terminal");
        }
        let (summary, members, verdicts) = self.check(job, work, &terminal).await?;
        let at = UnixSeconds(u32::try_from(summary.server_time.0 / 1000).unwrap_or(u32::MAX));
        let report = Report::new(summary, &members, &verdicts, &work.register.names);
        let outcome = Outcome::new(at, &report.groups(), work.register.refused.clone());
        self.keep(work).await?;
        Ok(outcome)
    }

    async fn read_file(&self, job: &Job, work: &mut Work) -> Result<(), JobFault> {
        let Some(file) = work.file.take() else { return Ok(()) };
        job.step(Doing::Reading, 0, 0);
        let args = TableArgs {
            ignore_others: true,
            limits: Limits { unzipped_mib: UNZIPPED_MIB_MAX, rows: ROWS_MAX },
            ..TableArgs::default()
        };
        // A workbook may take memory until it is read: not two at once in this process.
        let turn = self.reading.lock().await;
        let list = tokio::task::spawn_blocking(move || read(&Table::of(file, &args)?, &mut |_| ()))
            .await
            .map_err(|_| JobFault::Here)??;
        drop(turn);
        work.register.refused = list.refused.iter().map(RefusedRow::of).collect();
        if list.people.is_empty() {
            let is_empty = work.register.refused.is_empty();
            return Err(if is_empty {
                JobFault::File(hufu_sheets::FileFault::Empty)
            } else {
                JobFault::NoLine
            });
        }
        work.register.names.reserve(list.people.len());
        work.people = list.people;
        Ok(())
    }

    async fn ask(&self, job: &Job, work: &mut Work) -> Result<(), JobFault> {
        let of = work.people.len();
        while !work.people.is_empty() && work.register.names.len() < of {
            let known = work.register.names.len();
            job.step(Doing::Asking, known, of);
            let found = look_up(&self.api, self.settings.issuer, &work.people[known..]).await?;
            work.register.names.extend(found);
        }
        // Id numbers and full names are needed no longer.
        work.people = Vec::new();
        Ok(())
    }

    async fn put(&self, job: &Job, work: &mut Work) -> Result<(), JobFault> {
        if !work.is_new {
            return Ok(());
        }
        // Always all of them, also after a fault: another list may have had these names in between.
        let (site, parts) = (self.settings.site, work.register.parts());
        let kept = self.kept_rosters();
        let own = |set: char| (1..=parts.len()).map(move |n| format!("{}-{set}-{n}", self.settings.roster));
        let is_taken = own('a').any(|name| kept.contains(&name));
        work.register.rosters = own(if is_taken { 'b' } else { 'a' }).collect();
        work.register.signed.clear();
        for (place, holders) in parts.into_iter().enumerate() {
            job.step(Doing::Putting, place, work.register.rosters.len());
            let edit = RosterEdit { groups: vec![RosterGroup { issuer: self.settings.issuer.0, holders }] };
            self.api.put_roster(site, &work.register.rosters[place], &edit).await?;
        }
        Ok(())
    }

    /// Every roster, signed if it has to be, at an engine. The times and counts are the last one's; only its time is used.
    async fn check(
        &self,
        job: &Job,
        work: &mut Work,
        terminal: &Terminal,
    ) -> Result<(RosterReply, Vec<Member>, Vec<MemberVerdict>), JobFault> {
        let of = work.register.rosters.len();
        let mut last = RosterReply {
            server_time: moment::now(),
            reason: Reason::Clear,
            age: hufu_wire::Age::Unknown,
            members: 0,
            admitted: 0,
            referred: 0,
            refused: 0,
        };
        let (mut members, mut verdicts) = (Vec::new(), Vec::new());
        for (place, part) in work.register.parts().iter().enumerate().take(of) {
            let mut is_renewed = self.sign(job, &mut work.register, place, false).await?;
            job.step(Doing::Checking, place, of);
            loop {
                let (summary, found) = asked(terminal, &work.register.signed[place]).await?;
                if summary.reason == Reason::Clear {
                    let signed = roster::parse(&work.register.signed[place]).map_err(JobFault::Roster)?;
                    let before = members.len();
                    members.extend(signed.claims().members());
                    let is_own = members[before..].iter().map(|(_, holder)| &holder.0).eq(part);
                    // Verdicts are put beside names by holder: those of another list would say nothing of this one.
                    if !is_own {
                        return Err(JobFault::Changed);
                    }
                    are_of(part, &found)?;
                    verdicts.extend(found);
                    last = summary;
                    break;
                }
                // The engine's clock decides, and a key may have ended: one more signature settles both.
                if is_renewed {
                    return Err(JobFault::Roster(summary.reason));
                }
                is_renewed = self.sign(job, &mut work.register, place, true).await?;
            }
        }
        Ok((last, members, verdicts))
    }

    /// Has a roster signed, if its signature is missing, ends, or `again` is said; whether it was.
    async fn sign(
        &self,
        job: &Job,
        register: &mut Register,
        place: usize,
        again: bool,
    ) -> Result<bool, JobFault> {
        let now = UnixSeconds(moment::now().seconds().0.saturating_add(RENEW_BEFORE_S));
        let is_valid = |signed: &Vec<u8>| {
            roster::parse(signed).is_ok_and(|signed| signed.claims().valid_at(now).is_ok())
        };
        if !again && register.signed.get(place).is_some_and(is_valid) {
            return Ok(false);
        }
        job.step(Doing::Putting, place, register.rosters.len());
        let sign = SignRoster { valid_s: self.settings.valid_s };
        let signed = self.api.sign_roster(self.settings.site, &register.rosters[place], sign).await?;
        register.signed.truncate(place.max(register.signed.len()));
        if place < register.signed.len() {
            register.signed[place] = signed.to_vec();
        } else {
            register.signed.push(signed.to_vec());
        }
        Ok(true)
    }

    /// Keeps the register, and removes the rosters of the one before.
    async fn keep(&self, work: &mut Work) -> Result<(), JobFault> {
        let before = self.kept_rosters();
        work.register.store(&self.settings)?;
        self.set_kept(work.register.clone());
        for name in before.iter().filter(|name| !work.register.rosters.contains(name)) {
            // It is in no one's way; the list after the next has its name.
            if let Err(fault) = self.api.delete_roster(self.settings.site, name).await {
                tracing::warn!(%fault, name, "a roster of the list before is left at the registry");
            }
        }
        Ok(())
    }
}

/// Whether there is a verdict for each member of a part: one too few would put those of the next part beside others.
fn are_of(part: &[u32], found: &[MemberVerdict]) -> Result<(), ControlFault> {
    if found.len() == part.len() {
        return Ok(());
    }
    Err(Malformed {
        message: "roster reply",
        fault: "another number of verdicts than the roster has members",
    }
    .into())
}

async fn asked(
    terminal: &Terminal,
    signed: &[u8],
) -> Result<(RosterReply, Vec<MemberVerdict>), ControlFault> {
    crate::check::check(&terminal.servers, &terminal.identity, signed).await
}

#[cfg(test)]
mod tests {
    use hufu_wire::Decision;

    use super::*;

    #[test]
    fn r61_a_short_reply_puts_no_verdict_beside_another_part() {
        let verdict = MemberVerdict { reason: Reason::StatusRed, decision: Decision::Refuse, colour: None };
        are_of(&[7, 9], &[verdict, verdict]).unwrap();
        for found in [&[verdict][..], &[verdict; 3]] {
            assert_eq!(are_of(&[7, 9], found).map_err(JobFault::from), Err(JobFault::Engine));
        }
    }
}
