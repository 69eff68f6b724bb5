//! Tokens, and the trail.

use hufu_contract::Scope;
use hufu_contract::TokenId;
use hufu_wire::UnixMillis;

use super::{PAGE_MAX, Registry, page};
use crate::caller::Caller;
use crate::fault::Fault;
use crate::token::{NewToken, Token, TokenHash, TokenText};
use crate::trail::{Action, Entry, TrailBreak, TrailCheck, TrailEnd, TrailLine};

impl Registry {
    /// Who shows this token.
    ///
    /// # Errors
    /// [`Fault::Unauthenticated`], the same whether it is unknown, has ended or was revoked.
    pub async fn authenticate(&self, text: &str, now: UnixMillis) -> Result<Caller, Fault> {
        let hash = TokenHash::of(text).ok_or(Fault::Unauthenticated)?;
        let token = self.batches.token(hash).await?.filter(|token| token.is_valid_at(now));
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
        let entry = Entry::new(now, caller, Action::TokenAdded, token.issuer, token.label.as_str());
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
        let entry = Entry::new(now, caller, Action::TokenRevoked, None, token.0.to_string());
        let revoked = self.store.revoke_token(token, now, &entry).await?;
        revoked.ok_or_else(|| Fault::NotFound(format!("token {}", token.0)))
    }

    /// How many tokens may be used at `now`.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] and [`Fault::Damaged`], those of the store.
    pub async fn living_tokens(&self, now: UnixMillis) -> Result<u64, Fault> {
        Ok(self.store.tokens().await?.iter().filter(|token| token.is_valid_at(now)).count() as u64)
    }

    /// Leaves a line of the trail for requests of `who` that were refused.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] and [`Fault::Damaged`], those of the store.
    pub async fn note_refusals(&self, who: &str, what: &str, now: UnixMillis) -> Result<(), Fault> {
        let entry = Entry {
            at: now,
            who: who.to_owned(),
            action: Action::Refused,
            issuer: None,
            what: what.to_owned(),
        };
        self.store.note(&entry).await
    }

    /// Where the trail ends. With a noted end, an auditor finds later whether the last lines were removed.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Damaged`].
    pub async fn trail_end(&self, caller: &Caller) -> Result<TrailEnd, Fault> {
        caller.may_everywhere(Scope::Audit)?;
        self.store.trail_end().await
    }

    /// How many lines the trail has, or had.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] and [`Fault::Damaged`], those of the store.
    pub async fn trail_lines(&self) -> Result<u64, Fault> {
        Ok(self.store.trail_end().await?.number)
    }

    /// Follows the trail from its first line: digests, and the seals that only this registry's vault key makes. `Ok` with
    /// the check at its end, or the first line that does not fit.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Damaged`] when a line cannot be read.
    pub async fn check_trail(&self, caller: &Caller) -> Result<Result<TrailCheck, TrailBreak>, Fault> {
        caller.may_everywhere(Scope::Audit)?;
        let mut check = TrailCheck::new(Some(self.vault.trail_key()));
        loop {
            let lines = self.store.trail(check.end().number, PAGE_MAX).await?;
            if lines.is_empty() {
                return Ok(Ok(check));
            }
            for line in &lines {
                if let Err(broken) = check.take(line) {
                    return Ok(Err(broken));
                }
            }
        }
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
    ) -> Result<Vec<TrailLine>, Fault> {
        caller.may_everywhere(Scope::Audit)?;
        let entry = Entry::new(now, caller, Action::TrailRead, None, format!("after {after}"));
        self.store.note(&entry).await?;
        self.store.trail(after, page(limit)).await
    }
}
