//! Issuers, and the lock that everything of an issuer is written under.

use async_trait::async_trait;
use hufu_codes::chain::Tip;
use hufu_registry::store::Issuers;
use hufu_registry::{Brake, Entry, Fault, Issuer, SecondPhone};
use hufu_wire::chain::{ChainDigest, Proposed};
use hufu_wire::{IssuerId, Sequence, UnixMillis};
use sqlx::postgres::PgRow;

use crate::fault::{Stop, fault, retried};
use crate::row::{Columns as _, damaged};
use crate::store::{PostgresStore, Tx};

/// What an issuer's row says, and nobody else changes before the transaction ends.
pub(crate) struct Locked {
    pub(crate) brake: Brake,
    /// The index of the holder to be registered next: as many are registered.
    pub(crate) next_holder: u64,
    pub(crate) next_proposal: u64,
    /// Holders whose colour is known.
    pub(crate) known: u64,
    pub(crate) tip: Tip,
}

/// Locks an issuer's row until the end of the transaction. What is read after this is as it was left by whoever
/// had the lock before.
pub(crate) async fn lock(tx: &mut Tx, issuer: IssuerId) -> Result<Locked, Stop> {
    let query = "SELECT * FROM issuers WHERE id = $1 FOR NO KEY UPDATE";
    let row = sqlx::query(query).bind(i64::from(issuer.0)).fetch_optional(&mut **tx).await?;
    let row = row.ok_or_else(|| no_issuer(issuer))?;
    Ok(Locked {
        brake: brake(&row)?,
        next_holder: row.number("next_holder")?,
        next_proposal: row.number("next_proposal")?,
        known: row.number("known")?,
        tip: tip(&row)?,
    })
}

pub(crate) fn no_issuer(issuer: IssuerId) -> Fault {
    Fault::NotFound(format!("issuer {issuer}"))
}

/// Reads the columns `tip_*`.
pub(crate) fn tip(row: &PgRow) -> Result<Tip, Fault> {
    Ok(Tip {
        sequence: Sequence(row.number("tip_sequence")?),
        digest: ChainDigest(row.array("tip_digest")?),
        proposed: Proposed::from_bits(row.number("tip_proposed")?),
        confirmed: UnixMillis(row.number("tip_confirmed")?),
    })
}

fn brake(row: &PgRow) -> Result<Brake, Fault> {
    Ok(Brake {
        share_permille: row.number("share_permille")?,
        window_s: row.number("window_s")?,
        free: row.number("free")?,
    })
}

fn issuer(row: &PgRow) -> Result<Issuer, Fault> {
    Ok(Issuer {
        id: IssuerId(row.number("id")?),
        name: row.text("name")?,
        national: IssuerId(row.number("national")?),
        publisher: IssuerId(row.number("publisher")?),
        brake: brake(row)?,
        second_phone: second_phone(row)?,
    })
}

fn second_phone(row: &PgRow) -> Result<SecondPhone, Fault> {
    let slug = row.text("second_phone")?;
    SecondPhone::from_slug(&slug).ok_or_else(|| damaged("second_phone", &slug))
}

#[async_trait]
impl Issuers for PostgresStore {
    async fn issuers(&self) -> Result<Vec<Issuer>, Fault> {
        let rows =
            sqlx::query("SELECT * FROM issuers ORDER BY id").fetch_all(&self.pool).await.map_err(fault)?;
        rows.iter().map(issuer).collect()
    }

    async fn issuer(&self, id: IssuerId) -> Result<Option<Issuer>, Fault> {
        let query = sqlx::query("SELECT * FROM issuers WHERE id = $1").bind(i64::from(id.0));
        let row = query.fetch_optional(&self.pool).await.map_err(fault)?;
        row.as_ref().map(issuer).transpose()
    }

    async fn put_issuer(&self, issuer: &Issuer, entry: &Entry) -> Result<(), Fault> {
        // Of an issuer with another national platform no row comes back, and none is changed.
        const PUT: &str = "
            INSERT INTO issuers AS held (id, name, national, publisher, share_permille, window_s, free, second_phone)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, publisher = excluded.publisher,
                share_permille = excluded.share_permille, window_s = excluded.window_s, free = excluded.free,
                second_phone = excluded.second_phone
            WHERE held.national = excluded.national";
        retried(|| async {
            let mut tx = self.begin().await?;
            let put = sqlx::query(PUT)
                .bind(i64::from(issuer.id.0))
                .bind(&issuer.name)
                .bind(i64::from(issuer.national.0))
                .bind(i64::from(issuer.publisher.0))
                .bind(i64::from(issuer.brake.share_permille))
                .bind(i64::from(issuer.brake.window_s))
                .bind(i64::from(issuer.brake.free))
                .bind(issuer.second_phone.slug())
                .execute(&mut *tx)
                .await?;
            if put.rows_affected() == 0 {
                let said = format!("issuer {} has another national platform, which never changes", issuer.id);
                return Err(Fault::Conflict(said).into());
            }
            self.line(&mut tx, entry).await?;
            Ok(tx.commit().await?)
        })
        .await
    }
}
