//! The trail of who read records (R44): one JSON line for each export, list and small count, durable before anything is
//! shown. Each line names the digest of the line before.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use hufu_files::moment;
use hufu_records::Day;
use hufu_wire::UnixMillis;
use nix::unistd::{Uid, User, geteuid};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::wanted::Filter;
use crate::outcome::Exit;
use crate::term::{self, printable};

/// The file beside the records.
const TRAIL: &str = "trail.jsonl";
/// A line is far shorter: its texts are bounded.
const LINE_BYTES_MAX: u64 = 1 << 16;
/// Characters of `--because`.
const BECAUSE_MAX: usize = 300;

/// Why records are read, as it stands in the trail.
#[derive(Clone, Debug)]
pub(crate) struct Because(String);

impl std::str::FromStr for Because {
    type Err = String;

    fn from_str(text: &str) -> Result<Because, String> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > BECAUSE_MAX || text.chars().any(char::is_control) {
            return Err(format!(
                "write why the records are needed, 1 to {BECAUSE_MAX} characters on one line, for example \"case 2026-117\""
            ));
        }
        Ok(Because(text.to_owned()))
    }
}

/// What a command is about to show.
pub(super) struct Reading<'a> {
    pub(super) command: &'static str,
    pub(super) day: Day,
    pub(super) filter: &'a Filter,
    pub(super) because: &'a Because,
    pub(super) answer: Answer,
    /// The file that is written.
    pub(super) out: Option<&'a Path>,
}

/// How much of it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    /// So many records.
    Records(u64),
    /// Counts, of which this is the smallest.
    SmallestCount(u64),
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    time: String,
    time_ms: u64,
    /// Whose rights the command had.
    uid: u32,
    user: Option<String>,
    /// Who logged in, also behind `sudo`; the kernel knows it where logins are audited.
    login_uid: Option<u32>,
    login: Option<String>,
    command: String,
    day: String,
    filter: Filter,
    because: String,
    #[serde(flatten)]
    answer: Answer,
    out: Option<PathBuf>,
    /// SHA-256 of the line before without its end; zeros in the first.
    previous: String,
}

/// The trail of one folder of records.
pub(super) struct Trail {
    folder: PathBuf,
    path: PathBuf,
}

/// What was found in a trail.
#[derive(Debug, Default)]
pub(super) struct Summary {
    lines: u64,
    /// Everything that is wrong.
    pub(super) faults: Vec<String>,
    digest: [u8; 32],
}

impl Trail {
    pub(super) fn of(folder: &Path) -> Trail {
        Trail { folder: folder.to_owned(), path: folder.join(TRAIL) }
    }

    /// Appends a line; it survives power when this returns. Nothing may be shown before.
    pub(super) fn add(&self, reading: &Reading<'_>) -> anyhow::Result<()> {
        // A trail that another user made could not be appended to by the next one.
        ensure_owner(&self.folder, "hufu records ...")?;
        let append = || {
            let mut file = self.open()?;
            // Two commands at once would both follow the same line.
            file.lock()?;
            let (last, is_ended) = last_line(&mut file)?;
            let previous = last.map_or([0; 32], |last| Sha256::digest(last).into());
            let mut text = if is_ended { String::new() } else { "\n".to_owned() };
            text.push_str(&serde_json::to_string(&Line::of(reading, previous))?);
            text.push('\n');
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            // The file may be new.
            File::open(&self.folder)?.sync_all()?;
            anyhow::Ok(())
        };
        append().with_context(|| {
            format!("the trail {} cannot be written, so nothing is shown", self.path.display())
        })
    }

    /// Reads the whole trail and verifies that each line follows from the one before.
    pub(super) fn verify(&self) -> anyhow::Result<Summary> {
        self.each(|_, _, _| {})
    }

