//! What stays by which rule, and what holds whatever the rules.

use proptest::prelude::*;

use super::*;

const DAY: i64 = date::DAY_MS;
const HOUR: i64 = DAY / 24;

fn backup(text: &str) -> Backup {
    let at_ms = date::parse_ms(text).expect("a date");
    Backup { key: text.to_owned(), at_ms, len: 100, good: true }
}

fn kept(decisions: &[Decision]) -> BTreeSet<String> {
    decisions.iter().filter(|decision| decision.keep.is_some()).map(|decision| decision.key.clone()).collect()
}

/// The reasons for each of these, newest first; `-` where it goes.
fn reasons(texts: &[&str], policy: &Policy) -> Vec<String> {
    let backups: Vec<Backup> = texts.iter().map(|text| backup(text)).collect();
    let now = date::parse_ms("2027-01-02T00:00Z").expect("a date");
    let text = |decision: Decision| match decision.keep {
        None => format!("{} -", decision.key),
        Some(reasons) => format!("{} {reasons:?}", decision.key),
    };
    plan(&backups, policy, now).into_iter().map(text).collect()
}

#[test]
fn each_rule_keeps_the_newest_of_its_periods() {
    let nights = [
        "2026-11-01T02:00Z",
        "2026-11-22T02:00Z",
        "2026-11-22T14:00Z",
        "2026-11-23T02:00Z",
        "2026-11-23T02:30Z",
        "2026-12-31T02:00Z",
        "2027-01-01T02:00Z",
    ];
    let one =
        |policy: Policy| reasons(&nights, &policy).into_iter().filter(|text| !text.ends_with('-')).collect::<Vec<_>>();
    let policy = Policy::default();
    assert_eq!(
        one(Policy { keep_last: 2, ..policy.clone() }),
        ["2027-01-01T02:00Z [Newest, Last]", "2026-12-31T02:00Z [Last]"]
    );
    assert_eq!(
        one(Policy { hourly: 4, ..policy.clone() }),
        [
            "2027-01-01T02:00Z [Newest, Hourly]",
            "2026-12-31T02:00Z [Hourly]",
            "2026-11-23T02:30Z [Hourly]",
            "2026-11-22T14:00Z [Hourly]"
        ]
    );
    assert_eq!(
        one(Policy { daily: 4, ..policy.clone() }),
        [
            "2027-01-01T02:00Z [Newest, Daily]",
            "2026-12-31T02:00Z [Daily]",
            "2026-11-23T02:30Z [Daily]",
            "2026-11-22T14:00Z [Daily]"
        ]
    );
    // New Year's Eve is a Thursday: both days are of the 53rd week of 2026. 22 November is a Sunday.
    assert_eq!(
        one(Policy { weekly: 3, ..policy.clone() }),
        ["2027-01-01T02:00Z [Newest, Weekly]", "2026-11-23T02:30Z [Weekly]", "2026-11-22T14:00Z [Weekly]"]
    );
    assert_eq!(
        one(Policy { monthly: 2, ..policy.clone() }),
        ["2027-01-01T02:00Z [Newest, Monthly]", "2026-12-31T02:00Z [Monthly]"]
    );
    assert_eq!(
        one(Policy { yearly: 9, ..policy.clone() }),
        ["2027-01-01T02:00Z [Newest, Yearly]", "2026-12-31T02:00Z [Yearly]", "2026-11-01T02:00Z [Oldest]"]
    );
    let two_days = Some(2 * DAY as u64);
    assert_eq!(
        one(Policy { keep_within_ms: two_days, ..policy }),
        ["2027-01-01T02:00Z [Newest, Within]", "2026-12-31T02:00Z [Within]"]
    );
}

#[test]
fn what_is_pinned_or_not_yet_stays() {
    let policy = Policy { keep_last: 1, pinned: BTreeSet::from(["2026-01-01".to_owned()]), ..Policy::default() };
    assert_eq!(
        reasons(&["2026-01-01", "2026-01-02", "2026-12-31", "2027-01-03"], &policy),
        ["2027-01-03 [Future]", "2026-12-31 [Newest, Last]", "2026-01-02 -", "2026-01-01 [Pinned]"]
    );
}

