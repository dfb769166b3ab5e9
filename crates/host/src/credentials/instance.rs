//! The role of an EC2 instance, by IMDSv2: a token, the role's name, its keys.
//!
//! [The service](https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html)

use holdfast_core::abi::{Method, TransportCause};

use super::{
    environment::Environment,
    error::{Asked, Outcome, Problem},
    metadata::{self, Metadata},
};

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

pub(crate) fn ask(environment: &Environment) -> Outcome {
    const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
    if environment.is_true(DISABLED) {
        return Ok(Asked::nothing(format!("{DISABLED} is true")));
    }
    let endpoint = endpoint(environment);
    let service = Metadata::new()?;
    let token = match token(&service, &endpoint) {
        Ok(token) => token,
        Err(found) => return Ok(Asked::Nothing(found)),
    };
    let headers = [("x-aws-ec2-metadata-token".to_owned(), token)];

    let roles = get(&service, &format!("{endpoint}{ROLES}"), &headers)?;
    let role = roles.as_deref().and_then(|roles| roles.lines().next()).map_or("", str::trim);
    if role.is_empty() {
        return Ok(Asked::nothing("the instance has no IAM role"));
    }
    if !role.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte)) {
        return Err(Problem::unusable("it names a role that can be none"));
    }
    match get(&service, &format!("{endpoint}{ROLES}{role}"), &headers)? {
        Some(document) => metadata::keys(document.as_bytes()).map(Asked::keys),
        None => Err(Problem::Unavailable(format!("it has no keys for the role `{role}`"))),
    }
}

fn endpoint(environment: &Environment) -> String {
    if let Some(endpoint) = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") {
        return endpoint.trim_end_matches('/').to_owned();
    }
    let is_ipv6 =
        environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE").is_some_and(|mode| mode.eq_ignore_ascii_case("ipv6"));
    if is_ipv6 { "http://[fd00:ec2::254]" } else { "http://169.254.169.254" }.to_owned()
}

/// Proof that the service is there; without it, how it shows that it is not.
fn token(service: &Metadata, endpoint: &str) -> Result<String, String> {
    let ttl = [("x-aws-ec2-metadata-token-ttl-seconds".to_owned(), "21600".to_owned())];
    match service.ask(Method::Put, &format!("{endpoint}/latest/api/token"), &ttl) {
        Ok(answer) if answer.status == 200 => String::from_utf8(answer.body)
            .ok()
            .map(|token| token.trim().to_owned())
            .filter(|token| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()))
            .ok_or_else(|| "it gave no token".to_owned()),
        Ok(answer) if answer.status == 403 => Err("it is switched off for this instance (status 403)".to_owned()),
        Ok(answer) => Err(format!("it gave no token (status {})", answer.status)),
        Err(failure) if failure.cause == TransportCause::Stalled => {
            Err(format!("{failure}; in a container on EC2, its hop limit must be 2"))
        }
        Err(failure) => Err(format!("not there: {failure}")),
    }
}

/// What is at a path; `None` for a 404.
fn get(service: &Metadata, url: &str, headers: &[(String, String)]) -> Result<Option<String>, Problem> {
    match service.get(url, headers) {
        Ok(answer) if answer.status == 200 => String::from_utf8(answer.body)
            .map(Some)
            .map_err(|_| Problem::Unavailable("its answer is not text".to_owned())),
        Ok(answer) if answer.status == 404 => Ok(None),
        Ok(answer) => Err(Problem::Unavailable(format!("it answered status {}", answer.status))),
        Err(failure) => Err(Problem::Unavailable(failure.message)),
    }
}
