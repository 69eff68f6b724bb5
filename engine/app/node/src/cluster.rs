//! The keys of a cluster as an engine keeps them: `cluster.keys` in its state folder. The engine writes it at each
//! epoch, commands change it beside a running engine; each locks the folder first.

use std::fs::{self, OpenOptions, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail, ensure};
use hufu_check::ClusterKeys;
use hufu_files::keys;
use hufu_files::{self as files, Readable};
use zeroize::Zeroizing;

/// Name of the file in the state folder.
const NAME: &str = "cluster.keys";

/// Where the keys of the engine with this state folder are.
pub fn path(state: &Path) -> PathBuf {
    state.join(NAME)
}

/// The keys of the engine with this state folder.
///
/// # Errors
/// There are none, with the commands that make or fetch them; or the file is damaged.
pub fn read(state: &Path) -> anyhow::Result<ClusterKeys> {
    let path = path(state);
    read_if_there(&path)?.ok_or_else(|| {
        let state = state.display();
        anyhow!(
            "{} is missing. For the first engine of a cluster run `hufu keys cluster new --state {state}`; for \
             another engine `hufu keys cluster ask`, then `export` where one runs and `import --state {state}` here; \
             for a cluster that had a seed file `hufu keys cluster migrate --seed FILE --state {state}`",
            path.display()
        )
    })
}

/// Keeps the first keys of an engine, which must have none.
///
/// # Errors
/// The folder has keys already, or cannot be written.
pub fn create(state: &Path, keys: &ClusterKeys) -> anyhow::Result<()> {
    files::folder(state)?;
    fs::set_permissions(state, Permissions::from_mode(0o700))
        .with_context(|| format!("cannot keep {} private", state.display()))?;
    let _lock = files::lock(state)?;
    files::remove_leftovers(&path(state))?;
    files::create(&path(state), &keys.to_bytes(), Readable::Owner)
}

/// Changes the keys and returns them as they are kept now. Nothing is written if `change` fails.
///
/// # Errors
/// The folder has no keys that can be read, `change` fails, or the file cannot be written.
pub fn change(
    state: &Path,
    change: impl FnOnce(&mut ClusterKeys) -> anyhow::Result<()>,
) -> anyhow::Result<ClusterKeys> {
    ensure!(state.is_dir(), "{} is not a state folder", state.display());
    let _lock = files::lock(state)?;
    let mut keys = read(state)?;
    change(&mut keys)?;
    write_over(&path(state), &keys.to_bytes())?;
    files::remove_leftovers(&path(state))?;
    Ok(keys)
}

/// Overwrites and removes keys that an engine or a command left when it was killed while it wrote them.
///
/// # Errors
/// The folder cannot be locked, or some are still there.
pub fn remove_leftovers(state: &Path) -> anyhow::Result<()> {
    let _lock = files::lock(state)?;
    files::remove_leftovers(&path(state))
}

/// Takes over keys that were handed over: adds them to those that are kept, or puts them in their place.
///
/// # Errors
/// The handed keys are of another cluster and do not replace, or the file cannot be written.
pub fn take(state: &Path, handed: &ClusterKeys, replace: bool) -> anyhow::Result<ClusterKeys> {
    if !path(state).exists() {
        create(state, handed)?;
        return Ok(handed.clone());
    }
    change(state, |kept| {
        if replace {
            *kept = handed.clone();
            return Ok(());
        }
        Ok(kept.merge(handed)?)
    })
}

fn read_if_there(path: &Path) -> anyhow::Result<Option<ClusterKeys>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => Zeroizing::new(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    keys::ensure_private(path)?;
    match ClusterKeys::from_bytes(&bytes) {
        Ok(keys) => Ok(Some(keys)),
        Err(fault) => bail!(
            "{}: {fault}. Remove it and import the keys of another engine, or make new ones; gates then enrol again",
            path.display()
        ),
    }
}

/// Replaces the file and then overwrites the bytes that it had, so that no earlier secret stays on the disk where
/// the file system writes in place.
fn write_over(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let before = OpenOptions::new().write(true).open(path);
    files::replace(path, bytes, Readable::Owner)?;
    let overwritten = before.and_then(|before| files::overwrite(&before));
    overwritten.with_context(|| format!("the earlier content of {} could not be overwritten", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::UnixMillis;
    use std::io::Read as _;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    fn keys() -> ClusterKeys {
        ClusterKeys::first(NOW, [1; 8], &[7; 32])
    }

    #[test]
    fn b10_what_is_forgotten_is_gone_from_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        create(&state, &keys()).unwrap();
        assert!(create(&state, &keys()).is_err(), "never written over");
        assert_eq!(fs::metadata(path(&state)).unwrap().permissions().mode() & 0o777, 0o600);
        let mut before = fs::File::open(path(&state)).unwrap();
        let secret = [7; 32];
        let holds = |bytes: &[u8]| bytes.windows(32).any(|window| window == secret);
        assert!(holds(&fs::read(path(&state)).unwrap()));

        // As it is killed between write and rename.
        let left = state.join(".cluster.keys.Ab3xY9.partial");
        fs::write(&left, keys().to_bytes()).unwrap();
        let mut killed = fs::File::open(&left).unwrap();
        let epoch = keys().epoch() + 1;
        let kept = change(&state, |keys| Ok(keys.advance_to(epoch)?)).unwrap();
        assert_eq!((kept.epoch(), read(&state).unwrap().epoch()), (epoch, epoch));
        assert!(!holds(&fs::read(path(&state)).unwrap()), "not in the file");
        for file in [&mut before, &mut killed] {
            let mut old = Vec::new();
            file.read_to_end(&mut old).unwrap();
            assert!(!old.is_empty() && old.iter().all(|byte| *byte == 0), "nor where a file was");
        }
        assert_eq!(fs::metadata(path(&state)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(&state).unwrap().count(), 1, "nor beside it");
        fs::write(&left, keys().to_bytes()).unwrap();
        remove_leftovers(&state).unwrap();
        assert!(!left.exists(), "nor from the next start on");
    }

    #[test]
    fn a_missing_or_damaged_file_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let missing = format!("{:#}", read(folder.path()).unwrap_err());
        assert!(
            missing.contains("hufu keys cluster new --state") && missing.contains("migrate"),
            "{missing}"
        );
        files::create(&path(folder.path()), b"no keys", Readable::Owner).unwrap();
        let damaged = format!("{:#}", read(folder.path()).unwrap_err());
        assert!(damaged.contains("damaged ones. Remove it and import"), "{damaged}");
        fs::set_permissions(path(folder.path()), fs::Permissions::from_mode(0o640)).unwrap();
        let shared = format!("{:#}", read(folder.path()).unwrap_err());
        assert!(shared.contains("chmod 600"), "{shared}");
    }

    #[test]
    fn keys_of_another_cluster_are_taken_only_in_place_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let stranger = ClusterKeys::first(NOW, [2; 8], &[8; 32]);
        take(folder.path(), &keys(), false).unwrap();
        assert!(take(folder.path(), &stranger, false).is_err());
        let kept = take(folder.path(), &stranger, true).unwrap();
        assert_eq!(kept.facts().next().unwrap().name, [2; 8]);
    }
}
