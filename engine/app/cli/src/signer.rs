//! Arguments that say where an authority's key is.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use hufu_authority::{Agent, Signer, read_key};
use hufu_files::moment::Span;

/// Where the key that signs is.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyArgs {
    /// The authority's secret key; - reads it from standard input
    #[arg(long, value_name = "FILE", conflicts_with = "agent")]
    key: Option<PathBuf>,
    /// A command that signs with a key kept elsewhere: it gets the bytes to sign on standard input and writes the 64 bytes
    /// of the signature (Ed25519: R and S; SM2: r and s), raw or as hexadecimal digits
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

impl KeyArgs {
    /// Whether a key is named.
    pub(crate) fn is_given(&self) -> bool {
        self.key.is_some() || self.agent.is_some()
    }

    /// The key, ready to sign.
    pub(crate) fn open(&self) -> anyhow::Result<Box<dyn Signer>> {
        let agent = self.agent.as_deref().zip(self.public.as_deref());
        open(self.key.as_deref(), agent, self.agent_timeout)?
            .context("no signing key: give --key FILE, or --agent CMD with --public FILE")
    }

    /// The national platform's key from `national`, with the time limit of this one's agent.
    pub(crate) fn open_national(
        &self,
        national: &NationalKeyArgs,
    ) -> anyhow::Result<Option<Box<dyn Signer>>> {
        let NationalKeyArgs { national_key, national_agent, national_public } = national;
        let stdin = Some(Path::new("-"));
        ensure!(
            self.key.as_deref() != stdin || national_key.as_deref() != stdin,
            "only one key can come from standard input"
        );
        let agent = national_agent.as_deref().zip(national_public.as_deref());
        open(national_key.as_deref(), agent, self.agent_timeout)
    }
}

fn open(
    key: Option<&Path>,
    agent: Option<(&str, &Path)>,
    timeout: Span,
) -> anyhow::Result<Option<Box<dyn Signer>>> {
    Ok(match (agent, key) {
        (Some((command, public)), _) => Some(Box::new(Agent::open(command, public, timeout)?)),
        (None, Some(path)) => Some(Box::new(read_key(path)?)),
        (None, None) => None,
    })
}
