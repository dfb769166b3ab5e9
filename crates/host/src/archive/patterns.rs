//! What is left out: patterns in gitignore's syntax, relative to the root.
//!
//! Three sources, the weakest first: the defaults, what the operator excludes (the last pattern
//! that matches decides, and `!` takes an exclusion back), and what the operator includes, which
//! wins over both, with all that is below it. One rule differs from gitignore's: there, nothing
//! below an excluded directory can come back, without a word. Here such a directory is walked
//! whenever a pattern could bring something below it back, and only then.

use std::{collections::BTreeMap, ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::Path, sync::Arc};

use holdfast_core::error::{Error, Kind};
use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};

use super::defaults;
use crate::state::plain;

/// What becomes of a path, and of what is below it while nothing says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// An entry, because nothing leaves it out.
    Kept,
    /// An entry, whatever else is said of it.
    Included,
    /// Left out, by the pattern named.
    Excluded(Arc<str>),
}

impl Standing {
    /// Whether it is left out.
    #[must_use]
    pub fn is_excluded(&self) -> bool {
        matches!(self, Self::Excluded(_))
    }
}

/// Patterns, ready to judge.
#[derive(Debug, Clone)]
pub struct Patterns {
    excludes: Gitignore,
    includes: Gitignore,
    /// What could bring something back.
    keepers: Vec<Reach>,
    reasons: BTreeMap<String, &'static str>,
}

impl Default for Patterns {
    fn default() -> Self {
        Self {
            excludes: Gitignore::empty(),
            includes: Gitignore::empty(),
            keepers: Vec::new(),
            reasons: BTreeMap::new(),
        }
    }
}

impl Patterns {
    /// Judges a path by the standing of the directory it is in.
    #[must_use]
    pub fn judge(&self, path: &[u8], is_directory: bool, parent: Standing) -> Standing {
        if parent == Standing::Included {
            return parent;
        }
        let path = Path::new(OsStr::from_bytes(path));
        if self.includes.matched(path, is_directory).is_ignore() {
            return Standing::Included;
        }
        match self.excludes.matched(path, is_directory) {
            Match::Ignore(glob) => Standing::Excluded(glob.original().into()),
            Match::Whitelist(_) => Standing::Kept,
            Match::None => parent,
        }
    }

    /// Whether something below an excluded directory could be an entry all the same. May say yes
    /// too often, which costs a walk; never no too often.
    #[must_use]
    pub fn could_keep_below(&self, directory: &[u8]) -> bool {
        self.keepers.iter().any(|reach| reach.below(directory))
    }

    /// Why a default pattern leaves out what it does.
    #[must_use]
    pub fn reason(&self, pattern: &str) -> Option<&'static str> {
        self.reasons.get(pattern).copied()
    }
}

/// Gathers patterns.
#[derive(Debug)]
pub struct PatternsBuilder {
    /// The operator's; the defaults go before them.
    excludes: Vec<String>,
    defaults: Vec<(String, &'static str)>,
    includes: GitignoreBuilder,
    keepers: Vec<Reach>,
}

impl Default for PatternsBuilder {
    fn default() -> Self {
        let includes = GitignoreBuilder::new("");
        Self { excludes: Vec::new(), defaults: Vec::new(), includes, keepers: Vec::new() }
    }
}

impl PatternsBuilder {
    /// Leaves out what is of no use in the backup of a WordPress site.
    ///
    /// `content` is WP_CONTENT_DIR relative to the root, `None` when it is outside of it.
    #[must_use]
    pub fn wordpress(mut self, content: Option<&str>) -> Self {
        self.defaults.extend(defaults::wordpress(content));
        self
    }

    /// Leaves out what matches (`--exclude`).
    ///
    /// # Errors
    /// When it is not a pattern.
    pub fn exclude(mut self, pattern: &str) -> Result<Self, Error> {
        let pattern = argument("--exclude", pattern)?;
        check("`--exclude`", &pattern)?;
        self.excludes.push(pattern);
        Ok(self)
    }

    /// Keeps what matches, with all that is below it (`--include`).
    ///
    /// # Errors
    /// When it is not a pattern.
    pub fn include(mut self, pattern: &str) -> Result<Self, Error> {
        let pattern = argument("--include", pattern)?;
        self.includes.add_line(None, &pattern).map_err(|error| refused("`--include`", &pattern, &error))?;
        self.keepers.push(Reach::of(&pattern));
        Ok(self)
    }

