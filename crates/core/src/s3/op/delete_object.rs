//! DeleteObject, as a question: on a key that is never there, and only if it is there.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html>
//!
//! Without a condition, a bucket with versions answers by leaving a delete marker for a key that
//! never was. `If-Match: *` prevents that on AWS (404) and was seen to on MinIO and versitygw
//! (204); an ETag would need `s3:GetObject` too.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html>

use crate::{
    abi::Method,
    name::Key,
    s3::call::{Call, Permission, Resource},
};

/// What to ask.
#[derive(Debug, Clone, Copy)]
pub struct DeleteObject<'a> {
    /// The object's key.
    pub key: &'a Key,
    /// Which of its versions; a version that is deleted leaves no marker.
    pub version: Option<&'a str>,
}

impl DeleteObject<'_> {
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let action = if self.version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
        let permission = Permission { action, resource: Resource::Object };
        let call = Call::new("DeleteObject", Method::Delete, self.key.as_str(), permission);
        match self.version {
            Some(version) => call.query("versionId", version),
            None => call.header("if-match", "*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_only_if_it_is_there_and_a_version_by_its_name() {
        let key = Key::parse("k").expect("a key");
        let call = DeleteObject { key: &key, version: None }.call();
        assert_eq!((call.headers.as_slice(), call.query.len()), (&[("if-match".to_owned(), "*".to_owned())][..], 0));
        let call = DeleteObject { key: &key, version: Some("null") }.call();
        assert_eq!((call.headers.len(), call.query), (0, vec![("versionId", "null".to_owned())]));
    }
}
