//! Who signs chains in a demo's world: two local authorities, the national platform, and the registry as publisher.

use std::path::Path;

use anyhow::Context as _;
use hufu_codes::chain::{Authorities, AuthoritySigner};
use hufu_codes::keyring::{Keyring, ListedKey, TrustList, Uses};
use hufu_files::keys::{Owner, PublicKey, SecretKey};
use hufu_fixtures::{HOME, KeyRole, NEIGHBOUR, TRUST_LIST_VERSION, World};
use hufu_signature::{PreparedKey, Scheme};
use hufu_wire::{IssuerId, UnixSeconds};

/// Who confirms every change.
pub(super) const NATIONAL: IssuerId = IssuerId(100_000);
/// The publisher of heads.
pub(super) const PUBLISHER: IssuerId = IssuerId(900_000);
/// The issuers whose statuses come by chain; the foreign authority's come from a snapshot file (R26).
pub(super) const CHAINED: [IssuerId; 2] = [HOME, NEIGHBOUR];

const DAY_S: u32 = 86_400;

/// The signer of an authority.
pub(super) fn signer(world: &World, authority: IssuerId) -> AuthoritySigner {
    AuthoritySigner::from_seed(&seed(world, authority), authority)
}

/// Who signs the chain of `issuer`.
pub(super) fn of(issuer: IssuerId) -> anyhow::Result<Authorities> {
    Ok(Authorities::new(issuer, NATIONAL, PUBLISHER)?)
}

/// Writes `NAME.key` and `NAME.pub` of an authority into `folder`.
pub(super) fn store(world: &World, folder: &Path, name: &str, authority: IssuerId) -> anyhow::Result<()> {
    let key = SecretKey::of(Owner::Issuer, Some(authority), Scheme::Ed25519, &seed(world, authority));
    key.store(&folder.join(name), &PublicKey::of(&key)?).map(drop)
}

/// The world's trust list with the keys of those who sign chains; the registry has made its own.
pub(super) fn trust_list(world: &World, publisher: &PublicKey) -> Vec<u8> {
    let roles = world.issuers().iter().flat_map(|issuer| KeyRole::TRUSTED.map(|role| (issuer.id, role)));
    let mut listed: Vec<ListedKey> = roles.map(|(issuer, role)| world.listed(issuer, role)).collect();
    let [from, until] = [world.now().0 - DAY_S, world.now().0 + 30 * DAY_S].map(UnixSeconds);
    let uses = |authority| if authority == NATIONAL { Uses::CONFIRMATION } else { Uses::INSTRUCTION };
    let signing = |authority| signer(world, authority).listed(uses(authority), from, from, until);
    listed.extend(CHAINED.into_iter().chain([NATIONAL]).map(signing));
    listed.push(ListedKey {
        issuer: PUBLISHER,
        public: publisher.public,
        from,
        until,
        published: from,
        uses: Uses::HEAD,
        revoked: false,
    });
    TrustList::sign(TRUST_LIST_VERSION, world.now(), &listed, &world.operator())
}

/// The keyring of such a list.
pub(super) fn keyring(world: &World, trust_list: &[u8]) -> anyhow::Result<Keyring> {
    let operator =
        PreparedKey::new(world.operator().public()).context("the operator's key cannot be used")?;
    Ok(Keyring::empty().update(&TrustList::open(trust_list, &operator)?, world.now())?)
}

fn seed(world: &World, authority: IssuerId) -> [u8; 32] {
    world.seed().bytes("authority key", u64::from(authority.0))
}
