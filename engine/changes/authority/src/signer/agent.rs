//! An authority's key that another command keeps.

use std::path::Path;

use anyhow::{Context as _, ensure};
use hufu_codes::chain::{AuthorityKey, Unsigned};
use hufu_files::agent;
use hufu_files::keys::{Owner, PublicKey};
use hufu_files::moment::Span;

use super::Signer;

/// Signs by running a command once for each signature.
pub struct Agent {
    agent: agent::Agent,
    key: AuthorityKey,
}

/// An agent's signature is verified before anybody else sees it.
impl Signer for Agent {
    fn key(&self) -> &AuthorityKey {
        &self.key
    }

    fn sign(&self, unsigned: Unsigned) -> anyhow::Result<Vec<u8>> {
        let (wanted, held) = (unsigned.signer(), self.key.id());
        ensure!(*wanted == self.key, "key {} must sign this, and the agent holds key {held}", wanted.id());
        let signature = self.agent.ask(unsigned.covered())?;
        unsigned.sealed(&signature).with_context(|| self.agent.name())
    }
}

impl Agent {
    /// The agent behind a shell command, which signs with the key whose public half is the file `public`, and may take
    /// `timeout` for it.
    ///
    /// # Errors
    /// The file is not an issuer's public key.
    pub fn open(command: &str, public: &Path, timeout: Span) -> anyhow::Result<Agent> {
        let public = PublicKey::load(public, Owner::Issuer)?;
        Ok(Agent::new(command, AuthorityKey::new(public.public, public.issuer()?), timeout))
    }

    fn new(command: &str, key: AuthorityKey, timeout: Span) -> Agent {
        Agent { agent: agent::Agent::new(command, timeout), key }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_signature::PublicKey;
    use hufu_wire::chain::{ContentDigest, Release};
    use hufu_wire::{IssuerId, UnixMillis};

    #[test]
    fn an_agent_is_asked_for_its_own_key_alone() {
        let key = AuthorityKey::new(PublicKey::Ed25519([8; 32]), IssuerId(1));
        let release = Release {
            issuer: IssuerId(1),
            content: ContentDigest([0; 32]),
            made: UnixMillis(1),
            national_key: key.id(),
            set_back: 1,
            holders: 1,
            signature: [0; 64],
        };
        let agent =
            Agent::new("exit 1", AuthorityKey::new(PublicKey::Ed25519([7; 32]), IssuerId(1)), Span { s: 1 });
        let refused = agent.sign(key.release(&release).unwrap()).unwrap_err().to_string();
        assert!(refused.contains("must sign this"), "{refused}");
    }
}
