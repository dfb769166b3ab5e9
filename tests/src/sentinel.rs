//! Searches for the secret where it must never be.
//!
//! It is searched for as it is, in base64, in hex, percent-encoded and JSON-escaped: a leak through
//! an encoder is a leak too.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The forms in which a secret is searched for.
#[derive(Debug, Clone)]
pub struct Sentinel {
    needles: Vec<Vec<u8>>,
}

impl Sentinel {
    /// A sentinel for this secret.
    pub fn new(secret: &str) -> Self {
        let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(secret);
        // The last character depends on what follows the secret.
        let base64 = base64[..base64.len() - 1].to_owned();
        let mut needles = vec![
            secret.to_owned(),
            base64,
            hex::encode(secret),
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            secret.replace('/', "\\/"),
        ];
        needles.sort();
        needles.dedup();
        Self { needles: needles.into_iter().map(String::into_bytes).collect() }
    }

    /// Whether these bytes hold the secret in some form.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.needles.iter().any(|needle| contains(bytes, needle))
    }

    /// The files under a folder that hold it, the folder's own names included.
    pub fn files_with_it(&self, dir: &Path) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(dir) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for entry in entries.flatten() {
            let path = entry.path();
            if self.is_in(entry.file_name().as_encoded_bytes()) {
                found.push(path.clone());
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => found.extend(self.files_with_it(&path)),
                Ok(kind) if kind.is_file() && self.is_in(&fs::read(&path).unwrap_or_default()) => found.push(path),
                _ => {}
            }
        }
        found
    }

    /// Whether a process shows it in its argument list or, where the secret was *not* handed over
    /// that way, in its environment. A process that has ended shows nothing.
    pub fn is_in_process(&self, pid: u32, environment_too: bool) -> Option<&'static str> {
        let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        if self.is_in(&read("cmdline")) {
            return Some("cmdline");
        }
        (environment_too && self.is_in(&read("environ"))).then_some("environ")
    }
}

/// A process and all that descend from it.
pub fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
        .filter_map(|child| Some((child, parent(child)?)))
        .collect();
    let mut next = 0;
    while next < all.len() {
        let this = all[next];
        all.extend(parents.iter().filter(|(_, parent)| *parent == this).map(|(child, _)| *child));
        next += 1;
    }
    all
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything, further parentheses too.
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else {
        return false;
    };
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|byte| byte == first) {
        if bytes[from + at + 1..].starts_with(rest) {
            return true;
        }
        from += at + 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SECRET;

    #[test]
    fn every_form_is_found() {
        let sentinel = Sentinel::new(SECRET);
        for form in [
            format!("key={SECRET};"),
            serde_json::json!({ "k": SECRET }).to_string(),
            base64::engine::general_purpose::STANDARD.encode(SECRET),
            hex::encode(SECRET),
            utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string(),
        ] {
            assert!(sentinel.is_in(form.as_bytes()), "{form}");
        }
        assert!(!sentinel.is_in(&SECRET.as_bytes()[1..]));
    }

    #[test]
    fn a_process_that_shows_it_is_found() {
        let sentinel = Sentinel::new(SECRET);
        // The file's own arguments hold no secret; only its child's do.
        let mut child = std::process::Command::new("sleep").arg("60").env("KEY", SECRET).spawn().expect("sleep");
        let seen = (0..500).find_map(|_| {
            std::thread::sleep(std::time::Duration::from_millis(2));
            sentinel.is_in_process(child.id(), true)
        });
        let family = family(std::process::id());
        let without = sentinel.is_in_process(child.id(), false);
        child.kill().expect("it runs");
        child.wait().expect("it ends");
        assert_eq!(seen, Some("environ"));
        assert_eq!(without, None);
        assert!(family.contains(&child.id()));
    }
}
