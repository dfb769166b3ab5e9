//! MS-DOS's date and time, which every header has: local time without a zone, by two seconds.

/// Seconds since 1970 as DOS date (high half) and time (low half), in UTC, clamped to 1980..2107.
/// UTC, because a header must not depend on where it is written; readers that know the extended
/// timestamp take the time from there.
pub(super) fn from_unix(seconds: i64) -> u32 {
    const FIRST: i64 = 315_532_800; // 1980-01-01T00:00:00Z
    const LAST: i64 = 4_354_819_198; // 2107-12-31T23:59:58Z
    let seconds = seconds.clamp(FIRST, LAST);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let date = ((year - 1980) << 9) | (month << 5) | day;
    let time = ((second / 3600) << 11) | ((second / 60 % 60) << 5) | (second % 60 / 2);
    // Both halves are 16 bits wide after the clamp.
    ((date as u32) << 16) | time as u32
}

/// Year, month and day of a day since 1970, by
/// [Hinnant's civil_from_days](https://howardhinnant.github.io/date_algorithms.html).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let cases = [
            (i64::MIN, (1980, 1, 1, 0, 0, 0)),
            (0, (1980, 1, 1, 0, 0, 0)),
            (951_782_400, (2000, 2, 29, 0, 0, 0)),
            (1_795_464_948, (2026, 11, 23, 20, 15, 48)),
            (1_795_464_949, (2026, 11, 23, 20, 15, 48)),
            (4_107_542_399, (2100, 2, 28, 23, 59, 58)),
            (4_107_542_400, (2100, 3, 1, 0, 0, 0)),
            (i64::MAX, (2107, 12, 31, 23, 59, 58)),
        ];
        for (seconds, (year, month, day, hour, minute, second)) in cases {
            let expected =
                ((year - 1980) << 25) | (month << 21) | (day << 16) | (hour << 11) | (minute << 5) | (second / 2);
            assert_eq!(from_unix(seconds), expected, "{seconds}");
        }
    }
}
