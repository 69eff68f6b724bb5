use hufu_codes::issue::{IssuerSigner, code_text};
use hufu_codes::{Credential, Detail};
use hufu_wire::{HolderIndex, IssuerId, UnixSeconds};

use super::*;

mod abroad;

fn code(display: &str, detail: Detail) -> String {
    let signer = IssuerSigner::from_seed(&[7; 32], IssuerId(1));
    let credential = signer.sign_credential(&Credential {
        key: signer.key(),
        issued: UnixSeconds(1_795_219_200),
        expires: UnixSeconds(1_795_824_000),
        holder: HolderIndex(5),
        generation: 0,
        display,
        detail,
    });
    code_text(&credential.unwrap(), None)
}

/// The fonts of a machine that has none.
fn no_fonts() -> Fonts {
    Fonts::in_folders(Vec::new())
}

#[test]
fn r03_a_page_says_paper_and_both_dates() {
    let text = code("张*1234", Detail::Paper);
    for size in [PageSize::A6, PageSize::A4] {
        let svg = svg::write(&Page::of(&text, size).unwrap());
        let dates = [1_795_219_200, 1_795_824_000].map(|at| show(UnixSeconds(at)).replacen('T', " ", 1));
        for wanted in ["PAPER CODE", "张*1234", "Issued", "Valid until", &dates[0], &dates[1]] {
            assert!(svg.contains(&format!(">{wanted}</text>")), "{wanted:?} is not in\n{svg}");
        }
        let side = if size == PageSize::A6 {
            "width=\"105mm\" height=\"148mm\""
        } else {
            "width=\"210mm\" height=\"297mm\""
        };
        assert!(svg.contains(side), "{svg}");
    }
    let marked = svg::write(&Page::of(&code("<&*1", Detail::Paper), PageSize::A6).unwrap());
    assert!(marked.contains("&lt;&amp;*1"), "{marked}");
}

/// A gate reads the page, and a person sees letters on it.
#[test]
fn r03_a_page_is_read_by_a_gate() {
    let text = code("L*0042", Detail::Paper);
    let page = Page::of(&text, PageSize::A6).unwrap();
    let png = raster::write(&page, &no_fonts()).unwrap();
    assert_eq!(qr::read(&png).unwrap(), text.as_bytes());
    let grey = crate::picture::Picture::read(&png).unwrap().on(255);
    assert_eq!((grey.width, grey.height), (1240, 1748));
    let dark = |from: usize, until: usize| {
        grey.pixels[from * grey.width..until * grey.width].iter().filter(|grey| **grey < 128).count()
    };
    let light_in_band =
        grey.pixels[150 * grey.width..240 * grey.width].iter().filter(|grey| **grey > 200).count();
    assert!(light_in_band > 2 * 9 * 12 * 90, "PAPER CODE stands in white on black");
    for (line, from, until) in [("name", 1240, 1345), ("issued", 1445, 1495), ("expires", 1585, 1637)] {
        assert!((2_000..60_000).contains(&dark(from, until)), "{line}: {}", dark(from, until));
    }

    let pdf = pdf::write(&[page], &no_fonts()).unwrap();
    assert!(pdf.starts_with(b"%PDF-1.") && pdf.windows(9).any(|part| part == b"/MediaBox"));
}

#[test]
fn letters_come_from_the_machine_where_the_command_has_none() {
    let page = Page::of(&code("张*1234", Detail::Paper), PageSize::A6).unwrap();
    let fault = pdf::write(std::slice::from_ref(&page), &no_fonts()).unwrap_err().to_string();
    assert!(fault.contains("write the page as .svg") && !fault.contains('张'), "{fault}");

    // A font of the machine in a folder in a folder, among files that are none: the command's own font, with the letter
    // that stands at U+0041 moved to U+5F20 in its table of characters.
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("truetype/noto");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::write(inner.join("a.ttf"), "no font").unwrap();
    std::fs::write(inner.join("b.txt"), "a note").unwrap();
    std::fs::write(inner.join("Some-Regular.TTF"), fonts::tests::with_letter('张')).unwrap();
    let fonts = Fonts::in_folders(vec![folder.path().to_path_buf(), folder.path().join("missing")]);
    // The rows of the name.
    let drawn = |name: &str| {
        let page = Page::of(&code(name, Detail::Paper), PageSize::A6).unwrap();
        let grey = crate::picture::Picture::read(&raster::write(&page, &fonts).unwrap()).unwrap().on(255);
        grey.pixels[1240 * grey.width..1345 * grey.width].to_vec()
    };
    assert!(drawn("张*1234") == drawn("A*1234"), "the letter of the machine's font is drawn");
    assert!(drawn("张*1234") != drawn("B*1234"));
}

