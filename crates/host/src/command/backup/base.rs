//! Which earlier backup the new one builds on, and which of its bytes it takes over.

use std::{
    fs,
    io::{BufReader, Write},
    os::unix::fs::OpenOptionsExt,
    path::PathBuf,
    sync::Arc,
};

use holdfast_core::{
    error::{Error, Kind},
    event::{Entry as Listed, Event},
    job::{self, List, Read as ReadWork, Stretch, Work},
    name::{Key, Prefix},
    plan::{Extent, MAX_PART_LEN},
    provider::Quirks,
    report::Outcome,
    site::BackupName,
    zip::{
        DirectoryReader, FormatError, Located,
        carry::{self, Carry, Limits},
    },
};

use super::super::{
    opened::Opened,
    setup::{Setup, Task},
};
use crate::{
    destination::{Destination, Ordered},
    driver::World,
    state::{
        job::random_run,
        local,
        site::{Last, SiteFolder},
    },
    ui::Ui,
};

/// An earlier backup, and what is taken over of it.
#[derive(Debug)]
pub(super) struct Base {
    /// What was written down of it.
    pub(super) last: Last,
    /// Its key.
    pub(super) key: Key,
    /// Which of its bytes.
    pub(super) carry: Carry,
    /// Without the dead ones.
    pub(super) compacted: bool,
    /// Its central directory, as bytes in a file.
    directory: PathBuf,
}

impl Base {
    /// Its members.
    pub(super) fn members(&self) -> Result<DirectoryReader<BufReader<fs::File>>, Error> {
        let file = fs::File::open(&self.directory).map_err(|error| local("read", &self.directory, &error))?;
        Ok(DirectoryReader::new(BufReader::with_capacity(64 << 10, file), self.last.located()))
    }

    /// As the module takes it.
    pub(super) fn work(&self) -> job::Base {
        job::Base { key: self.key.clone(), etag: self.last.etag.clone(), parts: self.carry.parts().to_vec() }
    }
}

/// What there is below the site's folder.
pub(super) enum Listing {
    /// These objects.
    Known(Vec<Listed>),
    /// The key may not list.
    Denied,
}

impl Listing {
    pub(super) fn find(&self, key: &str) -> Option<&Listed> {
        match self {
            Self::Known(entries) => entries.iter().find(|entry| entry.key == key),
            Self::Denied => None,
        }
    }

    pub(super) fn newest(&self) -> Option<&Listed> {
        match self {
            Self::Known(entries) => {
                entries.iter().filter(|entry| moment(&entry.key).is_some()).max_by_key(|entry| moment(&entry.key))
            }
            Self::Denied => None,
        }
    }
}

/// When the backup of this key was made, and which of that second it is.
pub(in crate::command) fn moment(key: &str) -> Option<BackupName> {
    BackupName::parse(key.rsplit('/').next()?)
}

/// Lists the site's backups.
pub(super) fn list(setup: &mut Setup, folder: &Prefix) -> Result<Listing, Error> {
    let mut entries = Vec::new();
    let mut keep = |event: &Event, _: &Ui| {
        if let Event::Entry(entry) = event {
            entries.push(entry.clone());
        }
    };
    let work = Work::List(List { prefix: folder.clone(), shallow: true });
    let outcome = setup.converse(Task { on_event: Some(&mut keep), ..Task::quiet(random_run()?, work) })?;
    match outcome {
        Outcome::Done(_) => Ok(Listing::Known(entries)),
        Outcome::Failed(Error { kind: Kind::AccessDenied { .. }, .. }) => Ok(Listing::Denied),
        Outcome::Failed(error) => Err(error),
    }
}

/// Why everything is sent.
pub(super) type Why = String;

/// The base, or why there is none; `Ok(Err(None))` when there was never a backup.
pub(super) fn choose(
    setup: &mut Setup,
    site: &SiteFolder,
    last: Option<Last>,
    listing: &Listing,
    compact: bool,
) -> Result<Result<Base, Option<Why>>, Error> {
    let quirks = setup.target.endpoint.provider.quirks();
    if !quirks.part_copy {
        return Ok(Err(Some(format!("{} cannot copy parts of objects", quirks.title))));
    }
    if quirks.equal_parts {
        return Ok(Err(Some(format!("{} wants all parts of an object to have the same length", quirks.title))));
    }
    let Some(last) = last else {
        return Ok(Err(listing
            .newest()
            .map(|newest| format!("the backup {} was not made from here, so nothing is built on it", newest.key))));
    };
    if let Listing::Known(_) = listing {
        match listing.find(&last.key) {
            None => return Ok(Err(Some(format!("the last backup, {}, is no longer there", last.key)))),
            Some(entry) if entry.etag != last.etag => {
                return Ok(Err(Some(format!("the last backup, {}, is no longer the one that was sent", last.key))));
            }
            Some(_) => {}
        }
    }
    let key = Key::parse(last.key.clone()).map_err(|error| Error::new(Kind::Bug, error.to_string()))?;
    if !site.has_directory(&last)
        && let Err(why) = fetch_directory(setup, site, &key, &last)?
    {
        return Ok(Err(Some(why)));
    }
    let mut base = Base { carry: Carry::nothing(), compacted: false, key, directory: site.directory(), last };
    base.plan(&quirks, compact)?;
    if base.carry.parts().is_empty() {
        return Ok(Err(None));
    }
    Ok(Ok(base))
}

