//! A gate's folder, and the engines it asks.

use std::path::Path;
use std::time::Duration;

use hufu_client::{Control, Server};
use hufu_files::moment;
use hufu_wire::UnixMillis;

use super::look::{certificate, secret};
use super::{Findings, State};
use crate::gate::{self, Device};

/// How long an engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Clocks that differ by more make phone codes look late or early: a step has 30 s.
const OFFSET_S_MAX: u64 = 5;

/// Examines a gate.
pub(super) fn examine(folder: &Path, findings: &mut Findings) {
    secret(findings, "gate key", &folder.join(gate::KEY));
    let issue = "hufu ca device issues a new one";
    certificate(findings, "gate certificate", &folder.join(gate::CERTIFICATE), issue);
    certificate(findings, "certificate authority", &folder.join(gate::ROOT), issue);
    let todo = "correct gate.toml, or make the folder again with hufu ca device";
    let Some(device) = findings.read("gate", gate::open(folder), todo) else { return };
    for server in &device.servers {
        let what = format!("engine {}", server.control);
        let todo = "start the engine, correct its address in gate.toml, or open UDP in the firewall";
        if let Some(time) = findings.read(&what, ask(&device, server), todo) {
            let (engine, here) = (time.0 / 1000, u64::from(moment::now().seconds().0));
            let state = if engine.abs_diff(here) > OFFSET_S_MAX { State::Look } else { State::Ok };
            let found = format!("answers; its clock differs by {} s", engine.abs_diff(here));
            findings.add(what, state, found, "set both machines' clocks by a time service");
        }
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
