//! A crate imports only from the floors below it, and crates on one floor never import each other. Cargo
//! refuses cycles and nothing else; this refuses the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// A crate of ours: its package, its folder, its floor, and which of ours it may import.
struct Room {
    package: &'static str,
    folder: &'static str,
    /// `None` beside the house.
    floor: Option<u8>,
    may_import: &'static [&'static str],
}

const fn room(
    package: &'static str,
    folder: &'static str,
    floor: u8,
    may_import: &'static [&'static str],
) -> Room {
    Room { package, folder, floor: Some(floor), may_import }
}

const fn beside(package: &'static str, folder: &'static str, may_import: &'static [&'static str]) -> Room {
    Room { package, folder, floor: None, may_import }
}

/// Every library of floors 1 to 4, and `more`.
macro_rules! libraries {
    ($($more:literal),*) => {
        &["hufu-wire", "hufu-signature", "hufu-seal", "hufu-codes", "hufu-table", "hufu-policy", "hufu-contract", "hufu-rules", "hufu-check", "hufu-sync", "hufu-registry", "hufu-gate", "hufu-client", "hufu-offline", "hufu-records", "hufu-transport", "hufu-api", "hufu-sqlite", "hufu-postgres", "hufu-follow", "hufu-upstream", "hufu-nats", "hufu-objects", "hufu-files", "hufu-hc1", "hufu-statuslist", "hufu-texts", "hufu-holder", "hufu-sheets", "hufu-web", $($more),*]
    };
}

const BELOW_ASSEMBLY: &[&str] = libraries!();
/// Every library, and what makes worlds and load for it.
const LIBRARIES: &[&str] = libraries!(
    "hufu-node",
    "hufu-office",
    "hufu-console",
    "hufu-authority",
    "hufu-school",
    "hufu-loadgen",
    "hufu-fixtures"
);
const LIBRARIES_AND_PEERS: &[&str] = libraries!(
    "hufu-node",
    "hufu-office",
    "hufu-console",
    "hufu-authority",
    "hufu-school",
    "hufu-loadgen",
    "hufu-fixtures",
    "hufu-peers"
);

/// What an engine and a registry say to each other may be known to both.
const BELOW_CONNECTORS: &[&str] = &["hufu-wire", "hufu-codes", "hufu-table", "hufu-sync", "hufu-contract"];

/// An authority asks a registry over HTTP, and knows neither its server nor an engine.
const BELOW_AUTHORITY: &[&str] = &[
    "hufu-wire",
    "hufu-signature",
    "hufu-codes",
    "hufu-table",
    "hufu-policy",
    "hufu-contract",
    "hufu-rules",
    "hufu-sync",
    "hufu-upstream",
    "hufu-files",
];

