//! A real process on a real disk, killed at moments of chance.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use hufu_records::{Folder, Identity, KeyFolder, Store, read, verify};

use crate::common::{Chance, ENGINE, NOON, day_of, kept, options, signer, wrapping};

const FOLDER: &str = "HUFU_RECORDS_OF_A_CHILD";
const FROM: &str = "HUFU_RECORDS_FROM";
/// For a longer run: `HUFU_RECORDS_KILLS=1000 cargo nextest run --workspace --all-features --test records killed`.
const KILLS: &str = "HUFU_RECORDS_KILLS";

fn keys(folder: &Path) -> KeyFolder {
    KeyFolder::new(Folder::read(&folder.join("keys")).unwrap(), wrapping())
}

#[test]
fn r40_a_process_that_is_killed_at_any_moment_has_kept_what_it_acknowledged() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let (mut chance, mut acknowledged, mut from) = (Chance::new(40), Vec::new(), 0);
    let kills: u32 = std::env::var(KILLS).map_or(300, |kills| kills.parse().unwrap());
    for _ in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::a_child_that_writes_until_it_is_killed", "--ignored", "--nocapture"])
            .env(FOLDER, folder)
            .env(FROM, from.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Once it writes, at any moment.
        let first = lines.find(|line| line.as_ref().unwrap().starts_with("acknowledged ")).unwrap();
        std::thread::sleep(Duration::from_micros(u64::try_from(chance.below(3_000)).unwrap()));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in std::iter::once(first).chain(lines) {
            if let Some(numbers) = line.unwrap().strip_prefix("acknowledged ")
                && let Some((begin, end)) = numbers.strip_suffix('.').and_then(|it| it.split_once(' '))
            {
                let (begin, end): (u64, u64) = (begin.parse().unwrap(), end.parse().unwrap());
                acknowledged.extend(begin..end);
                from = end + 1_000_000;
            }
        }
    }
    let records = Folder::read(&folder.join("records")).unwrap();
    let report = verify(&records, Some(&keys(folder)), &ENGINE, &signer().verifying_key()).unwrap();
    assert_eq!(report.faults, []);
    let mut found = std::collections::BTreeSet::new();
    read(&records, &keys(folder), day_of(NOON), |one| {
        found.insert(match one.row.answer {
            hufu_records::Answer::Verdict(verdict) => verdict.number.0,
            hufu_records::Answer::Roster(_) => panic!("no roster was checked"),
        });
        Ok(())
    })
    .unwrap();
    let missing: Vec<_> = acknowledged.iter().filter(|number| !found.contains(number)).collect();
    assert!(missing.is_empty() && acknowledged.len() > 1_000, "{missing:?} of {}", acknowledged.len());
}

#[test]
#[ignore = "run by the test above, which kills it"]
fn a_child_that_writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    let keys = KeyFolder::new(Folder::lock(&folder.join("keys")).unwrap(), wrapping());
    let identity = Identity { signer: signer(), engine: ENGINE };
    let records = Folder::lock(&folder.join("records")).unwrap();
    let mut store = Store::open(records, keys, identity, options()).unwrap();
    let mut chance = Chance::new(u64::from(std::process::id()));
    let mut from: u64 = std::env::var(FROM).unwrap().parse().unwrap();
    loop {
        let count = 1 + u64::try_from(chance.below(60)).unwrap();
        store.commit(NOON, &kept(NOON, from, count)).unwrap();
        // The end of the line says that all of it was written.
        writeln!(std::io::stdout(), "acknowledged {from} {}.", from + count).unwrap();
        from += count;
    }
}

#[test]
fn two_engines_do_not_write_to_one_folder() {
    let temporary = tempfile::tempdir().unwrap();
    let first = Folder::lock(temporary.path()).unwrap();
    let second = Folder::lock(temporary.path()).unwrap_err();
    assert!(second.to_string().contains("another process writes to this folder"), "{second}");
    drop(first);
    assert!(Folder::lock(temporary.path()).is_ok());
}
