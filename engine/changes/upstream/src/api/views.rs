//! The service of the holder's view (`hufu records serve`).

use std::path::PathBuf;

use bytes::Bytes;
use hufu_contract::{ViewDays, ViewPlaces, ViewTicket, WantSlips, WantTicket};

use crate::api::{Api, ApiOptions, is_here, read_url};
use crate::fault::ApiFault;

impl Api {
    /// The service at `url`, which takes no token: a code's text and tickets travel in bodies.
    ///
    /// # Errors
    /// [`ApiFault::Misconfigured`]: also for `http://` to another machine, where a code would travel in the clear.
    pub fn open_views(url: String, ca: Option<PathBuf>) -> Result<Api, ApiFault> {
        let options = ApiOptions { url, token: None, ca };
        let read = read_url(&options)?;
        if read.scheme() == "http" && !is_here(&read) {
            let what = format!("{}: the code would travel in the clear; use https", options.url);
            return Err(ApiFault::Misconfigured(what));
        }
        Api::open(&options)
    }

    /// The days that can be asked for.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn view_days(&self) -> Result<ViewDays, ApiFault> {
        self.json(self.get(&[&"days"])).await
    }

    /// All places.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn view_places(&self) -> Result<ViewPlaces, ApiFault> {
        self.json(self.get(&[&"places"])).await
    }

    /// A ticket for any live code.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn view_ticket(&self, code: &WantTicket) -> Result<ViewTicket, ApiFault> {
        self.json(self.post(&[&"ticket"]).with_json(code)).await
    }

    /// Buckets of slips: for each prefix, in order, their number (4 bytes, little-endian) and the slips, 48 bytes each.
    /// The service may leave out the last ones of a long answer, and never the first.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn view_slips(&self, wanted: &WantSlips) -> Result<Bytes, ApiFault> {
        self.octets(self.post(&[&"slips"]).with_json(wanted)).await
    }
}
