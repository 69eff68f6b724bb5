//! The keys of a registry's process. They lie in files beside it, never in the store.

use hufu_codes::chain::AuthoritySigner;
use hufu_codes::issue::IssuerSigner;
use hufu_codes::keyring::{Keyring, Uses};
use hufu_wire::{IssuerId, UnixMillis};

use crate::fault::Fault;

/// Keys that sign credentials, rosters and heads. None of them can change a status: an authority's key is never
/// here.
#[derive(Debug, Default)]
pub struct Signers {
    /// Sign credentials of their issuers. Of an issuer's keys the first that the trust list lets sign is used.
    pub codes: Vec<IssuerSigner>,
    /// Sign rosters; the first that the trust list lets sign is used.
    pub rosters: Vec<IssuerSigner>,
    /// Sign heads as the publishers that they belong to.
    pub publishers: Vec<AuthoritySigner>,
}

impl Signers {
    /// The key that signs `uses` for `issuer` now.
    pub(super) fn code(
        &self,
        issuer: IssuerId,
        uses: Uses,
        keyring: &Keyring,
        now: UnixMillis,
    ) -> Result<&IssuerSigner, Fault> {
        let may = |signer: &&IssuerSigner| {
            signer.issuer() == issuer && keyring.key_for(signer.key(), uses, now.seconds()).is_ok()
        };
        self.codes.iter().find(may).ok_or_else(|| missing(uses, Some(issuer)))
    }

    /// The key that signs rosters now.
    pub(super) fn roster(&self, keyring: &Keyring, now: UnixMillis) -> Result<&IssuerSigner, Fault> {
        let may = |signer: &&IssuerSigner| keyring.key_for(signer.key(), Uses::ROSTER, now.seconds()).is_ok();
        self.rosters.iter().find(may).ok_or_else(|| missing(Uses::ROSTER, None))
    }

    /// The key that signs heads of `publisher` now.
    pub(super) fn publisher(
        &self,
        publisher: IssuerId,
        keyring: &Keyring,
        now: UnixMillis,
    ) -> Result<&AuthoritySigner, Fault> {
        let may = |signer: &&AuthoritySigner| {
            signer.issuer() == publisher && keyring.key_for(signer.key(), Uses::HEAD, now.seconds()).is_ok()
        };
        self.publishers.iter().find(may).ok_or_else(|| missing(Uses::HEAD, Some(publisher)))
    }
}

fn missing(uses: Uses, issuer: Option<IssuerId>) -> Fault {
    let of = issuer.map_or(String::new(), |issuer| format!(" of issuer {issuer}"));
    Fault::Misconfigured(format!(
        "no key{of} that signs {uses} now: name its file in registry.toml, and list it in the trust list with that use"
    ))
}
