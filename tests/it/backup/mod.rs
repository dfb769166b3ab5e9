//! `holdfast backup` on real trees, a real WordPress and MinIO.

mod database;
mod files;
mod input;
mod nights;
mod readers;

use std::path::{Path, PathBuf};

use holdfast_testbed::backup::{Place, Report, with_database_password};
use holdfast_testbed::tree::Tree;
use holdfast_testbed::unzip::Reader;
use holdfast_testbed::{Finished, Holdfast, Minio, S3};

const BUCKET: &str = "backups";
const PREFIX: &str = "home/client1/";

/// A server with a bucket, and a machine that backs up to it.
struct Bed {
    minio: Minio,
    s3: S3,
    machine: Holdfast,
    place: Place,
}

impl Bed {
    fn new() -> Self {
        let minio = Minio::start();
        let s3 = minio.s3();
        s3.create_bucket(BUCKET);
        let place = Place::new(minio.endpoint(), BUCKET, PREFIX);
        Self { minio, s3, machine: with_database_password(Holdfast::new()), place }
    }

    /// A folder on the machine.
    fn dir(&self, name: &str) -> PathBuf {
        self.machine.home().join(name)
    }

    /// Backs up a tree and expects that all went well.
    #[track_caller]
    fn back_up(&self, root: &Path) -> Report {
        Report::of(&self.machine.run(self.place.files(&self.machine, root)).expect_ok())
    }

    /// Gets a backup to a file on the machine.
    fn fetch(&self, key: &str) -> PathBuf {
        let name = key.rsplit('/').next().unwrap_or(key);
        self.place.fetch(&self.s3, key, &self.dir(name))
    }

    /// Every member of a backup, by the Rust reader, which takes names and paths of all kinds.
    fn members(&self, key: &str) -> Tree {
        Reader::RustZip.read(&self.fetch(key)).expect("a zip").tree
    }

    /// Asserts that a run left no backup behind, listed or half made.
    #[track_caller]
    fn assert_nothing_is_there(&self, after: &Finished) {
        assert_eq!(self.place.backups(&self.s3), Vec::<String>::new(), "{after}");
        assert_eq!(self.minio.unfinished_bytes(), 0, "{after}");
    }
}

/// Names of members as text, in the order of the central directory.
fn names(zip: &Path) -> Vec<String> {
    let file = std::fs::File::open(zip).expect("readable");
    let mut archive = zip::ZipArchive::new(file).expect("a zip");
    let count = archive.len();
    let name = |index| {
        let member = archive.by_index_raw(index).expect("a member");
        String::from_utf8_lossy(member.name_raw()).into_owned()
    };
    (0..count).map(name).collect()
}
