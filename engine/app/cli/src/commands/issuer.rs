//! `hufu registry issuer`: whose chains a registry keeps.

use clap::Subcommand;
use hufu_contract::{Brake, Issuer, IssuerEdit, SecondPhone};
use hufu_upstream::Api;
use hufu_wire::IssuerId;
use serde_json::json;

use crate::listing::list;
use crate::outcome::Exit;
use crate::remote::RegistryArgs;
use crate::term::{self, printable};
use crate::words::words;

/// Say whose chains the registry keeps.
#[derive(Debug, Subcommand)]
pub(crate) enum IssuerCommand {
    /// Add an issuer or change it; its national platform never changes
    Put {
        #[command(flatten)]
        registry: RegistryArgs,
        /// Its id, for example an administrative code
        #[arg(value_name = "ISSUER")]
        issuer: u32,
        /// What people call it
        #[arg(long)]
        name: String,
        /// The national platform that confirms its changes
        #[arg(long, value_name = "ID")]
        national: u32,
        /// Who signs its heads
        #[arg(long, value_name = "ID")]
        publisher: u32,
        /// When the brake holds a change: it sets more than FREE holders back (red, amber, forgotten, another generation),
        /// and more than SHARE in a thousand of all holders are set back within WINDOW seconds
        #[arg(long, value_name = "SHARE,WINDOW,FREE", value_parser = read_brake)]
        brake: Option<Brake>,
        /// What becomes of a second phone credential of one holder: `tell` issues it and tells of the first, `supersede`
        /// refuses it until a change with both signatures has raised the holder's generation
        #[arg(long, value_name = "WHAT", default_value = "tell")]
        #[arg(value_parser = words(SecondPhone::ALL.map(SecondPhone::slug), SecondPhone::from_slug))]
        second_phone: SecondPhone,
    },
    /// List issuers
    List {
        #[command(flatten)]
        registry: RegistryArgs,
    },
}

/// Runs `hufu registry issuer`.
pub(crate) fn run(command: &IssuerCommand) -> anyhow::Result<Exit> {
    match command {
        IssuerCommand::Put { registry, issuer, name, national, publisher, brake, second_phone } => {
            let edit = IssuerEdit {
                name: name.clone(),
                national: *national,
                publisher: *publisher,
                brake: *brake,
                second_phone: *second_phone,
            };
            let issuer = registry.connect()?.ask(|api| api.put_issuer(IssuerId(*issuer), &edit))?;
            let Brake { share_permille, window_s, free } = issuer.brake;
            let text = || {
                format!(
                    "issuer {}: {}, confirmed by {}, heads by {}\n\
                     brake: holds changes that set more than {free} holders back, and more than {share_permille} in a \
                     thousand within {window_s} s",
                    issuer.id,
                    printable(&issuer.name),
                    issuer.national,
                    issuer.publisher
                )
            };
            term::outcome(|| json!(issuer), text);
        }
        IssuerCommand::List { registry } => {
            let issuers = registry.connect()?.ask(Api::issuers)?.issuers;
            return Ok(list(&issuers, ["issuer", "national", "publisher", "name"], |issuer| {
                let Issuer { id, national, publisher, .. } = issuer;
                [id.to_string(), national.to_string(), publisher.to_string(), printable(&issuer.name)]
            }));
        }
    }
    Ok(Exit::Yes)
}

fn read_brake(text: &str) -> Result<Brake, String> {
    let numbers: Vec<u32> = text.split(',').map_while(|number| number.trim().parse().ok()).collect();
    match (numbers.as_slice(), text.split(',').count()) {
        (&[share_permille, window_s, free], 3) => Ok(Brake { share_permille, window_s, free }),
        _ => Err("write three numbers, for example 10,3600,100".to_owned()),
    }
}
