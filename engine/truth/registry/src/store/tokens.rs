//! Tokens in the store.

use async_trait::async_trait;
use hufu_wire::UnixMillis;

use crate::fault::Fault;
use crate::token::{NewToken, Token, TokenHash};
use crate::trail::Entry;
use hufu_contract::TokenId;

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

    /// The token of a hash, in force or not.
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
