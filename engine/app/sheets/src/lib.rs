//! Tables as people have them: the one reader of `import`, of files of changes and of name lists.
//!
//! CSV with comma, semicolon or tab, in UTF-8, UTF-16 or GB18030; `.xlsx`; Parquet. Each row carries the number that an
//! editor or a spreadsheet shows beside it, because a person corrects it there.

mod columns;
mod encoding;
mod fault;
#[cfg(feature = "parquet")]
mod parquet;
mod records;
mod text;
mod workbook;

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use hufu_wire::chain::InputsDigest;

use self::columns::Header;
pub use self::columns::{Column, GROUP, ID_NUMBER, NAME, optional, required};
pub use self::encoding::Encoding;
pub use self::fault::{CellFault, FileFault};

/// How to read a table where the file does not say it.
#[derive(Clone, Debug, Default, Args)]
pub struct TableArgs {
    /// The encoding of a CSV file, where it cannot be told from its bytes
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<Encoding>,
    /// The sheet of an .xlsx file that has several
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// A column to skip
    #[arg(long, value_name = "NAME")]
    pub ignore: Vec<String>,
    /// Whether every column that is not known is skipped.
    #[arg(skip)]
    pub ignore_others: bool,
    /// How large it may be.
    #[arg(skip)]
    pub limits: Limits,
}

/// How large a table may be.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Most MiB of a workbook once unzipped.
    pub unzipped_mib: u64,
    /// Most rows.
    pub rows: u64,
}

impl Default for Limits {
    /// A population: millions of rows of CSV, a workbook of a million rows, but no bomb.
    fn default() -> Limits {
        Limits { unzipped_mib: 512, rows: u64::MAX }
    }
}

/// How far reading has come.
#[derive(Clone, Copy, Debug)]
pub struct Come {
    /// Read.
    pub at: u64,
    /// Of so many.
    pub of: u64,
    /// What is counted.
    pub unit: Unit,
}

/// What is counted of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of a text.
    Bytes,
    /// Rows.
    Rows,
}

/// Told how far reading has come.
pub type Watch<'w> = &'w mut dyn FnMut(Come);

/// A file with a table in it.
#[derive(Debug)]
pub struct Table {
    source: Source,
    args: TableArgs,
    format: Format,
}

/// Where its bytes are.
#[derive(Debug)]
enum Source {
    Path(PathBuf),
    /// A file without a name.
    Open(File),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text(Encoding),
    Workbook,
    Parquet,
}

/// One row: the number of its first line, counted from 1 as an editor counts, and its fields by column or why it has none.
pub type Line<'l, const N: usize> = (u64, Result<[&'l str; N], CellFault>);

/// Longest table of which all rows are in memory at once, MiB: a name list or a file of changes, never a population.
const WHOLE_MIB_MAX: u64 = 256;

impl Table {
    /// The table at `path`. What it is is told from its first bytes, and for Parquet from its name.
    ///
    /// # Errors
    /// The file cannot be read, is no table, or its encoding cannot be told.
    pub fn open(path: &Path, args: &TableArgs) -> anyhow::Result<Table> {
        Table::from(Source::Path(path.to_owned()), args)
    }