/// A family code says that it is one and paper, and when it was issued and ends.
#[test]
fn r27_a_page_says_family_paper_and_both_dates() {
    let text = code("L*0042", Detail::Family);
    let page = Page::of(&text, PageSize::A6).unwrap();
    let svg = svg::write(&page);
    let dates = [1_795_219_200, 1_795_824_000].map(|at| show(UnixSeconds(at)).replacen('T', " ", 1));
    for wanted in ["FAMILY CODE, PAPER", "L*0042", "Issued", "Valid until", &dates[0], &dates[1]] {
        assert!(svg.contains(&format!(">{wanted}</text>")), "{wanted:?} is not in\n{svg}");
    }
    let glyphs = no_fonts().glyphs("FAMILY CODE, PAPER").unwrap();
    assert!(7.0 * fonts::width(&glyphs) < WIDTH - 2.0 * MARGIN, "it fits its band");
    assert_eq!(qr::read(&raster::write(&page, &no_fonts()).unwrap()).unwrap(), text.as_bytes());
}

/// All relatives of a user stand on one sheet, each readable by a gate where it is cut out.
#[test]
fn r27_many_codes_stand_on_one_sheet() {
    let texts: Vec<_> = (0..8).map(|n| code(&format!("L*{n:04}"), Detail::Family)).collect();
    let sheets = sheet::sheets(&texts).unwrap();
    assert_eq!(sheets.len(), 1);
    let svg = svg::write(&sheets[0]);
    assert!(svg.contains("width=\"210mm\" height=\"297mm\"") && svg.contains("<title>Family code</title>"));
    assert_eq!(svg.matches(">FAMILY CODE, PAPER</text>").count(), 8);
    assert_eq!(svg.matches(">Valid until</text>").count(), 8);
    let grey =
        crate::picture::Picture::read(&raster::write(&sheets[0], &no_fonts()).unwrap()).unwrap().on(255);
    // Three by three; each is cut out along the lines.
    let (width, height) = (grey.width / 3, grey.height / 3);
    for (nth, text) in texts.iter().enumerate() {
        let (left, top) = (nth % 3 * width + 3, nth / 3 * height + 3);
        let rows = (top..top + height - 6).flat_map(|row| {
            let at = row * grey.width + left;
            grey.pixels[at..at + width - 6].iter().copied()
        });
        let cut = crate::picture::Grey { width: width - 6, height: height - 6, pixels: rows.collect() };
        assert_eq!(qr::read(&cut.to_png().unwrap()).unwrap(), text.as_bytes(), "code {nth}");
    }
    assert_eq!(sheet::sheets(&texts[..4]).unwrap().len(), 1);
    let many = [texts.clone(), texts].concat();
    let sheets = sheet::sheets(&many).unwrap();
    assert_eq!(sheets.len(), many.len().div_ceil(sheet::SIDE_MAX * sheet::SIDE_MAX));
    let pdf = pdf::write(&sheets, &no_fonts()).unwrap();
    assert_eq!(pdf.windows(9).filter(|part| *part == b"/MediaBox").count(), sheets.len());
}

#[test]
fn what_cannot_be_printed_well_is_not_printed() {
    let joined = Page::of(&code("राम*1234", Detail::Paper), PageSize::A6).unwrap();
    let fault = raster::write(&joined, &no_fonts()).unwrap_err().to_string();
    assert!(fault.contains("letters are joined"), "{fault}");
    assert!(svg::write(&joined).contains("राम*1234"));

    let trip = Detail::Trip {
        hub: hufu_wire::HubId(9),
        from: UnixSeconds(1_795_219_200),
        until: UnixSeconds(1_795_220_000),
    };
    assert!(
        Page::of(&code("L*0042", trip), PageSize::A6)
            .err()
            .unwrap()
            .to_string()
            .contains("only a paper or family code")
    );
    for name in ["paper", "paper.jpg", "pdf", ""] {
        assert!(
            name.parse::<PageFile>().unwrap_err().to_string().contains("must end in .pdf, .svg or .png"),
            "{name}"
        );
    }
    for name in ["a.pdf", "a.SVG", "b/a.Png"] {
        assert!(name.parse::<PageFile>().is_ok(), "{name}");
    }
}
