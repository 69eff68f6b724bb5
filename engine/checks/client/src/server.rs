//! Where a gate's engines are.

use crate::address::EngineAddress;

/// An engine a gate may ask.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its QUIC address or host name, IPv4 or IPv6. A name is looked up at each enrolment, and each of its addresses
    /// is tried.
    pub control: EngineAddress,
    /// The name its certificate carries.
    pub name: String,
    /// Its port for sealed requests. `None` takes the port that the last enrolment named, which is right
    /// whenever all engines of a cluster are set up alike.
    pub udp_port: Option<u16>,
}
