//! Trees of files that are hard to back up: made from a seed, changed night by night, and compared.
//!
//! [`generate`] makes one, [`evolve`] does to it what a site's days do, [`snapshot`] takes down the
//! facts of every entry, and [`diff`] says in words how two snapshots differ.

mod evolve;
mod nasty;
mod snapshot;

pub use evolve::{Change, evolve};
pub use nasty::{Size, generate};
pub use snapshot::{Facts, Kind, Tree, changed_bytes, diff, shown, snapshot, under};
