//! The path of a change: authorities, registry, feeds, followers.

use std::path::Path;
use std::rc::Rc;

use bytes::Bytes;
use hufu_codes::chain::Confirmed;
use hufu_follow::Event as Happening;
use hufu_sync::Delivery;
use hufu_table::{Disk as _, SnapshotWriter};
use hufu_wire::chain::{Change, Checkpoint};
use hufu_wire::{Colour, Sequence, StatusMinute, StatusWord};

use super::{Event, Phase, Run, Subscriber, World};
use crate::clock::START_MS;
use crate::fault::Kind;
use crate::following::{TIMINGS, Wish, unreachable};
use crate::net::Node;
use crate::people::{GENERATION_MAX, issuer};
use crate::truth::HOLDERS;

/// Sets that a feed keeps while it is trimmed.
const TRIMMED_TO: usize = 2;

impl World {
    /// The authorities of an issuer change something.
    pub(super) fn author(&mut self, n: usize) {
        let pause = self.chance.between(300, 4000);
        self.after(pause, Event::Author(n));
        if self.phase >= Phase::Rest || self.must_hand_in {
            return;
        }
        let changes = if self.truth[n].length() == 0 { everybody() } else { self.some(n) };
        self.change(n, &changes);
    }

    fn change(&mut self, n: usize, changes: &[(u32, Change)]) {
        match self.registry.change(n, self.now, changes) {
            Ok(Some(added)) => {
                self.truth[n].push(added.after, added.tip.digest, changes);
                self.truth[n].publish(added.tip.confirmed, added.tip.sequence);
                self.note(added.tip.sequence.0);
                self.push_sets();
            }
            Ok(None) => self.reach("change refused or registry down"),
            Err(fault) => self.fail(format!("a change of issuer {n}: {fault:#}")),
        }
    }

    /// A set that leads beyond every other history.
    pub(super) fn change_one(&mut self, n: usize) {
        let changes = self.some(n);
        self.change(n, &changes);
    }

    fn some(&mut self, n: usize) -> Vec<(u32, Change)> {
        let mut holders: Vec<u32> = (0..=self.chance.place(4))
            .map(|_| u32::try_from(self.chance.place(HOLDERS)).unwrap_or(0))
            .collect();
        holders.sort_unstable();
        holders.dedup();
        holders.into_iter().map(|holder| (holder, self.one(n, holder))).collect()
    }

    fn one(&mut self, n: usize, holder: u32) -> Change {
        let colour = match self.chance.below(100) {
            0..3 => return Change::Word(StatusWord::UNKNOWN),
            3..10 => {
                let generation = self.truth[n].now(holder).generation();
                return Change::Generation(if generation < GENERATION_MAX { generation + 1 } else { 0 });
            }
            10..35 => Colour::Red,
            35..45 => Colour::Amber,
            _ => Colour::Green,
        };
        let word = StatusWord::new(colour, 0);
        let until_s = (START_MS + self.now) / 1000 + self.chance.below(600);
        let until = StatusMinute::at(hufu_wire::UnixSeconds(u32::try_from(until_s).unwrap_or(0)));
        Change::Status(match until {
            Some(until) if self.chance.permille(150) => word.with_until(until),
            _ => word,
        })
    }

    /// Both authorities vouch for the words at the end of a chain.
    pub(super) fn vouch(&mut self, n: usize) {
        self.after(30_000, Event::Vouch(n));
        if self.must_hand_in || !self.registry.is_up() {
            return;
        }
        if let Err(fault) = self.make_checkpoint(n) {
            self.fail(format!("a checkpoint of issuer {n}: {fault:#}"));
        }
    }

    pub(super) fn make_checkpoint(&mut self, n: usize) -> anyhow::Result<()> {
        let tip = self.registry.tip(n)?;
        if tip.sequence.0 == 0 || tip.sequence.0 != self.truth[n].length() {
            return Ok(());
        }
        let path = Path::new("/snapshot");
        let disk = self.workshop.shared();
        let mut writer =
            SnapshotWriter::create_on(&disk, path, issuer(n), tip.sequence, Some(tip.confirmed))?;
        // Up to the last holder that something is known of.
        let words = self.truth[n].words();
        let known = words.iter().rposition(|word| *word != StatusWord::UNKNOWN).map_or(0, |last| last + 1);
        writer.push(&words[..known])?;
        let info = writer.finish()?;
        let bytes: Rc<[u8]> = self.workshop.read(path, usize::MAX >> 1)?.into();
        self.snapshots.insert(info.digest.0, bytes);
        if self.registry.vouch(n, self.now, &tip, info.digest.0)? {
            self.reach("checkpoint made");
            let bytes = self.registry.checkpoint(n)?;
            if let Some(bytes) = bytes.filter(|_| self.chance.permille(500)) {
                self.tell_all(n, &Delivery::Checkpoint(bytes));
            }
        }
        Ok(())
    }

