//! Backups of a registry's database, with the real binary alone.

mod common;
mod registry;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use common::said;
use registry::World;

const SERVE: &str = "registry serve --config reg/registry.toml --check";
const CONFIG: &str = "--config reg/registry.toml";

fn change(world: &World, colour: &str) {
    world.propose(&format!("--holder 0 --colour {colour} --rule 1"));
    world.ok("change confirm --issuer 310000 --all --key national.key --yes");
}

#[test]
fn r50_a_backup_holds_everything_and_restores_over_nothing() {
    let mut world = World::new();
    world.add_holders(2);
    change(&world, "green");
    change(&world, "red");
    let made = world.ok(&format!("registry backup {CONFIG} one.db"));
    assert!(made.contains("the chain of issuer 310000 ends with set 2"), "{made}");
    assert_eq!(fs::metadata(world.path("one.db")).unwrap().permissions().mode() & 0o777, 0o600);
    let again = world.hufu(&format!("registry backup {CONFIG} one.db"));
    assert!(said(&again).contains("exists already and is not overwritten"), "{}", said(&again));
    world.stop();
    let over = world.hufu(&format!("registry restore {CONFIG} one.db"));
    assert!(said(&over).contains("move it away first"), "{}", said(&over));
    for name in ["registry.db", "registry.db-wal", "registry.db-shm"] {
        let _ = fs::remove_file(world.path("reg").join(name));
    }
    let restored = world.ok(&format!("registry restore {CONFIG} one.db"));
    assert!(restored.contains("restored; next: hufu registry serve"), "{restored}");
    assert!(world.ok(SERVE).contains("everything is there"));
    assert!(world.ok(&format!("registry trail verify {CONFIG}")).contains("end "));
    let left = fs::read_dir(world.path("reg"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    assert_eq!(left.filter(|name| name.contains("partial")).count(), 0);

    // A page that the disk damaged is found before anything has the database's name.
    let mut bytes = fs::read(world.path("one.db")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0x5a);
    fs::write(world.path("bad.db"), bytes).unwrap();
    fs::remove_file(world.path("reg/registry.db")).unwrap();
    let damaged = world.hufu(&format!("registry restore {CONFIG} bad.db"));
    assert_eq!(damaged.status.code(), Some(2), "{}", said(&damaged));
    assert!(!world.path("reg/registry.db").exists(), "{}", said(&damaged));
}

/// A registry that runs seals with the key that it was started with, and answers into files that were moved away.
#[test]
fn r45_what_needs_a_stopped_registry_refuses_while_one_serves() {
    let mut world = World::new();
    world.add_holders(1);
    world.ok(&format!("registry backup {CONFIG} one.db"));
    let key = world.read("reg/vault.key");
    for name in ["registry.db", "registry.db-wal", "registry.db-shm"] {
        let _ = fs::rename(world.path("reg").join(name), world.path(name));
    }
    for what in [
        format!("vault rotate {CONFIG}"),
        format!("vault retire {CONFIG}"),
        format!("restore {CONFIG} one.db"),
    ] {
        let refused = world.hufu(&format!("registry {what}"));
        assert_eq!(refused.status.code(), Some(2), "{what}: {}", said(&refused));
        assert!(said(&refused).contains("stop it first"), "{what}: {}", said(&refused));
    }
    assert_eq!(world.read("reg/vault.key"), key);
    assert!(!world.path("reg/registry.db").exists());
    for name in ["registry.db", "registry.db-wal", "registry.db-shm"] {
        let _ = fs::rename(world.path(name), world.path("reg").join(name));
    }
    // What a registry may run beside goes on.
    world.ok(&format!("registry token new {CONFIG} --label another --scopes admin --out another.token"));
    assert!(world.ok(SERVE).contains("everything is there"));
    world.stop();
    world.ok(&format!("registry vault rotate {CONFIG}"));
    world.ok(&format!("registry vault retire {CONFIG}"));
    assert_ne!(world.read("reg/vault.key"), key);
    assert!(world.ok(SERVE).contains("everything is there"));
}

#[test]
fn r51_a_database_that_lacks_sets_is_not_served() {
    let mut world = World::new();
    world.add_holders(1);
    change(&world, "green");
    world.ok(&format!("registry backup {CONFIG} old.db"));
    change(&world, "red");
    // While it runs, the file alone lacks what stands in its log.
    fs::copy(world.path("reg/registry.db"), world.path("bare.db")).unwrap();
    world.stop();
    assert!(world.ok(SERVE).contains("everything is there"));
    let replace = |name: &str| {
        for name in ["registry.db-wal", "registry.db-shm"] {
            let _ = fs::remove_file(world.path("reg").join(name));
        }
        fs::copy(world.path(name), world.path("reg/registry.db")).unwrap();
    };
    replace("bare.db");
    let refused = world.hufu(SERVE);
    assert!(!refused.status.success(), "a bare copy is served: {}", said(&refused));
    replace("old.db");
    let refused = world.hufu(SERVE);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    let why = "issuer 310000 ends with set 1, and this registry has had set 2";
    assert!(said(&refused).contains(why) && said(&refused).contains("accept-loss"), "{}", said(&refused));
    fs::remove_file(world.path("reg/registry.db")).unwrap();
    for name in ["registry.db-wal", "registry.db-shm"] {
        let _ = fs::remove_file(world.path("reg").join(name));
    }
    let restored = world.hufu(&format!("registry restore {CONFIG} old.db"));
    assert_eq!(restored.status.code(), Some(4), "{}", said(&restored));
    assert!(said(&restored).contains(why), "{}", said(&restored));

    let unasked = world.hufu(&format!("registry accept-loss {CONFIG}"));
    assert!(said(&unasked).contains("--yes"), "{}", said(&unasked));
    world.ok(&format!("registry accept-loss {CONFIG} --yes"));
    assert!(world.ok(SERVE).contains("everything is there"));
    assert!(world.ok(&format!("registry accept-loss {CONFIG} --yes")).contains("nothing is lost"));
}

#[test]
fn r50_a_backup_that_is_killed_leaves_no_file_of_its_name() {
    let world = World::new();
    // Enough that writing takes a while.
    let mut people = "name,id_number\n".to_owned();
    for person in 0..20_000 {
        writeln!(people, "Li {person},passport:CHN:E{person:08}").unwrap();
    }
    world.write("people.csv", &people);
    world.ok("import people.csv --issuer 310000 --register-only");
    let backup = format!("registry backup {CONFIG} killed.db");
    for _ in 0..3 {
        let mut child = world.start(&backup);
        // As soon as it has begun to write.
        while !world.path("killed.db.partial").exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // A run that was faster than its end has finished everything.
        let (named, partial) = (world.path("killed.db"), world.path("killed.db.partial"));
        assert!(named.exists() != partial.exists(), "a file that was not verified has its name");
        let _ = fs::remove_file(named);
    }
    let made = world.ok(&backup);
    assert!(made.contains("verified"), "{made}");
    assert!(!world.path("killed.db.partial").exists());
    assert!(
        world.ok("holder show --issuer 310000 19999").starts_with("holder 19999"),
        "the registry goes on"
    );
}
