//! The outlines of letters, from the font that the command carries and from those of this machine.
//!
//! `letters.ttf` is Roboto Bold (Apache License 2.0, Google), cut down to Latin, Greek and Cyrillic letters. A font with
//! Chinese ones would be larger than the rest of the command, so they come from the machine's own fonts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use anyhow::{bail, ensure};
use ttf_parser::{Face, OutlineBuilder};

use super::script;

const LETTERS: &[u8] = include_bytes!("letters.ttf");

/// Where systems and people keep fonts; the last two are in the home folder.
const FOLDERS: [&str; 4] = ["/usr/share/fonts", "/usr/local/share/fonts", ".local/share/fonts", ".fonts"];
/// Files looked at before the search ends.
const FILES_MAX: usize = 4_000;

/// Fonts that are asked one after the other.
pub(super) struct Fonts {
    folders: Vec<PathBuf>,
    /// What was found for each letter so far, and the last font that had one: a text is of one script mostly.
    found: RefCell<BTreeMap<char, Glyph>>,
    last: RefCell<Vec<u8>>,
}

/// A letter, in ems, from its base line upwards.
#[derive(Clone)]
pub(super) struct Glyph {
    /// How far the next letter is.
    pub(super) advance: f32,
    pub(super) strokes: Vec<Stroke>,
}

/// A piece of an outline; points are x and y.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stroke {
    Move([f32; 2]),
    Line([f32; 2]),
    Quad([f32; 2], [f32; 2]),
    Cubic([f32; 2], [f32; 2], [f32; 2]),
    Close,
}

/// The width of a line, ems.
pub(super) fn width(glyphs: &[Glyph]) -> f32 {
    glyphs.iter().map(|glyph| glyph.advance).sum()
}

impl Fonts {
    /// The command's own font, then those of this machine.
    pub(super) fn of_this_machine() -> Fonts {
        let home = env::home_dir().unwrap_or_default();
        // Joined with a whole path, it stays that path.
        Fonts::new(FOLDERS.map(|folder| home.join(folder)).to_vec())
    }

    /// The command's own font, then those in these folders.
    #[cfg(test)]
    pub(super) fn in_folders(folders: Vec<PathBuf>) -> Fonts {
        Fonts::new(folders)
    }

    fn new(folders: Vec<PathBuf>) -> Fonts {
        Fonts { folders, found: RefCell::default(), last: RefCell::default() }
    }

    /// The letters of a text, from left to right.
    ///
    /// # Errors
    /// No font has one of them, or they would have to be joined.
    pub(super) fn glyphs(&self, text: &str) -> anyhow::Result<Vec<Glyph>> {
        ensure!(
            text.chars().filter(|c| is_joined(*c) && !script::is_set(*c)).count() < 2,
            "the name is in a script whose letters are joined, and PNG and PDF pages set letters one by one: write the \
             page as .svg, which the viewer's own fonts show"
        );
        let set = script::set(text);
        let mut glyphs = set.chars().map(|c| self.glyph(c)).collect::<anyhow::Result<Vec<_>>>()?;
        stack(&mut glyphs);
        Ok(glyphs)
    }

    fn glyph(&self, c: char) -> anyhow::Result<Glyph> {
        if let Some(glyph) = self.found.borrow().get(&c) {
            return Ok(glyph.clone());
        }
        let glyph = self.find(c)?;
        self.found.borrow_mut().insert(c, glyph.clone());
        Ok(glyph)
    }

