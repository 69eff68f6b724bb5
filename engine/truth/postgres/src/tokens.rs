//! Tokens, as their hashes.

use async_trait::async_trait;
use hufu_registry::store::{FromColumns as _, Tokens, at_most, big};
use hufu_registry::{Entry, Fault, NewToken, Token, TokenHash, TokenId};
use hufu_wire::UnixMillis;

use crate::fault::{TxFault, broken, retried};
use crate::row::{Row, all, one};
use crate::store::PostgresStore;

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
                Some("tokens_label") => Fault::label_used(&new.label).into(),
                _ => TxFault::Sql(error),
            })?;
            self.commit(tx, entry).await?;
            Ok(Token::read(&Row(&added))?)
        })
        .await
    }

    async fn token(&self, hash: TokenHash) -> Result<Option<Token>, Fault> {
        let query = sqlx::query("SELECT * FROM tokens WHERE hash = $1").bind(&hash.0[..]);
        Ok(one(&self.pool, query).await?)
    }

    async fn tokens(&self) -> Result<Vec<Token>, Fault> {
        Ok(all(&self.pool, sqlx::query("SELECT * FROM tokens ORDER BY id")).await?)
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
            let Some(revoked) = one(&mut *tx, revoke).await? else { return Ok(None) };
            self.commit(tx, entry).await?;
            Ok(Some(revoked))
        })
        .await
    }
}
