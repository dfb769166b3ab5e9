//! Wildcards and [policy variables](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html).
//!
//! A [`Pattern`] is what a policy says; resolved for one request it is a [`Glob`], in which only
//! the policy's own `*` and `?` are wildcards: a user named `*` matches the prefix `*` alone.

use super::{
    document::Version,
    glob::{Glob, Token, wild_tokens},
};

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

fn push_text(pieces: &mut Vec<Piece>, text: &str, wildcards: Wildcards) {
    match wildcards {
        Wildcards::Literal if text.is_empty() => {}
        Wildcards::Literal => pieces.push(Piece::Token(Token::Text(text.to_owned()))),
        Wildcards::Work => wild_tokens(text, |token| pieces.push(Piece::Token(token))),
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resolved(text: &str, username: Option<&str>) -> Option<Glob> {
        let pattern = Pattern::parse(text, Wildcards::Work, Version::V2012).expect("a pattern");
        pattern.resolve(|key| username.filter(|_| key == "aws:username"), Dialect::Aws)
    }

    proptest! {
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
}
