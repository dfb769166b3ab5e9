//! DeleteObject: an object, one of its versions, or a question about a key that is never there.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html>
//!
//! Without a condition, a bucket with versions keeps what was deleted as a noncurrent version under
//! a delete marker; it leaves one for a key that never was, too. `If-Match: *` prevents that on AWS (404) and was seen to on MinIO and versitygw
//! (204); an ETag would need `s3:GetObject` too.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html>

use crate::{
    abi::Method,
    name::Key,
    s3::call::{Call, Permission, Resource},
};

/// What to delete.
#[derive(Debug, Clone, Copy)]
pub struct DeleteObject<'a> {
    /// The object's key.
    pub key: &'a Key,
    /// What of it.
    pub what: What<'a>,
}

/// What of a key.
#[derive(Debug, Clone, Copy)]
pub enum What<'a> {
    /// The object that it names now, whether or not there is one.
    Object,
    /// The same, but only if it is there.
    IfThere,
    /// One of its versions; a version that is deleted leaves no marker.
    Version(&'a str),
}

impl DeleteObject<'_> {
    /// The request.
    #[must_use]
    pub fn call(&self) -> Call {
        let action = match self.what {
            What::Object | What::IfThere => "s3:DeleteObject",
            What::Version(_) => "s3:DeleteObjectVersion",
        };
        let permission = Permission { action, resource: Resource::Object };
        let call = Call::new("DeleteObject", Method::Delete, self.key.as_str(), permission);
        match self.what {
            What::Object => call,
            What::IfThere => call.header("if-match", "*"),
            What::Version(version) => call.query("versionId", version),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_as_it_is_or_only_if_it_is_there_and_a_version_by_its_name() {
        let key = Key::parse("k").expect("a key");
        let call = DeleteObject { key: &key, what: What::Object }.call();
        assert_eq!((call.headers.len(), call.query.len(), call.permission.action), (0, 0, "s3:DeleteObject"));
        let call = DeleteObject { key: &key, what: What::IfThere }.call();
        assert_eq!((call.headers.as_slice(), call.query.len()), (&[("if-match".to_owned(), "*".to_owned())][..], 0));
        let call = DeleteObject { key: &key, what: What::Version("null") }.call();
        assert_eq!((call.headers.len(), call.query), (0, vec![("versionId", "null".to_owned())]));
    }
}
