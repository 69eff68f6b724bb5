//! The keys of a registry's process. They lie in files beside it, never in the store.

use hufu_codes::chain::AuthoritySigner;
use hufu_codes::issue::IssuerSigner;
use hufu_codes::keyring::{Keyring, Uses};
use hufu_wire::{IssuerId, KeyId, UnixMillis};

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
            signer.issuer() == issuer && is_listed(keyring, signer.key(), issuer, uses, now)
        };
        self.codes.iter().find(may).ok_or_else(|| missing(uses, Some(issuer)))
    }

    /// The key that signs rosters now.
    pub(super) fn roster(&self, keyring: &Keyring, now: UnixMillis) -> Result<&IssuerSigner, Fault> {
        let may =
            |signer: &&IssuerSigner| is_listed(keyring, signer.key(), signer.issuer(), Uses::ROSTER, now);
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
            signer.issuer() == publisher && is_listed(keyring, signer.key(), publisher, Uses::HEAD, now)
        };
        self.publishers.iter().find(may).ok_or_else(|| missing(Uses::HEAD, Some(publisher)))
    }
}

/// Whether the trust list lets this key sign `uses` now, and as a key of `issuer`: engines go by the list, so under
/// another issuer's name there the same bytes would be a code of somebody else's holder.
fn is_listed(keyring: &Keyring, key: KeyId, issuer: IssuerId, uses: Uses, now: UnixMillis) -> bool {
    keyring.key_for(key, uses, now.seconds()).is_ok_and(|listed| listed.issuer == issuer)
}

fn missing(uses: Uses, issuer: Option<IssuerId>) -> Fault {
    let of = issuer.map_or(String::new(), |issuer| format!(" of issuer {issuer}"));
    Fault::Misconfigured(format!(
        "no key{of} that signs {uses} now: name its file in registry.toml, and list it in the trust list with that use"
    ))
}

#[cfg(test)]
mod tests {
    use hufu_codes::ed25519::PreparedKey;
    use hufu_codes::issue::OperatorSigner;
    use hufu_codes::keyring::TrustList;
    use hufu_wire::UnixSeconds;

    use super::*;

    #[test]
    fn a_key_that_the_trust_list_gives_to_another_issuer_signs_nothing() {
        let (ours, theirs) = (IssuerId(310_000), IssuerId(320_000));
        let (since, until) = (UnixSeconds(1_780_000_000), UnixSeconds(u32::MAX));
        let now = UnixMillis(1_790_000_000_000);
        let signs = |listed_as: IssuerId| {
            let operator = OperatorSigner::from_seed(&[0x22; 32]);
            let listed =
                IssuerSigner::from_seed(&[0x64; 32], listed_as).listed(Uses::PAPER, since, since, until);
            let list = TrustList::sign(1, since, &[listed], &operator);
            let list = TrustList::open(&list, &PreparedKey::new(operator.public()).unwrap()).unwrap();
            let keyring = Keyring::empty().update(&list, now.seconds()).unwrap();
            let signers =
                Signers { codes: vec![IssuerSigner::from_seed(&[0x64; 32], ours)], ..Signers::default() };
            signers.code(ours, Uses::PAPER, &keyring, now).is_ok()
        };
        assert!(signs(ours));
        assert!(!signs(theirs));
    }
}
