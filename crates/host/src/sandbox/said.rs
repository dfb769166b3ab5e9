//! The module's last words.

use std::sync::{Arc, Mutex, PoisonError};

use holdfast_core::secret::Secret;

/// What is kept of them, in bytes.
const MAX_LEN: usize = 4 << 10;

/// What the module printed: the beginning of it, which is where a panic's message stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    /// Takes what is printed.
    pub(super) fn add(&self, bytes: &[u8]) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_LEN - said.len();
        said.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// On one line, without the keys.
    pub(super) fn text(&self, secrets: &[Secret<String>]) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let longest = secrets.iter().map(|secret| secret.expose().len()).max().unwrap_or(0);
        // A key that was cut off at the end is no longer found by its text.
        let end = if bytes.len() < MAX_LEN { MAX_LEN } else { MAX_LEN.saturating_sub(longest) };
        let mut text = String::from_utf8_lossy(&bytes[..bytes.len().min(end)]).into_owned();
        for secret in secrets.iter().filter(|secret| !secret.expose().is_empty()) {
            text = text.replace(secret.expose(), "[redacted]");
        }
        let words = text.split(|c: char| c.is_control() || c.is_whitespace()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ")
    }
}
