//! The school's page: a registry, an engine and both authorities as processes, the page in `hufu console`, and a
//! clerk at a browser.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::thread;

use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};

use crate::common::source::Source;
use crate::common::{Deployment, Engine, SITE, browser, free_address};

const OTHER_SITE: &str = "310102";
const PASSWORD: &str = "a long word for tests";

/// Pupils and their classes: a GB 11643 number each, with its check character.
fn pupil(n: u32) -> [String; 3] {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    // None ends in 000: that is what a spreadsheet makes of a number.
    let digits = format!("3201012012{:02}{:02}{:03}", n / 14_000 + 1, n / 500 % 28 + 1, n % 500 * 2 + 1);
    let sum: u32 =
        digits.chars().zip(WEIGHTS).map(|(digit, weight)| digit.to_digit(10).unwrap() * weight).sum();
    let check = b"10X98765432"[sum as usize % 11] as char;
    let name = ["王小明", "李娜", "张伟", "刘洋"][n as usize % 4];
    [format!("{digits}{check}"), name.to_owned(), format!("{}.{}", n / 50 / 10 + 1, n / 50 % 10 + 1)]
}

/// A workbook of these rows; every cell is a text.
fn workbook(path: &Path, rows: impl IntoIterator<Item = [String; 3]>) {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let heading = ["身份证号", "姓名", "班级"].map(str::to_owned);
    for (row, cells) in (0..).zip(std::iter::once(heading).chain(rows)) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    book.save(path).unwrap();
}

struct World {
    source: Source,
    origin: String,
    /// Where a test stops and starts processes.
    control: String,
    _console: Engine,
}

impl World {
    /// Registry and engine with `pupils` people: every 20th amber, every 50th red, the last one without a status. A console
    /// with the pages of two schools, which have one terminal.
    fn new(pupils: u32) -> World {
        let source = Source::over_http();
        let deployment = &source.deployment;
        let config = deployment.path("registry/registry.toml");
        let text = fs::read_to_string(&config).unwrap();
        let keys = "credential_keys = [\"../issuer.key\"]\nroster_keys = [\"../issuer.key\"]\n";
        let text = text
            .replace("# credential_keys = [\"issuer-310000.key\"]\n", "")
            .replace("# roster_keys = [\"issuer-310000.key\"]\n", keys);
        assert!(text.contains(keys), "{text}");
        fs::write(&config, text).unwrap();
        let registry = source.registry();
        let engine = deployment.serve();
        deployment.write("school.toml", "roster = true\n");
        for site in [SITE, OTHER_SITE] {
            deployment.run(&format!("site put {site} --name School --policy school.toml"));
        }
        deployment.run("registry token new --config registry/registry.toml --label school --scopes holders,rosters --out school.token");
        let mut people = "name,id_number,colour\n".to_owned();
        for n in 0..pupils {
            let [number, name, _] = pupil(n);
            let colour = match n {
                _ if n + 1 == pupils => "",
                // Of a large school no more than the brake lets through.
                _ if n < 3000 && n % 50 == 49 => "red",
                _ if n < 3000 && n % 20 == 19 => "amber",
                _ => "green",
            };
            writeln!(people, "{name},{number},{colour}").unwrap();
        }
        deployment.write("people.csv", &people);
        deployment.run("import people.csv --issuer 310000 --key local.key --national-key national.key --yes");
        let pages = free_address();
        deployment.write("secret", PASSWORD);
        for (name, site) in [("clerk", SITE), ("other", OTHER_SITE)] {
            deployment.run(&format!(
                "console account add {name} --role school --site {site} --password-file secret"
            ));
        }
        let defaults = fs::read_to_string(deployment.path("hufu.toml")).unwrap();
        let registry_url = defaults.split('"').nth(1).unwrap();
        let school = |site: &str, folder: &str| {
            format!(
                "[[school]]\nsite = {site}\nissuer = 310000\nregistry = \"{registry_url}\"\ntoken = \"school.token\"\n\
                 ca = \"registry/ca/ca.pem\"\nterminal = \"terminal\"\nfolder = \"{folder}\"\ntime_zone = \"Asia/Shanghai\"\n"
            )
        };
        let schools = [school(SITE, "kept"), school(OTHER_SITE, "kept-other")].concat();
        deployment
            .write("console.toml", &format!("listen = \"{pages}\"\naccounts = \"accounts.toml\"\n{schools}"));
        let console = deployment.serve_console("console.toml");
        let control = control(deployment.folder().to_owned(), registry, engine);
        World { source, origin: format!("http://{pages}"), control, _console: console }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.source.deployment.path(name)
    }
}

/// A server that stops the registry or the engine, or starts it again: `POST /registry`, `POST /engine`.
fn control(folder: PathBuf, registry: Engine, engine: Engine) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let source = Source { deployment: Deployment::at(folder) };
    let (mut registry, mut engine) = (Some(registry), Some(engine));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let bytes = stream.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..bytes]).into_owned();
            if request.starts_with("POST /registry") {
                registry = if registry.take().is_none() { Some(source.registry()) } else { None };
            } else if request.starts_with("POST /engine") {
                engine = if engine.take().is_none() { Some(source.deployment.serve()) } else { None };
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    address
}

