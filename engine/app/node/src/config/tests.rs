use super::*;

const FILES: &str = "[files]\noperator_key = 'o'\ntrust_list = 't'\nsites = 's'\n\
                     ca = 'a'\ncertificate = 'e'\nkey = 'k'\nstate = 'st'\n";
const EXAMPLE: &str = include_str!("../../../../../docs/examples/engine.toml");

fn parse(text: &str) -> Result<Config, Misconfigured> {
    Config::parse(text, Path::new("engine.toml"))
}

fn refused(text: &str) -> String {
    parse(text).expect_err(text).to_string()
}

#[test]
fn r64_a_status_list_says_where_it_is_and_whose_keys_count() {
    let list = |more: &str| {
        format!("[[status_list]]\nissuer = 9\nuri = 'https://a/x'\nkeys = ['k']\n{more}\n{FILES}")
    };
    let read = parse(&list("")).unwrap();
    let read = &read.status_list[0];
    assert_eq!((*read.lists.get_ref(), *read.interval_s.get_ref(), &*read.place), (1, 60, "engine.toml:2"));
    for (lines, wanted) in [
        (list("").replace("['k']", "[]"), "engine.toml:2: issuer: keys names no file"),
        (list("").replace("https://a/x", "ftp://a"), "engine.toml:3: uri: \"ftp://a\" is no place of a list"),
        (list("").replace("https://a/x", "http://a/x"), "engine.toml:3: uri: \"http://a/x\" is no place"),
        (list("from = 'here'"), "engine.toml:5: from: \"here\" is no place of a list"),
        (list("lists = 2"), "engine.toml:5: lists: the URI is the same for each of 2 lists"),
        (list("lists = 0"), "engine.toml:5: lists: 0 is out of range"),
        (list("interval_s = 0"), "engine.toml:5: interval_s: 0 is out of range"),
        (list("entries = 0"), "engine.toml:5: entries: 0 is out of range"),
        (list("key = 'k'"), "engine.toml:5: key: there is no such key"),
        (
            format!("{}{}", follow("feed = 'file:x'"), list("").replace("issuer = 9", "issuer = 1")),
            "engine.toml:7: issuer: 1 is followed at engine.toml:2 already",
        ),
    ] {
        let said = refused(&lines);
        assert!(said.contains(wanted), "{lines} says {said}, not {wanted}");
    }
    let elsewhere =
        parse(&list("from = 'file:lists/{shard}.cwt'\nlists = 3").replace("a/x", "a/{shard}")).unwrap();
    assert_eq!(elsewhere.status_list[0].place_of_list(2), "file:lists/2.cwt");
}

fn follow(more: &str) -> String {
    format!("[[follow]]\nissuer = 1\nnational = 2\npublisher = 2\n{more}\n")
}

#[test]
fn a_config_needs_only_its_files() {
    let config = parse(FILES).unwrap();
    assert_eq!(config.listen.udp.get_ref().first.port(), 7410);
    assert!(config.files.crl.is_none() && config.follow.is_empty());
}

#[test]
fn r42_records_are_kept_for_sixty_days_at_most_and_apart_from_their_keys() {
    let records = |lines: &str| format!("[records]\nfolder = 'r'\nsecret = 's'\n{lines}\n{FILES}");
    let config = parse(&records("keys = 'k'")).unwrap();
    assert_eq!(*config.records.unwrap().keep_days.get_ref(), 60);
    let said = refused(&records("keys = 'k'\nkeep_days = 61"));
    assert!(said.contains("engine.toml:5: keep_days: "), "{said}");
    let said = refused(&records("keys = 'r/keys'"));
    assert!(said.contains("engine.toml:4: keys: the keys of days lie with the records"), "{said}");
    let said = refused(&records("keys = 'k'\nagent = 'a'"));
    assert!(said.contains("engine.toml:5: agent: secret and agent are both there"), "{said}");
    let said = refused(&records("keys = 'k'").replace("secret = 's'\n", ""));
    assert!(said.contains("engine.toml:3: keys: nothing wraps the keys of days"), "{said}");
    let said = refused(&format!("[listen]\nmetrics = ''\n{}", records("keys = 'k'\nevents = 't'")));
    assert!(said.contains("engine.toml:7: events: the engine has no metrics page"), "{said}");
    let said = refused(&records("keys = 'k'\ntime_zone = 'CST'"));
    assert!(said.contains("engine.toml:5: time_zone: "), "{said}");
}

