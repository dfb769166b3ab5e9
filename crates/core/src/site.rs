//! Whose backup an object is, and of when: all of it stands in its key.
//!
//! ```text
//! home/client1/ shop.example.org-0a1b2c3d / 2026-11-23T020000Z.zip
//! the prefix    label           - id8       the moment it began, in UTC
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::date;

/// A label is cut at this length, in bytes.
const MAX_LABEL_LEN: usize = 60;

/// Digits of the id that a folder's name ends in.
const SHORT_LEN: usize = 8;

/// A site's random number: 32 hexadecimal digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SiteId(String);

impl SiteId {
    /// Of 16 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(hex::encode(bytes))
    }

    /// Reads one; `None` when it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 32 && is_hex(text)).then(|| Self(text.to_owned()))
    }

    /// All of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its first 8 digits, which are in names.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..SHORT_LEN).unwrap_or_default()
    }
}

impl TryFrom<String> for SiteId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| "a site's id is 32 hexadecimal digits".to_owned())
    }
}

impl From<SiteId> for String {
    fn from(id: SiteId) -> Self {
        id.0
    }
}

impl fmt::Display for SiteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The folder that a site's backups are in: something to recognise it by, and 8 digits of its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SiteName {
    name: String,
}

impl SiteName {
    /// Made of a host's or a directory's name.
    #[must_use]
    pub fn new(from: &str, id: &SiteId) -> Self {
        let mut label = String::new();
        for c in from.chars().flat_map(char::to_lowercase) {
            let kept = if c.is_ascii_lowercase() || c.is_ascii_digit() {
                c
            } else if c == '.' {
                '.'
            } else {
                '-'
            };
            // Never `..`, and never a row of dashes for a name in another script.
            if matches!(kept, '.' | '-') && label.ends_with(['.', '-']) {
                continue;
            }
            if label.len() < MAX_LABEL_LEN {
                label.push(kept);
            }
        }
        let label = label.trim_matches(['.', '-']);
        let label = if label.is_empty() { "site" } else { label };
        Self { name: format!("{label}-{}", id.short()) }
    }

    /// Reads a folder's name; `None` when it is no site's.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (label, id) = name.rsplit_once('-')?;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
        let is_label = (1..=MAX_LABEL_LEN).contains(&label.len()) && label.bytes().all(plain);
        (is_label && id.len() == SHORT_LEN && is_hex(id)).then(|| Self { name: name.to_owned() })
    }

    /// The folder's name, without a slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// What it is recognised by.
    #[must_use]
    pub fn label(&self) -> &str {
        self.name.rsplit_once('-').map_or("", |(label, _)| label)
    }

    /// The digits of its id.
    #[must_use]
    pub fn short_id(&self) -> &str {
        self.name.rsplit_once('-').map_or("", |(_, id)| id)
    }

    /// Whether it is the folder of the site with this id.
    #[must_use]
    pub fn is_of(&self, id: &SiteId) -> bool {
        self.short_id() == id.short()
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A backup's own name: when it began, to the second, and which of that second it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BackupName {
    at_s: i64,
    nth: u32,
}

impl BackupName {
    /// Of a backup that begins now, in milliseconds since 1970.
    #[must_use]
    pub fn new(now_ms: i64) -> Self {
        Self { at_s: now_ms.div_euclid(1_000), nth: 1 }
    }

    /// The name after this one, for a second backup within the same second.
    #[must_use]
    pub fn next(self) -> Self {
        Self { nth: self.nth.saturating_add(1), ..self }
    }

    /// Reads a name; `None` when it is not one, to the letter.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (moment, rest) = name.split_at_checked("2026-11-23T020000Z".len())?;
        let nth = match rest.strip_suffix(".zip")? {
            "" => 1,
            nth => nth.strip_prefix('-')?.parse().ok().filter(|nth| *nth > 1)?,
        };
        let (date, time) = moment.split_once('T')?;
        let (hours, rest) = time.split_at_checked(2)?;
        let (minutes, seconds) = rest.split_at_checked(2)?;
        let at_ms = date::parse_ms(&format!("{date}T{hours}:{minutes}:{seconds}"))?;
        let parsed = Self { at_s: at_ms.div_euclid(1_000), nth };
        // 31 February, second 60, `-02`: each moment has one spelling.
        (parsed.to_string() == name).then_some(parsed)
    }

    /// When it began, in milliseconds since 1970. A later one of the same second is later.
    #[must_use]
    pub fn at_ms(self) -> i64 {
        self.at_s * 1_000 + i64::from(self.nth - 1).min(999)
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let moment = date::format_ms(self.at_s * 1_000).replace(':', "");
        match self.nth {
            1 => write!(f, "{moment}.zip"),
            nth => write!(f, "{moment}-{nth}.zip"),
        }
    }
}