/// R61: the whole way of a clerk, with and without scripts; and everything that a hurry, a broken file or another school
/// can do to it.
#[test]
fn r61_a_school_checks_its_list_in_a_browser_and_sees_no_other() {
    let world = World::new(240);
    let path = |name: &str| world.path(name).to_str().unwrap().to_owned();
    let row = |number: &str, name: &str, class: &str| [number, name, class].map(str::to_owned);
    // Somebody who is not registered, somebody with another name, a number that is wrong, one that is there twice.
    let [first, ..] = pupil(0);
    let [second, ..] = pupil(1);
    let odd = [
        row("passport:E1234567", "Ada <b>", "=1+1"),
        row(&second, "赵大宝", "1.1"),
        row("110105194912310021", "孙七", "1.1"),
        row(&first, "王小明", "1.1"),
        row("passport:E7654321", "\u{202e}drow", "1.1"),
    ];
    let pupils = || (0..240).filter(|n| *n != 1).map(pupil);
    workbook(&world.path("pupils.xlsx"), pupils().chain(odd));
    let [number, name, class] = pupil(7);
    fs::write(world.path("small.csv"), format!("id_number,name,class,phone\n{number},{name},{class},139\n"))
        .unwrap();
    fs::write(world.path("nonsense.xlsx"), [b"PK\x03\x04".as_slice(), &noise(10 << 20)].concat()).unwrap();
    fs::write(world.path("nonsense.bin.xlsx"), noise(1 << 20)).unwrap();
    fs::write(world.path("columns.csv"), "a,b\n1,2\n").unwrap();
    fs::write(world.path("headless.csv"), format!("{number},{name},{class}\n")).unwrap();
    fs::write(world.path("rows.csv"), format!("id_number,name\n{}", "x,y\n".repeat(1_000_000))).unwrap();
    fs::write(world.path("large.csv"), vec![b'a'; 17 << 20]).unwrap();
    fs::write(world.path("empty.csv"), "").unwrap();
    bomb(&world.path("bomb.xlsx"));

    let input = json!({
        "origin": world.origin,
        "control": world.control,
        "password": PASSWORD,
        "list": path("pupils.xlsx"),
        "small": path("small.csv"),
        "downloads": path("downloads"),
        "bad": {
            "nonsense.xlsx": path("nonsense.xlsx"),
            "nonsense.bin.xlsx": path("nonsense.bin.xlsx"),
            "bomb.xlsx": path("bomb.xlsx"),
            "rows.csv": path("rows.csv"),
            "large.csv": path("large.csv"),
            "columns.csv": path("columns.csv"),
            "headless.csv": path("headless.csv"),
        },
        "empty": path("empty.csv"),
    });
    let seen = browser::run("school", &input);
    println!("{seen}");

    // What was downloaded is opened again by the reader of lists, and has no formula.
    let csv = fs::read_to_string(world.path("downloads/list.csv")).unwrap();
    assert!(csv.starts_with('\u{feff}') && csv.contains(",'=1+1,"), "{csv}");
    let columns = ["Line", "Class", "Pupil", "Answer", "Why"].map(|name| hufu_sheets::required(name, &[]));
    let read = |name: &str| {
        let table = hufu_sheets::Table::open(&world.path(name), &hufu_sheets::TableArgs::default()).unwrap();
        table.collect(&columns, &mut |_| (), |_, cells| Ok(cells.map(str::to_owned))).unwrap()
    };
    let (from_csv, from_xlsx) = (read("downloads/list.csv"), read("downloads/list.xlsx"));
    assert_eq!(from_xlsx.len(), 241);
    assert_eq!(from_csv.len(), 241);
    let ada = from_xlsx.iter().find(|row| row[0] == "241").unwrap();
    assert_eq!((&*ada[1], &*ada[3]), ("=1+1", "Not found"), "a text, as it was in the list");
    let mut book = zip_text(&world.path("downloads/list.xlsx"));
    assert!(!book.contains("<f>") && !book.contains("<f "), "no cell is a formula");
    book.push_str(&csv);
    for secret in [&*first, "王小明", "赵大宝", "E1234567"] {
        assert!(!book.contains(secret), "{secret} does not come out");
    }
    // What is kept says of no one who they are.
    let kept = fs::read_to_string(world.path("kept/register.json")).unwrap();
    assert!(kept.contains('*') && !kept.contains("王小明") && !kept.contains(&first), "masked");
    assert!(!world.path("kept-other/register.json").exists());
}

/// Bytes that are no file of any kind, the same each time.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(bytes).collect()
}

/// A workbook of 200 KiB that unzips to 200 MiB.
fn bomb(path: &Path) {
    let mut file = zip::ZipWriter::new(fs::File::create(path).unwrap());
    file.start_file("xl/worksheets/sheet1.xml", zip::write::SimpleFileOptions::default()).unwrap();
    let zeroes = vec![b' '; 1 << 20];
    for _ in 0..200 {
        file.write_all(&zeroes).unwrap();
    }
    file.finish().unwrap();
}

/// Everything that is in a workbook, as one text.
fn zip_text(path: &Path) -> String {
    let mut archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let mut text = String::new();
    for place in 0..archive.len() {
        archive.by_index(place).unwrap().read_to_string(&mut text).unwrap();
    }
    text
}

/// How long 3,000 pupils take from the click to the printed list; with `HUFU_SCHOOL_PUPILS` as many as it says.
#[test]
fn r61_a_list_of_a_school_is_printed_soon() {
    let pupils: u32 =
        std::env::var("HUFU_SCHOOL_PUPILS").ok().and_then(|text| text.parse().ok()).unwrap_or(3000);
    let world = World::new(pupils);
    workbook(&world.path("pupils.xlsx"), (0..pupils).map(pupil));
    let list = world.path("pupils.xlsx");
    let input = json!({ "origin": world.origin, "password": PASSWORD, "list": list, "pupils": pupils });
    let seen = browser::run("school_speed", &input);
    println!("{seen}");
    let ms = seen["ms"].as_u64().unwrap();
    // The machine may be busy with other tests: the figure of docs/SCHOOLS.md is of a quiet one.
    assert!(ms < 4 * u64::from(pupils.max(3000)), "{seen}");
    assert_eq!(seen["pupils"], Value::from(pupils), "{seen}");
}
