//! How deep a body may nest. Checked on the bytes before parsing, because parts that nothing reads are skipped unparsed.

use crate::error::RequestError;

/// Deepest nesting of objects and lists in a body.
pub const DEPTH_MAX: usize = 32;

/// Refuses a body that nests deeper than [`DEPTH_MAX`]; says nothing of whether it is JSON.
pub(super) fn check(body: &[u8]) -> Result<(), RequestError> {
    if opening(body) > DEPTH_MAX && is_too_deep(body) {
        return Err(RequestError::bad("", format!("is nested deeper than {DEPTH_MAX} levels")));
    }
    Ok(())
}

/// How many brackets open, in text or not: what most bodies hold too few of to be deep at all.
fn opening(body: &[u8]) -> usize {
    body.iter().map(|byte| usize::from(matches!(byte, b'[' | b'{'))).sum()
}

fn is_too_deep(body: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_text_do_not_count() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(check(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert!(check(nested(DEPTH_MAX + 1).as_bytes()).is_err());
        assert!(check(format!(r#"["{}\\", "\"{}"]"#, "[".repeat(99), "{".repeat(99)).as_bytes()).is_ok());
    }
}
