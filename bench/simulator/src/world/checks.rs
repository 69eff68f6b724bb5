//! The path of a check: holders, gates, engines, and the oracle's word on every verdict.

use std::rc::Rc;

use hufu_check::{Durability, Record};
use hufu_gate::NoVerdict;
use hufu_wire::{CodeKind, Decision, Enrolled, UnixSeconds, Verdict};

use super::{Event, Run, World};
use crate::engine::{Packet, Reply};
use crate::gate::{PORT, Wanted, grant};
use crate::net::Node;
use crate::people::{GENERATION_MAX, facts, is_ended};
use crate::truth::{HOLDERS, Shown, is_sealed, judge, says_nothing};

/// How long a gate waits for a session from one engine, milliseconds.
const ENROL_MS: u64 = 2_000;
/// Requests that an engine lets wait.
const INBOX_MAX: usize = 512;

impl World {
    /// The next person comes to a gate.
    pub(super) fn scan(&mut self, gate: usize) {
        let pause = 1 + self.chance.below(2 * self.plan.pace_ms);
        self.after(pause, Event::Scan(gate));
        if !self.gates[gate].is_ready() {
            if self.gates[gate].enrolling.is_none() {
                let first = self.chance.place(self.plan.engines);
                self.enrol(gate, first, 0);
            }
            return;
        }
        // Nobody is let through before the person before has an answer, mostly.
        if self.gates[gate].deadline().is_some() && !self.chance.permille(20) {
            return;
        }
        let shown = self.somebody();
        let text = self.people.text(&shown);
        let scan = self.number();
        let now = self.now;
        let wanted = self.gates[gate].scanned(now, scan, shown, &text);
        self.grant_gate(gate, wanted);
    }

    /// Who comes, and what they show.
    pub(super) fn somebody(&mut self) -> Shown {
        // A picture that was passed on.
        if self.chance.permille(200)
            && let Some(shown) = self.last_shown
        {
            return shown;
        }
        let issuer = self.chance.place(self.plan.issuers);
        let holder = u32::try_from(self.chance.place(HOLDERS)).unwrap_or(0);
        let kind = match self.chance.below(10) {
            0 => CodeKind::Paper,
            1 => CodeKind::Trip,
            _ => CodeKind::Phone,
        };
        let current = self.truth[issuer].now(holder).generation();
        let is_old = self.chance.permille(60);
        let generation =
            if is_old { self.chance.below(u64::from(GENERATION_MAX) + 1) } else { current.into() };
        let now_s = crate::clock::START_MS / 1000 + self.now / 1000;
        let late = match self.chance.below(40) {
            0 => 1,
            1 => 4,
            _ => 0,
        };
        let shown = Shown {
            issuer,
            holder,
            generation: u8::try_from(generation).unwrap_or(0),
            kind,
            step: if kind == CodeKind::Phone { u32::try_from(now_s / 30).unwrap_or(0) - late } else { 0 },
            ended: kind == CodeKind::Trip && is_ended(holder),
        };
        self.last_shown = Some(shown);
        shown
    }

    pub(super) fn gate_time(&mut self, gate: usize, scan: u64) {
        if self.gates[gate].scan == scan {
            let now = self.now;
            let wanted = self.gates[gate].time(now);
            self.grant_gate(gate, wanted);
        }
    }

    fn grant_gate(&mut self, gate: usize, wanted: Vec<Wanted>) {
        for wanted in wanted {
            match wanted {
                Wanted::Send(engine, bytes) => {
                    let Some(shown) = self.gates[gate].shown else { continue };
                    let packet = Packet { gate, scan: self.gates[gate].scan, shown, bytes: bytes.into() };
                    if engine < self.plan.engines {
                        let to = Node::Engine(engine);
                        self.send(Node::Gate(gate), to, || Event::ToEngine(engine, packet.clone()));
                    }
                }
                Wanted::Enrol(first) => self.enrol(gate, first, 0),
                Wanted::Outcome(outcome) => self.outcome(gate, &outcome),
            }
        }
        if let Some(at) = self.gates[gate].deadline() {
            let scan = self.gates[gate].scan;
            self.at(at.max(self.now + 1), Event::GateTime(gate, scan));
        }
    }

    /// A gate opens, stays shut, or knows nothing: by what an engine said to this very scan.
    fn outcome(&mut self, gate: usize, outcome: &Result<Verdict, NoVerdict>) {
        let machine = &mut self.gates[gate];
        match outcome {
            Ok(verdict) => {
                if !machine.issued.contains(verdict)
                    && (!says_nothing(verdict.reason) || verdict.decision == Decision::Admit)
                {
                    let what = format!(
                        "gate {gate} takes {verdict:?} for {:?}, and no engine said so",
                        machine.shown
                    );
                    return self.fail(what);
                }
                if !says_nothing(verdict.reason) {
                    machine.served_at = self.now;
                }
                self.note(u64::from(verdict.reason as u16));
            }
            Err(_) => self.reach("no verdict at a gate"),
        }
    }

    fn enrol(&mut self, gate: usize, first: usize, tried: usize) {
        let id = self.number();
        self.gates[gate].enrolling = Some((id, first, tried));
        let engine = (first + tried) % self.plan.engines;
        self.send(Node::Gate(gate), Node::Engine(engine), || Event::EnrolAt(gate, engine, id));
        self.after(ENROL_MS, Event::EnrolLate(gate, id));
    }

