//! ListBuckets, as a question: whether these keys see the names of all buckets.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html>

use super::{ParseError, document};
use crate::{
    abi::Method,
    s3::call::{Answer, Call, Of, Permission, Resource},
};

/// The request.
#[must_use]
pub fn call() -> Call {
    let permission = Permission { action: "s3:ListAllMyBuckets", resource: Resource::Bucket };
    let mut call = Call::new("ListBuckets", Method::Get, "", permission);
    call.of = Of::Account;
    call
}

/// The names of the buckets. MinIO lists those only that the keys may look into.
///
/// # Errors
/// When it is not a `ListAllMyBucketsResult`.
pub fn parse(answer: &Answer<'_>) -> Result<Vec<String>, ParseError> {
    let document = document(answer, "ListAllMyBucketsResult")?;
    let buckets = document.child("Buckets").into_iter().flat_map(|buckets| buckets.all("Bucket"));
    Ok(buckets.filter_map(|bucket| bucket.text_of("Name").map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Headers;

    /// After the sample answer of the AWS page.
    #[test]
    fn aws_example() {
        let body = br#"<ListAllMyBucketsResult><Buckets>
   <Bucket><CreationDate>2019-12-11T23:32:47+00:00</CreationDate><Name>amzn-s3-demo-bucket</Name></Bucket>
   <Bucket><CreationDate>2019-11-10T23:32:13+00:00</CreationDate><Name>amzn-s3-demo-bucket1</Name></Bucket>
 </Buckets><Owner><DisplayName>Account+Name</DisplayName><ID>AIDACKCEVSQ6C2EXAMPLE</ID></Owner>
</ListAllMyBucketsResult>"#;
        let answer = Answer { status: 200, headers: &Headers::new(), body, received: None };
        assert_eq!(parse(&answer).expect("reads"), ["amzn-s3-demo-bucket", "amzn-s3-demo-bucket1"]);
        assert_eq!(call().of, Of::Account);
    }
}
