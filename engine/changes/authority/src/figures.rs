//! What engines say on their metrics pages (OpenMetrics).

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use hufu_files::unavailable;
use hufu_wire::{IssuerId, Sequence};

/// How long an engine may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Far more than a page has.
const PAGE_BYTES_MAX: u64 = 8 << 20;

/// The metrics page of an engine at `http://HOST:PORT`, over HTTP/1.0 (RFC 1945): no client is needed for one request
/// to a machine of one's own.
///
/// # Errors
/// The engine does not answer, or has no such page.
pub fn page(engine: &str) -> anyhow::Result<String> {
    let rest = engine.strip_prefix("http://").unwrap_or(engine);
    ensure!(!rest.contains("://"), "metrics pages are plain HTTP: write http://HOST:PORT");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = if path.is_empty() { "metrics" } else { path };
    let port = host.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    ensure!(port.is_some(), "write the address of its metrics page, http://HOST:PORT");
    let address = host.to_socket_addrs().map_err(unavailable)?.next().context("no such host")?;
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT).map_err(unavailable)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    write!(stream, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n").map_err(unavailable)?;
    let mut answer = Vec::new();
    stream.take(PAGE_BYTES_MAX).read_to_end(&mut answer).map_err(unavailable)?;
    let answer = String::from_utf8_lossy(&answer);
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { bail!("the answer is not an HTTP page") };
    ensure!(head.split(' ').nth(1) == Some("200"), "the engine has no such page");
    Ok(body.to_owned())
}

/// The sequence and the chain digest, hexadecimal, up to which an engine has followed an issuer.
pub fn followed(page: &str, issuer: IssuerId) -> Option<(Sequence, String)> {
    let issuer = format!("issuer=\"{issuer}\"");
    let line = |name: &str| {
        page.lines().find_map(|line| {
            let (labels, value) = line.strip_prefix(name)?.strip_prefix('{')?.split_once("} ")?;
            labels.split(',').any(|label| label == issuer).then_some((labels, value))
        })
    };
    let (_, sequence) = line("hufu_follow_sequence")?;
    let (labels, _) = line("hufu_follow_digest_info")?;
    let digest = labels.split(',').find_map(|label| label.strip_prefix("digest=\"")?.strip_suffix('"'))?;
    Some((Sequence(sequence.trim().parse().ok()?), digest.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_where_an_issuer_is() {
        let page = "# HELP hufu_follow_sequence x\n# TYPE hufu_follow_sequence gauge\n\
                    hufu_follow_sequence{issuer=\"1\"} 7\nhufu_follow_sequence{issuer=\"12\"} 9\n\
                    hufu_follow_digest_info{issuer=\"1\",digest=\"ab\"} 1\n\
                    hufu_follow_digest_info{issuer=\"12\",digest=\"cd\"} 1\n# EOF\n";
        assert_eq!(followed(page, IssuerId(1)), Some((Sequence(7), "ab".to_owned())));
        assert_eq!(followed(page, IssuerId(12)), Some((Sequence(9), "cd".to_owned())));
        assert_eq!(followed(page, IssuerId(2)), None);
    }
}
