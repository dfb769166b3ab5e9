//! GetBucketVersioning: whether deleted and overwritten objects stay as older versions.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketVersioning.html>

use super::{ParseError, document};
use crate::{
    abi::Method,
    s3::call::{Answer, Call, Permission, Resource},
};

/// The request.
#[must_use]
pub fn call() -> Call {
    let permission = Permission { action: "s3:GetBucketVersioning", resource: Resource::Bucket };
    Call::new("GetBucketVersioning", Method::Get, "", permission).query("versioning", "")
}

/// Whether versions are kept. A bucket that never had them says nothing; one where they are
/// suspended keeps no new ones.
///
/// # Errors
/// When it is not a `VersioningConfiguration`.
pub fn parse(answer: &Answer<'_>) -> Result<bool, ParseError> {
    let document = document(answer, "VersioningConfiguration")?;
    Ok(document.text_of("Status").is_some_and(|status| status.trim() == "Enabled"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Headers;

    /// The three answers of the AWS page.
    #[test]
    fn aws_examples() {
        for (inner, versioned) in
            [("<Status>Enabled</Status>", true), ("<Status>Suspended</Status>", false), ("", false)]
        {
            let body = format!(
                "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inner}</VersioningConfiguration>"
            );
            let answer = Answer { status: 200, headers: &Headers::new(), body: body.as_bytes(), received: None };
            assert_eq!(parse(&answer), Ok(versioned), "{inner}");
        }
    }
}
