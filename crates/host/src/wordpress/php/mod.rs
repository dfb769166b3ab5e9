//! Reads PHP configuration without running it.
//!
//! A file is followed statement by statement, as far as its values can be known: literals,
//! constants, variables, a few functions of the language, the environment. Everything else is
//! *not known*, with the reason, and stays so in all that is made of it. A condition that is not
//! known leaves what is set below it unknown too. So a value that comes out is the one that PHP
//! would have, in the environment given.
//!
//! Not in scope: functions and classes of the file's own, loops, arrays.

mod call;
mod expression;
mod run;
mod token;
mod value;

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use run::{Mode, Run};
pub(super) use value::Value;

/// No configuration is as long.
const MAX_FILE: u64 = 1 << 20;
/// Of files included, in all: a file may include itself.
const MAX_INCLUDES: usize = 32;

/// What was set, and what its value rests on.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) value: Value,
    /// Environment variables that are not set here, and for which the file has something else.
    pub(super) fallbacks: Vec<String>,
}

/// What the files read so far have set.
pub(super) struct Interpreter<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    /// Files are included from these directories alone.
    inside: Vec<PathBuf>,
    constants: BTreeMap<String, Known>,
    variables: BTreeMap<Vec<u8>, Known>,
    /// What else the files include, and why it was not read.
    unread: Vec<String>,
    included: Vec<PathBuf>,
    depth: usize,
    /// The files have said that the rest does not matter.
    finished: bool,
}

impl<'a> Interpreter<'a> {
    pub(super) fn new(env: &'a dyn Fn(&str) -> Option<String>, inside: Vec<PathBuf>) -> Self {
        Self {
            env,
            inside,
            constants: BTreeMap::new(),
            variables: BTreeMap::new(),
            unread: Vec::new(),
            included: Vec::new(),
            depth: 0,
            finished: false,
        }
    }

    /// Sets a constant that WordPress has set by then.
    pub(super) fn define(&mut self, name: &str, value: Value) {
        self.constants.insert(name.to_owned(), Known { value, fallbacks: Vec::new() });
    }

    pub(super) fn constant(&self, name: &str) -> Option<&Known> {
        self.constants.get(name)
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Known> {
        self.variables.get(name.as_bytes())
    }

    pub(super) fn unread(&self) -> &[String] {
        &self.unread
    }

    /// Follows a file.
    pub(super) fn run_file(&mut self, path: &Path) -> io::Result<()> {
        let source = read(path)?;
        self.run_source(&source, path);
        Ok(())
    }

    /// Follows a source that would be in a file.
    pub(super) fn run_source(&mut self, source: &[u8], path: &Path) {
        Run::new(self, token::tokens(source), path, Mode::Live).all();
    }
}

/// Reads a file that may be anything.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Looked at first: opening a FIFO waits for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut source = Vec::new();
    fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut source)?;
    if source.len() as u64 > MAX_FILE {
        return Err(io::Error::other("it has more than 1 MiB, which no configuration has"));
    }
    Ok(source)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
