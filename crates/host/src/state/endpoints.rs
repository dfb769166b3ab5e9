//! What earlier runs learned of buckets: region, checksum rung. A cache: losing it costs a
//! request, and a damaged one is begun anew.

use std::{collections::BTreeMap, path::PathBuf};

use holdfast_core::{
    error::Error,
    job::{Remembered, Target},
};

use super::{StateDir, write_whole};

/// The file `endpoints.json`.
#[derive(Debug)]
pub struct Endpoints {
    path: PathBuf,
    known: BTreeMap<String, Remembered>,
}

impl Endpoints {
    /// Reads it.
    #[must_use]
    pub fn open(state: &StateDir) -> Self {
        let path = state.path().join("endpoints.json");
        let known = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self { path, known: known.unwrap_or_default() }
    }

    /// What is known of a bucket.
    #[must_use]
    pub fn get(&self, target: &Target) -> Remembered {
        self.known.get(&name(target)).cloned().unwrap_or_default()
    }

    /// Keeps what was learned of a bucket.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set(&mut self, target: &Target, remembered: Remembered) -> Result<(), Error> {
        self.known.insert(name(target), remembered);
        let bytes = serde_json::to_vec_pretty(&self.known).unwrap_or_default();
        write_whole(&self.path, &bytes)
    }
}

fn name(target: &Target) -> String {
    format!("{} {}", target.endpoint, target.bucket)
}