impl Base {
    fn plan(&mut self, quirks: &Quirks, compact: bool) -> Result<(), Error> {
        let limits = Limits { min_part: quirks.min_part_len, max_part: MAX_PART_LEN, max_parts: quirks.max_parts / 2 };
        let total = self.last.directory_offset;
        let live = total.saturating_sub(self.last.dead);
        self.compacted = compact || carry::is_worth_compacting(total, live, self.last.nights);
        self.carry =
            if self.compacted { Carry::compacted(&self.live()?, &limits) } else { Carry::whole(total, &limits) };
        Ok(())
    }

    /// The members' bytes, in their order, neighbours put together.
    fn live(&self) -> Result<Vec<Extent>, Error> {
        let mut extents = Vec::new();
        for entry in self.members()? {
            extents.push(entry.map_err(unreadable)?.extent());
        }
        extents.sort_unstable();
        let mut live: Vec<Extent> = Vec::new();
        for extent in extents {
            match live.last_mut() {
                Some(last) if last.end() == extent.offset => last.len += extent.len,
                _ => live.push(extent),
            }
        }
        Ok(live)
    }

    /// The base that an earlier run of the same backup began with.
    pub(super) fn resumed(
        setup: &mut Setup,
        site: &SiteFolder,
        last: Option<Last>,
        begun_with: &job::Base,
    ) -> Result<Option<Self>, Error> {
        let Some(last) = last.filter(|last| last.key == begun_with.key.as_str() && last.etag == begun_with.etag) else {
            return Ok(None);
        };
        if !site.has_directory(&last) && fetch_directory(setup, site, &begun_with.key, &last)?.is_err() {
            return Ok(None);
        }
        let carry = Carry::of(begun_with.parts.clone());
        let compacted = carry.len() < last.directory_offset;
        Ok(Some(Self { last, key: begun_with.key.clone(), carry, compacted, directory: site.directory() }))
    }
}

/// What there is to know of a backup in the bucket that this machine has made, read from the
/// backup itself.
pub(super) fn adopt(setup: &mut Setup, site: &SiteFolder, key: &Key, made_at: u64) -> Result<Last, Error> {
    let backup = Opened::open(setup, key)?;
    let path = site.directory();
    backup.write_directory(&path)?;
    let mut live = 0;
    for entry in backup.entries()? {
        live += entry?.local_len();
    }
    let Located { directory, entries } = backup.located;
    Ok(Last {
        key: key.as_str().to_owned(),
        etag: backup.etag.clone(),
        len: backup.len,
        directory_offset: directory.offset,
        directory_len: directory.len,
        entries,
        directory_sha256: crate::state::site::sha256_of(&path).map_err(|error| local("read", &path, &error))?,
        dead: directory.offset.saturating_sub(live),
        nights: 0,
        made_at,
    })
}

/// Gets the last backup's central directory from the bucket.
fn fetch_directory(setup: &mut Setup, site: &SiteFolder, key: &Key, last: &Last) -> Result<Result<(), Why>, Error> {
    let Located { directory, .. } = last.located();
    let path = site.directory();
    let open = || fs::File::options().create(true).truncate(true).read(true).write(true).mode(0o600).open(&path);
    let mut writer = open().map_err(|error| local("write", &path, &error))?;
    let ordered = Arc::new(Ordered::new(move |bytes: &[u8]| writer.write_all(bytes)));
    let what = Stretch::Extents(vec![directory]);
    let work = Work::Read(ReadWork { key: key.clone(), etag: Some(last.etag.clone()), what });
    let outcome = setup.converse(Task {
        world: World { destination: Some(Destination::Ordered(ordered)), ..World::default() },
        ..Task::quiet(random_run()?, work)
    })?;
    if let Outcome::Failed(error) = outcome {
        return match error.kind {
            Kind::AccessDenied { .. } | Kind::NoSuchKey | Kind::Changed => {
                Ok(Err(format!("the last backup's list of members cannot be read: {error}")))
            }
            _ => Err(error),
        };
    }
    let sum = crate::state::site::sha256_of(&path).map_err(|error| local("read", &path, &error))?;
    if sum != last.directory_sha256 {
        return Ok(Err("the last backup's list of members is not the one that was sent".to_owned()));
    }
    Ok(Ok(()))
}

fn unreadable(error: FormatError) -> Error {
    Error::new(Kind::Integrity, format!("the last backup's list of members cannot be read: {error}"))
}
