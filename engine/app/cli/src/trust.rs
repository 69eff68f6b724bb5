//! The operator's trust list, for commands that verify before they sign.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use hufu_codes::keyring::Keyring;
use hufu_files::keys::{Owner, PublicKey};
use hufu_files::moment;
use hufu_files::trust_list;
use hufu_files::watched::Watched;
use hufu_signature::PreparedKey;
use hufu_wire::UnixSeconds;

use crate::term::note;

/// Whose keys count.
#[derive(Clone, Debug, Args)]
pub(crate) struct TrustArgs {
    /// The operator's public key
    #[arg(long, value_name = "FILE", default_value = "operator.pub")]
    operator: PathBuf,
    /// The operator's trust list
    #[arg(long, value_name = "FILE", default_value = "trust.hufu")]
    trust: PathBuf,
}

impl TrustArgs {
    /// The keys of the list.
    pub(crate) fn load(&self, now: UnixSeconds) -> anyhow::Result<Keyring> {
        self.renew(&Keyring::empty(), now)
    }

    /// Both files, for a service that follows them.
    pub(crate) fn watched(&self) -> Watched {
        Watched::new([&self.operator, &self.trust])
    }

    /// The keys of the list as it is now, which must not be older than `held`.
    pub(crate) fn renew(&self, held: &Keyring, now: UnixSeconds) -> anyhow::Result<Keyring> {
        let operator = PreparedKey::new(&PublicKey::load(&self.operator, Owner::Operator)?.public)?;
        let list = trust_list::open(&self.trust, &operator)?;
        if let Some(next_by) = list.next_by().filter(|next_by| now > *next_by) {
            note!(
                "hufu: warning: the list after {} was due by {}: a key may have been revoked since",
                self.trust.display(),
                moment::show(next_by)
            );
        }
        let keyring = held.update(&list, now);
        keyring.with_context(|| format!("{} cannot be used", self.trust.display()))
    }
}
