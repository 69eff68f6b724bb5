//! A day in a province of generated people: facts in, colours out, releases, appeals; then an auditor computes every colour that
//! rules gave again from the chain and the opened facts, and finds one fact that was altered (R28).
//!
//! `cargo run --release -p hufu-authority --example province_day -- 1000000`
//!
//! The day is simulated minute by minute; rules, digests, both signatures, the chain and the audit are the real ones.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use hufu_authority::audit::{Report, RulesAudit};
use hufu_authority::{Archive, Computed, Ledger, Rulebook, Workings};
use hufu_codes::chain::{Authorities, AuthoritySigner, Tip, Unconfirmed, open_instruction};
use hufu_codes::issue::OperatorSigner;
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_contract::{Colour as Shown, Fact, Grade, Hex, HolderFacts, RecordedFact, Risk, Sample};
use hufu_rules::{Moment, Outcome};
use hufu_signature::{PreparedKey, backend};
use hufu_wire::chain::{Change, ChangeSet, Changes, Content, InputsDigest, Record};
use hufu_wire::{
    Colour, HolderIndex, IssuerId, RuleId, Sequence, StatusWord, UnixMillis, UnixSeconds, limits, read,
};

const ISSUER: IssuerId = IssuerId(310_000);
const NATIONAL: IssuerId = IssuerId(100_000);
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// 2026-11-29T00:00:00+08:00, where the day begins.
const BEGIN: u64 = 1_795_881_600;
/// Changes by hand: the first colours, and what an appeal gives.
const BY_HAND: RuleId = RuleId(1);
const RULES: &str = include_str!("../../../../docs/examples/rules.toml");
const PLACES: &str = include_str!("../../../../docs/examples/places.toml");

/// A small generator of numbers (SplitMix64); the same each time.
fn mixed(holder: u32, what: u64, below: u64) -> u64 {
    let mut mixed = (u64::from(holder) << 16 | what).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ mixed >> 31) % below
}

fn test(at_s: u64, result: Sample) -> Fact {
    Fact::Test { at_ms: at_s * 1000, result, laboratory: "L-17".into() }
}

/// What was recorded of a holder before the day, and how the chain began.
struct Before {
    facts: Vec<Fact>,
    /// A colour other than green, and when it was given.
    colour: Option<(Colour, u64)>,
}

impl Before {
    fn of(holder: u32) -> Before {
        let at = |what, days: u64| BEGIN - days * DAY + mixed(holder, what, DAY);
        match mixed(holder, 0, 1000) {
            // Red and amber whose time is over within the day; the last tests are still to come.
            0 | 1 => {
                let facts = (1..=4).map(|nth| test(at(nth, 6 - nth), Sample::Negative)).collect();
                Before { facts, colour: Some((Colour::Red, BEGIN - 14 * DAY + mixed(holder, 9, 20 * HOUR))) }
            }
            2..=4 => {
                let facts = vec![test(at(1, 2), Sample::Negative)];
                Before { facts, colour: Some((Colour::Amber, BEGIN - 3 * DAY + mixed(holder, 9, 20 * HOUR))) }
            }
            _ => Before { facts: vec![test(at(1, 1 + mixed(holder, 2, 6)), Sample::Negative)], colour: None },
        }
    }
}

/// What comes in during the day, by minute.
fn day_s_facts(holders: u32) -> BTreeMap<u64, Vec<(u32, Fact)>> {
    let mut facts: BTreeMap<u64, Vec<(u32, Fact)>> = BTreeMap::new();
    for holder in 0..holders {
        let minute = mixed(holder, 20, 1380);
        let sampled = BEGIN + minute * 60 - mixed(holder, 21, 4 * HOUR);
        let mut add = |fact| facts.entry(minute).or_default().push((holder, fact));
        let stay = |risk| {
            let from_ms = (BEGIN - DAY - mixed(holder, 22, 2 * DAY)) * 1000;
            (Fact::Stay { from_ms, to_ms: from_ms + HOUR * 1000, risk }, from_ms)
        };
        match mixed(holder, 23, 100_000) {
            // Contacts of cases who were where the case was.
            0..=39 => {
                let (stay, from_ms) = stay(Risk::High);
                add(Fact::Contact { at_ms: from_ms, grade: Grade::Close, minutes: 30 });
                add(stay);
            }
            // In a place of high risk, as their own itinerary says.
            40..=99 => {
                let (stay, from_ms) = stay(Risk::High);
                add(Fact::Visit { from_ms, to_ms: from_ms + HOUR * 1000, place: "310105-0042".into() });
                add(stay);
            }
            // The same said of people who were elsewhere: another person's telephone.
            100..=119 => add(stay(Risk::High).0),
            120..=129 => add(test(sampled, Sample::Positive)),
            // A third has a test.
            130..=33_000 => add(test(sampled, Sample::Negative)),
            // And of those who wait for their release nearly all.
            _ if Before::of(holder).colour.is_some() && mixed(holder, 24, 10) > 0 => {
                add(test(sampled, Sample::Negative));
            }
            _ => {}
        }
    }
    facts
}

