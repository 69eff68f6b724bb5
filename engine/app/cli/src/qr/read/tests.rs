use std::io::Cursor;

use image_webp::{ColorType, WebPEncoder};

use super::*;
use crate::qr::{png, symbol};

/// As long as a phone code may be, in its alphabet.
fn text(chars: usize) -> String {
    "HF1:".chars().chain("6BFOXN*TS0BI$ZD.P7 +%".chars().cycle()).take(chars).collect()
}

/// A symbol with this many pixels a module, in grey.
fn drawn(text: &str, module_px: u32) -> Grey {
    Picture::read(&png(&symbol(text).unwrap(), module_px).unwrap()).unwrap().on(0)
}

/// Red, green, blue and how much is seen, for each pixel.
fn to_png(grey: &Grey, colour: impl Fn(u8) -> [u8; 4]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let [width, height] = [grey.width, grey.height].map(|side| u32::try_from(side).unwrap());
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    let samples: Vec<u8> = grey.pixels.iter().flat_map(|grey| colour(*grey)).collect();
    encoder.write_header().unwrap().write_image_data(&samples).unwrap();
    bytes
}

/// A picture with a frame of this shade.
fn framed(grey: &Grey, frame: usize, shade: u8) -> Grey {
    let [width, height] = [grey.width, grey.height].map(|side| side + 2 * frame);
    let mut pixels = vec![shade; width * height];
    for (y, row) in grey.pixels.chunks_exact(grey.width).enumerate() {
        let at = (y + frame) * width + frame;
        pixels[at..at + grey.width].copy_from_slice(row);
    }
    Grey { width, height, pixels }
}

/// These pictures beside each other.
fn beside(pictures: &[Grey]) -> Grey {
    let height = pictures.iter().map(|picture| picture.height).max().unwrap();
    let row = |y| {
        pictures.iter().flat_map(move |Grey { width, pixels, .. }| {
            (0..*width).map(move |x| pixels.get(y * width + x).copied().unwrap_or(255))
        })
    };
    let pixels: Vec<u8> = (0..height).flat_map(row).collect();
    Grey { width: pixels.len() / height, height, pixels }
}

fn check(name: &str, picture: &[u8], wanted: &str) {
    assert_eq!(read(picture).unwrap(), wanted.as_bytes(), "{name}");
}

fn check_fault(name: &str, picture: &[u8], wanted: &str) {
    let fault = format!("{:#}", read(picture).unwrap_err());
    assert!(fault.contains(wanted), "{name}: {fault}");
}

#[test]
fn what_is_drawn_is_read_back() {
    for (chars, module_px) in [(20, 1), (195, 2), (195, 3), (445, 1), (445, 3), (512, 8)] {
        let text = text(chars);
        check("drawn", &png(&symbol(&text).unwrap(), module_px).unwrap(), &text);
    }
}

#[test]
fn a_code_is_found_whatever_a_program_did_to_its_colours() {
    let text = text(195);
    let grey = drawn(&text, 4);
    check("light for dark", &to_png(&grey, |grey| [!grey, !grey, !grey, 255]), &text);
    check("dark on nothing", &to_png(&grey, |grey| [0, 0, 0, !grey]), &text);
    check("dark on black that is not seen", &to_png(&grey, |grey| [grey, grey, grey, !grey]), &text);
    check("light on nothing", &to_png(&grey, |grey| [255, 255, 255, !grey]), &text);
    check("a dark theme", &to_png(&grey, |grey| [255, 255, 255, grey]), &text);
    check(
        "blue on yellow",
        &to_png(&grey, |grey| if grey == 0 { [0, 0, 120, 255] } else { [250, 230, 90, 255] }),
        &text,
    );
}

#[test]
fn a_code_is_found_without_its_quiet_zone() {
    let text = text(195);
    for module_px in [1, 6] {
        let grey = drawn(&text, module_px);
        let cut = 4 * module_px as usize;
        let side = grey.width - 2 * cut;
        let at = |at: usize| grey.pixels[(at / side + cut) * grey.width + at % side + cut];
        let cut = Grey { width: side, height: side, pixels: (0..side * side).map(at).collect() };
        check("cut down", &cut.to_png().unwrap(), &text);
        let on_black = framed(&cut, 20, 0);
        check("on a dark page", &on_black.to_png().unwrap(), &text);
        check("light for dark on a light page", &to_png(&on_black, |grey| [!grey, !grey, !grey, 255]), &text);
        check("cut down, light for dark", &to_png(&cut, |grey| [!grey, !grey, !grey, 255]), &text);
    }
}

