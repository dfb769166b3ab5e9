//! The order of places, and what is said when none has keys.

use holdfast_core::abi::Millis;

use crate::{
    credentials_file::{environment, line, said},
    host::credentials::{CredentialsError, Environment, Explicit, Place, Provider},
};

fn load(environment: Environment) -> Result<String, CredentialsError> {
    Provider::new(Explicit::No, environment).load(Millis(0)).map(|keys| line(&keys))
}

#[test]
fn every_place_says_why_it_has_no_keys() {
    let error = load(environment(&[])).unwrap_err();
    assert_eq!(
        said(&error),
        "no AWS credentials found (\
         the environment: AWS_ACCESS_KEY_ID is not set; \
         the AWS profile `default`: there is none in `/no/such/home/.aws/credentials` \
         (no such file) and `/no/such/home/.aws/config` (no such file); \
         the web identity of the environment: AWS_WEB_IDENTITY_TOKEN_FILE is not set; \
         the container's credentials service: neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor \
         AWS_CONTAINER_CREDENTIALS_FULL_URI is set; \
         the EC2 instance metadata: AWS_EC2_METADATA_DISABLED is true)"
    );
    let CredentialsError::NotFound(tried) = error else { panic!("{error}") };
    assert_eq!(tried[0].place, Place::Environment);
    assert_eq!(tried.len(), 5);
}

#[test]
fn a_web_identity_is_named_and_not_passed_over() {
    let variables = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/x"), ("AWS_ROLE_ARN", "arn:x")];
    let text = said(&load(environment(&variables)).unwrap_err());
    assert!(text.contains("AWS_WEB_IDENTITY_TOKEN_FILE is set, which is not supported"), "{text}");
    let mut with_keys = variables.to_vec();
    with_keys.extend([("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "sentinel")]);
    assert_eq!(load(environment(&with_keys)).unwrap(), "A sentinel -");
}

#[test]
fn no_home_is_no_failure() {
    let variables = [("AWS_EC2_METADATA_DISABLED", "TRUE")];
    let text = said(&load(variables.into_iter().collect()).unwrap_err());
    assert!(text.contains("~/.aws/credentials (HOME is not set)"), "{text}");
}

#[test]
fn the_process_environment_has_a_home() {
    assert!(Environment::of_process().get("HOME").is_some());
}
