//! `holdfast backup` as the tests and the demo call it, and what it reports.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::tree::{self, Kind, Tree};
use crate::unzip::Reader;
use crate::wordpress::{DB_NAME, DB_PASSWORD, DB_USER};
use crate::{Finished, Holdfast, MariaDb, REGION, S3, SECRET};

/// Where backups go: one site's place on one server.
#[derive(Debug, Clone)]
pub struct Place {
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// What its keys begin with, `/` at its end.
    pub prefix: String,
}

/// What a backup said of itself at its end.
#[derive(Debug, Clone)]
pub struct Report {
    /// The object's key.
    pub key: String,
    /// Its length.
    pub len: u64,
    /// Bytes that travelled.
    pub bytes_sent: u64,
    /// Bytes that the server copied from an earlier object.
    pub bytes_copied: u64,
    /// The whole report.
    pub json: Value,
}

impl Place {
    /// A place on a server; the bucket must exist.
    pub fn new(endpoint: impl Into<String>, bucket: &str, prefix: &str) -> Self {
        Self { endpoint: endpoint.into(), bucket: bucket.into(), prefix: prefix.into() }
    }

    /// The same place by another way, such as through a proxy.
    #[must_use]
    pub fn through(&self, endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), ..self.clone() }
    }

    /// `s3://BUCKET/PREFIX/`.
    pub fn url(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    /// The command line that backs up a WordPress site.
    pub fn wp_root(&self, machine: &Holdfast, root: &Path) -> Vec<String> {
        self.backup(machine, &["--wp-root", &root.display().to_string()])
    }

    /// The command line that backs up a tree of files.
    pub fn files(&self, machine: &Holdfast, root: &Path) -> Vec<String> {
        self.backup(machine, &["--files", &root.display().to_string()])
    }

    /// The command line that backs up a database; see [`with_database_password`].
    pub fn database(&self, machine: &Holdfast, database: &MariaDb) -> Vec<String> {
        let host = format!("localhost:{}", database.socket().display());
        self.backup(machine, &["--database", "--db-host", &host, "--db-name", DB_NAME, "--db-user", DB_USER])
    }

    fn backup(&self, machine: &Holdfast, what: &[&str]) -> Vec<String> {
        let state = machine.state_dir().display().to_string();
        let (url, endpoint) = (self.url(), &*self.endpoint);
        let mut args = vec!["backup"];
        args.extend(what);
        args.extend([&*url, "--endpoint", endpoint, "--region", REGION, "--state-dir", &state, "--json"]);
        args.into_iter().map(str::to_owned).collect()
    }

    /// The backups that are there, oldest first: the objects below the prefix whose names end in `.zip`.
    pub fn backups(&self, s3: &S3) -> Vec<String> {
        let objects = s3.list(&self.bucket, &self.prefix).into_iter().map(|object| object.key);
        let mut keys: Vec<_> = objects.filter(|key| key.ends_with(".zip")).collect();
        keys.sort();
        keys
    }

    /// Gets a backup by the test bed's own client, as anybody could.
    pub fn fetch(&self, s3: &S3, key: &str, to: &Path) -> PathBuf {
        fs::write(to, s3.get(&self.bucket, key)).expect("writable");
        to.to_owned()
    }
}

impl Report {
    /// The report of a run that has made a backup.
    ///
    /// # Panics
    /// With all the run's output when there is none.
    #[track_caller]
    pub fn of(finished: &Finished) -> Self {
        let last = finished.stdout.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok());
        let last = last.unwrap_or_else(|| panic!("no JSON: {finished}"));
        let json = if last["report"].is_object() { last["report"].clone() } else { last };
        let number = |name: &str| json[name].as_u64().unwrap_or_else(|| panic!("no `{name}` in {json}\n{finished}"));
        let key = json["key"].as_str().unwrap_or_else(|| panic!("no `key` in {json}\n{finished}")).to_owned();
        let (len, bytes_sent, bytes_copied) = (number("len"), number("bytes_sent"), number("bytes_copied"));
        Self { key, len, bytes_sent, bytes_copied, json }
    }
}

