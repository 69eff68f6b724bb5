//! Phones of holders as clerks see them: invited, listed, ended. What the phones themselves ask is [`crate::phones`]'s.

use axum::Json;
use axum::extract::State;
use hufu_contract::{Invitation, NewInvitation, Phone, Phones};
use hufu_registry::INVITATION_S;
use hufu_wire::{HolderIndex, IssuerId};

use super::Answer;
use crate::clock::now;
use crate::convert::Convert;
use crate::extract::{Bearer, Ids, JsonBody};
use crate::state::Api;

/// Invite a holder's phone
///
/// The number activates one phone and is shown this once. A newer one ends those before that were not used.
#[utoipa::path(post, path = "/v1/issuers/{issuer}/holders/{holder}/invitations", tag = "phones",
    params(("issuer" = u32, Path), ("holder" = u32, Path)), request_body = NewInvitation,
    responses((status = 200, body = Invitation)), security(("bearer" = ["invitations"])))]
pub(crate) async fn invite(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, holder)): Ids<(u32, u32)>,
    JsonBody(NewInvitation { level, valid_s }): JsonBody<NewInvitation>,
) -> Answer<Invitation> {
    let whose = (IssuerId(issuer), HolderIndex(holder));
    let valid_s = valid_s.unwrap_or(INVITATION_S);
    let invited = api.registry.invite(&caller, whose, (level, valid_s), now()).await?;
    Ok(Json(Invitation {
        number: invited.number.shown(),
        expires_ms: invited.expires.0,
        other_phones: invited.phones,
    }))
}

/// The phones of a holder
#[utoipa::path(get, path = "/v1/issuers/{issuer}/holders/{holder}/phones", tag = "phones",
    params(("issuer" = u32, Path), ("holder" = u32, Path)), responses((status = 200, body = Phones)),
    security(("bearer" = ["invitations"])))]
pub(crate) async fn list(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, holder)): Ids<(u32, u32)>,
) -> Answer<Phones> {
    let phones = api.registry.phones(&caller, IssuerId(issuer), HolderIndex(holder), now()).await?;
    Ok(Json(Phones { phones: phones.into_iter().map(Convert::convert).collect() }))
}

/// End a phone
///
/// It gets no further credential. The one that it has passes until it expires: raise the holder's generation, too.
#[utoipa::path(delete, path = "/v1/issuers/{issuer}/holders/{holder}/phones/{phone}", tag = "phones",
    params(("issuer" = u32, Path), ("holder" = u32, Path), ("phone" = u32, Path)),
    responses((status = 200, body = Phone)), security(("bearer" = ["invitations"])))]
pub(crate) async fn end(
    State(api): State<Api>,
    Bearer(caller): Bearer,
    Ids((issuer, holder, phone)): Ids<(u32, u32, u32)>,
) -> Answer<Phone> {
    let which = (IssuerId(issuer), HolderIndex(holder), phone);
    Ok(Json(api.registry.end_phone(&caller, which, now()).await?.convert()))
}
