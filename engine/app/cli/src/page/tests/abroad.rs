use std::collections::BTreeSet;

use hufu_hc1::issue::{Claim, Uvci};
use hufu_texts::{Language, say};

use super::*;
use crate::page::{abroad, script};
use crate::picture::Grey;

const NOW: UnixSeconds = UnixSeconds(1_795_219_200);
/// As long as a code gets, and none that any verifier would believe.
const CODE: &str = "HC1:NCFOXN%TSMAHN-HVN8J7UQMJ4/36 L-AHQ+R1WG%MP8*ICG5QKM0658WAULO8NASA3/-2E%5G%5TW5A 6YO6XL6Q3QR$P*NI92KV6TKOJ06\
                    JYZJV1JJ7UGOJUTIJ7J:ZJ83BL8TFVTV9T.ZJC0J*PIZ.TJ STPT*IJ5OI9YI:8DGCDFLNMF5:0LEN0EU2D$D%CNRSCXHDF67EFJBTJ:H2PHD";

fn claim(surname: &str, given: &str) -> Claim {
    toml::from_str(&format!(
        "surname = '{surname}'\ngiven = '{given}'\nsurname_icao = 'WANG'\ngiven_icao = 'XIAO<MING'\nborn = '1949-12-31'\n\
         [vaccination]\nvaccine = '1119349007'\nproduct = 'CoronaVac'\nmaker = 'Sinovac-Biotech'\ndose = 2\nseries = 2\n\
         date = '2021-09-01'\ncountry = 'CN'\nissued_by = 'Shanghai'\n"
    ))
    .unwrap()
}

fn page(claim: &Claim, language: Language) -> Page {
    let checked = claim.check(NOW).unwrap();
    let uvci = Uvci::new("CN", 310_000, &[7; 16]);
    AbroadPage { code: CODE, claim: &checked, expires: UnixSeconds(NOW.0 + 86_400), uvci: &uvci, language }
        .page(PageSize::A6)
        .unwrap()
}

/// Every letter of a page, as it is set.
fn letters(page: &Page) -> BTreeSet<char> {
    let lines = page.marks.iter().filter_map(|mark| match mark {
        Mark::Line { text, .. } => Some(script::set(text)),
        Mark::Box { .. } => None,
    });
    lines.flat_map(|line| line.chars().collect::<Vec<_>>()).collect()
}

/// The boxes of a PDF's page, drawn, ten pixels a millimetre.
fn drawn(pdf: &[u8]) -> Vec<u8> {
    let (width, height) = (1050, 1480);
    let mut grey = Grey { width, height, pixels: vec![255; width * height] };
    for line in String::from_utf8_lossy(pdf).lines() {
        let Some(numbers) = line.strip_suffix(" re") else { continue };
        let numbers: Vec<f32> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "inside of a page")]
        let [x, y, right, bottom] =
            [numbers[0], numbers[1], numbers[0] + numbers[2], numbers[1] + numbers[3]]
                .map(|mm| (mm * 10.0).round() as usize);
        for row in y..bottom {
            grey.pixels[row * width + x..row * width + right].fill(0);
        }
    }
    grey.to_png().unwrap()
}

