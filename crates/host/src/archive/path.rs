//! A path inside an archive: raw bytes, because a file name on Linux is not text.

use std::{cmp::Ordering, ffi::OsStr, fmt, ops::Deref, os::unix::ffi::OsStrExt, path::Path};

/// Relative to the root, separated by `/`, without one at either end. Empty is the root itself.
///
/// Printed, what is not text appears as `\xFF` and control characters as `\n`, so that a name
/// cannot forge a line of a report.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct PathBytes(Vec<u8>);

impl PathBytes {
    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, given away.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// As the standard library takes it.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// What follows the last `/`.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        match self.0.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => &self.0[slash + 1..],
            None => &self.0,
        }
    }
}

impl From<Vec<u8>> for PathBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for PathBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl Deref for PathBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for PathBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                match c {
                    '\\' => f.write_str("\\\\")?,
                    c if c.is_control() => write!(f, "{}", c.escape_default())?,
                    c => write!(f, "{c}")?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02X}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for PathBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Ord for PathBytes {
    fn cmp(&self, other: &Self) -> Ordering {
        archive_order(&self.0, &other.0)
    }
}

impl PartialOrd for PathBytes {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The order of an archive: the names of a directory by their bytes, and a directory right before
/// what is in it. It is not the order of the paths' bytes (`a/b` stands before `a-b` here): a `/`
/// counts as less than every byte that a name may have.
#[must_use]
pub fn archive_order(a: &[u8], b: &[u8]) -> Ordering {
    match a.iter().zip(b).find(|(a, b)| a != b) {
        None => a.len().cmp(&b.len()),
        Some((b'/', _)) => Ordering::Less,
        Some((_, b'/')) => Ordering::Greater,
        Some((a, b)) => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_stands_right_before_what_is_in_it() {
        let mut paths = ["a-b", "a/b", "a", "ab", "a/b/c", "a!", "a/b-c"];
        paths.sort_by(|a, b| archive_order(a.as_bytes(), b.as_bytes()));
        assert_eq!(paths, ["a", "a/b", "a/b/c", "a/b-c", "a!", "a-b", "ab"]);
    }

    #[test]
    fn a_name_cannot_forge_a_line() {
        let path = PathBytes::from(&b"a\nerror: \\ \xff \xc3\xa9 \x1b[1m"[..]);
        assert_eq!(path.to_string(), "a\\nerror: \\\\ \\xFF é \\u{1b}[1m");
    }

    #[test]
    fn the_name_is_the_last_component() {
        assert_eq!(PathBytes::from(&b"a/b"[..]).name(), b"b");
        assert_eq!(PathBytes::from(&b"b"[..]).name(), b"b");
    }
}