/// The registry of this day: what is recorded, the words, the chain.
struct Province {
    book: Rulebook,
    archive: Archive,
    local: AuthoritySigner,
    national: AuthoritySigner,
    authorities: Authorities,
    keyring: Keyring,
    more: HashMap<u32, Vec<RecordedFact>>,
    words: Vec<StatusWord>,
    since: Vec<u64>,
    tip: Tip,
    sets: Vec<Vec<u8>>,
    /// The next number of a fact; those of before the day have the first ones.
    number: u64,
}

/// Facts of one holder before the day, at most.
const BEFORE_MAX: u64 = 4;

impl Province {
    fn recorded(&self, holder: u32) -> HolderFacts {
        let word = self.words[holder as usize];
        let colour = word.colour().map(|colour| match colour {
            Colour::Green => Shown::Green,
            Colour::Red => Shown::Red,
            Colour::Amber => Shown::Amber,
        });
        let before = Before::of(holder).facts.into_iter().zip(u64::from(holder) * BEFORE_MAX + 1..);
        let mut facts: Vec<_> = before.map(|(fact, number)| RecordedFact { number, fact }).collect();
        facts.extend(self.more.get(&holder).into_iter().flatten().cloned());
        let since_ms = colour.map(|_| self.since[holder as usize]);
        let word = Hex(word.to_bits().to_be_bytes());
        HolderFacts { holder, word, colour, since_ms, joined_into: None, facts }
    }

    fn record(&mut self, holder: u32, fact: Fact) -> u64 {
        self.number += 1;
        self.more.entry(holder).or_default().push(RecordedFact { number: self.number, fact });
        self.number
    }

    fn workings(&self, at_s: u64) -> Workings {
        let salt =
            std::array::from_fn(|byte| u8::try_from(mixed(7, at_s << 4 | byte as u64, 256)).unwrap_or(0));
        self.book.workings(self.number, Moment(i64::try_from(at_s).unwrap_or(0)), salt)
    }

    fn compute(&self, workings: &Workings, holders: &[u32]) -> anyhow::Result<Vec<Computed>> {
        holders.iter().map(|holder| self.book.compute(workings, &self.recorded(*holder))).collect()
    }

    /// Signs a change with both keys, and makes it so.
    fn change(
        &mut self,
        at_s: u64,
        (rule, inputs): (RuleId, InputsDigest),
        records: &[Record],
    ) -> anyhow::Result<()> {
        let at = UnixMillis((at_s * 1000).max(self.tip.confirmed.0 + 1));
        let content = Content {
            proposed: at.into(),
            valid_s: 3600,
            rule,
            inputs,
            local_key: self.local.key(),
            reason: "a day in a province",
            changes: Changes::new(records)?,
        };
        let instruction = self.local.instruct(&content)?;
        let opened = open_instruction(&instruction, &self.authorities, &self.keyring, backend())?;
        let set = self.national.confirm(&opened, &self.tip, at)?;
        let (sequence, changes) = {
            let set: ChangeSet<'_> = read(&set)?;
            (set.position.sequence, set.content.changes.iter().collect::<Vec<_>>())
        };
        let digest = Unconfirmed::read(&set, &self.authorities)?.digest();
        for (holder, change) in changes {
            let place = holder.0 as usize;
            let after = change.apply(self.words[place]);
            if after.colour() != self.words[place].colour() {
                self.since[place] = at.0;
            }
            self.words[place] = after;
        }
        self.tip = Tip { sequence, digest, proposed: at.into(), confirmed: at };
        self.sets.push(set);
        Ok(())
    }

