//! The local authority's half without a person: facts as they come in, colours as they follow, instructions as they are due.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use hufu_contract::{HolderFacts, OpenFacts, PaperKind, ProposalId, ProposalPhase};
use hufu_files::keys;
use hufu_files::moment::{self, Span};
use hufu_rules::{Moment, Outcome};
use hufu_upstream::WhichProposals;
use hufu_wire::chain::{Change, InputsDigest, Instruction, Record};
use hufu_wire::{HolderIndex, IssuerId, StatusWord, UnixMillis, limits, read};

use super::{Archive, Computed, Limiter, Rulebook, Tick, Workings};
use crate::clocks::Clocks;
use crate::propose::{Justification, Proposer, chain_end};
use crate::remote::{Remote, marked};
use crate::signer::Signer;

/// Facts asked for at once.
const PAGE: u32 = 1000;
/// Holders whose facts are opened at once, and looked at in one tick.
const HOLDERS_MAX: usize = 4096;
const _: () = assert!(HOLDERS_MAX <= limits::CHANGES_MAX, "what is looked at fits one instruction");

/// Computes and proposes.
pub struct RuledProposer<'a> {
    remote: &'a Remote,
    signer: &'a dyn Signer,
    book: &'a Rulebook,
    archive: Archive,
    limiter: Limiter,
    clocks: Clocks,
    valid: Span,
    /// The newest fact that was looked at.
    seen: u64,
    /// Who is to be looked at now.
    next: BTreeSet<HolderIndex>,
    /// Who is to be looked at when, and the same by holder.
    due: BTreeSet<(Moment, HolderIndex)>,
    due_of: HashMap<HolderIndex, Moment>,
    /// Those of them that time alone brought.
    woken: BTreeSet<HolderIndex>,
    /// What was proposed and is not in the chain yet; words without their generation.
    open: BTreeMap<ProposalId, Vec<HolderIndex>>,
    proposed: HashMap<HolderIndex, StatusWord>,
    /// What waits for a person.
    told: HashMap<HolderIndex, Outcome>,
}

