//! `hufu enrol`: a session's bytes, for a gate whose firmware has no QUIC.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use hufu_client::Control;
use hufu_files::{self as files, Readable, unavailable};
use hufu_wire::{Enrolled, write};
use serde_json::json;
use tokio::runtime::Builder;

use crate::outcome::Exit;
use crate::{gate, term};

pub(crate) const EXAMPLES: &str = "Examples:
  gate 192.0.2.1 'hufu enrol --gate gates/7' < scans
  hufu enrol --gate gates/7 --out session.bin

The bytes are the payload of an `Enrolled` (docs/PROTOCOL.md): they hold the session's secret keys, so keep them to the \
gate. Use them once: a gate that starts again enrols again. The example program is engine/checks/gatekit/examples/gate.c.";

/// Enrol a gate and write its session, for firmware without QUIC.
#[derive(Debug, Args)]
pub(crate) struct EnrolArgs {
    /// The gate's folder, from `hufu ca device`
    #[arg(long, value_name = "FOLDER")]
    gate: PathBuf,
    /// The file to write, for its owner alone [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs `hufu enrol`.
pub(crate) fn run(args: &EnrolArgs) -> anyhow::Result<Exit> {
    let gate::Device { identity, servers, .. } = gate::open(&args.gate)?;
    let runtime = Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let enrolled = runtime.block_on(async {
        let mut fault = None;
        for server in &servers {
            match Control::reach(&server.control, &server.name, &identity).await {
                Ok(control) => match control.enrol().await {
                    Ok(enrolled) => {
                        control.close().await;
                        return Ok(enrolled);
                    }
                    Err(why) => fault = Some(why),
                },
                Err(why) => fault = Some(why),
            }
        }
        Err(fault.map_or_else(|| anyhow::anyhow!("the gate's folder names no engine"), unavailable))
    })?;
    let mut bytes = vec![0; Enrolled::BYTES];
    write(&enrolled, &mut bytes)?;
    match &args.out {
        Some(path) => {
            files::create(path, &bytes, Readable::Owner)?;
            let until = hufu_files::moment::show(enrolled.expires);
            term::outcome(
                || json!({ "file": path, "expires": until }),
                || format!("{}: a session until {until}", path.display()),
            );
        }
        None => term::bytes(|| json!({ "enrolled": hex::encode(&bytes) }), &bytes),
    }
    Ok(Exit::Yes)
}
