//! An engine's files, addresses and feeds.

use std::path::Path;

use hufu_files::read_text;
use hufu_node::Config;
use hufu_node::config::{FeedPlace, Files, Follow};
use hufu_policy::Sites;
use hufu_table::Snapshot;

use super::look::{certificate, port, reach, revocations, secret, token, trust};
use super::{Findings, State};

/// Examines an engine.
pub(super) fn examine(path: &Path, findings: &mut Findings) {
    let what = "engine configuration";
    let Some(config) =
        findings.read(what, Config::load(path), "correct the line; docs/examples/engine.toml has every key")
    else {
        return;
    };
    findings.ok(what, path.display().to_string());
    files_of(&config.files, findings);
    for address in config.listen.udp.get_ref().iter() {
        port(findings, "UDP", address, true);
    }
    for address in config.listen.quic.iter() {
        port(findings, "QUIC", address, true);
    }
    if let Some(address) = config.listen.metrics.0 {
        port(findings, "metrics", address, false);
    }
    for follow in &config.follow {
        feed(follow, findings);
    }
}

fn files_of(files: &Files, findings: &mut Findings) {
    trust(findings, &files.operator_key, &files.trust_list);
    let renew = "hufu ca server --renew, and copy it here";
    certificate(findings, "engine certificate", &files.certificate, renew);
    secret(findings, "engine key", &files.key);
    certificate(
        findings,
        "certificate authority",
        &files.ca,
        "make a new certificate authority and issue everything again",
    );
    match &files.crl {
        Some(path) => revocations(findings, path),
        None => findings.add(
            "revocation list",
            State::Look,
            "none is named",
            "set crl, or no device can be revoked",
        ),
    }
    let name = files.sites.display().to_string();
    let sites = read_text(&files.sites).and_then(|text| Ok(Sites::parse(&text, &name)?));
    if findings.read("sites", sites, "correct the file, or write it again with hufu site export").is_some() {
        findings.ok("sites", name);
    }
    for path in &files.snapshots {
        let todo = "copy the snapshot again, or make one with hufu snapshot new";
        if let Some(snapshot) = findings.read("snapshot", Snapshot::open(path).map_err(Into::into), todo) {
            let info = snapshot.info();
            findings.ok(
                "snapshot",
                format!("{}: issuer {}, holders known: {}", path.display(), info.issuer, info.holders),
            );
        }
    }
    let keys = files.state.join("cluster.keys");
    if keys.exists() {
        secret(findings, "cluster keys", &keys);
    } else {
        let todo = format!(
            "hufu keys cluster new --state {}, or ask another engine for its keys",
            files.state.display()
        );
        findings.add("cluster keys", State::Bad, format!("{} is missing", keys.display()), todo);
    }
}

fn feed(follow: &Follow, findings: &mut Findings) {
    let what = format!("feed of issuer {}", follow.issuer.get_ref());
    match follow.feed.get_ref() {
        FeedPlace::Registry(url) => reach(findings, &what, url, 443),
        FeedPlace::Nats(servers) => {
            for server in servers.split(',') {
                reach(findings, &what, server.trim(), 4222);
            }
        }
        FeedPlace::Folder(folder) if folder.is_dir() => findings.ok(what, folder.display().to_string()),
        FeedPlace::Folder(folder) => {
            let found = format!("{} is no folder", folder.display());
            findings.add(what, State::Bad, found, "hufu checkpoint export fills one");
        }
    }
    for path in [&follow.token, &follow.user].into_iter().flatten() {
        token(findings, "token of the feed", path);
    }
    if let Some(path) = &follow.ca {
        certificate(findings, "certificate authority of the feed", path, "copy the registry's ca.pem again");
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use hufu_wire::UnixSeconds;

    use super::*;

    #[test]
    fn r50_each_server_of_a_feed_is_asked_by_itself() {
        let servers = [0, 0].map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
        let [one, other] = servers.each_ref().map(|server| server.local_addr().unwrap());
        let text = format!(
            "issuer = 1\nnational = 2\npublisher = 3\nfeed = \"tls://{one}, tls://{other}\"\nsnapshots = \"file:s\""
        );
        let mut findings = Findings { now: UnixSeconds(0), rows: Vec::new() };
        feed(&toml::from_str(&text).unwrap(), &mut findings);
        let rows: Vec<_> = findings.rows.iter().map(|row| (row.state, row.found.clone())).collect();
        assert_eq!(rows, [one, other].map(|server| (State::Ok, format!("{server} answers"))));
    }
}
