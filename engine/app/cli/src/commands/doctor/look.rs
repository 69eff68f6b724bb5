//! What engines, registries and gates have in common: clocks, keys, certificates, trust lists, ports.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use hufu_codes::keyring::ListedKey;
use hufu_files as files;
use hufu_files::keys::{self, Owner, PublicKey};
use hufu_files::{moment, trust_list};
use hufu_signature::PreparedKey;
use hufu_transport::profile;
use hufu_wire::UnixSeconds;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};
use x509_parser::prelude::{CertificateRevocationList, FromDer as _};

use super::{Findings, State};
use crate::message;

/// No clock is right that is earlier: the project is younger.
const CLOCK_MIN: UnixSeconds = UnixSeconds(1_735_689_600);
/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// This machine's clock, and whether something keeps it.
pub(super) fn clock(findings: &mut Findings) {
    let now = moment::show(findings.now);
    let kept = [
        "/run/systemd/timesync/synchronized",
        "/run/chrony/chronyd.pid",
        "/run/chronyd.pid",
        "/run/ntpd.pid",
    ];
    let todo =
        "start a time service (systemd-timesyncd, chrony), unless the host of this machine keeps its clock";
    if findings.now < CLOCK_MIN {
        findings.add("clock", State::Bad, format!("{now} cannot be"), todo);
    } else if kept.iter().any(|path| Path::new(path).exists()) {
        findings.ok("clock", format!("{now}, kept by a time service"));
    } else {
        findings.add("clock", State::Look, format!("{now}, and no time service was found"), todo);
    }
}

/// A secret that only its owner may read.
pub(super) fn secret(findings: &mut Findings, what: &str, path: &Path) {
    match keys::ensure_private(path) {
        Ok(()) => findings.ok(what, format!("{}, for its owner alone", path.display())),
        Err(error) => {
            let todo = if path.is_file() {
                format!("chmod 600 {}", path.display())
            } else {
                "correct its path, or put the file back".to_owned()
            };
            findings.add(what, State::Bad, message::of(&error), todo);
        }
    }
}

/// The first certificate of a file.
pub(super) fn certificate(findings: &mut Findings, what: &str, path: &Path, todo: &str) {
    let read = || {
        let der = CertificateDer::from_pem_slice(&files::read_pem(path)?)
            .ok()
            .with_context(|| format!("{} has no certificate", path.display()))?;
        let (begin, end) = profile::read_validity(&der)?;
        anyhow::Ok((end, end.0.checked_sub(begin.0)))
    };
    if let Some((end, life_s)) = findings.read(what, read(), todo) {
        findings.end(format!("{what} {}", path.display()), end, life_s, todo);
    }
}

/// The revocation lists of a file.
pub(super) fn revocations(findings: &mut Findings, path: &Path) {
    let what = "revocation list";
    let todo = "hufu ca refresh, and copy crl.pem to every engine";
    let read = || {
        let lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&files::read_pem(path)?)
            .collect::<Result<_, _>>()
            .ok()
            .with_context(|| format!("{} has no revocation list", path.display()))?;
        let ends = lists.iter().map(|der| {
            let (_, list) = CertificateRevocationList::from_der(der).ok()?;
            u32::try_from(list.next_update()?.timestamp()).ok()
        });
        ends.min()
            .flatten()
            .map(UnixSeconds)
            .with_context(|| format!("{} has no list that says when the next one is due", path.display()))
    };
    if let Some(end) = findings.read(what, read(), todo) {
        findings.end(format!("{what} {}", path.display()), end, None, todo);
    }
}

/// The operator's key, the trust list, and the keys on it.
pub(super) fn trust(findings: &mut Findings, operator: &Path, list: &Path) {
    let todo = "copy operator.pub and the newest trust list from the operator";
    let read = || {
        let operator = PreparedKey::new(&PublicKey::load(operator, Owner::Operator)?.public)?;
        trust_list::open(list, &operator)
    };
    let Some(opened) = findings.read("trust list", read(), todo) else { return };
    match opened.next_by() {
        Some(next_by) => findings.end(
            format!("trust list {}, version {}", list.display(), opened.version()),
            next_by,
            None,
            "hufu keys trust refresh, and copy the list to every engine and registry",
        ),
        None => findings
            .ok("trust list", format!("{}, version {}, without an end", list.display(), opened.version())),
    }
    let now = findings.now;
    let in_use = opened.keys().iter().filter(|(_, key)| !key.revoked && key.from <= now);
    // Listed keys stay listed: what signs after them, without a gap, is what counts.
    let is_followed = |key: &ListedKey| {
        opened.keys().iter().any(|(_, next)| {
            next.issuer == key.issuer
                && !next.revoked
                && next.uses.contain(key.uses)
                && next.until > key.until
                && next.from.0 <= key.until.0.saturating_add(1)
        })
    };
    for (kid, key) in in_use.filter(|(_, key)| key.until.0 != u32::MAX && !is_followed(key)) {
        findings.end(
            format!("key {kid} of issuer {}", key.issuer),
            key.until,
            None,
            "hufu keys trust add for the issuer's next key",
        );
    }
}

/// Whether a server can listen at an address, or one does.
pub(super) fn port(findings: &mut Findings, what: &str, address: SocketAddr, is_udp: bool) {
    let bound =
        if is_udp { UdpSocket::bind(address).map(drop) } else { TcpListener::bind(address).map(drop) };
    let what = format!("{what} {address}");
    match bound {
        Ok(()) => findings.ok(what, "free"),
        Err(error) if error.kind() == ErrorKind::AddrInUse => findings.ok(what, "in use, as when it runs"),
        Err(error) => findings.add(
            what,
            State::Bad,
            error.to_string(),
            "write an address of this machine, and a port that it may use",
        ),
    }
}

/// Whether something listens at the host and port of a URL.
pub(super) fn reach(findings: &mut Findings, what: &str, url: &str, port: u16) {
    let place = url.split_once("://").map_or(url, |(_, place)| place);
    // First: a password before the @ is shown to nobody, whatever is in it.
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let place = place.split(['/', '?']).next().unwrap_or(place);
    let has_port = place.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let place = if has_port { place.to_owned() } else { format!("{place}:{port}") };
    let connect = || {
        let addresses = place.to_socket_addrs().with_context(|| format!("{place} cannot be looked up"))?;
        let tried: Vec<_> = addresses.map(|address| TcpStream::connect_timeout(&address, PATIENCE)).collect();
        let reached = tried.into_iter().reduce(Result::or).context("no address")?;
        reached.map(drop).with_context(|| place.clone())
    };
    let todo = "start it, or correct its address, the name service or the firewall";
    if findings.read(what, connect(), todo).is_some() {
        findings.ok(what, format!("{place} answers"));
    }
}

/// A file of a token or password.
pub(super) fn token(findings: &mut Findings, what: &str, path: &Path) {
    let Some(warning) =
        findings.read(what, keys::warning_if_shared(path), "hufu registry token new makes one")
    else {
        return;
    };
    match warning {
        None => findings.ok(what, format!("{}, for its owner alone", path.display())),
        Some(warning) => findings.add(what, State::Look, warning, format!("chmod 600 {}", path.display())),
    }
}