    /// The publisher says that it is alive.
    pub(super) fn heads(&mut self) {
        self.after(1000, Event::Heads);
        self.push_sets();
        for n in 0..self.plan.issuers {
            match self.registry.head(n, self.now) {
                Ok(Some((bytes, head))) => {
                    self.truth[n].publish(head.time, head.sequence);
                    self.tell_all(n, &Delivery::Head(bytes));
                }
                Ok(None) => {}
                Err(fault) => self.fail(format!("a head of issuer {n}: {fault:#}")),
            }
        }
    }

    fn tell_all(&mut self, n: usize, delivery: &Delivery) {
        let subscribers: Vec<(Run, u64)> = self
            .subscribers
            .iter()
            .filter(|subscriber| subscriber.issuer == n)
            .map(|subscriber| (subscriber.run, subscriber.id))
            .collect();
        for (run, id) in subscribers {
            self.deliver(run, n, id, delivery);
        }
    }

    fn deliver(&mut self, run: Run, n: usize, id: u64, delivery: &Delivery) {
        self.send(Node::Registry, Node::Engine(run.0), || {
            Event::Delivered(run, n, id, Box::new(delivery.clone()))
        });
    }

    /// Every subscriber gets the sets that it has not got.
    fn push_sets(&mut self) {
        if !self.registry.is_up() {
            return;
        }
        let mut due = Vec::new();
        for Subscriber { run, issuer, id, next } in &mut self.subscribers {
            let sets = &self.registry.sets[*issuer];
            let from = usize::try_from(*next).unwrap_or(usize::MAX).saturating_sub(1);
            let first = if self.trims { sets.len().saturating_sub(TRIMMED_TO) } else { 0 };
            if from < first {
                self.happened.count(Kind::TrimmedFeed);
                let first = Some(Sequence(first as u64 + 1));
                due.push((*run, *issuer, *id, Delivery::Trimmed { first }));
            }
            for set in sets.iter().skip(from.max(first)) {
                due.push((*run, *issuer, *id, Delivery::ChangeSet(set.clone())));
            }
            *next = (*next).max(sets.len() as u64 + 1);
        }
        for (run, n, id, delivery) in due {
            self.deliver(run, n, id, &delivery);
        }
    }

    /// A following is looked at.
    pub(super) fn follow(&mut self, run: Run, n: usize) {
        self.step(run, n, Happening::Time);
    }

    pub(super) fn step(&mut self, run: Run, n: usize, event: Happening) {
        let (now, date) = (self.now, self.date(run.0));
        let Some(process) = self.alive(run) else { return };
        let wishes = process.followings[n].step(now, date, event);
        self.stepped(run, n, wishes);
    }

    /// A follower has been given something: where its words are now, and what it wants done.
    fn stepped(&mut self, run: Run, n: usize, wishes: Vec<Wish>) {
        if self.ends_where_dead(run.0) {
            return;
        }
        let Some(process) = self.alive(run) else { return };
        let tip = *process.followings[n].applier.tip();
        let Some(branch) = self.truth[n].branch_of(tip.sequence, tip.digest) else {
            return self.fail(format!(
                "engine {} is at set {} of a history that nobody signed",
                run.0, tip.sequence
            ));
        };
        if let Some(process) = self.alive(run) {
            process.branches[n] = branch;
        }
        self.engines[run.0].served[n] = tip.sequence.0;
        self.note(tip.sequence.0 << 8 | n as u64);
        for wish in wishes {
            self.grant(run, n, wish);
        }
    }

    fn grant(&mut self, run: Run, n: usize, wish: Wish) {
        let node = Node::Engine(run.0);
        match wish {
            Wish::Subscribe(after) => {
                let id = self.number();
                if let Some(process) = self.alive(run) {
                    process.followings[n].subscription = id;
                    process.followings[n].question = id;
                }
                self.send(node, Node::Registry, || Event::Subscribe(run, n, after, id));
                self.after(TIMINGS.answer_ms, Event::Subscribed(run, n, id, false));
            }
            Wish::Leave => {
                if let Some(process) = self.alive(run) {
                    process.followings[n].subscription = 0;
                }
            }
            Wish::AskForCheckpoint => {
                let id = self.number();
                self.send(node, Node::Registry, || Event::AskCheckpoint(run, n, id));
                self.after(TIMINGS.answer_ms, Event::NoCheckpoint(run, n, id));
                if let Some(process) = self.alive(run) {
                    process.followings[n].asked = id;
                }
            }
            Wish::Fetch(of) => {
                self.send(node, Node::Registry, || Event::Fetch(run, n, of.clone()));
                self.after(TIMINGS.fetch_ms, Event::Fetched(run, n, of, None));
            }
            Wish::Copy => {
                let delay = self.chance.below(2500);
                self.after(delay, Event::Copy(run, n));
            }
            Wish::Wake(at) => {
                let Some(process) = self.alive(run) else { return };
                let following = &mut process.followings[n];
                // One look is under way already that is early enough.
                if following.wakes.is_none_or(|wakes| at < wakes || wakes <= following.looked) {
                    following.wakes = Some(at);
                    self.at(at, Event::Follow(run, n));
                }
            }
        }
    }

