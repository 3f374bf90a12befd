//! The name a person probably meant. Owns the edit distance; used for hints only, never to decide.

/// Names longer than this are not compared.
const MAX_NAME_CHARS: usize = 128;

/// The candidate nearest to `name`, when it is near enough to be a slip of the pen.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name: Vec<char> = name.chars().take(MAX_NAME_CHARS + 1).collect();
    if name.len() > MAX_NAME_CHARS {
        return None;
    }
    let limit = (name.len() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= MAX_NAME_CHARS)
        .map(|candidate| (distance(&name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, with two neighbours swapped counted as one slip.
fn distance(name: &[char], candidate: &str) -> usize {
    let mut two_back: Vec<usize> = Vec::new();
    let mut back: Vec<usize> = (0..=name.len()).collect();
    let mut left_above = None;
    for (row, there) in candidate.chars().enumerate() {
        let mut line = vec![row + 1];
        let mut left = None;
        for (column, here) in name.iter().enumerate() {
            let get = |line: &[usize], at: usize| line.get(at).copied().unwrap_or(usize::MAX - 1);
            let changed = get(&back, column) + usize::from(*here != there);
            let mut best = changed.min(get(&back, column + 1) + 1).min(get(&line, column) + 1);
            if left == Some(there) && left_above == Some(*here) {
                best = best.min(get(&two_back, column.wrapping_sub(1)) + 1);
            }
            line.push(best);
            left = Some(*here);
        }
        two_back = std::mem::replace(&mut back, line);
        left_above = Some(there);
    }
    back.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_of_the_pen() {
        let names = ["order.channel", "order.final_sale", "visit.intent"];
        assert_eq!(nearest("order.chanel", names), Some("order.channel"));
        assert_eq!(nearest("order.channle", names), Some("order.channel"));
        assert_eq!(nearest("visit.intend", names), Some("visit.intent"));
        assert_eq!(nearest("basket.size", names), None);
        assert_eq!(nearest("onlin", ["online", "store"]), Some("online"));
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn a_swap_counts_once() {
        let distance = |left: &str, right| distance(&left.chars().collect::<Vec<_>>(), right);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
