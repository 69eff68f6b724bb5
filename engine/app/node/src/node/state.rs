//! What an engine must remember through a restart: nothing revoked comes back and no status goes back, however
//! old the files are that somebody puts in its way (R22, R43).

mod disk;
mod memory;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, bail, ensure};
use hufu_codes::cose;
use hufu_codes::keyring::{Keyring, TrustFault};
use hufu_signature::{PreparedKey, PublicKey, Scheme};
use hufu_table::SnapshotDigest;
use hufu_wire::{DeviceGeneration, DeviceId, IssuerId, Sequence};

use self::disk::Disk;
use self::memory::Memory;
use super::probe;

/// The engine's memory, written down at every change.
pub(super) struct State {
    folder: PathBuf,
    kept: Mutex<Kept>,
}

/// What is remembered, and where it is written.
struct Kept {
    memory: Memory,
    disk: Disk,
}

/// A keyring from an earlier run.
pub(super) struct KeptKeyring {
    /// Empty the first time.
    pub(super) keyring: Keyring,
    /// Whether another operator's key than the configured one signed its list.
    pub(super) of_another_operator: bool,
}

impl State {
    /// Opens the folder, makes it if need be, and locks it.
    pub(super) fn open(folder: &Path) -> anyhow::Result<State> {
        State::read(folder, Disk::open(folder)?)
    }

    /// Opens the folder to look at, whether or not it is there and in use. Nothing is written.
    pub(super) fn look(folder: &Path) -> anyhow::Result<State> {
        State::read(folder, Disk::look(folder))
    }

    fn read(folder: &Path, disk: Disk) -> anyhow::Result<State> {
        let memory = disk.memory()?;
        Ok(State { folder: folder.to_owned(), kept: Mutex::new(Kept { memory, disk }) })
    }

    /// The folder itself.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Tries whether the folder can be written; nothing stays in it.
    pub(super) fn probe(&self) -> anyhow::Result<probe::Folder> {
        let lock = self.kept().disk.lock_path();
        probe::folder(&self.folder, &lock)
    }

    /// Whether an issuer's statuses may be those of a snapshot, after all that this engine has applied.
    ///
    /// # Errors
    /// The sequence is older, or has other statuses than it had.
    pub(super) fn admit(
        &self,
        issuer: IssuerId,
        offered: Sequence,
        content: SnapshotDigest,
    ) -> anyhow::Result<()> {
        let kept = self.kept();
        let held = kept.memory.sequence(issuer);
        ensure!(
            offered >= held,
            "sequence {offered} of issuer {issuer} is older than {held}, which this engine has applied"
        );
        let before = kept.memory.contents.get(&issuer.0).filter(|_| offered == held);
        ensure!(
            before.is_none_or(|before| *before == content.to_string()),
            "this engine has applied sequence {offered} of issuer {issuer} with other statuses: one of the two is \
             forged or a mistake; the next good one needs a higher sequence"
        );
        Ok(())
    }

    /// Remembers a snapshot that was applied.
    pub(super) fn remember_snapshot(&self, issuer: IssuerId, sequence: Sequence, content: SnapshotDigest) {
        self.change(|memory| {
            let held = memory.sequences.entry(issuer.0).or_default();
            // Sequence 0 is where nothing was applied yet.
            if sequence.0 > 0 && sequence.0 >= *held {
                *held = sequence.0;
                memory.contents.insert(issuer.0, content.to_string());
            }
        });
    }

    /// The last sequence of an issuer that this engine has applied in any run, 0 for none.
    pub(super) fn sequence(&self, issuer: IssuerId) -> Sequence {
        self.kept().memory.sequence(issuer)
    }

    /// Remembers how far chains were followed. Which statuses those were is told by their chains' digests; for a
    /// snapshot that takes a chain's place later, its sequence is what counts.
    pub(super) fn remember_followed(&self, tips: impl IntoIterator<Item = (IssuerId, Sequence)>) {
        self.change(|memory| {
            for (issuer, sequence) in tips {
                let held = memory.sequences.entry(issuer.0).or_default();
                if sequence.0 > *held {
                    *held = sequence.0;
                    memory.contents.remove(&issuer.0);
                }
            }
        });
    }

    /// Remembers revoked devices.
    pub(super) fn remember_revoked(&self, revoked: &[(DeviceId, DeviceGeneration)]) {
        self.change(|memory| {
            for (device, generation) in revoked {
                let held = memory.revoked.entry(device.0).or_insert(generation.0);
                *held = generation.0.max(*held);
            }
        });
    }

    /// Every device that ever was revoked.
    pub(super) fn revoked(&self) -> Vec<(DeviceId, DeviceGeneration)> {
        let revoked = &self.kept().memory.revoked;
        revoked
            .iter()
            .map(|(device, generation)| (DeviceId(*device), DeviceGeneration(*generation)))
            .collect()
    }

