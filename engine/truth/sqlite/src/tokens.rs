//! Tokens.

use async_trait::async_trait;
use hufu_registry::store::{Tokens, at_most, big};
use hufu_registry::{Entry, Fault, NewToken, Token, TokenHash, TokenId};
use hufu_wire::UnixMillis;

use crate::row::{all, one};
use crate::store::SqliteStore;

#[async_trait]
impl Tokens for SqliteStore {
    async fn add_token(
        &self,
        token: &NewToken,
        hash: TokenHash,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Token, Fault> {
        const ADD: &str = "
            INSERT INTO tokens (label, hash, scopes, issuer, made, expires) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (label) DO NOTHING RETURNING *";
        let mut write = self.write().await?;
        let add = sqlx::query(ADD)
            .bind(&token.label)
            .bind(hash.0.as_slice())
            .bind(token.scopes.to_bits())
            .bind(token.issuer.map(|issuer| issuer.0))
            .bind(big("now", now.0)?)
            .bind(big("expires", token.expires.0)?);
        let added = one(&mut *write, add).await?.ok_or_else(|| Fault::label_used(&token.label))?;
        self.commit(write, entry).await?;
        Ok(added)
    }

    async fn token(&self, hash: TokenHash) -> Result<Option<Token>, Fault> {
        let query = sqlx::query("SELECT * FROM tokens WHERE hash = ?");
        one(&self.readers, query.bind(hash.0.as_slice())).await
    }

    async fn tokens(&self) -> Result<Vec<Token>, Fault> {
        all(&self.readers, sqlx::query("SELECT * FROM tokens ORDER BY id")).await
    }

    async fn revoke_token(
        &self,
        token: TokenId,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Option<Token>, Fault> {
        const REVOKE: &str = "UPDATE tokens SET revoked = COALESCE(revoked, ?) WHERE id = ? RETURNING *";
        let mut write = self.write().await?;
        let revoke = sqlx::query(REVOKE).bind(big("now", now.0)?).bind(at_most(token.0));
        let Some(revoked) = one(&mut *write, revoke).await? else { return Ok(None) };
        self.commit(write, entry).await?;
        Ok(Some(revoked))
    }
}
