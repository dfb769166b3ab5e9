//! Text with wildcards, and nothing else: every variable has its value.

/// A pattern for one request: text and wildcards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Glob {
    tokens: Vec<Token>,
}

/// What a [`Glob`] is made of. No two texts are neighbours, nor two `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// Itself.
    Text(String),
    /// `*`: any number of characters, none too.
    Any,
    /// `?`: one character.
    One,
}

impl Glob {
    /// A pattern without variables.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let mut glob = Self::default();
        wild_tokens(text, |token| glob.push(&token));
        glob
    }

    /// What it is made of.
    #[must_use]
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The text before the first wildcard.
    #[must_use]
    pub fn head(&self) -> &str {
        match self.tokens.first() {
            Some(Token::Text(text)) => text,
            _ => "",
        }
    }

    /// Whether a text matches. The runs between two `*` are looked for from left to right, each
    /// once and leftmost, so a match is never given up: at worst as many steps as both lengths'
    /// product, and without `?` as many as their sum.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let mut runs = self.tokens.split(|token| *token == Token::Any);
        let first = runs.next().unwrap_or_default();
        let Some(mut rest) = strip_run(first, text) else { return false };
        let Some(last) = runs.next_back() else { return rest.is_empty() };
        for run in runs {
            match find_run(run, rest) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        ends_with_run(last, rest)
    }

    /// The same in lower case, for what knows no case.
    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        let lower = |token: &Token| match token {
            Token::Text(text) => Token::Text(text.to_lowercase()),
            other => other.clone(),
        };
        Self { tokens: self.tokens.iter().map(lower).collect() }
    }

    /// Cut at its first `count - 1` colons.
    #[must_use]
    pub fn split_colons(&self, count: usize) -> Vec<Self> {
        let mut parts = vec![Self::default()];
        for token in &self.tokens {
            let Token::Text(text) = token else {
                push_last(&mut parts, token);
                continue;
            };
            for (at, part) in text.splitn(count - parts.len() + 1, ':').enumerate() {
                if at > 0 {
                    parts.push(Self::default());
                }
                push_last(&mut parts, &Token::Text(part.to_owned()));
            }
        }
        parts
    }

    /// What may follow a text for the whole to match: one pattern for each way to take the text in.
    #[must_use]
    pub fn after(&self, text: &str) -> Vec<Self> {
        if let Some(Token::Text(first)) = self.tokens.first()
            && let Some(rest) = first.strip_prefix(text)
        {
            let mut glob = Self::default();
            glob.push(&Token::Text(rest.to_owned()));
            self.tokens[1..].iter().for_each(|token| glob.push(token));
            return vec![glob];
        }
        // A place is a token and how many of its bytes are taken in.
        let mut places = vec![(0, 0)];
        for c in text.chars() {
            let mut next = Vec::new();
            for place in places {
                self.step(place, c, &mut next);
            }
            next.sort_unstable();
            next.dedup();
            places = next;
        }
        places.into_iter().map(|place| self.from(place)).collect()
    }

    /// Some text that begins with this one and matches.
    #[must_use]
    pub fn example_below(&self, text: &str) -> Option<String> {
        let rest = self.after(text).into_iter().next()?;
        let fill = |token: &Token| match token {
            Token::Text(text) => text.clone(),
            Token::Any | Token::One => "x".to_owned(),
        };
        Some(rest.tokens.iter().map(fill).fold(text.to_owned(), |whole, part| whole + &part))
    }

    fn step(&self, (token, taken): (usize, usize), c: char, next: &mut Vec<(usize, usize)>) {
        match self.tokens.get(token) {
            None => {}
            Some(Token::One) => next.push((token + 1, 0)),
            Some(Token::Any) => {
                next.push((token, 0));
                self.step((token + 1, 0), c, next);
            }
            Some(Token::Text(text)) if text[taken..].starts_with(c) => {
                let taken = taken + c.len_utf8();
                next.push(if taken == text.len() { (token + 1, 0) } else { (token, taken) });
            }
            Some(Token::Text(_)) => {}
        }
    }

    fn from(&self, (token, taken): (usize, usize)) -> Self {
        let mut glob = Self::default();
        let mut rest = self.tokens[token..].iter();
        if taken > 0
            && let Some(Token::Text(text)) = rest.next()
        {
            glob.push(&Token::Text(text[taken..].to_owned()));
        }
        rest.for_each(|token| glob.push(token));
        glob
    }

    /// Adds to its end.
    pub(super) fn push(&mut self, token: &Token) {
        match (self.tokens.last_mut(), token) {
            (Some(Token::Text(last)), Token::Text(text)) => last.push_str(text),
            (Some(Token::Any), Token::Any) => {}
            (_, Token::Text(text)) if text.is_empty() => {}
            _ => self.tokens.push(token.clone()),
        }
    }
}

