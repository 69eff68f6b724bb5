//! Who asks.

use hufu_contract::{PhoneName, Scope, Scopes};
use hufu_wire::IssuerId;

use crate::fault::Fault;
use crate::token::Token;

/// What the trail calls the operator at the machine itself.
pub(crate) const OPERATOR: &str = "operator at the registry";
/// What the trail calls a phone begins so; its name follows.
pub(crate) const PHONE: &str = "phone ";
/// What a step of an appeal calls both authorities begins so.
pub(crate) const AUTHORITIES: &str = "both authorities";

/// Who asks, and what they may. Every method of the registry that reads or writes for somebody takes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    label: String,
    scopes: Scopes,
    issuer: Option<IssuerId>,
}

impl Caller {
    /// The caller that showed this token, which the registry found valid.
    pub(crate) fn with(token: Token) -> Caller {
        Caller { label: token.label, scopes: token.scopes, issuer: token.issuer }
    }

    /// The operator at the machine itself, who has the store's files anyway.
    pub fn operator() -> Caller {
        Caller { label: OPERATOR.into(), scopes: Scopes::ALL, issuer: None }
    }

    /// A phone of a holder, which may nothing but what its holder may about themselves.
    pub(crate) fn phone(name: PhoneName) -> Caller {
        let issuer = Some(IssuerId(name.issuer));
        Caller { label: format!("{PHONE}{name}"), scopes: Scopes::default(), issuer }
    }

    /// What the trail calls them.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What they may.
    pub fn scopes(&self) -> Scopes {
        self.scopes
    }

    /// The only issuer they may ask about.
    pub fn issuer(&self) -> Option<IssuerId> {
        self.issuer
    }

    /// Whether they may do what `scope` covers for `issuer`.
    ///
    /// # Errors
    /// [`Fault::Forbidden`].
    pub fn may(&self, scope: Scope, issuer: IssuerId) -> Result<(), Fault> {
        self.has(scope, self.issuer.is_none_or(|own| own == issuer))
    }

    /// Whether they may do what `scope` covers and what is no single issuer's.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], also for a caller that is restricted to one issuer.
    pub fn may_everywhere(&self, scope: Scope) -> Result<(), Fault> {
        self.has(scope, self.issuer.is_none())
    }

    /// Whether they may do what any of `scopes` covers for `issuer`.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] names the first.
    pub fn may_one_of(&self, scopes: &[Scope], issuer: IssuerId) -> Result<(), Fault> {
        let first = scopes.iter().find(|scope| self.scopes.contain(**scope)).or(scopes.first());
        first.map_or(Err(Fault::Unauthenticated), |scope| self.may(*scope, issuer))
    }

    /// Whether they may do what any of `scopes` covers and what is no single issuer's.
    ///
    /// # Errors
    /// [`Fault::Forbidden`] names the first, or the one that they have for one issuer alone.
    pub fn may_one_everywhere(&self, scopes: &[Scope]) -> Result<(), Fault> {
        let first = scopes.iter().find(|scope| self.scopes.contain(**scope)).or(scopes.first());
        first.map_or(Err(Fault::Unauthenticated), |scope| self.may_everywhere(*scope))
    }

    fn has(&self, scope: Scope, here: bool) -> Result<(), Fault> {
        let has = self.scopes.contain(scope);
        if has && here { Ok(()) } else { Err(Fault::Forbidden { scope, elsewhere: has }) }
    }
}
