use std::collections::BTreeMap;
use std::path::Path;

use super::*;

const COLUMNS: [Column; 3] =
    [required("name", NAME), required("id_number", ID_NUMBER), optional("test_at", &[])];

type Row = (u64, [String; 3]);

/// What is read of a file with these bytes.
fn read(name: &str, bytes: &[u8], args: &TableArgs) -> Result<Vec<Row>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    rows(&path, args)
}

fn rows(path: &Path, args: &TableArgs) -> Result<Vec<Row>, String> {
    let table = Table::open(path, args).map_err(|error| format!("{error:#}"))?;
    let take = |number, fields: [&str; 3]| Ok((number, fields.map(str::to_owned)));
    table.collect(&COLUMNS, &mut |_| (), take).map_err(|error| format!("{error:#}"))
}

fn row(number: u64, name: &str, id_number: &str) -> Row {
    (number, [name.to_owned(), id_number.to_owned(), String::new()])
}

#[test]
fn r47_a_table_is_read_as_a_spreadsheet_wrote_it() {
    let plain = "name,id_number\n陈一,P:1\n刘二,P:2\n";
    let wanted = Ok(vec![row(2, "陈一", "P:1"), row(3, "刘二", "P:2")]);
    let check = |case: &str, bytes: &[u8]| {
        assert_eq!(read("people.csv", bytes, &TableArgs::default()), wanted, "{case}");
    };
    check("plain", plain.as_bytes());
    check("a mark", format!("\u{feff}{plain}").as_bytes());
    check("semicolons", plain.replace(',', ";").as_bytes());
    check("tabs", plain.replace(',', "\t").as_bytes());
    check("CR LF", plain.replace('\n', "\r\n").as_bytes());
    check("CR", plain.replace('\n', "\r").as_bytes());
    check("rows of commas", format!("{plain},\n, \n,\n").as_bytes());
    check("columns without a name", plain.replace('\n', ",,\n").as_bytes());
    check("Chinese names", plain.replace("name,id_number", "姓名,身份证号").as_bytes());
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    check("UTF-16", &[&[0xff, 0xfe][..], &utf16(plain)].concat());
    check("UTF-16 with tabs", &[&[0xff, 0xfe][..], &utf16(&plain.replace(',', "\t"))].concat());
    check("GB18030", &encoding_rs::GB18030.encode(plain).0);
}

#[test]
fn a_line_that_names_the_separator_is_no_header() {
    let rows = read("people.csv", b"sep=;\r\nname;id_number\r\nLi, Ming;P:1\r\n", &TableArgs::default());
    assert_eq!(rows, Ok(vec![row(3, "Li, Ming", "P:1")]));
}

#[test]
fn an_encoding_that_is_said_is_used() {
    let bytes = encoding_rs::GB18030.encode("name,id_number\n谢石,P:1\n").0.into_owned();
    let asked = read("people.csv", &bytes, &TableArgs::default()).unwrap_err();
    assert!(asked.contains("--encoding gb18030"), "{asked}");
    let said = TableArgs { encoding: Some(Encoding::Gb18030), ..TableArgs::default() };
    assert_eq!(read("people.csv", &bytes, &said), Ok(vec![row(2, "谢石", "P:1")]));
}

#[test]
fn every_bad_row_is_told_with_its_line() {
    let bytes = b"name,id_number\r\nLi\r\n\r\nL\xffi,P:1\r\nLi,P:2,more\r\nLi,\"P\"3\r\n";
    let said = read("people.csv", bytes, &TableArgs::default()).unwrap_err();
    let wanted = "line 2: 1 fields, and the first line has 2 names\nline 4: not UTF-8; --encoding says in which encoding \
                  the file is\nline 5: 3 fields, and the first line has 2 names\nline 6: text after a closing quotation mark";
    assert!(said.ends_with(wanted), "{said}");
}

/// Cells as they stand in a sheet's XML.
fn workbook(sheets: &[(&str, &str)]) -> Vec<u8> {
    zipped(&parts(sheets))
}

/// A zip file with these parts by name.
fn zipped(parts: &BTreeMap<String, String>) -> Vec<u8> {
    use std::io::Write as _;
    let mut file = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    // Packing takes longer than reading.
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, text) in parts {
        file.start_file(name.as_str(), stored).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }
    file.finish().unwrap().into_inner()
}

