//! Bytes that are wanted as a whole: an object's end, an index.

use std::{
    io,
    sync::{Mutex, PoisonError},
};

use super::Landing;

/// Memory, up to a limit.
#[derive(Debug)]
pub struct Memory {
    bytes: Mutex<Vec<u8>>,
    max: u64,
}

impl Memory {
    /// For so many bytes at the most.
    #[must_use]
    pub fn new(max: u64) -> Self {
        Self { bytes: Mutex::default(), max }
    }

    /// Takes out what has arrived.
    #[must_use]
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn has_room(&self, end: u64) -> io::Result<()> {
        let Self { max, .. } = self;
        if end > *max {
            let what = format!("there is more to read than the {max} bytes that are kept in memory");
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, what));
        }
        Ok(())
    }

    pub(super) fn keep(&self, landing: Landing, new: Vec<u8>) -> io::Result<()> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let Landing::At(place) = landing else {
            *bytes = new;
            return Ok(());
        };
        let end = place.saturating_add(new.len() as u64);
        self.has_room(end)?;
        // Below the limit, which memory holds.
        let (place, end) = (place as usize, end as usize);
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[place..end].copy_from_slice(&new);
        Ok(())
    }
}
