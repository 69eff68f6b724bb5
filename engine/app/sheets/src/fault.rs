//! Why a file is no table, or a cell no text. The sentences are for commands; pages have their own for each fault.

/// Why a whole file cannot be read as a table. The person who made the file can correct each of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileFault {
    /// An old binary spreadsheet, or one with a password.
    #[error(
        "it is an old spreadsheet (.xls) or one with a password; save it as .xlsx without a password, or as CSV"
    )]
    OldSpreadsheet,
    /// A sheet was named, and the file has none.
    #[error("--sheet is for .xlsx files, and this is none")]
    NoSheets,
    /// UTF-16 without a mark, or no text at all.
    #[error("it is not text, or UTF-16 without a mark; --encoding utf-16le reads the latter")]
    NotText,
    /// The bytes are valid in two encodings, with other names in each.
    #[error(
        "its bytes are UTF-8 and also GB18030, and names differ; give --encoding gb18030 when a spreadsheet in \
         Chinese wrote it, else --encoding utf-8"
    )]
    TwoEncodings,
    /// Nothing is in it.
    #[error("it is empty; the first line must name the columns")]
    Empty,
    /// More bytes than a list may have, MiB.
    #[error("it is larger than {0} MiB")]
    Large(u64),
    /// More rows than a list may have.
    #[error("it has more than {0} rows; split it")]
    ManyRows(u64),
    /// Columns that nothing here reads.
    #[error(
        "unknown column {}; expected one of {}; --ignore NAME skips a column",
        .names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        .known.join(", ")
    )]
    UnknownColumns {
        /// Their names, printable.
        names: Vec<String>,
        /// The names that are read.
        known: Vec<&'static str>,
    },
    /// A column that is there twice.
    #[error("column `{0}` appears twice")]
    ColumnTwice(&'static str),
    /// A column that must be there.
    #[error("column `{0}` is missing; the first line must name the columns")]
    ColumnMissing(&'static str),
    /// A quotation mark is not closed.
    #[error("line {0}: a quotation mark opens a field there and no other closes it")]
    OpenQuote(u64),
    /// A record that is longer than any row of a list.
    #[error("line {0}: longer than 64 KiB; is a quotation mark missing there?")]
    LongRow(u64),
    /// Not a zip file, or a broken one.
    #[error("it is not an .xlsx file, or it is damaged")]
    NotWorkbook,
    /// A zip file, and not a workbook that can be read.
    #[error("it is not an .xlsx file that can be read ({0}); save it again, or as CSV")]
    Damaged(String),
    /// A password is needed to open it.
    #[error("it has a password; save it without")]
    Password,
    /// Unzipped it is larger than any list, MiB.
    #[error("it holds more than {0} MiB; save the list alone, or as CSV")]
    Bomb(u64),
    /// The sheet that was named is not there.
    #[error("it has no sheet of that name; its sheets are {}", ticked(.0))]
    NoSuchSheet(Vec<String>),
    /// More than one visible sheet has content.
    #[error("several sheets have content; --sheet says which to read: {}", ticked(.0))]
    SeveralSheets(Vec<String>),
    /// No visible sheet has content.
    #[error("no visible sheet has content")]
    NoContent,
    /// The rows are not in their order.
    #[error("row {0} comes after row {1}; save the file again")]
    RowOrder(u64, u64),
    /// A cell stands far right of every list.
    #[error("row {0} has content beyond column {1}")]
    Wide(u64, usize),
}

fn ticked(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Why a row has no text where one is needed. It repeats nothing of the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CellFault {
    /// The spreadsheet has replaced digits by zeroes.
    #[error(
        "a number of more than 15 digits was kept as a number, so the spreadsheet has replaced its last digits by \
         zeroes; format the column as text and enter the numbers again"
    )]
    Rounded,
    /// A length of time.
    #[error("a length of time where a text should be")]
    Duration,
    /// A formula without a result.
    #[error("a formula in it failed")]
    Formula,
    /// Bytes of another encoding.
    #[error("not UTF-8; --encoding says in which encoding the file is")]
    NotUtf8,
    /// CSV that goes on after a closing quotation mark.
    #[error("text after a closing quotation mark")]
    Stray,
    /// Too few or too many fields.
    #[error("{found} fields, and the first line has {names} names")]
    Fields {
        /// How many it has.
        found: usize,
        /// How many the first line has.
        names: usize,
    },
    /// A text where the first line has no name.
    #[error("field {0} has a text, and the first line has no name for it")]
    Unnamed(usize),
    /// Bytes in a Parquet file that are no text.
    #[error("not UTF-8")]
    NotText,
    /// A kind of field that is no text.
    #[error("a field is not text, a number or a time")]
    Kind,
    /// A time beyond the calendar.
    #[error("a time out of range")]
    Time,
}
