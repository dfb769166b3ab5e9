//! The role of a container, by the service of ECS or EKS.
//!
//! [The rules](https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html)

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use http::Uri;

use super::{
    environment::Environment,
    error::{Asked, Outcome, Problem},
    metadata::{self, Metadata},
    read,
};

const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";

/// The services of ECS and EKS, which are reached without TLS.
const ECS: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2));
const EKS: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23));
const EKS_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23));

pub(crate) fn ask(environment: &Environment) -> Outcome {
    let url = match (environment.get(RELATIVE), environment.get(FULL)) {
        (Some(path), _) if path.starts_with('/') => format!("http://{ECS}{path}"),
        (Some(_), _) => return Err(Problem::unusable(format!("{RELATIVE} is not a path"))),
        (None, Some(url)) => {
            allowed(url)?;
            url.to_owned()
        }
        (None, None) => return Ok(Asked::nothing(format!("neither {RELATIVE} nor {FULL} is set"))),
    };
    let mut headers = vec![("accept".to_owned(), "application/json".to_owned())];
    if let Some(token) = authorization(environment)? {
        headers.push(("authorization".to_owned(), token));
    }
    match Metadata::new()?.get(&url, &headers) {
        Ok(answer) if answer.status == 200 => metadata::keys(&answer.body).map(Asked::keys),
        Ok(answer) => Err(Problem::Unavailable(format!("it answered status {}", answer.status))),
        Err(failure) => Err(Problem::Unavailable(failure.message)),
    }
}

/// Without TLS, keys are taken from this machine and its link only.
fn allowed(url: &str) -> Result<(), Problem> {
    let not_url = || Problem::unusable(format!("{FULL} is not a URL"));
    let uri: Uri = url.parse().map_err(|_| not_url())?;
    let host = uri.host().ok_or_else(not_url)?.trim_matches(['[', ']']);
    let is_near = host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback() || [ECS, EKS, EKS_V6].contains(&address));
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if is_near => Ok(()),
        _ => Err(Problem::unusable(format!(
            "{FULL} leads to `{host}`: without https, only loopback, {ECS}, {EKS} and {EKS_V6} \
             are trusted"
        ))),
    }
}

fn authorization(environment: &Environment) -> Result<Option<String>, Problem> {
    let token = match environment.get(TOKEN_FILE) {
        // Read each time: it is replaced before it ends.
        Some(path) => {
            let (text, _) = read::text(Path::new(path))
                .map_err(|error| Problem::unusable(format!("{TOKEN_FILE}: `{path}` cannot be read: {error}")))?;
            Some(text.trim().to_owned())
        }
        None => environment.get(TOKEN).map(str::to_owned),
    };
    match token {
        Some(token) if !token.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') => {
            Err(Problem::unusable("its authorization token holds a control character"))
        }
        token => Ok(token),
    }
}
