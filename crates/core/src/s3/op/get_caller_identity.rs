//! GetCallerIdentity, of Amazon's Security Token Service: whose keys these are. It needs no
//! permission and cannot be denied.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>

use super::{ParseError, document, required};
use crate::{
    abi::Method,
    probe::WHO_AM_I,
    s3::call::{Answer, Call, Of, Payload, Permission, Resource},
    verdict::Identity,
};

/// The request.
#[must_use]
pub fn call() -> Call {
    let permission = Permission { action: "sts:GetCallerIdentity", resource: Resource::Bucket };
    let mut call = Call::new("GetCallerIdentity", Method::Post, "", permission)
        .header("content-type", "application/x-www-form-urlencoded");
    call.of = Of::Sts;
    call.payload = Payload::Inline(WHO_AM_I.as_bytes().to_vec());
    call
}

/// Reads a success.
///
/// # Errors
/// When it is not a `GetCallerIdentityResponse`.
pub fn parse(answer: &Answer<'_>) -> Result<Identity, ParseError> {
    let document = document(answer, "GetCallerIdentityResponse")?;
    let missing = || ParseError("it has no <GetCallerIdentityResult>".to_owned());
    let result = document.child("GetCallerIdentityResult").ok_or_else(missing)?;
    Ok(Identity { account: required(result, "Account")?.to_owned(), arn: required(result, "Arn")?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Headers;

    /// The sample answer of the AWS page.
    #[test]
    fn aws_example() {
        let body = br#"<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
 <GetCallerIdentityResult>
  <Arn>arn:aws:iam::123456789012:user/Alice</Arn>
  <UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>
  <Account>123456789012</Account>
 </GetCallerIdentityResult>
 <ResponseMetadata><RequestId>01234567-89ab-cdef-0123-456789abcdef</RequestId></ResponseMetadata>
</GetCallerIdentityResponse>"#;
        let identity = parse(&Answer { status: 200, headers: &Headers::new(), body, received: None }).expect("reads");
        assert_eq!(identity.arn, "arn:aws:iam::123456789012:user/Alice");
        assert_eq!(identity.account, "123456789012");
    }
}