    /// Leaves out what a file in gitignore's format names (`--exclude-from`).
    ///
    /// # Errors
    /// When it cannot be read, or a line is not a pattern.
    pub fn exclude_from(mut self, path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(|error| {
            let what = format!("cannot read the patterns in {}: {}", path.display(), plain(&error));
            Error::new(Kind::Config, what).hint("check the path that `--exclude-from` names")
        })?;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let place = format!("line {} of {}", at + 1, path.display());
            let Ok(line) = std::str::from_utf8(line) else {
                let what = format!("{place} is not UTF-8");
                let hint = "write the file in UTF-8; `?` stands for any one byte of a name that is not";
                return Err(Error::new(Kind::Config, what).hint(hint));
            };
            check(&place, line)?;
            if line.starts_with('!') {
                self.keepers.push(Reach::of(line));
            }
            self.excludes.push(line.to_owned());
        }
        Ok(self)
    }

    /// Makes them ready.
    ///
    /// # Errors
    /// When they are too many for the matcher.
    pub fn build(self) -> Result<Patterns, Error> {
        let mut excludes = GitignoreBuilder::new("");
        let lines = self.defaults.iter().map(|(pattern, _)| pattern).chain(&self.excludes);
        for line in lines {
            excludes.add_line(None, line).map_err(|error| refused("a pattern", line, &error))?;
        }
        let ready = |builder: &GitignoreBuilder| {
            builder.build().map_err(|error| Error::new(Kind::Config, format!("cannot use the patterns: {error}")))
        };
        let mut reasons: BTreeMap<String, &'static str> = self.defaults.into_iter().collect();
        // The operator's own word for the same thing is the operator's.
        for pattern in &self.excludes {
            reasons.remove(pattern.trim_end());
        }
        Ok(Patterns { excludes: ready(&excludes)?, includes: ready(&self.includes)?, keepers: self.keepers, reasons })
    }
}

/// A pattern of the command line: no comments here, and no way to turn it round.
fn argument(option: &str, pattern: &str) -> Result<String, Error> {
    let problem = |why: &str, hint: &str| Err(Error::new(Kind::Config, format!("`{option}` {why}")).hint(hint));
    if pattern.trim().is_empty() || pattern.trim() == "/" {
        return problem("has no pattern", "name a file, or a pattern such as `*.log` or `/wp-content/uploads/big/`");
    }
    if let Some(rest) = pattern.strip_prefix('!') {
        let other = if option == "--exclude" { "--include" } else { "--exclude" };
        let hint = format!("write `{other} '{rest}'`; for a name that begins with `!`, write `\\!`");
        return problem("takes no pattern that begins with `!`", &hint);
    }
    // `#recycle` is a directory on many a NAS, not a comment.
    Ok(if pattern.starts_with('#') { format!("\\{pattern}") } else { pattern.to_owned() })
}

fn check(place: &str, line: &str) -> Result<(), Error> {
    let added = GitignoreBuilder::new("").add_line(None, line).map(|_| ());
    added.map_err(|error| refused(place, line, &error))
}

fn refused(place: &str, pattern: &str, error: &ignore::Error) -> Error {
    let why = match error {
        ignore::Error::Glob { err, .. } => err.clone(),
        other => other.to_string(),
    };
    Error::new(Kind::Config, format!("{place} has a pattern that cannot be used, `{pattern}`: {why}"))
        .hint("patterns are those of gitignore: https://git-scm.com/docs/gitignore#_pattern_format")
}

/// Where a pattern could match, by the components that it has in common with a directory.
#[derive(Debug, Clone)]
struct Reach {
    /// `None` for one that matches at any depth.
    components: Option<Vec<String>>,
}

impl Reach {
    fn of(pattern: &str) -> Self {
        let pattern = pattern.strip_prefix('!').unwrap_or(pattern).trim_end();
        let pattern = pattern.strip_suffix('/').unwrap_or(pattern);
        let anchored = pattern.contains('/');
        let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
        let components = anchored.then(|| pattern.split('/').map(str::to_owned).collect());
        Self { components }
    }

    fn below(&self, directory: &[u8]) -> bool {
        let Some(components) = &self.components else { return true };
        let mut names = directory.split(|&byte| byte == b'/');
        for component in components {
            // Alternatives may hold a `/` each, so that components no longer line up.
            if component == "**" || component.contains('{') {
                return true;
            }
            let Some(name) = names.next() else { return true };
            let literal = !component.contains(['*', '?', '[', ']', '\\']);
            if literal && component.as_bytes() != name {
                return false;
            }
        }
        // It ends at this directory or above, and has had its say there.
        false
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