    /// The table in a file that has no name: one that was uploaded.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn of(file: File, args: &TableArgs) -> anyhow::Result<Table> {
        Table::from(Source::Open(file), args)
    }

    fn from(source: Source, args: &TableArgs) -> anyhow::Result<Table> {
        let format = source.format(args).with_context(|| source.to_string())?;
        Ok(Table { source, args: args.clone(), format })
    }

    /// Shows every row to `visit`, which may end it with an error of its own. Rows without any content are passed over.
    ///
    /// # Errors
    /// The file cannot be read, its columns are not `columns`, or `visit` says so.
    pub fn each<const N: usize>(
        &self,
        columns: &[Column; N],
        watch: Watch<'_>,
        mut visit: impl FnMut(Line<'_, N>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let file = self.source.open()?;
        let mut rows = 0;
        let mut header: Option<Header<N>> = None;
        let mut row = |number: u64, cells: Cells<'_>| -> anyhow::Result<()> {
            if cells.iter().flatten().all(|cell| cell.trim().is_empty()) && cells.iter().all(Result::is_ok) {
                return Ok(());
            }
            let Some(header) = &header else {
                header = Some(Header::read(columns, cells, &self.args)?);
                return Ok(());
            };
            rows += 1;
            ensure!(rows <= self.args.limits.rows, FileFault::ManyRows(self.args.limits.rows));
            visit((number, header.sort(cells)))
        };
        let read = match self.format {
            Format::Text(encoding) => text::each(file, encoding, watch, &mut row),
            Format::Workbook => workbook::each(file, self.args.sheet.as_deref(), &self.args.limits, &mut row),
            #[cfg(feature = "parquet")]
            Format::Parquet => parquet::each(file, watch, &mut row),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => Err(anyhow::anyhow!(
                "this hufu was built without Parquet; build it with `--features parquet`, or write CSV"
            )),
        };
        let read = read.and_then(|()| Ok(header.map(drop).ok_or(FileFault::Empty)?));
        read.with_context(|| self.source.to_string())
    }

    /// Every row of a table that fits in memory, taken by `take`.
    ///
    /// # Errors
    /// Those of [`each`](Self::each), or all rows that `take` refuses, each with its number.
    pub fn collect<T, const N: usize>(
        &self,
        columns: &[Column; N],
        watch: Watch<'_>,
        mut take: impl FnMut(u64, [&str; N]) -> Result<T, String>,
    ) -> anyhow::Result<Vec<T>> {
        let bytes = self.source.open()?.metadata().map_or(0, |metadata| metadata.len());
        if bytes > WHOLE_MIB_MAX << 20 {
            return Err(anyhow::Error::new(FileFault::Large(WHOLE_MIB_MAX)).context(self.source.to_string()));
        }
        let (mut taken, mut refused) = (Vec::new(), Vec::new());
        self.each(columns, watch, |(number, fields)| {
            match fields.map_err(|fault| fault.to_string()).and_then(|fields| take(number, fields)) {
                Ok(row) => taken.push(row),
                Err(cause) => refused.push((number, cause)),
            }
            Ok(())
        })?;
        if refused.is_empty() { Ok(taken) } else { Err(refused_rows(&self.source, &refused)) }
    }

    /// SHA-256 of the file: what an auditor needs to see that these were the inputs.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn digest(&self) -> anyhow::Result<InputsDigest> {
        let what = || format!("cannot read {}", self.source);
        let mut file = self.source.open()?;
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
}

/// How many refused rows one message lists.
const SHOWN_MAX: usize = 20;

/// The error of a file with rows that were refused, each with its number and the cause.
pub fn refused_rows(file: &dyn fmt::Display, refused: &[(u64, String)]) -> anyhow::Error {
    let mut said = format!("{file}:");
    for (number, cause) in refused.iter().take(SHOWN_MAX) {
        let _ = write!(said, "\nline {number}: {cause}");
    }
    if let Some(more @ 1..) = refused.len().checked_sub(SHOWN_MAX) {
        let _ = write!(said, "\nand {more} more");
    }
    anyhow::Error::msg(said)
}

/// The cells of a row, each the text or why it has none.
type Cells<'c> = &'c [Result<&'c str, CellFault>];

impl Source {
    fn format(&self, args: &TableArgs) -> anyhow::Result<Format> {
        let mut file = self.open()?;
        let mut first = Vec::new();
        file.by_ref().take(4).read_to_end(&mut first)?;
        if let Source::Path(path) = self
            && path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet"))
        {
            return Ok(Format::Parquet);
        }
        match first.as_slice() {
            [b'P', b'K', 3, 4, ..] => return Ok(Format::Workbook),
            [0xd0, 0xcf, 0x11, 0xe0, ..] => bail!(FileFault::OldSpreadsheet),
            _ => {}
        }
        ensure!(args.sheet.is_none(), FileFault::NoSheets);
        file.rewind()?;
        Ok(Format::Text(encoding::of(file, args.encoding)?))
    }

    /// The file, from its beginning.
    fn open(&self) -> anyhow::Result<File> {
        let (file, path) = match self {
            Source::Path(path) => {
                (File::open(path).with_context(|| format!("cannot read {}", path.display()))?, path)
            }
            Source::Open(file) => {
                let mut file = file.try_clone()?;
                file.rewind()?;
                return Ok(file);
            }
        };
        ensure!(
            file.metadata().is_ok_and(|metadata| metadata.is_file()),
            "{} is not a regular file, and it must be read more than once",
            path.display()
        );
        Ok(file)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Path(path) => path.display().fmt(f),
            Source::Open(_) => f.write_str("the file"),
        }
    }
}

/// Text from outside, safe to print: a file may not move somebody's cursor, nor turn a line around.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if hufu_wire::text::is_hidden(c) { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

#[cfg(test)]
mod tests;