    fn find(&self, c: char) -> anyhow::Result<Glyph> {
        if let Some(glyph) = glyph_in(LETTERS, c).or_else(|| glyph_in(&self.last.borrow(), c)) {
            return Ok(glyph);
        }
        let mut files = Vec::new();
        for folder in &self.folders {
            gather(folder, &mut files);
        }
        // The usual weight first, of the fonts that have it.
        files.sort_by_key(|path| (!path.to_string_lossy().contains("Regular"), path.clone()));
        for path in files {
            if let Ok(font) = fs::read(&path)
                && let Some(glyph) = glyph_in(&font, c)
            {
                self.last.replace(font);
                return Ok(glyph);
            }
        }
        bail!(
            "no font of this machine has a letter of the name: write the page as .svg, which the viewer's own fonts \
             show, or install a font that has it (Debian: fonts-noto-cjk, fonts-noto-core)"
        )
    }
}

/// Lifts a mark over the mark before it on the same letter: fonts leave that to tables (GPOS) that are not read here.
fn stack(glyphs: &mut [Glyph]) {
    // How high what stands on the letter reaches.
    let mut top = None;
    for glyph in glyphs {
        let Some((low, high)) = glyph.height() else { continue };
        if glyph.advance > 0.0 {
            top = None;
            continue;
        }
        // A mark below the letter stays where it is.
        if high < MARK_LOW {
            continue;
        }
        let lift = top.map_or(0.0, |top: f32| (top + MARK_GAP - low).max(0.0));
        if lift > 0.0 {
            glyph.lift(lift);
        }
        top = Some(high + lift);
    }
}

/// Ems: what ends below this stands under its letter, and what is left between two marks.
const MARK_LOW: f32 = 0.3;
const MARK_GAP: f32 = 0.03;

impl Glyph {
    /// The lowest and the highest point, ems.
    fn height(&self) -> Option<(f32, f32)> {
        let points = self.strokes.iter().flat_map(|stroke| stroke.points()).map(|[_, y]| y);
        points.fold(None, |all: Option<(f32, f32)>, y| {
            Some(all.map_or((y, y), |(low, high)| (low.min(y), high.max(y))))
        })
    }

    fn lift(&mut self, by: f32) {
        let up = |[x, y]: [f32; 2]| [x, y + by];
        for stroke in &mut self.strokes {
            *stroke = match *stroke {
                Stroke::Move(to) => Stroke::Move(up(to)),
                Stroke::Line(to) => Stroke::Line(up(to)),
                Stroke::Quad(by, to) => Stroke::Quad(up(by), up(to)),
                Stroke::Cubic(a, b, to) => Stroke::Cubic(up(a), up(b), up(to)),
                Stroke::Close => Stroke::Close,
            };
        }
    }
}

impl Stroke {
    fn points(self) -> Vec<[f32; 2]> {
        match self {
            Stroke::Move(to) | Stroke::Line(to) => vec![to],
            Stroke::Quad(by, to) => vec![by, to],
            Stroke::Cubic(a, b, to) => vec![a, b, to],
            Stroke::Close => Vec::new(),
        }
    }
}

fn gather(folder: &std::path::Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let is_font = |ending: &OsStr| {
            ["ttf", "otf", "ttc", "otc"].iter().any(|known| ending.eq_ignore_ascii_case(known))
        };
        if files.len() >= FILES_MAX {
            return;
        } else if path.extension().is_some_and(is_font) {
            files.push(path);
        } else if path.is_dir() && !path.is_symlink() {
            gather(&path, files);
        }
    }
}

/// The glyph, if the file is a font that has an outline for it.
fn glyph_in(font: &[u8], c: char) -> Option<Glyph> {
    (0..ttf_parser::fonts_in_collection(font).unwrap_or(1)).find_map(|index| {
        let face = Face::parse(font, index).ok()?;
        let id = face.glyph_index(c)?;
        // A mark that stands above or below a letter: many fonts leave it to tables to move it there (GPOS). Here it ends where
        // its letter ends.
        let is_mark = face.glyph_hor_advance(id) == Some(0);
        let back = face.glyph_bounding_box(id).filter(|_| is_mark).map_or(0, |all| all.x_max.max(0));
        let em = 1.0 / f32::from(face.units_per_em());
        let mut pen = Pen { em, back: f32::from(back), strokes: Vec::new() };
        let drawn = face.outline_glyph(id, &mut pen).is_some() || c == ' ';
        let advance = f32::from(face.glyph_hor_advance(id)?) * pen.em;
        drawn.then_some(Glyph { advance, strokes: pen.strokes })
    })
}