/// English and the holder's language, each in its own letters, and the code reads from paper and from the PDF.
#[test]
fn r63_a_page_has_its_watermark_in_english_and_the_holders_language() {
    for (language, surname, given) in Language::ALL.map(|language| match language {
        Language::Zh => (language, "王", "小明"),
        Language::Ar => (language, "وانغ", "شياو (مينغ) 3"),
        Language::Th => (language, "หวัง", "เสี่ยวหมิง"),
        Language::Ko => (language, "왕", "샤오밍"),
        Language::Ja => (language, "王", "シャオミン"),
        Language::Ru => (language, "Ван", "Сяомин"),
        _ => (language, "Wang", "Xiao Ming"),
    }) {
        let claim = claim(surname, given);
        let page = page(&claim, language);
        let svg = svg::write(&page);
        for (id, times) in [
            ("abroad-watermark", 6),
            ("holder-status-until", 1),
            ("abroad-born", 1),
            ("abroad-vaccination", 1),
        ] {
            let own = say(language, id, &[]);
            let english = say(Language::En, id, &[]);
            assert!(svg.matches(own.as_str()).count() >= times, "{language}: {own} in\n{svg}");
            assert!(
                svg.to_lowercase().matches(english.to_lowercase().as_str()).count() >= times,
                "{language}: {english}"
            );
        }
        assert!(!svg.contains("abroad-") && !svg.contains("-until"), "a message that there is not: {svg}");
        assert!(svg.contains(">WANG&lt;&lt;XIAO&lt;MING<"), "{svg}");
        assert!(svg.contains(&format!(">{surname} {given}<")) && svg.contains(">URN:UVCI:01:CN:310000/"));
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Some-Regular.ttf"), fonts::tests::with_letters(&letters(&page)))
            .unwrap();
        let fonts = Fonts::in_folders(vec![folder.path().to_path_buf()]);
        let pdf = pdf::write(std::slice::from_ref(&page), &fonts).unwrap();
        // The symbol lies at the same place in every language.
        if matches!(language, Language::Zh | Language::Ar) {
            assert_eq!(qr::read(&drawn(&pdf)).unwrap(), CODE.as_bytes(), "{language}");
        }
        // All of it is set, and none of it leaves the page or lies on the code.
        for mark in &page.marks {
            let Mark::Line { x, y, size, text, .. } = mark else { continue };
            let half = size * fonts::width(&fonts.glyphs(text).unwrap()) / 2.0;
            assert!(x - half > 0.0 && x + half < WIDTH, "{language}: {text:?} is {} mm wide", 2.0 * half);
            let is_clear = *y < abroad::TOP + 1.0 || y - size > abroad::TOP + abroad::SYMBOL - 3.0;
            assert!(is_clear, "{language}: {text:?} lies on the code");
        }
    }
}

#[test]
fn r63_arabic_letters_take_their_forms_and_their_order() {
    for (text, set) in [
        ("Wang 1234", "Wang 1234"),
        // Meem at the beginning, hah and meem in the middle, dal at the end; from right to left.
        ("محمد", "\u{feaa}\u{fee4}\u{fea4}\u{fee3}"),
        ("محمد*1234", "1234*\u{feaa}\u{fee4}\u{fea4}\u{fee3}"),
        // Seen, lam and alef as one, meem alone behind it.
        ("سلام", "\u{fee1}\u{fefc}\u{feb3}"),
        ("لا", "\u{fefb}"),
        // Vowel signs are left out; hamza joins nothing.
        ("مُاء", "\u{fe80}\u{fe8e}\u{fee3}"),
        ("گل", "\u{fede}\u{fb94}"),
        ("(د) New York 7", "New York 7 (\u{fea9})"),
        // Hebrew is turned and has one form; its vowel signs are left out.
        ("כהן משה", "השמ ןהכ"),
        ("מֹשֶׁה 7", "7 השמ"),
        // The circle of SARA AM goes under the mark of the tone.
        ("น้ำ", "น\u{e4d}\u{e49}\u{e32}"),
        ("กำ", "ก\u{e4d}\u{e32}"),
    ] {
        assert_eq!(script::set(text), set, "{text}");
    }
}

#[test]
fn r63_long_names_are_set_on_lines_that_can_be_read() {
    let [surname, given] = ["von Wuerttemberg-Hohenzollern ", "Maximilian Alexander Friedrich "]
        .map(|part| part.repeat(3)[..79].trim_end().to_owned());
    let mut claim = claim(&surname, &given);
    (claim.surname_icao, claim.given_icao) = (None, None);
    let page = page(&claim, Language::De);
    let name: Vec<_> = page
        .marks
        .iter()
        .filter_map(|mark| match mark {
            Mark::Line { y, size, ink: Ink::Black, text, .. } if (103.0..115.6).contains(y) => {
                Some((*size, text.clone()))
            }
            _ => None,
        })
        .collect();
    assert!(name.iter().all(|(size, _)| *size >= 1.4), "{name:?}");
    let (people, machines): (Vec<_>, Vec<_>) = name.iter().partition(|(_, text)| !text.contains('<'));
    assert!(people.iter().all(|(size, _)| *size >= 2.0) && people.len() > 1, "{people:?}");
    let words: Vec<&str> = people.iter().rev().flat_map(|(_, text)| text.split(' ')).collect();
    assert_eq!(words.join(" "), format!("{surname} {given}"));
    let joined: String = machines.iter().rev().map(|(_, text)| text.as_str()).collect();
    assert!(
        joined.starts_with("VON<WUERTTEMBERG<HOHENZOLLERN<") && joined.contains("<<MAXIMILIAN<"),
        "{joined}"
    );
}
