//! Who may call, and who did.

use hufu_contract::TokenId;
use hufu_contract::{NewToken, Token, TokenMade, Tokens, Trail, TrailEnd};

use crate::api::Api;
use crate::fault::ApiFault;

impl Api {
    /// Makes a token. Its secret is shown this once.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn new_token(&self, token: &NewToken) -> Result<TokenMade, ApiFault> {
        self.json(self.post(&[&"tokens"]).with_json(token)).await
    }

    /// Every token that was made, without its secret.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn tokens(&self) -> Result<Tokens, ApiFault> {
        self.json(self.get(&[&"tokens"])).await
    }

    /// Revokes a token: it is refused from now on.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn revoke_token(&self, token: TokenId) -> Result<Token, ApiFault> {
        self.json(self.delete(&[&"tokens", &token.0])).await
    }

    /// At most `limit` entries of the trail (R44), from the one after `after` on.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn trail(&self, after: u64, limit: u32) -> Result<Trail, ApiFault> {
        self.json(self.get(&[&"trail"]).query("after", after).query("limit", limit)).await
    }

    /// Where the trail ends.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn trail_end(&self) -> Result<TrailEnd, ApiFault> {
        self.json(self.get(&[&"trail", &"end"])).await
    }
}