    /// The local half proposes what follows, the national half computes it again.
    fn rule(&mut self, at_s: u64, changed: &[Computed]) -> anyhow::Result<()> {
        let rule = self.book.rules().digest().rule_id();
        for group in changed.chunks(limits::CHANGES_MAX) {
            let inputs = self.book.inputs(group);
            let holders: Vec<u32> = group.iter().map(|one| one.holder.0).collect();
            let again = self.compute(&self.workings(at_s), &holders)?;
            ensure!(
                again == group && self.book.inputs(&again) == inputs,
                "the national half finds other colours"
            );
            self.archive.keep(inputs, &again)?;
            let records: Vec<Record> = group.iter().map(Computed::record).collect();
            self.change(at_s, (rule, inputs), &records)?;
        }
        Ok(())
    }
}

fn keyring(local: &AuthoritySigner, national: &AuthoritySigner) -> anyhow::Result<Keyring> {
    let operator = OperatorSigner::from_seed(&[0x22; 32]);
    let (since, end) = (UnixSeconds(1_780_000_000), UnixSeconds(u32::MAX));
    let keys = [
        local.listed(Uses::INSTRUCTION, since, since, end),
        national.listed(Uses::CONFIRMATION, since, since, end),
    ];
    let list = TrustList::sign(1, since, &keys, &operator);
    let list = TrustList::open(&list, &PreparedKey::new(operator.public())?)?;
    Ok(Keyring::empty().update(&list, UnixSeconds(u32::try_from(BEGIN)?))?)
}

/// The first colours, by hand, in the order in which they were given.
fn begin(province: &mut Province, holders: u32) -> anyhow::Result<()> {
    let mut given: BTreeMap<u64, Vec<Record>> = BTreeMap::new();
    for holder in 0..holders {
        // By the hour, so that a set has many.
        let (colour, at) = Before::of(holder)
            .colour
            .map_or((Colour::Green, BEGIN - 20 * DAY), |(colour, at)| (colour, at / HOUR * HOUR));
        given
            .entry(at)
            .or_default()
            .push(Record::new(HolderIndex(holder), Change::Status(StatusWord::new(colour, 0))));
    }
    for (at, records) in given {
        for records in records.chunks(limits::CHANGES_MAX) {
            province.change(at, (BY_HAND, InputsDigest([0; 32])), records)?;
        }
    }
    Ok(())
}

/// What an auditor finds who has the chain, the trust list, the rule file and the opened facts.
fn audit(province: &Province) -> anyhow::Result<(Report, Duration)> {
    let begun = Instant::now();
    let mut report =
        Report { issuer: ISSUER, end: Sequence(0), digest: String::new(), changes: 0, findings: Vec::new() };
    let mut rules = RulesAudit::new(&province.book, &province.archive, None);
    let mut ledger = Ledger::new(province.authorities)?;
    for set in &province.sets {
        let looked: ChangeSet<'_> = read(set)?;
        rules.look(looked.position.sequence, &looked, ledger.words(), &mut report);
        ledger.take(set, &province.keyring, province.tip.confirmed)?;
        report.end = looked.position.sequence;
    }
    let same =
        (0..).zip(&province.words).all(|(holder, word)| ledger.words().of(HolderIndex(holder)) == *word);
    ensure!(same, "the auditor's table is not the registry's");
    rules.end(&mut report);
    Ok((report, begun.elapsed()))
}

