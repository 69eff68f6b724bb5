//! A signed roster, checked through an engine as a terminal does (R12).

use hufu_client::{Control, ControlFault, Identity, Server};
use hufu_wire::{MemberVerdict, RosterReply};

/// Asks the first of `servers` that answers. The verdicts come in the roster's order.
///
/// # Errors
/// No engine answers, or the one that does takes no roster of this device. A roster that the engine read and did not
/// accept is no error: its summary says why and has no members.
pub async fn check(
    servers: &[Server],
    identity: &Identity,
    roster: &[u8],
) -> Result<(RosterReply, Vec<MemberVerdict>), ControlFault> {
    let mut last = ControlFault::Unreachable { why: "gate.toml names no engine".to_owned() };
    for server in servers {
        match Control::reach(&server.control, &server.name, identity).await {
            Ok(control) => {
                let answer = control.roster(roster).await;
                control.close().await;
                return answer;
            }
            Err(fault) => last = fault,
        }
    }
    Err(last)
}