/// A machine whose environment holds the site's database password.
#[must_use]
pub fn with_database_password(machine: Holdfast) -> Holdfast {
    machine.env("HOLDFAST_DB_PASSWORD", DB_PASSWORD)
}

/// How a backup differs from the tree that was backed up, read as docs/backup-format.md says it and by
/// none of our own code: to the nanosecond, with every mode bit, each digest checked against the bytes.
/// Empty when it does not.
///
/// # Panics
/// When it is no backup.
pub fn exact_differences(zip: &Path, packed: &Tree) -> String {
    let mut found = Reader::RustZip.read(zip).unwrap_or_else(|error| panic!("{error}")).tree;
    for entry in entries(&fs::read(zip).expect("readable")) {
        let facts = found.get_mut(&entry.name).unwrap_or_else(|| panic!("no {}", tree::shown(&entry.name)));
        facts.mtime_ns = entry.mtime_ns;
        facts.mode = if facts.kind == Kind::Symlink { 0 } else { entry.mode & 0o7777 };
        let content = match (&facts.sha256, &facts.target) {
            (Some(sha256), _) => sha256.clone(),
            (None, target) => hex::encode(Sha256::digest(target.as_deref().unwrap_or_default())),
        };
        if entry.sha256 != content {
            facts.sha256 = Some(format!("{} in the private field, {content} in truth", entry.sha256));
        }
    }
    let is_kept = |facts: &tree::Facts| matches!(facts.kind, Kind::File | Kind::Directory | Kind::Symlink);
    let packed = packed.iter().filter(|(_, facts)| is_kept(facts)).map(|(name, facts)| (name.clone(), facts.clone()));
    tree::diff(&packed.collect(), &tree::under(&found, b"files/"))
}

/// What the central directory says of a member beyond what common readers show.
struct Entry {
    name: Vec<u8>,
    mode: u32,
    mtime_ns: i128,
    sha256: String,
}

/// The entries of a backup's central directory, by hand.
fn entries(zip: &[u8]) -> Vec<Entry> {
    let mut at = zip.len() - central_directory_len(zip) as usize;
    let two = |at: usize| usize::from(u16::from_le_bytes([zip[at], zip[at + 1]]));
    let mut found = Vec::new();
    while zip[at..].starts_with(b"PK\x01\x02") {
        let (name_len, extra_len, comment_len) = (two(at + 28), two(at + 30), two(at + 32));
        let mut name = zip[at + 46..at + 46 + name_len].to_vec();
        name.pop_if(|last| *last == b'/');
        let extra = at + 46 + name_len;
        let private = private_field(&zip[extra..extra + extra_len]);
        let private = private.unwrap_or_else(|| panic!("no private field: {}", tree::shown(&name)));
        let nanoseconds = u32::from_le_bytes(private[2..6].try_into().expect("four bytes"));
        let seconds = i64::from_le_bytes(private[6..14].try_into().expect("eight bytes"));
        found.push(Entry {
            name,
            mode: two(at + 40) as u32,
            mtime_ns: i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds),
            sha256: hex::encode(&private[42..74]),
        });
        at = extra + extra_len + comment_len;
    }
    found
}

/// The field `HF` of a central header's extra fields.
fn private_field(mut extra: &[u8]) -> Option<&[u8]> {
    while let [a, b, c, d, rest @ ..] = extra {
        let len = usize::from(u16::from_le_bytes([*c, *d]));
        if u16::from_le_bytes([*a, *b]) == 0x4648 {
            return rest.get(..len).filter(|field| field.len() >= 74);
        }
        extra = rest.get(len..)?;
    }
    None
}

/// The length of a zip's central directory with all that follows it: what every backup has to send.
pub fn central_directory_len(zip: &[u8]) -> u64 {
    let end = zip.windows(4).rposition(|four| four == b"PK\x05\x06").expect("an end of central directory");
    let field = |at: usize| u32::from_le_bytes(zip[at..at + 4].try_into().expect("four bytes"));
    let start = field(end + 16);
    // All ones: the true one stands in the zip64 record, to which a locator before the end points.
    let start = if start == u32::MAX {
        let eight = |at: usize| u64::from_le_bytes(zip[at..at + 8].try_into().expect("eight bytes"));
        let record = eight(end - 20 + 8) as usize;
        eight(record + 48)
    } else {
        u64::from(start)
    };
    zip.len() as u64 - start
}

