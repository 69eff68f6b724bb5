//! Tokens in the store.

use async_trait::async_trait;
use hufu_contract::{Scopes, TokenId};
use hufu_wire::{IssuerId, UnixMillis};

use super::row::{Columns, FromColumns, damaged};
use crate::fault::Fault;
use crate::token::{NewToken, Token, TokenHash};
use crate::trail::Entry;

/// Who may ask.
#[async_trait]
pub trait Tokens {
    /// Adds a token.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when there is or was one of the same label.
    async fn add_token(
        &self,
        token: &NewToken,
        hash: TokenHash,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Token, Fault>;

    /// The token of a hash, valid or not.
    async fn token(&self, hash: TokenHash) -> Result<Option<Token>, Fault>;

    /// Every token, by rising number.
    async fn tokens(&self) -> Result<Vec<Token>, Fault>;

    /// Revokes a token, once; answers as it is now, or that there is none.
    async fn revoke_token(
        &self,
        token: TokenId,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Option<Token>, Fault>;
}

impl FromColumns for Token {
    fn read(row: &impl Columns) -> Result<Token, Fault> {
        let scopes: u32 = row.number("scopes")?;
        Ok(Token {
            id: TokenId(row.number("id")?),
            label: row.text("label")?,
            scopes: Scopes::from_bits(scopes).ok_or_else(|| damaged("scopes", scopes))?,
            issuer: row.number_or_none("issuer")?.map(IssuerId),
            made: row.time("made")?,
            expires: row.time("expires")?,
            revoked: row.number_or_none("revoked")?.map(UnixMillis),
        })
    }
}
