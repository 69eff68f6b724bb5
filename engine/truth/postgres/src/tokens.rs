//! Tokens, as their hashes.

use async_trait::async_trait;
use hufu_registry::store::Tokens;
use hufu_registry::{Entry, Fault, NewToken, Scopes, Token, TokenHash, TokenId};
use hufu_wire::{IssuerId, UnixMillis};
use sqlx::postgres::PgRow;

use crate::fault::{Stop, broken, fault, retried};
use crate::row::{Columns as _, at_most, big, damaged};
use crate::store::PostgresStore;

fn token(row: &PgRow) -> Result<Token, Fault> {
    let scopes: u16 = row.number("scopes")?;
    Ok(Token {
        id: TokenId(row.number("id")?),
        label: row.text("label")?,
        scopes: Scopes::from_bits(scopes).ok_or_else(|| damaged("scopes", scopes))?,
        issuer: row.number_or_none("issuer")?.map(IssuerId),
        made: UnixMillis(row.number("made")?),
        expires: UnixMillis(row.number("expires")?),
        revoked: row.number_or_none("revoked")?.map(UnixMillis),
    })
}

#[async_trait]
impl Tokens for PostgresStore {
    async fn add_token(
        &self,
        new: &NewToken,
        hash: TokenHash,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Token, Fault> {
        const ADD: &str = "
            INSERT INTO tokens (hash, label, scopes, issuer, made, expires) VALUES ($1, $2, $3, $4, $5, $6)
            RETURNING *";
        retried(|| async {
            let mut tx = self.begin().await?;
            let added = sqlx::query(ADD)
                .bind(&hash.0[..])
                .bind(&new.label)
                .bind(i64::from(new.scopes.to_bits()))
                .bind(new.issuer.map(|issuer| i64::from(issuer.0)))
                .bind(big("now", now.0)?)
                .bind(big("expires", new.expires.0)?)
                .fetch_one(&mut *tx)
                .await;
            let added = added.map_err(|error| match broken(&error) {
                Some("tokens_label") => {
                    Stop::Fault(Fault::Conflict(format!("a token {:?} is or was here already", new.label)))
                }
                _ => error.into(),
            })?;
            self.line(&mut tx, entry).await?;
            tx.commit().await?;
            Ok(token(&added)?)
        })
        .await
    }

    async fn token(&self, hash: TokenHash) -> Result<Option<Token>, Fault> {
        let query = sqlx::query("SELECT * FROM tokens WHERE hash = $1").bind(&hash.0[..]);
        let row = query.fetch_optional(&self.pool).await.map_err(fault)?;
        row.as_ref().map(token).transpose()
    }

    async fn tokens(&self) -> Result<Vec<Token>, Fault> {
        let rows =
            sqlx::query("SELECT * FROM tokens ORDER BY id").fetch_all(&self.pool).await.map_err(fault)?;
        rows.iter().map(token).collect()
    }

    async fn revoke_token(
        &self,
        id: TokenId,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Option<Token>, Fault> {
        const REVOKE: &str = "UPDATE tokens SET revoked = coalesce(revoked, $2) WHERE id = $1 RETURNING *";
        retried(|| async {
            let mut tx = self.begin().await?;
            let revoke = sqlx::query(REVOKE).bind(at_most(id.0)).bind(big("now", now.0)?);
            let Some(revoked) = revoke.fetch_optional(&mut *tx).await? else { return Ok(None) };
            self.line(&mut tx, entry).await?;
            tx.commit().await?;
            Ok(Some(token(&revoked)?))
        })
        .await
    }
}
