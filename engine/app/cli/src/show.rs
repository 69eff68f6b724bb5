//! How a code is shown: as text, as a picture in a file, or as a QR code in the terminal.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use hufu_files::{self as files, Readable};
use serde_json::json;

use crate::page::PageArgs;
use crate::qr;
use crate::term::{self, note};

/// How to show the code; as text when nothing else is asked for.
#[derive(Debug, Default, Args)]
pub(crate) struct ShowArgs {
    /// Print the code's text
    #[arg(long)]
    text: bool,
    /// Draw a QR code in the terminal
    #[arg(long)]
    qr: bool,
    /// Write a QR code as PNG
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
    /// Write a QR code as SVG
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Pixels of one module in the PNG
    #[arg(long, value_name = "PIXELS", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=64))]
    module_px: u32,
}

impl ShowArgs {
    fn is_wanted(&self) -> bool {
        self.text || self.qr || self.png.is_some() || self.svg.is_some()
    }
}

/// Shows a paper code, also as a page to print.
pub(crate) fn show_paper(text: &str, args: &ShowArgs, page: &PageArgs) -> anyhow::Result<()> {
    page.write(&[text])?;
    if !page.is_wanted() || args.is_wanted() || term::is_json() { show(text, args) } else { Ok(()) }
}

/// Shows a code.
pub(crate) fn show(text: &str, args: &ShowArgs) -> anyhow::Result<()> {
    ensure!(text.len() <= hufu_wire::limits::CODE_TEXT_BYTES_MAX, "the code is longer than gates accept");
    let nothing_else = !args.qr && args.png.is_none() && args.svg.is_none();
    let symbol = if nothing_else { None } else { Some(qr::symbol(text)?) };
    if let (Some(symbol), Some(path)) = (&symbol, &args.png) {
        files::replace(path, &qr::png(symbol, args.module_px)?, Readable::All)?;
        note!("{}: {} characters, {} modules a side", path.display(), text.len(), symbol.size);
    }
    if let (Some(symbol), Some(path)) = (&symbol, &args.svg) {
        files::replace(path, qr::svg(symbol).as_bytes(), Readable::All)?;
        note!("{}: {} characters, {} modules a side", path.display(), text.len(), symbol.size);
    }
    term::outcome(
        || json!({ "code": text, "png": args.png, "svg": args.svg }),
        || {
            let line = if args.text || nothing_else { format!("{text}\n") } else { String::new() };
            let drawn =
                symbol.filter(|_| args.qr).map(|symbol| qr::terminal(&symbol, term::stdout().is_on()));
            line + &drawn.unwrap_or_default()
        },
    );
    Ok(())
}
