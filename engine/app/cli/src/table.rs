//! Tables as people have them: the one reader of `import`, of files of changes and of name lists.
//!
//! CSV with comma, semicolon or tab, in UTF-8, UTF-16 or GB18030; `.xlsx`; Parquet. Each row carries the number that an
//! editor or a spreadsheet shows beside it, because a person corrects it there.

mod columns;
mod encoding;
#[cfg(feature = "parquet")]
mod parquet;
mod records;
mod text;
mod workbook;

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use hufu_wire::chain::InputsDigest;

use self::columns::Header;
pub(crate) use self::columns::{Column, GROUP, ID_NUMBER, NAME, optional, required};
pub(crate) use self::encoding::Encoding;

/// How to read a table where the file does not say it.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct TableArgs {
    /// The encoding of a CSV file, where it cannot be told from its bytes
    #[arg(long, value_name = "NAME")]
    encoding: Option<Encoding>,
    /// The sheet of an .xlsx file that has several
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// A column to skip
    #[arg(long, value_name = "NAME")]
    ignore: Vec<String>,
}

/// A file with a table in it.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
    args: TableArgs,
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text(Encoding),
    Workbook,
    Parquet,
}

/// One row: the number of its first line, counted from 1 as an editor counts, and its fields by column or why it has none.
pub(crate) type Line<'l, const N: usize> = (u64, Result<[&'l str; N], String>);

/// Longest table of which all rows are in memory at once, bytes: a name list or a file of changes, never a population.
const WHOLE_BYTES_MAX: u64 = 256 << 20;

impl Table {
    /// The table at `path`. What it is is told from its first bytes, and for Parquet from its name.
    ///
    /// # Errors
    /// The file cannot be read, is no table, or its encoding cannot be told.
    pub(crate) fn open(path: &Path, args: &TableArgs) -> anyhow::Result<Table> {
        let format = format(path, args).with_context(|| path.display().to_string())?;
        Ok(Table { path: path.to_owned(), args: args.clone(), format })
    }

    /// Shows every row to `visit`, which may end it with an error of its own. Rows without any content are passed over.
    ///
    /// # Errors
    /// The file cannot be read, its columns are not `columns`, or `visit` says so.
    pub(crate) fn each<const N: usize>(
        &self,
        columns: &[Column; N],
        doing: &'static str,
        mut visit: impl FnMut(Line<'_, N>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let file = open(&self.path)?;
        let mut header: Option<Header<N>> = None;
        let mut row = |number: u64, cells: Cells<'_>| -> anyhow::Result<()> {
            if cells.iter().flatten().all(|cell| cell.trim().is_empty()) && cells.iter().all(Result::is_ok) {
                return Ok(());
            }
            let Some(header) = &header else {
                header = Some(Header::read(columns, cells, &self.args.ignore)?);
                return Ok(());
            };
            visit((number, header.sort(cells)))
        };
        let read = match self.format {
            Format::Text(encoding) => text::each(file, encoding, doing, &mut row),
            Format::Workbook => workbook::each(file, self.args.sheet.as_deref(), &mut row),
            #[cfg(feature = "parquet")]
            Format::Parquet => parquet::each(file, doing, &mut row),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => Err(anyhow::anyhow!(
                "this hufu was built without Parquet; build it with `--features parquet`, or write CSV"
            )),
        };
        read.with_context(|| self.path.display().to_string())?;
        ensure!(header.is_some(), "{} is empty; the first line must name the columns", self.path.display());
        Ok(())
    }

    /// Every row of a table that fits in memory, taken by `take`.
    ///
    /// # Errors
    /// Those of [`each`](Self::each), or all rows that `take` refuses, each with its number.
    pub(crate) fn collect<T, const N: usize>(
        &self,
        columns: &[Column; N],
        mut take: impl FnMut(u64, [&str; N]) -> Result<T, String>,
    ) -> anyhow::Result<Vec<T>> {
        let bytes = open(&self.path)?.metadata().map_or(0, |metadata| metadata.len());
        ensure!(bytes <= WHOLE_BYTES_MAX, "{} is larger than 256 MiB", self.path.display());
        let (mut taken, mut refused) = (Vec::new(), Vec::new());
        self.each(columns, "reading", |(number, fields)| {
            match fields.and_then(|fields| take(number, fields)) {
                Ok(row) => taken.push(row),
                Err(cause) => refused.push(format!("line {number}: {cause}")),
            }
            Ok(())
        })?;
        if refused.is_empty() {
            return Ok(taken);
        }
        let more = refused.len().saturating_sub(SHOWN_MAX);
        refused.truncate(SHOWN_MAX);
        let more = if more == 0 { String::new() } else { format!("\nand {more} more") };
        bail!("{}:\n{}{more}", self.path.display(), refused.join("\n"))
    }

    /// SHA-256 of the file: what an auditor needs to see that these were the inputs.
    pub(crate) fn digest(&self) -> anyhow::Result<InputsDigest> {
        let what = || format!("cannot read {}", self.path.display());
        let mut file = open(&self.path)?;
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

/// The cells of a row, each the text or why it has none.
type Cells<'c> = &'c [Result<&'c str, &'static str>];

fn format(path: &Path, args: &TableArgs) -> anyhow::Result<Format> {
    let mut file = open(path)?;
    let mut first = Vec::new();
    file.by_ref().take(4).read_to_end(&mut first)?;
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet")) {
        return Ok(Format::Parquet);
    }
    match first.as_slice() {
        [b'P', b'K', 3, 4, ..] => return Ok(Format::Workbook),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => {
            bail!(
                "it is an old spreadsheet (.xls) or one with a password; save it as .xlsx without a password, or as CSV"
            )
        }
        _ => {}
    }
    ensure!(args.sheet.is_none(), "--sheet is for .xlsx files, and this is none");
    file.rewind()?;
    Ok(Format::Text(encoding::of(file, args.encoding)?))
}

fn open(path: &Path) -> anyhow::Result<File> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(
        file.metadata().is_ok_and(|metadata| metadata.is_file()),
        "{} is not a regular file, and it must be read more than once",
        path.display()
    );
    Ok(file)
}

#[cfg(test)]
mod tests;
