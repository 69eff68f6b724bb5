//! `hufu device`: the verifier devices of a registry. Their certificates come from `hufu ca device`.

use clap::Subcommand;
use hufu_contract::{Device, NewDevice};
use hufu_wire::{DeviceId, SiteId};
use serde_json::json;

use crate::listing::list;
use crate::outcome::Exit;
use crate::remote::RegistryArgs;
use crate::term::{self, printable};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu device add --site 310101 --name 'Gate 4'
  hufu device list --site 310101
  hufu device revoke 7
  hufu device renew 7

add and renew answer with the id and the generation that `hufu ca device` takes; revoke says which generation \
`hufu ca revoke` kills on the engines.";

/// Say which devices there are.
#[derive(Debug, Subcommand)]
pub(crate) enum DeviceCommand {
    /// Register a device
    Add {
        #[command(flatten)]
        registry: RegistryArgs,
        /// Where it stands
        #[arg(long, value_name = "ID")]
        site: u32,
        /// What people call it
        #[arg(long)]
        name: String,
    },
    /// List devices
    List {
        #[command(flatten)]
        registry: RegistryArgs,
        /// Of this site only
        #[arg(long, value_name = "ID")]
        site: Option<u32>,
    },
    /// Revoke a device's generation for good
    Revoke {
        #[command(flatten)]
        registry: RegistryArgs,
        /// The device
        #[arg(value_name = "DEVICE")]
        device: u32,
    },
    /// Give a device the next generation, to enrol it again
    Renew {
        #[command(flatten)]
        registry: RegistryArgs,
        /// The device
        #[arg(value_name = "DEVICE")]
        device: u32,
    },
}

/// Runs `hufu device`.
pub(crate) fn run(command: &DeviceCommand) -> anyhow::Result<Exit> {
    match command {
        DeviceCommand::Add { registry, site, name } => {
            let new = NewDevice { name: name.clone() };
            let device = registry.connect()?.ask(|api| api.register_device(SiteId(*site), &new))?;
            let Device { id, generation, site, .. } = device;
            let next = format!(
                "to make its certificate, run hufu ca device --dir CA --device {id} --generation {generation} --site {site} \
                 --engine ADDRESS --out gates/{id}, where CA is the authority's folder and ADDRESS the engine's QUIC address"
            );
            show(&device, &next);
        }
        DeviceCommand::List { registry, site } => {
            let devices = registry.connect()?.ask(|api| api.devices(site.map(SiteId)))?.devices;
            return Ok(list(&devices, ["device", "site", "generation", "state", "name"], |device| {
                let Device { id, site, generation, .. } = device;
                let [id, site, generation] = [id, site, generation].map(u32::to_string);
                [id, site, generation, state(device).to_owned(), printable(&device.name)]
            }));
        }
        DeviceCommand::Revoke { registry, device } => {
            let device = registry.connect()?.ask(|api| api.revoke_device(DeviceId(*device)))?;
            let Device { id, generation, .. } = device;
            let next =
                format!("to tell the engines, run hufu ca revoke --device {id} --generation {generation}");
            show(&device, &next);
        }
        DeviceCommand::Renew { registry, device } => {
            show(&registry.connect()?.ask(|api| api.renew_device(DeviceId(*device)))?, "");
        }
    }
    Ok(Exit::Yes)
}

/// A device, and what to do `next`.
fn show(device: &Device, next: &str) {
    let Device { id, site, generation, name, .. } = device;
    let text = || {
        let (state, name) = (state(device), printable(name));
        format!("device {id} at site {site}, generation {generation}, {state}: {name}\n{next}")
    };
    term::outcome(|| json!(device), text);
}

fn state(device: &Device) -> &'static str {
    if device.revoked_ms.is_some() { "revoked" } else { "in use" }
}
