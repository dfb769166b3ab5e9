//! What can be wrong with an object that should be a backup.

/// Why an object, or a member of it, is not read.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// The tail is too short to find the central directory: this many of the object's last bytes
    /// are needed.
    #[error("the last {0} bytes are needed to find the central directory")]
    NeedMore(u64),
    /// No zip, or not the whole of one.
    #[error("this is not a complete zip: {0}")]
    NotAZip(&'static str),
    /// A zip, but none that this version of Holdfast reads.
    #[error("this zip is not a backup that this version of Holdfast reads: {0}")]
    NotOurs(&'static str),
    /// The central directory contradicts itself or the object.
    #[error("entry {entry} of the central directory {what}")]
    Directory {
        /// Which entry, from 1.
        entry: u64,
        /// What is wrong with it, as a predicate.
        what: &'static str,
    },
    /// The bytes where a member should begin are not its local header.
    #[error("the local header of {name:?} {what}")]
    Local {
        /// The member's name, as the central directory has it.
        name: String,
        /// What is wrong with it, as a predicate.
        what: &'static str,
    },
    /// The directory's bytes could not be read.
    #[error("the central directory cannot be read: {0}")]
    Read(#[from] std::io::Error),
}
