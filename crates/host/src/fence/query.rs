//! The query of a request, and the operation it makes of it.

use holdfast_core::abi::Method;

use super::{Operation, Refusal, address::Place, address::decode};

/// Parameters, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query(Vec<(String, String)>);

/// What an operation looks like: method, whether it is about an object, parameters it must have
/// and may have. A list that a request must match whole, so that `?acl`, `?policy`, `?restore` and whatever comes next are no operations here.
type Shape = (Operation, Method, bool, &'static [&'static str], &'static [&'static str]);

const SHAPES: [Shape; 14] = [
    (Operation::HeadObject, Method::Head, true, &[], &[]),
    (Operation::GetObject, Method::Get, true, &[], &[]),
    (Operation::PutObject, Method::Put, true, &[], &[]),
    (Operation::CreateMultipartUpload, Method::Post, true, &["uploads"], &[]),
    (Operation::UploadPart, Method::Put, true, &["partNumber", "uploadId"], &[]),
    (Operation::CompleteMultipartUpload, Method::Post, true, &["uploadId"], &[]),
    (Operation::AbortMultipartUpload, Method::Delete, true, &["uploadId"], &[]),
    (Operation::DeleteObject, Method::Delete, true, &[], &["versionId"]),
    (Operation::GetBucketVersioning, Method::Get, false, &["versioning"], &[]),
    (Operation::GetObjectLockConfiguration, Method::Get, false, &["object-lock"], &[]),
    (Operation::ListObjectVersions, Method::Get, false, &["versions"], &["max-keys"]),
    (Operation::ListMultipartUploads, Method::Get, false, &["uploads"], &["encoding-type", "max-uploads", "prefix"]),
    (Operation::ListParts, Method::Get, true, &["uploadId"], &["max-parts", "part-number-marker"]),
    (
        Operation::ListObjectsV2,
        Method::Get,
        false,
        &["list-type"],
        &["continuation-token", "delimiter", "encoding-type", "max-keys", "prefix", "start-after"],
    ),
];

impl Query {
    pub(super) fn parse(query: Option<&str>) -> Result<Self, Refusal> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for piece in query.map(|query| query.split('&')).into_iter().flatten() {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let (Some(name), Some(value)) = (decode(name, b""), decode(value, b"")) else {
                return Err(Refusal::Query("is not encoded the one right way"));
            };
            if parameters.iter().any(|(other, _)| *other == name) {
                return Err(Refusal::Query("has a parameter twice"));
            }
            if !is_allowed(&name, &value) {
                return Err(Refusal::Query("has a parameter or a value that no job needs"));
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The operation of this query with a method at a place.
    pub(super) fn operation(&self, method: Method, place: &Place) -> Option<Operation> {
        match place {
            Place::Account => return (method == Method::Get && self.0.is_empty()).then_some(Operation::ListBuckets),
            Place::Sts => return (method == Method::Post && self.0.is_empty()).then_some(Operation::GetCallerIdentity),
            Place::Bucket | Place::Object(_) => {}
        }
        let about_object = matches!(place, Place::Object(_));
        let fits = |(_, shape_method, object, must, may): &&Shape| {
            *shape_method == method
                && *object == about_object
                && must.iter().all(|name| self.get(name).is_some())
                && self.0.iter().all(|(name, _)| must.contains(&name.as_str()) || may.contains(&name.as_str()))
        };
        SHAPES.iter().find(fits).map(|(operation, ..)| *operation)
    }
}

fn is_allowed(name: &str, value: &str) -> bool {
    let number = |range: std::ops::RangeInclusive<u32>| {
        value.parse::<u32>().is_ok_and(|number| range.contains(&number) && number.to_string() == value)
    };
    match name {
        "uploads" | "versioning" | "object-lock" | "versions" => value.is_empty(),
        "uploadId" | "continuation-token" | "versionId" => !value.is_empty(),
        "partNumber" => number(1..=10_000),
        "part-number-marker" => number(0..=10_000),
        "max-parts" | "max-keys" | "max-uploads" => number(1..=1_000),
        "list-type" => value == "2",
        "delimiter" => value == "/",
        "encoding-type" => value == "url",
        "prefix" | "start-after" => true,
        _ => false,
    }
}