    /// Remembers the number of an authority's revocation list; returns the highest one before.
    pub(super) fn remember_list(&self, authority: &str, number: u64) -> u64 {
        let before = self.kept().memory.lists.get(authority).copied().unwrap_or(0);
        self.change(|memory| {
            memory.lists.insert(authority.to_owned(), number.max(before));
        });
        before
    }

    /// The keyring that was in force last. After a change of operators the earlier one's key still opens it.
    pub(super) fn keyring(&self, operator: &PreparedKey) -> anyhow::Result<KeptKeyring> {
        let kept = self.kept();
        let Some((path, bytes)) = kept.disk.keyring()? else {
            return Ok(KeptKeyring { keyring: Keyring::empty(), of_another_operator: false });
        };
        let signed_by = match Keyring::from_state(&bytes, operator) {
            Ok(keyring) => return Ok(KeptKeyring { keyring, of_another_operator: false }),
            Err(TrustFault::AnotherOperator { kid }) => kid,
            Err(fault) => return Err(fault).with_context(|| disk::damaged(&path)),
        };
        let before = kept.memory.operator.as_deref().and_then(prepared);
        let Some(before) = before.filter(|before| cose::key_id(&before.public()) == signed_by) else {
            bail!(
                "the operator's key has changed to {}, and {} can only be opened with the key {signed_by}: start \
                 once with that one as operator_key, then change it",
                cose::key_id(&operator.public()),
                path.display()
            );
        };
        let keyring = Keyring::from_state(&bytes, &before).with_context(|| disk::damaged(&path))?;
        Ok(KeptKeyring { keyring, of_another_operator: true })
    }

    /// Remembers a keyring, whose list `operator` signed.
    pub(super) fn remember_keyring(&self, keyring: &Keyring, operator: &PreparedKey) {
        let Kept { memory, disk } = &mut *self.kept();
        let public = operator.public();
        let operator = format!("{}:{}", public.scheme(), hex::encode(public.bytes()));
        disk.keep_keyring(keyring.to_state(), operator);
        disk.write(memory);
    }

    /// Tries again to write what could not be written.
    pub(super) fn retry(&self) {
        let Kept { memory, disk } = &mut *self.kept();
        disk.write(memory);
    }

