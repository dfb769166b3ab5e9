//! Wildcards and [policy variables](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).
//!
//! A [`Pattern`] is what a policy says; resolved for one request it is a [`Glob`], in which only
//! the policy's own `*` and `?` are wildcards: a user named `*` matches the prefix `*` alone.

use super::document::Version;

/// Whether `*` and `?` stand for anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wildcards {
    /// In actions, resources, `StringLike` and the ARN operators.
    Work,
    /// In `StringEquals` and its like they are themselves.
    Literal,
}

/// Whose rules are followed where they differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Dialect {
    /// A variable's value is text.
    #[default]
    Aws,
    /// A variable's value becomes part of the pattern: wildcards in it work.
    Minio,
}

/// A value or pattern of a policy, its variables not yet replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
    wildcards: Wildcards,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Token(Token),
    Variable { key: String, default: Option<String> },
}

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

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// `${` without an end.
    #[error("`${{` is never closed in {0:?}")]
    Unclosed(String),
    /// `${}`, or something else that is no variable.
    #[error("{0:?} is not a policy variable: write `${{aws:username}}` or `${{aws:username, 'default'}}`")]
    NotAVariable(String),
}

impl Pattern {
    /// Parses a pattern. Variables exist only in version 2012-10-17.
    ///
    /// # Errors
    /// When a variable is malformed.
    pub fn parse(text: &str, wildcards: Wildcards, version: Version) -> Result<Self, PatternError> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("${").filter(|_| version == Version::V2012) {
            push_text(&mut pieces, &rest[..at], wildcards);
            let (inner, after) = variable_text(&rest[at + 2..]).ok_or_else(|| PatternError::Unclosed(text.into()))?;
            match inner {
                "*" | "?" | "$" => push_text(&mut pieces, inner, Wildcards::Literal),
                _ => pieces.push(variable(inner)?),
            }
            rest = after;
        }
        push_text(&mut pieces, rest, wildcards);
        Ok(Self { pieces, wildcards })
    }

    /// Replaces the variables; `None` when one has neither a value nor a default: then the element
    /// that holds it does not match.
    #[must_use]
    pub fn resolve<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>, dialect: Dialect) -> Option<Glob> {
        let mut glob = Glob::default();
        for piece in &self.pieces {
            match piece {
                Piece::Token(token) => glob.push(token),
                Piece::Variable { key, default } => {
                    let value = value_of(key).or(default.as_deref())?;
                    match (dialect, self.wildcards) {
                        (Dialect::Minio, Wildcards::Work) => wild_tokens(value, |token| glob.push(&token)),
                        _ => glob.push(&Token::Text(value.to_owned())),
                    }
                }
            }
        }
        Some(glob)
    }

    /// The keys of its variables, in lower case.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Variable { key, .. } => Some(key.as_str()),
            Piece::Token(_) => None,
        })
    }
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

    fn push(&mut self, token: &Token) {
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

fn push_text(pieces: &mut Vec<Piece>, text: &str, wildcards: Wildcards) {
    match wildcards {
        Wildcards::Literal if text.is_empty() => {}
        Wildcards::Literal => pieces.push(Piece::Token(Token::Text(text.to_owned()))),
        Wildcards::Work => wild_tokens(text, |token| pieces.push(Piece::Token(token))),
    }
}

fn wild_tokens(text: &str, mut push: impl FnMut(Token)) {
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

/// What stands between `${` and its `}`, and what follows: a default may hold a brace.
fn variable_text(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'}' if !quoted => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

fn variable(inner: &str) -> Result<Piece, PatternError> {
    let fault = || PatternError::NotAVariable(format!("${{{inner}}}"));
    let (key, default) = match inner.split_once(',') {
        None => (inner, None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
            (key, Some(default.ok_or_else(fault)?.to_owned()))
        }
    };
    let key = key.trim();
    if key.is_empty() || key.contains(['\'', '$', '{', '*', '?']) {
        return Err(fault());
    }
    Ok(Piece::Variable { key: key.to_lowercase(), default })
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

    fn resolved(text: &str, username: Option<&str>) -> Option<Glob> {
        let pattern = Pattern::parse(text, Wildcards::Work, Version::V2012).expect("a pattern");
        pattern.resolve(|key| username.filter(|_| key == "aws:username"), Dialect::Aws)
    }

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

        #[test]
        fn a_variables_value_matches_itself_alone(name in "[a*?$/{}]{1,6}", other in "[a*?$/{}]{1,6}") {
            let glob = resolved("home/${aws:username}/", Some(&name)).expect("resolved");
            prop_assert_eq!(glob.matches(&format!("home/{other}/")), name == other);
        }

        #[test]
        fn parsing_never_panics(text in ".{0,40}", wild in any::<bool>()) {
            let wildcards = if wild { Wildcards::Work } else { Wildcards::Literal };
            if let Ok(pattern) = Pattern::parse(&text, wildcards, Version::V2012) {
                let _ = pattern.resolve(|_| Some("x"), Dialect::Minio).map(|glob| glob.split_colons(6));
            }
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = Glob::new(&"a*".repeat(1000));
        assert!(!pattern.matches(&format!("{}b", "b".repeat(100_000))));
        assert!(!Glob::new(&format!("{}b", "?*a".repeat(200))).matches(&"a".repeat(20_000)));
    }

    #[test]
    fn variables_take_defaults_and_know_no_case() {
        let tokens = |text, username| resolved(text, username).map(|glob| glob.head().to_owned());
        assert_eq!(tokens("${aws:username}", Some("ann")), Some("ann".into()));
        assert_eq!(tokens("${ AWS:UserName }", Some("ann")), Some("ann".into()));
        assert_eq!(tokens("${aws:username}", None), None);
        assert_eq!(tokens("${aws:username, 'no}one'}/x", None), Some("no}one/x".into()));
        assert_eq!(tokens("${aws:username, 'nobody'}", Some("ann")), Some("ann".into()));
        assert_eq!(tokens("${*}${?}${$}{aws:username}", None), Some("*?${aws:username}".into()));
    }

    #[test]
    fn the_old_version_has_no_variables() {
        let pattern = Pattern::parse("home/${aws:username}/*", Wildcards::Work, Version::V2008).expect("a pattern");
        let glob = pattern.resolve(|_| Some("ann"), Dialect::Aws).expect("resolved");
        assert!(glob.matches("home/${aws:username}/x") && !glob.matches("home/ann/x"));
    }

    #[test]
    fn minio_lets_the_value_widen_the_pattern() {
        let pattern = Pattern::parse("home/${aws:username}/", Wildcards::Work, Version::V2012).expect("a pattern");
        let glob = pattern.resolve(|_| Some("*"), Dialect::Minio).expect("resolved");
        assert!(glob.matches("home/ann/"));
    }

    #[test]
    fn malformed_variables_are_told_apart() {
        let parse = |text| Pattern::parse(text, Wildcards::Work, Version::V2012);
        assert!(matches!(parse("home/${aws:username/*"), Err(PatternError::Unclosed(_))));
        for text in ["${}", "${ }", "${a, b}", "${a, 'b}", "${a${b}}"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_arn_is_cut_at_its_first_five_colons() {
        let parts = Glob::new("arn:aws:s3:::b/*:c").split_colons(6);
        assert_eq!(parts.len(), 6);
        assert!(parts[5].matches("b/x:c") && parts[3].matches("") && !parts[3].matches("x"));
        assert_eq!(Glob::new("a*b").split_colons(6).len(), 1);
    }
}
