//! An engine that follows a registry, both as real processes: over HTTP, and through JetStream where that is built in.

mod common;

use std::fs;

use common::{Deployment, Engine, free_address};

/// A deployment whose issuer is followed from a registry of its own.
struct Source {
    deployment: Deployment,
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
impl Source {
    /// Everything but the running processes; `feed` is what the engine's table says beside the issuers.
    fn new(feed: impl FnOnce(&str) -> String) -> Source {
        let deployment = Deployment::new();
        let api = free_address();
        deployment.run("keys generate issuer --issuer 310000 --out local");
        deployment.run("keys generate issuer --issuer 100000 --out national");
        deployment.run(&format!(
            "registry init registry --issuer 310000=Shanghai --listen {api} --token-out admin.token"
        ));
        for (key, uses) in
            [("local", "instruction"), ("national", "confirmation"), ("registry/publisher", "head")]
        {
            deployment.run(&format!(
                "keys trust add --operator operator.key --list trust.hufu --key {key}.pub --uses {uses}"
            ));
        }
        for name in ["operator.pub", "trust.hufu"] {
            fs::copy(deployment.path(name), deployment.path(&format!("registry/{name}"))).unwrap();
        }
        deployment.run(
            "registry token new --config registry/registry.toml --label engine --scopes feed --out feed.token",
        );
        deployment.write(
            "hufu.toml",
            &format!("registry = \"https://{api}\"\ntoken = \"admin.token\"\nca = \"registry/ca/ca.pem\"\n"),
        );
        let text = fs::read_to_string(deployment.path("engine.toml")).unwrap();
        let text = text.replace("snapshots = [\"statuses.snapshot\"]\n", "");
        let follow =
            format!("[[follow]]\nissuer = 310000\nnational = 100000\npublisher = 900000\n{}", feed(&api));
        deployment.write("engine.toml", &format!("{text}\n{follow}"));
        deployment.issue("42");
        Source { deployment }
    }

    fn registry(&self) -> Engine {
        self.deployment.serve_registry("registry/registry.toml")
    }

    /// Both authorities change the colour of holder 42.
    fn set(&self, colour: &str) {
        self.deployment.run(&format!(
            "change propose --key local.key --holder 42 --colour {colour} --rule 7 --reason test --unregistered --yes"
        ));
        self.deployment.run("change confirm --issuer 310000 --all --key national.key --yes");
    }
}

/// R21, R22, R23: over HTTP; the engine outlives its registry, and the registry its own death.
#[test]
fn r22_an_engine_follows_a_registry_that_is_killed_and_comes_back() {
    let source = Source::new(|api| {
        format!("feed = \"https://{api}\"\ntoken = \"feed.token\"\nca = \"registry/ca/ca.pem\"\n")
    });
    let registry = source.registry();
    source.set("green");
    let engine = source.deployment.serve();
    source.deployment.becomes("42", "clear", 0);
    source.set("red");
    source.deployment.becomes("42", "status-red", 1);

    registry.signal("-KILL");
    assert_eq!(registry.ended(), None, "killed");
    drop(engine);
    let _engine = source.deployment.serve();
    assert_eq!(source.deployment.check("42").0, "status-red", "nobody is there to ask");
    let _registry = source.registry();
    source.set("green");
    source.deployment.becomes("42", "clear", 0);
}

/// R25: the same through JetStream; a server that is killed and comes back is no end.
#[cfg(feature = "nats")]
#[test]
fn r25_an_engine_follows_through_nats_that_is_killed_and_comes_back() {
    let mut nats = hufu_fixtures::services::nats::Nats::start().unwrap();
    let source = Source::new(|_| format!("feed = \"{}\"\nsnapshots = \"file:registry\"\n", nats.url()));
    let config = source.deployment.path("registry/registry.toml");
    let text = fs::read_to_string(&config).unwrap();
    let text = text.replace("# [nats]", "[nats]");
    let text =
        text.replace("# servers = \"nats://127.0.0.1:4222\"", &format!("servers = \"{}\"", nats.url()));
    source.deployment.write("registry/registry.toml", &text);
    let _registry = source.registry();
    source.set("green");
    let _engine = source.deployment.serve();
    source.deployment.becomes("42", "clear", 0);
    nats.kill().unwrap();
    source.set("red");
    nats.restart().unwrap();
    source.deployment.becomes("42", "status-red", 1);
}
