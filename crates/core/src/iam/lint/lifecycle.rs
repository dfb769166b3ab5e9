//! Lifecycle configurations, as far as they are looked into: a document with `Rules`.

use serde_json::Value;

/// The rules of a bucket's lifecycle.
#[derive(Debug)]
pub(super) struct Lifecycle {
    rules: Vec<Value>,
}

impl Lifecycle {
    /// `None` when it is something else.
    pub(super) fn recognise(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        // Nothing else that is looked at is long, and parsing is not free.
        if bytes.len() > crate::iam::parse::MAX_LEN {
            return None;
        }
        let mut document: Value = serde_json::from_slice(bytes).ok()?;
        match document.get_mut("Rules").map(Value::take) {
            Some(Value::Array(rules)) if document.get("Statement").is_none() => Some(Self { rules }),
            _ => None,
        }
    }

    /// Whether abandoned uploads end, wherever in the bucket they are.
    pub(super) fn aborts(&self) -> bool {
        self.rules.iter().any(|rule| {
            let everywhere = rule["Prefix"].as_str().or(rule["Filter"]["Prefix"].as_str()).unwrap_or("").is_empty()
                && rule["Filter"]["And"].is_null()
                && rule["Filter"]["Tag"].is_null();
            rule["Status"] == "Enabled" && everywhere && rule["AbortIncompleteMultipartUpload"].is_object()
        })
    }
}
