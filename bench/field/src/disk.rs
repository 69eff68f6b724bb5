//! Disks that fill up. A small one can be had in a namespace of one's own: a program runs itself again in one, and what
//! was mounted there is gone with it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Ways to a place where a disk may be mounted: root's, in which there are other users still, as PostgreSQL needs, and then
/// every user's.
const UNSHARE: [&[&str]; 2] = [&["--mount", "--"], &["--user", "--map-root-user", "--mount", "--"]];
/// Set for the one that runs within.
const WITHIN: &str = "HUFU_FIELD_WITHIN";

/// Whether this process runs where it may mount.
pub fn is_within() -> bool {
    std::env::var_os(WITHIN).is_some()
}

/// This program once more, where it may mount; arguments are the caller's to add.
///
/// # Errors
/// No disk can be mounted on this machine by this user.
pub fn within() -> Result<Command> {
    let works = |way: &&&[&str]| {
        Command::new("unshare").args(**way).arg("true").output().is_ok_and(|output| output.status.success())
    };
    let way = UNSHARE.iter().find(works);
    let way = way.context("no small disk can be mounted here: allow user namespaces, or run this as root")?;
    let mut command = Command::new("unshare");
    command.args(*way).arg(std::env::current_exe()?).env(WITHIN, "1");
    Ok(command)
}

/// A disk of its own in the place of a folder, which keeps what is in it.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts a disk of `size` (as `mount` reads it: `1m`) where the folder `path` was.
    ///
    /// # Errors
    /// It cannot be mounted, or what is in the folder does not fit.
    pub fn mount(path: PathBuf, size: &str) -> Result<SmallDisk> {
        let before = path.with_extension("before");
        fs::rename(&path, &before)?;
        fs::create_dir(&path)?;
        let options = format!("size={size},mode=700");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path))?;
        run(Command::new("cp").arg("-a").arg(before.join(".")).arg(&path))?;
        Ok(SmallDisk { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Until not even a page is free.
    ///
    /// # Errors
    /// The file that fills it cannot be made.
    pub fn fill(&self) -> Result<()> {
        let mut file = File::options().create(true).append(true).open(self.ballast())?;
        // Large pieces first: what a large one leaves free, small ones take.
        for size in [1 << 20, 4096] {
            let piece = vec![0; size];
            while file.write_all(&piece).is_ok() {}
        }
        Ok(())
    }

    /// Undoes [`fill`](Self::fill).
    ///
    /// # Errors
    /// The file that fills it is not there.
    pub fn make_room(&self) -> Result<()> {
        Ok(fs::remove_file(self.ballast())?)
    }

    /// The file that fills it.
    pub fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
