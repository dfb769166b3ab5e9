//! Who the site is: its id, and its folder below the prefix.
//!
//! The id is random, kept in the state folder, and written into each backup. A site that this
//! machine does not know yet takes over the id of the prefix's marker, if there is one: `check` may
//! have left it, or another machine.

use std::sync::Arc;

use holdfast_core::{
    error::{Error, Kind},
    job::{Read, Stretch, Work},
    name::{Key, Prefix},
    probe::{MARKER, site_of},
    report::Outcome,
    site::{BackupName, SiteId, SiteName},
};

use super::{
    super::{
        config_error,
        setup::{Setup, Task},
    },
    base::Listing,
    scope::What,
};
use crate::{
    destination::{Destination, Memory},
    driver::World,
    state::{
        job::random_run,
        site::{SiteFile, SiteFolder},
    },
};

/// A marker is shorter than this, in bytes.
const MAX_MARKER: u64 = 64 << 10;

/// The site, and what is kept of it here.
pub(super) struct Site {
    pub(super) folder: SiteFolder,
    pub(super) file: SiteFile,
    /// `PREFIX/NAME/`.
    pub(super) prefix: Prefix,
}

impl Site {
    /// Finds out who it is.
    pub(super) fn find(setup: &mut Setup, prefix: &Prefix, what: &What, asked: Option<&str>) -> Result<Self, Error> {
        let folder = SiteFolder::open(&setup.state, &setup.target, prefix, &what.origin)?;
        let file = match folder.read() {
            Some(file) => file,
            None => {
                let id = match marker(setup, prefix)? {
                    Some(id) => id,
                    None => random_run()?,
                };
                let id = SiteId::parse(&id).ok_or_else(|| {
                    let what = format!("the prefix's {MARKER} holds {id:?}, which is no site's id");
                    config_error(what, "remove it, and `holdfast check` writes another")
                })?;
                let name = SiteName::new(asked.unwrap_or(&what.label), &id);
                let file = SiteFile {
                    version: 1,
                    id: id.as_str().to_owned(),
                    folder: name.as_str().to_owned(),
                    origin: what.origin.clone(),
                    target: setup.target.clone(),
                    prefix: prefix.clone(),
                    last: None,
                };
                folder.write(&file)?;
                file
            }
        };
        let below = format!("{prefix}{}/", file.folder);
        let prefix = Prefix::parse(below).map_err(|error| config_error(error.to_string(), "use a shorter prefix"))?;
        Ok(Self { folder, file, prefix })
    }

    /// What runs of the same site lock.
    pub(super) fn lock_key(&self) -> Result<Key, Error> {
        Key::parse(self.prefix.as_str()).map_err(|error| Error::new(Kind::Bug, error.to_string()))
    }

    /// The key of a backup that begins now: none that is there.
    pub(super) fn key_at(&self, now_s: u64, listing: &Listing) -> Result<Key, Error> {
        let mut name = BackupName::new(now_s as i64 * 1_000);
        loop {
            let key = format!("{}{name}", self.prefix);
            if listing.find(&key).is_none() {
                return Key::parse(key).map_err(|error| config_error(error.to_string(), "use a shorter prefix"));
            }
            name = name.next();
        }
    }
}

/// The site id that the prefix is marked with.
fn marker(setup: &mut Setup, prefix: &Prefix) -> Result<Option<String>, Error> {
    let Ok(key) = Key::parse(format!("{prefix}{MARKER}")) else { return Ok(None) };
    let memory = Arc::new(Memory::new(MAX_MARKER));
    let world = World { destination: Some(Destination::Memory(Arc::clone(&memory))), ..World::default() };
    let work = Work::Read(Read { key, etag: None, what: Stretch::Tail { len: MAX_MARKER } });
    let outcome = setup.converse(Task { world, ..Task::quiet(random_run()?, work) })?;
    match outcome {
        Outcome::Done(_) => Ok(site_of(&memory.take())),
        // A key that may only write cannot know; what it cannot read, it does not take over.
        Outcome::Failed(Error { kind: Kind::NoSuchKey | Kind::AccessDenied { .. }, .. }) => Ok(None),
        Outcome::Failed(error) => Err(error),
    }
}
