//! A backup in the bucket, opened: where its members are and what is known of them.
//!
//! One request gets the object's last bytes; a second one its central directory, if that is
//! longer. It is read from a file that has no name any more, entry by entry.

use std::{
    fs::File,
    io::{BufReader, Seek, SeekFrom, Write},
    sync::{Arc, Mutex, PoisonError},
};

use holdfast_core::{
    error::{Error, Kind},
    job::{Read, Stretch, Work},
    name::Key,
    plan::Extent,
    report::{Outcome, ReadReport, Report},
    zip::{DirectoryReader, Entry, FormatError, Located, TAIL_LEN, locate},
};

use super::setup::{Setup, Task};
use crate::{
    destination::{Destination, Memory, Ordered},
    driver::World,
    state::{job::random_run, local},
};

/// How much of a directory is read at a time.
const CHUNK: usize = 64 << 10;

/// An opened backup.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) key: Key,
    /// What is read later must be of this object.
    pub(super) etag: String,
    /// Its length, in bytes.
    pub(super) len: u64,
    pub(super) located: Located,
    directory: File,
}

impl Opened {
    /// Opens a backup.
    ///
    /// # Errors
    /// When it cannot be read, or is no zip.
    pub(super) fn open(setup: &mut Setup, key: &Key) -> Result<Self, Error> {
        let memory = Arc::new(Memory::new(TAIL_LEN));
        let (report, tail) = {
            let what = Stretch::Tail { len: TAIL_LEN };
            let report = read(setup, key, None, what, Destination::Memory(Arc::clone(&memory)))?;
            (report, memory.take())
        };
        let place = format!("s3://{}/{key}", setup.target.bucket);
        let ReadReport { etag, object_len: len, .. } = report;
        let located = locate(&tail, len).map_err(|error| not_a_backup(&place, &error))?;
        let mut directory = nameless(setup)?;
        let tail_begins = len - tail.len() as u64;
        if let Some(start) = located.directory.offset.checked_sub(tail_begins) {
            let start = start as usize;
            let bytes = tail.get(start..start + located.directory.len as usize).unwrap_or_default();
            directory.write_all(bytes).map_err(|error| kept(&error))?;
        } else {
            let mut writer = directory.try_clone().map_err(|error| kept(&error))?;
            let ordered = Arc::new(Ordered::new(move |bytes| writer.write_all(bytes)));
            let what = Stretch::Extents(vec![located.directory]);
            read(setup, key, Some(&etag), what, Destination::Ordered(ordered))?;
        }
        Ok(Self { key: key.clone(), etag, len, located, directory })
    }

    /// Whether it was made by us: else it is a zip of somebody else's.
    ///
    /// # Errors
    /// When the directory cannot be read back.
    pub(super) fn is_ours(&self) -> Result<bool, Error> {
        (&self.directory).seek(SeekFrom::Start(0)).map_err(|error| kept(&error))?;
        let first = DirectoryReader::new(BufReader::with_capacity(CHUNK, &self.directory), self.located).next();
        Ok(!matches!(first, None | Some(Err(FormatError::NotOurs(_)))))
    }

    /// Its members, in archive order. One reader at a time.
    ///
    /// # Errors
    /// When the directory cannot be read back.
    pub(super) fn entries(&self) -> Result<impl Iterator<Item = Result<Entry, Error>> + '_, Error> {
        (&self.directory).seek(SeekFrom::Start(0)).map_err(|error| kept(&error))?;
        let reader = BufReader::with_capacity(CHUNK, &self.directory);
        let key = &self.key;
        Ok(DirectoryReader::new(reader, self.located)
            .map(move |entry| entry.map_err(|error| not_a_backup(key.as_str(), &error))))
    }

    /// Copies its central directory into a file of our own.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write_directory(&self, path: &std::path::Path) -> Result<(), Error> {
        use std::os::unix::fs::OpenOptionsExt;
        let write = || {
            (&self.directory).seek(SeekFrom::Start(0))?;
            let mut to = File::options().create(true).truncate(true).write(true).mode(0o600).open(path)?;
            std::io::copy(&mut &self.directory, &mut to)
        };
        write().map(|_| ()).map_err(|error| local("write", path, &error))
    }

    /// Reads some of its bytes, in order.
    ///
    /// # Errors
    /// When they cannot be read, or the consumer does not take them.
    pub(super) fn read(
        &self,
        setup: &mut Setup,
        extents: Vec<Extent>,
        consumer: impl FnMut(&[u8]) -> std::io::Result<()> + Send + 'static,
    ) -> Result<(), Error> {
        let ordered = Destination::Ordered(Arc::new(Ordered::new(consumer)));
        read(setup, &self.key, Some(&self.etag), Stretch::Extents(extents), ordered).map(|_| ())
    }
}

/// Something that a consumer on another thread leaves for us.
#[derive(Debug, Default)]
pub(super) struct Shared<T>(Arc<Mutex<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Shared<T> {
    pub(super) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    pub(super) fn with<R>(&self, act: impl FnOnce(&mut T) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn read(
    setup: &mut Setup,
    key: &Key,
    etag: Option<&str>,
    what: Stretch,
    destination: Destination,
) -> Result<ReadReport, Error> {
    let work = Work::Read(Read { key: key.clone(), etag: etag.map(str::to_owned), what });
    let world = World { destination: Some(destination), ..World::default() };
    match setup.converse(Task { world, ..Task::quiet(random_run()?, work) })? {
        Outcome::Done(Report::Read(report)) => Ok(report),
        Outcome::Done(_) => Err(Error::new(Kind::Bug, "reading has ended as something else")),
        Outcome::Failed(error) => Err(error),
    }
}

/// A file of our own that goes with us.
fn nameless(setup: &Setup) -> Result<File, Error> {
    let path = setup.state.path().join(format!("directory-{}", random_run()?));
    let make = || {
        use std::os::unix::fs::OpenOptionsExt;
        let file = File::options().create_new(true).read(true).write(true).mode(0o600).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    };
    make().map_err(|error| local("write", &path, &error))
}

fn kept(error: &std::io::Error) -> Error {
    let what = format!("cannot keep the backup's list of members: {}", crate::state::plain(error));
    Error::new(Kind::Local, what).hint("make room on the state folder's file system")
}

fn not_a_backup(place: &str, error: &FormatError) -> Error {
    let made = Error::new(Kind::Integrity, format!("{place} is no backup that can be read: {error}"));
    match error {
        FormatError::NotOurs(_) | FormatError::NotAZip(_) => {
            made.hint("`holdfast get` fetches any object as it is; `holdfast list` shows what there is")
        }
        _ => made.hint("it is damaged: another night's backup does not depend on it"),
    }
}
