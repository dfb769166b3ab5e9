//! GetObjectLockConfiguration: whether new objects are locked, and for how long. Its IAM action is
//! named differently.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObjectLockConfiguration.html>

use super::{ParseError, document};
use crate::{
    abi::Method,
    s3::call::{Answer, Call, Permission, Resource},
};

/// The request.
#[must_use]
pub fn call() -> Call {
    let permission = Permission { action: "s3:GetBucketObjectLockConfiguration", resource: Resource::Bucket };
    Call::new("GetObjectLockConfiguration", Method::Get, "", permission).query("object-lock", "")
}

/// How new objects are locked for a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Who may bypass it, can.
    Governance,
    /// Nobody can.
    Compliance,
}

/// How new objects are locked for a time: Object Lock is on and has a default retention.
///
/// # Errors
/// When it is not an `ObjectLockConfiguration`.
pub fn parse(answer: &Answer<'_>) -> Result<Option<Mode>, ParseError> {
    let document = document(answer, "ObjectLockConfiguration")?;
    let on = document.text_of("ObjectLockEnabled").is_some_and(|enabled| enabled.trim() == "Enabled");
    let retention = document.child("Rule").and_then(|rule| rule.child("DefaultRetention"));
    let mode = retention.and_then(|retention| retention.text_of("Mode")).filter(|_| on);
    // The stronger one only by its own name.
    Ok(mode.map(|mode| if mode.trim() == "COMPLIANCE" { Mode::Compliance } else { Mode::Governance }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Headers;

    /// The answer of the AWS page, and the same without a rule, which locks nothing by itself.
    #[test]
    fn aws_example() {
        let rule = |mode: &str| {
            format!("<Rule><DefaultRetention><Mode>{mode}</Mode><Days>20</Days></DefaultRetention></Rule>")
        };
        for (rule, locked) in [
            (rule("COMPLIANCE"), Some(Mode::Compliance)),
            (rule("GOVERNANCE"), Some(Mode::Governance)),
            (String::new(), None),
        ] {
            let body = format!(
                "<ObjectLockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
                 <ObjectLockEnabled>Enabled</ObjectLockEnabled>{rule}</ObjectLockConfiguration>"
            );
            let answer = Answer { status: 200, headers: &Headers::new(), body: body.as_bytes(), received: None };
            assert_eq!(parse(&answer), Ok(locked));
        }
    }
}
