//! What the documents claim is there: files they point to, every reason with its number, requirement numbers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hufu_wire::Reason;

/// First and last number of each block of requirements (R01 to R14, ...).
const REQUIREMENTS: [(u8, u8); 5] = [(1, 14), (20, 29), (40, 47), (50, 51), (60, 64)];

#[test]
fn every_link_leads_somewhere() {
    let mut faults = Vec::new();
    for file in files("md") {
        let text = read(&file);
        for target in links(&text) {
            if let Some(fault) = dead(&file, &target) {
                faults.push(format!("{}: {fault}", shown(&file)));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Code and configuration name documents as `docs/POLICY.md`.
#[test]
fn every_document_that_code_names_is_there() {
    let named = ["rs", "toml", "md"].into_iter().flat_map(files).flat_map(|file| {
        let text = read(&file);
        let names: Vec<String> = text.split("docs/").skip(1).filter_map(document).collect();
        names.into_iter().map(move |name| (file.clone(), name)).collect::<Vec<_>>()
    });
    let faults: Vec<String> = named
        .filter(|(_, name)| !root().join("docs").join(name).exists())
        .map(|(file, name)| format!("{} names docs/{name}, which is not there", shown(&file)))
        .collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// A reader of either language runs the same commands.
#[test]
fn the_chinese_readme_has_the_commands_of_the_english_one() {
    let commands = |file: &str| -> Vec<String> {
        let text = read(&root().join(file));
        let blocks = text.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
        let lines =
            blocks.flat_map(str::lines).map(|line| line.split("# ").next().unwrap().trim_end().to_owned());
        lines.filter(|line| !line.is_empty()).collect()
    };
    let english = commands("README.md");
    assert!(english.len() > 30, "{english:?}");
    assert_eq!(commands("docs/README.zh-CN.md"), english);
}

#[test]
fn r07_the_protocol_lists_every_reason_with_its_number() {
    let protocol = read(&root().join("docs/PROTOCOL.md"));
    let rows: Vec<Vec<&str>> = protocol
        .lines()
        .filter(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect())
        .collect();
    let missing: Vec<String> = Reason::ALL
        .into_iter()
        .filter(|reason| {
            let code = reason.code().to_string();
            !rows.iter().any(|row| row.first() == Some(&code.as_str()) && row.contains(&reason.slug()))
        })
        .map(|reason| format!("| {} | `{}` |", reason.code(), reason.slug()))
        .collect();
    assert!(missing.is_empty(), "docs/PROTOCOL.md has no row for\n{}\n", missing.join("\n"));
}

#[test]
fn every_requirement_that_is_named_exists() {
    let faults: Vec<String> = ["rs", "md", "toml"]
        .into_iter()
        .flat_map(files)
        .flat_map(|file| {
            let text = read(&file);
            let unknown = requirements(&text).into_iter().filter(|number| !is_required(*number));
            unknown.map(|number| format!("{} names R{number:02}", shown(&file))).collect::<Vec<_>>()
        })
        .collect();
    assert!(faults.is_empty(), "there is no such requirement:\n{}\n", faults.join("\n"));
}

#[test]
fn links_reasons_and_numbers_are_found_in_text() {
    assert_eq!(
        links("see [a](b.md), [c](d.md#e) and `[no](link)`\n```\n[nor](this)\n```\n"),
        ["b.md", "d.md#e"]
    );
    assert_eq!(document("POLICY.md: and more"), Some("POLICY.md".to_owned()));
    assert_eq!(document("decisions/`, one page each"), None);
    assert_eq!(requirements("(R07, R1, AR12, R123, R64)"), [7, 64]);
    assert!(is_required(29) && !is_required(15) && !is_required(0));
    assert_eq!(anchor("## 4.2 The `sealed` request, in full"), "42-the-sealed-request-in-full");
}

/// Why `target`, a link in `file`, leads nowhere; `None` when it leads somewhere or out of the tree.
fn dead(file: &Path, target: &str) -> Option<String> {
    if ["https:", "http:", "mailto:"].iter().any(|scheme| target.starts_with(scheme)) {
        return None;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let to = if path.is_empty() { file.to_path_buf() } else { file.parent()?.join(path) };
    if !to.exists() {
        return Some(format!("{target} is not there"));
    }
    let text = if heading.is_empty() { return None } else { read(&to) };
    let found = text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == heading);
    (!found).then(|| format!("{target}: no such heading"))
}

/// Each test that shows something is there under its package: in the suite of stores, or a function that is a test.
#[test]
fn every_test_that_threats_names_is_in_its_package() {
    let mut tests: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for manifest in files("toml").into_iter().filter(|file| file.ends_with("Cargo.toml")) {
        let manifest_text = read(&manifest);
        let Some(name) = manifest_text.lines().find_map(|line| line.strip_prefix("name = ")) else {
            continue;
        };
        let folder = manifest.parent().expect("a folder");
        let sources = files("rs").into_iter().filter(|file| file.starts_with(folder));
        let found = sources.flat_map(|file| tests_of(&read(&file)));
        tests.entry(name.trim_matches('"').to_owned()).or_default().extend(found);
    }
    let suite = suite_of(&read(&root().join("engine/truth/storetest/src/lib.rs")));
    assert!(suite.len() > 100, "the list of the suite is read: {suite:?}");
    tests.entry("hufu-storetest".to_owned()).or_default().extend(suite.clone());
    tests.insert("suite".to_owned(), suite);
    let mut faults = Vec::new();
    for document in ["docs/THREATS.md", "docs/PROOF.md"] {
        for (package, test) in named_tests(&read(&root().join(document))) {
            if !tests.get(&package).is_some_and(|tests| tests.contains(&test)) {
                faults.push(format!("{document}: {package} has no test {test}"));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn tests_are_found_in_documents_and_in_code() {
    let text = "| tries `a_b` | `no_test` | `hufu-a: one`, `two_2` ([x](y)); suite: `three_3`, `hufu (faults): four` |\n\
                | tries | meets | `hufu-b`: `no file.rs`, `five_5` |\n\nA word\n(`hufu-c:\nsix`,\n`seven_7`, `hufu_figure`).\n\n`eight_8`";
    let named = named_tests(text);
    let named: Vec<_> = named.iter().map(|(package, test)| (package.as_str(), test.as_str())).collect();
    let all = [
        ("hufu-a", "one"),
        ("hufu-a", "two_2"),
        ("suite", "three_3"),
        ("hufu", "four"),
        ("hufu-b", "five_5"),
        ("hufu-c", "six"),
        ("hufu-c", "seven_7"),
    ];
    assert_eq!(named, all);
    let code = "#[test]\n#[should_panic]\nfn one() {\n#[tokio::test(x)]\n    async fn two() {\nfn no(a: u8) {\n// fn nor(";
    assert_eq!(tests_of(code), ["one", "two"]);
    let list = "use a::b;\nmacro_rules! store_suite {\n    a::one,\n    b::two_2,\n    $crate::$noun::$case(";
    assert_eq!(suite_of(list), ["one", "two_2"].map(ToOwned::to_owned).into());
}

/// Tests that a text names, each with its package: `package: test`, and further names of the same package, as far as the
/// cell or the paragraph goes. `suite: ` stands before the names that are in the suite of stores.
fn named_tests(text: &str) -> Vec<(String, String)> {
    let mut named = Vec::new();
    for block in text.split("\n\n").map(|block| block.replace('\n', " ")) {
        for cell in block.split('|') {
            let mut package = None;
            for (number, part) in cell.split('`').enumerate() {
                if number.is_multiple_of(2) {
                    package = if part.trim_end().ends_with("suite:") { Some("suite") } else { package };
                } else if let Some((first, test)) = part.split_once(": ").filter(|_| part.starts_with("hufu"))
                {
                    // `hufu (faults): test` is in package hufu.
                    package = first.split(' ').next();
                    named.extend(package.map(|package| (package.to_owned(), test.to_owned())));
                } else if part.starts_with("hufu") && part.chars().all(|c| c.is_alphanumeric() || c == '-') {
                    package = Some(part);
                } else if is_name_of_test(part) {
                    named.extend(package.map(|package| (package.to_owned(), part.to_owned())));
                }
            }
        }
    }
    named
}

/// Several words, and no figure of a metrics page.
fn is_name_of_test(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.contains('_') && name.chars().all(is_part) && !name.starts_with("hufu_")
}

/// The functions of a file that are tests.
fn tests_of(code: &str) -> Vec<String> {
    let (mut tests, mut is_test) = (Vec::new(), false);
    for line in code.lines().map(str::trim) {
        is_test |= ["#[test]", "#[tokio::test"].iter().any(|attribute| line.starts_with(attribute));
        let function = line.split_once("fn ");
        let function =
            function.filter(|(before, _)| before.chars().all(|c| c.is_alphabetic() || " ()".contains(c)));
        if let Some((_, rest)) = function {
            tests.extend(rest.split(['(', '<']).next().filter(|_| is_test).map(ToOwned::to_owned));
            is_test = false;
        }
    }
    tests
}

/// What every store runs.
fn suite_of(code: &str) -> BTreeSet<String> {
    let list = code.split_once("macro_rules! store_suite").map_or("", |(_, list)| list);
    let cases = list.lines().filter_map(|line| line.trim().strip_suffix(',')?.split_once("::"));
    cases.map(|(_, case)| case.to_owned()).collect()
}

/// The targets of a Markdown text's links, outside code.
fn links(text: &str) -> Vec<String> {
    let mut targets = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
            let found = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            targets.extend(found.map(|(target, _)| target.to_owned()));
        }
    }
    targets
}

/// The document that `rest`, the text after `docs/`, begins with.
fn document(rest: &str) -> Option<String> {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_/.".contains(c)).unwrap_or(rest.len());
    let name = rest[..end].trim_end_matches('.');
    let is_document =
        ["md", "toml"].iter().any(|kind| Path::new(name).extension().is_some_and(|e| e == *kind));
    is_document.then(|| name.to_owned())
}

/// The anchor that forges give a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Every `R` and two digits that stand alone.
fn requirements(text: &str) -> Vec<u8> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let digits = words.filter_map(|word| word.strip_prefix('R')).filter(|digits| digits.len() == 2);
    digits.filter_map(|digits| digits.parse().ok()).collect()
}

fn is_required(number: u8) -> bool {
    REQUIREMENTS.iter().any(|(first, last)| (*first..=*last).contains(&number))
}

/// The tree's files of one kind, apart from build output and this file, whose tests name what is not there.
fn files(extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            let name = entry.file_name().unwrap_or_default().to_string_lossy();
            if entry.is_dir() {
                if !["target", ".git", "__fuzz__"].contains(&name.as_ref()) {
                    folders.push(entry);
                }
            } else if entry.extension().is_some_and(|found| found == extension) && name != "documents.rs" {
                files.push(entry);
            }
        }
    }
    files.sort();
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the top of the tree")
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).display().to_string()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|fault| panic!("{}: {fault}", file.display()))
}