#[test]
fn an_engine_listens_on_one_address_or_several_and_names_a_forwarded_port() {
    let listen = |lines: &str| parse(&format!("[listen]\n{lines}\n{FILES}")).unwrap().listen;
    let both = listen("udp = ['0.0.0.0:7410', '[::]:7410']\nquic = ['[::]:7411', '192.0.2.1:443']");
    assert_eq!(both.udp.get_ref().also, ["[::]:7410".parse().unwrap()]);
    assert_eq!(both.quic.also, ["192.0.2.1:443".parse().unwrap()]);
    let forwarded = listen("udp = '[::]:7410'\nadvertised_port = 17410");
    assert_eq!((forwarded.udp.get_ref().first.port(), forwarded.advertised_port), (7410, 17_410));
}

#[test]
fn errors_name_file_line_key_and_mend() {
    for (lines, wanted) in [
        ("[listen]\nupd = '127.0.0.1:1'", "engine.toml:2: upd: there is no such key; did you mean udp?"),
        ("[listen]\n\nudp = 7410", "engine.toml:3: udp: "),
        ("[listen]\nudp = 'here'", "engine.toml:2: udp: "),
        ("[listen]\nudp = []", "engine.toml:2: udp: invalid length 0, expected an address and port"),
        ("[listen]\nudp = ['x']", "engine.toml:2: udp: \"x\" is not an address and port"),
        ("[listen]\nquic = ['[::]:1', '[::]:1']", "engine.toml:2: quic: [::]:1 is named twice"),
        (
            "[listen]\nudp = ['0.0.0.0:1', '[::]:2']",
            "engine.toml:2: udp: names several ports; write the same port for each address",
        ),
        ("[listen]\nadvertised_port = 70000", "engine.toml:2: advertised_port: "),
        ("[listen]\nmetrics = 'no'", "engine.toml:2: metrics: \"no\" is no address and port"),
        ("[workers]\nthreads = 'two'", "engine.toml:2: threads: "),
        (
            "[workers]\nthreads = 999",
            "engine.toml:2: threads: 999 is out of range; write a whole number from 0 to 256",
        ),
        ("[workers]\nthreads = 2\ncores = [0]", "engine.toml:3: cores: names 1 cores for 2 threads"),
        ("[devices]\ncookie_s = 90000", "engine.toml:2: cookie_s: 90000 is out of range"),
        (
            "[devices]\nsuites = ['sm5']",
            "engine.toml:2: suites: [\"sm5\"] are not suites; write [\"aes\"], [\"sm4\"] or both",
        ),
        ("[devices]\nsuites = []", "engine.toml:2: suites: [] are not suites"),
        ("[memory]\nholders_max = 0", "engine.toml:2: holders_max: 0 is out of range"),
        ("[walls]\nhigh = true", "engine.toml:1: walls: there is no such key"),
        ("[listen]\nudp = ", "engine.toml:2: udp: "),
        (&follow("feed = 'ftp://x'"), "engine.toml:5: feed: \"ftp://x\" is no feed; write https://HOST:PORT"),
        (
            &follow("feed = 'http://registry:1'"),
            "engine.toml:5: feed: \"http://registry:1\" would send the token",
        ),
        (&follow("fed = 'file:x'"), "engine.toml:5: fed: there is no such key; did you mean feed?"),
        (&follow(""), "engine.toml:1: feed: is missing"),
        (
            &follow("feed = 'file:x'\ntoken = 't'"),
            "engine.toml:5: feed: a folder asks for neither token nor ca",
        ),
        (
            &follow("feed = 'https://x'\nuser = 'u'"),
            "engine.toml:5: feed: user, certificate and key are for NATS; leave them out",
        ),
        (
            &follow("feed = 'file:x'\nsnapshots = 'registry'"),
            "engine.toml:6: snapshots: the feed is no registry",
        ),
        (&follow("feed = 'file:x'\nsilent_ms = 10"), "engine.toml:6: silent_ms: 10 is out of range"),
        (
            &follow("feed = 'file:x'").replace("= 2", "= 1"),
            "engine.toml:3: national: issuer 1 cannot confirm its own",
        ),
        (
            &[follow("feed = 'file:x'"), follow("feed = 'file:y'")].concat(),
            "engine.toml:7: issuer: 1 is followed at engine.toml:2 already; keep one of the two",
        ),
        #[cfg(not(feature = "nats"))]
        (
            &follow("feed = 'nats://x'\nsnapshots = 'file:s'"),
            "engine.toml:5: feed: this hufu was built without NATS",
        ),
        #[cfg(feature = "nats")]
        (&follow("feed = 'nats://x'"), "engine.toml:5: feed: snapshots is missing, and NATS keeps none"),
        #[cfg(not(feature = "s3"))]
        (
            &follow("feed = 'file:x'\nsnapshots = 's3://b'"),
            "engine.toml:6: snapshots: this hufu was built without S3; build it with `--features s3`",
        ),
    ] {
        let said = refused(&format!("{lines}\n{FILES}"));
        assert!(said.contains(wanted), "{lines:?} says {said:?}, not {wanted:?}");
    }
    let said = refused(&format!("{FILES}cluster_seed = 'old.seed'\n"));
    assert!(said.contains("engine.toml:9: cluster_seed: "), "{said}");
    assert!(said.contains("`hufu keys cluster migrate --seed old.seed --state st`"), "{said}");
    let said = refused(&FILES.replace("sites = 's'\n", ""));
    assert!(said.contains("engine.toml:1: sites: is missing"), "{said}");
    assert!(refused("").contains("engine.toml:1: files: is missing"));
}

