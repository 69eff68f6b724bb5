//! A share of a CPU for one process, so that a generator on the same machine can offer many times what it can do.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A process gets its share once in this time, microseconds: it rests for that long at most.
const PERIOD_US: u32 = 20_000;

/// A control group with a limit on CPU time. Dropping it gives the limit up.
#[derive(Debug)]
pub struct Share {
    group: PathBuf,
}

impl Share {
    /// Limits a process, all its threads together, to so many percent of one CPU (5 at least).
    ///
    /// # Errors
    /// Control groups of CPU time cannot be made here: it takes root, and version 1 or 2 mounted at `/sys/fs/cgroup`.
    pub fn limit(pid: u32, percent: u32) -> Result<Share> {
        let quota_us = PERIOD_US * percent.max(5) / 100;
        let (second, first) = (Path::new("/sys/fs/cgroup"), Path::new("/sys/fs/cgroup/cpu"));
        let name = format!("hufu-share-{pid}");
        let (group, settings) = if second.join("cgroup.controllers").is_file() {
            (second.join(name), vec![("cpu.max", format!("{quota_us} {PERIOD_US}"))])
        } else {
            let settings = vec![
                ("cpu.cfs_period_us", PERIOD_US.to_string()),
                ("cpu.cfs_quota_us", quota_us.to_string()),
            ];
            (first.join(name), settings)
        };
        fs::create_dir(&group)
            .with_context(|| format!("{}: a share of a CPU takes root", group.display()))?;
        let share = Share { group };
        for (file, value) in settings.iter().chain(&[("cgroup.procs", pid.to_string())]) {
            let file = share.group.join(file);
            fs::write(&file, value).with_context(|| format!("{} does not take {value}", file.display()))?;
        }
        Ok(share)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        // Its processes go to where all others are; an empty group can go. One that ended is gone already.
        let members = fs::read_to_string(self.group.join("cgroup.procs")).unwrap_or_default();
        if let Some(parent) = self.group.parent() {
            for pid in members.lines() {
                let _ = fs::write(parent.join("cgroup.procs"), pid);
            }
        }
        let _ = fs::remove_dir(&self.group);
    }
}
