//! Text of instants and lengths of time: RFC 3339, CEL (Go) durations, and the durations of a book. Owns no clock.

use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::instant::Instant;

/// What CEL allows a duration to be: ten thousand years to either side.
const MAX_DURATION_S: i128 = 315_576_000_000;
/// No text of an instant or a duration is longer.
const MAX_TEXT_BYTES: usize = 128;
/// More digits than nanoseconds can hold carry no meaning and are cut off.
const MAX_FRACTION_DIGITS: usize = 18;

const NANOS_PER_S: i128 = 1_000_000_000;
const GO_UNITS: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", NANOS_PER_S),
    ("m", 60 * NANOS_PER_S),
    ("h", 3_600 * NANOS_PER_S),
];
const BOOK_UNITS: [(&str, i128); 2] = [("d", 86_400 * NANOS_PER_S), ("w", 7 * 86_400 * NANOS_PER_S)];

/// Reads a CEL duration, as `14h`, `1h30m`, `-1.5s` or `0`.
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    duration_with(text, &[])
}

/// Reads a duration of a book, as `30s`, `10m`, `14h`, `1d`, `2w` or `1h30m`: whole milliseconds, not negative.
pub fn parse_duration_ms(text: &str) -> Option<i64> {
    let duration = duration_with(text, &BOOK_UNITS)?;
    let millis = i64::try_from(duration.as_millis()).ok()?;
    (millis >= 0 && SignedDuration::from_millis(millis) == duration).then_some(millis)
}

/// Writes a duration so that [`parse_duration`] reads it back: `14h`, `1h30m`, `-1.5s`, `0s`.
pub fn duration_text(duration: SignedDuration) -> String {
    let nanos = duration.as_nanos();
    let sign = if nanos < 0 { "-" } else { "" };
    let (seconds, fraction) = (nanos.abs() / NANOS_PER_S, nanos.abs() % NANOS_PER_S);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let digits = format!("{fraction:09}");
    let seconds = match digits.trim_end_matches('0') {
        "" => seconds.to_string(),
        digits => format!("{seconds}.{digits}"),
    };
    let part = |count: String, unit| if count == "0" { String::new() } else { count + unit };
    match part(hours.to_string(), "h") + &part(minutes.to_string(), "m") + &part(seconds, "s") {
        nothing if nothing.is_empty() => "0s".to_owned(),
        parts => format!("{sign}{parts}"),
    }
}

/// Reads an RFC 3339 instant, as `2026-11-21T00:00:00Z` or `2026-11-21T01:00:00.5+01:00`.
pub fn parse_timestamp(text: &str) -> Option<Instant> {
    if !is_rfc3339(text.as_bytes()) {
        return None;
    }
    let zone_at = text.rfind(['Z', 'z', '+', '-'])?;
    let (local, zone) = text.split_at_checked(zone_at)?;
    let local: DateTime = local.parse().ok()?;
    Instant::from_local(local, offset_seconds(zone)?)
}

/// `Z`, `+01:00` or `-01:00` as seconds ahead of UTC.
fn offset_seconds(zone: &str) -> Option<i64> {
    let Some((hours, minutes)) = zone.split_once(':') else { return Some(0) };
    let seconds =
        |sign: i64, hours: &str| Some(sign * (hours.parse::<i64>().ok()? * 3_600 + minutes.parse::<i64>().ok()? * 60));
    match hours.strip_prefix('-') {
        Some(hours) => seconds(-1, hours),
        None => seconds(1, hours.strip_prefix('+')?),
    }
}

/// The form alone: jiff also reads other forms, which are not RFC 3339, and takes a second 60 for 59.
fn is_rfc3339(text: &[u8]) -> bool {
    let Some((date_time, rest)) = text.split_at_checked(19) else { return false };
    let leap_second = date_time.ends_with(b"60");
    text.len() <= MAX_TEXT_BYTES && has_form(date_time, b"0000-00-00T00:00:00") && !leap_second && is_zone(rest)
}

/// An optional fraction, then `Z` or an offset of less than a day.
fn is_zone(text: &[u8]) -> bool {
    let zone = match text.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 {
                return false;
            }
            fraction.get(digits..).unwrap_or_default()
        }
        None => text,
    };
    let offset = has_form(zone, b"+00:00") || has_form(zone, b"-00:00");
    matches!(zone, b"Z" | b"z") || (offset && zone.get(1..3) <= Some(b"23") && zone.get(4..) <= Some(b"59"))
}

/// Whether `text` has the form: `0` stands for a digit, `T` for either case of it, all else for itself.
fn has_form(text: &[u8], form: &[u8]) -> bool {
    text.len() == form.len()
        && text.iter().zip(form).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            b'T' => byte.eq_ignore_ascii_case(form),
            _ => byte == form,
        })
}

