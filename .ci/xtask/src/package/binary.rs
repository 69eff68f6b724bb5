//! The binary that is packed: which machine it is for, and what it needs there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::process::output_of;

/// A dynamically linked program.
pub(crate) struct Binary {
    pub(crate) bytes: Vec<u8>,
    /// As Debian and OCI name it: `amd64`, `arm64`.
    pub(crate) architecture: &'static str,
    /// Shared libraries and their loader, where they are on this machine.
    pub(crate) libraries: Vec<PathBuf>,
    /// The loader among them.
    pub(crate) loader: PathBuf,
    /// What a Debian package with it depends on.
    pub(crate) depends: String,
    /// The compiler, as it has written itself into the binary; empty when that was stripped.
    pub(crate) compiler: String,
}

impl Binary {
    /// Reads `path` and asks `ldd` and `readelf` about it.
    pub(crate) fn read(path: &Path) -> Result<Binary> {
        let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let architecture = match bytes.get(..20) {
            Some([0x7f, b'E', b'L', b'F', .., 62, 0]) => "amd64",
            Some([0x7f, b'E', b'L', b'F', .., 183, 0]) => "arm64",
            _ => bail!("{} is no ELF program for x86-64 or arm64", path.display()),
        };
        let libraries = libraries(&output_of(Command::new("ldd").arg(path))?)?;
        let is_loader = |file: &&PathBuf| file_name(file).starts_with("ld-linux");
        let loader = libraries.iter().find(is_loader).context("ldd names no loader")?.clone();
        let versions = output_of(Command::new("readelf").args(["--wide", "--version-info"]).arg(path))?;
        let depends = depends(&libraries, &versions)?;
        let comment = output_of(Command::new("readelf").args(["--string-dump", ".comment"]).arg(path))?;
        let compiler =
            comment.lines().find_map(|line| line.split_once("] ")?.1.trim().strip_prefix("rustc version "));
        let compiler = compiler.unwrap_or_default().to_owned();
        Ok(Binary { bytes, architecture, libraries, loader, depends, compiler })
    }

    /// Names and versions of crates whose files the binary names: where a panic would be.
    pub(crate) fn crates(&self) -> Vec<String> {
        let marker = b"index.crates.io-";
        let mut found: Vec<String> = Vec::new();
        let mut rest = self.bytes.as_slice();
        while let Some(at) = rest.windows(marker.len()).position(|window| window == marker) {
            rest = &rest[at + marker.len()..];
            let mut parts = rest.splitn(3, |byte| *byte == b'/');
            if let (Some(_), Some(name), Some(_)) = (parts.next(), parts.next(), parts.next())
                && name.len() < 100
            {
                found.push(String::from_utf8_lossy(name).into_owned());
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

/// The SHA-256 of `bytes`, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The files that `ldd` names, sorted.
fn libraries(told: &str) -> Result<Vec<PathBuf>> {
    let mut libraries = Vec::new();
    for line in told.lines().map(str::trim).filter(|line| !line.starts_with("linux-vdso")) {
        ensure!(!line.ends_with("not found"), "this machine lacks a library of the binary: {line}");
        let file = line.split_once(" => ").map_or(line, |(_, file)| file);
        let file = file.split_once(" (").map_or(file, |(file, _)| file);
        ensure!(file.starts_with('/'), "ldd printed {line:?}; only dynamically linked programs are packed");
        libraries.push(PathBuf::from(file));
    }
    libraries.sort();
    Ok(libraries)
}

/// The Debian packages that have `libraries`; the oldest libc6 that has every symbol of `versions`.
fn depends(libraries: &[PathBuf], versions: &str) -> Result<String> {
    for file in libraries {
        let name = file_name(file);
        let known = ["libc.so.", "libm.so.", "libgcc_s.so.", "ld-linux"];
        ensure!(
            known.iter().any(|known| name.starts_with(known)),
            "which Debian package has {name}? Say it in binary.rs"
        );
    }
    let needed = versions.split("Name: GLIBC_").skip(1).filter_map(|rest| {
        let (major, minor) = rest.split_whitespace().next()?.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.split('.').next()?.parse::<u32>().ok()?))
    });
    let (major, minor) = needed.max().context("readelf names no version of the C library")?;
    let gcc = libraries.iter().any(|file| file_name(file).starts_with("libgcc_s."));
    Ok(format!("libc6 (>= {major}.{minor}){}", if gcc { ", libgcc-s1" } else { "" }))
}

fn file_name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LDD: &str = "\tlinux-vdso.so.1 (0x00007fa2)\n\tlibgcc_s.so.1 => /lib/x86_64-linux-gnu/libgcc_s.so.1 (0x1)\n\
                       \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x2)\n\t/lib64/ld-linux-x86-64.so.2 (0x3)\n";

    #[test]
    fn the_newest_symbol_says_which_libc_is_needed() {
        let libraries = libraries(LDD).unwrap();
        let files = [
            "/lib/x86_64-linux-gnu/libc.so.6",
            "/lib/x86_64-linux-gnu/libgcc_s.so.1",
            "/lib64/ld-linux-x86-64.so.2",
        ];
        assert_eq!(libraries, files.map(PathBuf::from));
        let versions = "  0x00c0:   Name: GLIBC_2.9  Flags: none  Version: 5\n  0x00d0:   Name: GLIBC_2.34  Flags: none\n\
                        Name: GCC_4.2.0\n Name: GLIBC_2.3.4  Flags";
        assert_eq!(depends(&libraries, versions).unwrap(), "libc6 (>= 2.34), libgcc-s1");
    }

    #[test]
    fn what_is_unknown_or_missing_is_refused() {
        assert!(libraries("\tlibz.so.1 => not found\n").is_err());
        assert!(libraries("\tstatically linked\n").is_err());
        assert!(depends(&["/lib/libz.so.1".into()], "Name: GLIBC_2.34 ").is_err());
        assert!(depends(&["/lib/libc.so.6".into()], "").is_err());
    }
}