/// The parts of a workbook by name, with cells as they stand in a sheet's XML.
fn parts(sheets: &[(&str, &str)]) -> BTreeMap<String, String> {
    use std::fmt::Write as _;
    let mut parts = BTreeMap::new();
    let mut put = |name: &str, text: &str| {
        parts.insert(name.to_owned(), text.to_owned());
    };
    let (mut list, mut relations) = (String::new(), String::new());
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    for (number, (name, rows)) in (1..).zip(sheets) {
        write!(list, "<sheet name=\"{name}\" sheetId=\"{number}\" r:id=\"r{number}\"/>").unwrap();
        write!(
            relations,
            "<Relationship Id=\"r{number}\" Type=\"{office}/worksheet\" Target=\"worksheets/s{number}.xml\"/>"
        )
        .unwrap();
        let sheet = format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>");
        put(&format!("xl/worksheets/s{number}.xml"), &sheet);
    }
    write!(relations, "<Relationship Id=\"s\" Type=\"{office}/styles\" Target=\"styles.xml\"/>").unwrap();
    put(
        "xl/workbook.xml",
        &format!("<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>{list}</sheets></workbook>"),
    );
    let relations = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{relations}</Relationships>"
    );
    let whole = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"w\" \
         Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
    );
    put("_rels/.rels", &whole);
    put("xl/_rels/workbook.xml.rels", &relations);
    // Style 1 is a date and a time.
    let styles = "<cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/></cellXfs>";
    put("xl/styles.xml", &format!("<styleSheet xmlns=\"{main}\">{styles}</styleSheet>"));
    parts
}

