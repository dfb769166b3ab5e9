//! Names that S3 has rules for: parsed once, carried as types.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a name is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {name:?} {why}")]
pub struct NameError {
    what: &'static str,
    name: String,
    why: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Parses a name.
            ///
            /// # Errors
            /// When a rule is broken; the error names it.
            pub fn parse(name: impl Into<String>) -> Result<Self, NameError> {
                let name = name.into();
                match $check(&name) {
                    Some(why) => Err(NameError { what: $what, name, why }),
                    None => Ok(Self(name)),
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;

            fn try_from(name: String) -> Result<Self, NameError> {
                Self::parse(name)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// A bucket, by the [general purpose bucket naming
    /// rules](https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html).
    Bucket, "bucket name", bucket_fault
}

name! {
    /// An object's key: 1 to 1,024 bytes of UTF-8. Control characters are refused, though S3
    /// takes them: they cannot be listed in its XML.
    Key, "key", key_fault
}

name! {
    /// The beginning of keys: empty, or ending in `/`, so that `client1` never takes in
    /// `client10`.
    Prefix, "prefix", prefix_fault
}

name! {
    /// A region's name; it becomes part of a host name and of every signature.
    Region, "region", region_fault
}

name! {
    /// The id that CreateMultipartUpload gave out. Opaque; it only has to survive a query string.
    UploadId, "upload id", upload_id_fault
}

/// The partition of a region: its ARNs begin with it.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
#[must_use]
pub fn partition(region: &str) -> &'static str {
    if region.starts_with("cn-") {
        "aws-cn"
    } else if region.starts_with("us-gov-") {
        "aws-us-gov"
    } else {
        "aws"
    }
}

impl Default for Prefix {
    /// The whole bucket.
    fn default() -> Self {
        Self(String::new())
    }
}

fn bucket_fault(name: &str) -> Option<&'static str> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    if !(3..=63).contains(&bytes.len()) {
        Some("is not 3 to 63 characters long")
    } else if !bytes.iter().all(|&b| inner(b)) {
        Some("may hold only lower-case letters, digits, dots and hyphens")
    } else if !edge(bytes.first()) || !edge(bytes.last()) {
        Some("must begin and end with a letter or a digit")
    } else if name.contains("..") {
        Some("has two dots in a row")
    } else if name.parse::<std::net::Ipv4Addr>().is_ok() {
        Some("looks like an IP address")
    } else {
        None
    }
}

fn text_fault(name: &str) -> Option<&'static str> {
    if name.len() > 1024 {
        Some("is longer than 1,024 bytes")
    } else if name.chars().any(char::is_control) {
        Some("holds a control character")
    } else {
        None
    }
}

fn key_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() { Some("is empty") } else { text_fault(name) }
}

fn prefix_fault(name: &str) -> Option<&'static str> {
    if !name.is_empty() && !name.ends_with('/') { Some("must end in `/`") } else { text_fault(name) }
}

fn region_fault(name: &str) -> Option<&'static str> {
    let label = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if name.is_empty() || name.len() > 64 {
        Some("is not 1 to 64 characters long")
    } else if !name.bytes().all(label) {
        Some("may hold only letters, digits, hyphens and underscores")
    } else {
        None
    }
}

fn upload_id_fault(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > 2048 {
        Some("is not 1 to 2,048 bytes long")
    } else if name.chars().any(char::is_control) {
        Some("holds a control character")
    } else {
        None
    }
}

/// `s3://BUCKET/KEY`, `s3://BUCKET/PREFIX/` or `s3://BUCKET`, as people name storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The bucket.
    pub bucket: Bucket,
    /// What follows the bucket and its slash, as typed: nothing is decoded or normalised.
    pub path: String,
}

/// Why a text is not a [`Location`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Another scheme, or none.
    #[error("{0:?} does not begin with `s3://`")]
    Scheme(String),
    /// The bucket or what follows breaks a rule.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Location {
    /// Parses `s3://…`.
    ///
    /// # Errors
    /// When the scheme or the bucket name is wrong.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        let Some(rest) = text.strip_prefix("s3://") else {
            return Err(LocationError::Scheme(text.to_owned()));
        };
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        Ok(Self { bucket: Bucket::parse(bucket)?, path: path.to_owned() })
    }

    /// The path as an object's key.
    ///
    /// # Errors
    /// When it is empty or breaks a rule.
    pub fn key(&self) -> Result<Key, NameError> {
        Key::parse(self.path.as_str())
    }

    /// The path as a prefix.
    ///
    /// # Errors
    /// When it does not end in `/` (unless empty).
    pub fn prefix(&self) -> Result<Prefix, NameError> {
        Prefix::parse(self.path.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names_follow_the_rules_of_aws() {
        for good in ["abc", "a-b.c", "0rainworks-hosting-backups9", &"a".repeat(63)] {
            assert!(Bucket::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", "Abc", "a_b", "-ab", "ab-", ".ab", "a..b", "192.168.1.1", "a/b", &"a".repeat(64)] {
            assert!(Bucket::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_take_anything_but_nothing_and_controls() {
        for good in ["a", "a//../b +~é%20", "/", &"é".repeat(512)] {
            assert!(Key::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a\nb", "a\u{7f}", &"é".repeat(513)] {
            assert!(Key::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_prefix_ends_in_a_slash_or_is_empty() {
        assert!(Prefix::parse("").is_ok());
        assert!(Prefix::parse("home/client1/").is_ok());
        assert!(Prefix::parse("home/client1").is_err());
    }

    #[test]
    fn a_location_keeps_its_path_to_the_letter() {
        let location = Location::parse("s3://backups/a//../b%20c").expect("valid");
        assert_eq!(location.path, "a//../b%20c");
        assert_eq!(Location::parse("s3://backups").expect("valid").path, "");
        assert!(matches!(Location::parse("backups/x"), Err(LocationError::Scheme(_))));
        assert!(matches!(Location::parse("s3:///x"), Err(LocationError::Name(_))));
    }

    #[test]
    fn a_parsed_name_stays_parsed_through_json() {
        assert!(serde_json::from_str::<Bucket>("\"Not A Bucket\"").is_err());
        assert!(serde_json::from_str::<Prefix>("\"home/client1\"").is_err());
    }
}
