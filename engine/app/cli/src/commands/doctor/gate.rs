//! A gate's folder, and the engines it asks.

use std::path::Path;
use std::time::Duration;

use hufu_client::{Control, ControlFault, Server};
use hufu_files::{self as files, moment};
use hufu_school::terminal::SETTINGS;
use hufu_wire::{Reason, UnixMillis};

use super::look::{certificate, secret};
use super::{Findings, State};
use crate::gate::{self, Device};
use crate::lanes::config::Config;

/// How long an engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Clocks that differ by more make phone codes look late or early: a step has 30 s.
const OFFSET_S_MAX: u64 = 5;

/// Examines a gate. Where gate.toml is the configuration of `hufu gate`, the gate's folder is the one that it names.
pub(super) fn examine(folder: &Path, findings: &mut Findings) {
    let path = folder.join(SETTINGS);
    if !names_folder(&path) {
        examine_folder(folder, findings);
        return;
    }
    let (what, todo) = ("gate configuration", "correct the line; docs/examples/gate.toml has every key");
    let Some(config) = findings.read(what, Config::load(&path), todo) else { return };
    findings.ok(what, path.display().to_string());
    examine_folder(&config.gate, findings);
}

/// Whether this is the configuration of `hufu gate`: the settings in a gate's folder have no such key.
fn names_folder(path: &Path) -> bool {
    let table = files::read_text(path).ok().and_then(|text| toml::from_str::<toml::Table>(&text).ok());
    table.is_some_and(|table| table.contains_key("gate"))
}

fn examine_folder(folder: &Path, findings: &mut Findings) {
    secret(findings, "gate key", &folder.join(gate::KEY));
    let issue = "hufu ca device issues a new one";
    certificate(findings, "gate certificate", &folder.join(gate::CERTIFICATE), issue);
    certificate(findings, "certificate authority", &folder.join(gate::ROOT), issue);
    let todo = "correct gate.toml, or make the folder again with hufu ca device";
    let Some(device) = findings.read("gate", gate::open(folder), todo) else { return };
    for server in &device.servers {
        let what = format!("engine {}", server.control);
        let asked = ask(&device, server);
        let todo = asked.as_ref().err().map_or("", correction);
        if let Some(time) = findings.read(&what, asked, todo) {
            let (engine, here) = (time.0 / 1000, u64::from(moment::now().seconds().0));
            let state = if engine.abs_diff(here) > OFFSET_S_MAX { State::Look } else { State::Ok };
            let found = format!("answers; its clock differs by {} s", engine.abs_diff(here));
            findings.add(what, state, found, "set both machines' clocks by a time service");
        }
    }
}

/// What to do when an engine gave no answer.
fn correction(error: &anyhow::Error) -> &'static str {
    match error.downcast_ref::<ControlFault>() {
        Some(ControlFault::Refused(Reason::DeviceRevoked)) => "hufu ca device with the next --generation",
        Some(ControlFault::Untrusted { .. }) => {
            "of a revoked gate: hufu ca device with the next --generation; of another authority: the operator's ca.pem, \
             and a certificate of the same authority"
        }
        Some(ControlFault::EngineOutOfTime { .. } | ControlFault::DeviceOutOfTime { .. }) => {
            "set both machines' clocks by a time service, or renew the certificate"
        }
        Some(ControlFault::Refused(_)) => "the operator of the engine corrects it",
        _ => "start the engine, correct its address in gate.toml, or open UDP in the firewall",
    }
}

fn ask(device: &Device, server: &Server) -> anyhow::Result<UnixMillis> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let asked = async {
            let control = Control::reach(&server.control, &server.name, &device.identity).await?;
            let time = control.time().await;
            control.close().await;
            anyhow::Ok(time?)
        };
        tokio::time::timeout(PATIENCE, asked)
            .await
            .unwrap_or_else(|_| anyhow::bail!("no answer within {PATIENCE:?}"))
    })
}
