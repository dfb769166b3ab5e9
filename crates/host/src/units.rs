//! Sizes and times as people write them.

use std::time::Duration;

/// Reads `16MiB`, `5 GB`, `1048576`. Powers of 1024 with or without the `i`: that is what part
/// sizes are in every S3 tool.
///
/// # Errors
/// When it is not a size.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err("a size is a number with KiB, MiB, GiB or TiB, such as 16MiB".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a size begins with a whole number".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "that is more than 16 EiB".to_owned())
}

/// Reads a rate: `10M`, `500 KiB/s`; never 0.
///
/// # Errors
/// When it is not a rate, or too low for a server's patience.
pub fn parse_rate(text: &str) -> Result<u64, String> {
    // A part of 5 MiB at less than this takes over an hour.
    const LEAST: u64 = 1 << 10;
    let rate = parse_size(text.trim().trim_end_matches("/s"))?;
    if rate < LEAST { Err("a rate is 1KiB a second at least; leave it out for none".to_owned()) } else { Ok(rate) }
}

/// Reads `90s`, `15m`, `2h`, `7d`; a bare number is seconds.
///
/// # Errors
/// When it is not a time.
pub fn parse_time(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let seconds = match unit {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("a time is a number with s, m, h or d, such as 15m".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a time begins with a whole number".to_owned())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(|| "that is too long".to_owned())
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (&text[..at], text[at..].trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read_as_they_are_written() {
        for (text, size) in [("5MiB", 5 << 20), ("5 mb", 5 << 20), ("1048576", 1 << 20), ("2T", 2 << 40)] {
            assert_eq!(parse_size(text), Ok(size), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5GiB", "3 parsecs", "99999999999TiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
        for (text, seconds) in [("90", 90), ("90s", 90), ("15m", 900), ("2h", 7200), ("7d", 604_800)] {
            assert_eq!(parse_time(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert!(parse_time("soon").is_err());
        for (text, rate) in [("10M", 10 << 20), ("500 KiB/s", 500 << 10), ("1024", 1024)] {
            assert_eq!(parse_rate(text), Ok(rate), "{text}");
        }
        for text in ["0", "100", "fast", "10M/h"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }
}
