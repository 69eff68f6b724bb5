//! Gates that go on without a network: rounds with their engine, checks on their own, records handed over.

use std::rc::Rc;

use hufu_offline::Errand;
use hufu_wire::{CodeKind, Lane, Reason};

use super::processes::BOOT_MS;
use super::{Answer, Event, Given, World};
use crate::net::Node;
use crate::people::{LONE_SITE, facts, issuer};
use crate::truth::{judge, says_nothing};

/// How long such a gate waits for an answer, milliseconds.
const ANSWER_MS: u64 = 2_000;

impl World {
    pub(super) fn lone_boot(&mut self, lone: usize, is_new: bool) {
        let (now, people) = (self.now, Rc::clone(&self.people));
        if is_new {
            // A program may have been started after the power went, and before it came back.
            (self.lones[lone].keeper, self.lones[lone].errand) = (None, None);
            self.lones[lone].reboot(now);
            let disk = self.lones[lone].disk.clone();
            disk.after_power_cut(&mut self.chance);
        }
        if self.lones[lone].keeper.is_some() {
            return;
        }
        if self.lones[lone].start(&people).is_err() {
            self.reach("lone gate does not start yet");
            self.lones[lone].disk.after_kill();
            self.after(1000, Event::LoneBoot(lone, false));
        } else if !self.lone_ends_where_dead(lone) {
            self.look_at_book(lone);
        }
    }

    /// Whether its program died in the middle of what its disk did.
    fn lone_ends_where_dead(&mut self, lone: usize) -> bool {
        let machine = &mut self.lones[lone];
        let is_dead = machine.disk.is_dead();
        if is_dead {
            (machine.keeper, machine.errand) = (None, None);
            machine.disk.after_kill();
            self.after(BOOT_MS, Event::LoneBoot(lone, false));
        }
        is_dead
    }

    /// Every record that was given and that no engine has is in the book.
    fn look_at_book(&mut self, lone: usize) {
        let machine = &mut self.lones[lone];
        let Some(keeper) = &mut machine.keeper else { return };
        let book = keeper.gate().book();
        let (next, waiting) = (book.next(), book.waiting());
        let last = machine.given.keys().next_back().copied().unwrap_or(0);
        if next <= last {
            return self.fail(format!("lone gate {lone} would give number {next} again, and gave {last}"));
        }
        let handover = match book.handover(usize::MAX) {
            Ok(handover) => handover,
            Err(error) => return self.fail(format!("lone gate {lone}: its book cannot be read: {error}")),
        };
        if handover.records.len() as u64 != waiting {
            self.fail(format!(
                "lone gate {lone}: {waiting} records wait, and {} are there",
                handover.records.len()
            ));
        }
    }

    pub(super) fn lone_scan(&mut self, lone: usize) {
        let pause = 1 + self.chance.below(20 * self.plan.pace_ms);
        self.after(pause, Event::LoneScan(lone));
        let shown = self.somebody();
        if shown.kind == CodeKind::Trip {
            return;
        }
        let text = self.people.text(&shown);
        let now = self.now;
        let machine = &mut self.lones[lone];
        let at = machine.at(now);
        let Some(keeper) = &mut machine.keeper else { return };
        let given = keeper.check(at, Lane(0), text.as_bytes());
        if self.lone_ends_where_dead(lone) {
            return;
        }
        let Ok(given) = given else { return self.reach("lone gate does not decide") };
        let machine = &mut self.lones[lone];
        let Some(keeper) = &mut machine.keeper else { return };
        let verdict = given.verdict;
        let tip = keeper
            .gate()
            .lists()
            .iter()
            .find(|list| list.issuer() == issuer(shown.issuer))
            .map(|list| *list.tip());
        machine.given.insert(verdict.number.0, verdict);
        self.checks += 1;
        *self.reasons.entry(verdict.reason).or_default() += 1;
        self.note(u64::from(verdict.reason as u16) << 40 | verdict.as_of.0);
        let off_ms = verdict.server_time.0.abs_diff(crate::clock::START_MS + now);
        let told_by = &self.engines[self.lones[lone].engine].clock;
        if !told_by.was_wrong() && off_ms > given.uncertain_ms {
            return self.fail(format!(
                "lone gate {lone} is {off_ms} ms off, and says {} at most",
                given.uncertain_ms
            ));
        }
        let chain = &self.truth[shown.issuer];
        let branch = tip.map_or(Some(0), |tip| chain.branch_of(tip.sequence, tip.digest));
        let Some(branch) = branch else {
            return self.fail(format!("lone gate {lone} has a history that nobody signed"));
        };
        let vague = self.engines[self.lones[lone].engine].vague[shown.issuer];
        if verdict.as_of.0 < vague || verdict.reason == Reason::PassBack || says_nothing(verdict.reason) {
            return;
        }
        if let Err(what) = judge(chain, branch, &facts(LONE_SITE), &shown, &verdict) {
            self.fail(format!("lone gate {lone}: {what}"));
        }
    }

