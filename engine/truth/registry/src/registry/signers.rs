//! The keys of a registry's process. They lie in files beside it, never in the store.

use hufu_codes::chain::AuthoritySigner;
use hufu_codes::issue::IssuerSigner;
use hufu_codes::keyring::{IssuerKey, Keyring, Uses};
use hufu_wire::{IssuerId, KeyId, UnixMillis, UnixSeconds};

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
    /// The key that signs `uses` for `issuer` now, and is believed until what it signs expires.
    pub(super) fn code(
        &self,
        issuer: IssuerId,
        uses: Uses,
        keyring: &Keyring,
        (now, expires): (UnixMillis, UnixSeconds),
    ) -> Result<&IssuerSigner, Fault> {
        let mut all = self.codes_of(issuer, uses, keyring, (now, expires));
        all.next().ok_or_else(|| missing(uses, Some(issuer), Some(expires)))
    }

    /// Every key that may sign so; the first one does, and another may have done so before.
    pub(super) fn codes_of<'s, 'k>(
        &'s self,
        issuer: IssuerId,
        uses: Uses,
        keyring: &'k Keyring,
        (now, expires): (UnixMillis, UnixSeconds),
    ) -> impl Iterator<Item = &'s IssuerSigner> + use<'s, 'k> {
        self.codes.iter().filter(move |signer| {
            signer.issuer() == issuer && lasts(keyring, signer.key(), issuer, uses, now, expires)
        })
    }

    /// The key that signs rosters now, and is believed until the roster expires.
    pub(super) fn roster(
        &self,
        keyring: &Keyring,
        (now, expires): (UnixMillis, UnixSeconds),
    ) -> Result<&IssuerSigner, Fault> {
        let may = |signer: &&IssuerSigner| {
            lasts(keyring, signer.key(), signer.issuer(), Uses::ROSTER, now, expires)
        };
        self.rosters.iter().find(may).ok_or_else(|| missing(Uses::ROSTER, None, Some(expires)))
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
        self.publishers.iter().find(may).ok_or_else(|| missing(Uses::HEAD, Some(publisher), None))
    }
}

/// Whether the trust list lets this key sign `uses` now, and as a key of `issuer`: engines go by the list, so under
/// another issuer's name there the same bytes would be a code of somebody else's holder.
fn is_listed(keyring: &Keyring, key: KeyId, issuer: IssuerId, uses: Uses, now: UnixMillis) -> bool {
    keyring.key_for(key, uses, now.seconds()).is_ok_and(|listed| listed.issuer == issuer)
}

/// The same, and engines admit what it signs until the last second before `expires`.
fn lasts(
    keyring: &Keyring,
    key: KeyId,
    issuer: IssuerId,
    uses: Uses,
    now: UnixMillis,
    expires: UnixSeconds,
) -> bool {
    let is_believed = |key: &IssuerKey| expires.0.saturating_sub(1) <= key.believed_until().0;
    is_listed(keyring, key, issuer, uses, now) && keyring.find(key).is_some_and(is_believed)
}

fn missing(uses: Uses, issuer: Option<IssuerId>, expires: Option<UnixSeconds>) -> Fault {
    let of = issuer.map_or(String::new(), |issuer| format!(" of issuer {issuer}"));
    let until = expires.map_or(String::new(), |expires| {
        format!(" and is believed until Unix time {} (a key is, for a day after its end)", expires.0)
    });
    Fault::Misconfigured(format!(
        "no key{of} signs {uses} now{until}: name its file in registry.toml, and list it in the trust list with that \
         use"
    ))
}

#[cfg(test)]
mod tests {
    use hufu_codes::issue::OperatorSigner;
    use hufu_codes::keyring::TrustList;
    use hufu_signature::PreparedKey;
    use hufu_wire::limits;

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
            signers.code(ours, Uses::PAPER, &keyring, (now, now.seconds())).is_ok()
        };
        assert!(signs(ours));
        assert!(!signs(theirs));
    }

    #[test]
    fn b15_a_key_signs_nothing_that_outlives_the_belief_in_it() {
        let (issuer, now) = (IssuerId(310_000), UnixMillis(1_790_000_000_000));
        let [soon, later] = [10, 400].map(|days: u32| UnixSeconds(now.seconds().0 + days * 86_400));
        let since = UnixSeconds(now.seconds().0 - 9);
        let [ending, next] = [0x64, 0x65].map(|seed| IssuerSigner::from_seed(&[seed; 32], issuer));
        let keyring = |until: UnixSeconds| {
            let operator = OperatorSigner::from_seed(&[0x22; 32]);
            let listed = [
                ending.listed(Uses::TRIP | Uses::ROSTER, since, since, soon),
                next.listed(Uses::TRIP | Uses::ROSTER, since, since, until),
            ];
            let list = TrustList::sign(1, since, &listed, &operator);
            let list = TrustList::open(&list, &PreparedKey::new(operator.public()).unwrap()).unwrap();
            Keyring::empty().update(&list, now.seconds()).unwrap()
        };
        let keys = || [0x64, 0x65].map(|seed| IssuerSigner::from_seed(&[seed; 32], issuer)).into();
        let signers = Signers { codes: keys(), rosters: keys(), ..Signers::default() };
        let last = UnixSeconds(soon.0 + limits::ENDED_KEY_S_MAX + 1);
        for (expires, both_end, wanted) in [
            (last, false, Some(ending.key())),
            (UnixSeconds(last.0 + 1), false, Some(next.key())),
            (UnixSeconds(last.0 + 1), true, None),
        ] {
            let keyring = keyring(if both_end { soon } else { later });
            let code = signers.code(issuer, Uses::TRIP, &keyring, (now, expires));
            let roster = signers.roster(&keyring, (now, expires));
            assert_eq!(code.ok().map(IssuerSigner::key), wanted, "{expires:?}");
            assert_eq!(roster.ok().map(IssuerSigner::key), wanted, "{expires:?}");
        }
    }
}
