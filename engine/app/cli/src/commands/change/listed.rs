//! The changes of a proposal: from the command line, or from a table or a TOML file.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};
use hufu_files as files;
use hufu_files::moment::{Clock, Span, Zone};
use hufu_sheets::{Column, Table, TableArgs, optional, required};
use hufu_wire::chain::{Change, InputsDigest, Record};
use hufu_wire::{HolderIndex, StatusWord, limits};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::kept::Kept;
use crate::progress::watch;
use crate::written::WrittenStatus;

/// Changes by rising holder, each holder once, and what a TOML file says beside them.
#[derive(Debug, Default)]
pub(super) struct ChangeList {
    changes: BTreeMap<u32, Wanted>,
    pub(super) rule: Option<u32>,
    pub(super) reason: Option<String>,
    pub(super) valid: Option<Span>,
    /// SHA-256 of the file.
    pub(super) inputs: Option<InputsDigest>,
}

/// What is wanted of one holder. What a colour does not say of the last test and the doses stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    change: Change,
    kept: Kept,
}

/// One change as it is written. A colour alone leaves the generation as it is (a lost phone stays lost), a
/// generation alone leaves the colour, both set the whole word.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) holder: u32,
    /// A colour, or `forget`.
    #[serde(default)]
    pub(super) colour: String,
    #[serde(default)]
    pub(super) valid_until: String,
    #[serde(default)]
    pub(super) test_at: String,
    #[serde(default)]
    pub(super) test_result: String,
    #[serde(default)]
    pub(super) doses: Option<u8>,
    #[serde(default)]
    pub(super) generation: Option<u8>,
}

/// A TOML file of changes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlFile {
    rule: Option<u32>,
    reason: Option<String>,
    valid: Option<String>,
    time_zone: Option<String>,
    #[serde(default)]
    change: Vec<Line>,
}

impl ChangeList {
    /// The changes in a file: TOML when its name ends so, else a table. Typed times are read against `clock`.
    pub(super) fn read(path: &Path, table: &TableArgs, clock: &Clock) -> anyhow::Result<ChangeList> {
        let mut list = ChangeList::default();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
            let text = files::read_text(path)?;
            list.inputs = Some(InputsDigest(Sha256::digest(text.as_bytes()).into()));
            list.read_toml(&text, clock).with_context(|| path.display().to_string())?;
        } else {
            let table = Table::open(path, table)?;
            list.inputs = Some(table.digest()?);
            list.read_table(&table, clock)?;
        }
        ensure!(!list.changes.is_empty(), "{} lists no change", path.display());
        Ok(list)
    }

    /// Adds one change.
    ///
    /// # Errors
    /// It changes nothing, contradicts itself, or the holder was named before.
    pub(super) fn add(&mut self, line: &Line, clock: &Clock) -> anyhow::Result<()> {
        let change = line.change(clock).map_err(|cause| anyhow!("holder {}: {cause}", line.holder))?;
        let before = self.changes.insert(line.holder, change);
        ensure!(before.is_none(), "holder {} is named twice", line.holder);
        Ok(())
    }

    /// Whom it names.
    pub(super) fn holders(&self) -> impl Iterator<Item = HolderIndex> + '_ {
        self.changes.keys().map(|holder| HolderIndex(*holder))
    }

    /// Whether what holders have now decides what some of them get.
    pub(super) fn keeps_some(&self) -> bool {
        self.changes.values().any(|wanted| wanted.kept.is_some())
    }

    /// The changes of holders whose words are `held`, in parts that fit one set each.
    pub(super) fn sets(&self, held: impl Fn(HolderIndex) -> StatusWord) -> Vec<Vec<Record>> {
        let record = |(holder, wanted): (&u32, &Wanted)| {
            let holder = HolderIndex(*holder);
            Record::new(holder, wanted.of(held(holder)))
        };
        let records: Vec<_> = self.changes.iter().map(record).collect();
        records.chunks(limits::CHANGES_MAX).map(<[Record]>::to_vec).collect()
    }

    fn read_toml(&mut self, text: &str, clock: &Clock) -> anyhow::Result<()> {
        let file: TomlFile = toml::from_str(text)?;
        let valid = file.valid.as_deref().map(str::parse::<Span>).transpose().context("valid")?;
        let zone = file.time_zone.as_deref().map(str::parse::<Zone>).transpose().context("time_zone")?;
        let clock = zone.map_or_else(|| clock.clone(), |zone| clock.clone().with_zone(zone));
        (self.rule, self.reason, self.valid) = (file.rule, file.reason, valid);
        let mut faults = Vec::new();
        for (number, line) in (1..).zip(&file.change) {
            if let Err(fault) = self.add(line, &clock) {
                faults.push(format!("[[change]] {number}: {fault:#}"));
            }
        }
        ensure!(faults.is_empty(), "nothing was signed:\n{}", faults.join("\n"));
        Ok(())
    }

    fn read_table(&mut self, table: &Table, clock: &Clock) -> anyhow::Result<()> {
        let read = table.collect(&COLUMNS, &mut watch("reading"), |_, fields| {
            let line = Line::of(fields)?;
            self.add(&line, clock).map_err(|error| format!("{error:#}"))
        });
        read.context("nothing was signed")?;
        Ok(())
    }
}

