//! A site of the size that backups are measured on: WordPress core, uploads and a database, from a
//! seed, kept in the cache; and nights in which a little of it changes.
//!
//! The pictures are bytes that do not compress, in the sizes that pictures have; the text is made of
//! few words, so that it compresses as text does.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::rows;
use crate::data::{self, Random};
use crate::{MariaDb, archive, binaries, wordpress};

/// What a cached site was made by: another number makes it anew.
const VERSION: u32 = 1;
const SEED: u64 = 20_261_123;

/// How large a site is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SiteSize {
    /// Its name in the cache.
    pub name: &'static str,
    /// Files in all, those of the core included.
    pub files: usize,
    /// Bytes of uploads.
    pub upload_bytes: u64,
    /// Bytes of SQL, about.
    pub sql_bytes: u64,
}

impl SiteSize {
    /// The site of the published figures.
    pub const FULL: Self = Self { name: "full", files: 6_720, upload_bytes: 600_000_000, sql_bytes: 147_000_000 };
    /// A tenth of it, for a look.
    pub const QUICK: Self = Self { name: "quick", files: 4_000, upload_bytes: 60_000_000, sql_bytes: 15_000_000 };
}

/// Where a night's changed rows and files lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Night {
    /// Nothing was sent before.
    First,
    /// 30 files of one folder and the newest 70 rows have changed: an ordinary day.
    Clustered,
    /// 30 files and 70 rows all over the site have changed: the worst day.
    Scattered,
}

/// Files that a night changes, and their bytes.
const CHANGED_FILES: usize = 30;
const CHANGED_FILE_BYTES: usize = 130_000;

/// A copy of a site that may be changed, with its database loaded.
#[derive(Debug)]
pub struct Site {
    size: SiteSize,
    root: PathBuf,
    database: MariaDb,
    random: Random,
    _dir: TempDir,
}

impl Site {
    /// Makes the site in the cache unless it is there, copies it and loads its database.
    ///
    /// # Errors
    /// When there is no room, or the database does not take it.
    pub fn start(size: SiteSize) -> io::Result<Self> {
        let cached = cached(size)?;
        let dir = tempfile::Builder::new().prefix("holdfast-site").tempdir()?;
        let root = dir.path().join("htdocs");
        wordpress::copy(&cached.join("htdocs"), &root)?;
        let database = MariaDb::start();
        let config = wordpress::prepare(&database, &root);
        fs::write(root.join("wp-config.php"), config)?;
        let status = Command::new("mariadb")
            .args(["--no-defaults", "--user=root", "--default-character-set=utf8mb4"])
            .arg(format!("--socket={}", database.socket().display()))
            .arg(wordpress::DB_NAME)
            .stdin(File::open(cached.join("database.sql"))?)
            .status()?;
        if !status.success() {
            return Err(io::Error::other(format!("loading the database ended with {status}")));
        }
        Ok(Self { size, root, database, random: Random::new(SEED + 1), _dir: dir })
    }

    /// The folder with wp-config.php.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its database server.
    pub fn database(&self) -> &MariaDb {
        &self.database
    }

    /// Changes 30 files (3.9 MB) and 70 rows, each time others' bytes; nothing on the first night.
    pub fn pass(&mut self, night: Night) -> io::Result<()> {
        if night == Night::First {
            return Ok(());
        }
        let uploads = upload_names(self.size);
        let stride = if night == Night::Clustered { 1 } else { uploads.len() / CHANGED_FILES };
        for name in uploads.iter().step_by(stride.max(1)).take(CHANGED_FILES) {
            fs::write(self.root.join(name), picture(&mut self.random, CHANGED_FILE_BYTES))?;
        }
        self.database.sql(wordpress::DB_NAME, &rows::changes(night == Night::Clustered, self.size.sql_bytes));
        Ok(())
    }
}

