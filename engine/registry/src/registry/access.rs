//! Tokens, and the trail.

use hufu_wire::UnixMillis;

use super::{Registry, page};
use crate::caller::Caller;
use crate::fault::Fault;
use crate::scope::Scope;
use crate::token::{NewToken, Token, TokenHash, TokenId, TokenText};
use crate::trail::{Deed, Entry, Noted};

impl Registry {
    /// Who shows this token.
    ///
    /// # Errors
    /// [`Fault::Unauthenticated`], the same whether it is unknown, has ended or was revoked.
    pub async fn authenticate(&self, text: &str, now: UnixMillis) -> Result<Caller, Fault> {
        let hash = TokenHash::of(text).ok_or(Fault::Unauthenticated)?;
        let token = self.store.token(hash).await?.filter(|token| token.in_force(now));
        token.map(Caller::with).ok_or(Fault::Unauthenticated)
    }

    /// Makes a token; its text is shown this once.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Invalid`], [`Fault::Conflict`] for a label that there is or was.
    pub async fn add_token(
        &self,
        caller: &Caller,
        token: &NewToken,
        now: UnixMillis,
    ) -> Result<(Token, TokenText), Fault> {
        caller.may_everywhere(Scope::Admin)?;
        token.check(now)?;
        let text = TokenText::random()?;
        let hash = TokenHash::of(text.as_str()).ok_or(Fault::Unauthenticated)?;
        let entry = Entry::new(now, caller, Deed::TokenAdded, token.issuer, token.label.as_str());
        Ok((self.store.add_token(token, hash, now, &entry).await?, text))
    }

    /// Every token there is or was.
    ///
    /// # Errors
    /// [`Fault::Forbidden`].
    pub async fn tokens(&self, caller: &Caller) -> Result<Vec<Token>, Fault> {
        caller.may_everywhere(Scope::Admin)?;
        self.store.tokens().await
    }

    /// Revokes a token.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn revoke_token(
        &self,
        caller: &Caller,
        token: TokenId,
        now: UnixMillis,
    ) -> Result<Token, Fault> {
        caller.may_everywhere(Scope::Admin)?;
        let entry = Entry::new(now, caller, Deed::TokenRevoked, None, token.0.to_string());
        let revoked = self.store.revoke_token(token, now, &entry).await?;
        revoked.ok_or_else(|| Fault::NotFound(format!("token {}", token.0)))
    }

    /// Lines of the trail with a number above `after`. Reading it leaves a line too.
    ///
    /// # Errors
    /// [`Fault::Forbidden`].
    pub async fn trail(
        &self,
        caller: &Caller,
        after: u64,
        limit: u32,
        now: UnixMillis,
    ) -> Result<Vec<Noted>, Fault> {
        caller.may_everywhere(Scope::Audit)?;
        let entry = Entry::new(now, caller, Deed::TrailRead, None, format!("after {after}"));
        self.store.note(&entry).await?;
        self.store.trail(after, page(limit)).await
    }
}
