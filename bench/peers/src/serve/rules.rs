//! One check as a peer makes it: the engine's formats and rules, dalek's `verify_strict` for every request.

use std::collections::HashMap;

use anyhow::Context as _;
use ed25519_dalek::{Signature, VerifyingKey};
use hufu_codes::keyring::{IssuerKey, Keyring, TrustList};
use hufu_codes::presentation::{self, clock_offset, steps_ahead};
use hufu_codes::{Credential, Detail, code};
use hufu_fixtures::World;
use hufu_policy::{Facts, Presented, Shown, SitePolicy, Sites, Trip, evaluate};
use hufu_signature::{Backend, Job, PreparedKey, PublicKey};
use hufu_wire::{
    Age, CodeKind, Decision, HolderIndex, IssuerId, Reason, SiteId, StatusWord, UnixMillis, limits,
};

/// What does not change between checks: keys, policies, and when each issuer was last heard of.
pub(super) struct Rules {
    keyring: Keyring,
    sites: Sites,
    strict: Strict,
    heard: HashMap<IssuerId, UnixMillis>,
}

/// A genuine credential shown by its holder; the holder's status and the site decide now.
pub(super) struct Present<'r> {
    pub(super) issuer: IssuerId,
    pub(super) holder: HolderIndex,
    policy: &'r SitePolicy,
    facts: Facts,
}

/// A peer's answer before it becomes JSON.
pub(super) struct Outcome {
    pub(super) decision: Decision,
    pub(super) reason: Reason,
    pub(super) status: StatusWord,
    pub(super) kind: Option<CodeKind>,
    pub(super) age: Age,
    pub(super) clock_offset_s: i32,
}

impl Rules {
    pub(super) fn of(world: &World) -> anyhow::Result<Rules> {
        let keyring = keyring(world)?;
        let strict = Strict::of(&keyring)?;
        let heard = world.issuers().iter().map(|issuer| (issuer.id, issuer.heard)).collect();
        let sites = Sites::parse(world.sites_toml(), "sites.toml").context("the site policies")?;
        Ok(Rules { keyring, sites, strict, heard })
    }

    /// Everything up to the holder's status.
    pub(super) fn read(&self, now: UnixMillis, site: SiteId, text: &[u8]) -> Result<Present<'_>, Reason> {
        let policy = self.sites.get(site).ok_or(Reason::SiteUnknown)?;
        let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
        let code = code::parse_text(text, &mut binary)?;
        let credential = self.keyring.admit(code.credential, now.seconds())?.verify(&self.strict)?;
        credential.valid_at(now.seconds())?;
        let shown = presentation::present(&credential, code.presentation.as_ref())?;
        let issuer = credential.issuer();
        let age = self.heard.get(&issuer).map_or(Age::Unknown, |&heard| Age::between(heard, now));
        let shown = describe(now, policy, &credential, shown);
        let facts = Facts { now: now.seconds(), shown, issuer, status: StatusWord::UNKNOWN, age };
        Ok(Present { issuer, holder: credential.holder, policy, facts })
    }
}

impl Present<'_> {
    /// What the site says to a holder of this status.
    pub(super) fn decide(self, status: StatusWord) -> Outcome {
        let facts = Facts { status, ..self.facts };
        let ruling = evaluate(self.policy, &facts);
        let clock_offset_s = match facts.shown {
            Shown::Phone { presented: Presented::Skewed(offset), .. } => offset.0,
            _ => 0,
        };
        Outcome {
            decision: ruling.decision(),
            reason: ruling.reason(),
            status,
            kind: facts.shown.kind(),
            age: facts.age,
            clock_offset_s,
        }
    }
}

impl Outcome {
    /// A code that was turned down before its holder's status was asked for.
    pub(super) fn refused(reason: Reason) -> Outcome {
        let (decision, status) = (reason.decision(), StatusWord::UNKNOWN);
        Outcome { decision, reason, status, kind: None, age: Age::Unknown, clock_offset_s: 0 }
    }
}