fn duration_with(text: &str, more_units: &[(&str, i128)]) -> Option<SignedDuration> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() || text.len() > MAX_TEXT_BYTES {
        return None;
    }
    let mut nanos = 0_i128;
    while !rest.is_empty() {
        let (part, after) = duration_part(rest, more_units)?;
        nanos = nanos.checked_add(part)?;
        rest = after;
    }
    signed(if negative { -nanos } else { nanos })
}

fn signed(nanos: i128) -> Option<SignedDuration> {
    if nanos.abs() > MAX_DURATION_S * NANOS_PER_S {
        return None;
    }
    let seconds = i64::try_from(nanos / NANOS_PER_S).ok()?;
    Some(SignedDuration::new(seconds, i32::try_from(nanos % NANOS_PER_S).ok()?))
}

/// One number with its unit off the front of `text`: its nanoseconds and what follows.
fn duration_part<'t>(text: &'t str, more_units: &[(&str, i128)]) -> Option<(i128, &'t str)> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), digits);
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let units = GO_UNITS.iter().chain(more_units);
    let (unit, nanos) = units.filter(|(unit, _)| rest.starts_with(unit)).max_by_key(|(unit, _)| unit.len())?;
    let fraction = fraction.get(..MAX_FRACTION_DIGITS).unwrap_or(fraction);
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let whole = number(whole)?.checked_mul(*nanos)?;
    let part = whole.checked_add(number(fraction)?.checked_mul(*nanos)? / scale)?;
    Some((part, rest.get(unit.len()..)?))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn number(digits: &str) -> Option<i128> {
    if digits.is_empty() { Some(0) } else { digits.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nanos(text: &str) -> Option<i128> {
        parse_duration(text).map(|duration| duration.as_nanos())
    }

    #[test]
    fn reads_cel_durations() {
        assert_eq!(nanos("14h"), Some(14 * 3_600 * NANOS_PER_S));
        assert_eq!(nanos("1h30m"), Some(5_400 * NANOS_PER_S));
        assert_eq!(nanos("-1.5s"), Some(-1_500_000_000));
        assert_eq!(nanos("+.5s"), Some(500_000_000));
        assert_eq!(nanos("1m"), Some(60 * NANOS_PER_S));
        assert_eq!(nanos("1ms1us1\u{b5}s1ns"), Some(1_002_001));
        assert_eq!(nanos("0"), Some(0));
    }

    #[test]
    fn refuses_what_cel_refuses() {
        for text in ["", "-", "1", "h", "1d", "1w", "1h ", " 1h", "1H", ".s", "--1s", "1h-1m", "315576000001s"] {
            assert_eq!(nanos(text), None, "{text}");
        }
        assert_eq!(nanos(&"9".repeat(100)), None);
        assert_eq!(nanos(&format!("{}s", "9".repeat(60))), None);
    }

    #[test]
    fn book_durations_know_days_and_weeks() {
        assert_eq!(parse_duration_ms("1d"), Some(86_400_000));
        assert_eq!(parse_duration_ms("2w"), Some(14 * 86_400_000));
        assert_eq!(parse_duration_ms("1d12h"), Some(129_600_000));
        assert_eq!(parse_duration_ms("1.5s"), Some(1_500));
        for text in ["-1s", "1us", "1.0001s", "30", "1y", ""] {
            assert_eq!(parse_duration_ms(text), None, "{text}");
        }
    }

    #[test]
    fn writes_durations_that_read_back() {
        for (text, canonical) in [
            ("14h", "14h"),
            ("90m", "1h30m"),
            ("0", "0s"),
            ("-1.5s", "-1.5s"),
            ("61.000000001s", "1m1.000000001s"),
            ("3600s", "1h"),
        ] {
            let duration = parse_duration(text).unwrap();
            assert_eq!(duration_text(duration), canonical);
            assert_eq!(parse_duration(canonical), Some(duration));
        }
    }

    #[test]
    fn instants_are_rfc_3339_and_nothing_else() {
        assert_eq!(parse_timestamp("1970-01-01T00:00:01Z").unwrap().as_millisecond(), 1_000);
        assert_eq!(parse_timestamp("1970-01-01t01:00:01.5+01:00").unwrap().as_millisecond(), 1_500);
        for text in [
            "1970-01-01",
            "1970-01-01T00:00:01",
            "1970-01-01 00:00:01Z",
            "1970-01-01T00:00Z",
            "1970-01-01T00:00:01+0100",
            "1970-01-01T00:00:01+24:00",
            "1970-01-01T00:00:01+01:60",
            "1970-01-01T00:00:01.Z",
            "1970-01-01T00:00:60Z",
            "1970-02-30T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "1970-01-01T00:00:01Z[Europe/Berlin]",
            "",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }
}