/// The columns of a table of changes.
const COLUMNS: [Column; 7] = [
    required("holder", &[]),
    optional("colour", &[]),
    optional("valid_until", &[]),
    optional("test_at", &[]),
    optional("test_result", &[]),
    optional("doses", &[]),
    optional("generation", &[]),
];

impl Wanted {
    /// The change of a holder whose word is `held`.
    fn of(self, held: StatusWord) -> Change {
        match self.change {
            Change::Word(word) => Change::Word(self.kept.of(held, word)),
            Change::Status(word) => Change::Status(self.kept.of(held, word)),
            other @ Change::Generation(_) => other,
        }
    }
}

impl Line {
    fn of(fields: [&str; COLUMNS.len()]) -> Result<Line, String> {
        let [holder, colour, valid_until, test_at, test_result, doses, generation] = fields;
        let small = |name: &str, text: &str| {
            let number = (!text.is_empty()).then(|| text.parse::<u8>());
            number.transpose().map_err(|_| format!("{name} must be a number from 0 to 255"))
        };
        Ok(Line {
            holder: holder.parse().map_err(|_| "holder must be a holder's index, a number".to_owned())?,
            colour: colour.to_owned(),
            valid_until: valid_until.to_owned(),
            test_at: test_at.to_owned(),
            test_result: test_result.to_owned(),
            doses: small("doses", doses)?,
            generation: small("generation", generation)?,
        })
    }

    fn change(&self, clock: &Clock) -> Result<Wanted, String> {
        let change = self.written(clock)?;
        let has_colour = !matches!(change, Change::Generation(_) | Change::Word(StatusWord::UNKNOWN));
        let (test, doses) = (has_colour && self.test_result.is_empty(), has_colour && self.doses.is_none());
        Ok(Wanted { change, kept: Kept { test, doses } })
    }

    fn written(&self, clock: &Clock) -> Result<Change, String> {
        let doses = self.doses.map(|doses| doses.to_string()).unwrap_or_default();
        let written = WrittenStatus {
            colour: if self.colour == "forget" { "" } else { &self.colour },
            valid_until: &self.valid_until,
            test_at: &self.test_at,
            test_result: &self.test_result,
            doses: &doses,
        };
        let word = written.read(clock)?;
        match (self.colour == "forget", word, self.generation) {
            (true, _, None) => Ok(Change::Word(StatusWord::UNKNOWN)),
            (true, _, Some(_)) => Err("a holder who is forgotten has no generation".to_owned()),
            (false, Some(word), Some(generation)) => Ok(Change::Word(word.with_generation(generation))),
            (false, Some(word), None) => Ok(Change::Status(word)),
            (false, None, Some(generation)) => Ok(Change::Generation(generation)),
            (false, None, None) => Err("name a colour, a generation or both".to_owned()),
        }
    }
}

