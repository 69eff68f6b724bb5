//! A paper or family code as a page to print: that it is paper, the masked name, and from when to when it is valid, in plain
//! sight (R03, R27). Several stand on one sheet.

mod abroad;
mod fonts;
mod pdf;
mod raster;
mod script;
mod sheet;
mod svg;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use fast_qr::QRCode;
use hufu_codes::code;
use hufu_files::moment::show;
use hufu_files::{self as files, Readable};
use hufu_wire::{CodeKind, limits};
use tempfile::TempPath;

pub(crate) use self::abroad::AbroadPage;
use self::fonts::Fonts;
use crate::qr;
use crate::term::note;

/// Where a page goes.
#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// Write a page to print, with the name and the dates; the file's name ends in .pdf, .svg or .png
    #[arg(long, value_name = "FILE")]
    page: Option<PageFile>,
    /// The size of the page
    #[arg(long, value_name = "SIZE", default_value = "a6", requires = "page")]
    page_size: PageSize,
}

/// A file whose name says its format.
#[derive(Clone, Debug)]
struct PageFile {
    path: PathBuf,
    format: Format,
}

#[derive(Clone, Copy, Debug)]
enum Format {
    Pdf,
    Svg,
    Png,
}

/// ISO 216; A4 is for eyes that want it large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PageSize {
    /// 105 by 148 mm
    A6,
    /// 210 by 297 mm
    A4,
}

impl FromStr for PageFile {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<PageFile> {
        let path = PathBuf::from(name);
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let format = match ending.as_deref() {
            Some("pdf") => Format::Pdf,
            Some("svg") => Format::Svg,
            Some("png") => Format::Png,
            _ => bail!("the name must end in .pdf, .svg or .png"),
        };
        Ok(PageFile { path, format })
    }
}

impl PageArgs {
    /// Whether a page is wanted.
    pub(crate) fn is_wanted(&self) -> bool {
        self.page.is_some()
    }

    /// Writes the page of a paper code, if one is wanted; of several codes, sheets of A4.
    pub(crate) fn write<T: AsRef<str>>(&self, texts: &[T]) -> anyhow::Result<()> {
        if !self.is_wanted() {
            return Ok(());
        }
        let pages = match texts {
            [text] => vec![Page::of(text.as_ref(), self.page_size)?],
            texts => sheet::sheets(texts)?,
        };
        self.store(self.draw(&pages)?, Readable::All)
    }

    /// Draws a certificate for abroad, if a page is wanted. Nothing is written: see [`lay`](Self::lay).
    pub(crate) fn draw_abroad(&self, page: &AbroadPage<'_>) -> anyhow::Result<Option<Vec<u8>>> {
        if self.is_wanted() { self.draw(&[page.page(self.page_size)?]) } else { Ok(None) }
    }

    /// Writes what was drawn.
    fn store(&self, drawn: Option<Vec<u8>>, readable: Readable) -> anyhow::Result<()> {
        let (Some(PageFile { path, .. }), Some(bytes)) = (&self.page, drawn) else { return Ok(()) };
        files::replace(path, &bytes, readable)?;
        note!("{}: a page to print", path.display());
        Ok(())
    }

    /// Takes the room for what was drawn beside its place. Its bytes come with [`LaidPage::give_name`]: a page that is left
    /// behind here says nothing. Dropped, it is gone.
    pub(crate) fn lay(
        &self,
        drawn: Option<Vec<u8>>,
        readable: Readable,
    ) -> anyhow::Result<Option<LaidPage<'_>>> {
        let (Some(PageFile { path, .. }), Some(bytes)) = (&self.page, drawn) else { return Ok(None) };
        let laid = files::with_extension(path, "new");
        files::replace(&laid, &vec![0; bytes.len()], readable)?;
        Ok(Some(LaidPage { laid: TempPath::try_from_path(laid)?, path, bytes }))
    }

    fn draw(&self, pages: &[Page]) -> anyhow::Result<Option<Vec<u8>>> {
        let Some(PageFile { format, .. }) = &self.page else { return Ok(None) };
        let only = || match pages {
            [page] => Ok(page),
            pages => bail!("{} sheets are needed: let the name end in .pdf", pages.len()),
        };
        Ok(Some(match format {
            Format::Svg => svg::write(only()?).into_bytes(),
            Format::Pdf => pdf::write(pages, &Fonts::of_this_machine())?,
            Format::Png => raster::write(only()?, &Fonts::of_this_machine())?,
        }))
    }
}

/// A page that has its room, and neither its bytes nor its name yet.
#[must_use = "it is removed when this is dropped"]
pub(crate) struct LaidPage<'a> {
    laid: TempPath,
    path: &'a Path,
    bytes: Vec<u8>,
}