struct Pen {
    em: f32,
    /// How far to the left everything is drawn, in the font's units.
    back: f32,
    strokes: Vec<Stroke>,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> [f32; 2] {
        [(x - self.back) * self.em, y * self.em]
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.strokes.push(Stroke::Move(self.at(x, y)));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.strokes.push(Stroke::Line(self.at(x, y)));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.strokes.push(Stroke::Quad(self.at(x1, y1), self.at(x, y)));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.strokes.push(Stroke::Cubic(self.at(x1, y1), self.at(x2, y2), self.at(x, y)));
    }

    fn close(&mut self) {
        self.strokes.push(Stroke::Close);
    }
}

/// Whether a letter's form depends on its neighbours: Arabic, Syriac, the scripts of India, Tibetan, Burmese, Khmer,
/// Mongolian (Unicode, chapters 9, 12, 13 and 16).
const fn is_joined(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{18af}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}')
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn r63_marks_on_one_letter_stand_above_each_other() {
        let glyph = |advance, low: f32, high: f32| Glyph {
            advance,
            strokes: vec![Stroke::Move([0.0, low]), Stroke::Line([0.1, high]), Stroke::Close],
        };
        let mut line = [
            glyph(0.6, 0.0, 0.6),
            glyph(0.0, -0.3, -0.1),
            glyph(0.0, 0.7, 0.9),
            glyph(0.0, 0.75, 0.95),
            glyph(0.6, 0.0, 0.6),
            glyph(0.0, 0.75, 0.95),
        ];
        stack(&mut line);
        let heights: Vec<_> = line.iter().map(|glyph| glyph.height().unwrap()).collect();
        assert_eq!(heights[1], (-0.3, -0.1), "a mark below the letter stays");
        assert_eq!(heights[2], (0.7, 0.9));
        assert!(heights[3].0 > 0.9 && heights[3].0 < 1.0, "{heights:?}");
        assert_eq!(heights[5], (0.75, 0.95), "another letter's");
    }

    /// A font whose only character is `c`, drawn like the `A` of the command's own font.
    pub(in crate::page) fn with_letter(c: char) -> Vec<u8> {
        with_letters(&BTreeSet::from([c]))
    }

    /// The command's own font with a table of characters (`cmap`, format 12) that draws each of these like its `A`.
    pub(in crate::page) fn with_letters(letters: &BTreeSet<char>) -> Vec<u8> {
        let a = Face::parse(LETTERS, 0).unwrap().glyph_index('A').unwrap().0;
        let groups = u32::try_from(letters.len()).unwrap();
        let mut cmap = Vec::new();
        // Version 0, one table: platform 3, encoding 10, at offset 12; format 12, its bytes, one group a letter.
        for number in [0u16, 1, 3, 10, 0, 12, 12, 0] {
            cmap.extend(number.to_be_bytes());
        }
        for number in [16 + 12 * groups, 0, groups] {
            cmap.extend(number.to_be_bytes());
        }
        for c in letters {
            for number in [u32::from(*c), u32::from(*c), u32::from(a)] {
                cmap.extend(number.to_be_bytes());
            }
        }
        let mut font = LETTERS.to_vec();
        let entry = font.windows(4).position(|tag| tag == b"cmap").unwrap();
        let [at, bytes] = [font.len(), cmap.len()].map(|number| u32::try_from(number).unwrap().to_be_bytes());
        font[entry + 8..entry + 12].copy_from_slice(&at);
        font[entry + 12..entry + 16].copy_from_slice(&bytes);
        font.extend(cmap);
        font
    }
}
