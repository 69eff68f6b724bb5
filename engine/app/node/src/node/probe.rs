//! What `serve --check` tries out: whether the state folder can be written and the addresses can be served. Nothing
//! stays behind, and an engine that runs on them notices nothing.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::net::{TcpListener, UdpSocket};
use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use crate::config::Listen;

/// Whether an engine runs on the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Folder {
    Free,
    InUse,
}

/// Tries to write in a state folder, or to make it where it is missing.
///
/// # Errors
/// It cannot be written.
pub(super) fn folder(folder: &Path, lock: &Path) -> anyhow::Result<Folder> {
    let cannot =
        || format!("cannot write in the state folder {}; `state` in [files] names it", folder.display());
    let there =
        folder.ancestors().map(|path| if path.as_os_str().is_empty() { Path::new(".") } else { path });
    let there = there.into_iter().find(|path| path.exists()).unwrap_or(folder);
    // A folder, because an engine makes one for each issuer that it follows.
    let probe = tempfile::Builder::new().prefix(".hufu-check.").tempdir_in(there).with_context(cannot)?;
    std::fs::write(probe.path().join("probe"), b"probe").with_context(cannot)?;
    probe.close().with_context(cannot)?;
    match File::open(lock).map(|lock| lock.try_lock_shared()) {
        Ok(Err(TryLockError::WouldBlock)) => Ok(Folder::InUse),
        Ok(Ok(())) => Ok(Folder::Free),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Folder::Free),
        Ok(Err(TryLockError::Error(error))) | Err(error) => Err(error).with_context(cannot),
    }
}

/// Tries whether the addresses can be served. Those of an engine that runs on the same folder are its own.
///
/// # Errors
/// One of them is not this machine's, or another process has it.
pub(super) fn addresses(listen: &Listen, state: Folder) -> anyhow::Result<()> {
    let udp = listen.udp.get_ref();
    for address in udp.iter() {
        let is_both = address.port() != 0 && listen.quic.iter().any(|quic| quic == address);
        ensure!(!is_both, "udp and quic in [listen] are both {address}; give them two ports");
        // The workers of one engine share this port, and `serve` refuses one that another process has.
        tried("udp", UdpSocket::bind(address).map(drop), state == Folder::InUse)?;
    }
    for address in listen.quic.iter() {
        tried("quic", UdpSocket::bind(address).map(drop), state == Folder::InUse)?;
    }
    for (key, address) in [("https", listen.https.0), ("metrics", listen.metrics.0)] {
        let Some(address) = address else { continue };
        tried(key, TcpListener::bind(address).map(drop), state == Folder::InUse)?;
    }
    Ok(())
}

fn tried(key: &str, bound: io::Result<()>, may_be_in_use: bool) -> anyhow::Result<()> {
    match bound {
        Err(error) if may_be_in_use && error.kind() == ErrorKind::AddrInUse => Ok(()),
        Err(error) if error.kind() == ErrorKind::AddrInUse => bail!(
            "the address of `{key}` in [listen] cannot be served: another process listens there; stop it, or write \
             another address"
        ),
        Err(error) => bail!("the address of `{key}` in [listen] cannot be served: {error}"),
        Ok(()) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    #[test]
    fn a9_a_state_folder_that_cannot_be_written_is_told() {
        let place = tempfile::tempdir().unwrap();
        let [state, file] = ["state", "file"].map(|name| place.path().join(name));
        let lock = state.join("lock");
        assert_eq!(folder(&state, &lock).unwrap(), Folder::Free, "it is made by whoever serves");
        assert!(!state.exists(), "and not by whoever looks");
        std::fs::write(&file, "no folder").unwrap();
        let error = folder(&file.join("state"), &lock).unwrap_err().to_string();
        assert!(error.contains("cannot write in the state folder"), "{error}");
        std::fs::create_dir(&state).unwrap();
        let held = File::create(&lock).unwrap();
        held.try_lock().unwrap();
        assert_eq!(folder(&state, &lock).unwrap(), Folder::InUse);
        assert_eq!(std::fs::read_dir(&state).unwrap().count(), 1, "nothing stays");
    }

    #[test]
    fn a9_an_address_that_cannot_be_served_is_told() {
        let free: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let taken = UdpSocket::bind(free).unwrap();
        let addr = taken.local_addr().unwrap();
        let listen = |udp: SocketAddr, quic: SocketAddr| Listen {
            udp: toml::Spanned::new(0..0, udp.into()),
            quic: quic.into(),
            metrics: hufu_files::settings::Somewhere(None),
            ..Listen::default()
        };
        assert!(addresses(&listen(free, free), Folder::Free).is_ok());
        for own in [listen(addr, free), listen(free, addr)] {
            assert!(addresses(&own, Folder::InUse).is_ok(), "the running engine's");
        }
        for (wrong, wanted) in [
            (listen(addr, free), "`udp` in [listen] cannot be served: another process listens there"),
            (listen(free, addr), "`quic` in [listen]"),
            (listen(addr, addr), "both"),
            (listen("192.0.2.1:0".parse().unwrap(), free), "`udp` in [listen]"),
        ] {
            let error = addresses(&wrong, Folder::Free).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
    }
}