    /// A subscription arrives at the registry.
    pub(super) fn subscribe(&mut self, run: Run, n: usize, after: Sequence, id: u64) {
        if !self.registry.is_up() {
            return;
        }
        self.subscribers.retain(|subscriber| subscriber.run.0 != run.0 || subscriber.issuer != n);
        self.subscribers.push(Subscriber { run, issuer: n, id, next: after.0 + 1 });
        self.send(Node::Registry, Node::Engine(run.0), || Event::Subscribed(run, n, id, true));
        self.push_sets();
    }

    pub(super) fn subscribed(&mut self, run: Run, n: usize, id: u64, is_heard: bool) {
        let Some(process) = self.alive(run) else { return };
        let following = &mut process.followings[n];
        if following.question != id {
            return;
        }
        following.question = 0;
        let answer = if is_heard { Ok(()) } else { Err(unreachable()) };
        self.step(run, n, Happening::Subscribed(answer));
    }

    pub(super) fn delivered(&mut self, run: Run, n: usize, id: u64, delivery: &Delivery) {
        let (now, date, people) = (self.now, self.date(run.0), Rc::clone(&self.people));
        let Some(process) = self.alive(run) else { return };
        let following = &mut process.followings[n];
        if following.subscription != id || !following.is_listening() {
            return;
        }
        let wishes = following.take(now, date, delivery, &people.keyring);
        self.stepped(run, n, wishes);
    }

    pub(super) fn ask_checkpoint(&mut self, run: Run, n: usize, id: u64) {
        match self.registry.checkpoint(n) {
            Ok(bytes) if self.registry.is_up() => {
                self.send(Node::Registry, Node::Engine(run.0), || {
                    Event::Checkpoint(run, n, id, bytes.clone())
                });
            }
            Ok(_) => {}
            Err(fault) => self.fail(format!("the newest checkpoint: {fault:#}")),
        }
    }

    pub(super) fn checkpoint(&mut self, run: Run, n: usize, id: u64, bytes: Option<Bytes>) {
        let (now, date, people) = (self.now, self.date(run.0), Rc::clone(&self.people));
        let Some(process) = self.alive(run) else { return };
        let following = &mut process.followings[n];
        if following.asked != id {
            return;
        }
        following.asked = 0;
        let Some(bytes) = bytes else { return };
        let wishes = following.take(now, date, &Delivery::Checkpoint(bytes), &people.keyring);
        self.stepped(run, n, wishes);
    }

    pub(super) fn no_checkpoint(&mut self, run: Run, n: usize, id: u64) {
        let Some(process) = self.alive(run) else { return };
        let following = &mut process.followings[n];
        if following.asked == id {
            following.asked = 0;
            self.step(run, n, Happening::AskFailed(unreachable()));
        }
    }

    pub(super) fn fetch(&mut self, run: Run, n: usize, of: &Confirmed<Checkpoint>) {
        let mut bytes = self.snapshots.get(&of.snapshot).map(Rc::clone);
        if self.bad_snapshots {
            self.happened.count(Kind::BadSnapshot);
            bytes = bytes.filter(|_| self.chance.permille(700)).map(|bytes| {
                let mut bytes = bytes.to_vec();
                let at = self.chance.place(bytes.len());
                bytes[at] ^= 1 << self.chance.below(8);
                bytes.into()
            });
        }
        self.send(Node::Registry, Node::Engine(run.0), || {
            Event::Fetched(run, n, Box::new(*of), bytes.clone())
        });
    }

    pub(super) fn fetched(
        &mut self,
        run: Run,
        n: usize,
        of: &Confirmed<Checkpoint>,
        bytes: Option<Rc<[u8]>>,
    ) {
        let disk = self.engines[run.0].disk.clone();
        let Some(process) = self.alive(run) else { return };
        let following = &mut process.followings[n];
        let is_wanted = following.fetching.take_if(|fetching| fetching.sequence == of.sequence).is_some();
        if !is_wanted {
            return;
        }
        let written = bytes.ok_or_else(|| "no answer in time".to_owned()).and_then(|bytes| {
            let written = following.applier.make_room().and_then(|path| {
                let file = disk.open_to_write(&path)?;
                file.write_at(&bytes, 0)
            });
            written.map_err(|error| error.to_string())
        });
        self.step(run, n, Happening::Fetched(*of, written));
    }

    pub(super) fn copy(&mut self, run: Run, n: usize) {
        let (now, date) = (self.now, self.date(run.0));
        let Some(process) = self.alive(run) else { return };
        let wishes = process.followings[n].copy(now, date);
        self.stepped(run, n, wishes);
    }
}

/// The first set of a chain: nearly everyone is green.
fn everybody() -> Vec<(u32, Change)> {
    let holders = (0..u32::try_from(HOLDERS).unwrap_or(0)).filter(|holder| holder % 12 != 11);
    holders.map(|holder| (holder, Change::Status(StatusWord::new(Colour::Green, 0)))).collect()
}
