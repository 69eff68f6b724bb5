//! How a request over QUIC fails, and who can correct it.

use std::io;

use hufu_wire::{Actor, Malformed, Reason, Suite};
use quinn::ConnectionError;

use crate::clock::Judged;

/// Why a request over QUIC was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ControlFault {
    /// This machine gives no socket, or cannot send there.
    #[error("cannot open or use a local socket: {0}")]
    Local(#[source] io::Error),
    /// Nothing answers at the engine's address.
    #[error("the engine does not answer: {why}")]
    Unreachable {
        /// What was tried.
        why: String,
    },
    /// One side does not accept the other's certificate.
    #[error("device or engine does not accept the other's certificate: {why}")]
    Untrusted {
        /// What TLS says about it.
        why: String,
    },
    /// The engine's certificate is not valid at the time that this device takes it to be.
    #[error(
        "the engine's certificate is not valid at {judged}; if that time is wrong, set this device's clock ({why})"
    )]
    EngineOutOfTime {
        /// The time by which it was judged, and how the device knows it.
        judged: String,
        /// What TLS says about it.
        why: String,
    },
    /// This device's certificate is not valid at the time that the engine takes it to be.
    #[error(
        "this device's certificate is not valid by the engine's clock; renew it, or set the engine's clock ({why})"
    )]
    DeviceOutOfTime {
        /// What TLS says about it.
        why: String,
    },
    /// The engine understood and said no.
    #[error("the engine refused: {}", refused(*.0))]
    Refused(Reason),
    /// The engine gave a session of a suite that this device does not take.
    #[error(
        "the engine gave a session of {}, which this gate does not take; set `suites` in the engine's file, or in the gate's",
        _0.name()
    )]
    Suite(Suite),
    /// The connection ended before the answer.
    #[error("the connection was lost: {why}")]
    Lost {
        /// How it ended.
        why: String,
    },
    /// The engine's answer is not one.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// More than one request may carry.
    #[error("a request of {payload_bytes} bytes is too large")]
    TooLarge {
        /// Bytes that were to be sent.
        payload_bytes: usize,
    },
}

impl ControlFault {
    /// Who can correct it.
    pub const fn actor(&self) -> Actor {
        match self {
            ControlFault::Refused(reason) => reason.actor(),
            ControlFault::Local(_) | ControlFault::TooLarge { .. } | ControlFault::EngineOutOfTime { .. } => {
                Actor::Gate
            }
            ControlFault::Unreachable { .. }
            | ControlFault::Untrusted { .. }
            | ControlFault::DeviceOutOfTime { .. }
            | ControlFault::Suite(_)
            | ControlFault::Lost { .. }
            | ControlFault::Malformed(_) => Actor::Operator,
        }
    }

    /// Why a handshake failed, which was judged by this time.
    pub(crate) fn of_handshake(error: ConnectionError, judged: Judged) -> ControlFault {
        match error {
            ConnectionError::TransportError(error) if is_out_of_time(error.code) => {
                ControlFault::EngineOutOfTime { judged: judged.to_string(), why: error.reason }
            }
            error => error.into(),
        }
    }

    /// Of two faults the one that tells more.
    pub(crate) fn or(self, other: ControlFault) -> ControlFault {
        match (&self, &other) {
            (ControlFault::Unreachable { .. }, _) => other,
            (_, ControlFault::Unreachable { .. }) => self,
            _ => other,
        }
    }
}

impl From<ConnectionError> for ControlFault {
    fn from(error: ConnectionError) -> ControlFault {
        let why = error.to_string();
        match error {
            ConnectionError::TimedOut | ConnectionError::VersionMismatch | ConnectionError::Reset => {
                ControlFault::Unreachable { why }
            }
            ConnectionError::ConnectionClosed(close) if is_out_of_time(close.error_code) => {
                ControlFault::DeviceOutOfTime { why }
            }
            ConnectionError::TransportError(error) if is_tls(error.code) => {
                ControlFault::Untrusted { why: alert(error.code, "this device's ca.pem", why) }
            }
            ConnectionError::ConnectionClosed(close) if is_tls(close.error_code) => {
                ControlFault::Untrusted { why: alert(close.error_code, "the engine's `ca`", why) }
            }
            ConnectionError::ConnectionClosed(close)
                if close.error_code == quinn::TransportErrorCode::CONNECTION_REFUSED =>
            {
                ControlFault::Refused(Reason::Busy)
            }
            ConnectionError::ApplicationClosed(close) => refused_or_lost(close.error_code, &why),
            _ => ControlFault::Lost { why },
        }
    }
}