/// The cached site: `htdocs` without a wp-config.php, and `database.sql`.
fn cached(size: SiteSize) -> io::Result<PathBuf> {
    let dir = binaries::cache_dir().join(format!("bench-site-{}-{VERSION}", size.name));
    if dir.join("done").is_file() {
        return Ok(dir);
    }
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir_all(&dir)?;
    let root = dir.join("htdocs");
    wordpress::copy(&archive::wordpress_tree(), &root)?;
    let mut random = Random::new(SEED);
    let uploads = upload_names(size);
    write_uploads(&root, &uploads, size.upload_bytes, &mut random)?;
    let plugin_files = size.files.saturating_sub(count(&root)? + 1);
    write_plugin(&root.join("wp-content/plugins/forms"), plugin_files, &mut random)?;
    let mut sql = BufWriter::with_capacity(1 << 20, File::create(dir.join("database.sql"))?);
    rows::write(&mut sql, size.sql_bytes, &mut random)?;
    sql.flush()?;
    fs::write(dir.join("done"), "")?;
    Ok(dir)
}

/// `wp-content/uploads/2024/01/photo-0001.jpg` and so on: 84 in a hundred of the files beside the core.
fn upload_names(size: SiteSize) -> Vec<String> {
    let count = size.files.saturating_sub(3_700) * 84 / 100;
    let months = 24;
    let in_month = count.div_ceil(months).max(1);
    let name = |n: usize| {
        let month = n / in_month;
        format!("wp-content/uploads/{}/{:02}/photo-{n:04}.jpg", 2025 + month / 12, month % 12 + 1)
    };
    (0..count).map(name).collect()
}

/// A third are thumbnails of some 12 KB, half are of some 150 KB, the rest are originals of up to some MB;
/// then all are scaled so that the sum is right.
fn write_uploads(root: &Path, names: &[String], bytes: u64, random: &mut Random) -> io::Result<()> {
    let mut sizes: Vec<u64> = Vec::with_capacity(names.len());
    for _ in names {
        sizes.push(match random.below(6) {
            0 | 1 => 4_000 + random.below(16_000),
            2..=4 => 40_000 + random.below(220_000),
            _ => 400_000 + random.below(1_600_000),
        });
    }
    let sum: u64 = sizes.iter().sum();
    for (name, size) in names.iter().zip(sizes) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        let len = (u128::from(size) * u128::from(bytes) / u128::from(sum.max(1))) as usize;
        fs::write(path, picture(random, len))?;
    }
    Ok(())
}

/// Bytes that begin and end as a JPEG does and are as incompressible in between.
fn picture(random: &mut Random, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len.max(8)];
    random.fill(&mut bytes);
    bytes[..4].copy_from_slice(&[0xff, 0xd8, 0xff, 0xe0]);
    let end = bytes.len() - 2;
    bytes[end..].copy_from_slice(&[0xff, 0xd9]);
    bytes
}

/// A plugin: PHP and JavaScript of some KB each.
fn write_plugin(dir: &Path, files: usize, random: &mut Random) -> io::Result<()> {
    for n in 0..files {
        let folder = dir.join(format!("includes/part-{:02}", n / 40));
        fs::create_dir_all(&folder)?;
        let extension = if n % 4 == 0 { "js" } else { "php" };
        let len = 500 + random.below(12_000) as usize;
        let mut text = format!("<?php\n/** File {n} */\n");
        while text.len() < len {
            rows::sentence(&mut text, random);
            text.push('\n');
        }
        fs::write(folder.join(format!("class-{n:04}.{extension}")), text)?;
    }
    Ok(())
}

fn count(dir: &Path) -> io::Result<usize> {
    let mut files = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        files += if entry.file_type()?.is_dir() { count(&entry.path())? } else { 1 };
    }
    Ok(files)
}

/// The bytes of all its files, for the report.
pub(super) fn file_bytes(site: &Site) -> u64 {
    data::disk_usage(&site.root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uploads_have_the_bytes_that_were_asked_for() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let size = SiteSize { files: 3_800, ..SiteSize::QUICK };
        let names = upload_names(size);
        assert_eq!(names.len(), 84);
        write_uploads(dir.path(), &names, 5_000_000, &mut Random::new(1)).expect("writable");
        let bytes = data::disk_usage(dir.path());
        assert!((4_999_000..=5_000_000).contains(&bytes), "{bytes}");
    }
}
