//! Devices.

use hufu_registry::Fault;
use hufu_registry::Site;
use hufu_wire::{DeviceGeneration, DeviceId, SiteId};

use crate::scene::now;
use crate::{Database, Scene};

async fn scene_with_sites(database: &dyn Database) -> Scene {
    let scene = Scene::open(database).await;
    for id in [1, 2] {
        let site = Site { id: SiteId(id), name: "A school".into(), policy: String::new() };
        scene.registry.put_site(&scene.operator, &site, now()).await.expect("a good site");
    }
    scene
}

/// Ids count from 1 over all sites; a name is used once at a site.
pub async fn devices_are_dense_and_named_once_at_a_site(database: &dyn Database) {
    let scene = scene_with_sites(database).await;
    let add = async |site, name: &str| {
        scene.registry.add_device(&scene.operator, SiteId(site), name, now()).await.map(|device| device.id.0)
    };
    assert_eq!(add(1, "north").await, Ok(1));
    assert_eq!(add(2, "north").await, Ok(2));
    assert!(matches!(add(1, "north").await, Err(Fault::Conflict(_))));
    assert!(matches!(add(3, "north").await, Err(Fault::NotFound(_))));
    assert!(matches!(add(1, " north").await, Err(Fault::Invalid { .. })));
    assert_eq!(add(1, "south").await, Ok(3), "what was refused took no id");

    let list = async |site: Option<u32>, after: Option<u32>, limit| {
        let page =
            scene.registry.devices(&scene.operator, site.map(SiteId), after.map(DeviceId), limit).await;
        page.expect("a page").iter().map(|device| device.id.0).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 2).await, [1, 2]);
    assert_eq!(list(None, Some(2), 2).await, [3]);
    assert_eq!(list(Some(1), None, 9).await, [1, 3]);
}

/// Revoking says since when and only once; renewing counts the generation up.
pub async fn a_device_is_revoked_and_renewed(database: &dyn Database) {
    let scene = scene_with_sites(database).await;
    let (registry, caller) = (&scene.registry, &scene.operator);
    let added = registry.add_device(caller, SiteId(1), "north", now()).await.expect("a device");
    assert_eq!((added.generation, added.revoked), (DeviceGeneration(1), None));
    let [first, second] = [now(), now()];
    let revoked = registry.revoke_device(caller, added.id, first).await.expect("a device");
    assert_eq!(revoked.revoked, Some(first));
    let again = registry.revoke_device(caller, added.id, second).await.expect("a device");
    assert_eq!(again.revoked, Some(first), "since the first time");
    let renewed = registry.renew_device(caller, added.id, now()).await.expect("a device");
    assert_eq!((renewed.generation, renewed.revoked), (DeviceGeneration(2), None));
    assert_eq!(registry.device(caller, added.id).await, Ok(renewed));
    let nothing = registry.renew_device(caller, DeviceId(7), now()).await;
    assert!(matches!(nothing, Err(Fault::NotFound(_))));
}
