//! Makes the archive, on a thread of its own, while the driver sends it.

use std::{
    fs,
    io::{BufReader, Read},
    path::PathBuf,
    sync::atomic::Ordering,
};

use holdfast_core::{
    abi::AfterCancel,
    error::{Error, Kind},
    zip::{FIRST_MEMBER, LAST_MEMBER, Time},
};
use serde_json::json;

use super::{base::Base, runs::Runs, scope::What};
use crate::{
    archive::{
        compress::Content,
        directory::Directory,
        index::Index,
        pack::{Halt, Packer, Progress, Tally},
        walk::Walk,
    },
    mysql::{self, Dump, DumpProgress, Spool},
    signal::Stop,
    state::local,
    stream::Stream,
};

/// What the thread works with.
pub(super) struct Producer<'a> {
    pub(super) what: &'a What,
    pub(super) base: Option<&'a Base>,
    pub(super) stream: &'a Stream,
    pub(super) runs: &'a mut Runs,
    pub(super) site_id: &'a str,
    pub(super) key: &'a str,
    pub(super) begun_at: u64,
    pub(super) spool_folder: PathBuf,
    pub(super) paranoid: bool,
    pub(super) progress: &'a Progress,
    pub(super) stop: &'a Stop,
}

/// What was made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) tally: Tally,
    /// Where the central directory begins in the object.
    pub(super) directory_offset: u64,
    pub(super) directory_len: u64,
    pub(super) entries: u64,
    pub(super) database: Option<DatabaseMade>,
    pub(super) warnings: Vec<Error>,
}

/// What was dumped.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct DatabaseMade {
    pub(super) tables: u64,
    pub(super) rows: u64,
    /// Bytes of SQL.
    pub(super) bytes: u64,
}

impl Producer<'_> {
    /// Makes the archive. Whatever goes wrong ends the job.
    pub(super) fn run(mut self) -> Option<Made> {
        // The job waits for a stream that nobody makes any more.
        let _guard = Guard(self.stream);
        match self.make() {
            Ok(made) => Some(made),
            // The job says what is wrong.
            Err(Halt::Ended) => None,
            Err(Halt::Error(error)) => {
                self.stream.fail(error, AfterCancel::Keep);
                None
            }
        }
    }

    fn make(&mut self) -> Result<Made, Halt> {
        let mut warnings = Vec::new();
        let dumped = self.dump()?;
        let arrived = self.stream.begin()?;
        let (path, earlier) = self.runs.begin(arrived)?;
        let directory = Directory::create(&path).map_err(|error| local("write", &path, &error))?;
        let mut index = Index::default();
        if let Some(base) = self.base {
            index.add_base(base.members()?, &base.carry);
        }
        for (path, arrived) in earlier {
            let file = fs::File::open(&path).map_err(|error| local("read", &path, &error))?;
            let len = file.metadata().map_err(|error| local("read", &path, &error))?.len();
            index.add_run(BufReader::with_capacity(64 << 10, file), len, arrived);
        }
        let at = Time { seconds: self.begun_at as i64, nanos: 0 };
        let mut packer = Packer::new(self.stream, index, directory, self.paranoid, self.progress)?;
        packer.add_first(text(FIRST_MEMBER), self.first_member(), at)?;
        let mut database = None;
        if let Some((dump, spool)) = dumped {
            add_dump(&mut packer, &dump, &spool, at)?;
            database = Some(DatabaseMade { tables: dump.tables, rows: dump.rows, bytes: dump.bytes });
            warnings.extend(dump.warnings);
        }
        for tree in &self.what.trees {
            let mut walk = Walk::new(tree.options.clone())?;
            packer.add_root(tree.prefix, &walk.root_stat())?;
            for step in walk.by_ref() {
                packer.add_step(tree.prefix, step)?;
            }
            packer.settle()?;
            packer.tally.excluded += walk.excluded();
        }
        for (name, path) in &self.what.strays {
            let bytes = fs::read(path).map_err(|error| local("read", path, &error))?;
            packer.add_own(name, bytes, at)?;
        }
        let last = self.last_member(&packer.tally, database.as_ref());
        packer.add_own(text(LAST_MEMBER), last, at)?;
        let (tally, directory, directory_offset) = packer.finish()?;
        let (directory_len, entries) = (directory.bytes(), directory.entries());
        Ok(Made { tally, directory_offset, directory_len, entries, database, warnings })
    }

    fn dump(&mut self) -> Result<Option<(Dump, Spool)>, Halt> {
        let Some((database, scope)) = &self.what.database else { return Ok(None) };
        let mut spool = Spool::create(&self.spool_folder)?;
        let (progress, files) = (self.progress, self.progress.total.load(Ordering::Relaxed));
        let mut told = |dump: DumpProgress| {
            progress.bytes.store(dump.bytes, Ordering::Relaxed);
            progress.total.store(files + dump.bytes.max(dump.expected), Ordering::Relaxed);
        };
        let dump = mysql::dump(database, scope, &mut spool, &mut told, self.stop)?;
        progress.bytes.store(dump.bytes, Ordering::Relaxed);
        progress.total.store(files + dump.bytes, Ordering::Relaxed);
        Ok(Some((dump, spool)))
    }

    /// What is never replaced: it says whose backups these are.
    fn first_member(&self) -> Vec<u8> {
        let about = "A backup made by Holdfast. It is an ordinary zip: `files` holds the site's files, \
                     `cat database/*.sql | mysql` loads its database.";
        format!("{:#}\n", json!({ "holdfast": 1, "site": self.site_id, "about": about })).into_bytes()
    }

    /// The facts of this night.
    fn last_member(&self, tally: &Tally, database: Option<&DatabaseMade>) -> Vec<u8> {
        let facts = json!({
            "version": 1,
            "site": self.site_id,
            "key": self.key,
            "begun_at": self.begun_at,
            "made_by": concat!("holdfast ", env!("CARGO_PKG_VERSION")),
            "of": self.what.facts,
            "files": tally.files,
            "directories": tally.directories,
            "symlinks": tally.symlinks,
            "unreadable": tally.unreadable,
            "moving": tally.moving,
            "vanished": tally.vanished,
            "database": database,
        });
        format!("{facts:#}\n").into_bytes()
    }
}

/// Ends the job if the thread dies of a bug.
struct Guard<'a>(&'a Stream);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let what = "the thread that makes the archive has died";
            self.0.fail(Error::new(Kind::Bug, what).hint("please report it"), AfterCancel::Keep);
        }
    }
}

fn add_dump(packer: &mut Packer<'_>, dump: &Dump, spool: &Spool, at: Time) -> Result<(), Halt> {
    let mut pieces: Vec<_> = dump.pieces.iter().collect();
    // Archive order, which is load order too.
    pieces.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
    for piece in pieces {
        let content = Content { len: piece.len, crc32: piece.crc32, sha256: piece.sha256, moving: false };
        let name = format!("database/{}", piece.name);
        packer.add_packed(&name, content, piece.stored_len, at, |take| {
            let failed = |error: std::io::Error| {
                let what = format!("cannot read the dump back: {}", crate::state::plain(&error));
                Halt::Error(Error::new(Kind::Local, what))
            };
            let mut reader = spool.stored(piece);
            let mut buffer = vec![0; 256 << 10];
            loop {
                match reader.read(&mut buffer).map_err(failed)? {
                    0 => return Ok(()),
                    n => take(&buffer[..n])?,
                }
            }
        })?;
    }
    Ok(())
}

fn text(name: &'static [u8]) -> &'static str {
    std::str::from_utf8(name).unwrap_or_default()
}