/// The example sets the files and shows every other key, commented out, with its default.
#[test]
fn the_example_is_the_documentation_of_every_key() {
    let config = parse(EXAMPLE).unwrap();
    let bare = |line: &str| {
        if ["# [[follow]]", "# [[status_list]]", "# [records]", "# [foreign]"].contains(&line) {
            return Some(line[2..].to_owned());
        }
        let key = line.strip_prefix("# ")?.split_once(" = ")?.0;
        key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_').then(|| line[2..].to_owned())
    };
    let uncommented: Vec<_> =
        EXAMPLE.lines().map(|line| bare(line).unwrap_or_else(|| line.to_owned())).collect();
    // Some of them exclude each other.
    let shown: Config = toml::from_str(&uncommented.join("\n")).unwrap();
    let tables = |config: &Config| match toml::Value::try_from(config).unwrap() {
        toml::Value::Table(tables) => tables,
        other => panic!("{other}"),
    };
    let followed = shown.follow.first().unwrap();
    let plain = Follow::from(followed.feed.get_ref().clone(), [0; 3], String::new());
    let keys = |follow| toml::Value::try_from(follow).unwrap().as_table().unwrap().clone();
    for (key, default) in keys(&plain) {
        let is_default =
            ["issuer", "national", "publisher"].contains(&&*key) || keys(followed)[&key] == default;
        assert!(is_default, "follow.{key} has another default");
    }
    for key in ["snapshots", "token", "user", "ca", "certificate", "key"] {
        assert!(keys(followed).contains_key(key), "follow.{key} is not in the example");
    }
    let list = toml::Value::try_from(&shown.status_list[0]).unwrap();
    for (key, default) in
        [("from", None), ("ca", None), ("entries", None), ("lists", Some(1)), ("interval_s", Some(60))]
    {
        let shown = list.get(key).unwrap_or_else(|| panic!("status_list.{key} is not in the example"));
        assert!(
            default.is_none_or(|default| shown.as_integer() == Some(default)),
            "another default of {key}"
        );
    }
    let plain: Records = toml::from_str(
        "folder = 'records'\nkeys = 'record-keys'\nsecret = 'records.secret'\nagent = 'sign-with-the-tpm'",
    )
    .unwrap();
    assert_eq!(tables(&shown)["records"], toml::Value::try_from(&plain).unwrap(), "another default");
    let plain: Foreign =
        toml::from_str("signers = 'signers.hufu'\nrevocations = 'revocations.hufu'").unwrap();
    assert_eq!(tables(&shown)["foreign"], toml::Value::try_from(&plain).unwrap(), "another default");
    for (name, defaults) in
        tables(&config).into_iter().filter(|(name, _)| name != "follow" && name != "status_list")
    {
        let shown = tables(&shown)[&name].clone();
        let Some(keys) = defaults.as_table().map(|table| table.keys().cloned().collect::<Vec<_>>()) else {
            assert_eq!(shown, defaults, "{name} has another default");
            continue;
        };
        for key in keys.into_iter().filter(|key| key != "cluster_seed") {
            assert!(EXAMPLE.contains(&format!("{key} = ")), "{name}.{key} is not in the example");
            if name != "files" {
                assert_eq!(shown[&key], defaults[&key], "{name}.{key} has another default");
            }
        }
    }
}
