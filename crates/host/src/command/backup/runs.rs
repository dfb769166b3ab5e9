//! What each run of a backup wrote down of the members that it sent, for the run after a crash.
//!
//! ```text
//! JOB/members-1   the members of the first run, as central directory entries
//! JOB/members-2   those of the second, which begins where the parts of the first have arrived
//! JOB/runs.json   up to which place in the object each of them holds
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use holdfast_core::error::Error;

use crate::state::{job::JobFolder, local, write_whole};

/// The runs of one backup.
#[derive(Debug)]
pub(super) struct Runs {
    folder: PathBuf,
    /// Up to where each run's members hold, oldest first.
    limits: Vec<u64>,
}

impl Runs {
    /// Reads what earlier runs left.
    pub(super) fn open(job: &JobFolder) -> Self {
        let path = job.file("runs.json");
        let limits = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { folder: path.parent().map(Path::to_owned).unwrap_or_default(), limits }
    }

    /// Forgets them: what they sent is no part of what is made now.
    pub(super) fn clear(&mut self) -> Result<(), Error> {
        for number in 1..=self.limits.len() {
            let path = self.path(number);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(local("remove", &path, &error)),
                _ => {}
            }
        }
        self.limits.clear();
        self.write()
    }

    /// Begins a run whose stream begins at `arrived`: gives the file for its members, and those of
    /// earlier runs with the place up to which each holds. It is on disk before this run
    /// overwrites what lay behind that place.
    pub(super) fn begin(&mut self, arrived: u64) -> Result<(PathBuf, Vec<(PathBuf, u64)>), Error> {
        for limit in &mut self.limits {
            *limit = (*limit).min(arrived);
        }
        let earlier = self
            .limits
            .iter()
            .enumerate()
            .map(|(at, limit)| (self.path(at + 1), *limit))
            .filter(|(path, _)| path.exists())
            .collect();
        self.limits.push(u64::MAX);
        self.write()?;
        Ok((self.path(self.limits.len()), earlier))
    }

    /// The newest run's members.
    pub(super) fn newest(&self) -> PathBuf {
        self.path(self.limits.len())
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.join(format!("members-{number}"))
    }

    fn write(&self) -> Result<(), Error> {
        write_whole(&self.folder.join("runs.json"), &serde_json::to_vec(&self.limits).unwrap_or_default())
    }
}
