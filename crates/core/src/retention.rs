//! Which backups stay: the newest of so many hours, days, weeks, months and years.
//!
//! The rules are those of [restic's
//! forget](https://restic.readthedocs.io/en/stable/060_forget.html#removing-snapshots-according-to-a-policy):
//! each rule goes from the newest backup to older ones and keeps the newest of every period that
//! has one, until it has kept its number; periods without a backup count for nothing. A rule that
//! has some left over keeps the oldest, too. A backup stays when any rule keeps it. Periods are in
//! UTC, weeks those of ISO 8601.
//!
//! Whatever the rules say, the newest good backup stays; so does one that is dated later than now,
//! because then a clock was wrong, and nobody knows which. Without a rule everything stays.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::date::{self, Civil};

/// How many of what are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The newest ones, whenever they were made.
    pub keep_last: u32,
    /// Hours.
    pub hourly: u32,
    /// Days.
    pub daily: u32,
    /// Weeks.
    pub weekly: u32,
    /// Months.
    pub monthly: u32,
    /// Years.
    pub yearly: u32,
    /// All that are younger than the newest by no more than this, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_within_ms: Option<u64>,
    /// Keys that stay until somebody says otherwise.
    pub pinned: BTreeSet<String>,
}

impl Policy {
    /// Whether there is a rule by which anything could be deleted.
    #[must_use]
    pub fn has_rules(&self) -> bool {
        self.keep_within_ms.is_some() || Rule::ALL.iter().any(|rule| self.count(*rule) > 0)
    }

    /// How far back it reaches with a backup a night, in days; for what can only count days.
    #[must_use]
    pub fn reach_days(&self) -> u32 {
        let within =
            self.keep_within_ms.map_or(0, |ms| u32::try_from(ms.div_ceil(date::DAY_MS as u64)).unwrap_or(u32::MAX));
        let days = [
            within,
            self.keep_last,
            self.hourly.div_ceil(24),
            self.daily,
            self.weekly.saturating_mul(7),
            self.monthly.saturating_mul(31),
            self.yearly.saturating_mul(366),
        ];
        days.into_iter().max().unwrap_or(0).max(1)
    }

    fn count(&self, rule: Rule) -> u32 {
        match rule {
            Rule::Last => self.keep_last,
            Rule::Hourly => self.hourly,
            Rule::Daily => self.daily,
            Rule::Weekly => self.weekly,
            Rule::Monthly => self.monthly,
            Rule::Yearly => self.yearly,
        }
    }
}

/// A backup that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Its key.
    pub key: String,
    /// When it began, in milliseconds since 1970.
    pub at_ms: i64,
    /// Its length, in bytes.
    pub len: u64,
    /// Nothing is known against it. One that is not good counts for no rule.
    pub good: bool,
}

/// What becomes of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Its key.
    pub key: String,
    /// Why it stays; `None` when it goes.
    pub keep: Option<Vec<Reason>>,
}

/// Why a backup stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The newest good one.
    Newest,
    /// One of the last.
    Last,
    /// The newest of its hour.
    Hourly,
    /// The newest of its day.
    Daily,
    /// The newest of its week.
    Weekly,
    /// The newest of its month.
    Monthly,
    /// The newest of its year.
    Yearly,
    /// The oldest, where a rule had some left.
    Oldest,
    /// Young enough.
    Within,
    /// Somebody said so.
    Pinned,
    /// It is dated later than now.
    Future,
    /// None is known to be good, so all stay.
    NoneGood,
    /// There is no rule.
    NoRules,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Last,
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Rule {
    const ALL: [Self; 6] = [Self::Last, Self::Hourly, Self::Daily, Self::Weekly, Self::Monthly, Self::Yearly];

    /// The period that a moment is in; the last ones are each a period of their own.
    fn period(self, at_ms: i64, nth: usize) -> (i64, i64) {
        let Civil { year, month, .. } = Civil::of_ms(at_ms);
        match self {
            Self::Last => (nth as i64, 0),
            Self::Hourly => (at_ms.div_euclid(3_600_000), 0),
            Self::Daily => (at_ms.div_euclid(date::DAY_MS), 0),
            Self::Weekly => date::iso_week(at_ms),
            Self::Monthly => (year, month),
            Self::Yearly => (year, 0),
        }
    }

    fn reason(self) -> Reason {
        match self {
            Self::Last => Reason::Last,
            Self::Hourly => Reason::Hourly,
            Self::Daily => Reason::Daily,
            Self::Weekly => Reason::Weekly,
            Self::Monthly => Reason::Monthly,
            Self::Yearly => Reason::Yearly,
        }
    }
}

/// Decides about each backup, the newest first. `now_ms` in milliseconds since 1970.
#[must_use]
pub fn plan(backups: &[Backup], policy: &Policy, now_ms: i64) -> Vec<Decision> {
    let mut sorted: Vec<&Backup> = backups.iter().collect();
    sorted.sort_by(|a, b| (b.at_ms, &b.key).cmp(&(a.at_ms, &a.key)));
    let counted: Vec<usize> = (0..sorted.len()).filter(|&at| sorted[at].good && sorted[at].at_ms <= now_ms).collect();
    let newest = counted.first().copied();
    let mut keep: Vec<BTreeSet<Reason>> = vec![BTreeSet::new(); sorted.len()];
    for (backup, reasons) in sorted.iter().zip(&mut keep) {
        let age_of_newest = newest.map(|newest| sorted[newest].at_ms.saturating_sub(backup.at_ms));
        let within = age_of_newest
            .zip(policy.keep_within_ms)
            .is_some_and(|(age, within)| u64::try_from(age).unwrap_or(0) <= within);
        let all = [
            (within && backup.at_ms <= now_ms, Reason::Within),
            (policy.pinned.contains(&backup.key), Reason::Pinned),
            (backup.at_ms > now_ms, Reason::Future),
            (newest.is_none(), Reason::NoneGood),
            (!policy.has_rules(), Reason::NoRules),
        ];
        reasons.extend(all.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason));
    }
    if let Some(newest) = newest {
        keep[newest].insert(Reason::Newest);
    }
    for rule in Rule::ALL {
        let mut left = policy.count(rule);
        let mut last = None;
        for (nth, &at) in counted.iter().enumerate() {
            if left == 0 {
                break;
            }
            let period = Some(rule.period(sorted[at].at_ms, nth));
            if period != last {
                last = period;
                left -= 1;
                keep[at].insert(rule.reason());
            } else if nth + 1 == counted.len() {
                keep[at].insert(Reason::Oldest);
            }
        }
    }
    let decide = |(backup, reasons): (&Backup, BTreeSet<Reason>)| Decision {
        key: backup.key.clone(),
        keep: (!reasons.is_empty()).then(|| reasons.into_iter().collect()),
    };
    sorted.into_iter().zip(keep).map(decide).collect()
}

#[cfg(test)]
mod tests;
