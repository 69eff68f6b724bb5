//! How to reach the servers, and how long they keep what they are given.

use std::net::IpAddr;
use std::path::PathBuf;

use async_nats::ServerAddr;

/// What does not describe NATS servers. The operator can correct it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misconfigured {
    /// An address that cannot be read.
    #[error(
        "{address}: {what}; write NATS servers as nats://host:4222 or tls://host:4222, with commas between"
    )]
    Address {
        /// The address without what may be secret in it.
        address: String,
        /// What is wrong with it.
        what: String,
    },
    /// A password in an address, which logs and process lists show.
    #[error("the address of NATS server {host} contains a name or a password: put it into a file")]
    SecretInAddress {
        /// The server.
        host: String,
    },
}

/// Servers of one NATS system, and who we are to them.
#[derive(Clone, Debug)]
pub struct NatsOptions {
    servers: Vec<ServerAddr>,
    /// Who we say we are. Files are read again for each connection.
    pub credentials: Credentials,
    /// Certificates that the servers' are signed by, PEM; connections are encrypted then, whatever the address
    /// says. Without it those of this machine count for `tls://`.
    pub ca: Option<PathBuf>,
    /// Our own certificate, for servers that ask for one.
    pub certificate: Option<CertificateFiles>,
}

/// Who we say we are. Where there is something secret to say, servers elsewhere than on this machine are spoken to
/// over TLS only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// No name, or the one in our certificate.
    #[default]
    None,
    /// The user of a file with one line `name:password`.
    User(PathBuf),
    /// The bearer of a file's one line.
    Token(PathBuf),
}

/// A client's certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate and those between it and the root, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

impl NatsOptions {
    /// Servers such as `nats://a:4222,nats://b:4222`, asked for nothing but their address. Only these are ever
    /// connected to, whatever others they tell of.
    ///
    /// # Errors
    /// [`Misconfigured`].
    pub fn new(servers: &str) -> Result<NatsOptions, Misconfigured> {
        let servers = servers.split(',').map(|server| address(server.trim())).collect::<Result<_, _>>()?;
        Ok(NatsOptions { servers, credentials: Credentials::None, ca: None, certificate: None })
    }

    pub(crate) fn servers(&self) -> &[ServerAddr] {
        &self.servers
    }

    /// The server that would get a password or a token in the clear, over a network where others may listen.
    pub(crate) fn plaintext_server(&self) -> Option<&ServerAddr> {
        let has_secret = self.credentials != Credentials::None && self.ca.is_none();
        self.servers.iter().find(|server| has_secret && !server.tls_required() && !is_local(server.host()))
    }

    /// The servers' addresses, for logs; no secret is in it.
    pub(crate) fn addresses(&self) -> String {
        let servers: Vec<_> = self
            .servers
            .iter()
            .map(|server| {
                let (scheme, host, port) = (server.scheme(), server.host(), server.port());
                if host.contains(':') {
                    format!("{scheme}://[{host}]:{port}")
                } else {
                    format!("{scheme}://{host}:{port}")
                }
            })
            .collect();
        servers.join(",")
    }
}

/// Whether it is an address of this machine.
fn is_local(host: &str) -> bool {
    host.parse::<IpAddr>().map_or(host == "localhost", |address| address.is_loopback())
}

fn address(server: &str) -> Result<ServerAddr, Misconfigured> {
    // Whatever stands before an @ may be a password.
    let shown = server.rsplit('@').next().unwrap_or(server).to_owned();
    let broken = |what: String| Misconfigured::Address { address: shown.clone(), what };
    let address: ServerAddr = server.parse().map_err(|_| broken("not an address".into()))?;
    if address.has_user_pass() || address.password().is_some() {
        return Err(Misconfigured::SecretInAddress { host: address.host().to_owned() });
    }
    if address.is_websocket() {
        return Err(broken(format!("{}:// is not supported", address.scheme())));
    }
    if address.host().is_empty() {
        return Err(broken("no host".into()));
    }
    Ok(address)
}

/// What a publisher needs to know.
#[derive(Clone, Debug)]
pub struct PublisherOptions {
    /// The servers.
    pub nats: NatsOptions,
    /// How many servers of a cluster keep each stream: 1, 3 or 5. One server alone takes 1.
    pub replicas: usize,
    /// How long sets are kept.
    pub keep: Keep,
}

/// How much of a chain its stream keeps; the strictest counts, and the oldest sets go first. A checkpoint
/// leads over older ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// At most so many sets an issuer.
    pub sets: Option<u64>,
    /// At most so many bytes an issuer.
    pub bytes: Option<u64>,
    /// Seconds for which a set is kept.
    pub age_s: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(servers: &str, expected: Result<&str, &str>) {
        let found =
            NatsOptions::new(servers).map(|options| options.addresses()).map_err(|fault| fault.to_string());
        match (&found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            _ => panic!("{servers}: {found:?}"),
        }
    }

    #[test]
    fn addresses_are_one_or_many_and_of_two_kinds() {
        check("nats://a", Ok("nats://a:4222"));
        check("a:4223", Ok("nats://a:4223"));
        check("nats://a:1, tls://[::1]:2", Ok("nats://a:1,tls://[::1]:2"));
        check("", Err("no host"));
        check("nats://a,,b", Err("no host"));
        check("ws://a", Err("ws:// is not supported"));
        check("http://a", Err("not an address"));
    }

    #[test]
    fn no_secret_stands_in_an_address_or_in_what_is_said_of_it() {
        check("nats://user:secret@a", Err("NATS server a contains a name or a password"));
        let fault = NatsOptions::new("http://user:secret@a").expect_err("not NATS").to_string();
        assert!(!fault.contains("secret"), "{fault}");
    }
}
