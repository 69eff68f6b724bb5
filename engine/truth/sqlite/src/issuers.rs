//! Issuers.

use async_trait::async_trait;
use hufu_registry::store::Issuers;
use hufu_registry::{Brake, Entry, Fault, Issuer, SecondPhone};
use hufu_wire::IssuerId;
use hufu_wire::chain::ChainDigest;

use crate::SqliteStore;
use crate::fault::fault;
use crate::values::{number, word};

/// The columns of an [`Issuer`].
type Row = (i64, String, i64, i64, i64, i64, i64, String);

#[async_trait]
impl Issuers for SqliteStore {
    async fn issuers(&self) -> Result<Vec<Issuer>, Fault> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT issuer, name, national, publisher, brake_share_permille, brake_window_s, brake_free, \
             second_phone FROM issuers ORDER BY issuer",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(fault)?;
        rows.into_iter().map(read).collect()
    }

    async fn issuer(&self, issuer: IssuerId) -> Result<Option<Issuer>, Fault> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT issuer, name, national, publisher, brake_share_permille, brake_window_s, brake_free, \
             second_phone FROM issuers WHERE issuer = ?",
        )
        .bind(issuer.0)
        .fetch_optional(&self.readers)
        .await
        .map_err(fault)?;
        row.map(read).transpose()
    }

    async fn put_issuer(&self, issuer: &Issuer, entry: &Entry) -> Result<(), Fault> {
        let mut write = self.write().await?;
        let put = sqlx::query(
            "INSERT INTO issuers \
             (issuer, name, national, publisher, brake_share_permille, brake_window_s, brake_free, digest, \
             second_phone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (issuer) DO UPDATE SET \
             name = excluded.name, publisher = excluded.publisher, \
             brake_share_permille = excluded.brake_share_permille, brake_window_s = excluded.brake_window_s, \
             brake_free = excluded.brake_free, second_phone = excluded.second_phone WHERE national = excluded.national",
        )
        .bind(issuer.id.0)
        .bind(&issuer.name)
        .bind(issuer.national.0)
        .bind(issuer.publisher.0)
        .bind(issuer.brake.share_permille)
        .bind(issuer.brake.window_s)
        .bind(issuer.brake.free)
        .bind(ChainDigest::NONE.0.as_slice())
        .bind(issuer.second_phone.slug())
        .execute(&mut *write)
        .await
        .map_err(fault)?;
        if put.rows_affected() == 0 {
            return Err(Fault::Conflict(format!(
                "issuer {} is here with another national platform, and engines are configured with that one",
                issuer.id
            )));
        }
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)
    }
}

fn read(row: Row) -> Result<Issuer, Fault> {
    let (id, name, national, publisher, share_permille, window_s, free, second_phone) = row;
    Ok(Issuer {
        id: IssuerId(number("issuer", id)?),
        name,
        national: IssuerId(number("national", national)?),
        publisher: IssuerId(number("publisher", publisher)?),
        brake: Brake {
            share_permille: number("brake_share_permille", share_permille)?,
            window_s: number("brake_window_s", window_s)?,
            free: number("brake_free", free)?,
        },
        second_phone: word("second_phone", &second_phone, SecondPhone::from_slug)?,
    })
}
