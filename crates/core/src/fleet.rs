//! A hoster's fleet: how old each client's newest backup is.
//!
//! Pure: a [`Tally`] takes the entries of one client's listing, in whatever order, and keeps only
//! the newest; then it is judged. Nothing here says that a backup is whole: `verify` does.

use serde::{Deserialize, Serialize};

use crate::{date, error::Error, event::Entry, probe};

/// What there is to say about a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// It was to be there, and nothing has its prefix.
    Missing,
    /// Its prefix is there, and no backup below it.
    NoBackup,
    /// Its newest backup is too old.
    Stale,
    /// Its prefix could not be listed, so nothing is known.
    Unreadable,
    /// Its newest backup is young enough.
    Fresh,
}

/// One client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The level below the fleet's prefix, without its slash.
    pub name: String,
    /// What there is to say.
    pub freshness: Freshness,
    /// Its newest backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<Newest>,
    /// Its backups.
    pub backups: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Why its prefix could not be listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// A client's newest backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newest {
    /// Its key.
    pub key: String,
    /// Its length, in bytes.
    pub len: u64,
    /// ISO 8601, as the server gave it.
    pub last_modified: String,
    /// How old it was when the job began, by the server's clock where that is known; 0 when it
    /// came later.
    pub age_ms: u64,
}

/// The fleet as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FleetReport {
    /// What was looked at: `s3://BUCKET/PREFIX/`.
    pub place: String,
    /// How old a newest backup may be.
    pub max_age_ms: u64,
    /// The server's clock minus ours, when they differ by more than an answer's way explains; ages
    /// are by the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_offset_ms: Option<i64>,
    /// Clients in all, missing ones included.
    pub clients: u64,
    /// Those whose newest backup is young enough.
    pub fresh: u64,
    /// Those whose newest backup is too old.
    pub stale: u64,
    /// Those with a prefix and without a backup.
    pub no_backup: u64,
    /// Those that were to be there and have no prefix.
    pub missing: u64,
    /// Those that could not be listed.
    pub unreadable: u64,
    /// Backups of all of them.
    pub backups: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects beside the clients, of no client.
    pub strays: u64,
}

impl FleetReport {
    /// Whether there are clients, and each has a fresh backup.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.clients > 0 && self.fresh == self.clients
    }

    /// Counts a client in.
    pub fn add(&mut self, client: &Client) {
        self.clients += 1;
        self.backups += client.backups;
        self.bytes += client.bytes;
        *match client.freshness {
            Freshness::Fresh => &mut self.fresh,
            Freshness::Stale => &mut self.stale,
            Freshness::NoBackup => &mut self.no_backup,
            Freshness::Missing => &mut self.missing,
            Freshness::Unreadable => &mut self.unreadable,
        } += 1;
    }
}

/// What is kept of a client while its objects go by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    newest: Option<(i64, Newest)>,
    backups: u64,
    bytes: u64,
}

impl Tally {
    /// Counts an object in.
    ///
    /// # Errors
    /// When the server gives no date for it: then nobody can say which is the newest.
    pub fn add(&mut self, entry: Entry) -> Result<(), String> {
        if !probe::is_backup(&entry.key) {
            return Ok(());
        }
        let Some(at_ms) = date::parse_ms(&entry.last_modified) else {
            return Err(format!("the server gives {:?} as the date of {:?}", entry.last_modified, entry.key));
        };
        self.backups += 1;
        self.bytes += entry.len;
        // Of one moment, the later name: keys mostly hold the date.
        let is_newer =
            self.newest.as_ref().is_none_or(|(newest_ms, newest)| (*newest_ms, &newest.key) < (at_ms, &entry.key));
        if is_newer {
            let Entry { key, len, last_modified, .. } = entry;
            self.newest = Some((at_ms, Newest { key, len, last_modified, age_ms: 0 }));
        }
        Ok(())
    }

    /// The client that these were the objects of, at a moment in milliseconds since 1970.
    #[must_use]
    pub fn judge(self, name: String, now_ms: i64, max_age_ms: u64) -> Client {
        let newest = self.newest.map(|(at_ms, newest)| {
            let age_ms = u64::try_from(now_ms.saturating_sub(at_ms)).unwrap_or(0);
            Newest { age_ms, ..newest }
        });
        let freshness = match &newest {
            None => Freshness::NoBackup,
            Some(newest) if newest.age_ms > max_age_ms => Freshness::Stale,
            Some(_) => Freshness::Fresh,
        };
        Client { name, freshness, newest, backups: self.backups, bytes: self.bytes, error: None }
    }
}

