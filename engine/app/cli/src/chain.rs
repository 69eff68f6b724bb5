//! Arguments of commands that sign a chain: whose, at which registry, believing which keys and which clock.

use clap::Args;
use hufu_authority::{Chain, Clocks, Remote};
use hufu_codes::chain::Authorities;
use hufu_codes::keyring::Keyring;
use hufu_files::moment::{self, Span};
use hufu_wire::IssuerId;

use crate::remote::RegistryArgs;
use crate::trust::TrustArgs;

/// Which chain.
#[derive(Debug, Args)]
pub(crate) struct ChainArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// Whose chain
    #[arg(long, value_name = "ID")]
    issuer: u32,
    #[command(flatten)]
    clocks: ClockArgs,
}

/// How far clocks may be wrong unnoticed.
#[derive(Debug, Args)]
pub(crate) struct ClockArgs {
    /// Refuse to sign when the chain's last change is older than this by this machine's clock: the clock may be ahead
    #[arg(long, value_name = "SPAN", default_value = "7d")]
    quiet_max: Span,
}

/// A chain whose registry and keys are known.
pub(crate) struct OpenChain {
    remote: Remote,
    authorities: Authorities,
    keyring: Keyring,
    clocks: Clocks,
}

impl ChainArgs {
    /// Whose chain.
    pub(crate) fn issuer(&self) -> IssuerId {
        IssuerId(self.issuer)
    }

    /// Whose keys count.
    pub(crate) fn trust(&self) -> &TrustArgs {
        &self.trust
    }

    /// The chain that `national` confirms. Its heads are not asked for, so their publisher does not matter.
    pub(crate) fn open(&self, national: IssuerId) -> anyhow::Result<OpenChain> {
        let keyring = self.trust.load(moment::now().seconds())?;
        let authorities = Authorities::new(self.issuer(), national, national)?;
        let remote = self.registry.connect()?;
        Ok(OpenChain { remote, authorities, keyring, clocks: self.clocks.clocks() })
    }
}

impl ClockArgs {
    /// What a signer compares.
    pub(crate) fn clocks(&self) -> Clocks {
        Clocks { quiet_max: self.quiet_max }
    }
}

impl OpenChain {
    /// The chain, for the authorities' protocols.
    pub(crate) fn chain(&self) -> Chain<'_> {
        let OpenChain { remote, authorities, keyring, clocks } = self;
        Chain { remote, authorities: *authorities, keyring, clocks: *clocks }
    }
}
