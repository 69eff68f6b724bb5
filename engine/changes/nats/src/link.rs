//! One connection to one of the servers, and what the server complains of.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::{Context, ContextBuilder};
use async_nats::{Client, ConnectOptions, Event, ServerError};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::fault::NatsFault;
use crate::options::{Credentials, NatsOptions};

/// For one server to take us in.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// For a server to answer a request or to acknowledge a message. Two copies of a stream agree within it.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// After three of these without an answer the connection is given up.
const PING_EVERY: Duration = Duration::from_secs(2);

/// A connection. It ends when it is lost: its user opens another one and begins again, because it is
/// unknown what a server still remembers.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) jetstream: Context,
    health: watch::Receiver<Health>,
}

#[derive(Debug, Default)]
struct Health {
    is_lost: bool,
    /// What the server last forbade us.
    forbidden: Option<String>,
}

impl Link {
    /// Connects to any of the servers, as `name`.
    pub(crate) async fn open(options: &NatsOptions, name: &str) -> Result<Link, NatsFault> {
        let (health, watched) = watch::channel(Health::default());
        let health = Arc::new(health);
        let servers = options.servers();
        let connect = connect_options(options)?
            .name(name)
            .connection_timeout(CONNECT_WITHIN)
            .request_timeout(Some(ANSWER_WITHIN))
            .ping_interval(PING_EVERY)
            .ignore_discovered_servers()
            // Each is tried once. A client that may try for ever would never end after it has been dropped.
            .max_reconnects(servers.len())
            .event_callback(move |event| {
                note(&health, event);
                std::future::ready(())
            });
        let within = CONNECT_WITHIN * u32::try_from(servers.len() + 1).unwrap_or(u32::MAX);
        let client = timeout(within, connect.connect(servers))
            .await
            .map_err(|_| NatsFault::Unreachable("no answer while connecting".into()))??;
        let jetstream = ContextBuilder::new().timeout(ANSWER_WITHIN).build(client.clone());
        Ok(Link { client, jetstream, health: watched })
    }

    /// Waits until the connection is lost.
    pub(crate) async fn lost(&self) -> NatsFault {
        let mut health = self.health.clone();
        // An error means that the client is gone altogether.
        let _ = health.wait_for(|health| health.is_lost).await;
        self.explain(NatsFault::Unreachable("the connection is lost".into()))
    }

    /// What is behind a fault: of what it forbids a server says nothing in its place, the request just fails.
    pub(crate) fn explain(&self, fault: NatsFault) -> NatsFault {
        match (&fault, &self.health.borrow().forbidden) {
            (NatsFault::Unreachable(_), Some(forbidden)) => NatsFault::Refused(forbidden.clone()),
            _ => fault,
        }
    }
}

fn note(health: &watch::Sender<Health>, event: Event) {
    match event {
        Event::Disconnected | Event::Closed => health.send_modify(|health| health.is_lost = true),
        Event::ServerError(ServerError::Other(what)) if what.to_lowercase().contains("permissions") => {
            health.send_modify(|health| health.forbidden = Some(what));
        }
        _ => {}
    }
}

fn connect_options(options: &NatsOptions) -> Result<ConnectOptions, NatsFault> {
    if let Some(server) = options.plaintext_server() {
        let host = server.host();
        let what = format!(
            "the password or token for {host} would be sent in the clear: write tls://{host} or name a CA"
        );
        return Err(NatsFault::Refused(what));
    }
    let mut connect = match &options.credentials {
        Credentials::None => ConnectOptions::new(),
        Credentials::Token(file) => ConnectOptions::with_token(secret(file)?),
        Credentials::User(file) => {
            let secret = secret(file)?;
            let (name, password) = secret.split_once(':').ok_or_else(|| {
                NatsFault::Refused(format!("{}: expected one line name:password", file.display()))
            })?;
            ConnectOptions::with_user_and_password(name.to_owned(), password.to_owned())
        }
    };
    if let Some(ca) = &options.ca {
        connect = connect.add_root_certificates(readable(ca)?.to_owned()).require_tls(true);
    }
    if let Some(files) = &options.certificate {
        let (certificate, key) = (readable(&files.certificate)?, readable(&files.key)?);
        connect = connect.add_client_certificate(certificate.to_owned(), key.to_owned());
    }
    Ok(connect)
}

/// A file's one line.
fn secret(file: &Path) -> Result<String, NatsFault> {
    let text = fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
    Ok(text.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']).to_owned())
}

fn readable(file: &Path) -> Result<&Path, NatsFault> {
    File::open(file).map(|_| file).map_err(|error| unreadable(file, &error))
}

fn unreadable(file: &Path, error: &std::io::Error) -> NatsFault {
    NatsFault::Refused(format!("{}: {error}", file.display()))
}