impl Client {
    /// One of whom nothing is known but why.
    #[must_use]
    pub fn unreadable(name: String, error: Error) -> Self {
        Self { name, freshness: Freshness::Unreadable, newest: None, backups: 0, bytes: 0, error: Some(error) }
    }

    /// One that was to be there.
    #[must_use]
    pub fn missing(name: String) -> Self {
        Self { name, freshness: Freshness::Missing, newest: None, backups: 0, bytes: 0, error: None }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Noon of 23 November 2026.
    const NOON_MS: i64 = 1_795_435_200_000;
    const HOUR_MS: u64 = 3_600_000;

    fn entry(key: &str, last_modified: &str) -> Entry {
        Entry {
            key: key.into(),
            len: 7,
            etag: "e".into(),
            last_modified: last_modified.into(),
            storage_class: String::new(),
        }
    }

    fn judged(entries: &[(&str, &str)]) -> Client {
        let mut tally = Tally::default();
        for (key, date) in entries {
            tally.add(entry(key, date)).expect("a date");
        }
        tally.judge("client1".into(), NOON_MS, 26 * HOUR_MS)
    }

    #[test]
    fn a_backup_is_fresh_up_to_the_age_and_stale_beyond() {
        for (date, age_ms, freshness) in [
            ("2026-11-23T11:00:00.000Z", HOUR_MS, Freshness::Fresh),
            ("2026-11-22T10:00:00.000Z", 26 * HOUR_MS, Freshness::Fresh),
            ("2026-11-22T09:59:59.999Z", 26 * HOUR_MS + 1, Freshness::Stale),
            ("2026-11-23T13:00:00+01:00", 0, Freshness::Fresh),
            ("2026-11-24T00:00:00Z", 0, Freshness::Fresh),
        ] {
            let client = judged(&[("home/client1/a.zip", date)]);
            assert_eq!((client.newest.expect("one").age_ms, client.freshness), (age_ms, freshness), "{date}");
        }
    }

    #[test]
    fn what_is_ours_is_no_backup() {
        let today = "2026-11-23T11:00:00.000Z";
        let client = judged(&[
            ("home/client1/", today),
            ("home/client1/holdfast-site.json", today),
            ("home/client1/holdfast-probe-r1", today),
        ]);
        assert_eq!((client.freshness, client.backups, client.bytes), (Freshness::NoBackup, 0, 0));
    }

    #[test]
    fn an_object_without_a_date_is_an_error() {
        for date in ["", "yesterday"] {
            assert!(Tally::default().add(entry("home/client1/a.zip", date)).is_err(), "{date}");
        }
    }

    /// `2026-11-DDTHH:MM:SS.mmmZ` of a moment in that month.
    fn written(ms: u64) -> String {
        let (days, of_day) = (ms / 86_400_000, ms % 86_400_000);
        let (hours, minutes, seconds) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60);
        format!("2026-11-{:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", days + 1, of_day % 1_000)
    }

    proptest! {
        #[test]
        fn newest_is_newest(moments in prop::collection::vec(0u64..22 * 86_400_000, 1..60)) {
            let mut tally = Tally::default();
            for (index, ms) in moments.iter().enumerate() {
                tally.add(entry(&format!("home/client1/{index:03}.zip"), &written(*ms))).expect("a date");
            }
            let client = tally.judge("client1".into(), NOON_MS, 0);
            let last_ms = *moments.iter().max().expect("one at least");
            let newest = client.newest.expect("one at least");
            prop_assert_eq!(&newest.last_modified, &written(last_ms));
            let last_index = moments.iter().rposition(|ms| *ms == last_ms).expect("it is one of them");
            prop_assert_eq!(newest.key, format!("home/client1/{last_index:03}.zip"));
            prop_assert_eq!(newest.age_ms, 22 * 86_400_000 + 12 * HOUR_MS - last_ms);
            prop_assert_eq!((client.backups, client.bytes), (moments.len() as u64, 7 * moments.len() as u64));
        }
    }
}
