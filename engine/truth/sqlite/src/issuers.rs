//! Issuers.

use async_trait::async_trait;
use hufu_registry::store::{FromColumns as _, IssuerRow, Issuers, read_tip};
use hufu_registry::{Entry, Fault, Issuer};
use hufu_wire::IssuerId;
use hufu_wire::chain::ChainDigest;
use sqlx::SqliteConnection;

use crate::fault::fault;
use crate::row::{Row, all, change, one};
use crate::store::SqliteStore;

#[async_trait]
impl Issuers for SqliteStore {
    async fn issuers(&self) -> Result<Vec<Issuer>, Fault> {
        all(&self.readers, sqlx::query("SELECT * FROM issuers ORDER BY id")).await
    }

    async fn issuer(&self, issuer: IssuerId) -> Result<Option<Issuer>, Fault> {
        one(&self.readers, sqlx::query("SELECT * FROM issuers WHERE id = ?").bind(issuer.0)).await
    }

    async fn put_issuer(&self, issuer: &Issuer, entry: &Entry) -> Result<(), Fault> {
        const PUT: &str = "
            INSERT INTO issuers (id, name, national, publisher, share_permille, window_s, free, tip_digest, second_phone)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, publisher = excluded.publisher,
                share_permille = excluded.share_permille, window_s = excluded.window_s, free = excluded.free,
                second_phone = excluded.second_phone
            WHERE national = excluded.national";
        let mut write = self.write().await?;
        let put = sqlx::query(PUT)
            .bind(issuer.id.0)
            .bind(&issuer.name)
            .bind(issuer.national.0)
            .bind(issuer.publisher.0)
            .bind(issuer.brake.share_permille)
            .bind(issuer.brake.window_s)
            .bind(issuer.brake.free)
            .bind(ChainDigest::NONE.0.as_slice())
            .bind(issuer.second_phone.slug());
        if change(&mut *write, put).await? == 0 {
            return Err(Fault::other_national(issuer.id));
        }
        self.commit(write, entry).await
    }
}

/// What an issuer's row says, once its end of the chain is that of the last set; `None` without such an issuer.
pub(crate) async fn checked(at: &mut SqliteConnection, issuer: IssuerId) -> Result<Option<IssuerRow>, Fault> {
    const ROW: &str = "
        SELECT issuers.*, last.digest AS last_digest FROM issuers
        LEFT JOIN sets AS last ON last.issuer = issuers.id AND last.sequence = issuers.tip_sequence
        WHERE issuers.id = ?";
    let found = sqlx::query(ROW).bind(issuer.0).fetch_optional(at).await.map_err(fault)?;
    let read = |row: Row<'_>| Ok(IssuerRow { tip: read_tip(issuer, &row)?, ..IssuerRow::read(&row)? });
    found.map(|found| read(Row(&found))).transpose()
}

/// What an issuer's row says, within a transaction that changes something of the issuer.
pub(crate) async fn known(at: &mut SqliteConnection, issuer: IssuerId) -> Result<IssuerRow, Fault> {
    let query = sqlx::query("SELECT * FROM issuers WHERE id = ?").bind(issuer.0);
    one(at, query).await?.ok_or_else(|| Fault::no_issuer(issuer))
}
