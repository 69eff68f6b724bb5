//! Issued credentials.

use std::sync::LazyLock;

use async_trait::async_trait;
use hufu_registry::store::{CredentialRecords, Credentials, Kept, NewCredential, SoughtCredentials, at_most};
use hufu_registry::{Fault, IssuedCredential, ListedCredential, SecondPhone};
use hufu_wire::{CodeKind, HolderIndex, IssuerId};
use sqlx::SqliteConnection;

use crate::fault::fault;
use crate::phones::note;
use crate::proposals::json;
use crate::row::{Insert, all, change, one};
use crate::store::SqliteStore;

#[async_trait]
impl Credentials for SqliteStore {
    async fn add_credentials(&self, adds: &[NewCredential]) -> Result<Kept, Fault> {
        let mut write = self.write().await?;
        let mut records = CredentialRecords::default();
        for (issuer, sought) in SoughtCredentials::of(adds) {
            read(&mut write, issuer, &sought, &mut records).await?;
        }
        let edit = records.decide(adds);
        if edit.new.is_empty() && edit.firsts.is_empty() {
            return Ok(edit.kept);
        }
        let credentials: Vec<_> = edit.new.iter().map(|new| &new.credential).collect();
        add(&mut write, &credentials).await?;
        note(&mut write, &edit.firsts).await?;
        let lines: Vec<_> = edit.new.iter().map(|new| &new.entry).collect();
        self.lines(&mut write, &lines).await?;
        write.commit().await.map_err(fault)?;
        Ok(edit.kept)
    }

    async fn credentials(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ListedCredential>, Fault> {
        const PAGE: &str = "
            SELECT * FROM credentials WHERE issuer = ? AND holder = ? AND number > ? ORDER BY number LIMIT ?";
        let query = sqlx::query(PAGE).bind(issuer.0).bind(holder.0).bind(at_most(after)).bind(limit);
        all(&self.readers, query).await
    }
}

/// Living phone credentials of holders. The kind is a literal: so SQLite takes the index of that kind alone.
const PHONES: &str = "
    SELECT c.holder, c.generation, c.expires_s, c.digest FROM json_each(?2) AS named
    CROSS JOIN credentials AS c ON c.issuer = ?1 AND c.holder = named.value WHERE c.kind = 1 AND c.expires_s > ?3";
const _: () = assert!(CodeKind::Phone as u8 == 1);

/// Reads what is sought of one issuer.
async fn read(
    write: &mut SqliteConnection,
    issuer: IssuerId,
    sought: &SoughtCredentials,
    records: &mut CredentialRecords,
) -> Result<(), Fault> {
    const SETTING: &str = "SELECT second_phone FROM issuers WHERE id = ?";
    const GOING_ON: &str = "
        SELECT h.holder FROM json_each(?2) AS named
        CROSS JOIN holders AS h ON h.issuer = ?1 AND h.holder = named.value WHERE h.joined IS NULL";
    const RENEWED: &str = "
        SELECT p.holder, p.phone FROM json_each(?2) AS named
        CROSS JOIN phones AS p ON p.issuer = ?1 AND p.holder = named.value WHERE p.renewed IS NOT NULL";
    let going_on = sqlx::query(GOING_ON).bind(issuer.0).bind(json(&sought.holders));
    let going_on = all(&mut *write, going_on).await?;
    let (mut setting, mut phones) = (SecondPhone::Tell, Vec::new());
    if let Some(from) = sought.from {
        let found = one(&mut *write, sqlx::query(SETTING).bind(issuer.0)).await?;
        setting = found.ok_or_else(|| Fault::no_issuer(issuer))?;
        let query = sqlx::query(PHONES).bind(issuer.0).bind(json(&sought.phones));
        phones = all(&mut *write, query.bind(from.0)).await?;
    }
    records.take(issuer, setting, going_on, phones);
    if !sought.firsts.is_empty() {
        let query = sqlx::query(RENEWED).bind(issuer.0).bind(json(&sought.firsts));
        records.take_renewed(issuer, all(write, query).await?);
    }
    Ok(())
}

/// Writes down credentials; those of the same digest once.
pub(crate) async fn add(
    write: &mut SqliteConnection,
    credentials: &[&IssuedCredential],
) -> Result<(), Fault> {
    static ADD: LazyLock<Insert> = LazyLock::new(|| {
        Insert::new(
            "credentials",
            &["issuer", "holder", "kind", "generation", "issued_s", "expires_s", "key", "digest"],
            "ON CONFLICT (issuer, digest) DO NOTHING",
        )
    });
    for (statement, rows) in ADD.of(credentials) {
        let mut add = sqlx::query(statement);
        for credential in rows {
            add = add
                .bind(credential.issuer.0)
                .bind(credential.holder.0)
                .bind(credential.kind as u8)
                .bind(credential.generation)
                .bind(credential.issued.0)
                .bind(credential.expires.0)
                .bind(credential.key.0.as_slice())
                .bind(credential.digest.as_slice());
        }
        change(&mut *write, add).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Row as _};

    use super::*;

    /// Otherwise each renewal reads every credential that the phone ever had, and all others wait for it.
    #[tokio::test]
    async fn r46_a_renewal_reads_no_credential_that_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("registry.sqlite")).await.unwrap();
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {PHONES}"));
        let plan = sqlx::query(explain).bind(1).bind("[1]").bind(1).fetch_all(&store.readers).await.unwrap();
        let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        let looks = "living_phone_credentials (issuer=? AND holder=? AND expires_s>?)";
        assert!(plan.iter().any(|step| step.contains(looks)), "{plan:?}");
    }
}
