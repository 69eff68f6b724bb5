//! `hufu audit`: a chain recomputed from its first set, and everybody who claims to have followed it (R44).

mod report;
mod trail;

use std::path::PathBuf;

use clap::Args;
use hufu_authority::audit::{RulesAudit, audit};
use hufu_authority::{Archive, Chain, Clocks, Rulebook};
use hufu_codes::chain::Authorities;
use hufu_files::{self as files, moment};
use hufu_wire::IssuerId;

use crate::outcome::Exit;
use crate::progress::progress;
use crate::remote::RegistryArgs;
use crate::term;
use crate::trust::TrustArgs;

pub(crate) const EXAMPLES: &str = "Examples:
  hufu audit --issuer 310000 --national 100000 --publisher 900000
  hufu audit --issuer 310000 --national 100000 --engine http://10.0.0.7:7412 --engine http://10.0.0.8:7412 --json
  hufu audit --issuer 310000 --national 100000 --follow-folder /var/lib/hufu/follow-310000
  hufu audit --issuer 310000 --national 100000 --rules rules.toml --facts opened --sample 100

Every set is fetched and both its signatures, its link to the one before and the order of instructions are checked. \
Then the registry's own statuses are compared word by word with the ones recomputed, and so are its newest checkpoint's \
snapshot and the warm copies of engines; the registry's head and the engines' metrics pages by the digest of the set that \
they name. Every line of the registry's trail is recomputed, too, and its end printed for the next audit. The token needs \
the scopes audit and feed; one of a single issuer may not read the trail.

Exit status: 0 all agree, 1 something differs; the first difference is shown.";

/// Recompute a chain and compare everybody with it.
#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// Whose chain
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The national platform that must have confirmed every set
    #[arg(long, value_name = "ID")]
    national: u32,
    /// Who signs its heads [default: the national platform]
    #[arg(long, value_name = "ID")]
    publisher: Option<u32>,
    /// The metrics page of an engine that follows the chain, http://HOST:PORT; may be repeated
    #[arg(long, value_name = "URL")]
    engine: Vec<String>,
    /// A folder in which an engine keeps what it followed; may be repeated
    #[arg(long, value_name = "FOLDER")]
    follow_folder: Vec<PathBuf>,
    /// The rule file: every colour that it gave is computed again from opened facts
    #[arg(long, value_name = "FILE", requires = "facts")]
    rules: Option<PathBuf>,
    /// The folder with the opened facts, as `hufu rules run` or `hufu rules confirm` kept them
    #[arg(long, value_name = "FOLDER", requires = "rules")]
    facts: Option<PathBuf>,
    /// How many holders of each set are computed again; all without it
    #[arg(long, value_name = "N", requires = "rules")]
    sample: Option<u32>,
    /// The end of the trail that an earlier audit printed; only this finds lines that were removed since
    #[arg(long, value_name = "NUMBER:DIGEST")]
    trail_end: Option<trail::NotedEnd>,
}

/// Runs `hufu audit`.
pub(crate) fn run(args: &AuditArgs) -> anyhow::Result<Exit> {
    let national = IssuerId(args.national);
    let publisher = args.publisher.map_or(national, IssuerId);
    let authorities = Authorities::new(IssuerId(args.issuer), national, publisher)?;
    let keyring = args.trust.load(moment::now().seconds())?;
    let remote = args.registry.connect()?;
    let chain = Chain { remote: &remote, authorities, keyring: &keyring, clocks: Clocks::default() };
    let bar = progress(0, "recomputing", "{human_pos} of {human_len} sets");
    let book = args
        .rules
        .as_ref()
        .map(|path| Rulebook::parse((files::read_text(path)?, &path.display().to_string()), None));
    let book = book.transpose()?;
    let archive = args.facts.as_deref().map(Archive::open).transpose()?;
    let rules = book.as_ref().zip(archive.as_ref());
    let rules = rules.map(|(book, archive)| RulesAudit::new(book, archive, args.sample));
    let mut report = audit(&chain, &args.engine, &args.follow_folder, rules, |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    let trail = trail::check(&remote, args.trail_end, &mut report)?;
    term::outcome(|| report::to_json(&report, trail), || report::to_text(&report, trail, term::stdout()));
    Ok(if report.agrees() { Exit::Yes } else { Exit::No })
}