/// The digest of what a rule was given: of a file, or written out as 64 hexadecimal digits.
pub(super) fn read_inputs(text: &str) -> anyhow::Result<InputsDigest> {
    let mut digest = [0; 32];
    if hex::decode_to_slice(text, &mut digest).is_ok() {
        return Ok(InputsDigest(digest));
    }
    let path = Path::new(text);
    if !path.exists() {
        bail!("{text} is neither a file nor 64 hexadecimal digits");
    }
    Ok(InputsDigest(Sha256::digest(files::read(path)?).into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{Colour, TestResult};

    fn check(name: &str, text: &str, wanted: Result<&[(u32, Change)], &str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        match (ChangeList::read(&path, &TableArgs::default(), &Clock::here()), wanted) {
            (Ok(found), Ok(wanted)) => {
                let found: Vec<_> =
                    found.changes.into_iter().map(|(holder, wanted)| (holder, wanted.change)).collect();
                assert_eq!(found, wanted, "{text}");
            }
            (Err(error), Err(wanted)) => {
                let said = format!("{error:#}");
                assert!(said.contains(wanted), "{text}: {said}");
            }
            (found, _) => panic!("{text}: {found:?}"),
        }
    }

    #[test]
    fn a_colour_keeps_the_generation_and_a_generation_the_colour() {
        let red = StatusWord::new(Colour::Red, 0);
        let wanted = [
            (1, Change::Status(red)),
            (3, Change::Generation(2)),
            (4, Change::Word(red.with_generation(2))),
            (9, Change::Word(StatusWord::UNKNOWN)),
        ];
        check("c.csv", "holder,colour,generation\n9,forget,\n1,red,\n3,,2\n4,red,2\n", Ok(&wanted));
        let toml = "rule = 7\nreason = 'r'\nvalid = '2h'\n[[change]]\nholder = 9\ncolour = 'forget'\n\
                    [[change]]\nholder = 1\ncolour = 'red'\n[[change]]\nholder = 3\ngeneration = 2\n\
                    [[change]]\nholder = 4\ncolour = 'red'\ngeneration = 2\n";
        check("c.toml", toml, Ok(&wanted));
    }

    #[test]
    fn r47_a_colour_keeps_test_and_doses_unless_it_says_otherwise() {
        let minute = hufu_wire::StatusMinute::new(9).unwrap();
        let [green, red] = [Colour::Green, Colour::Red].map(|colour| StatusWord::new(colour, 0));
        let held = green.with_test(minute, TestResult::Negative).with_doses(3).with_generation(4);
        let check = |line: &str, held: StatusWord, wanted: StatusWord| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("c.csv");
            std::fs::write(&path, format!("holder,colour,test_result,doses,generation\n7,{line}\n")).unwrap();
            let list = ChangeList::read(&path, &TableArgs::default(), &Clock::here()).unwrap();
            assert_eq!(list.changes[&7].of(held).apply(held), wanted, "{line}");
        };
        let kept = red.with_test(minute, TestResult::Negative).with_doses(3).with_generation(4);
        check("red,,,", held, kept);
        check("red,,,6", held, kept.with_generation(6));
        check("red,none,,", held, red.with_doses(3).with_generation(4));
        check("red,,0,", held, kept.with_doses(0));
        check("red,none,0,", held, red.with_generation(4));
        check("red,,,", green.with_generation(4), red.with_generation(4));
        check("red,,,", StatusWord::UNKNOWN, red);
        check("forget,,,", held, StatusWord::UNKNOWN);
        check(",,,5", held, held.with_generation(5));
    }

    #[test]
    fn r47_every_bad_line_is_named_at_once() {
        let text = "holder,colour\n1,red\n2,blue\n3,green\nx,red\n1,green\n5,\n";
        let lines = "\nline 3: holder 2: colour must be green, amber or red\nline 5: ";
        check("c.csv", text, Err(lines));
        check("c.csv", text, Err("\nline 6: holder 1 is named twice\nline 7: holder 5: name a colour"));
        let toml = "[[change]]\nholder = 1\ncolour = 'blue'\n[[change]]\nholder = 2\n";
        check("c.toml", toml, Err("[[change]] 2: holder 2: name a colour"));
    }

    #[test]
    fn a_file_that_is_not_clear_is_refused_with_its_place() {
        check("c.csv", "holder,colour\n1,red\n1,green\n", Err("line 3: holder 1 is named twice"));
        let every = "line 2: holder must be a holder's index, a number\nline 4: holder 3: colour must be";
        check("c.csv", "holder,colour\r\nx,red\r\n2,green\r\n3,blue\r\n,\r\n", Err(every));
        check(
            "c.csv",
            "holder,colour,valid_until\n1,red,2060-01-01\n",
            Err("line 2: holder 1: valid_until: which zone?"),
        );
        check("c.csv", "holder,colour\n1,blue\n", Err("line 2: holder 1: colour must be"));
        check("c.csv", "holder,color\n1,red\n", Err("unknown column `color`"));
        check("c.csv", "holder,colour\n1,\n", Err("name a colour, a generation or both"));
        check("c.csv", "holder,colour,generation\n1,forget,3\n", Err("who is forgotten has no generation"));
        check("c.csv", "holder,colour\n", Err("lists no change"));
        check("c.toml", "rules = 1\n", Err("unknown field `rules`"));
        let zoned = |zone: &str| {
            format!(
                "time_zone = '{zone}'\n[[change]]\nholder = 1\ncolour = 'red'\nvalid_until = '2016-12-01'\n"
            )
        };
        check("c.toml", &zoned("Asia/Shanghai"), Err("2016-12-01T00:00:00+08:00 is in the past"));
        check("c.toml", &zoned("Asia/Peking"), Err("time_zone: no such time zone"));
    }
}