impl LaidPage<'_> {
    /// Writes the page, and gives it its name.
    ///
    /// # Errors
    /// It cannot be written, or be renamed; the error says where it is.
    pub(crate) fn give_name(self) -> anyhow::Result<()> {
        let LaidPage { laid, path, bytes } = self;
        std::fs::write(&laid, &bytes).with_context(|| format!("cannot write {}", laid.display()))?;
        let laid = laid.keep().map_err(|fault| fault.error)?;
        files::give_name(&laid, path)
            .with_context(|| format!("the page to print is in {}: rename it", laid.display()))?;
        note!("{}: a page to print", path.display());
        Ok(())
    }
}

/// What stands on a page, in millimetres from its upper left corner.
struct Page {
    width: f32,
    height: f32,
    /// What viewers call it.
    title: &'static str,
    marks: Vec<Mark>,
}

enum Mark {
    /// A filled box.
    Box { x: f32, y: f32, width: f32, height: f32 },
    /// A line of text; `x` is its middle, `y` its base line, `size` an em.
    Line { x: f32, y: f32, size: f32, ink: Ink, text: String },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ink {
    Black,
    /// A watermark's.
    Grey,
    White,
}

impl Ink {
    /// How light it is, 0 to 1.
    const fn light(self) -> f32 {
        match self {
            Ink::Black => 0.0,
            Ink::Grey => 0.86,
            Ink::White => 1.0,
        }
    }
}

/// Millimetres of an A6 page.
const WIDTH: f32 = 105.0;
const HEIGHT: f32 = 148.0;
const MARGIN: f32 = 9.0;
/// The side of the symbol with its quiet zone.
const SYMBOL: f32 = 84.0;

impl Page {
    fn of(text: &str, size: PageSize) -> anyhow::Result<Page> {
        let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
        let code =
            code::parse_text(text.as_bytes(), &mut binary).ok().context("the code cannot be read back")?;
        let claims = code.credential.claims();
        let (title, band, size_mm) = match claims.kind() {
            CodeKind::Paper => ("Paper code", "PAPER CODE", 10.0),
            CodeKind::Family => ("Family code", "FAMILY CODE, PAPER", 7.0),
            CodeKind::Phone | CodeKind::Trip | CodeKind::Foreign | CodeKind::Reference => {
                bail!("only a paper or family code is printed as a page")
            }
        };
        let mut page = Page { width: WIDTH, height: HEIGHT, title, marks: Vec::new() };
        page.marks.push(Mark::Box { x: MARGIN, y: MARGIN, width: WIDTH - 2.0 * MARGIN, height: 14.0 });
        page.line(WIDTH / 2.0, MARGIN + 7.0 + 0.36 * size_mm, size_mm, Ink::White, band);
        page.symbol(&qr::symbol(text)?, (WIDTH - SYMBOL) / 2.0, 23.5, SYMBOL);
        page.line(WIDTH / 2.0, 113.0, 10.0, Ink::Black, claims.display);
        // Small enough for a wide font and for a date with an offset from UTC.
        for (y, label, at) in [(120.5, "Issued", claims.issued), (132.5, "Valid until", claims.expires)] {
            page.line(WIDTH / 2.0, y, 3.6, Ink::Black, label);
            page.line(WIDTH / 2.0, y + 5.5, 4.8, Ink::Black, &show(at).replacen('T', " ", 1));
        }
        Ok(page.sized(size))
    }

    /// An A6 page as one of this size.
    fn sized(self, size: PageSize) -> Page {
        match size {
            PageSize::A6 => self,
            // Twice as wide and high; the rounded size of ISO 216 is a millimetre more.
            PageSize::A4 => Page { height: 297.0, ..self.enlarged(2.0) },
        }
    }

    fn line(&mut self, x: f32, y: f32, size: f32, ink: Ink, text: &str) {
        self.marks.push(Mark::Line { x, y, size, ink, text: text.to_owned() });
    }

    /// One box for each run of dark modules in a row.
    #[expect(clippy::cast_precision_loss, reason = "at most 185 modules")]
    fn symbol(&mut self, symbol: &QRCode, x: f32, y: f32, side: f32) {
        let modules = symbol.size + 2 * qr::QUIET_ZONE;
        let module = side / modules as f32;
        for row in 0..modules {
            let mut at = 0;
            while at < modules {
                let run = (at..modules).take_while(|at| qr::is_dark(symbol, *at, row)).count();
                if run > 0 {
                    let [left, top] = [at, row].map(|at| at as f32 * module);
                    self.marks.push(Mark::Box {
                        x: x + left,
                        y: y + top,
                        width: run as f32 * module,
                        height: module,
                    });
                }
                at += run.max(1);
            }
        }
    }

    fn enlarged(mut self, times: f32) -> Page {
        for mark in &mut self.marks {
            let lengths = match mark {
                Mark::Box { x, y, width, height } => vec![x, y, width, height],
                Mark::Line { x, y, size, .. } => vec![x, y, size],
            };
            for length in lengths {
                *length *= times;
            }
        }
        Page { width: self.width * times, height: self.height * times, ..self }
    }
}

#[cfg(test)]
mod tests;