    fn open(&self) -> anyhow::Result<File> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&self.path)?;
        ensure!(file.metadata()?.is_file(), "it is not a regular file");
        Ok(file)
    }

    /// Hands each line to `each`: its number, its digest, and the line where it is one.
    fn each(&self, mut each: impl FnMut(u64, [u8; 32], Option<Line>)) -> anyhow::Result<Summary> {
        let mut summary = Summary::default();
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(summary),
            opened => opened.with_context(|| format!("cannot read {}", self.path.display()))?,
        };
        // A line that is being written is waited for.
        file.lock_shared().with_context(|| format!("cannot lock {}", self.path.display()))?;
        let (mut reader, mut bytes) = (BufReader::new(file), Vec::new());
        loop {
            bytes.clear();
            let read = (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
            if read.with_context(|| format!("cannot read {}", self.path.display()))? == 0 {
                return Ok(summary);
            }
            summary.lines += 1;
            let number = summary.lines;
            if bytes.pop_if(|byte| *byte == b'\n').is_none() && bytes.len() as u64 == LINE_BYTES_MAX {
                bail!("{}: line {number} is too long to be one of a trail", self.path.display());
            }
            let line = serde_json::from_slice::<Line>(&bytes).ok();
            let fault = match &line {
                None => {
                    Some("is not whole: its command was stopped before it showed anything, or it was altered")
                }
                Some(line) if line.previous != hex::encode(summary.digest) => {
                    Some("does not follow from the line before: a line was altered, removed or added")
                }
                Some(_) => None,
            };
            summary.faults.extend(fault.map(|fault| format!("{TRAIL}: line {number} {fault}")));
            summary.digest = Sha256::digest(&bytes).into();
            each(number, summary.digest, line);
        }
    }
}

/// The last line without its end, and whether it has one. No line ends as well as any.
fn last_line(file: &mut File) -> anyhow::Result<(Option<Vec<u8>>, bool)> {
    let size = file.metadata()?.len();
    let from = size.saturating_sub(LINE_BYTES_MAX);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(LINE_BYTES_MAX).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        return Ok((None, true));
    }
    let is_ended = bytes.pop_if(|byte| *byte == b'\n').is_some();
    match bytes.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => Ok((Some(bytes.split_off(end + 1)), is_ended)),
        None if from == 0 => Ok((Some(bytes), is_ended)),
        None => bail!("its last line is too long to be one of a trail"),
    }
}

impl Line {
    fn of(reading: &Reading<'_>, previous: [u8; 32]) -> Line {
        let Reading { command, day, filter, because, answer, out } = reading;
        let now = moment::now();
        let uid = geteuid().as_raw();
        let login_uid = login_uid();
        Line {
            time: time_of(now),
            time_ms: now.0,
            uid,
            user: name_of(uid),
            login_uid,
            login: login_uid.and_then(name_of),
            command: (*command).to_owned(),
            day: day.to_string(),
            filter: (*filter).clone(),
            because: because.0.clone(),
            answer: *answer,
            out: out.map(|out| std::path::absolute(out).unwrap_or_else(|_| out.to_owned())),
            previous: hex::encode(previous),
        }
    }

    fn to_text(&self) -> String {
        let named = |name: &Option<String>, uid| name.clone().unwrap_or_else(|| format!("uid {uid}"));
        let login = match self.login_uid {
            Some(uid) if uid != self.uid => format!(" (logged in as {})", named(&self.login, uid)),
            _ => String::new(),
        };
        let answer = match self.answer {
            Answer::Records(records) => format!("{records} records"),
            Answer::SmallestCount(count) => format!("smallest count {count}"),
        };
        let out = self.out.as_ref().map_or_else(String::new, |out| format!(", to {}", out.display()));
        let text = format!(
            "{}  {}{login}  {} {}{}  {answer}{out}  because: {}",
            self.time,
            named(&self.user, self.uid),
            self.command,
            self.day,
            self.filter,
            self.because
        );
        printable(&text)
    }
}