fn push_last(parts: &mut [Glob], token: &Token) {
    if let Some(last) = parts.last_mut() {
        last.push(token);
    }
}

/// What a text with wildcards is made of.
pub(super) fn wild_tokens(text: &str, mut push: impl FnMut(Token)) {
    let mut rest = text;
    while let Some(at) = rest.find(['*', '?']) {
        if at > 0 {
            push(Token::Text(rest[..at].to_owned()));
        }
        push(if rest[at..].starts_with('*') { Token::Any } else { Token::One });
        rest = &rest[at + 1..];
    }
    if !rest.is_empty() {
        push(Token::Text(rest.to_owned()));
    }
}

/// What follows a run without `*` at the beginning of a text.
fn strip_run<'a>(run: &[Token], text: &'a str) -> Option<&'a str> {
    run.iter().try_fold(text, |rest, token| match token {
        Token::Text(part) => rest.strip_prefix(part.as_str()),
        Token::One | Token::Any => {
            let mut chars = rest.chars();
            chars.next().map(|_| chars.as_str())
        }
    })
}

/// What follows the leftmost place where a run stands.
fn find_run<'a>(run: &[Token], text: &'a str) -> Option<&'a str> {
    match run {
        [] => Some(text),
        [Token::Text(part)] => text.find(part.as_str()).map(|at| &text[at + part.len()..]),
        _ => text.char_indices().find_map(|(at, _)| strip_run(run, &text[at..])),
    }
}

fn ends_with_run(run: &[Token], text: &str) -> bool {
    let rest = run.iter().rev().try_fold(text, |rest, token| match token {
        Token::Text(part) => rest.strip_suffix(part.as_str()),
        Token::One | Token::Any => {
            let mut chars = rest.chars();
            chars.next_back().map(|_| chars.as_str())
        }
    });
    rest.is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// By definition: a star takes any number of characters, so try them all.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|taken| naive(rest, &text[taken..])),
            Some(('?', rest)) => text.split_first().is_some_and(|(_, text)| naive(rest, text)),
            Some((c, rest)) => text.split_first().is_some_and(|(d, text)| c == d && naive(rest, text)),
        }
    }

    proptest! {
        #[test]
        fn a_glob_is_what_its_definition_says(pattern in "[ab/é*?]{0,9}", text in "[ab/é]{0,12}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(Glob::new(&pattern).matches(&text), naive(&chars(&pattern), &chars(&text)));
        }

        #[test]
        fn what_may_follow_is_what_matches_after(pattern in "[ab*?]{0,7}", head in "[ab]{0,4}", tail in "[ab]{0,4}") {
            let glob = Glob::new(&pattern);
            let rests = glob.after(&head);
            let matches = glob.matches(&format!("{head}{tail}"));
            prop_assert_eq!(rests.iter().any(|rest| rest.matches(&tail)), matches);
            let example = glob.example_below(&head);
            prop_assert_eq!(example.is_some(), !rests.is_empty());
            prop_assert!(example.is_none_or(|example| example.starts_with(&head) && glob.matches(&example)));
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = Glob::new(&"a*".repeat(1000));
        assert!(!pattern.matches(&format!("{}b", "b".repeat(100_000))));
        assert!(!Glob::new(&format!("{}b", "?*a".repeat(200))).matches(&"a".repeat(20_000)));
    }

    #[test]
    fn an_arn_is_cut_at_its_first_five_colons() {
        let parts = Glob::new("arn:aws:s3:::b/*:c").split_colons(6);
        assert_eq!(parts.len(), 6);
        assert!(parts[5].matches("b/x:c") && parts[3].matches("") && !parts[3].matches("x"));
        assert_eq!(Glob::new("a*b").split_colons(6).len(), 1);
    }
}
