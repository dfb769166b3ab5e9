//! Asking a service on this machine's link for keys: soon answered or not there.

use std::{sync::Arc, thread, time::Duration};

use holdfast_core::{
    abi::{Method, Millis, TransportCause},
    secret::Credentials,
};
use serde::Deserialize;

use super::{error::Problem, keys};
use crate::http::{Answer, Body, Call, Client, ClientConfig, Failure, Proxy};

/// How long the service may take to be reached, and then to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often a service that is there is asked before it counts as failing.
const ATTEMPTS: u32 = 3;

/// A client for services on the link: never through a proxy, which would be asked for *its* keys.
pub(crate) struct Metadata(Client);

impl Metadata {
    pub(crate) fn new() -> Result<Self, Problem> {
        let config = ClientConfig {
            connections: 1,
            connect_timeout: PATIENCE,
            stall_timeout: PATIENCE,
            proxy: Proxy::None,
            ..ClientConfig::default()
        };
        Client::new(&config).map(Self).map_err(|error| Problem::unusable(error.to_string()))
    }

    /// Asks once.
    pub(crate) fn ask(&self, method: Method, url: &str, headers: &[(String, String)]) -> Result<Answer, Failure> {
        self.0.send(Call {
            method,
            url,
            headers,
            body: Body::Empty,
            sink: None,
            answer_within: PATIENCE,
            cancelled: &Arc::default(),
            progress: &Arc::default(),
        })
    }

    /// Asks a service that is known to be there, again when it falters.
    pub(crate) fn get(&self, url: &str, headers: &[(String, String)]) -> Result<Answer, Failure> {
        let mut attempt = 1;
        loop {
            let outcome = self.ask(Method::Get, url, headers);
            let may_pass = match &outcome {
                Ok(answer) => answer.status == 429 || answer.status >= 500,
                Err(failure) => {
                    matches!(failure.cause, TransportCause::Broken | TransportCause::Stalled | TransportCause::Connect)
                }
            };
            if !may_pass || attempt == ATTEMPTS {
                return outcome;
            }
            thread::sleep(Duration::from_millis(100) * attempt);
            attempt += 1;
        }
    }
}

/// Keys as both services write them.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    code: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    token: Option<String>,
    expiration: Option<String>,
}

/// Reads keys; the words for what is wrong never hold what was read.
pub(crate) fn keys(body: &[u8]) -> Result<Credentials, Problem> {
    let unavailable = |problem: &str| Problem::Unavailable(problem.to_owned());
    let document: Document = serde_json::from_slice(body)
        .map_err(|_| unavailable("it answered with something that is not a JSON document of keys"))?;
    if let Some(code) = document.code.filter(|code| code != "Success") {
        let is_word = !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let code = if is_word && code.len() < 64 { code } else { "no success".to_owned() };
        return Err(Problem::Unavailable(format!("it answered `{code}` instead of keys")));
    }
    let (Some(id), Some(secret)) = (document.access_key_id, document.secret_access_key) else {
        return Err(unavailable("its answer lacks `AccessKeyId` or `SecretAccessKey`"));
    };
    let expires_at = document.expiration.map(|text| moment(&text)).transpose()?;
    keys::assemble(&id, &secret, document.token.as_deref(), expires_at).map_err(Problem::Unavailable)
}

/// `2026-11-23T02:00:00Z`.
fn moment(text: &str) -> Result<Millis, Problem> {
    let moment: jiff::Timestamp =
        text.trim().parse().map_err(|_| Problem::Unavailable("its `Expiration` is not a time".to_owned()))?;
    Ok(Millis(u64::try_from(moment.as_millisecond()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_aws_writes_them() {
        let millis = |text| moment(text).map(|moment| moment.0).ok();
        assert_eq!(millis("1970-01-01T00:00:01Z"), Some(1000));
        assert_eq!(millis("2026-11-23T02:00:00Z"), Some(1_795_399_200_000));
        assert_eq!(millis("2026-11-23T02:00:00.250Z"), Some(1_795_399_200_250));
        assert_eq!(millis("2026-11-23T03:00:00+01:00"), Some(1_795_399_200_000));
        assert_eq!(millis("tomorrow"), None);
        assert_eq!(millis(""), None);
    }
}