#[test]
fn a_bad_backup_takes_no_good_ones_place() {
    let bad = |text| Backup { good: false, ..backup(text) };
    let policy = Policy { keep_last: 1, ..Policy::default() };
    let now = i64::MAX;
    let decisions = plan(&[backup("2026-01-01"), bad("2026-01-02")], &policy, now);
    assert_eq!(kept(&decisions), BTreeSet::from(["2026-01-01".to_owned()]));
    assert_eq!(kept(&plan(&[bad("2026-01-01"), bad("2026-01-02")], &policy, now)).len(), 2);
}

#[test]
fn without_a_rule_everything_stays() {
    let pins = Policy { pinned: BTreeSet::from(["2026-01-01".to_owned()]), ..Policy::default() };
    for policy in [Policy::default(), pins] {
        assert!(reasons(&["2026-01-01", "2026-01-02"], &policy).iter().all(|text| text.contains("NoRules")));
    }
}

#[test]
fn a_policy_reaches_as_far_as_its_farthest_rule() {
    let policy = Policy { daily: 7, weekly: 4, monthly: 6, keep_within_ms: Some(1), ..Policy::default() };
    assert_eq!((policy.reach_days(), Policy::default().reach_days()), (186, 1));
}

fn policies() -> impl Strategy<Value = Policy> {
    let count = || prop_oneof![Just(0u32), 0..4u32, 0..40u32];
    let within = prop::option::of(0..(40 * DAY as u64));
    (count(), count(), count(), count(), count(), count(), within).prop_map(
        |(keep_last, hourly, daily, weekly, monthly, yearly, keep_within_ms)| Policy {
            keep_last,
            hourly,
            daily,
            weekly,
            monthly,
            yearly,
            keep_within_ms,
            pinned: BTreeSet::from(["k3".to_owned()]),
        },
    )
}

const NOW: i64 = 1_795_464_948_000;

/// Backups of hours, days and years, at odd moments, some in the future, some of one moment.
fn some_backups() -> impl Strategy<Value = Vec<Backup>> {
    let age = prop_oneof![-5 * HOUR..100 * HOUR, -DAY..60 * DAY, 0..4_000 * DAY, Just(0)];
    let one = (age, prop::bool::weighted(0.9));
    prop::collection::vec(one, 0..60).prop_map(|all| {
        let backup = |(n, (age, good))| Backup { key: format!("k{n}"), at_ms: NOW - age, len: 1, good };
        all.into_iter().enumerate().map(backup).collect()
    })
}

proptest! {
    #[test]
    fn the_same_backups_in_any_order_meet_the_same_end(backups in some_backups(), policy in policies()) {
        let mut other = backups.clone();
        other.reverse();
        prop_assert_eq!(plan(&backups, &policy, NOW), plan(&other, &policy, NOW));
    }

    #[test]
    fn the_newest_good_one_and_what_is_dated_later_stay(backups in some_backups(), policy in policies()) {
        let kept = kept(&plan(&backups, &policy, NOW));
        let newest = backups.iter().filter(|backup| backup.good && backup.at_ms <= NOW).max_by_key(|backup| (backup.at_ms, &backup.key));
        prop_assert!(newest.is_none_or(|newest| kept.contains(&newest.key)));
        prop_assert!(backups.iter().all(|backup| backup.at_ms <= NOW || kept.contains(&backup.key)));
        prop_assert!(backups.is_empty() || !kept.is_empty());
    }

    #[test]
    fn a_more_generous_policy_keeps_no_less(backups in some_backups(), policy in policies(), more in policies()) {
        prop_assume!(policy.has_rules());
        let sum = Policy {
            keep_last: policy.keep_last + more.keep_last,
            hourly: policy.hourly + more.hourly,
            daily: policy.daily + more.daily,
            weekly: policy.weekly + more.weekly,
            monthly: policy.monthly + more.monthly,
            yearly: policy.yearly + more.yearly,
            keep_within_ms: policy.keep_within_ms.max(more.keep_within_ms),
            pinned: policy.pinned.union(&BTreeSet::from(["k5".to_owned()])).cloned().collect(),
        };
        prop_assert!(kept(&plan(&backups, &sum, NOW)).is_superset(&kept(&plan(&backups, &policy, NOW))));
    }

    #[test]
    fn what_stays_stays_when_it_is_asked_again(backups in some_backups(), policy in policies()) {
        let kept = kept(&plan(&backups, &policy, NOW));
        let rest: Vec<Backup> = backups.into_iter().filter(|backup| kept.contains(&backup.key)).collect();
        prop_assert!(plan(&rest, &policy, NOW).iter().all(|decision| decision.keep.is_some()));
    }
}
