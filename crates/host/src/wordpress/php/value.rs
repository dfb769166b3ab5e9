//! What an expression comes to, as far as it can be known without running PHP.

/// Longer texts are not followed: `$a = $a . $a` doubles with every line.
pub(super) const MAX_TEXT: usize = 64 << 10;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(Vec<u8>),
    Int(i64),
    Bool(bool),
    Null,
    /// An environment variable that is not set here, though it may be where PHP runs.
    Missing(String),
    /// Not known, and why, in words that hold no literal of the source.
    Unknown(String),
}

impl Value {
    pub(super) fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown(why.into())
    }

    /// As PHP converts it; `None` when it is not known.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Self::Text(text) => Some(!text.is_empty() && text != b"0"),
            Self::Int(value) => Some(*value != 0),
            Self::Bool(value) => Some(*value),
            Self::Null | Self::Missing(_) => Some(false),
            Self::Unknown(_) => None,
        }
    }

    /// As PHP converts it to a string, or why it is not known.
    pub(crate) fn text(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Int(value) => Ok(value.to_string().into_bytes()),
            Self::Bool(true) => Ok(b"1".to_vec()),
            Self::Bool(false) | Self::Null => Ok(Vec::new()),
            Self::Missing(_) | Self::Unknown(_) => Err(self.why()),
        }
    }

    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Bool(value) => Some(i64::from(*value)),
            Self::Text(text) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
            _ => None,
        }
    }

    /// Why it is not known.
    pub(super) fn why(&self) -> String {
        match self {
            Self::Missing(name) => format!("the environment variable `{name}` is not set here"),
            Self::Unknown(why) => why.clone(),
            _ => String::new(),
        }
    }

    pub(super) fn concat(self, other: &Self) -> Self {
        match (self.text(), other.text()) {
            (Ok(mut left), Ok(right)) if left.len() + right.len() <= MAX_TEXT => {
                left.extend_from_slice(&right);
                Self::Text(left)
            }
            (Ok(_), Ok(_)) => Self::unknown("it is too long"),
            (Err(why), _) | (_, Err(why)) => Self::Unknown(why),
        }
    }

    /// `===`, and `==` where PHP's conversions do not come into it.
    pub(super) fn equals(&self, other: &Self, strict: bool) -> Option<bool> {
        match (self, other) {
            (Self::Unknown(_), _) | (_, Self::Unknown(_)) => None,
            // `getenv` says false, `$_ENV` null.
            (Self::Missing(_), Self::Null | Self::Bool(false)) | (Self::Null | Self::Bool(false), Self::Missing(_)) => {
                Some(true)
            }
            (Self::Missing(_), Self::Text(text)) | (Self::Text(text), Self::Missing(_)) => {
                Some(!strict && text.is_empty())
            }
            _ if std::mem::discriminant(self) == std::mem::discriminant(other) => Some(self == other),
            _ if strict => Some(false),
            (Self::Bool(value), other) | (other, Self::Bool(value)) => other.truth().map(|truth| truth == *value),
            _ => None,
        }
    }
}

impl From<Option<bool>> for Value {
    fn from(truth: Option<bool>) -> Self {
        truth.map_or_else(|| Self::unknown("it depends on a comparison that is only known at run time"), Self::Bool)
    }
}
