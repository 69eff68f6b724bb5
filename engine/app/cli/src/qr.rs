//! Codes as pictures: QR symbols out to PNG, SVG or a terminal, and back from a photograph.

mod read;

use anyhow::Context as _;
use fast_qr::convert::Builder as _;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::{ECL, QRBuilder, QRCode};

pub(crate) use self::read::read;
use crate::picture::Grey;

/// Light modules around a symbol (ISO/IEC 18004, 5.3.8).
pub(crate) const QUIET_ZONE: usize = 4;

/// The symbol of a code: level L, because a gate's scanner is close and a denser symbol is harder to read.
pub(crate) fn symbol(text: &str) -> anyhow::Result<QRCode> {
    QRBuilder::new(text).ecl(ECL::L).build().context("the code is too long for a QR symbol")
}

/// A PNG with `module_px` pixels for each module.
pub(crate) fn png(symbol: &QRCode, module_px: u32) -> anyhow::Result<Vec<u8>> {
    let (side, module) = (symbol.size + 2 * QUIET_ZONE, module_px as usize);
    let row =
        |y| (0..side * module).map(move |x| if is_dark(symbol, x / module, y / module) { 0 } else { 255 });
    let pixels = (0..side * module).flat_map(row).collect();
    Grey { width: side * module, height: side * module, pixels }.to_png()
}

/// An SVG.
pub(crate) fn svg(symbol: &QRCode) -> String {
    SvgBuilder::default().margin(QUIET_ZONE).to_str(symbol)
}

/// The symbol in half blocks. With colours it is black on white whatever the terminal's own colours; without,
/// the blocks are the light modules, right for a dark terminal.
pub(crate) fn terminal(symbol: &QRCode, colours: bool) -> String {
    let side = symbol.size + 2 * QUIET_ZONE;
    let mut text = String::new();
    for y in (0..side).step_by(2) {
        if colours {
            text.push_str("\x1b[30;107m");
        }
        for x in 0..side {
            let full = |y| y < side && is_dark(symbol, x, y) == colours;
            text.push(match (full(y), full(y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        text.push_str(if colours { "\x1b[0m\n" } else { "\n" });
    }
    text
}

/// Whether a module is dark, counted from the corner of the quiet zone.
pub(crate) fn is_dark(symbol: &QRCode, x: usize, y: usize) -> bool {
    let inside = |at: usize| at.checked_sub(QUIET_ZONE).filter(|at| *at < symbol.size);
    match (inside(x), inside(y)) {
        (Some(x), Some(y)) => symbol[y][x].value(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As long as a phone code may be, in its alphabet.
    fn text(chars: usize) -> String {
        "HF1:".chars().chain("6BFOXN*TS0BI$ZD.P7 +%".chars().cycle()).take(chars).collect()
    }

    #[test]
    fn codes_fit_the_symbols_they_were_made_for() {
        assert_eq!(symbol(&text(445)).unwrap().size, 61, "version 11");
        assert_eq!(symbol(&text(195)).unwrap().size, 41, "version 6");
    }

    #[test]
    fn a_terminal_symbol_has_its_quiet_zone() {
        let plain = terminal(&symbol("HF1:").unwrap(), false);
        assert!(plain.lines().take(2).all(|line| line.chars().all(|c| c == '█')), "{plain}");
        assert!(terminal(&symbol("HF1:").unwrap(), true).lines().all(|line| line.ends_with("\x1b[0m")));
    }
}
