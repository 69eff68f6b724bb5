//! Every key, every refusal, and the example.

use super::*;

const EXAMPLE_TEXT: &str = include_str!("../../../../../docs/examples/registry.toml");
const LEAST: &str = "[store]\nurl = 'sqlite:r.db'\n[files]\nvault = 'v'\noperator_key = 'o'\n\
                     trust_list = 't'\npublisher_keys = ['p']\n";

fn parse(text: &str) -> Result<Config, Misconfigured> {
    Config::parse(text, Path::new("registry.toml"))
}

#[test]
fn a_config_needs_a_store_and_its_files() {
    let mut config = parse(LEAST).unwrap();
    assert_eq!(config.listen.api.get_ref().port(), 7420);
    config.make_relative_to(Path::new("/etc/hufu"));
    assert_eq!(config.files.publisher_keys, [PathBuf::from("/etc/hufu/p")]);
    assert_eq!(config.store.url.get_ref(), "sqlite:/etc/hufu/r.db");
}

#[test]
fn errors_name_file_line_key_and_mend_and_no_password() {
    let check = |text: &str, wanted: &str| {
        let said = parse(text).expect_err(text).to_string();
        assert!(said.contains(wanted), "{text:?} says {said:?}, not {wanted:?}");
        assert!(!said.contains("secret"), "{said}");
    };
    let with = |lines: &str| format!("{lines}\n{LEAST}");
    check(
        &with("[listen]\nappi = '127.0.0.1:1'"),
        "registry.toml:2: appi: there is no such key; did you mean api?",
    );
    check(&with("[listen]\nrequests_max = 0"), "registry.toml:2: requests_max: 0 is out of range");
    check(&with("[listen]\napi = '0.0.0.0:7420'"), "registry.toml:2: api: tokens would travel in the clear");
    check(&LEAST.replace("sqlite:r.db", "mysql://secret@db/x"), "registry.toml:2: url: names no database");
    check(
        &LEAST.replace("vault = 'v'\n", ""),
        "registry.toml:3: vault: is missing; docs/examples/registry.toml",
    );
    check(&format!("{LEAST}certificate = 'c'\n"), "registry.toml:8: certificate: has no key beside it");
    check(&with("[listen]\nphones = '0.0.0.0:7443'"), "registry.toml:2: phones: it would be plain HTTP");
    check(&with("[phones]\nviews = 'http://192.0.2.1:1'"), "registry.toml:2: views: \"http://192.0.2.1:1\" is no");
    check(&with("[phones]\nrequests_max = 0"), "registry.toml:2: requests_max: 0 is out of range");
    check(&with("[families]\nzone = 'Mars'"), "registry.toml:2: zone: there is no time zone \"Mars\"");
    check(&with("[families]\nface_level_min = 0"), "registry.toml:2: face_level_min: 0 is out of range");
    check(
        &with("[nats]\nservers = 'nats://a'\nreplicas = 9"),
        "registry.toml:3: replicas: 9 is out of range",
    );
}

/// The example sets what has no default and shows every other key, commented out, with its default.
#[test]
fn the_example_is_the_documentation_of_every_key() {
    parse(EXAMPLE_TEXT).unwrap();
    let uncommented: Vec<_> = EXAMPLE_TEXT
        .lines()
        .map(|line| {
            let shown = line.strip_prefix("# ").filter(|rest| {
                let key = rest.split_once(" = ").map(|(key, _)| key);
                let is_key = |key: &str| key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                key.is_some_and(is_key)
                    || ["[appeals]", "[families]", "[nats]", "[phones]", "[rules]", "[snapshots]"].contains(rest)
            });
            shown.unwrap_or(line)
        })
        .collect();
    let shown = parse(&uncommented.join("\n")).unwrap();
    let tables = |config: &Config| toml::Value::try_from(config).unwrap();
    let (shown, least) = (tables(&shown), tables(&parse(LEAST).unwrap()));
    for table in ["listen", "store", "files", "snapshots", "appeals", "rules", "families", "phones", "nats"] {
        let shown = shown.get(table).unwrap_or_else(|| panic!("{table} is not in the example"));
        if let (Some(defaults), true) = (
            least.get(table).and_then(toml::Value::as_table),
            ["listen", "snapshots", "appeals", "phones"].contains(&table),
        ) {
            for (key, value) in defaults {
                assert_eq!(shown.get(key), Some(value), "{table}.{key} has another default");
            }
        }
    }
    for key in [
        "connections = 16",
        "replicas = 1",
        "credential_keys",
        "roster_keys",
        "snapshots",
        "certificate",
        "key",
        "user",
        "token",
        "ca",
        "keep_sets",
        "keep_bytes",
        "keep_age_s",
        "zone = \"Asia/Shanghai\"",
        "face_level_min = 2",
        "face_keys",
        "commitments",
        "views",
        "appeal",
    ] {
        assert!(uncommented.iter().any(|line| line.starts_with(key)), "{key} is not in the example");
    }
}
