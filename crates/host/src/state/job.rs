//! A job's folder: what it is, what it has done, who works on it.

use std::{
    fs,
    io::{self, Read as _},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use holdfast_core::{
    error::{Error, Kind},
    job::{Base, Target},
    journal::Record,
    name::Key,
    report::Outcome,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{StateDir, journal::Journal, local, write_whole};

/// Finished jobs that are remembered; older ones are forgotten first.
const KEPT: usize = 100;

/// What a job is: everything that a later run needs to continue it, and nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobFile {
    /// Of this file's form.
    pub version: u32,
    /// Names the run that the journal belongs to.
    pub run: String,
    /// Upload or download.
    pub direction: Direction,
    /// The local file.
    pub path: PathBuf,
    /// What the local file was when the run began; of a download, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// Where the object is or will be.
    pub target: Target,
    /// Its key.
    pub key: Key,
    /// Seconds since 1970.
    pub begun_at: u64,
    /// What a backup builds on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
}

/// Which way the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // their names say it
pub enum Direction {
    Upload,
    Download,
    Backup,
}

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Bytes.
    pub len: u64,
    /// Nanoseconds since 1970.
    pub mtime_ns: i128,
    /// Nanoseconds since 1970.
    pub ctime_ns: i128,
}

impl Fingerprint {
    /// Of an open file.
    #[must_use]
    pub fn of(metadata: &fs::Metadata) -> Self {
        let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            len: metadata.len(),
            mtime_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether an upload of the one can go on with the other. A moved, copied back or re-owned
    /// file is the same archive: every part that is kept is hashed again anyway.
    #[must_use]
    pub fn continues(&self, earlier: &Self) -> bool {
        self.len == earlier.len && self.mtime_ns == earlier.mtime_ns
    }
}

/// A job's folder, locked by us.
#[derive(Debug)]
pub struct JobFolder {
    /// Names the job; the same for every run that sends to the same object.
    pub id: String,
    path: PathBuf,
    // The lock ends with the file.
    _lock: fs::File,
}

/// A job as `job list` shows it.
#[derive(Debug)]
pub struct Listed {
    /// Names the job.
    pub id: String,
    /// What it is.
    pub file: JobFile,
    /// Where it stands.
    pub standing: Standing,
    /// What it has done.
    pub records: Vec<Record>,
    /// What its last run failed of, if it did.
    pub error: Option<Error>,
}

/// Where a job stands.
#[derive(Debug)]
pub enum Standing {
    /// A run works on it now.
    Running,
    /// It ended.
    Ended(Outcome),
    /// Its run died, or was stopped; a new run continues it.
    Interrupted,
}

impl JobFolder {
    /// Locks the folder of the job that moves this object, making it when needed.
    ///
    /// # Errors
    /// When another run holds it, or it cannot be made.
    pub fn lock(state: &StateDir, direction: Direction, target: &Target, key: &Key) -> Result<Self, Error> {
        let direction_letter = match direction {
            Direction::Upload => 'u',
            Direction::Download => 'd',
            Direction::Backup => 'b',
        };
        let name = format!("{direction_letter} {} {} {key}", target.endpoint, target.bucket);
        let id = format!("{direction_letter}{}", &hex::encode(Sha256::digest(name))[..11]);
        Self::lock_id(state, &id, true)
    }

    /// Locks an existing job's folder.
    ///
    /// # Errors
    /// When there is none, or another run holds it.
    pub fn lock_existing(state: &StateDir, id: &str) -> Result<Self, Error> {
        check_id(id)?;
        Self::lock_id(state, id, false)
    }