#[expect(clippy::too_many_lines, reason = "a day, from its beginning to its end")]
fn main() -> anyhow::Result<()> {
    let holders: u32 = std::env::args().nth(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    let [local, national] = [(0x61, ISSUER), (0x62, NATIONAL)]
        .map(|(seed, issuer)| AuthoritySigner::from_seed(&[seed; 32], issuer));
    let mut province = Province {
        book: Rulebook::parse((RULES.to_owned(), "rules.toml"), Some((PLACES.to_owned(), "places.toml")))?,
        archive: Archive::open(folder.path())?,
        authorities: Authorities::new(ISSUER, NATIONAL, NATIONAL)?,
        keyring: keyring(&local, &national)?,
        local,
        national,
        more: HashMap::new(),
        words: vec![StatusWord::UNKNOWN; holders as usize],
        since: vec![0; holders as usize],
        tip: Tip::START,
        sets: Vec::new(),
        number: u64::from(holders) * BEFORE_MAX,
    };
    begin(&mut province, holders)?;

    // Midnight: everyone, on one core.
    let everyone: Vec<u32> = (0..holders).collect();
    let workings = province.workings(BEGIN);
    let begun = Instant::now();
    let (mut due, mut changed) = (BTreeSet::new(), Vec::new());
    for holder in &everyone {
        let one = province.book.compute(&workings, &province.recorded(*holder))?;
        due.extend(one.next.map(|next| (next, *holder)));
        if one.changes() {
            changed.push(one);
        }
    }
    println!(
        "{holders} holders computed from their recorded facts in {:.2} s on one core",
        begun.elapsed().as_secs_f64()
    );
    println!("{} words change: the last test of each", changed.len());
    province.rule(BEGIN, &changed)?;

    let mut coming = day_s_facts(holders);
    let (mut facts, mut computed, mut worse, mut released, mut reviews) =
        (0_u64, 0_u64, [0_u64; 2], 0_u64, BTreeSet::new());
    let mut appealing: Vec<(u32, Vec<u64>, u64)> = Vec::new();
    let mut appealed = 0_u64;
    let begun = Instant::now();
    for minute in 0..1440_u64 {
        let at_s = BEGIN + minute * 60 + 59;
        let now = Moment(i64::try_from(at_s)?);
        let mut looked_at: BTreeSet<u32> = BTreeSet::new();
        for (holder, fact) in coming.remove(&minute).unwrap_or_default() {
            facts += 1;
            let wrong = matches!(fact, Fact::Contact { .. }) && mixed(holder, 30, 10) == 0;
            let number = province.record(holder, fact);
            // A tenth of the contacts was another person; they appeal, and two hours later a reviewer has decided.
            if wrong {
                appealing.push((holder, vec![number, number + 1], minute + 120));
            }
            looked_at.insert(holder);
        }
        let decided: Vec<_> = appealing.extract_if(.., |(_, _, at)| *at == minute).collect();
        for (holder, numbers, _) in decided {
            if province.words[holder as usize].colour() != Some(Colour::Red) {
                continue;
            }
            appealed += 1;
            for number in numbers {
                let reason = "another person, appeal accepted".to_owned();
                province.record(holder, Fact::Void { at_ms: (at_s - 59) * 1000, number, reason });
            }
            let green = province.words[holder as usize].with_colour(Colour::Green).with_generation(0);
            let record = Record::new(HolderIndex(holder), Change::Status(green));
            province.change(at_s, (BY_HAND, InputsDigest([1; 32])), &[record])?;
            looked_at.insert(holder);
        }
        while let Some((at, holder)) = due.first().copied().filter(|(at, _)| *at <= now) {
            due.remove(&(at, holder));
            looked_at.insert(holder);
        }
        let looked_at: Vec<u32> = looked_at.into_iter().collect();
        let all = province.compute(&province.workings(at_s), &looked_at)?;
        computed += all.len() as u64;
        for one in &all {
            due.extend(one.next.map(|next| (next, one.holder.0)));
            let [before, after] = [one.before, one.after].map(StatusWord::colour);
            worse[0] += u64::from(one.reddens());
            worse[1] += u64::from(before == Some(Colour::Green) && after == Some(Colour::Amber));
            released += u64::from(before != Some(Colour::Green) && after == Some(Colour::Green));
            if matches!(one.outcome, Outcome::Review { .. }) {
                reviews.insert(one.holder);
            }
        }
        let changed: Vec<Computed> = all.into_iter().filter(Computed::changes).collect();
        province.rule(at_s, &changed)?;
    }
    println!("\nthe day, {:.0} s: {facts} facts, {computed} colours computed", begun.elapsed().as_secs_f64());
    println!("  {} turned red, {} amber; {released} released by themselves", worse[0], worse[1]);
    println!("  {} left to a person, because no itinerary and no contact says why", reviews.len());
    println!("  {appealed} appeals accepted, each a change by both authorities");
    println!("  {} sets, {} bytes", province.sets.len(), province.sets.iter().map(Vec::len).sum::<usize>());

    let (report, took) = audit(&province)?;
    let last = report.findings.last().context("a finding")?;
    println!("\naudit, {:.0} s: {}", took.as_secs_f64(), last.who);
    ensure!(report.agrees(), "the auditor does not agree");
    println!("  all agree");
    // One digit of one fact.
    let mut files: Vec<_> =
        fs::read_dir(folder.path())?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
    files.sort_unstable();
    let contact = |path: &std::path::PathBuf| {
        fs::read_to_string(path).is_ok_and(|text| text.contains("\"minutes\":30"))
    };
    let path = files.into_iter().find(contact).context("a contact")?;
    let text = fs::read_to_string(&path)?;
    fs::write(&path, text.replacen("\"minutes\":30", "\"minutes\":31", 1))?;
    let (report, _) = audit(&province)?;
    let found = report.findings.iter().filter(|finding| finding.difference.is_some()).count();
    ensure!(found == 1, "one altered fact, {found} findings");
    println!("  one altered fact is found");
    Ok(())
}
