//! Tokens.

use hufu_registry::Caller;
use hufu_registry::Fault;
use hufu_registry::store::ProposalFilter;
use hufu_registry::{NewToken, TokenHash, TokenId};
use hufu_registry::{Scope, Scopes};
use hufu_wire::chain::Change;
use hufu_wire::{HolderIndex, IssuerId, SiteId, UnixMillis};

use crate::scene::{now, person};
use crate::{Database, ISSUER, Scene, green};

fn token(label: &str, scopes: Scopes, issuer: Option<IssuerId>) -> NewToken {
    NewToken { label: label.into(), scopes, issuer, expires: UnixMillis(u64::from(u32::MAX) * 1000) }
}

/// Known, in force, not revoked; the answer is the same for every one that is not.
pub async fn a_token_opens_until_it_ends_or_is_revoked(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (registry, operator) = (&scene.registry, &scene.operator);
    let end = UnixMillis(now().0 + 1_000_000);
    let wanted = NewToken { expires: end, ..token("gate team", Scopes::of([Scope::Devices]), Some(ISSUER)) };
    let (made, text) = registry.add_token(operator, &wanted, now()).await.expect("a token");
    let open = async |text: &str, at| registry.authenticate(text, at).await;

    let caller = open(text.as_str(), now()).await.expect("in force");
    assert_eq!(
        (caller.label(), caller.scopes(), caller.issuer()),
        ("gate team", wanted.scopes, Some(ISSUER))
    );
    assert!(open(text.as_str(), UnixMillis(end.0 - 1)).await.is_ok());
    assert_eq!(open(text.as_str(), end).await, Err(Fault::Unauthenticated), "it has ended");
    let unknown = format!("{}A", &text.as_str()[..text.as_str().len() - 1]);
    for other in ["", "hufu_", unknown.as_str()] {
        assert!(other == text.as_str() || open(other, now()).await == Err(Fault::Unauthenticated));
    }
    let first = now();
    let revoked = registry.revoke_token(operator, made.id, first).await.expect("a token");
    assert_eq!(revoked.revoked, Some(first));
    let again = registry.revoke_token(operator, made.id, now()).await.expect("a token");
    assert_eq!(again.revoked, Some(first), "since the first time");
    assert_eq!(open(text.as_str(), now()).await, Err(Fault::Unauthenticated));
    assert_eq!(registry.tokens(operator).await, Ok(vec![again]));
    let none = registry.revoke_token(operator, TokenId(99), now()).await;
    assert!(matches!(none, Err(Fault::NotFound(_))));
}

/// Whoever reads the database cannot ask with what they read, and the trail's names stay unambiguous.
pub async fn a_token_is_stored_hashed_and_its_label_used_once(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (registry, operator) = (&scene.registry, &scene.operator);
    let wanted = token("auditor", Scopes::of([Scope::Audit]), None);
    let (made, text) = registry.add_token(operator, &wanted, now()).await.expect("a token");
    let stored = database.stored().await;
    let holds = |text: &str| stored.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("auditor"));
    assert!(!holds(text.as_str()) && !holds(&text.as_str()[5..]));

    registry.revoke_token(operator, made.id, now()).await.expect("a token");
    let again = registry.add_token(operator, &wanted, now()).await;
    assert!(matches!(again, Err(Fault::Conflict(_))), "a label is for one token, for good");
    let hash = TokenHash::of(text.as_str()).expect("a token");
    assert_eq!(scene.store.token(hash).await.map(|token| token.map(|token| token.id)), Ok(Some(made.id)));
    let ended = NewToken { expires: UnixMillis(0), ..token("late", wanted.scopes, None) };
    let nothing = token("nobody", Scopes::default(), None);
    for wrong in [ended, nothing, token("", wanted.scopes, None)] {
        let refused = registry.add_token(operator, &wrong, now()).await;
        assert!(matches!(refused, Err(Fault::Invalid { .. })), "{refused:?}");
    }
    // What the trail calls others is no token's label.
    let callers = [
        operator.label(),
        "the registry",
        "phones",
        "callers without a valid token",
        "phone 310000.42.1",
        "phone of a clerk",
        "both authorities, change set 2",
    ];
    for label in callers {
        let refused = registry.add_token(operator, &token(label, wanted.scopes, None), now()).await;
        assert!(matches!(refused, Err(Fault::Invalid { field: "label", .. })), "{label}: {refused:?}");
    }
    for label in ["phones of the counter", "the registry of births"] {
        registry.add_token(operator, &token(label, wanted.scopes, None), now()).await.expect("a token");
    }
}

