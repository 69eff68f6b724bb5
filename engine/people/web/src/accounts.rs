//! Local accounts: a file of names, roles and hashes of passwords. Programs read it again when it changed.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::password::is_hash;
use super::role::{Role, RoleWord};
use super::secret::sha256;

/// Longest name of an account, bytes.
const NAME_BYTES_MAX: usize = 64;

/// How often the file is looked at, seconds.
const LOOK_S: u64 = 1;

/// The state of an account: another one after each change of it.
pub(crate) type Stamp = [u8; 32];

/// One local account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What it may look at.
    pub role: Role,
    /// What [`hash_password`](super::hash_password) made of its password.
    pub password: String,
}

/// The accounts of a file, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts(pub BTreeMap<String, Account>);

/// Why an accounts file cannot be used. The operator can fix each.
#[derive(Debug, thiserror::Error)]
pub enum AccountsFault {
    /// It cannot be read or written.
    #[error("{file}: {why}", file = file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        why: io::Error,
    },
    /// Others may read it.
    #[error("{file}: others may read this file and try its passwords elsewhere; run chmod 600 on it", file = file.display())]
    Open {
        /// The file.
        file: PathBuf,
    },
    /// What stands in it is not a list of accounts.
    #[error("{file}: {what}; write it with hufu console account", file = file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    #[serde(default)]
    account: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    role: RoleWord,
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<u32>,
    password: String,
}

impl Account {
    /// Changes with the role and with the password.
    pub(crate) fn stamp(&self) -> Stamp {
        sha256(format!("{:?}\0{}", self.role, self.password).as_bytes())
    }
}

impl Accounts {
    /// Reads a file that only its owner may read.
    ///
    /// # Errors
    /// [`AccountsFault`].
    pub fn read(file: &Path) -> Result<Accounts, AccountsFault> {
        let fault = |why| AccountsFault::File { file: file.to_owned(), why };
        if fs::metadata(file).map_err(fault)?.permissions().mode() & 0o077 != 0 {
            return Err(AccountsFault::Open { file: file.to_owned() });
        }
        let text = fs::read_to_string(file).map_err(fault)?;
        Accounts::from_text(&text).map_err(|what| AccountsFault::Content { file: file.to_owned(), what })
    }

    fn from_text(text: &str) -> Result<Accounts, String> {
        let content: Content = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
            format!("line {line}: {}", error.message())
        })?;
        let mut accounts = BTreeMap::new();
        for row in content.account {
            let name = row.name;
            if !is_name(&name) {
                return Err(format!("account {name:?}: {NAME_RULE}"));
            }
            if !is_hash(&row.password) {
                return Err(format!("account {name}: the password is not an Argon2id hash"));
            }
            let role = row.role.with(row.site).map_err(|what| format!("account {name}: {what}"))?;
            if accounts.insert(name.clone(), Account { role, password: row.password }).is_some() {
                return Err(format!("account {name} is there twice"));
            }
        }
        Ok(Accounts(accounts))
    }

    /// Replaces the file whole, readable by its owner alone.
    ///
    /// # Errors
    /// [`AccountsFault::File`]: the file is as it was.
    pub fn write(&self, file: &Path) -> Result<(), AccountsFault> {
        let fault = |why| AccountsFault::File { file: file.to_owned(), why };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        // Made with mode 0600.
        let mut new = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(fault)?;
        new.write_all(self.text().as_bytes()).map_err(fault)?;
        new.as_file().sync_all().map_err(fault)?;
        new.persist(file).map_err(|error| fault(error.error))?;
        Ok(())
    }

    fn text(&self) -> String {
        let rows = self.0.iter().map(|(name, account)| Row {
            name: name.clone(),
            role: RoleWord::of(account.role),
            site: account.role.site().map(|site| site.0),
            password: account.password.clone(),
        });
        let content = Content { account: rows.collect() };
        let rows = toml::to_string(&content).unwrap_or_default();
        format!(
            "# Accounts of pages. Written by `hufu console account`; programs see a change within a second.\n{rows}"
        )
    }
}

/// What a name of an account may be.
pub const NAME_RULE: &str = "a name is 1 to 64 bytes of letters, digits, and . _ - @";

/// Whether an account may have this name.
pub fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
        && name.chars().all(|letter| letter.is_alphanumeric() || "._-@".contains(letter))
}

/// An accounts file as it is now.
pub(crate) struct Watched {
    file: PathBuf,
    seen: Mutex<Seen>,
}

