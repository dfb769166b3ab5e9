//! An answer of any status with any body: read as a failure and explained, it neither panics nor
//! puts a control character into the error.

#![no_main]

use holdfast_core::{
    abi::Headers,
    name::Bucket,
    s3::{
        call::{Answer, Permission, Resource},
        failure,
    },
};
use libfuzzer_sys::fuzz_target;

const OPERATIONS: [&str; 6] =
    ["PutObject", "GetObject", "HeadObject", "CompleteMultipartUpload", "ListObjectsV2", "AbortMultipartUpload"];

fuzz_target!(|input: (u8, u16, Vec<u8>)| {
    let (operation, status, body) = input;
    let operation = OPERATIONS[usize::from(operation) % OPERATIONS.len()];
    let headers = Headers::new();
    let answer = Answer { status, headers: &headers, body: &body, received: None };
    let Some(failure) = failure::read(operation, &answer) else { return };
    let bucket = Bucket::parse("backups").expect("a bucket");
    let permission = Permission { action: "s3:PutObject", resource: Resource::Object };
    let error = failure::explain(&failure, "cannot do it".to_owned(), permission, &bucket, "home/client1/a.zip");
    let shown = format!("{error} {}", error.hint.as_deref().unwrap_or_default());
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
});
