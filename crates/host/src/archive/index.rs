//! What is in the bucket already: the central directories of the last backup and of what earlier
//! runs of this one have sent, read side by side with the walk.
//!
//! All are sorted as the walk is, so that each is read once, from front to back, and nothing of
//! them is held but the entry that is next.

use std::io::Read;

use holdfast_core::{
    plan::Extent,
    zip::{DirectoryReader, Entry, FormatError, Located, MemberName, carry::Carry},
};

/// Members that need not travel again.
#[derive(Default)]
pub struct Index<'a> {
    sources: Vec<Source<'a>>,
}

struct Source<'a> {
    entries: Box<dyn Iterator<Item = Result<Entry, FormatError>> + 'a>,
    place: Place<'a>,
    next: Option<Entry>,
    begun: bool,
}

/// Where a source's members lie in the object to be.
enum Place<'a> {
    /// What is carried over from the last backup, at new places.
    Carried(&'a Carry),
    /// Where they are, up to here.
    Below(u64),
}

impl<'a> Index<'a> {
    /// Adds the last backup's central directory; of its members, those that are carried over.
    pub fn add_base<R: Read + 'a>(&mut self, directory: DirectoryReader<R>, carry: &'a Carry) {
        self.add(Box::new(directory), Place::Carried(carry));
    }

    /// Adds what an earlier run of this backup wrote down, as far as it came; of its members, those
    /// that lie whole below `arrived`. What is added later is asked first.
    pub fn add_run<R: Read + 'a>(&mut self, written: R, len: u64, arrived: u64) {
        // Where its directory would have begun, and how many entries it would have had, nobody knows.
        let directory = Extent { offset: u64::MAX / 2, len };
        let reader = DirectoryReader::new(written, Located { directory, entries: u64::MAX });
        self.add(Box::new(reader), Place::Below(arrived));
    }

    fn add(&mut self, entries: Box<dyn Iterator<Item = Result<Entry, FormatError>> + 'a>, place: Place<'a>) {
        self.sources.push(Source { entries, place, next: None, begun: false });
    }

    /// The member of this name, at its place in the object to be. Names must be asked for in
    /// archive order.
    ///
    /// # Errors
    /// When a central directory cannot be read.
    pub fn find(&mut self, name: &MemberName) -> Result<Option<Entry>, FormatError> {
        let mut found = None;
        for source in self.sources.iter_mut().rev() {
            if let Some(entry) = source.find(name)?
                && found.is_none()
            {
                found = Some(entry);
            }
        }
        Ok(found)
    }
}

impl Source<'_> {
    fn find(&mut self, name: &MemberName) -> Result<Option<Entry>, FormatError> {
        if !self.begun {
            self.begun = true;
            self.step()?;
        }
        while self.next.as_ref().is_some_and(|next| next.name < *name) {
            self.step()?;
        }
        if self.next.as_ref().is_none_or(|next| next.name != *name) {
            return Ok(None);
        }
        let Some(mut entry) = self.next.take() else { return Ok(None) };
        self.step()?;
        let extent = Extent { offset: entry.offset, len: entry.local_len() };
        let place = match &self.place {
            Place::Carried(carry) => carry.translate(extent),
            Place::Below(arrived) => (extent.end() <= *arrived).then_some(extent.offset),
        };
        Ok(place.map(|offset| {
            entry.offset = offset;
            entry
        }))
    }

    fn step(&mut self) -> Result<(), FormatError> {
        match (self.entries.next().transpose(), &self.place) {
            (Ok(next), _) => self.next = next,
            // A run that died in mid-sentence: what it wrote before holds.
            (Err(_), Place::Below(_)) => {
                self.next = None;
                self.entries = Box::new(std::iter::empty());
            }
            (Err(error), Place::Carried(_)) => return Err(error),
        }
        Ok(())
    }
}