struct Seen {
    accounts: Accounts,
    /// Of the file that was read.
    mark: Mark,
    looked_s: u64,
    /// Why the file cannot be read now, as it was logged.
    fault: Option<String>,
}

type Mark = (u64, i64, i64, u64);

fn mark(file: &Metadata) -> Mark {
    (file.ino(), file.mtime(), file.mtime_nsec(), file.len())
}

impl Watched {
    pub(crate) fn open(file: &Path) -> Result<Watched, AccountsFault> {
        // A change between the two is seen at the next look.
        let mark = fs::metadata(file).map(|data| mark(&data)).unwrap_or_default();
        let accounts = Accounts::read(file)?;
        let seen = Seen { accounts, mark, looked_s: 0, fault: None };
        Ok(Watched { file: file.to_owned(), seen: Mutex::new(seen) })
    }

    /// The account of a name. A file that cannot be read any more leaves the accounts as they were, is logged once, and is
    /// read again at each look: chmod changes nothing of the mark.
    pub(crate) fn find(&self, name: &str, now_s: u64) -> Option<Account> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now_s >= seen.looked_s + LOOK_S {
            seen.looked_s = now_s;
            let now = fs::metadata(&self.file).map(|data| mark(&data)).unwrap_or_default();
            if now == seen.mark {
                seen.fault = None;
            } else {
                match Accounts::read(&self.file).map_err(|fault| fault.to_string()) {
                    Ok(accounts) => {
                        *seen = Seen { accounts, mark: now, looked_s: now_s, fault: None };
                    }
                    Err(why) if seen.fault.as_ref() == Some(&why) => {}
                    Err(why) => {
                        tracing::error!(%why, "the accounts stay as they were");
                        seen.fault = Some(why);
                    }
                }
            }
        }
        seen.accounts.0.get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash_password;
    use hufu_wire::SiteId;

    #[test]
    fn r61_accounts_are_written_for_their_owner_alone_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accounts.toml");
        let password = hash_password("five words make a password").unwrap();
        let mut accounts = Accounts::default();
        for (name, role) in
            [("li", Role::Operator), ("school-7", Role::School(SiteId(310_101))), ("audit", Role::Auditor)]
        {
            accounts.0.insert(name.to_owned(), Account { role, password: password.clone() });
        }
        accounts.write(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Accounts::read(&file).unwrap(), accounts);

        let watched = Watched::open(&file).unwrap();
        assert_eq!(watched.find("li", 1).unwrap().role, Role::Operator);
        accounts.0.remove("li");
        accounts.write(&file).unwrap();
        assert!(watched.find("li", 2).is_none(), "a removed account counts at once");
        fs::write(&file, "account = 7").unwrap();
        assert!(watched.find("audit", 3).is_some(), "a file that cannot be read changes nothing");

        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(Accounts::read(&file), Err(AccountsFault::Open { .. })));
    }

    #[test]
    fn r61_an_account_that_was_removed_ends_once_the_file_may_be_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("accounts.toml");
        let password = hash_password("five words make a password").unwrap();
        let mut accounts = Accounts::default();
        for name in ["li", "wu"] {
            accounts.0.insert(name.to_owned(), Account { role: Role::Operator, password: password.clone() });
        }
        accounts.write(&file).unwrap();
        let watched = Watched::open(&file).unwrap();
        accounts.0.remove("li");
        accounts.write(&file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(watched.find("li", 1).is_some(), "others may read the file: the accounts stay");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(watched.find("li", 2).is_none() && watched.find("wu", 2).is_some());
    }

    #[test]
    fn files_with_mistakes_are_refused() {
        let password = hash_password("five words make a password").unwrap();
        let row = |name: &str, rest: &str| {
            format!("[[account]]\nname = \"{name}\"\npassword = \"{password}\"\n{rest}\n")
        };
        let good = row("li", "role = \"operator\"");
        assert!(Accounts::from_text(&good).is_ok());
        let bad = [
            (good.repeat(2), "twice"),
            (row("li", "role = \"school\""), "needs the site"),
            (row("li", "role = \"auditor\"\nsite = 7"), "remove the site"),
            (row("li", "role = \"king\""), "line 4"),
            (row("li", "role = \"operator\"\nroot = true"), "unknown field"),
            (row("", "role = \"operator\""), "1 to 64"),
            (row("a b", "role = \"operator\""), "1 to 64"),
            (good.replace("argon2id", "md5"), "Argon2id"),
        ];
        for (text, says) in bad {
            let what = Accounts::from_text(&text).unwrap_err();
            assert!(what.contains(says) && !what.contains("$v=19$"), "{what}");
        }
    }
}
