//! Many people who want a credential at the same moment: requests over connections that stay open, each sent when it was
//! meant to be sent, however long the ones before it take.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use hdrhistogram::Histogram;
use hufu_contract::NewHolder;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::runtime::Builder;
use tokio_rustls::TlsConnector;

use crate::deployment::{Deployment, ISSUER};
use crate::registry::Registry;

/// A request that is not sent within this time is given up: people ask again by then.
const PATIENCE: Duration = Duration::from_secs(1);

/// Requests for paper credentials at one registry. Request `n` is for holder `n` modulo [`people`](Rush::people).
#[derive(Clone, Debug)]
pub struct Rush {
    /// Where they go.
    pub target: Target,
    /// Holders, registered with the indices from 0 on.
    pub people: u32,
    /// Requests a second; without, each connection asks again as soon as it was answered.
    pub rate: Option<u32>,
    /// For how long requests are sent.
    pub time: Duration,
    /// Connections that stay open.
    pub connections: usize,
    /// Addresses of this machine that they come from, in turns: a service may limit what comes from one.
    pub sources: u8,
    /// The number of the first request.
    pub first: u64,
}

/// A service over HTTP, and how it is asked.
#[derive(Clone, Debug)]
pub struct Target {
    address: SocketAddr,
    /// `None` for a service without TLS.
    tls: Option<Arc<ClientConfig>>,
    request: Request,
}

/// Requests by their number.
#[derive(Clone, Debug)]
enum Request {
    /// For a credential: up to the holder, and from there on.
    Holder([String; 2]),
    /// One after the other, then from the first again.
    Turns(Arc<[String]>),
}

/// What TLS and TCP have in common.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What became of a rush.
#[derive(Debug)]
pub struct Rushed {
    /// From the first request to the last answer.
    pub took: Duration,
    /// Numbers of the requests that were answered with a credential.
    pub issued: Vec<u64>,
    /// Numbers of the requests that were turned away, each with its Retry-After, seconds.
    pub shed: Vec<(u64, u32)>,
    /// Requests that could not be sent within a second of their time: every connection, or the generator, was busy.
    pub unsent: u64,
    /// Numbers of the requests whose connection ended before their answer.
    pub cut_off: Vec<u64>,
    /// Microseconds from when a request was to be sent to its credential.
    pub waited: Histogram<u64>,
    /// The number after the last request's.
    pub next: u64,
}

/// Person `number` as a clerk registers them: a made-up name, and a number with a right check digit.
pub fn people(numbers: core::ops::Range<u32>) -> Vec<NewHolder> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let person = |number: u32| {
        // Serial numbers have three digits, so the day of birth goes on where they end.
        let (day, serial) = (number / 1000, number % 1000);
        let born = format!("{}{:02}{:02}", 1950 + day / 336, day / 28 % 12 + 1, day % 28 + 1);
        let digits = format!("310101{born}{serial:03}");
        let sum: u32 =
            digits.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        let check = b"10X98765432"[(sum % 11) as usize];
        NewHolder {
            name: "王小明".into(), id_number: format!("{digits}{}", char::from(check)), phone: None
        }
    };
    numbers.map(person).collect()
}

