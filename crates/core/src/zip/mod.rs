//! The zip that a backup is: what its bytes mean, and what a new one begins with.
//!
//! In scope: names and their order, headers, the central directory with our private extra field,
//! the records at the end, and which bytes the next night carries over. `docs/backup-format.md`
//! is the specification. Out of scope: compression, hashing, and moving a single byte of content.
//!
//! ```text
//!  member │ member │ dead bytes │ member │ … │ central directory │ end records
//!  ╰──────────── what the next night carries over ────────────╯
//! ```
//!
//! Writing: [`Entry::local_header`], the stored bytes, [`Entry::data_descriptor`]; at the end
//! [`Entry::write_central`] in the order of [`MemberName`], then [`end_of_directory`].
//! Reading: [`locate`] in the object's last bytes, [`DirectoryReader`] over the directory,
//! [`parse_local_header`] before a member's bytes are believed.

pub mod carry;
mod directory;
mod dos;
mod end;
mod entry;
mod error;
mod extra;
mod header;
mod layout;
mod name;
mod runs;

pub use directory::DirectoryReader;
pub use end::{Located, TAIL_LEN, end_of_directory, locate};
pub use entry::{Entry, Kind, Method, Stat, Time, needs_zip64_local};
pub use error::FormatError;
pub use header::parse_local_header;
pub use name::{FIRST_MEMBER, LAST_MEMBER, MemberName, NameError};

#[cfg(test)]
mod tests;
