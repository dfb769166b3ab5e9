//! Lifecycle configurations, as far as they are looked into: a document with `Rules`.

use serde_json::Value;

use crate::iam::{
    document::Position,
    parse::{Fault, MAX_LEN},
};

/// The rules of a bucket's lifecycle.
#[derive(Debug)]
pub(super) struct Lifecycle {
    rules: Vec<Value>,
}

impl Lifecycle {
    /// `None` when it is something else.
    ///
    /// # Errors
    /// When its rules are no list.
    pub(super) fn recognise(bytes: &[u8]) -> Option<Result<Self, Fault>> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if bytes.len() > MAX_LEN {
            return None;
        }
        let mut document: Value = serde_json::from_slice(bytes).ok()?;
        if document.get("Statement").is_some() {
            return None;
        }
        match document.get_mut("Rules").map(Value::take)? {
            Value::Array(rules) => Some(Ok(Self { rules })),
            _ => Some(Err(Fault {
                position: Position { line: 1, column: 1 },
                what: "`Rules` is not a list".to_owned(),
                hint: Some(r#"a lifecycle is {"Rules": [ … ]}"#.to_owned()),
            })),
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
