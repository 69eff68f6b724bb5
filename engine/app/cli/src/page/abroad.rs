//! A certificate for abroad as a page: what it says, its code, and a watermark in English and the holder's language (R63).

use hufu_files::moment::show;
use hufu_hc1::issue::{Checked, Kind, Uvci};
use hufu_texts::{Language, say};
use hufu_wire::UnixSeconds;

use super::{HEIGHT, Ink, MARGIN, Mark, Page, PageSize, WIDTH};
use crate::qr;

/// What stands on the page.
pub(crate) struct AbroadPage<'a> {
    pub(crate) code: &'a str,
    pub(crate) claim: &'a Checked<'a>,
    pub(crate) expires: UnixSeconds,
    pub(crate) uvci: &'a Uvci,
    pub(crate) language: Language,
}

/// The side of the symbol with its quiet zone: a module of 0.9 mm, as on the European certificate, or more.
pub(super) const SYMBOL: f32 = 74.0;
/// Where the symbol begins and ends; the watermark stays clear of it.
pub(super) const TOP: f32 = 31.0;
/// The middle of the page, and what fits between its margins.
const MIDDLE: (f32, f32) = (WIDTH / 2.0, WIDTH - 2.0 * MARGIN);
/// Where the name stands, and its machine-readable form: from the top to the last base line.
const NAME: (f32, f32) = (103.8, 109.8);
const ICAO: (f32, f32) = (110.4, 114.8);
/// Lines of a name at most.
const LINES_MAX: usize = 3;
/// Base lines of the watermark.
const WATERMARKS: [f32; 7] = [28.5, 108.5, 114.5, 120.5, 126.5, 132.5, 138.5];

impl AbroadPage<'_> {
    pub(super) fn page(&self, size: PageSize) -> anyhow::Result<Page> {
        let id = match self.claim.kind() {
            Kind::Vaccination(_) => "abroad-vaccination",
            Kind::Test(_) => "abroad-test",
            Kind::Recovery(_) => "abroad-recovery",
        };
        let english = |id: &str| say(Language::En, id, &[]);
        let own = |id: &str| say(self.language, id, &[]);
        let both = |id: &str| {
            if self.language == Language::En { english(id) } else { format!("{} / {}", english(id), own(id)) }
        };
        let mut page = Page { width: WIDTH, height: HEIGHT, title: "Certificate", marks: Vec::new() };
        for (row, y) in WATERMARKS.into_iter().enumerate() {
            // The two languages in turn, so that a page that was cut still shows both.
            let text = if row % 2 == 0 { english("abroad-watermark") } else { own("abroad-watermark") };
            for x in [WIDTH * 0.27, WIDTH * 0.73] {
                page.mark((x, WIDTH * 0.42), y, 6.0, Ink::Grey, &text);
            }
        }
        page.marks.push(Mark::Box { x: MARGIN, y: MARGIN, width: WIDTH - 2.0 * MARGIN, height: 14.0 });
        page.mark(MIDDLE, MARGIN + 6.5, 5.0, Ink::White, &english(id).to_uppercase());
        if self.language != Language::En {
            page.mark(MIDDLE, MARGIN + 12.0, 4.0, Ink::White, &own(id));
        }
        page.symbol(&qr::symbol(self.code)?, (WIDTH - SYMBOL) / 2.0, TOP, SYMBOL);
        let claim = self.claim.claim();
        let name = format!("{} {}", claim.surname, claim.given);
        let icao = format!("{}<<{}", self.claim.surname_icao(), self.claim.given_icao());
        let said = match self.claim.kind() {
            Kind::Vaccination(v) => {
                format!("{}/{}  {}  {}  {}", v.dose, v.series, v.date, v.product, v.country)
            }
            Kind::Test(t) => format!("{}  {}", t.taken.replacen('T', " ", 1), t.country),
            Kind::Recovery(r) => format!("{}  {} - {}  {}", r.first_positive, r.from, r.until, r.country),
        };
        page.lines(NAME, 5.5, name.trim(), ' ');
        page.lines(ICAO, 3.0, icao.trim_end_matches('<'), '<');
        let lines = [
            ("abroad-born", claim.born.clone()),
            (id, said),
            ("holder-status-until", show(self.expires).replacen('T', " ", 1)),
        ];
        for (y, (id, value)) in [118.5, 126.0, 133.5].into_iter().zip(lines) {
            page.mark(MIDDLE, y, 2.6, Ink::Black, &both(id));
            page.mark(MIDDLE, y + 3.6, 3.4, Ink::Black, &value);
        }
        page.mark(MIDDLE, 143.0, 2.4, Ink::Black, self.uvci.as_str());
        Ok(page.sized(size))
    }
}

impl Page {
    /// A text that may be long, names have up to 160 letters: on as many lines as let its letters be largest, broken behind
    /// `blank` and never within a word unless the word is longer than a line. The lines end at the lower edge.
    fn lines(&mut self, (top, last): (f32, f32), size: f32, text: &str, blank: char) {
        let fits = |lines: &[String]| {
            let widest = lines.iter().map(|line| ems(line)).fold(1.0, f32::max);
            #[expect(clippy::cast_precision_loss, reason = "three at most")]
            let height = (last - top) / (lines.len() as f32 - 0.1);
            size.min(MIDDLE.1 / widest).min(height)
        };
        let ways = (1..=LINES_MAX).map(|count| broken(text, blank, count));
        // The fewest lines among those of the largest letters.
        let best = ways.reduce(|best, way| if fits(&way) > fits(&best) { way } else { best });
        let lines = best.unwrap_or_default();
        let size = fits(&lines);
        for (nth, line) in lines.iter().rev().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "three at most")]
            let y = last - nth as f32 * size;
            self.mark(MIDDLE, y, size, Ink::Black, line);
        }
    }

    /// A line around `x` that is made smaller until it is no wider than `width`.
    fn mark(&mut self, (x, width): (f32, f32), y: f32, size: f32, ink: Ink, text: &str) {
        // Marks of direction (FSI, PDI) are for viewers that turn texts; here each line is of one direction.
        let text: String = text.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}')).collect();
        self.line(x, y, size.min(width / ems(&text).max(1.0)), ink, &text);
    }
}

/// About how wide a text is, ems: a letter is at most one wide where it is of China, Japan or Korea, and about two thirds
/// elsewhere.
fn ems(text: &str) -> f32 {
    text.chars().map(|c| if u32::from(c) >= 0x1100 { 1.0 } else { 0.68 }).sum()
}

/// A text on `count` lines at most, as even as its words allow.
fn broken(text: &str, blank: char, count: usize) -> Vec<String> {
    let letters = text.chars().count();
    let target = letters.div_ceil(count);
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(blank) {
        let line = lines.len();
        let (so_far, more) = lines.last().map_or((0, 0), |last| (last.chars().count(), word.chars().count()));
        // To the next line where more of the word would stand beyond the even end than before it.
        if line < count && so_far > 0 && so_far + more / 2 > target {
            lines.push(String::new());
        }
        if let Some(last) = lines.last_mut() {
            last.push_str(word);
        }
    }
    lines.iter().map(|line| line.trim_end_matches(' ').to_owned()).collect()
}