impl<'a> RuledProposer<'a> {
    /// Begins with every fact there is: each holder with something recorded is looked at once.
    ///
    /// # Errors
    /// The registry does not take the rule file.
    pub fn open(
        remote: &'a Remote,
        signer: &'a dyn Signer,
        book: &'a Rulebook,
        (archive, limiter): (Archive, Limiter),
        (clocks, valid): (Clocks, Span),
    ) -> anyhow::Result<RuledProposer<'a>> {
        let issuer = signer.key().issuer();
        let workings = book.workings(0, Moment(0), [0; 16]);
        let (rules, places) = book.texts();
        let papers = [
            (PaperKind::Rules, Some(workings.rules), Some(rules)),
            (PaperKind::Places, workings.places, places),
        ];
        for (kind, name, text) in papers {
            if let Some((name, text)) = name.zip(text) {
                remote.ask(|api| api.put_paper(issuer, kind, name.0, text.as_bytes().to_vec()))?;
            }
        }
        let mut proposer = RuledProposer {
            remote,
            signer,
            book,
            archive,
            limiter,
            clocks,
            valid,
            seen: 0,
            next: BTreeSet::new(),
            due: BTreeSet::new(),
            due_of: HashMap::new(),
            woken: BTreeSet::new(),
            open: BTreeMap::new(),
            proposed: HashMap::new(),
            told: HashMap::new(),
        };
        proposer.adopt()?;
        Ok(proposer)
    }

    /// What an earlier run proposed by these rules and is not decided yet. A person's proposals may name the same rule, and stay as
    /// they are.
    fn adopt(&mut self) -> anyhow::Result<()> {
        let (issuer, rule) = (self.issuer(), self.book.rules().digest().rule_id());
        for state in [ProposalPhase::Pending, ProposalPhase::Braked] {
            let which = WhichProposals { state: Some(state), ..WhichProposals::default() };
            for proposal in self.remote.proposals(issuer, which)? {
                let id = ProposalId(proposal.id);
                if proposal.rule != rule.0 {
                    continue;
                }
                let bytes = self.remote.ask(|api| api.instruction(issuer, id))?;
                let content = read::<Instruction<'_>>(&bytes)?.content;
                if !self.has_workings(content.inputs)? {
                    continue;
                }
                let changes = content.changes;
                self.open.insert(id, changes.iter().map(|(holder, _)| holder).collect());
                self.proposed.extend(changes.iter().filter_map(|(holder, change)| match change {
                    Change::Status(word) => Some((holder, word)),
                    _ => None,
                }));
            }
        }
        Ok(())
    }

    /// Whether the registry keeps how colours were computed from these inputs: a run keeps that before it proposes.
    fn has_workings(&self, inputs: InputsDigest) -> anyhow::Result<bool> {
        match self.remote.with(|api| api.paper(self.issuer(), PaperKind::Workings, inputs.0)) {
            Ok(_) => Ok(true),
            Err(fault) if fault.problem().is_some_and(|problem| problem.status == 404) => Ok(false),
            Err(fault) => Err(marked(fault)),
        }
    }

    fn issuer(&self) -> IssuerId {
        self.signer.key().issuer()
    }

    /// Whether no holder waits to be looked at now.
    pub fn is_idle(&self) -> bool {
        self.next.is_empty()
    }

    /// Looks at whose facts came in and whose time has come, at most 4,096 holders, and proposes what follows. `person` is told
    /// once of each holder whose change a person decides.
    ///
    /// # Errors
    /// [`Limit`](super::Limit), [`NotInForce`](super::NotInForce), the registry does not answer, the key does not sign: nothing was
    /// proposed, and the next call looks at the same holders again.
    pub fn tick(&mut self, person: &mut dyn FnMut(&Computed)) -> anyhow::Result<Tick> {
        self.settle()?;
        self.follow()?;
        let now = moment::now();
        self.wake(now);
        let group: Vec<HolderIndex> = self.next.iter().take(HOLDERS_MAX).copied().collect();
        if group.is_empty() {
            return Ok(Tick::default());
        }
        let salt = keys::random_seed()?;
        let salt = std::array::from_fn(|at| salt[at]);
        let at = Moment::from(now);
        let workings = self.book.workings(self.seen, at, salt);
        let mut opened = self.opened(&group)?;
        for joined in opened.extract_if(.., |one| one.joined_into.is_some()) {
            self.ended(&joined);
        }
        // Both authorities forgot them, for a join perhaps: only a fact gives them a colour again.
        for forgotten in
            opened.extract_if(.., |one| one.colour.is_none() && self.woken.remove(&HolderIndex(one.holder)))
        {
            self.next.remove(&HolderIndex(forgotten.holder));
        }
        let computed: Vec<Computed> =
            opened.iter().map(|recorded| self.book.compute(&workings, recorded)).collect::<Result<_, _>>()?;
        self.withdraw_overtaken(&computed)?;
        let is_new = |one: &&Computed| {
            let proposed = self.proposed.get(&one.holder);
            one.changes() && proposed != Some(&one.after.with_generation(0))
        };
        let changed: Vec<Computed> = computed.iter().filter(is_new).cloned().collect();
        if !changed.is_empty() {
            self.propose(&workings, &changed, now)?;
        }
        // From here on nothing fails: these holders are done.
        for one in &computed {
            self.next.remove(&one.holder);
            self.woken.remove(&one.holder);
            self.schedule(one.holder, one.next);
            if !one.is_for_a_person() {
                self.told.remove(&one.holder);
            } else if self.told.insert(one.holder, one.outcome) != Some(one.outcome) {
                person(one);
            }
        }
        Ok(Tick { computed: computed.len() as u64, changes: changed.len() as u64 })
    }

    /// What became of proposals that were open. Who was to change by one that came to nothing is looked at again.
    fn settle(&mut self) -> anyhow::Result<()> {
        let open: Vec<ProposalId> = self.open.keys().copied().collect();
        for id in open {
            let proposal = self.remote.ask(|api| api.proposal(self.issuer(), id))?;
            if matches!(proposal.state, ProposalPhase::Pending | ProposalPhase::Braked) {
                continue;
            }
            for holder in self.open.remove(&id).unwrap_or_default() {
                self.proposed.remove(&holder);
                // Also after a confirmation: time goes by the set that gave the colour.
                self.look_at(holder);
            }
        }
        Ok(())
    }

    fn follow(&mut self) -> anyhow::Result<()> {
        // To the end, before anyone is computed: a colour by half of the facts would be wrong.
        loop {
            let page = self.remote.ask(|api| api.fact_changes(self.issuer(), self.seen, PAGE))?;
            if page.changes.is_empty() {
                return Ok(());
            }
            page.changes.iter().for_each(|change| self.look_at(HolderIndex(change.holder)));
            self.seen = page.end;
        }
    }

    /// This holder is looked at in any case, not for the time alone.
    fn look_at(&mut self, holder: HolderIndex) {
        self.next.insert(holder);
        self.woken.remove(&holder);
    }

    /// A record that was joined into another is computed no more, and the other is.
    fn ended(&mut self, joined: &HolderFacts) {
        let holder = HolderIndex(joined.holder);
        self.next.remove(&holder);
        self.woken.remove(&holder);
        self.schedule(holder, None);
        self.next.extend(joined.joined_into.map(HolderIndex));
    }

    /// Takes back proposals of which facts now say otherwise for one of their holders: the other half would leave them, with
    /// everyone in them.
    fn withdraw_overtaken(&mut self, computed: &[Computed]) -> anyhow::Result<()> {
        let is_other = |one: &&Computed| {
            let proposed = self.proposed.get(&one.holder);
            proposed.is_some_and(|proposed| *proposed != one.after.with_generation(0))
        };
        let others: BTreeSet<HolderIndex> = computed.iter().filter(is_other).map(|one| one.holder).collect();
        let overtaken =
            self.open.iter().filter(|(_, holders)| holders.iter().any(|one| others.contains(one)));
        let overtaken: Vec<ProposalId> = overtaken.map(|(id, _)| *id).collect();
        for id in overtaken {
            match self.remote.with(|api| api.withdraw(self.issuer(), id)) {
                Ok(_) => {}
                // It was decided at this moment; the next look tells how.
                Err(fault) if fault.problem().is_some() => continue,
                Err(fault) => return Err(marked(fault)),
            }
            for holder in self.open.remove(&id).unwrap_or_default() {
                self.proposed.remove(&holder);
                self.look_at(holder);
            }
        }
        Ok(())
    }

    /// Whose time has come.
    fn wake(&mut self, now: UnixMillis) {
        let now = Moment::from(now);
        while let Some((at, holder)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, holder));
            self.due_of.remove(&holder);
            // Who is looked at for a fact is not looked at for the time alone.
            if self.next.insert(holder) {
                self.woken.insert(holder);
            }
        }
    }

    fn schedule(&mut self, holder: HolderIndex, next: Option<Moment>) {
        if let Some(at) = self.due_of.remove(&holder) {
            self.due.remove(&(at, holder));
        }
        if let Some(at) = next {
            self.due.insert((at, holder));
            self.due_of.insert(holder, at);
        }
    }

    fn opened(&self, holders: &[HolderIndex]) -> anyhow::Result<Vec<HolderFacts>> {
        opened(self.remote, self.issuer(), holders, Some(self.seen))
    }

    fn propose(&mut self, workings: &Workings, changed: &[Computed], now: UnixMillis) -> anyhow::Result<()> {
        let reds: Vec<HolderIndex> =
            changed.iter().filter(|one| one.reddens()).map(|one| one.holder).collect();
        self.limiter.take(&reds, now)?;
        let inputs = self.book.inputs(changed);
        let issuer = self.issuer();
        let rule = self.book.rules().digest().rule_id();
        let reason = format!("rules {rule}");
        let justification = Justification { rule, reason: &reason, inputs, valid: self.valid };
        let last = chain_end(self.remote, issuer, self.clocks, false)?;
        let records: Vec<Record> = changed.iter().map(Computed::record).collect();
        let mut proposer = Proposer::new(self.signer, justification, last);
        let instruction = proposer.instruct(&records)?;
        // Only of what was signed: each try has another salt, so a file and a paper of its own.
        self.archive.keep(inputs, changed)?;
        let paper = workings.to_bytes()?;
        self.remote.ask(|api| api.put_paper(issuer, PaperKind::Workings, inputs.0, paper))?;
        let proposal = proposer.hand_in(self.remote, instruction)?;
        self.open.insert(ProposalId(proposal.id), changed.iter().map(|one| one.holder).collect());
        self.proposed.extend(changed.iter().map(|one| (one.holder, one.after.with_generation(0))));
        Ok(())
    }
}

/// The facts of holders, in their order.
///
/// # Errors
/// Those of [`Remote::ask`]; the registry answers for others.
pub fn opened(
    remote: &Remote,
    issuer: IssuerId,
    holders: &[HolderIndex],
    until: Option<u64>,
) -> anyhow::Result<Vec<HolderFacts>> {
    let mut all: Vec<HolderFacts> = Vec::with_capacity(holders.len());
    while let Some(rest @ [_, ..]) = holders.get(all.len()..) {
        let whose = rest.iter().take(HOLDERS_MAX).map(|holder| holder.0).collect();
        let whose = OpenFacts { holders: whose, until };
        let opened = remote.ask(|api| api.open_facts(issuer, &whose))?.holders;
        // Of many facts it opens those of the first holders.
        anyhow::ensure!(!opened.is_empty(), "the registry opens no facts");
        all.extend(opened);
    }
    let named = all.iter().map(|one| HolderIndex(one.holder));
    anyhow::ensure!(named.eq(holders.iter().copied()), "the registry's answer is of other holders");
    Ok(all)
}