/// The table of docs/ARCHITECTURE.md.
const HOUSE: &[Room] = &[
    room("hufu-wire", "engine/core/wire", 1, &[]),
    room("hufu-signature", "engine/core/signature", 1, &[]),
    room("hufu-seal", "engine/core/seal", 1, &[]),
    room("hufu-codes", "engine/core/codes", 2, &["hufu-wire", "hufu-signature"]),
    room("hufu-table", "engine/core/table", 2, &["hufu-wire"]),
    room("hufu-policy", "engine/core/policy", 2, &["hufu-wire"]),
    room(
        "hufu-check",
        "engine/checks/check",
        3,
        &["hufu-wire", "hufu-signature", "hufu-seal", "hufu-codes", "hufu-table", "hufu-policy"],
    ),
    room("hufu-sync", "engine/changes/sync", 3, &["hufu-wire", "hufu-signature", "hufu-codes", "hufu-table"]),
    room("hufu-contract", "engine/truth/contract", 2, &["hufu-wire"]),
    room("hufu-rules", "engine/truth/rules", 2, &["hufu-wire"]),
    room(
        "hufu-registry",
        "engine/truth/registry",
        3,
        &[
            "hufu-wire",
            "hufu-signature",
            "hufu-seal",
            "hufu-codes",
            "hufu-table",
            "hufu-policy",
            "hufu-contract",
        ],
    ),
    room(
        "hufu-api",
        "engine/truth/api",
        4,
        &["hufu-wire", "hufu-codes", "hufu-table", "hufu-contract", "hufu-registry"],
    ),
    room(
        "hufu-storetest",
        "engine/truth/storetest",
        4,
        &["hufu-wire", "hufu-signature", "hufu-codes", "hufu-policy", "hufu-contract", "hufu-registry"],
    ),
    room("hufu-texts", "engine/people/texts", 2, &["hufu-wire"]),
    room("hufu-holder", "engine/people/holder", 4, &["hufu-wire", "hufu-texts"]),
    room("hufu-web", "engine/people/web", 3, &["hufu-wire", "hufu-texts"]),
    room("hufu-gate", "engine/checks/gate", 2, &["hufu-wire", "hufu-seal"]),
    room(
        "hufu-gatekit",
        "engine/checks/gatekit",
        5,
        &["hufu-wire", "hufu-signature", "hufu-table", "hufu-texts", "hufu-gate", "hufu-offline", "hufu-hc1"],
    ),
    room("hufu-client", "engine/checks/client", 3, &["hufu-wire", "hufu-gate"]),
    room(
        "hufu-offline",
        "engine/checks/offline",
        4,
        &[
            "hufu-wire",
            "hufu-signature",
            "hufu-codes",
            "hufu-table",
            "hufu-policy",
            "hufu-check",
            "hufu-sync",
        ],
    ),
    room("hufu-records", "engine/checks/records", 4, &["hufu-wire", "hufu-table", "hufu-check"]),
    room(
        "hufu-transport",
        "engine/checks/transport",
        4,
        &["hufu-wire", "hufu-codes", "hufu-table", "hufu-policy", "hufu-check"],
    ),
    room(
        "hufu-hc1",
        "engine/checks/hc1",
        4,
        &["hufu-wire", "hufu-signature", "hufu-codes", "hufu-policy", "hufu-check"],
    ),
    room(
        "hufu-statuslist",
        "engine/changes/statuslist",
        3,
        &["hufu-wire", "hufu-signature", "hufu-codes", "hufu-table"],
    ),
    room("hufu-sqlite", "engine/truth/sqlite", 4, &["hufu-wire", "hufu-codes", "hufu-registry"]),
    room("hufu-postgres", "engine/truth/postgres", 4, &["hufu-wire", "hufu-codes", "hufu-registry"]),
    room("hufu-follow", "engine/changes/follow", 4, &["hufu-wire", "hufu-codes", "hufu-table", "hufu-sync"]),
    room("hufu-upstream", "engine/changes/upstream", 4, BELOW_CONNECTORS),
    room("hufu-nats", "engine/changes/nats", 4, BELOW_CONNECTORS),
    room("hufu-objects", "engine/changes/objects", 4, BELOW_CONNECTORS),
    room("hufu-authority", "engine/changes/authority", 5, BELOW_AUTHORITY),
    room("hufu-files", "engine/app/files", 4, &["hufu-wire", "hufu-signature", "hufu-codes"]),
    room("hufu-sheets", "engine/app/sheets", 4, &["hufu-wire"]),
    room("hufu-node", "engine/app/node", 5, BELOW_ASSEMBLY),
    room("hufu-office", "engine/app/office", 5, BELOW_ASSEMBLY),
    room("hufu-school", "engine/people/school", 5, BELOW_ASSEMBLY),
    room("hufu-console", "engine/people/console", 5, BELOW_ASSEMBLY),
    room("hufu", "engine/app/cli", 6, LIBRARIES),
    beside(
        "hufu-fixtures",
        "fixtures",
        &["hufu-wire", "hufu-signature", "hufu-codes", "hufu-table", "hufu-policy", "hufu-texts"],
    ),
    // The same files as hufu-signature, so the same imports.
    beside("hufu-signature-emulated", "engine/core/signature/emulated", &[]),
    // A generator speaks as a gate does, and never as the engine: what it measures it must not be made of.
    beside("hufu-loadgen", "loadgen", &["hufu-wire", "hufu-client", "hufu-fixtures"]),
    // What measures, measures every floor.
    beside("hufu-peers", "bench/peers", LIBRARIES),
    beside("hufu-field", "bench/field", LIBRARIES),
    beside("hufu-simulator", "bench/simulator", LIBRARIES),
    beside("hufu-bench", "bench", LIBRARIES_AND_PEERS),
    beside("hufu-xtask", ".ci/xtask", &[]),
];

/// Who imports whom, apart from what only tests and benches use.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn crates_import_only_from_floors_below() {
    let faults = faults(HOUSE, &imports());
    assert!(faults.is_empty(), "\n{}\nThe table is in .ci/xtask/tests/floors.rs\n", faults.join("\n"));
}

