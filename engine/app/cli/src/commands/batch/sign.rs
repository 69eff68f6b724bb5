//! `hufu batch sign`: the issuing authority's side of a roster.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use hufu_files::keys::{Owner, SecretKey};
use hufu_files::moment::{self, Span};
use hufu_files::{self as files, Readable};
use hufu_wire::{HolderIndex, IssuerId, SiteId, UnixSeconds};

use crate::outcome::Exit;
use crate::term::tell;

/// Sign a roster.
#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// The issuer's secret key, allowed to sign rosters
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The only site that may ask about it
    #[arg(long, value_name = "ID")]
    site: u32,
    /// The members: a holder's index a line, or issuer and holder with a comma between them
    #[arg(long, value_name = "FILE")]
    members: PathBuf,
    /// How long it is valid
    #[arg(long, value_name = "SPAN", default_value = "24h")]
    valid: Span,
    /// The roster to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs `hufu batch sign`.
pub(super) fn run(args: &SignArgs) -> anyhow::Result<Exit> {
    let signer = SecretKey::load(&args.key, Owner::Issuer)?.issuer_signer()?;
    let members = read_members(&args.members, signer.issuer())?;
    let groups: Vec<(IssuerId, Vec<HolderIndex>)> =
        members.into_iter().map(|(issuer, holders)| (issuer, holders.into_iter().collect())).collect();
    let borrowed: Vec<_> = groups.iter().map(|(issuer, holders)| (*issuer, holders.as_slice())).collect();
    let issued = moment::now().seconds();
    let expires = UnixSeconds(issued.0.saturating_add(args.valid.s));
    let signed = signer.sign_roster(SiteId(args.site), issued, expires, &borrowed)?;
    files::replace(&args.out, &signed, Readable::All)?;
    let count: usize = groups.iter().map(|(_, holders)| holders.len()).sum();
    tell!(
        { "roster": args.out, "site": args.site, "members": count, "expires_s": expires.0 },
        "{}: {count} members of site {}, until {}",
        args.out.display(),
        args.site,
        moment::show(expires)
    );
    Ok(Exit::Yes)
}

/// The members of a roster, from a file with one a line.
pub(crate) fn read_members(
    path: &Path,
    own: IssuerId,
) -> anyhow::Result<BTreeMap<IssuerId, BTreeSet<HolderIndex>>> {
    let mut members: BTreeMap<IssuerId, BTreeSet<HolderIndex>> = BTreeMap::new();
    let text = files::read_text(path)?.replace("\r\n", "\n");
    for (number, line) in (1..).zip(text.split(['\n', '\r'])) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let wrong = || format!("{}:{number}: write a holder's index, or issuer,holder", path.display());
        let (issuer, holder) = match line.split_once(',') {
            Some((issuer, holder)) => {
                (IssuerId(issuer.trim().parse().ok().with_context(wrong)?), holder.trim())
            }
            None => (own, line),
        };
        let holder = HolderIndex(holder.parse().ok().with_context(wrong)?);
        let new = members.entry(issuer).or_default().insert(holder);
        ensure!(new, "{}:{number}: holder {holder} of issuer {issuer} is listed twice", path.display());
    }
    ensure!(!members.is_empty(), "{} lists no member", path.display());
    Ok(members)
}