    /// What such a gate asks its engine.
    pub(super) fn lone_round(&mut self, lone: usize) {
        self.after(500, Event::LoneRound(lone));
        if self.lones[lone].errand.is_none() {
            self.lone_errand(lone);
        }
    }

    fn lone_errand(&mut self, lone: usize) {
        let now = self.now;
        let id = self.number();
        let machine = &mut self.lones[lone];
        let at = machine.at(now);
        let Some(keeper) = &mut machine.keeper else { return };
        let errand = keeper.errand(at);
        if self.lone_ends_where_dead(lone) {
            return;
        }
        let Ok(Some(errand)) = errand else { return };
        let machine = &mut self.lones[lone];
        (machine.errand, machine.asked_at) = (Some((id, errand.clone())), at);
        let engine = machine.engine;
        self.send(Node::Lone(lone), Node::Engine(engine), || {
            Event::LoneAsk(lone, id, Box::new(errand.clone()))
        });
        self.after(ANSWER_MS, Event::LoneLate(lone, id));
    }

    /// An engine is asked.
    pub(super) fn lone_ask(&mut self, lone: usize, id: u64, errand: &Errand) {
        let people = Rc::clone(&self.people);
        let (engine, device) = (self.lones[lone].engine, self.lones[lone].device);
        let date = self.date(engine);
        let Some(process) = &mut self.engines[engine].process else { return };
        let what = match errand {
            Errand::Ask(ask) => process.hand_out(&people, *ask).map(|part| Given::Part(*ask, part)),
            Errand::HandOver(records) => process.receive(device, records).map(Given::Kept),
        };
        if self.ends_where_dead(engine) {
            return;
        }
        let answer = Answer { date, what };
        self.send(Node::Engine(engine), Node::Lone(lone), || {
            Event::LoneAnswer(lone, id, Box::new(answer.clone()))
        });
    }

    pub(super) fn lone_answer(&mut self, lone: usize, id: u64, answer: Answer) {
        let now = self.now;
        if self.lones[lone].errand.take_if(|errand| errand.0 == id).map(|(_, errand)| errand).is_none() {
            return;
        }
        self.lones[lone].told(now, answer.date);
        if self.lone_ends_where_dead(lone) {
            return;
        }
        let at = self.lones[lone].at(now);
        let Some(keeper) = &mut self.lones[lone].keeper else { return };
        let mut red = Vec::new();
        let state = match answer.what {
            Ok(Given::Part(ask, part)) => match keeper.take(at, ask, &part, &mut red) {
                Ok(()) => "lone gate took an answer",
                Err(_) => "lone gate refused an answer",
            },
            Ok(Given::Kept(up_to)) => match keeper.handed_over(up_to) {
                Ok(()) => "lone gate handed records over",
                Err(_) => "lone gate could not note what it handed over",
            },
            Err(_) => {
                keeper.failed();
                "lone gate was refused"
            }
        };
        if !red.is_empty() {
            self.reach("lone gate heard of a red after it");
        }
        self.reach(state);
        if !self.lone_ends_where_dead(lone) {
            self.lone_errand(lone);
        }
    }

    pub(super) fn lone_late(&mut self, lone: usize, id: u64) {
        let machine = &mut self.lones[lone];
        if machine.errand.take_if(|errand| errand.0 == id).is_some()
            && let Some(keeper) = &mut machine.keeper
        {
            keeper.failed();
            self.reach("lone gate was not answered");
        }
    }
}
