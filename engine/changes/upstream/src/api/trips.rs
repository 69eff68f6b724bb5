//! Trip codes for tickets (R04).

use hufu_contract::{EndedTrips, Hex, IssuedTrip, PutTrip, PutTrips, PutTripsAnswer, Trip};
use hufu_wire::IssuerId;

use crate::api::Api;
use crate::fault::ApiFault;

impl Api {
    /// Issues the code of a ticket, or another one when its values are others.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn put_trip(
        &self,
        issuer: IssuerId,
        (office, ticket): (&str, &str),
        trip: &PutTrip,
    ) -> Result<IssuedTrip, ApiFault> {
        self.json(self.put(&[&"issuers", &issuer, &"trips", &office, &ticket]).with_json(trip)).await
    }

    /// The same for 1 to 4,096 tickets of an office, each by itself. What broke off can be sent again.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn put_trips(&self, issuer: IssuerId, trips: &PutTrips) -> Result<PutTripsAnswer, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"trips"]).with_json(trips).repeatable()).await
    }

    /// A ticket.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn trip(&self, issuer: IssuerId, (office, ticket): (&str, &str)) -> Result<Trip, ApiFault> {
        self.json(self.get(&[&"issuers", &issuer, &"trips", &office, &ticket])).await
    }

    /// Cancels a ticket.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn cancel_trip(
        &self,
        issuer: IssuerId,
        (office, ticket): (&str, &str),
    ) -> Result<Trip, ApiFault> {
        self.json(self.delete(&[&"issuers", &issuer, &"trips", &office, &ticket])).await
    }

    /// Trip credentials that ended before their time: the page after a digest.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn ended_trips(
        &self,
        issuer: IssuerId,
        after: Option<Hex<32>>,
    ) -> Result<EndedTrips, ApiFault> {
        let call = self.get(&[&"issuers", &issuer, &"trips", &"ended"]);
        self.json(match after {
            Some(digest) => call.query("after", digest),
            None => call,
        })
        .await
    }
}
