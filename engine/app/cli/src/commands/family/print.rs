//! `hufu family print`: family codes on paper.

use anyhow::{Context as _, ensure};
use clap::Args;
use hufu_contract::{BindingId, BindingState, IssueFamilyCode, Issued, Side};
use hufu_files::moment::{self, Span};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};
use serde_json::json;

use super::all_of;
use crate::page::PageArgs;
use crate::remote::RegistryArgs;
use crate::show::{ShowArgs, show_paper};
use crate::term;

/// Which codes.
#[derive(Debug, Args)]
#[group(id = "printed", required = true, multiple = false, args = ["bindings", "user"])]
pub(crate) struct PrintArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose holders
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The bindings
    #[arg(value_name = "BINDING")]
    bindings: Vec<u64>,
    /// Every relative of this holder now
    #[arg(long, value_name = "HOLDER")]
    user: Option<u32>,
    /// How long the codes are valid, at most 7d
    #[arg(long, value_name = "SPAN")]
    valid: Option<Span>,
    #[command(flatten)]
    show: ShowArgs,
    #[command(flatten)]
    page: PageArgs,
}

pub(super) fn run(args: &PrintArgs) -> anyhow::Result<()> {
    let remote = args.registry.connect()?;
    let issuer = IssuerId(args.issuer);
    let mut bindings = args.bindings.clone();
    if let Some(user) = args.user {
        let all = all_of(&remote, issuer, (Side::User, HolderIndex(user)))?;
        bindings.extend(all.iter().filter(|one| one.state == BindingState::Active).map(|one| one.id));
        ensure!(!bindings.is_empty(), "holder {user} of issuer {issuer} has no relative now: bind one first");
    }
    let wanted = IssueFamilyCode { valid_s: args.valid.map(|valid| valid.s) };
    let mut issued: Vec<(u64, Issued)> = Vec::new();
    for id in bindings {
        issued.push((id, remote.ask(|api| api.issue_family_code(issuer, BindingId(id), wanted))?));
    }
    let text = |issued: &Issued| issued.code.clone().context("the registry's answer has no code to print");
    let texts = issued.iter().map(|(_, issued)| text(issued)).collect::<anyhow::Result<Vec<_>>>()?;
    if let [text] = texts.as_slice() {
        return show_paper(text, &args.show, &args.page);
    }
    args.page.write(&texts)?;
    let codes = || {
        let code = |((binding, issued), text): (&(u64, Issued), &String)| {
            let (from, until) = (issued.issued_ms, issued.expires_ms);
            json!({ "binding": binding, "code": text, "issued_ms": from, "expires_ms": until })
        };
        json!({ "codes": issued.iter().zip(&texts).map(code).collect::<Vec<_>>() })
    };
    term::outcome(codes, || {
        let line = |(binding, issued): &(u64, Issued)| {
            let until = moment::show(UnixMillis(issued.expires_ms).seconds());
            format!("binding {binding}: a family code, valid until {until}")
        };
        let lines = if args.page.is_wanted() { issued.iter().map(line).collect() } else { texts.clone() };
        lines.join("\n")
    });
    Ok(())
}
