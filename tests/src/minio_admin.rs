//! MinIO's admin API as far as the tests need it: users, groups, policies, temporary credentials.
//!
//! It is not S3: `PUT /minio/admin/v3/…`, signed like S3. A new user's secret travels encrypted
//! under the caller's own secret, in the format that MinIO's `madmin` package defines:
//! `salt (32) | cipher id (1) | nonce (8) | sealed stream`.

use argon2::{Algorithm, Argon2, Params, Version};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Value, json};

use crate::xml::element;
use crate::{Minio, REGION, S3, SECRET};

/// Credentials that end by themselves.
#[derive(Debug, Clone)]
pub struct Temporary {
    /// The access key.
    pub access_key: String,
    /// The secret key.
    pub secret_key: String,
    /// The session token.
    pub session_token: String,
    /// When they end, as RFC 3339.
    pub expiration: String,
}

impl Minio {
    /// Makes a user. The secret needs 8 characters at least.
    pub fn add_user(&self, name: &str, secret: &str) {
        let body = json!({"secretKey": secret, "status": "enabled"}).to_string();
        self.admin("PUT", "add-user", &[("accessKey", name)], &seal(SECRET, body.as_bytes()));
    }

    /// Makes a policy.
    pub fn add_policy(&self, name: &str, policy: &Value) {
        self.admin("PUT", "add-canned-policy", &[("name", name)], policy.to_string().as_bytes());
    }

    /// Whether MinIO takes this policy at all: it refuses conditions that it does not know for an
    /// action. The refusal's text is the error.
    pub fn try_policy(&self, name: &str, policy: &Value) -> Result<(), String> {
        let path = "/minio/admin/v3/add-canned-policy";
        let body = policy.to_string();
        let reply = self.s3().send("PUT", path, &[("name", name)], &[], body.as_bytes());
        if reply.status == 200 { Ok(()) } else { Err(reply.text()) }
    }

    /// Adds users to a group, which is made when it is new.
    pub fn add_to_group(&self, group: &str, users: &[&str]) {
        let body = json!({"group": group, "members": users, "groupStatus": "enabled", "isRemove": false});
        self.admin("PUT", "update-group-members", &[], body.to_string().as_bytes());
    }

    /// Gives a user this policy in place of what it had.
    pub fn set_user_policy(&self, user: &str, policy: &str) {
        self.set_policy(user, policy, "false");
    }

    /// Gives a group this policy in place of what it had.
    pub fn set_group_policy(&self, group: &str, policy: &str) {
        self.set_policy(group, policy, "true");
    }

    /// A client with a user's key.
    pub fn s3_as(&self, user: &str, secret: &str) -> S3 {
        self.s3().with_key(user, secret)
    }

    /// Temporary credentials of a user, through STS; a session policy narrows them further.
    pub fn assume_role(&self, user: &str, secret: &str, seconds: u32, policy: Option<&Value>) -> Temporary {
        let mut form = format!("Action=AssumeRole&Version=2011-06-15&DurationSeconds={seconds}");
        if let Some(policy) = policy {
            let text = policy.to_string();
            form += "&Policy=";
            form.extend(percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC));
        }
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let reply = self
            .s3_as(user, secret)
            .with_region(REGION)
            .send_for("sts", "POST", "/", &[], &headers, form.as_bytes())
            .expect_ok("assume role")
            .text();
        let field = |name| element(&reply, name).unwrap_or_else(|| panic!("no {name} in {reply}"));
        Temporary {
            access_key: field("AccessKeyId"),
            secret_key: field("SecretAccessKey"),
            session_token: field("SessionToken"),
            expiration: field("Expiration"),
        }
    }

    fn set_policy(&self, name: &str, policy: &str, is_group: &str) {
        let query = [("policyName", policy), ("userOrGroup", name), ("isGroup", is_group)];
        self.admin("PUT", "set-user-or-group-policy", &query, b"");
    }

    fn admin(&self, method: &str, action: &str, query: &[(&str, &str)], body: &[u8]) {
        let path = format!("/minio/admin/v3/{action}");
        self.s3().send(method, &path, query, &[], body).expect_ok(action);
    }
}

/// One sealed fragment; a body above 16 KiB would need more than one.
fn seal(password: &str, data: &[u8]) -> Vec<u8> {
    const ARGON2ID_AES_GCM: u8 = 0;
    const FINAL_FRAGMENT: u8 = 0x80;
    assert!(data.len() <= 16 << 10, "one fragment holds 16 KiB");

    let random = SystemRandom::new();
    let (mut salt, mut prefix) = ([0; 32], [0; 8]);
    random.fill(&mut salt).expect("entropy");
    random.fill(&mut prefix).expect("entropy");

    let params = Params::new(64 * 1024, 1, 4, Some(32)).expect("madmin's parameters are sound");
    let mut key = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password.as_bytes(), &salt, &mut key)
        .expect("lengths are sound");
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("32 bytes"));
    let nonce = |sequence: u32| {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&prefix);
        nonce[8..].copy_from_slice(&sequence.to_le_bytes());
        Nonce::assume_unique_for_key(nonce)
    };

    // Fragment 0 seals nothing; its tag is associated with every later fragment.
    let tag = key.seal_in_place_separate_tag(nonce(0), Aad::empty(), &mut []).expect("it can be sealed");
    let mut associated = vec![FINAL_FRAGMENT];
    associated.extend_from_slice(tag.as_ref());
    let mut sealed = data.to_vec();
    key.seal_in_place_append_tag(nonce(1), Aad::from(associated), &mut sealed).expect("it can be sealed");

    [&salt[..], &[ARGON2ID_AES_GCM], &prefix, &sealed].concat()
}