#[test]
fn every_room_of_the_house_is_in_the_workspace() {
    let imports = imports();
    let missing: Vec<_> =
        HOUSE.iter().map(|room| room.package).filter(|name| !imports.contains_key(*name)).collect();
    assert!(missing.is_empty(), "in the table and not in the workspace: {missing:?}");
}

/// The table itself keeps to the rule it is there for.
#[test]
fn the_table_lets_nobody_import_upwards_or_sideways() {
    for room in HOUSE {
        for import in room.may_import {
            let imported = room_of(HOUSE, import).unwrap_or_else(|| panic!("{import} is in no room"));
            if let (Some(floor), Some(below)) = (room.floor, imported.floor) {
                assert!(
                    below < floor,
                    "{} (floor {floor}) may import {import} (floor {below})",
                    room.package
                );
            }
        }
    }
}

#[test]
fn the_architecture_document_puts_every_crate_on_the_same_floor() {
    let document =
        std::fs::read_to_string(format!("{}/../../docs/ARCHITECTURE.md", env!("CARGO_MANIFEST_DIR")))
            .expect("docs/ARCHITECTURE.md is there");
    for room in HOUSE {
        let folder = room.folder;
        match room.floor {
            Some(floor) => {
                let row = format!("| {floor} | `{folder}` |");
                assert!(document.contains(&row), "docs/ARCHITECTURE.md has no row {row}");
            }
            None => assert!(
                document.contains(&format!("`{folder}`")),
                "docs/ARCHITECTURE.md never names {folder}"
            ),
        }
    }
}

#[test]
fn a_forbidden_edge_is_caught() {
    let check = |from: &str, to: &str, expected: &str| {
        let mut imports: Imports =
            HOUSE.iter().map(|room| (room.package.to_owned(), BTreeSet::new())).collect();
        imports.entry(from.to_owned()).or_default().insert(to.to_owned());
        assert_eq!(faults(HOUSE, &imports), [expected]);
    };
    check(
        "hufu-signature",
        "hufu-wire",
        "engine/core/signature imports engine/core/wire, which the floors forbid",
    );
    check("hufu-wire", "hufu-codes", "engine/core/wire imports engine/core/codes, which the floors forbid");
    check("hufu-codes", "hufu-table", "engine/core/codes imports engine/core/table, which the floors forbid");
    check(
        "hufu-client",
        "hufu-check",
        "engine/checks/client imports engine/checks/check, which the floors forbid",
    );
    check(
        "hufu-loadgen",
        "hufu-transport",
        "loadgen imports engine/checks/transport, which the floors forbid",
    );
    check("hufu-attic", "hufu-wire", "hufu-attic is in no room of the table");
    check("hufu-wire", "hufu-attic", "engine/core/wire imports hufu-attic, which is in no room of the table");
}

fn faults(house: &[Room], imports: &Imports) -> Vec<String> {
    let mut faults = Vec::new();
    for (package, imported) in imports {
        let Some(room) = room_of(house, package) else {
            faults.push(format!("{package} is in no room of the table"));
            continue;
        };
        for import in imported.iter().filter(|import| !room.may_import.contains(&import.as_str())) {
            let folder = room.folder;
            faults.push(match room_of(house, import) {
                Some(imported) => format!("{folder} imports {}, which the floors forbid", imported.folder),
                None => format!("{folder} imports {import}, which is in no room of the table"),
            });
        }
    }
    faults
}

fn room_of<'h>(house: &'h [Room], package: &str) -> Option<&'h Room> {
    house.iter().find(|room| room.package == package)
}

/// Normal and build dependencies between members of the workspace, as `cargo metadata` tells them.
fn imports() -> Imports {
    let cargo = std::env::var_os("CARGO").expect("tests are run by cargo");
    let metadata = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .output()
        .expect("cargo starts");
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("cargo metadata prints JSON");
    let packages = metadata["packages"].as_array().expect("a list of packages");
    packages
        .iter()
        .map(|package| {
            let dependencies = package["dependencies"].as_array().expect("a list of dependencies");
            let imported = dependencies
                .iter()
                .filter(|dependency| dependency["kind"] != "dev" && dependency["path"].is_string())
                .map(|dependency| text(&dependency["name"]));
            (text(&package["name"]), imported.collect())
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a name").to_owned()
}
