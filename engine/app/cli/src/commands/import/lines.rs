//! The lines of a population file, one at a time: ten million of them never are in memory together.

#[cfg(feature = "parquet")]
mod parquet;

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use hufu_wire::chain::InputsDigest;

use super::columns::{Fields, Header};
use crate::progress::progress;

/// A file of people.
pub(super) struct Lines {
    path: PathBuf,
    ignored: Vec<String>,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Csv,
    Parquet,
}

/// One line: its number, counted from 1 as an editor or a reader counts it, and its fields or why it has none.
pub(super) type Line<'l> = (u64, Result<Fields<'l>, String>);

impl Lines {
    /// The file at `path`: Parquet when its name ends so, else CSV.
    pub(super) fn new(path: &Path, ignored: &[String]) -> Lines {
        let is_parquet = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"));
        let format = if is_parquet { Format::Parquet } else { Format::Csv };
        Lines { path: path.to_owned(), ignored: ignored.to_vec(), format }
    }

    /// Shows every line to `visit`, which may end it with an error of its own.
    ///
    /// # Errors
    /// The file cannot be read, its columns are not those of people, or `visit` says so.
    pub(super) fn each(
        &self,
        doing: &'static str,
        visit: impl FnMut(Line<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self.format {
            Format::Csv => self.each_csv(doing, visit),
            #[cfg(feature = "parquet")]
            Format::Parquet => self.each_parquet(doing, visit),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => anyhow::bail!(
                "{}: this hufu was built without Parquet; build it with `--features parquet`, or write CSV",
                self.path.display()
            ),
        }
    }

    /// SHA-256 of the file: what an auditor needs to see that these were the inputs.
    pub(super) fn digest(&self) -> anyhow::Result<InputsDigest> {
        let what = || format!("cannot read {}", self.path.display());
        let mut file = self.open()?;
        let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        let mut buffer = vec![0; 1 << 20];
        loop {
            let bytes = file.read(&mut buffer).with_context(what)?;
            if bytes == 0 {
                break;
            }
            digest.update(&buffer[..bytes]);
        }
        let digest = digest.finish();
        digest.as_ref().try_into().map(InputsDigest).with_context(what)
    }

    fn each_csv(
        &self,
        doing: &'static str,
        mut visit: impl FnMut(Line<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let name = self.path.display();
        let file = self.open()?;
        let bytes = file.metadata().with_context(|| format!("cannot read {name}"))?.len();
        let bar = progress(bytes, doing, "{binary_bytes} of {binary_total_bytes}");
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(BufReader::new(file));
        let header = reader.headers().with_context(|| format!("{name} is not CSV"))?;
        let header = Header::read(header.iter(), &self.ignored).with_context(|| format!("{name}"))?;
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).with_context(|| format!("{name} is not CSV"))? {
            let (number, at) = record.position().map_or((0, 0), |at| (at.line(), at.byte()));
            bar.set_position(at);
            visit((number, fields(&record, &header)))?;
        }
        bar.finish_and_clear();
        Ok(())
    }

    fn open(&self) -> anyhow::Result<File> {
        let file = File::open(&self.path).with_context(|| format!("cannot read {}", self.path.display()))?;
        ensure!(
            file.metadata().is_ok_and(|metadata| metadata.is_file()),
            "{} is not a regular file, and it must be read more than once",
            self.path.display()
        );
        Ok(file)
    }
}

fn fields<'r>(record: &'r csv::ByteRecord, header: &Header) -> Result<Fields<'r>, String> {
    if record.len() != header.len() {
        return Err(format!("{} fields, and the first line has {} names", record.len(), header.len()));
    }
    if record.iter().any(|field| std::str::from_utf8(field).is_err()) {
        return Err("not UTF-8".to_owned());
    }
    Ok(header.sort(record.iter().map(|field| std::str::from_utf8(field).unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_numbers_that_an_editor_shows_and_bad_ones_do_not_end_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        let text: &[u8] = b"\xef\xbb\xbfname,id_number\nLi,P:1\n\"a\nb\",P:2\nLi\nL\xff,P:3\nWang,P:4\n";
        std::fs::write(&path, text).unwrap();
        let mut seen = Vec::new();
        let visit = |(number, fields): Line<'_>| {
            seen.push((number, fields.map(|fields| fields[1].to_owned()).map_err(|cause| cause.clone())));
            Ok(())
        };
        Lines::new(&path, &[]).each("reading", visit).unwrap();
        let read = |text: &str| Ok(text.to_owned());
        let refused = |text: &str| Err(text.to_owned());
        let wanted = [
            (2, read("P:1")),
            (3, read("P:2")),
            (5, refused("1 fields, and the first line has 2 names")),
            (6, refused("not UTF-8")),
            (7, read("P:4")),
        ];
        assert_eq!(seen, wanted);
    }
}
