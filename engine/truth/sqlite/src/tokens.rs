//! Tokens.

use async_trait::async_trait;
use hufu_registry::store::Tokens;
use hufu_registry::{Entry, Fault, NewToken, Scopes, Token, TokenHash, TokenId};
use hufu_wire::{IssuerId, UnixMillis};

use crate::SqliteStore;
use crate::fault::fault;
use crate::values::{at_most, issuer, ms, number, time};

/// The columns of a [`Token`].
type Row = (i64, String, i64, Option<i64>, i64, i64, Option<i64>);

#[async_trait]
impl Tokens for SqliteStore {
    async fn add_token(
        &self,
        token: &NewToken,
        hash: TokenHash,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Token, Fault> {
        let mut write = self.write().await?;
        let row: Option<Row> = sqlx::query_as(
            "INSERT INTO tokens (label, hash, scopes, issuer, made_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?) \
             ON CONFLICT (label) DO NOTHING \
             RETURNING token, label, scopes, issuer, made_ms, expires_ms, revoked_ms",
        )
        .bind(&token.label)
        .bind(hash.0.as_slice())
        .bind(token.scopes.to_bits())
        .bind(issuer(token.issuer))
        .bind(ms(now))
        .bind(ms(token.expires))
        .fetch_optional(&mut *write)
        .await
        .map_err(fault)?;
        let row = row.ok_or_else(|| {
            Fault::Conflict(format!(
                "there is or was a token {:?}: the trail needs another label",
                token.label
            ))
        })?;
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)?;
        read(row)
    }

    async fn token(&self, hash: TokenHash) -> Result<Option<Token>, Fault> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT token, label, scopes, issuer, made_ms, expires_ms, revoked_ms FROM tokens WHERE hash = ?",
        )
        .bind(hash.0.as_slice())
        .fetch_optional(&self.readers)
        .await
        .map_err(fault)?;
        row.map(read).transpose()
    }

    async fn tokens(&self) -> Result<Vec<Token>, Fault> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT token, label, scopes, issuer, made_ms, expires_ms, revoked_ms FROM tokens ORDER BY token",
        )
        .fetch_all(&self.readers)
        .await
        .map_err(fault)?;
        rows.into_iter().map(read).collect()
    }

    async fn revoke_token(
        &self,
        token: TokenId,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Option<Token>, Fault> {
        let mut write = self.write().await?;
        let row: Option<Row> = sqlx::query_as(
            "UPDATE tokens SET revoked_ms = COALESCE(revoked_ms, ?) WHERE token = ? \
             RETURNING token, label, scopes, issuer, made_ms, expires_ms, revoked_ms",
        )
        .bind(ms(now))
        .bind(at_most(token.0))
        .fetch_optional(&mut *write)
        .await
        .map_err(fault)?;
        let Some(row) = row else { return Ok(None) };
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)?;
        read(row).map(Some)
    }
}

fn read((id, label, scopes, issuer, made, expires, revoked): Row) -> Result<Token, Fault> {
    let unknown = || Fault::Damaged(format!("scopes are {scopes}, which nothing writes"));
    Ok(Token {
        id: TokenId(number("token", id)?),
        label,
        scopes: Scopes::from_bits(number("scopes", scopes)?).ok_or_else(unknown)?,
        issuer: issuer.map(|issuer| number("issuer", issuer).map(IssuerId)).transpose()?,
        made: time(made),
        expires: time(expires),
        revoked: revoked.map(time),
    })
}
