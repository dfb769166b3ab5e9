//! Keys as people paste them.

use holdfast_core::{
    abi::Millis,
    secret::{Credentials, Secret},
};

/// Without white space around it, and without the marks of no width that come along with text
/// copied from a page.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200d}'))
}

/// Keys, when each of the parts can be one. The words for what is wrong do not repeat it.
pub(crate) fn assemble(
    id: &str,
    secret: &str,
    token: Option<&str>,
    expires_at: Option<Millis>,
) -> Result<Credentials, String> {
    let token = token.map(trimmed).filter(|token| !token.is_empty());
    if are_swapped(trimmed(id), trimmed(secret)) {
        return Err(
            "the access key id and the secret access key are swapped: put each into the other's place".to_owned()
        );
    }
    Ok(Credentials {
        access_key_id: clean(id, "access key id")?,
        secret_access_key: Secret::new(clean(secret, "secret access key")?),
        session_token: token.map(|token| clean(token, "session token").map(Secret::new)).transpose()?,
        expires_at,
    })
}

/// The same keys, trimmed and checked.
pub(crate) fn checked(keys: &Credentials) -> Result<Credentials, String> {
    assemble(
        &keys.access_key_id,
        keys.secret_access_key.expose(),
        keys.session_token.as_ref().map(|token| token.expose().as_str()),
        keys.expires_at,
    )
}

/// Told before the secret travels as a name. A signature's scope is divided by slashes, so no id
/// has any, and Amazon's ids begin in their own way.
fn are_swapped(id: &str, secret: &str) -> bool {
    let is_amazons = |key: &str| {
        key.len() == 20
            && (key.starts_with("AKIA") || key.starts_with("ASIA"))
            && key.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    !secret.contains('/') && (id.contains('/') || (id.len() == 40 && is_amazons(secret)))
}

fn clean(text: &str, what: &str) -> Result<String, String> {
    let text = trimmed(text);
    if text.is_empty() {
        return Err(format!("the {what} is empty"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(format!("the {what} holds a space or a character that no key has: copy it again"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_white_space_is_trimmed() {
        let keys = assemble(" AKIA1\n", "\u{feff}\tse/cr+et=\r\n", Some("\u{a0}"), None)
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(keys.access_key_id, "AKIA1");
        assert_eq!(keys.secret_access_key.expose(), "se/cr+et=");
        assert_eq!(keys.session_token, None);
    }

    #[test]
    fn swapped_keys_are_seen() {
        let secret = "wJalrXUtnFEMIwK7MDENGwbPxRfiCYEXAMPLEKEY";
        for (id, secret) in [(secret, "AKIAIOSFODNN7EXAMPLE"), ("senti/nel", "client1")] {
            let error = assemble(id, secret, None, None).expect_err("swapped");
            assert!(error.contains("swapped") && !error.contains(id), "{error}");
        }
        for (id, secret) in [("AKIAIOSFODNN7EXAMPLE", secret), ("client1", "client1-secret"), ("a", "b/c")] {
            assert!(assemble(id, secret, None, None).is_ok(), "{id}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_repeating_it() {
        for secret in ["", "  ", "senti nel", "sentinel\nsentinel", "sentinël", "sentinel\u{200b}x"] {
            let error = assemble("AKIA1", secret, None, None).expect_err(secret);
            assert!(error.contains("secret access key") && !error.contains("senti"), "{error}");
        }
        let error = assemble("AKIA1", "x", Some("senti nel"), None).expect_err("a token");
        assert!(error.contains("session token") && !error.contains("senti"), "{error}");
    }
}