/// Each scope by itself, and an issuer's token elsewhere.
pub async fn a_token_may_do_what_it_says_and_nothing_else(database: &dyn Database) {
    let scene = Scene::open(database).await;
    scene.add_people(0, 1).await;
    let mut callers = Vec::new();
    for scope in Scope::ALL {
        callers.push((scope, caller(&scene, scope.slug(), Scopes::of([scope]), None).await));
    }
    for (scope, caller) in &callers {
        for (needed, found) in asked(&scene, caller).await {
            let is_forbidden = matches!(found, Some(Fault::Forbidden { elsewhere: false, .. }));
            assert_eq!(
                is_forbidden,
                !needed.contains(scope),
                "{scope}, where it takes {needed:?}: {found:?}"
            );
        }
    }
    let elsewhere = caller(&scene, "elsewhere", Scopes::ALL, Some(IssuerId(7))).await;
    for (needed, found) in asked(&scene, &elsewhere).await {
        let is_forbidden = matches!(found, Some(Fault::Forbidden { elsewhere: true, .. }));
        assert!(is_forbidden, "another issuer's token, where it takes {needed:?}: {found:?}");
    }
}

async fn caller(scene: &Scene, label: &str, scopes: Scopes, issuer: Option<IssuerId>) -> Caller {
    let made = scene.registry.add_token(&scene.operator, &token(label, scopes, issuer), now()).await;
    let (_, text) = made.expect("a token");
    scene.registry.authenticate(text.as_str(), now()).await.expect("in force")
}

/// Everything there is to ask: which scopes let somebody, and the fault there was.
async fn asked(scene: &Scene, caller: &Caller) -> Vec<(Vec<Scope>, Option<Fault>)> {
    use Scope::{
        Admin, Audit, Checkpoint, Confirm, Credentials, Devices, Feed, Holders, Propose, Rosters, Sites,
        Trips,
    };
    let (registry, holder, site) = (&scene.registry, HolderIndex(0), SiteId(1));
    let instruction = scene.instruct(&[(1, Change::Word(green()))]);
    let nobody = hufu_registry::ProposalId(999);
    vec![
        (vec![Admin], registry.tokens(caller).await.err()),
        (vec![Admin], registry.rotate_vault(caller, now()).await.err()),
        (vec![Holders], registry.holder(caller, ISSUER, holder, now()).await.err()),
        (vec![Holders], registry.add_holders(caller, ISSUER, &[person(0)], now()).await.err()),
        (vec![Holders], registry.find_holder(caller, ISSUER, person(0).id_number(), None, now()).await.err()),
        (vec![Credentials], registry.terms(caller, ISSUER, holder, now()).await.err()),
        (vec![Credentials], registry.credentials(caller, ISSUER, holder, (0, 1), now()).await.err()),
        (vec![Sites, Audit], registry.sites(caller).await.err()),
        (vec![Sites], registry.remove_site(caller, site, now()).await.err()),
        (vec![Devices, Audit], registry.devices(caller, None, None, 1).await.err()),
        (vec![Devices], registry.add_device(caller, site, "gate", now()).await.err()),
        (vec![Rosters], registry.rosters(caller, site).await.err()),
        (vec![Rosters], registry.sign_roster(caller, site, "3b", 60, now()).await.err()),
        (vec![Propose], registry.propose(caller, ISSUER, &instruction, now()).await.err()),
        (vec![Propose], registry.withdraw(caller, ISSUER, nobody, now()).await.err()),
        (vec![Confirm], registry.confirm(caller, ISSUER, nobody, &[], now()).await.err()),
        (vec![Confirm], registry.release(caller, ISSUER, nobody, &[], now()).await.err()),
        (
            vec![Propose, Confirm, Audit],
            registry.proposals(caller, ISSUER, &ProposalFilter::default(), (None, 1), now()).await.err(),
        ),
        (vec![Checkpoint], registry.put_checkpoint(caller, ISSUER, &[], now()).await.err()),
        (vec![Feed, Propose, Confirm, Audit], registry.tip(caller, ISSUER).await.err()),
        (vec![Feed, Audit], registry.set(caller, ISSUER, hufu_wire::Sequence(9)).await.err()),
        (vec![Audit], registry.statuses(caller, ISSUER, holder, 1, now()).await.err()),
        (vec![Audit], registry.trail(caller, 0, 1, now()).await.err()),
        (vec![Trips], registry.put_trips(caller, ISSUER, ("12306", &[]), now()).await.err()),
        (vec![Trips], registry.trip(caller, ISSUER, ("12306", "E1"), now()).await.err()),
        (vec![Trips], registry.cancel_trip(caller, ISSUER, ("12306", "E1"), now()).await.err()),
        (vec![Feed, Trips], registry.ended_trips(caller, ISSUER, (None, 1), now()).await.err()),
    ]
}
