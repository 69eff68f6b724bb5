//! How the engine closes connections.

use hufu_wire::Reason;
use quinn::{Connection, VarInt};

/// Closes a connection for `reason`; `false` when it was closed before.
pub(crate) fn close(connection: &Connection, reason: Reason) -> bool {
    let open = is_open(connection);
    connection.close(close_code(reason), reason.slug().as_bytes());
    open
}

pub(crate) fn is_open(connection: &Connection) -> bool {
    connection.close_reason().is_none()
}

/// The error code of a connection that is closed for `reason` is the reason's number.
pub(crate) fn close_code(reason: Reason) -> VarInt {
    VarInt::from_u32(reason.code().into())
}