/// Loads a backup's dump into a new database, as a person would: `cat database/*.sql | mariadb`. The
/// members come out of the zip by `unzip`, in the order of their names.
///
/// # Panics
/// When the dump does not load.
pub fn load_dump(zip: &Path, database: &MariaDb, db: &str) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let script = "set -eu -o pipefail; unzip -q \"$1\" 'database/*' -d \"$2\"; cd \"$2\"; \
                  cat database/*.sql | mariadb --no-defaults --user=root --socket=\"$3\" --binary-mode \"$4\"";
    database.sql("", &format!("CREATE DATABASE `{db}` DEFAULT CHARACTER SET utf8mb4"));
    let output = Command::new("bash")
        .args(["-c", script, "load"])
        .args([zip, dir.path(), database.socket()])
        .arg(db)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// How what a reader extracts differs from the tree that was backed up; empty when it does not.
pub fn differences(reader: Reader, zip: &Path, packed: &Tree) -> String {
    let found = reader.read(zip).unwrap_or_else(|error| panic!("{error}"));
    let text = reader.differences(packed, &tree::under(&found.tree, b"files/"));
    if text.is_empty() { text } else { format!("{reader}:\n{text}\n{}", found.said) }
}

/// The policy that allows a key nothing but to read below a prefix.
pub fn read_only_policy(bucket: &str, prefix: &str) -> Value {
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": [format!("arn:aws:s3:::{bucket}")] },
            { "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": [format!("arn:aws:s3:::{bucket}/{prefix}*")] },
        ],
    })
}

/// A second key's secret for tests of permissions; the sentinel stays the root's.
pub fn other_secret() -> String {
    SECRET.chars().rev().collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use super::*;

    #[test]
    fn the_central_directory_is_what_follows_the_members() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("name", zip::write::SimpleFileOptions::default()).expect("in memory");
        zip.write_all(&crate::data::bytes(1, 5_000)).expect("in memory");
        let bytes = zip.finish().expect("in memory").into_inner();
        let start = bytes.windows(4).position(|four| four == b"PK\x01\x02").expect("a central directory");
        assert_eq!(central_directory_len(&bytes), (bytes.len() - start) as u64);
    }

    /// A backup of one file and one folder by the `zip` crate, with our private field.
    fn one(dir: &Path, seconds: i64) -> PathBuf {
        let private = |content: &[u8]| {
            let mut field = vec![0x10, 0];
            field.extend(123_456_789_u32.to_le_bytes());
            field.extend(seconds.to_le_bytes());
            field.resize(42, 0);
            field.extend(Sha256::digest(content));
            field.into_boxed_slice()
        };
        let mut zip = zip::ZipWriter::new(fs::File::create(dir.join("one.zip")).expect("writable"));
        let mut options = zip::write::FullFileOptions::default().unix_permissions(0o755);
        options.add_extra_field(0x4648, private(b"hello"), true).expect("a free id");
        zip.start_file("files/a", options).expect("writable");
        zip.write_all(b"hello").expect("writable");
        zip.finish().expect("writable");
        dir.join("one.zip")
    }

    #[test]
    fn the_private_field_is_compared_to_the_nanosecond() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let facts = tree::Facts {
            kind: Kind::File,
            mode: 0o755,
            mtime_ns: -7 * 1_000_000_000 + 123_456_789,
            size: 5,
            sha256: Some(hex::encode(Sha256::digest(b"hello"))),
            target: None,
        };
        let tree: Tree = [(b"a".to_vec(), facts)].into();
        assert_eq!(exact_differences(&one(dir.path(), -7), &tree), "");
        assert_eq!(
            exact_differences(&one(dir.path(), -8), &tree),
            "different \"a\": mtime -6876543211 ns became -7876543211"
        );
    }
}
