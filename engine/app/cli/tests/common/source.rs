//! An engine that follows a registry, and both authorities.

use std::fs;

use super::{Deployment, Engine, free_address};

/// A deployment whose issuer is followed from a registry of its own.
pub(crate) struct Source {
    pub(crate) deployment: Deployment,
}

impl Source {
    /// Everything but the running processes; `feed` is what the engine's table says beside the issuers.
    pub(crate) fn new(feed: impl FnOnce(&str) -> String) -> Source {
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

    /// The same, whose engine follows the registry itself.
    pub(crate) fn over_http() -> Source {
        Source::new(|api| {
            format!("feed = \"https://{api}\"\ntoken = \"feed.token\"\nca = \"registry/ca/ca.pem\"\n")
        })
    }

    pub(crate) fn registry(&self) -> Engine {
        self.deployment.serve_registry("registry/registry.toml")
    }

    /// Both authorities change the colour of holder 42.
    pub(crate) fn set(&self, colour: &str) {
        self.set_of("42", colour);
    }

    pub(crate) fn set_of(&self, holder: &str, colour: &str) {
        self.deployment.run(&format!(
            "change propose --key local.key --holder {holder} --colour {colour} --rule 7 --reason test --unregistered --yes"
        ));
        self.deployment.run("change confirm --issuer 310000 --all --key national.key --yes");
    }
}
