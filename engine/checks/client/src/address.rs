//! Where an engine is: an address, or a host name that is looked up at each connection.

use core::fmt;
use core::str::FromStr;
use std::net::SocketAddr;
use std::time::Duration;

use crate::fault::ControlFault;

/// An engine's QUIC address as a gate is told it: `192.0.2.1:7411`, `[2001:db8::1]:7411` or `engine.example:7411`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EngineAddress(Written);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Written {
    Address(SocketAddr),
    Name { host: String, port: u16 },
}

/// How long a look-up may take.
const LOOK_UP_MAX: Duration = Duration::from_secs(2);
/// RFC 1035 section 2.3.4.
const HOST_BYTES_MAX: usize = 253;

impl EngineAddress {
    /// Every address it has now, in the order in which the system prefers them; never none.
    ///
    /// # Errors
    /// [`ControlFault::Unreachable`] when a host name has no address, or nothing answers within 2 s.
    pub async fn look_up(&self) -> Result<Vec<SocketAddr>, ControlFault> {
        let (host, port) = match &self.0 {
            Written::Address(address) => return Ok(vec![*address]),
            Written::Name { host, port } => (host, *port),
        };
        let unreachable = |why: String| ControlFault::Unreachable { why: format!("{host}: {why}") };
        let found = tokio::time::timeout(LOOK_UP_MAX, tokio::net::lookup_host((host.as_str(), port)));
        let found = found.await.map_err(|_| unreachable("the host name was not found in 2 s".to_owned()))?;
        let mut addresses: Vec<SocketAddr> = found.map_err(|error| unreachable(error.to_string()))?.collect();
        let mut seen = std::collections::HashSet::new();
        addresses.retain(|address| seen.insert(*address));
        if addresses.is_empty() {
            return Err(unreachable("the host name has no address".to_owned()));
        }
        Ok(addresses)
    }

    /// The address, where it is written as one.
    pub(crate) fn literal(&self) -> Option<SocketAddr> {
        match &self.0 {
            Written::Address(address) => Some(*address),
            Written::Name { .. } => None,
        }
    }
}

impl From<SocketAddr> for EngineAddress {
    fn from(address: SocketAddr) -> EngineAddress {
        EngineAddress(Written::Address(address))
    }
}

impl FromStr for EngineAddress {
    type Err = AddressFault;

    fn from_str(text: &str) -> Result<EngineAddress, AddressFault> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return if address.port() == 0 { Err(fault(text)) } else { Ok(address.into()) };
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(|| fault(text))?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(|| fault(text))?;
        if !is_host_name(host) {
            return Err(fault(text));
        }
        Ok(EngineAddress(Written::Name { host: host.to_owned(), port }))
    }
}

/// Letters, digits and hyphens between dots (RFC 1123 section 2.1), and the underscores that names in private
/// networks have. The last part has a letter: otherwise it is a mistyped IPv4 address.
fn is_host_name(host: &str) -> bool {
    let part = |part: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        !part.is_empty() && part.len() <= 63 && !part.starts_with('-') && part.bytes().all(known)
    };
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= HOST_BYTES_MAX
        && host.split('.').all(part)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for EngineAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Written::Address(address) => address.fmt(f),
            Written::Name { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// A text is not an engine's address. Its author can correct it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an engine's address; write ADDRESS:PORT, [IPV6-ADDRESS]:PORT or HOST:PORT")]
pub struct AddressFault {
    text: String,
}

fn fault(text: &str) -> AddressFault {
    AddressFault { text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_host_names_are_read_as_written() {
        for text in ["192.0.2.1:7411", "[2001:db8::1]:7411", "engine.example:7411", "eng-1:1", "a_b.c.:7411"]
        {
            assert_eq!(text.parse::<EngineAddress>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            ":7411",
            "engine",
            "engine:",
            "engine:0",
            "192.0.2.1:0",
            "engine:70000",
            "engine:7411:7411",
            "2001:db8::1:7411",
            "192.0.2.300:7411",
            "en gine:7411",
            "-x:7411",
            "a..b:7411",
            "https://engine:7411",
        ] {
            let fault = text.parse::<EngineAddress>().expect_err(text).to_string();
            assert!(fault.contains("HOST:PORT"), "{fault}");
        }
    }

    #[test]
    fn a_name_is_looked_up_and_an_address_is_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let literal: EngineAddress = "192.0.2.1:7411".parse().unwrap();
            assert_eq!(literal.look_up().await.unwrap(), ["192.0.2.1:7411".parse().unwrap()]);
            let name: EngineAddress = "localhost:7411".parse().unwrap();
            let found = name.look_up().await.unwrap();
            assert!(
                found.iter().all(|address| address.ip().is_loopback() && address.port() == 7411),
                "{found:?}"
            );
        });
    }
}
