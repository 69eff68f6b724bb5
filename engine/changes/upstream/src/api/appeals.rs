//! Appeals of holders.

use hufu_contract::{
    Appeal, AppealFigures, AppealId, AppealPhase, AppealTold, AppealWords, Appeals, DecideAppeal, NewAppeal,
};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};

use crate::api::Api;
use crate::fault::ApiFault;

/// Which appeals are meant; all that is named must hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WhichAppeals {
    /// In this state.
    pub state: Option<AppealPhase>,
    /// Of this holder.
    pub holder: Option<HolderIndex>,
    /// Undecided and due.
    pub overdue: bool,
}

impl Api {
    /// Takes an appeal in.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn open_appeal(&self, issuer: IssuerId, new: &NewAppeal) -> Result<Appeal, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"appeals"]).with_json(new)).await
    }

    /// At most `limit` of the appeals that are meant, from the one after `after` on.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn appeals(
        &self,
        issuer: IssuerId,
        which: WhichAppeals,
        after: AppealId,
        limit: u32,
    ) -> Result<Appeals, ApiFault> {
        let mut call =
            self.get(&[&"issuers", &issuer, &"appeals"]).query("after", after).query("limit", limit);
        if let Some(state) = which.state {
            call = call.query("state", state.slug());
        }
        if let Some(holder) = which.holder {
            call = call.query("holder", holder);
        }
        if which.overdue {
            call = call.query("overdue", true);
        }
        self.json(call).await
    }

    /// An appeal with what the appellant said and every step.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn appeal(&self, issuer: IssuerId, appeal: AppealId) -> Result<AppealTold, ApiFault> {
        self.json(self.get(&[&"issuers", &issuer, &"appeals", &appeal])).await
    }

    /// Takes an appeal into review.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn review_appeal(
        &self,
        issuer: IssuerId,
        appeal: AppealId,
        words: &AppealWords,
    ) -> Result<Appeal, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"appeals", &appeal, &"review"]).with_json(words)).await
    }

    /// Decides an appeal that this token reviews.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn decide_appeal(
        &self,
        issuer: IssuerId,
        appeal: AppealId,
        ruling: &DecideAppeal,
    ) -> Result<Appeal, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"appeals", &appeal, &"decision"]).with_json(ruling)).await
    }

    /// Takes an appeal back for the appellant.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn withdraw_appeal(
        &self,
        issuer: IssuerId,
        appeal: AppealId,
        words: &AppealWords,
    ) -> Result<Appeal, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"appeals", &appeal, &"withdraw"]).with_json(words)).await
    }

    /// What became of the appeals from one time up to another.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn appeal_figures(
        &self,
        issuer: IssuerId,
        [from, until]: [Option<UnixMillis>; 2],
    ) -> Result<AppealFigures, ApiFault> {
        let mut call = self.get(&[&"issuers", &issuer, &"appeals", &"figures"]);
        for (name, time) in [("from_ms", from), ("until_ms", until)] {
            if let Some(time) = time {
                call = call.query(name, time.0);
            }
        }
        self.json(call).await
    }
}