    fn lock_id(state: &StateDir, id: &str, make: bool) -> Result<Self, Error> {
        let path = state.jobs().join(id);
        if make {
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(local("make the job's folder", &path, &error));
                }
                _ => {}
            }
        } else if !path.is_dir() {
            return Err(unknown(id));
        }
        let lock_path = path.join("lock");
        let lock = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock_path)
            .map_err(|error| local("open the job's lock", &lock_path, &error))?;
        // `job list` holds the lock for a moment when it looks who does.
        let mut tries = 0;
        let locked = loop {
            match lock.try_lock() {
                Err(fs::TryLockError::WouldBlock) if tries < 5 => {
                    tries += 1;
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
                other => break other,
            }
        };
        match locked {
            Ok(()) => Ok(Self { id: id.to_owned(), path, _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => {
                let what = format!("another run is working on job {id}");
                Err(Error::new(Kind::Locked, what)
                    .hint(format!("wait for it, or stop it; `holdfast job show {id}` shows where it stands")))
            }
            Err(fs::TryLockError::Error(error)) => Err(local("lock", &lock_path, &error)),
        }
    }

    /// What the job was, if an earlier run wrote it down whole.
    #[must_use]
    pub fn read(&self) -> Option<JobFile> {
        read_json(&self.path.join("job.json"))
    }

    /// How the job ended, if it did.
    #[must_use]
    pub fn report(&self) -> Option<Outcome> {
        read_json(&self.path.join("report.json"))
    }

    /// Writes down what the job is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, file: &JobFile) -> Result<(), Error> {
        write_whole(&self.path.join("job.json"), &serde_json::to_vec_pretty(file).unwrap_or_default())
    }

    /// Writes down how it ended.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(&self, outcome: &Outcome) -> Result<(), Error> {
        write_whole(&self.path.join("report.json"), &serde_json::to_vec_pretty(outcome).unwrap_or_default())
    }

    /// Writes down what a run failed of that a later one may continue: `job show` and `explain`
    /// tell it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn failed(&self, error: &Error) -> Result<(), Error> {
        write_whole(&self.path.join("error.json"), &serde_json::to_vec_pretty(error).unwrap_or_default())
    }

    /// Opens the journal, with the records of earlier runs.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn journal(&self) -> Result<(Journal, super::journal::Read), Error> {
        // A run that begins or goes on has not ended.
        for stale in ["report.json", "error.json"] {
            let _ = fs::remove_file(self.path.join(stale));
        }
        Journal::open(&self.path.join("journal"))
    }

    /// The records of earlier runs, without opening the journal to write.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        Journal::peek(&self.path.join("journal")).records
    }

    /// A file of the job's own.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Forgets the job.
    ///
    /// # Errors
    /// When its folder cannot be removed.
    pub fn remove(self) -> Result<(), Error> {
        fs::remove_dir_all(&self.path).map_err(|error| local("remove", &self.path, &error))
    }
}

/// Every job, newest first.
///
/// # Errors
/// When the folder cannot be read.
pub fn list(state: &StateDir) -> Result<Vec<Listed>, Error> {
    let folder = state.jobs();
    let entries = fs::read_dir(&folder).map_err(|error| local("read", &folder, &error))?;
    let mut jobs: Vec<Listed> =
        entries.filter_map(|entry| show(state, entry.ok()?.file_name().to_str()?).ok()).collect();
    jobs.sort_by(|a, b| b.file.begun_at.cmp(&a.file.begun_at).then_with(|| a.id.cmp(&b.id)));
    Ok(jobs)
}

/// One job.
///
/// # Errors
/// When there is none of that id.
pub fn show(state: &StateDir, id: &str) -> Result<Listed, Error> {
    check_id(id)?;
    let path = state.jobs().join(id);
    let file: JobFile = read_json(&path.join("job.json")).ok_or_else(|| unknown(id))?;
    let records = Journal::peek(&path.join("journal")).records;
    let standing = match read_json(&path.join("report.json")) {
        Some(outcome) => Standing::Ended(outcome),
        None if is_locked(&path.join("lock")) => Standing::Running,
        None => Standing::Interrupted,
    };
    let error = match &standing {
        Standing::Ended(Outcome::Failed(error)) => Some(error.clone()),
        Standing::Ended(Outcome::Done(_)) => None,
        Standing::Running | Standing::Interrupted => read_json(&path.join("error.json")),
    };
    Ok(Listed { id: id.to_owned(), file, standing, records, error })
}

/// Forgets the oldest of the jobs that ended.
///
/// # Errors
/// When the folder cannot be read.
pub fn forget_old(state: &StateDir) -> Result<(), Error> {
    let ended = list(state)?.into_iter().filter(|job| matches!(job.standing, Standing::Ended(_)));
    for job in ended.skip(KEPT) {
        if let Ok(folder) = JobFolder::lock_existing(state, &job.id) {
            folder.remove()?;
        }
    }
    Ok(())
}

/// A name for a run: 128 random bits.
///
/// # Errors
/// When the system gives no entropy.
pub fn random_run() -> Result<String, Error> {
    let mut bytes = [0; 16];
    let path = Path::new("/dev/urandom");
    fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| local("read", path, &error))?;
    Ok(hex::encode(bytes))
}

/// Seconds since 1970.
#[must_use]
pub fn now_s() -> u64 {
    std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Whether a text looks like a job's id.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.strip_prefix(['u', 'd', 'b']).is_some_and(|rest| is_hex(rest, 11))
}

/// Whether a text looks like a run's name.
#[must_use]
pub fn is_run(text: &str) -> bool {
    is_hex(text, 32)
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
}

/// A job's id is a letter and hex digits: anything else could leave the folder of the jobs.
fn check_id(id: &str) -> Result<(), Error> {
    if is_id(id) {
        Ok(())
    } else {
        Err(Error::new(Kind::Config, format!("{id:?} is not a job's id")).hint("`holdfast job list` shows them"))
    }
}

fn unknown(id: &str) -> Error {
    Error::new(Kind::NoSuchKey, format!("there is no job {id}")).hint("`holdfast job list` shows those there are")
}

fn is_locked(path: &Path) -> bool {
    fs::File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
