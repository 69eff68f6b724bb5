//! Sites.

use hufu_policy::Sites;
use hufu_registry::Fault;
use hufu_registry::Roster;
use hufu_registry::Site;
use hufu_wire::SiteId;

use crate::scene::now;
use crate::{Database, Scene};

fn site(id: u32, policy: &str) -> Site {
    Site { id: SiteId(id), name: format!("\"{id}\" \\ 学校"), policy: policy.into() }
}

/// What the registry renders is what engines read, and a site that is in use stays.
pub async fn a_site_is_put_rendered_and_removed(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (registry, caller) = (&scene.registry, &scene.operator);
    for site in [site(9, "# nothing of its own\n"), site(2, "accepts = [\"phone\", \"paper\"]"), site(5, "")]
    {
        registry.put_site(caller, &site, now()).await.expect("a good site");
    }
    let changed = site(5, "accepts = [\"paper\"]\nroster = true");
    registry.put_site(caller, &changed, now()).await.expect("a good site");
    assert_eq!(registry.site(caller, SiteId(5)).await, Ok(changed.clone()));

    let rendered = registry.sites_toml(caller).await.expect("all sites");
    let read = Sites::parse(&rendered, "sites.toml").expect("as engines read it");
    let names: Vec<_> = read.iter().map(|policy| (policy.id.0, policy.name.clone())).collect();
    assert_eq!(names, [2, 5, 9].map(|id| (id, site(id, "").name)));

    registry.add_device(caller, SiteId(2), "gate", now()).await.expect("a device");
    scene.add_people(0, 2).await;
    let roster = Roster::new(SiteId(5), "3b".into(), [(crate::ISSUER, hufu_wire::HolderIndex(1))]);
    registry.put_roster(caller, &roster.expect("a roster"), now()).await.expect("a roster");
    let remove = async |id| registry.remove_site(caller, SiteId(id), now()).await;
    assert!(matches!(remove(2).await, Err(Fault::Conflict(_))), "it has a device");
    assert!(matches!(remove(5).await, Err(Fault::Conflict(_))), "it has a roster");
    assert_eq!(remove(9).await, Ok(()));
    assert!(matches!(remove(9).await, Err(Fault::NotFound(_))));
    assert_eq!(registry.sites(caller).await.map(|sites| sites.len()), Ok(2));
}

/// One bad site would stop every engine from taking the file, so it does not get in.
pub async fn a_policy_that_no_engine_would_take_is_refused(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let check = async |case: &str, policy: &str, says: &str| {
        let put = scene.registry.put_site(&scene.operator, &site(5, policy), now()).await;
        let Err(Fault::Invalid { field: "policy", what }) = put else { panic!("{case}: {put:?}") };
        assert!(what.contains(says), "{case}: {what}");
    };
    check("an unknown key", "\naccept = [\"phone\"]", "policy:2: accept").await;
    check("no TOML", "accepts = [", "is not TOML").await;
    check("another site", "[[site]]\nid = 6\nname = \"theirs\"", "").await;
    check("another id", "id = 6", "").await;
    assert_eq!(scene.registry.sites(&scene.operator).await, Ok(Vec::new()));
}

/// A text that is left open in one place must not swallow what the registry writes after it.
pub async fn what_stands_in_a_name_or_a_policy_changes_no_other_site(database: &dyn Database) {
    let scene = Scene::open(database).await;
    let (registry, caller) = (&scene.registry, &scene.operator);
    let named =
        |id, name: &str, policy: &str| Site { id: SiteId(id), name: name.into(), policy: policy.into() };
    // A joiner within a Persian name, an accent by itself, whatever TOML gives a meaning to.
    let names = ["می\u{200c}خواهم", "\u{301}", "'''#", "\"\"\" # \\u0041"];
    for (id, name) in (1..).zip(names) {
        let put = registry.put_site(caller, &named(id, name, "# ends here \"\"\""), now()).await;
        assert_eq!(put, Ok(()), "{name}");
    }
    // Closed by the name, if that stood after it.
    let open = named(9, "'''#", "id = 9\naccepts = [\"phone\"]\nname = '''");
    let refused = registry.put_site(caller, &open, now()).await;
    assert!(matches!(refused, Err(Fault::Invalid { field: "policy", .. })), "{refused:?}");

    let rendered = registry.sites_toml(caller).await.expect("all sites");
    let read = Sites::parse(&rendered, "sites.toml").expect("as engines read it");
    assert!(read.iter().map(|policy| policy.name.clone()).eq(names));
}