/// The world's keyring, from its trust list.
///
/// # Errors
/// Never for a world as it was made: its trust list is genuine.
pub fn keyring(world: &World) -> anyhow::Result<Keyring> {
    let operator = PreparedKey::new(world.operator().public()).context("the operator's key")?;
    let list = TrustList::open(&world.trust_list(), &operator).context("the trust list")?;
    Keyring::empty().update(&list, world.now()).context("the trust list")
}

/// What was shown, in the words of a policy.
fn describe(
    now: UnixMillis,
    policy: &SitePolicy,
    credential: &Credential<'_>,
    shown: presentation::Shown,
) -> Shown {
    let generation = credential.generation;
    match (credential.detail, shown) {
        (Detail::Phone { .. }, presentation::Shown::At(step)) => {
            let now = now.seconds();
            let current = steps_ahead(step, now).unsigned_abs() <= u64::from(policy.skew_steps);
            let presented =
                if current { Presented::Current } else { Presented::Skewed(clock_offset(step, now)) };
            Shown::Phone { generation, presented }
        }
        (Detail::Trip { hub, from, until }, _) => Shown::Trip { generation, trip: Trip { hub, from, until } },
        (Detail::Family, _) => Shown::Family { generation },
        (Detail::Paper | Detail::Phone { .. }, _) => Shown::Paper { generation },
    }
}

/// `VerifyingKey::verify_strict`, the key decompressed once as any peer would keep it.
struct Strict(HashMap<[u8; 32], VerifyingKey>);

impl Strict {
    fn of(keyring: &Keyring) -> anyhow::Result<Strict> {
        let prepare = |key: &IssuerKey| {
            let PublicKey::Ed25519(public) = key.prepared.public() else { return None };
            Some(VerifyingKey::from_bytes(&public).map(|key| (public, key)))
        };
        Ok(Strict(keyring.keys().iter().filter_map(prepare).collect::<Result<_, _>>()?))
    }
}

impl Backend for Strict {
    fn name(&self) -> &'static str {
        "ed25519-dalek verify_strict"
    }

    fn verify(&self, jobs: &[Job<'_>], genuine: &mut [bool]) {
        for (job, genuine) in jobs.iter().zip(genuine) {
            let signature = Signature::from_bytes(job.signature);
            let PublicKey::Ed25519(public) = job.key.public() else {
                *genuine = false;
                continue;
            };
            *genuine = self
                .0
                .get(&public)
                .is_some_and(|key| key.verify_strict(&job.message.concat(), &signature).is_ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_codes::issue::code_text;
    use hufu_fixtures::{Phone, Signers, sites};
    use hufu_wire::UnixSeconds;

    #[test]
    fn a_peer_rules_as_the_world_expects_and_refuses_every_flipped_bit_of_a_signature() {
        let world = World::new(3, 10_000, UnixSeconds(1_795_000_000));
        let (rules, signers) = (Rules::of(&world).unwrap(), Signers::current(&world));
        let now = world.now().millis();
        for turn in 0..400 {
            let (issuer, holder) = world.passer_by(turn);
            let phone = Phone::new(&world, issuer, holder);
            let credential = phone.credential(signers.of(issuer), 0);
            let shown = phone.present(now.seconds().step());
            let site = sites::SITES[usize::try_from(turn).unwrap() % sites::SITES.len()];
            let ruled = rules
                .read(now, site.id, code_text(&credential, Some(&shown)).as_bytes())
                .map(|present| present.decide(world.status(issuer, holder)))
                .unwrap();
            let wanted = phone.expected(&world, &site, false);
            assert_eq!((ruled.decision, ruled.reason), (wanted.decision, wanted.reason), "turn {turn}");

            let mut forged = credential.clone();
            *forged.last_mut().unwrap() ^= 1 << (turn % 8);
            let refused = rules.read(now, site.id, code_text(&forged, Some(&shown)).as_bytes());
            assert_eq!(refused.err(), Some(Reason::BadSignature));
        }
    }
}
