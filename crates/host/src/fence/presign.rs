//! What the module signed for somebody else to send: the runner prints it, so it looks first.

use holdfast_core::{
    job::{Job, Work},
    name::partition,
};

use super::{
    Refusal,
    address::{self, Place, Url},
};

/// Whether a URL gets the job's object, for as long as the job says, and nothing else. That it is
/// for a GET cannot be seen from it: the method is in the signature only.
///
/// # Errors
/// When it is about something else.
pub fn is_presigned(job: &Job, url: &str) -> Result<(), Refusal> {
    let Work::Presign(work) = &job.work else { return Err(Refusal::Place) };
    let target = &job.target;
    let url = Url::parse(url)?;
    let partition = target.region.as_ref().map_or("aws", |region| partition(region.as_str()));
    if url.tls != target.endpoint.tls() || !address::is_of(&target.endpoint, &target.bucket, partition, url.authority) {
        return Err(Refusal::Endpoint);
    }
    if address::place(&target.endpoint, &target.bucket, url.path) != Some(Place::Object(work.key.as_str().to_owned())) {
        return Err(Refusal::Place);
    }
    let mut expires = false;
    for pair in url.query.unwrap_or_default().split('&') {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("X-Amz-Expires", seconds) if seconds == work.expires_s.to_string() => expires = true,
            ("X-Amz-SignedHeaders", "host") => {}
            ("response-content-disposition", _) if work.file_name.is_some() => {}
            ("X-Amz-Algorithm" | "X-Amz-Credential" | "X-Amz-Date" | "X-Amz-Security-Token" | "X-Amz-Signature", _) => {
            }
            _ => return Err(Refusal::Query("has a parameter or a value that no job needs")),
        }
    }
    if expires { Ok(()) } else { Err(Refusal::Query("does not say when it ends")) }
}