fn text_cell(place: &str, text: &str) -> String {
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn heading() -> String {
    format!(
        "<row r=\"1\">{}{}{}</row>",
        text_cell("A1", "姓名"),
        text_cell("B1", "id_number"),
        text_cell("C1", "test_at")
    )
}

#[test]
fn r47_a_workbook_is_read_and_what_it_rounded_is_refused() {
    let (a, b) = (text_cell("A2", "陈一"), text_cell("B2", "320101198802140017"));
    let whole = format!("<row r=\"2\">{a}{b}<c r=\"C2\" s=\"1\"><v>46354.354166666664</v></c></row>");
    let blank = format!("<row r=\"3\">{}</row>", text_cell("A3", " "));
    let number = format!("<row r=\"5\">{}<c r=\"B5\"><v>1234567</v></c></row>", text_cell("A5", "刘二"));
    let rounded =
        format!("<row r=\"6\">{}<c r=\"B6\"><v>320101198802140017</v></c></row>", text_cell("A6", "谢石"));
    let book = |rows: &str| workbook(&[("名单", &format!("{}{rows}", heading())), ("Sheet2", "")]);

    let rows = read("people.xlsx", &book(&format!("{whole}{blank}{number}")), &TableArgs::default());
    let first = (2, ["陈一", "320101198802140017", "2026-11-28T08:30:00"].map(str::to_owned));
    assert_eq!(rows, Ok(vec![first, row(5, "刘二", "1234567")]));
    let said = read("people.csv", &book(&format!("{whole}{rounded}")), &TableArgs::default()).unwrap_err();
    assert!(said.contains("line 6: a number of more than 15 digits"), "{said}");
}

#[test]
fn of_several_sheets_one_must_be_named() {
    let row_of = |name: &str| {
        format!("{}<row r=\"2\">{}{}</row>", heading(), text_cell("A2", name), text_cell("B2", "P:1"))
    };
    let book = workbook(&[("Class 1", &row_of("Li")), ("Class 2", &row_of("Wang"))]);
    let several = read("people.xlsx", &book, &TableArgs::default()).unwrap_err();
    assert!(several.contains("--sheet says which to read: `Class 1`, `Class 2`"), "{several}");
    let named = |name: &str| TableArgs { sheet: Some(name.to_owned()), ..TableArgs::default() };
    assert_eq!(read("people.xlsx", &book, &named("Class 2")), Ok(vec![row(2, "Wang", "P:1")]));
    assert!(read("people.xlsx", &book, &named("Class 3")).unwrap_err().contains("no sheet of that name"));
    assert!(
        read("people.csv", b"name,id_number\n", &named("Class 1")).unwrap_err().contains("--sheet is for")
    );
}

#[test]
fn what_is_no_workbook_is_told() {
    let check = |bytes: &[u8], wanted: &str| {
        let said = read("people.xlsx", bytes, &TableArgs::default()).unwrap_err();
        assert!(said.contains(wanted), "{said}");
    };
    check(b"PK\x03\x04 and no more", "not an .xlsx file, or it is damaged");
    check(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "save it as .xlsx");
    check(b"", "is empty");
    check(&workbook(&[("Empty", "")]), "no visible sheet has content");
}

#[test]
fn a_small_workbook_that_fills_the_memory_is_refused() {
    let row = |cells: &str| format!("{}<row r=\"2\">{cells}</row>", heading());
    let with = |name: &str, text: &str| {
        let cells = format!("{}<c r=\"B2\" t=\"s\"><v>0</v></c>", text_cell("A2", "Li"));
        let mut parts = parts(&[("Class 1", &row(&cells))]);
        parts.insert("xl/sharedStrings.xml".to_owned(), "<sst><si><t>P:1</t></si></sst>".to_owned());
        if !name.is_empty() {
            parts.remove(&name.to_lowercase().replace("strings", "Strings"));
            parts.insert(name.to_owned(), text.to_owned());
        }
        read("people.xlsx", &zipped(&parts), &TableArgs::default())
    };
    let refused = |name: &str, text: &str, wanted: &str| {
        let said = with(name, text).unwrap_err();
        assert!(said.contains(wanted), "{name}: {said}");
    };
    assert_eq!(with("", ""), Ok(vec![row_of_li()]));

    let texts = |counts: &str| format!("<sst {counts}><si><t>P:1</t></si></sst>");
    let shared = "xl/sharedStrings.xml";
    assert_eq!(with(shared, &texts("count=\"900\" uniqueCount=\"1\"")), Ok(vec![row_of_li()]));
    let many = "it says that it has 10000000000000 texts in ";
    refused(shared, &texts("uniqueCount=\"10000000000000\""), many);
    refused(shared, &texts("uniqueCount = '10000000000000'"), many);
    refused("xl/SharedStrings.XML", &texts("x=\"1\" uniqueCount=\"0010000000000000\""), many);
    refused(shared, &texts("uniqueCount=\"99999999999999999999999\""), "texts in ");
    let long = format!("<sst><si><t>{}</t></si></sst>", "1".repeat(100_000));
    refused(shared, &long, "row 2 has a text of more than 32,767 characters");

    let styles = |inside: &str| format!("<styleSheet><cellXfs>{inside}</cellXfs></styleSheet>");
    let own = "xl/styles.xml";
    assert_eq!(with(own, &styles(&"<xf/>".repeat(65_536))), Ok(vec![row_of_li()]));
    refused(own, &styles(&"<xf/>".repeat(65_537)), "more than 65536 styles");
    let format = format!("<numFmt numFmtId=\"200\" formatCode=\"{}\"/>", "0".repeat(2048));
    refused(own, &styles(&format), "a tag in it is longer than 2048 bytes");
    refused("xl/Styles.xml", &styles(&" ".repeat(8 << 20)), "its styles have more than 8 MiB");

    let sheets = "<sheet/>".repeat(1025);
    refused("xl/workbook.xml", &format!("<workbook>{sheets}</workbook>"), "more than 1024 sheets");
    let target =
        format!("<Relationships><Relationship Target=\"{}\"/></Relationships>", "x".repeat(16 << 10));
    refused("xl/_rels/workbook.xml.rels", &target, "a tag in it is longer than 16384 bytes");
}

fn row_of_li() -> Row {
    row(2, "Li", "P:1")
}

#[test]
fn many_sheets_that_are_one_part_are_not_all_read() {
    let small = TableArgs { limits: Limits { unzipped_mib: 1, rows: 100 }, ..TableArgs::default() };
    let book = |count: usize, cells: &str| {
        let names: Vec<_> = (1..=count).map(|number| format!("Class {number}")).collect();
        let mut sheets: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
        sheets[0].1 = cells;
        let mut parts = parts(&sheets);
        let relations = parts.get_mut("xl/_rels/workbook.xml.rels").unwrap();
        for number in 2..=count {
            *relations = relations.replace(&format!("worksheets/s{number}.xml"), "worksheets/s1.xml");
        }
        zipped(&parts)
    };
    let cells = "<c/>".repeat(10_000);
    assert!(
        read("people.xlsx", &book(20, &cells), &small).unwrap_err().contains("no visible sheet has content")
    );
    let said = read("people.xlsx", &book(30, &cells), &small).unwrap_err();
    assert!(said.contains("it holds more than 1 MiB"), "{said}");
    let said = read("people.xlsx", &book(65, ""), &small).unwrap_err();
    assert!(said.contains("--sheet says which to read: `Class 1`") && !said.contains("`Class 9`"), "{said}");
}