/// Whose backup a key below a prefix is, and of when; `None` when it is none of ours.
#[must_use]
pub fn parse_key(prefix: &str, key: &str) -> Option<(SiteName, BackupName)> {
    let (site, backup) = key.strip_prefix(prefix)?.split_once('/')?;
    Some((SiteName::parse(site)?, BackupName::parse(backup)?))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id() -> SiteId {
        SiteId::parse("0a1b2c3d4e5f60718293a4b5c6d7e8f9").expect("an id")
    }

    #[test]
    fn labels_are_made_of_whatever_a_site_is_called() {
        for (from, name) in [
            ("shop.example.org", "shop.example.org-0a1b2c3d"),
            ("Shop.Example.ORG:8080", "shop.example.org-8080-0a1b2c3d"),
            ("../../etc", "etc-0a1b2c3d"),
            ("Bäckerei Müller", "b-ckerei-m-ller-0a1b2c3d"),
            ("日本", "site-0a1b2c3d"),
            ("", "site-0a1b2c3d"),
            ("a-deadbeef", "a-deadbeef-0a1b2c3d"),
        ] {
            let made = SiteName::new(from, &id());
            assert_eq!(made.as_str(), name, "{from}");
            assert_eq!(SiteName::parse(name), Some(made.clone()));
            assert!(made.is_of(&id()));
        }
        for name in ["", "site", "-0a1b2c3d", "site-0A1B2C3D", "site-0a1b2c3", "Site-0a1b2c3d", "a/b-0a1b2c3d"] {
            assert_eq!(SiteName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn moments_are_names_of_one_spelling() {
        let at = 1_795_464_948_000;
        let name = BackupName::new(at + 999);
        assert_eq!((name.to_string().as_str(), name.at_ms()), ("2026-11-23T201548Z.zip", at));
        assert_eq!(name.next().to_string(), "2026-11-23T201548Z-2.zip");
        assert!(name.next().at_ms() > at && name < name.next() && name.next() < BackupName::new(at + 1_000));
        for wrong in [
            "2026-11-23T201548Z",
            "2026-11-23T201548Z.ZIP",
            "2026-11-23T20:15:48Z.zip",
            "2026-11-23T201548Z-1.zip",
            "2026-11-23T201548Z-02.zip",
            "2026-11-23T201548Z-+2.zip",
            "2026-02-30T201548Z.zip",
            "2026-11-23T201560Z.zip",
            "2026-11-23T201548+.zip",
            "2026-11-23.zip",
            "é026-11-23T201548Z.zip",
        ] {
            assert_eq!(BackupName::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn keys_tell_whose_and_when() {
        let key = "home/client1/shop-0a1b2c3d/2026-11-23T020000Z.zip";
        let (site, backup) = parse_key("home/client1/", key).expect("a backup");
        assert_eq!((site.label(), backup.to_string().as_str()), ("shop", "2026-11-23T020000Z.zip"));
        for (prefix, key) in [
            ("home/client10/", key),
            ("home/", key),
            ("home/client1/", "home/client1/2026-11-23T020000Z.zip"),
            ("home/client1/", "home/client1/shop-0a1b2c3d/x/2026-11-23T020000Z.zip"),
            ("home/client1/", "home/client1/shop-0a1b2c3d/holdfast-site.json"),
        ] {
            assert_eq!(parse_key(prefix, key), None, "{prefix} {key}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_and_label_comes_back(ms in 0..253_402_300_799_999i64, nth in 0..5u32, from in ".{0,80}") {
            let name = (0..nth).fold(BackupName::new(ms), |name, _| name.next());
            prop_assert_eq!(BackupName::parse(&name.to_string()), Some(name));
            let site = SiteName::new(&from, &id());
            prop_assert_eq!(SiteName::parse(site.as_str()), Some(site.clone()));
            prop_assert!(!site.as_str().contains(".."));
        }
    }
}
