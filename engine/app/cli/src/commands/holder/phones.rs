//! `hufu holder invite`, `phones` and `end-phone`: the phones that a holder's page runs on.

use anyhow::ensure;
use clap::Args;
use hufu_authority::marked;
use hufu_contract::{NewInvitation, Phone, ProofLevel};
use hufu_files::moment::{self, Span};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};
use serde_json::json;

use super::WhomArgs;
use crate::listing;
use crate::outcome::Exit;
use crate::qr;
use crate::term::{self, note};
use crate::words::words;

/// Invite a holder's phone.
#[derive(Debug, Args)]
pub(crate) struct InviteArgs {
    #[command(flatten)]
    whom: WhomArgs,
    /// How it was proved who the holder is
    #[arg(long, value_parser = words(ProofLevel::ALL.map(ProofLevel::slug), ProofLevel::from_slug))]
    level: ProofLevel,
    /// How long the number is good, at most 7d [default: 24h]
    #[arg(long, value_name = "SPAN")]
    valid: Option<Span>,
    /// The address of the holder's page, for a link that has the number in it
    #[arg(long, value_name = "URL")]
    page: Option<String>,
    /// Draw the link as a QR code in the terminal
    #[arg(long, requires = "page")]
    qr: bool,
}

/// One phone of a holder.
#[derive(Debug, Args)]
pub(crate) struct EndArgs {
    #[command(flatten)]
    whom: WhomArgs,
    /// Which of the holder's phones, as `hufu holder phones` counts them
    #[arg(value_name = "PHONE")]
    phone: u32,
}

pub(super) fn invite(args: &InviteArgs) -> anyhow::Result<Exit> {
    let InviteArgs { whom, level, valid, page, qr } = args;
    if let Some(page) = page {
        ensure!(
            page.starts_with("https://")
                || page.starts_with("http://127.0.0.1")
                || page.starts_with("http://localhost"),
            "--page {page}: write the page's address, beginning with https://"
        );
        ensure!(!page.contains('#'), "--page {page}: write the address without # and what follows it");
    }
    let wanted = NewInvitation { level: *level, valid_s: valid.map(|valid| valid.s) };
    let whose = (IssuerId(whom.issuer), HolderIndex(whom.holder));
    let invited = whom.registry.connect()?.ask(|api| api.invite_phone(whose.0, whose.1, &wanted))?;
    // What stands behind # is sent to no server.
    let link =
        page.as_ref().map(|page| format!("{}/#activate={}", page.trim_end_matches('/'), invited.number));
    let drawn = link.as_ref().filter(|_| *qr).map(|link| qr::symbol(link)).transpose()?;
    let until = moment::show(UnixMillis(invited.expires_ms).seconds());
    term::outcome(
        || {
            json!({
                "number": invited.number, "link": link, "expires_ms": invited.expires_ms,
                "other_phones": invited.other_phones,
            })
        },
        || {
            let link = link.iter().map(|link| format!("link    {link}\n"));
            let drawn = drawn.map(|symbol| qr::terminal(&symbol, term::stdout().is_on()));
            let link: String = link.chain(drawn).collect();
            format!("number  {}\n{link}good until {until}, for one phone\n", invited.number)
        },
    );
    if invited.other_phones > 0 {
        note!(
            "the holder has {} phone(s) that go on: `hufu holder phones` lists them, `hufu holder end-phone` ends one that was lost",
            invited.other_phones
        );
    }
    Ok(Exit::Yes)
}

pub(super) fn list(whom: &WhomArgs) -> anyhow::Result<Exit> {
    let remote = whom.registry.connect()?;
    let phones = remote.ask(|api| api.phones(IssuerId(whom.issuer), HolderIndex(whom.holder)))?.phones;
    let at = |ms: Option<u64>| ms.map_or_else(String::new, |ms| moment::show(UnixMillis(ms).seconds()));
    let row = |phone: &Phone| {
        let Phone { phone, level, activated_ms, renewed_ms, ended_ms, key } = phone;
        let times = [Some(*activated_ms), *renewed_ms, *ended_ms].map(at);
        let [activated, renewed, ended] = times;
        [phone.to_string(), level.to_string(), activated, renewed, ended, key.to_string()]
    };
    Ok(listing::list(&phones, ["phone", "level", "activated", "renewed", "ended", "key"], row))
}

pub(super) fn end(args: &EndArgs) -> anyhow::Result<Exit> {
    let EndArgs { whom, phone } = args;
    let remote = whom.registry.connect()?;
    match remote.with(|api| api.end_phone(IssuerId(whom.issuer), HolderIndex(whom.holder), *phone)) {
        Ok(ended) => {
            term::outcome(
                || json!(ended),
                || {
                    format!(
                        "phone {phone} of holder {} is ended: it gets nothing any more. The code that it has passes until it \
                         expires: if the phone was lost, have the holder's generation raised with `hufu change propose`\n",
                        whom.holder
                    )
                },
            );
            Ok(Exit::Yes)
        }
        Err(fault) if fault.problem().is_some_and(|problem| problem.name() == "not-found") => {
            term::outcome(
                || json!({ "phone": phone, "ended_ms": null }),
                || format!("holder {} has no phone {phone}: `hufu holder phones` lists them\n", whom.holder),
            );
            Ok(Exit::No)
        }
        Err(fault) => Err(marked(fault)),
    }
}
