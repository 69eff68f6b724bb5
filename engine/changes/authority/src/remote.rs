//! The registry that an authority talks to.

use std::future::Future;

use anyhow::Context as _;
use hufu_codes::chain::Tip;
use hufu_contract::{Proposal, ProposalId};
use hufu_files::unavailable;
use hufu_upstream::{Api, ApiFault, ApiOptions, WhichProposals};
use hufu_wire::chain::{ChainDigest, Proposed};
use hufu_wire::{IssuerId, Sequence, UnixMillis};
use tokio::runtime::{Builder, Runtime};

/// A registry to ask, one request after the other.
pub struct Remote {
    api: Api,
    runtime: Runtime,
}

/// Proposals asked for at once.
const PAGE: u32 = 500;

impl Remote {
    /// A registry to ask. Nothing is sent yet.
    ///
    /// # Errors
    /// What the options lack.
    pub fn open(options: &ApiOptions) -> anyhow::Result<Remote> {
        let runtime = Builder::new_current_thread().enable_all().build().context("no runtime")?;
        // Clients of HTTP need a runtime around them from the start.
        let api = runtime.block_on(async { Api::open(options) }).map_err(marked)?;
        Ok(Remote { api, runtime })
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// What the registry refused, or that it does not answer.
    pub fn ask<'r, T, F>(&'r self, question: impl FnOnce(&'r Api) -> F) -> anyhow::Result<T>
    where
        F: Future<Output = Result<T, ApiFault>> + 'r,
    {
        self.with(question).map_err(marked)
    }

    /// Runs what needs a registry, for a caller that looks at the fault.
    pub fn with<'r, F>(&'r self, work: impl FnOnce(&'r Api) -> F) -> F::Output
    where
        F: Future + 'r,
    {
        self.runtime.block_on(work(&self.api))
    }

    /// Where the registry says that a chain ends.
    ///
    /// # Errors
    /// Those of [`ask`](Self::ask).
    pub fn tip(&self, issuer: IssuerId) -> anyhow::Result<Tip> {
        Ok(tip_of(&self.ask(|api| api.tip(issuer))?))
    }

    /// Every proposal of an issuer that is meant, by rising id.
    ///
    /// # Errors
    /// Those of [`ask`](Self::ask).
    pub fn proposals(&self, issuer: IssuerId, which: WhichProposals) -> anyhow::Result<Vec<Proposal>> {
        let mut all: Vec<Proposal> = Vec::new();
        loop {
            let after = ProposalId(all.last().map_or(0, |proposal| proposal.id));
            let page = self.ask(|api| api.proposals(issuer, which, after, PAGE))?.proposals;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }
}

/// A fault as an error: one that may pass is [`Unavailable`](hufu_files::Unavailable).
pub fn marked(fault: ApiFault) -> anyhow::Error {
    if fault.is_passing() { unavailable(fault) } else { anyhow::Error::new(fault) }
}

/// A chain's end out of the registry's JSON.
pub(crate) fn tip_of(tip: &hufu_contract::Tip) -> Tip {
    Tip {
        sequence: Sequence(tip.sequence),
        digest: ChainDigest(tip.digest.0),
        proposed: Proposed::new(tip.era, UnixMillis(tip.proposed_ms)),
        confirmed: UnixMillis(tip.confirmed_ms),
    }
}
