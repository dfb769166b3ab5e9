//! What is kept of a site between its backups: who it is, and what the last backup was.
//!
//! ```text
//! STATE/sites/NAME/site.json      id, folder in the bucket, last backup
//! STATE/sites/NAME/directory      the last backup's central directory
//! ```
//!
//! Losing it costs the next backup its head start, nothing else: the bucket has it all.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use holdfast_core::{error::Error, job::Target, name::Prefix, zip::Located};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{StateDir, local, write_whole};

/// A site, as one machine backs it up to one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteFile {
    /// Of this file's form; 1.
    pub version: u32,
    /// The site's id: 32 hex digits.
    pub id: String,
    /// Its folder below the prefix.
    pub folder: String,
    /// What is backed up: the root, or the database.
    pub origin: String,
    /// Where it goes.
    pub target: Target,
    /// Below what.
    pub prefix: Prefix,
    /// The last backup that was made from here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Last>,
}

/// A backup that was made from here, and is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// Its key.
    pub key: String,
    /// Its ETag.
    pub etag: String,
    /// Its length, in bytes.
    pub len: u64,
    /// Where its central directory begins.
    pub directory_offset: u64,
    /// Bytes in the central directory.
    pub directory_len: u64,
    /// Members.
    pub entries: u64,
    /// SHA-256 of the central directory, to know the copy by that is kept here.
    pub directory_sha256: String,
    /// Bytes of it that no member uses.
    pub dead: u64,
    /// Backups since it was last put together without dead bytes.
    pub nights: u32,
    /// Seconds since 1970.
    pub made_at: u64,
}

impl Last {
    /// Where the central directory is.
    #[must_use]
    pub fn located(&self) -> Located {
        let directory = holdfast_core::plan::Extent { offset: self.directory_offset, len: self.directory_len };
        Located { directory, entries: self.entries }
    }
}

/// The site's folder in the state folder.
#[derive(Debug)]
pub struct SiteFolder {
    path: PathBuf,
}

impl SiteFolder {
    /// The folder for what is backed up from `origin` to a prefix; it is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(state: &StateDir, target: &Target, prefix: &Prefix, origin: &str) -> Result<Self, Error> {
        let name = format!("{} {} {prefix} {origin}", target.endpoint, target.bucket);
        let path = state.path().join("sites").join(&hex::encode(Sha256::digest(name))[..16]);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .map_err(|error| local("make the site's folder", &path, &error))?;
        Ok(Self { path })
    }

    /// What is known of the site.
    #[must_use]
    pub fn read(&self) -> Option<SiteFile> {
        let file: SiteFile = serde_json::from_slice(&fs::read(self.path.join("site.json")).ok()?).ok()?;
        (file.version == 1).then_some(file)
    }

    /// Keeps what is known.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, file: &SiteFile) -> Result<(), Error> {
        write_whole(&self.path.join("site.json"), &serde_json::to_vec_pretty(file).unwrap_or_default())
    }

    /// Where the last backup's central directory is kept.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.path.join("directory")
    }

    /// Whether the central directory that is kept is still that of this backup.
    #[must_use]
    pub fn has_directory(&self, last: &Last) -> bool {
        sha256_of(&self.directory()).is_ok_and(|sum| sum == last.directory_sha256)
    }
}

/// Every site that was backed up from here.
#[must_use]
pub fn list(state: &StateDir) -> Vec<SiteFile> {
    let Ok(entries) = fs::read_dir(state.path().join("sites")) else { return Vec::new() };
    let folders = entries.filter_map(|entry| Some(SiteFolder { path: entry.ok()?.path() }));
    let mut files: Vec<SiteFile> = folders.filter_map(|folder| folder.read()).collect();
    files.sort_by(|a, b| a.folder.cmp(&b.folder).then_with(|| a.id.cmp(&b.id)));
    files
}

/// SHA-256 of a file, in hex digits.
///
/// # Errors
/// When it cannot be read.
pub fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let mut sha = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(hex::encode(sha.finalize())),
            n => sha.update(&buffer[..n]),
        }
    }
}