impl Summary {
    pub(super) fn to_json(&self) -> Value {
        let Summary { lines, faults, digest } = self;
        json!({ "lines": lines, "whole": faults.is_empty(), "faults": faults, "digest": hex::encode(digest) })
    }

    pub(super) fn to_text(&self) -> String {
        let mut lines: Vec<_> = self.faults.iter().map(|fault| format!("fault: {fault}")).collect();
        lines.push(match (self.lines, self.faults.len()) {
            (0, _) => "trail: no line".to_owned(),
            (lines, 0) => {
                format!("trail: {lines} lines, whole; the last one is {}", hex::encode(self.digest))
            }
            (lines, faults) => format!("trail: {lines} lines, not whole: {faults} faults"),
        });
        lines.join("\n")
    }
}

/// Prints the trail. With `contains`, the answer is also whether a line with this digest is in it.
pub(super) fn run(folder: &Path, contains: Option<&str>) -> anyhow::Result<Exit> {
    super::open(folder)?;
    let (mut objects, mut texts, mut is_there) = (Vec::new(), Vec::new(), contains.is_none());
    let summary = Trail::of(folder).each(|number, digest, line| {
        let digest = hex::encode(digest);
        is_there |= contains.is_some_and(|wanted| wanted.eq_ignore_ascii_case(&digest));
        if let Some(line) = line {
            if term::is_json() {
                objects.push(json!({ "number": number, "digest": digest, "line": line }));
            } else {
                texts.push(format!("{number}  {}", line.to_text()));
            }
        }
    })?;
    let object = || {
        let mut object = summary.to_json();
        object["entries"] = objects.into();
        object["contains"] = contains.map(|_| is_there).into();
        object
    };
    let text = || {
        texts.push(summary.to_text());
        if !is_there {
            texts.push("fault: no line has the digest of --contains: lines were removed".to_owned());
        }
        texts.join("\n")
    };
    term::outcome(object, text);
    Ok(if is_there && summary.faults.is_empty() { Exit::Yes } else { Exit::No })
}

/// Refuses to run `command` as another user than the owner of `path`.
pub(crate) fn ensure_owner(path: &Path, command: &str) -> anyhow::Result<()> {
    let metadata = path.metadata().with_context(|| format!("cannot read {}", path.display()))?;
    match not_owner(path, metadata.uid(), geteuid().as_raw(), command) {
        Some(what) => bail!(what),
        None => Ok(()),
    }
}

fn not_owner(path: &Path, owner: u32, user: u32, command: &str) -> Option<String> {
    let name = name_of(owner).unwrap_or_else(|| format!("#{owner}"));
    (owner != user).then(|| {
        format!("{} belongs to {name}, who must run this command: sudo -u '{name}' {command}", path.display())
    })
}

fn name_of(uid: u32) -> Option<String> {
    Some(User::from_uid(Uid::from_raw(uid)).ok()??.name)
}

fn login_uid() -> Option<u32> {
    let uid = std::fs::read_to_string("/proc/self/loginuid").ok()?.trim().parse().ok()?;
    (uid != u32::MAX).then_some(uid)
}

/// In UTC, to the millisecond.
pub(super) fn time_of(time: UnixMillis) -> String {
    let instant = i64::try_from(time.0).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    instant.map_or_else(|| time.0.to_string(), |instant| format!("{instant:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r44_only_the_owner_of_the_records_reads_them_and_says_why() {
        let folder = Path::new("records");
        assert_eq!(not_owner(folder, 7, 7, "hufu records ..."), None);
        let said = not_owner(folder, 4_000_000_007, 0, "hufu records ...").unwrap();
        assert!(said.contains("records belongs to #4000000007"), "{said}");
        assert!(said.contains("sudo -u '#4000000007' hufu records ..."), "{said}");
        for (because, is_read) in
            [("case 7", true), (" ", false), ("two\nlines", false), (&"x".repeat(301), false)]
        {
            assert_eq!(because.parse::<Because>().is_ok(), is_read, "{because}");
        }
    }
}
