//! A member's name: any bytes that stay inside the directory where they are extracted.

use std::{borrow::Cow, cmp::Ordering, fmt};

/// The member that every backup begins with, and that is never replaced.
pub const FIRST_MEMBER: &[u8] = b"holdfast.json";
/// The member that every backup ends with in archive order: the facts of its night.
pub const LAST_MEMBER: &[u8] = b"backup.json";

/// A zip has 16 bits for the length of a name.
const MAX_LEN: usize = 0xffff;

/// A member's path: raw bytes, components divided by `/`, a trailing `/` for a directory.
///
/// Its order is the archive's: by the first component (`holdfast.json`, `database`, `files`,
/// others, `backup.json`), then component by component as bytes, so that what is in a directory
/// follows it directly. A trailing slash does not count: `a` and `a/` are one place in a tree, and
/// equal.
#[derive(Clone)]
pub struct MemberName(Vec<u8>);

/// Why bytes are no [`MemberName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No bytes at all.
    #[error("is empty")]
    Empty,
    /// Longer than a zip's 65,535 bytes.
    #[error("is longer than 65,535 bytes")]
    TooLong,
    /// A NUL byte, which no file system takes.
    #[error("holds a NUL byte")]
    Nul,
    /// A path that begins at the root.
    #[error("is absolute")]
    Absolute,
    /// Two slashes in a row.
    #[error("has an empty component")]
    EmptyComponent,
    /// A `.` or `..` component.
    #[error("has a `.` or `..` component")]
    Dots,
}

impl MemberName {
    /// Parses a name.
    ///
    /// # Errors
    /// When it could not be extracted, or not inside the directory where it belongs.
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Self, NameError> {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return Err(NameError::Empty);
        }
        if bytes.len() > MAX_LEN {
            return Err(NameError::TooLong);
        }
        if bytes.contains(&0) {
            return Err(NameError::Nul);
        }
        if bytes[0] == b'/' {
            return Err(NameError::Absolute);
        }
        for component in without_slash(&bytes).split(|&b| b == b'/') {
            match component {
                b"" => return Err(NameError::EmptyComponent),
                b"." | b".." => return Err(NameError::Dots),
                _ => {}
            }
        }
        Ok(Self(bytes))
    }

    /// The name as the zip has it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The name for people: what is not UTF-8 is replaced.
    #[must_use]
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// Whether it ends in `/`.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.0.ends_with(b"/")
    }

    /// Whether this names something inside the directory `other`, at any depth.
    #[must_use]
    pub fn is_below(&self, other: &Self) -> bool {
        self.path().strip_prefix(other.path()).is_some_and(|rest| rest.starts_with(b"/"))
    }

    /// The name without a trailing slash.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        without_slash(&self.0)
    }

    /// Where the first component comes in the archive.
    fn rank(&self) -> u8 {
        match self.path().split(|&b| b == b'/').next() {
            Some(FIRST_MEMBER) => 0,
            Some(b"database") => 1,
            Some(b"files") => 2,
            Some(LAST_MEMBER) => 4,
            _ => 3,
        }
    }
}

fn without_slash(bytes: &[u8]) -> &[u8] {
    bytes.strip_suffix(b"/").unwrap_or(bytes)
}

impl Ord for MemberName {
    fn cmp(&self, other: &Self) -> Ordering {
        // A name has no NUL, so a slash in its place sorts components before longer components.
        let key = |&byte: &u8| if byte == b'/' { 0 } else { byte };
        self.rank().cmp(&other.rank()).then_with(|| self.path().iter().map(key).cmp(other.path().iter().map(key)))
    }
}

impl PartialOrd for MemberName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for MemberName {
    fn eq(&self, other: &Self) -> bool {
        self.path() == other.path()
    }
}

impl Eq for MemberName {}

impl fmt::Debug for MemberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(bytes: impl Into<Vec<u8>>) -> MemberName {
        MemberName::parse(bytes).expect("a name")
    }

    #[test]
    fn what_could_leave_its_directory_is_refused() {
        let cases: [(&[u8], NameError); 13] = [
            (b"", NameError::Empty),
            (b"/", NameError::Absolute),
            (b"/etc/passwd", NameError::Absolute),
            (b"a//b", NameError::EmptyComponent),
            (b"a//", NameError::EmptyComponent),
            (b".", NameError::Dots),
            (b"./", NameError::Dots),
            (b"..", NameError::Dots),
            (b"a/../b", NameError::Dots),
            (b"a/..", NameError::Dots),
            (b"a/./b", NameError::Dots),
            (b"../a", NameError::Dots),
            (b"a\0b", NameError::Nul),
        ];
        for (bytes, why) in cases {
            assert_eq!(MemberName::parse(bytes).expect_err("no name"), why, "{bytes:?}");
        }
        assert_eq!(MemberName::parse(vec![b'a'; 65_536]).expect_err("too long"), NameError::TooLong);
    }

    #[test]
    fn odd_but_harmless_names_are_kept_as_they_are() {
        for bytes in [&b"0"[..], b"...", b"..a", b"a\\..\\b", b"C:\\x", b"a\nb", b"\xff\xfe", b"-rf", b"a/", b" "] {
            assert_eq!(name(bytes).as_bytes(), bytes);
        }
        assert_eq!(name(vec![b'a'; 65_535]).as_bytes().len(), 65_535);
    }

    #[test]
    fn the_archive_has_its_order() {
        let sorted: [&[u8]; 17] = [
            b"holdfast.json",
            b"database/",
            b"database/1.sql",
            b"files/",
            b"files/a/",
            b"files/a/b",
            b"files/a/b.txt",
            b"files/a\x01",
            b"files/a b",
            b"files/a.txt",
            b"files/a/".split_last().expect("bytes").1, // equal to `files/a/`, see below
            b"files/ab/",
            b"files/\xff",
            b"files.txt",
            b"other",
            b"zzz/z",
            b"backup.json",
        ];
        let sorted: Vec<_> = sorted.iter().filter(|bytes| **bytes != b"files/a").map(|bytes| name(*bytes)).collect();
        for pair in sorted.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?}");
        }
        assert_eq!(name("files/a"), name("files/a/"));
    }

    proptest! {
        #[test]
        fn the_order_is_that_of_the_components(
            a in proptest::collection::vec("[a-c./\\-]{1,4}", 1..4),
            b in proptest::collection::vec("[a-c./\\-]{1,4}", 1..4),
        ) {
            let (a, b) = (a.join("/"), b.join("/"));
            let (Ok(one), Ok(two)) = (MemberName::parse(a.as_str()), MemberName::parse(b.as_str())) else { return Ok(()) };
            let components = |text: &str| text.trim_end_matches('/').split('/').map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(one.cmp(&two), components(&a).cmp(&components(&b)));
            prop_assert_eq!(one == two, one.cmp(&two) == Ordering::Equal);
            prop_assert_eq!(one.is_below(&two), components(&a).len() > components(&b).len() && components(&a).starts_with(&components(&b)));
        }
    }
}