    fn change(&self, change: impl FnOnce(&mut Memory)) {
        let Kept { memory, disk } = &mut *self.kept();
        let before = memory.clone();
        change(memory);
        if *memory != before {
            disk.keep_memory();
        }
        disk.write(memory);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Every change is whole before the next can panic.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key in `memory.json`: its scheme, a colon and hexadecimal digits. Without a scheme it is of Ed25519, from before
/// schemes were named.
fn prepared(public: &str) -> Option<PreparedKey> {
    let (scheme, digits) = public.split_once(':').unwrap_or((Scheme::Ed25519.name(), public));
    let public = PublicKey::new(Scheme::named(scheme)?, &hex::decode(digits).ok()?);
    PreparedKey::new(&public.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::disk::{KEYRING, MEMORY};
    use super::*;
    use hufu_codes::issue::OperatorSigner;
    use hufu_codes::keyring::TrustList;
    use hufu_wire::UnixSeconds;
    use std::fs;

    const GREEN: SnapshotDigest = SnapshotDigest([1; 32]);
    const RED: SnapshotDigest = SnapshotDigest([2; 32]);

    fn operator(seed: u8) -> (OperatorSigner, PreparedKey) {
        let signer = OperatorSigner::from_seed(&[seed; 32]);
        let public = PreparedKey::new(signer.public()).unwrap();
        (signer, public)
    }

    fn keyring(version: u64, (signer, public): &(OperatorSigner, PreparedKey)) -> Keyring {
        let signed = TrustList::sign(version, UnixSeconds(9), &[], signer);
        Keyring::empty().update(&TrustList::open(&signed, public).unwrap(), UnixSeconds(9)).unwrap()
    }

    fn refused(folder: &Path, wanted: &str) {
        let error = State::open(folder).err().expect(wanted);
        assert!(format!("{error:#}").contains(wanted), "{error:#}");
    }

    #[test]
    fn r22_what_was_applied_and_revoked_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let device = |id, generation| (DeviceId(id), DeviceGeneration(generation));
        let (one, two) = (IssuerId(1), IssuerId(2));
        {
            let state = State::open(folder.path()).unwrap();
            let operator = operator(1);
            state.remember_keyring(&keyring(1, &operator), &operator.1);
            state.remember_snapshot(one, Sequence(9), RED);
            state.remember_snapshot(one, Sequence(3), GREEN);
            state.remember_revoked(&[device(7, 2), device(7, 1)]);
            assert_eq!(state.remember_list("CN=Root", 5), 0);
            assert!(State::open(folder.path()).is_err(), "one engine a folder");
        }
        let state = State::open(folder.path()).unwrap();
        assert!(state.admit(one, Sequence(9), RED).is_ok());
        assert!(state.admit(one, Sequence(10), GREEN).is_ok());
        let fork = state.admit(one, Sequence(9), GREEN).unwrap_err().to_string();
        assert!(fork.contains("with other statuses"), "{fork}");
        let older = state.admit(one, Sequence(8), RED).unwrap_err().to_string();
        assert!(older.contains("is older than 9"), "{older}");
        assert!(state.admit(two, Sequence(0), GREEN).is_ok());
        assert_eq!(state.revoked(), [device(7, 2)]);
        assert_eq!(state.remember_list("CN=Root", 4), 5);
    }

    #[test]
    fn a_memory_without_contents_takes_the_first_one() {
        let folder = tempfile::tempdir().unwrap();
        let operator = operator(1);
        fs::write(folder.path().join(KEYRING), keyring(1, &operator).to_state()).unwrap();
        fs::write(folder.path().join(MEMORY), r#"{"sequences":{"1":9},"revoked":{}}"#).unwrap();
        let state = State::open(folder.path()).unwrap();
        assert!(state.admit(IssuerId(1), Sequence(9), RED).is_ok());
        state.remember_snapshot(IssuerId(1), Sequence(9), RED);
        assert!(state.admit(IssuerId(1), Sequence(9), GREEN).is_err());
    }

    #[test]
    fn a_damaged_or_lost_memory_is_no_start() {
        let folder = tempfile::tempdir().unwrap();
        let [memory, kept] = [MEMORY, KEYRING].map(|name| folder.path().join(name));
        {
            let operator = operator(1);
            let state = State::open(folder.path()).unwrap();
            state.remember_keyring(&keyring(1, &operator), &operator.1);
            state.remember_snapshot(IssuerId(1), Sequence(9), RED);
        }
        let whole = fs::read_to_string(&memory).unwrap();
        fs::write(&memory, "{").unwrap();
        refused(folder.path(), "is damaged");
        fs::write(&memory, whole.replace("\"1\": 9", "\"1\": 8")).unwrap();
        refused(folder.path(), "is damaged");
        fs::remove_file(&memory).unwrap();
        refused(folder.path(), "memory.json is missing");
        fs::write(&memory, &whole).unwrap();
        fs::remove_file(kept).unwrap();
        refused(folder.path(), "keyring.state is missing");
        fs::remove_file(&memory).unwrap();
        assert!(State::open(folder.path()).is_ok(), "a first start");
    }

    #[test]
    fn a_kept_keyring_outlives_its_operators_key() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (operator(1), operator(2));
        State::open(folder.path()).unwrap().remember_keyring(&keyring(4, &old), &old.1);
        let state = State::open(folder.path()).unwrap();
        let kept = state.keyring(&new.1).unwrap();
        assert_eq!((kept.keyring.version(), kept.of_another_operator), (4, true));
        state.remember_keyring(&keyring(5, &new), &new.1);
        let kept = state.keyring(&new.1).unwrap();
        assert_eq!((kept.keyring.version(), kept.of_another_operator), (5, false));

        // Nothing says which key it was: that is told apart from damage.
        fs::write(folder.path().join(KEYRING), keyring(4, &old).to_state()).unwrap();
        let error = state.keyring(&new.1).err().unwrap().to_string();
        assert!(error.contains("the operator's key has changed"), "{error}");
    }

    #[test]
    fn the_kept_operators_key_names_its_scheme_and_one_from_before_is_read() {
        let digits = hex::encode(operator(1).0.public().bytes());
        for kept in [digits.clone(), format!("EdDSA:{digits}")] {
            assert_eq!(prepared(&kept).map(|key| key.public()), Some(*operator(1).0.public()), "{kept}");
        }
        for unusable in [
            format!("SM2:{digits}"),
            format!("ES256:{digits}"),
            format!("EdDSA:{digits}07"),
            digits[1..].to_owned(),
        ] {
            assert!(prepared(&unusable).is_none(), "{unusable}");
        }
    }

    #[test]
    fn r22_a_snapshot_in_a_chains_place_is_not_older_than_the_chain() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap();
        let issuer = IssuerId(1);
        state.remember_snapshot(issuer, Sequence(9), RED);
        state.remember_followed([(issuer, Sequence(8))]);
        assert!(state.admit(issuer, Sequence(9), GREEN).is_err(), "still the snapshot's");
        state.remember_followed([(issuer, Sequence(12)), (IssuerId(2), Sequence(0))]);
        assert_eq!((state.sequence(issuer), state.sequence(IssuerId(2))), (Sequence(12), Sequence(0)));
        assert!(state.admit(issuer, Sequence(11), GREEN).is_err());
        assert!(state.admit(issuer, Sequence(12), GREEN).is_ok());
    }
}
