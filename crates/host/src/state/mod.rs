//! The state folder: jobs in progress, their journals and locks, and what was learned of
//! endpoints. Nothing in it is secret, and it is nobody else's business all the same.
//!
//! ```text
//! STATE/                     0700
//!   endpoints.json           what was learned of each bucket's endpoint
//!   jobs/ID/job.json         what the job is
//!   jobs/ID/journal          what it has done, line by line
//!   jobs/ID/report.json      how it ended
//!   jobs/ID/error.json       what its last run failed of, when another can continue it
//!   jobs/ID/lock             held by the run that works on it
//!   sites/NAME/              what is kept of a site between its backups
//! ```

mod endpoints;
pub mod job;
pub mod journal;
pub mod site;

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

pub use endpoints::Endpoints;
use holdfast_core::error::{Error, Kind};

/// The folder.
#[derive(Debug, Clone)]
pub struct StateDir {
    path: PathBuf,
}

impl StateDir {
    /// Opens the folder that was given, else `$XDG_STATE_HOME/holdfast`, else
    /// `~/.local/state/holdfast`; makes it when it is not there.
    ///
    /// # Errors
    /// When it cannot be made, written, or belongs to someone else.
    pub fn open(given: Option<&Path>, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let path = match given {
            Some(path) => path.to_owned(),
            None => match (absolute("XDG_STATE_HOME"), absolute("HOME")) {
                (Some(base), _) => base.join("holdfast"),
                (None, Some(home)) => home.join(".local/state/holdfast"),
                (None, None) => {
                    return Err(Error::new(Kind::Config, "there is no place for the state folder")
                        .hint("set HOME, or name a folder with `--state-dir`"));
                }
            },
        };
        make_private(&path)?;
        make_private(&path.join("jobs"))?;
        // Absolute, so that what is remembered of it survives a change of directory.
        let path = fs::canonicalize(&path).map_err(|error| local("open the state folder", &path, &error))?;
        Ok(Self { path })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of the jobs.
    #[must_use]
    pub fn jobs(&self) -> PathBuf {
        self.path.join("jobs")
    }
}

fn make_private(path: &Path) -> Result<(), Error> {
    let what = "make the state folder";
    match fs::DirBuilder::new().recursive(true).mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) => return Err(local(what, path, &error).hint("name another with `--state-dir`")),
    }
    let metadata = fs::metadata(path).map_err(|error| local("open the state folder", path, &error))?;
    let me = rustix::process::geteuid().as_raw();
    if metadata.uid() != me {
        let what = format!("the state folder {} belongs to user {}, not to {me}", path.display(), metadata.uid());
        return Err(
            Error::new(Kind::Config, what).hint("run as that user, or name a folder of your own with `--state-dir`")
        );
    }
    if metadata.mode() & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .map_err(|error| local("make private", path, &error))?;
    }
    Ok(())
}

/// An error of this machine: a file that cannot be read, a disk that is full.
#[must_use]
pub fn local(verb: &str, path: &Path, error: &io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::PermissionDenied { Kind::Config } else { Kind::Local };
    let made = Error::new(kind, format!("cannot {verb} {}: {}", path.display(), plain(error)));
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            made.hint("make room on that file system; the job goes on from where it stands")
        }
        _ => made,
    }
}

/// An IO error without Rust's `(os error 28)`.
#[must_use]
pub fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}

/// Replaces a file as a whole: written beside it, on disk, then renamed.
///
/// # Errors
/// When any of that fails; the old file is then as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    use std::io::Write;
    let beside = path.with_extension("new");
    let write = || -> io::Result<()> {
        let mut file = private_file(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| local("write", path, &error))
}

fn private_file(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)
}
