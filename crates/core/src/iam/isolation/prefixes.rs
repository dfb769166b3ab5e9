//! The clients' prefixes, sorted, so that all that begin alike are neighbours.

use super::ranges::Ranges;
use crate::iam::glob::{Glob, Token};

/// Where each client's objects are: a prefix with the user's name in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrefixTemplate(String);

/// Why a text is no template of prefixes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// All clients would share it.
    #[error("the prefix {0:?} does not hold the client's name, so it is not known where the others' objects are")]
    WithoutName(String),
    /// `home/client1` takes in `home/client10`.
    #[error("the prefix {0:?} does not end in `/`: so `client1` would take in `client10`")]
    WithoutSlash(String),
}

const VARIABLE: &str = "${aws:username}";

impl PrefixTemplate {
    /// Parses a template: `home/${aws:username}/`.
    ///
    /// # Errors
    /// When the name is not in it, or no slash at its end.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if !text.contains(VARIABLE) {
            return Err(TemplateError::WithoutName(text.to_owned()));
        }
        if !text.ends_with('/') {
            return Err(TemplateError::WithoutSlash(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// Makes a template of one client's prefix: `home/client1/` of `client1`. Only whole segments
    /// are its name.
    ///
    /// # Errors
    /// When the name is not in it, or no slash at its end.
    pub fn from_example(prefix: &str, client: &str) -> Result<Self, TemplateError> {
        if prefix.contains(VARIABLE) {
            return Self::parse(prefix);
        }
        // Slashes around both, so that a name that holds slashes is found too.
        let (around, wanted) = (format!("/{prefix}"), format!("/{client}/"));
        if client.is_empty() || !around.contains(&wanted) {
            return Err(if prefix.ends_with('/') || !around.ends_with(wanted.trim_end_matches('/')) {
                TemplateError::WithoutName(prefix.to_owned())
            } else {
                TemplateError::WithoutSlash(prefix.to_owned())
            });
        }
        let template = around.replace(&wanted, &format!("/{VARIABLE}/"));
        Self::parse(template.strip_prefix('/').unwrap_or(&template))
    }

    /// A client's prefix.
    #[must_use]
    pub fn of(&self, client: &str) -> String {
        self.0.replace(VARIABLE, client)
    }

    /// With the variable in it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// All clients' prefixes.
pub(super) struct Prefixes {
    sorted: Vec<(String, usize)>,
}

impl Prefixes {
    pub(super) fn new(template: &PrefixTemplate, clients: &[String]) -> Self {
        let mut sorted: Vec<_> = clients.iter().enumerate().map(|(at, client)| (template.of(client), at)).collect();
        sorted.sort_unstable();
        Self { sorted }
    }

    pub(super) fn get(&self, at: usize) -> &str {
        &self.sorted[at].0
    }

    /// Each prefix, in order, with its client's number.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, usize)> {
        self.sorted.iter().map(|(prefix, client)| (prefix.as_str(), *client))
    }

    pub(super) fn client(&self, at: usize) -> usize {
        self.sorted[at].1
    }

    pub(super) fn all(&self) -> Ranges {
        Ranges::one(0..self.sorted.len())
    }

    /// Those below a text: everything in them begins with it.
    pub(super) fn below(&self, head: &str) -> Ranges {
        let start = self.sorted.partition_point(|(prefix, _)| prefix.as_str() < head);
        let len = self.sorted[start..].partition_point(|(prefix, _)| prefix.starts_with(head));
        Ranges::one(start..start + len)
    }

    /// The one that is this text.
    pub(super) fn itself(&self, text: &str) -> Ranges {
        match self.sorted.binary_search_by(|(prefix, _)| prefix.as_str().cmp(text)) {
            Ok(at) => Ranges::one(at..at + 1),
            Err(_) => Ranges::default(),
        }
    }

    /// Those that a text lies below, itself among them.
    pub(super) fn above(&self, head: &str) -> Ranges {
        let ends = head.match_indices('/').map(|(at, _)| &head[..=at]);
        ends.fold(Ranges::default(), |all, above| all.union(&self.itself(above)))
    }

    /// Those in which some key may match.
    pub(super) fn touched(&self, glob: &Glob) -> Ranges {
        match glob.tokens() {
            [] | [Token::Text(_)] => self.above(glob.head()),
            _ => self.related(glob),
        }
    }

    /// Those that begin as a match may, or that a match may begin with.
    pub(super) fn related(&self, glob: &Glob) -> Ranges {
        self.below(glob.head()).union(&self.above(glob.head()))
    }

    /// Those in which every key matches.
    pub(super) fn covered(&self, glob: &Glob) -> Ranges {
        match glob.tokens() {
            [Token::Any] | [Token::Text(_), Token::Any] => self.below(glob.head()),
            _ => Ranges::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_made_of_a_clients_prefix() {
        let made = |prefix, client| PrefixTemplate::from_example(prefix, client).map(|template| template.0);
        assert_eq!(made("home/client1/", "client1"), Ok("home/${aws:username}/".into()));
        assert_eq!(made("client1/", "client1"), Ok("${aws:username}/".into()));
        assert_eq!(made("home/a/b/site/", "a/b"), Ok("home/${aws:username}/site/".into()));
        assert_eq!(made("home/${aws:username}/", "client1"), Ok("home/${aws:username}/".into()));
        assert_eq!(made("home/client10/", "client1"), Err(TemplateError::WithoutName("home/client10/".into())));
        assert_eq!(made("home/client1", "client1"), Err(TemplateError::WithoutSlash("home/client1".into())));
        assert_eq!(made("home/", ""), Err(TemplateError::WithoutName("home/".into())));
    }

    #[test]
    fn neighbours_are_found_by_their_beginning() {
        let template = PrefixTemplate::parse("home/${aws:username}/").expect("a template");
        let clients = ["b", "a", "a/b", "ab", "a-b"].map(str::to_owned);
        let prefixes = Prefixes::new(&template, &clients);
        let names = |ranges: Ranges| ranges.iter().map(|at| clients[prefixes.client(at)].as_str()).collect::<Vec<_>>();
        assert_eq!(names(prefixes.below("home/a")), ["a-b", "a", "a/b", "ab"]);
        assert_eq!(names(prefixes.below("home/a/")), ["a", "a/b"]);
        assert_eq!(names(prefixes.above("home/a/b/c/")), ["a", "a/b"]);
        assert_eq!(names(prefixes.below("")), names(prefixes.all()));
        assert_eq!(names(prefixes.touched(&Glob::new("home/a/*/x"))), ["a", "a/b"]);
        assert_eq!(names(prefixes.touched(&Glob::new("home/a/"))), ["a"]);
        assert_eq!(names(prefixes.related(&Glob::new("home/a/"))), ["a", "a/b"]);
        assert_eq!(names(prefixes.covered(&Glob::new("home/a/*/x"))), [""; 0]);
        assert_eq!(names(prefixes.covered(&Glob::new("home/a*"))), ["a-b", "a", "a/b", "ab"]);
    }
}