#[test]
fn of_several_codes_the_one_of_ours_is_taken() {
    let [ours, other] = [text(195), text(186)].map(|text| drawn(&text, 3));
    let [site, wifi] = ["https://example.org/menu", "WIFI:S:gate;;"].map(|text| drawn(text, 4));
    let copy = |grey: &Grey| Grey { pixels: grey.pixels.clone(), ..*grey };
    check("ours at the right", &beside(&[copy(&site), copy(&ours)]).to_png().unwrap(), &text(195));
    check("ours between", &beside(&[copy(&site), copy(&ours), copy(&wifi)]).to_png().unwrap(), &text(195));
    check("the same twice", &beside(&[copy(&ours), copy(&ours)]).to_png().unwrap(), &text(195));
    check("one of another system", &site.to_png().unwrap(), "https://example.org/menu");
    check_fault("two of ours", &beside(&[ours, other]).to_png().unwrap(), "2 Hufu codes; show one");
    check_fault("two others", &beside(&[site, wifi]).to_png().unwrap(), "2 QR codes, and none of them");
}

#[test]
fn bytes_around_a_code_do_not_hide_it() {
    for (before, after) in [("", "\n"), ("\u{feff}", ""), ("\u{feff}", "\r\n")] {
        let text = format!("{before}{}{after}", text(195));
        let [ours, site] = [&*text, "https://example.org/"].map(|text| drawn(text, 3));
        let bytes = read(&beside(&[site, ours]).to_png().unwrap()).unwrap();
        assert_eq!(Scanner::default().text(&bytes).unwrap(), self::text(195).as_bytes());
    }
}

#[test]
fn a_webp_picture_is_read() {
    let text = text(195);
    let grey = drawn(&text, 3);
    let [width, height] = [grey.width, grey.height].map(|side| u32::try_from(side).unwrap());
    let mut bytes = Cursor::new(Vec::new());
    WebPEncoder::new(&mut bytes).encode(&grey.pixels, width, height, ColorType::L8).unwrap();
    check("WebP", bytes.get_ref(), &text);
}

#[test]
fn what_has_no_code_is_told() {
    let blank = Grey { width: 64, height: 64, pixels: vec![255; 64 * 64] };
    check_fault("blank", &blank.to_png().unwrap(), "no readable QR code");
    check_fault("no picture", b"no picture", "neither PNG");
}

/// A symbol whose rows are hexadecimal numbers, the lowest bit at the right.
fn symbol_of(rows: &[&str], module_px: usize) -> Vec<u8> {
    let (modules, quiet) = (rows.len(), 4);
    let side = (modules + 2 * quiet) * module_px;
    let shade = |at: usize| {
        let [x, y] =
            [at % side, at / side].map(|at| (at / module_px).checked_sub(quiet).filter(|at| *at < modules));
        match (x, y) {
            (Some(x), Some(y)) if u64::from_str_radix(rows[y], 16).unwrap() >> (modules - 1 - x) & 1 == 1 => {
                0
            }
            _ => 255,
        }
    };
    Grey { width: side, height: side, pixels: (0..side * side).map(shade).collect() }.to_png().unwrap()
}

#[test]
fn a_part_of_a_split_code_is_told() {
    // Made by another program, after ISO/IEC 18004, 8: the first of two parts, and the third of three with the
    // codewords of four blocks between each other.
    let first = [
        "1fd37f", "104741", "17455d", "17435d", "174a5d", "104641", "1fd57f", "001000", "1b4e41", "0729b4",
        "137fcd", "1537f9", "0ceb5b", "001316", "1fc5d8", "1046d7", "175e4d", "1758c0", "17437f", "105734",
        "1fd966",
    ];
    let third = [
        "1fdd19f9217f",
        "10415654aa41",
        "1755e36b5a5d",
        "174b08ca935d",
        "174647f2475d",
        "10596319e841",
        "1fd55555557f",
        "00012b15e600",
        "14611df79d25",
        "010fa9f2a405",
        "00e547568013",
        "1bb29bf97dc5",
        "04731a99ee90",
        "10310f64e8af",
        "16c721e5125f",
        "14a67a0aacaf",
        "0dc9c7e24f66",
        "07966559ed39",
        "1fe21a6388f4",
        "1c88bfcc660d",
        "09fcf3f557f3",
        "1115db197918",
        "15532355ed55",
        "171295161312",
        "1ff5d3f917f0",
        "0d01d099ee02",
        "14ef02618f53",
        "179a1acd7089",
        "17ef6ca6d1b7",
        "0998c8acf49b",
        "02eff2657562",
        "06295c0a8bbc",
        "10d526a68469",
        "05807ada0136",
        "0143e1293ef9",
        "0f25dc46e003",
        "13604ffe13f4",
        "00195916711b",
        "1fdfe75cd356",
        "1044a31b2d1a",
        "174a3df30bf1",
        "174181d9890d",
        "175fabf48753",
        "10477cc97987",
        "1fda29a57c2b",
    ];
    check_fault("the first of two", &symbol_of(&first, 4), "part 1 of 2 of a code");
    check_fault("the third of three", &symbol_of(&third, 3), "part 3 of 3 of a code");
}
