//! Keys, kept out of every log by type.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::abi::Millis;

/// A value that never prints. [`Secret::expose`] is the one way to it, so that its uses can be
/// listed by searching for that word.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What signs requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Names the key; not secret, shown in error texts of the providers themselves.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: Secret<String>,
    /// Goes with temporary keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<Secret<String>>,
    /// When temporary keys end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Millis>,
}
