//! What phones ask for.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::{Extension, Json};
use hufu_contract::{
    ActivatePhone, AskFamilyCode, AskStatus, BindingId, Hex, NextTerms, PhoneActivated, PhoneFamilyCode,
    PhoneRelative, PhoneRenewed, PhoneStatus, PhoneTest, PhoneTrip, RenewPhone,
};
use hufu_registry::{Base64Url, Fault, InvitationNumber, OwnStatus, PhoneKey, Terms};
use hufu_wire::{KeyId, Step, UnixMillis, limits};

use super::Phones;
use super::signed::{Arrived, unsigned};
use crate::clock::now;
use crate::convert::Convert as _;
use crate::problem::{ApiProblem, Kind};
use crate::server::Source;

type Answer<T> = Result<Json<T>, ApiProblem>;

/// Makes a phone its holder's, with an invitation's number.
pub(super) async fn activate(
    State(state): State<Arc<Phones>>,
    Extension(Source(source)): Extension<Source>,
    request: Request,
) -> Answer<PhoneActivated> {
    let now = now();
    let arrived = Arrived::read(&state, request, now).await?;
    let ActivatePhone { number, public_key } = arrived.body()?;
    let key = public_key.0.try_into().map(PhoneKey).map_err(|_| {
        ApiProblem::new(
            Kind::Invalid,
            "public_key: the 65 bytes of an uncompressed point of P-256, base64url",
        )
    })?;
    if !arrived.is_by(key) {
        return Err(unsigned());
    }
    let number = InvitationNumber::read(&number).map_err(Fault::from)?;
    // Places are held while the store is asked, and not while a body is still to come.
    let Some(_share) = state.activating.take(source) else { return Err(state.busy()) };
    let Ok(_one) = state.activations.try_acquire() else { return Err(state.busy()) };
    let activated = state.registry.activate(&number, key, now).await?;
    Ok(Json(PhoneActivated {
        issuer: activated.name.issuer,
        holder: activated.name.holder,
        phone: activated.name.phone,
        level: activated.level,
        display: activated.display,
        terms: activated.terms.convert(),
        valid_s: limits::PHONE_VALIDITY_S_MAX,
        now_ms: now.0,
    }))
}

/// Issues the next credential.
pub(super) async fn renew(State(state): State<Arc<Phones>>, request: Request) -> Answer<PhoneRenewed> {
    let now = now();
    let arrived = Arrived::read(&state, request, now).await?;
    let (phone, RenewPhone { terms, step_root, origin_step }) = arrived.by_phone(&state).await?;
    let counted = (phone.stored().name(), None);
    state.may_issue(counted)?;
    let terms = Terms {
        key: KeyId(terms.key.0),
        generation: terms.generation,
        issued: UnixMillis(terms.issued_ms).seconds(),
    };
    let wanted = (terms, step_root.0, Step(origin_step));
    let renewal = state.registry.renew_phone(&phone, wanted, now).await;
    let renewal = renewal.inspect_err(|_| state.issued.give_back(&counted))?;
    state.notes.renewed(phone.stored().name(), now);
    let issued = renewal.issuance.issued;
    Ok(Json(PhoneRenewed {
        credential: Base64Url(renewal.issuance.bytes),
        display: renewal.display,
        key: Hex(issued.key.0),
        generation: issued.generation,
        issued_ms: issued.issued.millis().0,
        expires_ms: issued.expires.millis().0,
        renew_from_ms: renewal.when.from.0,
        renew_until_ms: renewal.when.until.0,
        next_terms: next(&terms),
        now_ms: now.0,
    }))
}

/// Tells a holder's own data.
pub(super) async fn status(State(state): State<Arc<Phones>>, request: Request) -> Answer<PhoneStatus> {
    let now = now();
    let arrived = Arrived::read(&state, request, now).await?;
    let (phone, AskStatus {}) = arrived.by_phone(&state).await?;
    let OwnStatus { word, display, phones, trips, relatives, terms } =
        state.registry.own_status(&phone, now).await?;
    state.notes.asked(phone.stored().issuer);
    let status: Option<hufu_contract::Status> = word.convert();
    let colour = word.colour().map_or("unknown", hufu_wire::Colour::slug).to_owned();
    let test = status.and_then(|status| Some(PhoneTest { time_ms: status.tested_ms?, result: status.test }));
    let trip = |ticket: hufu_registry::StoredTicket| PhoneTrip {
        hub: ticket.hub.0,
        from_ms: ticket.from.millis().0,
        until_ms: ticket.until.millis().0,
    };
    let relative = |(id, display, until): (BindingId, String, Option<UnixMillis>)| PhoneRelative {
        relative: id.0,
        display,
        until_ms: until.map(|until| until.0),
    };
    Ok(Json(PhoneStatus {
        colour,
        until_ms: status.and_then(|status| status.until_ms),
        test,
        doses: status.map_or(0, |status| status.doses),
        level: phone.stored().level,
        display,
        phones,
        trips: trips.into_iter().map(trip).collect(),
        relatives: relatives.into_iter().map(relative).collect(),
        appeal: state.appeal.clone(),
        terms: next(&terms),
        now_ms: now.0,
    }))
}

/// Issues a relative's family code.
pub(super) async fn family(State(state): State<Arc<Phones>>, request: Request) -> Answer<PhoneFamilyCode> {
    let now = now();
    let arrived = Arrived::read(&state, request, now).await?;
    let (phone, AskFamilyCode { relative }) = arrived.by_phone(&state).await?;
    let relative = BindingId(relative);
    let counted = (phone.stored().name(), Some(relative));
    state.may_issue(counted)?;
    let issued = state.registry.own_family_code(&phone, relative, now).await;
    // Also of a relative that there is not: names that are made up fill no memory.
    let (issuance, display) = issued.inspect_err(|_| state.issued.give_back(&counted))?;
    Ok(Json(PhoneFamilyCode {
        code: issuance.code.unwrap_or_default(),
        display,
        expires_ms: issuance.issued.expires.millis().0,
        now_ms: now.0,
    }))
}

fn next(terms: &Terms) -> NextTerms {
    NextTerms { key: Hex(terms.key.0), generation: terms.generation }
}