    pub(super) fn enrol_at(&mut self, gate: usize, engine: usize, id: u64) {
        let date = self.date(engine);
        let grant = grant(self.gates[gate].device, self.gates[gate].site);
        let Some(process) = &self.engines[engine].process else { return };
        let enrolled = process.engine.enrol(grant, PORT, UnixSeconds(u32::MAX), date).ok();
        self.send(Node::Engine(engine), Node::Gate(gate), || {
            Event::Enrolled(gate, engine, id, Box::new(enrolled.clone()))
        });
    }

    pub(super) fn enrolled(&mut self, gate: usize, engine: usize, id: u64, enrolled: Option<Enrolled>) {
        let now = self.now;
        let machine = &mut self.gates[gate];
        if machine.enrolling.take_if(|enrolling| enrolling.0 == id).is_none() {
            return;
        }
        let wanted = match enrolled {
            Some(enrolled) => machine.enrolled(now, engine, enrolled),
            None => machine.not_enrolled(now),
        };
        self.reach("enrolled");
        self.grant_gate(gate, wanted);
    }

    pub(super) fn enrol_late(&mut self, gate: usize, id: u64) {
        let now = self.now;
        let Some((_, first, tried)) = self.gates[gate].enrolling.take_if(|enrolling| enrolling.0 == id)
        else {
            return;
        };
        if tried + 1 < self.plan.engines {
            self.enrol(gate, first, tried + 1);
        } else {
            let wanted = self.gates[gate].not_enrolled(now);
            self.grant_gate(gate, wanted);
        }
    }

    pub(super) fn reach_engine(&mut self, engine: usize, packet: Packet) {
        let run = self.run_of(engine);
        let Some(process) = self.alive(run) else { return };
        if process.inbox.len() >= INBOX_MAX {
            return self.reach("inbox full");
        }
        process.inbox.push(packet);
        if !std::mem::replace(&mut process.will_serve, true) {
            self.after(1, Event::Serve(run));
        }
    }

    /// An engine checks what has arrived.
    pub(super) fn serve(&mut self, run: Run) {
        let date = self.date(run.0);
        let Some(process) = self.alive(run) else { return };
        let (mut told, is_more) = process.serve(date);
        process.will_serve = is_more;
        let has_recorder = process.has_recorder();
        if is_more {
            self.after(1, Event::Serve(run));
        }
        // What arrived together has no order: what was admitted may be why another was turned down before it.
        told.sort_by_key(|(_, record)| {
            record.is_none_or(|record| record.verdict.decision != Decision::Admit)
        });
        for (packet, record) in told {
            self.judge(run, &packet, record);
        }
        self.send_ready(run);
        if has_recorder {
            self.after(1, Event::Write(run));
        }
    }

    fn judge(&mut self, run: Run, packet: &Packet, record: Option<Record>) {
        // Not checked and not noted: it is answered `busy`.
        let Some(record) = record else { return };
        let Packet { gate, scan, shown, .. } = packet;
        let verdict = record.verdict;
        self.checks += 1;
        *self.reasons.entry(verdict.reason).or_default() += 1;
        self.note(
            u64::from(verdict.reason as u16) << 32 | verdict.as_of.0 << 8 | u64::from(record.grant.device.0),
        );
        if !is_sealed(record.channel) || record.grant.device != self.gates[*gate].device {
            return self.fail(format!("the record of another request: {record:?} for {shown:?}"));
        }
        let site = facts(record.grant.site.0);
        let device = record.grant.device.0;
        let Some(process) = self.alive(run) else { return };
        let branch = process.branches[shown.issuer];
        let claimed = process.uses.judge(&site, shown, (device, *scan), &verdict);
        let judged = if verdict.as_of.0 < self.engines[run.0].vague[shown.issuer] {
            self.reach("verdict of vague words");
            claimed
        } else {
            judge(&self.truth[shown.issuer], branch, &site, shown, &verdict).and(claimed)
        };
        if let Err(what) = judged {
            return self.fail(format!("engine {}: {what}", run.0));
        }
        let machine = &mut self.gates[*gate];
        if machine.scan == *scan {
            machine.issued.push(verdict);
        }
    }

    /// The writer of records goes on.
    pub(super) fn write(&mut self, run: Run) {
        let (now, date, slow_ms) = (self.now, self.date(run.0), self.slow_ms[run.0]);
        let Some(process) = self.alive(run) else { return };
        let has_more = process.write(now, date);
        if slow_ms > 0 {
            self.happened.count(crate::fault::Kind::DiskSlow);
        }
        if self.ends_where_dead(run.0) {
            return;
        }
        self.send_ready(run);
        let Some(process) = self.alive(run) else { return };
        if has_more || process.waits() > 0 {
            self.after(1 + slow_ms, Event::Write(run));
        }
    }

    /// Answers leave whose records are as durable as they must be.
    fn send_ready(&mut self, run: Run) {
        let Some(process) = self.alive(run) else { return };
        for reply in process.ready() {
            let durability = reply.record.map_or(Durability::Memory, |record| record.durability);
            if let Some(record) = reply.record.filter(|_| self.plan.records) {
                let verdict = record.verdict;
                let key = (record.grant.device.0, verdict.number.0, verdict.server_time.0);
                let known = self.engines[run.0].acknowledged.entry(key).or_insert((durability, 0));
                *known = (known.0.max(durability), known.1 + 1);
            }
            let reply = Rc::new(reply);
            self.send(Node::Engine(run.0), Node::Gate(reply.gate), || {
                Event::ToGate(Box::new((*reply).clone()))
            });
        }
    }

    pub(super) fn reach_gate(&mut self, reply: &Reply) {
        let now = self.now;
        let wanted = self.gates[reply.gate].datagram(now, &reply.bytes);
        self.grant_gate(reply.gate, wanted);
    }
}
