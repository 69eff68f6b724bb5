//! An authority's key for one run: in a file, from standard input, or with an agent that keeps it elsewhere.

mod agent;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use hufu_codes::chain::{AuthorityKey, AuthoritySigner, Unsigned};
use zeroize::Zeroizing;

use self::agent::Agent;
use hufu_files::keys::{Owner, PublicKey, SecretKey};
use hufu_files::moment::Span;

/// Where the key that signs is.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyArgs {
    /// The authority's secret key; - reads it from standard input
    #[arg(long, value_name = "FILE", conflicts_with = "agent")]
    key: Option<PathBuf>,
    /// A command that signs with a key kept elsewhere: it gets the very bytes to sign on standard input and writes
    /// the 64 bytes of an Ed25519 signature, raw or as hexadecimal digits
    #[arg(long, value_name = "CMD", requires = "public")]
    agent: Option<String>,
    /// The public half of the agent's key
    #[arg(long, value_name = "FILE", requires = "agent")]
    public: Option<PathBuf>,
    /// How long the agent may take
    #[arg(long, value_name = "SPAN", default_value = "60s")]
    agent_timeout: Span,
}

/// The national platform's key beside a local one.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_field_names, reason = "they are the arguments' names, beside those of a local key")]
pub(crate) struct NationalKeyArgs {
    /// The national platform's secret key: what is proposed is confirmed at once
    #[arg(long, value_name = "FILE", conflicts_with = "national_agent")]
    national_key: Option<PathBuf>,
    /// A command that signs with the national platform's key, as --agent
    #[arg(long, value_name = "CMD", requires = "national_public")]
    national_agent: Option<String>,
    /// The public half of that agent's key
    #[arg(long, value_name = "FILE", requires = "national_agent")]
    national_public: Option<PathBuf>,
}

/// Somebody who signs as an authority.
pub(crate) enum Signer {
    /// With a key in this process.
    Here(Box<AuthoritySigner>),
    /// With a key that never comes here.
    Elsewhere(Agent),
}

impl KeyArgs {
    /// The key, ready to sign.
    pub(crate) fn open(&self) -> anyhow::Result<Signer> {
        let agent = self.agent.as_deref().zip(self.public.as_deref());
        open(self.key.as_deref(), agent, self.agent_timeout)?
            .context("who signs? --key FILE, or --agent CMD and --public FILE, say it")
    }

    /// Whether the key comes from standard input, which can then answer no question.
    pub(crate) fn is_stdin(&self) -> bool {
        self.key.as_deref() == Some(Path::new("-"))
    }

    /// The national platform's key from `national`, with the agent's patience of this one.
    pub(crate) fn open_national(&self, national: &NationalKeyArgs) -> anyhow::Result<Option<Signer>> {
        let NationalKeyArgs { national_key, national_agent, national_public } = national;
        ensure!(
            !(self.is_stdin() && national_key.as_deref() == Some(Path::new("-"))),
            "only one key can come from standard input"
        );
        let agent = national_agent.as_deref().zip(national_public.as_deref());
        open(national_key.as_deref(), agent, self.agent_timeout)
    }
}

fn open(key: Option<&Path>, agent: Option<(&str, &Path)>, patience: Span) -> anyhow::Result<Option<Signer>> {
    if let Some((command, public)) = agent {
        let public = PublicKey::load(public, Owner::Issuer)?;
        let key = AuthorityKey::new(public.public, public.issuer()?);
        return Ok(Some(Signer::Elsewhere(Agent::new(command, key, patience))));
    }
    let Some(path) = key else { return Ok(None) };
    let secret = if path == Path::new("-") { from_stdin()? } else { SecretKey::load(path, Owner::Issuer)? };
    let signer = AuthoritySigner::from_seed(&*secret.seed()?, secret.issuer()?);
    Ok(Some(Signer::Here(Box::new(signer))))
}

/// A secret key file as somebody pipes it in, out of a vault for example.
fn from_stdin() -> anyhow::Result<SecretKey> {
    let mut text = Zeroizing::new(String::new());
    io::stdin().lock().take(KEY_FILE_BYTES_MAX).read_to_string(&mut text).context("cannot read the key")?;
    SecretKey::parse(&text, Owner::Issuer, "standard input")
}

/// Far more than a key file has.
const KEY_FILE_BYTES_MAX: u64 = 64 * 1024;

impl Signer {
    /// The public half.
    pub(crate) fn key(&self) -> &AuthorityKey {
        match self {
            Signer::Here(signer) => signer.authority(),
            Signer::Elsewhere(agent) => agent.key(),
        }
    }

    /// The message with its signature. An agent's is verified first.
    ///
    /// # Errors
    /// The agent did not sign, or not this, or not with its key.
    pub(crate) fn sign(&self, unsigned: Unsigned) -> anyhow::Result<Vec<u8>> {
        match self {
            Signer::Here(signer) => Ok(signer.seal(unsigned)?),
            Signer::Elsewhere(agent) => {
                if unsigned.signer() != agent.key() {
                    bail!("this is for key {} to sign, not for the agent's", unsigned.signer().id());
                }
                let signature = agent.sign(unsigned.covered())?;
                unsigned.sealed(&signature).with_context(|| format!("the agent `{}`", agent.command()))
            }
        }
    }
}