impl Rush {
    /// For as long as a second, over 64 connections, of `people` who are registered already.
    ///
    /// # Errors
    /// The registry's certificate or token cannot be read.
    pub fn at(deployment: &Deployment, registry: &Registry, people: u32) -> Result<Rush> {
        let name = registry.name();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(deployment.path(&format!("{name}/ca/ca.pem")))?)?;
        let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let token = std::fs::read_to_string(deployment.path(&format!("{name}-admin.token")))?;
        let body = r#"{"kind":"paper","valid_s":86400}"#;
        let after = format!(
            "/credentials HTTP/1.1\r\nhost: registry\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            token.trim(),
            body.len()
        );
        let target = Target {
            address: registry.address(),
            tls: Some(Arc::new(tls)),
            request: Request::Holder([format!("POST /v1/issuers/{ISSUER}/holders/"), after]),
        };
        let time = Duration::from_secs(1);
        Ok(Rush { target, people, rate: None, time, connections: 64, sources: 1, first: 0 })
    }

    /// The same load for another service: whole requests in turns, with TLS when this has it.
    #[must_use]
    pub fn to(&self, address: SocketAddr, has_tls: bool, requests: Vec<String>) -> Rush {
        let tls = self.target.tls.clone().filter(|_| has_tls);
        let target = Target { address, tls, request: Request::Turns(requests.into()) };
        Rush { target, ..self.clone() }
    }

    /// Sends them.
    ///
    /// # Errors
    /// The service takes no connections, or answers with neither what was asked for nor `busy`.
    pub fn run(&self) -> Result<Rushed> {
        // One thread: what is left of the machine is the server's.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut connections = Vec::with_capacity(self.connections);
            for source in (1..=self.sources.max(1)).cycle().take(self.connections) {
                connections.push(self.connect(source).await?);
            }
            let (next, begun) = (Arc::new(AtomicU64::new(self.first)), Instant::now());
            let sending = connections.into_iter().map(|connection| {
                let (rush, next) = (self.clone(), Arc::clone(&next));
                tokio::spawn(async move { rush.send(connection, &next, begun).await })
            });
            let sending: Vec<_> = sending.collect();
            let mut all = empty(self.first)?;
            for sent in sending {
                all.add(sent.await??)?;
            }
            all.took = begun.elapsed();
            // Each connection drew one number more than it sent.
            all.next = next.load(Ordering::Relaxed);
            Ok(all)
        })
    }

    async fn connect(&self, source: u8) -> Result<Box<dyn Stream>> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::new(127, 0, 0, source), 0).into())?;
        let stream = socket.connect(self.target.address).await?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.target.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::from(self.target.address.ip());
        Ok(Box::new(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?))
    }

    /// One connection's share.
    async fn send(&self, mut on: Box<dyn Stream>, next: &AtomicU64, begun: Instant) -> Result<Rushed> {
        let mut share = empty(self.first)?;
        let mut buffer = Vec::with_capacity(4096);
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let due = match self.rate {
                Some(rate) => begun + Duration::from_secs(number - self.first) / rate,
                None => Instant::now(),
            };
            if due >= begun + self.time {
                return Ok(share);
            }
            tokio::time::sleep_until(due.into()).await;
            if due.elapsed() > PATIENCE {
                share.unsent += 1;
                continue;
            }
            let request = match &self.target.request {
                Request::Holder([before, after]) => {
                    format!("{before}{}{after}", number % u64::from(self.people))
                }
                Request::Turns(turns) => turns[usize::try_from(number % turns.len() as u64)?].clone(),
            };
            let answered = async {
                on.write_all(request.as_bytes()).await?;
                answer(&mut on, &mut buffer).await
            };
            let Ok((status, retry_after_s)) = answered.await else {
                share.cut_off.push(number);
                return Ok(share);
            };
            match status {
                200 => {
                    share.issued.push(number);
                    share.waited.saturating_record(u64::try_from(due.elapsed().as_micros())?);
                }
                // A bridge says 429 and leaves it to the terminal when to scan again.
                429 | 503 => {
                    let needs_a_time = matches!(self.target.request, Request::Holder(_));
                    ensure!(retry_after_s.is_some() || !needs_a_time, "busy, and no Retry-After");
                    share.shed.push((number, retry_after_s.unwrap_or(0)));
                }
                _ => bail!("it answers {status}: {}", String::from_utf8_lossy(&buffer)),
            }
        }
    }
}

impl Rushed {
    fn add(&mut self, other: Rushed) -> Result<()> {
        self.issued.extend(other.issued);
        self.shed.extend(other.shed);
        self.cut_off.extend(other.cut_off);
        self.unsent += other.unsent;
        self.waited.add(other.waited)?;
        Ok(())
    }
}

fn empty(next: u64) -> Result<Rushed> {
    Ok(Rushed {
        took: Duration::ZERO,
        issued: Vec::new(),
        shed: Vec::new(),
        unsent: 0,
        cut_off: Vec::new(),
        waited: Histogram::new_with_bounds(1, 60_000_000, 3)?,
        next,
    })
}

/// Reads one answer; its status, and its Retry-After in seconds.
async fn answer(from: &mut Box<dyn Stream>, buffer: &mut Vec<u8>) -> Result<(u16, Option<u32>)> {
    buffer.clear();
    loop {
        ensure!(from.read_buf(buffer).await? > 0, "the connection ended");
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = core::str::from_utf8(&buffer[..end])?;
        let field = |name: &str| {
            let mut fields = head.lines().filter_map(|line| line.split_once(": "));
            fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        };
        let status = head.get(9..12).context("a status")?.parse()?;
        let length: usize = field("content-length").context("a length")?.parse()?;
        let retry_after_s = field("retry-after").map(str::parse).transpose()?;
        while buffer.len() < end + 4 + length {
            ensure!(from.read_buf(buffer).await? > 0, "the connection ended");
        }
        return Ok((status, retry_after_s));
    }
}
