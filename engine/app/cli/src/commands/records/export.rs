//! `hufu records export`: the records of a day, without their slips, for statistics (R44). The line in the trail is durable
//! before the first byte of the file is written.

#[cfg(feature = "parquet")]
mod parquet;

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{bail, ensure};
use hufu_files::{self as files, Readable};
use hufu_records::{Answer, Found, channel_slug, decision_slug, kind_slug};
use hufu_wire::Colour;

use super::DayArgs;
use super::trail::{self, Because};
use super::wanted::Wanted;
use crate::outcome::Exit;
use crate::term::tell;

/// One column of an export. There is none for a slip, and none that names a person.
struct Column {
    name: &'static str,
    values: Values,
}

/// What a column has for each record.
enum Values {
    /// Milliseconds since 1970, UTC.
    Time(fn(&Found) -> u64),
    Wide(fn(&Found) -> u64),
    Narrow(fn(&Found) -> u32),
    Text(fn(&Found) -> &'static str),
    MaybeWide(fn(&Found) -> Option<u64>),
    MaybeNarrow(fn(&Found) -> Option<u32>),
    MaybeText(fn(&Found) -> Option<&'static str>),
}

const COLUMNS: [Column; 16] = [
    column("record", Values::Wide(|found| found.number)),
    column("time", Values::Time(|found| found.row.time().0)),
    column("site", Values::Narrow(|found| found.row.site.0)),
    column("device", Values::Narrow(|found| found.row.device.0)),
    column("lane", Values::Narrow(|found| found.row.lane.0.into())),
    column("channel", Values::Text(|found| channel_slug(found.row.channel))),
    column("latency_us", Values::Narrow(|found| found.row.latency_us)),
    column("kind", Values::MaybeText(|found| verdict(found)?.kind.map(kind_slug))),
    column("colour", Values::MaybeText(|found| verdict(found)?.colour.map(Colour::slug))),
    column("decision", Values::MaybeText(|found| Some(decision_slug(verdict(found)?.decision)))),
    column("reason", Values::Text(|found| found.row.reason().slug())),
    column("as_of", Values::MaybeWide(|found| Some(verdict(found)?.as_of.0))),
    column("members", Values::MaybeNarrow(|found| Some(roster(found)?.members))),
    column("admitted", Values::MaybeNarrow(|found| Some(roster(found)?.admitted))),
    column("referred", Values::MaybeNarrow(|found| Some(roster(found)?.referred))),
    column("refused", Values::MaybeNarrow(|found| Some(roster(found)?.refused))),
];

const fn column(name: &'static str, values: Values) -> Column {
    Column { name, values }
}

#[derive(Clone, Copy)]
enum Format {
    Csv,
    Parquet,
}

pub(super) fn run(day: &DayArgs, wanted: &Wanted, out: &Path, because: &Because) -> anyhow::Result<Exit> {
    let filter = wanted.read()?;
    let format = Format::of(out)?;
    ensure!(!out.exists(), "{} exists already and is not overwritten; choose another name", out.display());
    // Before the trail: its line would tell of an export that cannot begin.
    out.parent().map_or(Ok(()), files::folder)?;
    let noted = day.note("export", &filter, because, Some(out))?;
    files::create_by(out, Readable::Owner, |file| {
        let mut sink = Sink::new(format, file)?;
        noted.each(|found| sink.push(found))?;
        sink.finish()
    })?;
    let records = noted.records;
    tell!({ "file": out, "records": records }, "{}: {records} records", out.display());
    Ok(Exit::Yes)
}

impl Format {
    fn of(out: &Path) -> anyhow::Result<Format> {
        match out.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => Ok(Format::Csv),
            Some("parquet") if cfg!(feature = "parquet") => Ok(Format::Parquet),
            Some("parquet") => {
                bail!("this hufu was built without Parquet; build it with `--features parquet`, or write CSV")
            }
            _ => bail!("--out {}: write a name that ends in .csv or .parquet", out.display()),
        }
    }
}

/// A file that takes records.
enum Sink<'f> {
    Csv(csv::Writer<&'f File>),
    #[cfg(feature = "parquet")]
    Parquet(parquet::Sink<'f>),
}

impl<'f> Sink<'f> {
    fn new(format: Format, file: &'f File) -> anyhow::Result<Sink<'f>> {
        match format {
            Format::Csv => {
                let mut csv = csv::Writer::from_writer(file);
                csv.write_record(COLUMNS.iter().map(|column| column.name))?;
                Ok(Sink::Csv(csv))
            }
            #[cfg(feature = "parquet")]
            Format::Parquet => Ok(Sink::Parquet(parquet::Sink::new(file)?)),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => bail!("this hufu was built without Parquet"),
        }
    }

    fn push(&mut self, found: &Found) -> io::Result<()> {
        match self {
            Sink::Csv(csv) => {
                for column in &COLUMNS {
                    csv.write_field(column.values.text(found))?;
                }
                Ok(csv.write_record(None::<&[u8]>)?)
            }
            #[cfg(feature = "parquet")]
            Sink::Parquet(sink) => sink.push(found).map_err(io::Error::other),
        }
    }

    fn finish(self) -> anyhow::Result<()> {
        match self {
            Sink::Csv(mut csv) => Ok(csv.flush()?),
            #[cfg(feature = "parquet")]
            Sink::Parquet(sink) => Ok(sink.finish()?),
        }
    }
}

impl Values {
    /// As CSV has it: nothing where there is nothing.
    fn text(&self, found: &Found) -> String {
        match self {
            Values::Time(of) => trail::time_of(hufu_wire::UnixMillis(of(found))),
            Values::Wide(of) => of(found).to_string(),
            Values::Narrow(of) => of(found).to_string(),
            Values::Text(of) => of(found).to_owned(),
            Values::MaybeWide(of) => of(found).map_or_else(String::new, |number| number.to_string()),
            Values::MaybeNarrow(of) => of(found).map_or_else(String::new, |number| number.to_string()),
            Values::MaybeText(of) => of(found).unwrap_or_default().to_owned(),
        }
    }
}

fn verdict(found: &Found) -> Option<&hufu_wire::Verdict> {
    match &found.row.answer {
        Answer::Verdict(verdict) => Some(verdict),
        Answer::Roster(_) => None,
    }
}

fn roster(found: &Found) -> Option<&hufu_wire::RosterReply> {
    match &found.row.answer {
        Answer::Verdict(_) => None,
        Answer::Roster(reply) => Some(reply),
    }
}