/// The alert `certificate_expired` (RFC 8446 section 6.2), which rustls also sends for a certificate that is not
/// valid yet.
fn is_out_of_time(code: quinn::TransportErrorCode) -> bool {
    code == quinn::TransportErrorCode::crypto(45)
}

/// What an alert says (RFC 8446 section 6.2) whose name tells no operator what to do. `roots` are what the certificate was
/// held against.
fn alert(code: quinn::TransportErrorCode, roots: &str, why: String) -> String {
    if code == quinn::TransportErrorCode::crypto(44) {
        format!("it is revoked; the operator issues the next generation with `hufu ca device` ({why})")
    } else if [48, 51].map(quinn::TransportErrorCode::crypto).contains(&code) {
        format!(
            "it is of another authority than {roots}; the operator corrects the one that is wrong ({why})"
        )
    } else {
        why
    }
}

/// RFC 9001 section 4.8: TLS alerts are the transport error codes 0x100 to 0x1ff.
fn is_tls(code: quinn::TransportErrorCode) -> bool {
    (0x100..0x200).contains(&u64::from(code))
}

/// The engine sent this.
pub(crate) const fn malformed(message: &'static str, fault: &'static str) -> ControlFault {
    ControlFault::Malformed(Malformed { message, fault })
}

/// PROTOCOL 2: an engine that closes a connection gives the number of its reason as error code.
fn refused_or_lost(code: quinn::VarInt, why: &str) -> ControlFault {
    u16::try_from(code.into_inner())
        .ok()
        .and_then(Reason::from_code)
        .map_or_else(|| ControlFault::Lost { why: why.to_owned() }, ControlFault::Refused)
}

/// A reason, and what an operator does about one that no gate can correct.
fn refused(reason: Reason) -> String {
    match reason {
        Reason::SuiteNotShared => format!(
            "{reason}: the two have no encryption suite in common; `suites` in the gate's gate.toml or in [devices] of the \
             engine's file must name one of the other's"
        ),
        Reason::SiteUnknown => format!(
            "{reason}: the engine has no site of this number; the operator adds the site to the engine's sites.toml, or \
             issues the gate for another site"
        ),
        Reason::DeviceRevoked => {
            format!("{reason}: the operator issues the next generation of this device with `hufu ca device`")
        }
        reason => reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_faults_the_one_of_an_engine_that_answered_is_told() {
        let unreachable = || ControlFault::Unreachable { why: "silent".to_owned() };
        let refused = || ControlFault::Refused(Reason::DeviceRevoked);
        let is_refused = |fault: ControlFault| matches!(fault, ControlFault::Refused(Reason::DeviceRevoked));
        assert!(is_refused(unreachable().or(refused())));
        assert!(is_refused(refused().or(unreachable())));
        let lost = ControlFault::Lost { why: "closed".to_owned() };
        assert!(is_refused(lost.or(refused())), "the later one");
        assert!(matches!(unreachable().or(unreachable()), ControlFault::Unreachable { .. }));
    }

    #[test]
    fn r45_who_has_no_suite_in_common_is_told_where_to_set_one() {
        let told = ControlFault::Refused(Reason::SuiteNotShared).to_string();
        assert!(told.contains("suite-not-shared") && told.contains("gate.toml"), "{told}");
    }

    #[test]
    fn r45_a_gate_that_is_refused_is_told_what_the_operator_does() {
        for (reason, todo) in [(Reason::SiteUnknown, "sites.toml"), (Reason::DeviceRevoked, "hufu ca device")]
        {
            let told = ControlFault::Refused(reason).to_string();
            assert!(told.contains(&reason.to_string()) && told.contains(todo), "{told}");
        }
        let here = |alert| ConnectionError::TransportError(quinn::TransportErrorCode::crypto(alert).into());
        let there = |alert| {
            ConnectionError::ConnectionClosed(quinn::ConnectionClose {
                error_code: quinn::TransportErrorCode::crypto(alert),
                frame_type: None,
                reason: bytes::Bytes::new(),
            })
        };
        for (error, todo) in [
            (there(44), "hufu ca device"),
            (here(48), "this device's ca.pem"),
            (here(51), "this device's ca.pem"),
            (there(48), "the engine's `ca`"),
        ] {
            let told = ControlFault::from(error).to_string();
            assert!(told.contains(todo), "{told}");
        }
    }
}
