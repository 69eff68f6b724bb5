//! The order and the forms of letters, as far as a line on a page needs them. Arabic letters take the form that their
//! neighbours want (Unicode, chapter 9.2); a line with Arabic or Hebrew letters is turned so that it can be set from left to
//! right; a Thai vowel that has a part above its letter gives the tone's mark its place.

/// Letters that follow each other both in Unicode and in the block Arabic Presentation Forms-B: the first, its first form, and
/// how many forms each has. Four are alone, at the end, at the beginning, in the middle; two join on the right alone.
const LETTERS: [(char, u32, &[u8]); 2] =
    [('\u{621}', 0xfe80, b"12222424244444222244444444"), ('\u{641}', 0xfed1, b"4444444224")];
/// Those of Persian and Urdu, in the block Presentation Forms-A.
const MORE: [(char, u32, u32); 6] = [
    ('\u{67e}', 0xfb56, 4),
    ('\u{686}', 0xfb7a, 4),
    ('\u{698}', 0xfb8a, 2),
    ('\u{6a9}', 0xfb8e, 4),
    ('\u{6af}', 0xfb92, 4),
    ('\u{6cc}', 0xfbfc, 4),
];
/// A stroke that lengthens a word: it joins on both sides and has no forms.
const TATWEEL: char = '\u{640}';
/// Lam and an alef are one letter: the alef, and its form alone; the form at the end follows.
const LAM_ALEF: [(char, u32); 4] =
    [('\u{622}', 0xfef5), ('\u{623}', 0xfef7), ('\u{625}', 0xfef9), ('\u{627}', 0xfefb)];
const LAM: char = '\u{644}';

/// SARA AM of Thai: a circle above the letter before it, and a vowel behind it.
const SARA_AM: (char, [char; 2]) = ('\u{e33}', ['\u{e4d}', '\u{e32}']);

/// The line as it is set from left to right. A text without letters of these scripts stays as it is.
pub(super) fn set(text: &str) -> String {
    if text.contains(SARA_AM.0) {
        return set(&parted(text));
    }
    if !text.chars().any(is_turned) {
        return text.to_owned();
    }
    // Vowel signs are left out, as on most documents.
    let text: Vec<char> = text.chars().filter(|c| !is_vowel_sign(*c)).collect();
    let mut line: Vec<char> = shaped(&text);
    line.reverse();
    // Words and numbers of other scripts are read from left to right also inside of a line that is turned.
    let is_turned_back = |c: char| c.is_alphanumeric() && !is_form(c) && !is_hebrew(c);
    let mut at = 0;
    while at < line.len() {
        let is_between = |at: usize| {
            let next = line.get(at + 1).is_some_and(|next| is_turned_back(*next));
            next && matches!(line[at], ' ' | '.' | '/' | ':' | '-' | '+' | ',')
        };
        let run =
            (at..line.len()).take_while(|&n| is_turned_back(line[n]) || n > at && is_between(n)).count();
        line[at..at + run].reverse();
        at += run.max(1);
    }
    line.into_iter().map(mirrored).collect()
}

/// With the circle of each SARA AM under the mark of the tone, and the vowel behind it.
fn parted(text: &str) -> String {
    let mut line: Vec<char> = Vec::new();
    for c in text.chars() {
        if c != SARA_AM.0 {
            line.push(c);
            continue;
        }
        let (_, [circle, vowel]) = SARA_AM;
        let tone = line.pop_if(|last| matches!(last, '\u{e48}'..='\u{e4b}'));
        line.extend([Some(circle), tone, Some(vowel)].into_iter().flatten());
    }
    line.into_iter().collect()
}

/// Whether a letter's script is written from right to left.
fn is_turned(c: char) -> bool {
    known(c).is_some() || is_hebrew(c)
}

const fn is_hebrew(c: char) -> bool {
    matches!(c, '\u{5d0}'..='\u{5f4}' | '\u{fb1d}'..='\u{fb4f}')
}

const fn is_vowel_sign(c: char) -> bool {
    matches!(c, '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}')
}

/// Whether a letter is one that [`set`] gives its form.
pub(super) fn is_set(c: char) -> bool {
    known(c).is_some()
        || is_form(c)
        || matches!(c, '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{64b}'..='\u{65f}' | '\u{670}')
}

const fn is_form(c: char) -> bool {
    matches!(c, '\u{fb56}'..='\u{fbff}' | '\u{fe80}'..='\u{fefc}')
}

/// A letter's first form, and how many it has.
fn known(c: char) -> Option<(u32, u32)> {
    if c == TATWEEL {
        return Some((c.into(), 0));
    }
    let follows = |(letter, form, counts): &(char, u32, &[u8])| {
        let nth = usize::try_from(u32::from(c).checked_sub(u32::from(*letter))?).ok()?;
        let before = counts.get(..nth)?.iter().map(|count| u32::from(count - b'0')).sum::<u32>();
        Some((form + before, u32::from(counts.get(nth)? - b'0')))
    };
    let more = || MORE.iter().find(|(letter, ..)| *letter == c).map(|(_, form, count)| (*form, *count));
    LETTERS.iter().find_map(follows).or_else(more)
}

fn shaped(text: &[char]) -> Vec<char> {
    // Whether a letter reaches out to the next one, and whether it takes what the one before reaches.
    let reaches = |at: usize| known(text[at]).is_some_and(|(_, forms)| forms == 4 || forms == 0);
    let takes = |at: usize| text.get(at).and_then(|c| known(*c)).is_some_and(|(_, forms)| forms != 1);
    let mut line = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let c = text[at];
        let is_joined = at > 0 && reaches(at - 1) && takes(at);
        let ligature = text.get(at + 1).filter(|_| c == LAM);
        let ligature = ligature.and_then(|next| LAM_ALEF.iter().find(|(alef, _)| alef == next));
        let code = if let Some((_, alone)) = ligature {
            at += 1;
            alone + u32::from(is_joined)
        } else {
            match known(c) {
                Some((first, 4)) if takes(at + 1) => first + if is_joined { 3 } else { 2 },
                Some((first, forms)) if forms > 1 => first + u32::from(is_joined),
                Some((first, _)) => first,
                None => u32::from(c),
            }
        };
        line.push(char::from_u32(code).unwrap_or(c));
        at += 1;
    }
    line
}

/// A bracket, which opens on the other side in a line that is turned.
const fn mirrored(c: char) -> char {
    match c {
        '(' => ')',
        ')' => '(',
        '<' => '>',
        '>' => '<',
        c => c,
    }
}
