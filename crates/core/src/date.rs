//! Dates as listings and conditions hold them: [W3C's forms of ISO
//! 8601](https://www.w3.org/TR/NOTE-datetime), or seconds since 1970.

/// Milliseconds since 1970; `None` when it is no date.
#[must_use]
pub(crate) fn parse_ms(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    // Four digits are a year, as long as nobody means the first hours of 1970.
    if digits.len() > 4 && digits.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse::<i64>().ok()?.checked_mul(1000);
    }
    let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
    let mut parts = date.split('-');
    let mut next = |len: usize| parts.next().map(|part| number(part, len));
    let (year, month, day) = (next(4)??, next(2).unwrap_or(Some(1))?, next(2).unwrap_or(Some(1))?);
    if parts.next().is_some() || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let time_ms = match time {
        Some(time) if date.len() == "2026-01-01".len() => time_ms(time)?,
        Some(_) => return None,
        None => 0,
    };
    Some(days(year, month, day) * DAY_MS + time_ms)
}

/// `hh:mm[:ss[.f]]` and `Z` or an offset.
fn time_ms(text: &str) -> Option<i64> {
    let (clock, offset_ms) = match text.strip_suffix('Z') {
        Some(clock) => (clock, 0),
        None => {
            let (clock, zone) = text.split_at_checked(text.len().checked_sub(6)?)?;
            let sign = match zone.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let (hours, minutes) = zone.get(1..)?.split_once(':')?;
            (clock, sign * (number(hours, 2)? * 60 + number(minutes, 2)?) * 60_000)
        }
    };
    let mut parts = clock.split(':');
    let (hours, minutes) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let seconds_ms = match parts.next() {
        None => 0,
        Some(seconds) => {
            let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
            let fraction: f64 =
                format!("0.{fraction}").parse().ok().filter(|_| number(fraction, fraction.len()).is_some())?;
            number(whole, 2)? * 1000 + (fraction * 1000.0) as i64
        }
    };
    let in_range = hours < 24 && minutes < 60 && seconds_ms < 61_000 && parts.next().is_none();
    in_range.then_some((hours * 60 + minutes) * 60_000 + seconds_ms - offset_ms)
}

/// `2026-11-23T20:15:48Z`: to the second, as much as fits into a name.
#[must_use]
pub(crate) fn format_ms(ms: i64) -> String {
    let (Civil { year, month, day }, of_day) = (Civil::of_ms(ms), ms.rem_euclid(DAY_MS) / 1_000);
    let (hours, minutes, seconds) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}Z")
}

/// Milliseconds in a day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// A day of the Gregorian calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
}

impl Civil {
    /// By [Hinnant's civil_from_days](https://howardhinnant.github.io/date_algorithms.html).
    #[must_use]
    pub(crate) fn of_ms(ms: i64) -> Self {
        let days = ms.div_euclid(DAY_MS) + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year, month, day: of_year - (153 * shifted + 2) / 5 + 1 }
    }
}

/// The week of ISO 8601 that a moment is in: its year, which may be another than the day's, and its
/// number. Weeks begin on Monday, and belong to the year that their Thursday is in.
#[must_use]
pub(crate) fn iso_week(ms: i64) -> (i64, i64) {
    let day = ms.div_euclid(DAY_MS);
    // 1 January 1970 was a Thursday.
    let thursday = day - (day + 3).rem_euclid(7) + 3;
    let year = Civil::of_ms(thursday * DAY_MS).year;
    (year, (thursday - days(year, 1, 1)) / 7 + 1)
}

fn number(text: &str, len: usize) -> Option<i64> {
    (text.len() == len && (1..=18).contains(&len) && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// Days since 1970, by [Hinnant's days_from_civil](https://howardhinnant.github.io/date_algorithms.html).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_forms_are_read() {
        let cases = [
            ("2026-11-23T20:15:48Z", 1_795_464_948_000),
            ("2026-11-23T21:15:48+01:00", 1_795_464_948_000),
            ("2026-11-23T20:15:48.25Z", 1_795_464_948_250),
            ("1795464948", 1_795_464_948_000),
            ("1970-01-01", 0),
            ("1970", 0),
            ("2000-02-29", 951_782_400_000),
            ("2000-03", 951_868_800_000),
            ("2026-11-23T20:15Z", 1_795_464_900_000),
        ];
        for (text, ms) in cases {
            assert_eq!(parse_ms(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn a_moment_is_written_as_it_is_read() {
        for ms in [0, 951_782_400_000, 1_795_464_948_000, 4_107_542_399_000, -1_000, 253_402_300_799_000] {
            assert_eq!(parse_ms(&format_ms(ms)), Some(ms), "{}", format_ms(ms));
        }
        assert_eq!(format_ms(1_795_464_948_999), "2026-11-23T20:15:48Z");
        // Every day of eight centuries, leap years of all kinds among them.
        for day in -146_097..146_097 {
            let Civil { year, month, day: of_month } = Civil::of_ms(day * DAY_MS);
            assert_eq!(days(year, month, of_month), day);
        }
    }

    /// The examples of <https://en.wikipedia.org/wiki/ISO_week_date>, from the standard.
    #[test]
    fn weeks_are_those_of_iso_8601() {
        for (date, week) in [
            ("1977-01-01", (1976, 53)),
            ("1977-01-02", (1976, 53)),
            ("1977-12-31", (1977, 52)),
            ("1978-01-01", (1977, 52)),
            ("1978-01-02", (1978, 1)),
            ("1979-12-30", (1979, 52)),
            ("1979-12-31", (1980, 1)),
            ("1980-12-28", (1980, 52)),
            ("1980-12-29", (1981, 1)),
            ("1981-12-31", (1981, 53)),
            ("1982-01-03", (1981, 53)),
            ("2026-11-23", (2026, 48)),
            ("1969-12-31", (1970, 1)),
        ] {
            assert_eq!(parse_ms(date).map(iso_week), Some(week), "{date}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "soon",
            "2026-13-01",
            "2026-1-1",
            "2026-11-23T25:00Z",
            "2026-11-23T20:15",
            "2026-11T20:15Z",
            "2026-11-23T20:15:48",
            "é-01",
            "2026-11-23T20:15:4é",
            "99999999999999999999",
        ] {
            assert_eq!(parse_ms(text), None, "{text}");
        }
    }
}
