//! Files that people name on the command line, and what is wrong with them.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use holdfast_core::{
    error::{Error, Kind},
    iam::{document::Policy, parse},
};

use crate::command::config_error;

/// The longest list of clients that is read.
const CLIENTS_MAX_LEN: usize = 16 * 1024 * 1024;

/// A policy, and what to call it.
pub(super) struct PolicyFile {
    /// As it was named on the command line.
    pub(super) name: String,
    pub(super) policy: Policy,
}

/// Reads a policy. No more of a file is read than a policy can be long.
pub(super) fn policy(path: &Path) -> Result<PolicyFile, Error> {
    let name = name(path);
    let bytes = read(path, parse::MAX_LEN)?;
    match parse::parse_bytes(&bytes) {
        Ok(policy) => Ok(PolicyFile { name, policy }),
        Err(malformed) => {
            let faults: Vec<_> = malformed
                .faults
                .iter()
                .map(|fault| {
                    let place = format!("{name}:{}:{}: {}", fault.position.line, fault.position.column, fault.what);
                    fault.hint.as_ref().map_or_else(|| place.clone(), |hint| format!("{place}; {hint}"))
                })
                .collect();
            Err(Error::new(Kind::Config, faults.join("\n       ")))
        }
    }
}

/// Reads the names of clients, one a line. Empty lines and the spaces around a name are nothing.
pub(in crate::command) fn clients(path: &Path) -> Result<Vec<String>, Error> {
    let name = name(path);
    let bytes = read(path, CLIENTS_MAX_LEN)?;
    if bytes.len() > CLIENTS_MAX_LEN {
        return Err(config_error(format!("{name} is longer than {CLIENTS_MAX_LEN} bytes"), "one client's name a line"));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| config_error(format!("{name} is not UTF-8 text"), "one client's name a line, in UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut clients = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let client = line.trim();
        if client.chars().any(char::is_control) {
            let what = format!("{name}:{}: {client:?} is not a client's name", number + 1);
            return Err(config_error(what, "a name has no control characters: one name a line"));
        }
        if !client.is_empty() {
            clients.push(client.to_owned());
        }
    }
    Ok(clients)
}

/// At most one byte more than allowed: enough to see that there is more.
pub(super) fn read(path: &Path, max_len: usize) -> Result<Vec<u8>, Error> {
    let limit = max_len as u64 + 1;
    let mut bytes = Vec::new();
    let done = if path == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    match done {
        Ok(_) => Ok(bytes),
        Err(error) => Err(config_error(format!("cannot read {}: {error}", name(path)), "name a file, or - for stdin")),
    }
}

/// What to call it.
pub(super) fn name(path: &Path) -> String {
    if path == Path::new("-") { "stdin".to_owned() } else { path.display().to_string() }
}
