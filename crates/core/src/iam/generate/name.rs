//! Names that end up in a policy: parsed, so that none of them can widen it.

use std::fmt;

use crate::name::{NameError, Prefix};

/// The policy variable that holds the IAM user's name.
pub const USERNAME: &str = "${aws:username}";

/// Why a name has no place in a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultyName {
    /// A prefix without its slash.
    #[error(
        "the prefix {0:?} must end in `/`: without it, {0:?} takes in its neighbours too, as client1 does client10"
    )]
    NoSlash(String),
    /// A prefix that S3 or this product refuses.
    #[error(transparent)]
    Prefix(#[from] NameError),
    /// Two slashes in a row, or one at the beginning.
    #[error(
        "the prefix {0:?} has nothing between two slashes, or begins with one; put `${{aws:username}}` in single quotes, or the shell replaces it"
    )]
    EmptyLevel(String),
    /// A character that a policy gives a meaning.
    #[error("the prefix {prefix:?} holds `{sign}`, which a policy would read as a wildcard or a variable")]
    Meaning {
        /// The prefix.
        prefix: String,
        /// The character.
        sign: char,
    },
    /// The variable is only a part of a level, or there twice.
    #[error("in the prefix {0:?}, `${{aws:username}}` must be one whole level between slashes, once")]
    Variable(String),
    /// Not an IAM user's name.
    #[error("the client's name {name:?} {why}")]
    Client {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Not a KMS key's ARN.
    #[error("{0:?} is not the ARN of a KMS key: {1}")]
    KmsKey(String, &'static str),
}

/// The name of a client: that of its IAM user, by [IAM's rules](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientName(String);

impl ClientName {
    /// Parses a name.
    ///
    /// # Errors
    /// When IAM would refuse it, or a policy or a path would read it as something else.
    pub fn parse(name: impl Into<String>) -> Result<Self, FaultyName> {
        let name = name.into();
        match client_fault(&name) {
            Some(why) => Err(FaultyName::Client { name, why }),
            None => Ok(Self(name)),
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn client_fault(name: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if name.is_empty() || name.len() > 64 {
        return Some("is not 1 to 64 characters long".to_owned());
    }
    if name == "." || name == ".." {
        return Some("means a folder in most tools".to_owned());
    }
    let why = match name.chars().find(|c| !allowed(*c))? {
        c @ ('*' | '?') => format!("holds `{c}`, which a policy reads as a wildcard: it would match other clients"),
        '$' => "holds `$`, which begins a policy variable".to_owned(),
        '/' => "holds `/`: one client would be inside another".to_owned(),
        c => format!("holds {c:?}: the name of an IAM user has only letters, digits and `_+=,.@-`"),
    };
    Some(why)
}

/// Where a client's objects are: a prefix, perhaps with [`USERNAME`] as one of its levels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPrefix {
    text: String,
    /// Where the variable begins.
    variable: Option<usize>,
}

impl ClientPrefix {
    /// Parses a prefix; the empty one is the root of the bucket.
    ///
    /// # Errors
    /// When it does not end in `/`, or holds what a policy gives a meaning.
    pub fn parse(text: impl Into<String>) -> Result<Self, FaultyName> {
        let text = text.into();
        if !text.is_empty() && !text.ends_with('/') {
            return Err(FaultyName::NoSlash(text));
        }
        Prefix::parse(text.as_str())?;
        let levels: Vec<&str> = text.strip_suffix('/').map_or(Vec::new(), |text| text.split('/').collect());
        if levels.iter().any(|level| level.is_empty()) {
            return Err(FaultyName::EmptyLevel(text));
        }
        let whole = levels.iter().filter(|level| **level == USERNAME).count();
        if whole > 1 || text.matches(USERNAME).count() != whole {
            return Err(FaultyName::Variable(text));
        }
        if let Some(sign) = text.replace(USERNAME, "").chars().find(|c| matches!(c, '*' | '?' | '$')) {
            return Err(FaultyName::Meaning { prefix: text, sign });
        }
        let variable = text.find(USERNAME);
        Ok(Self { text, variable })
    }

    /// The prefix as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether each client has one of its own.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.variable.is_some()
    }

    /// What all clients' prefixes begin with: empty, or ending in `/`.
    #[must_use]
    pub fn root(&self) -> &str {
        self.variable.map_or(&self.text, |at| &self.text[..at])
    }

    /// The prefix of one client.
    #[must_use]
    pub fn of(&self, client: &ClientName) -> Self {
        Self { text: self.text.replace(USERNAME, client.as_str()), variable: None }
    }

    /// The pattern of everything below. It matches the prefix itself too: `*` may be empty.
    #[must_use]
    pub fn pattern(&self) -> String {
        format!("{}*", self.text)
    }
}

impl fmt::Display for ClientPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Which AWS: its name is part of every ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Partition {
    /// The commercial regions.
    #[default]
    Aws,
    /// China.
    AwsCn,
    /// GovCloud.
    AwsUsGov,
}

impl Partition {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Aws, Self::AwsCn, Self::AwsUsGov];

    /// Its name in an ARN.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
        }
    }
}

/// The ARN of a KMS key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KmsKey {
    arn: String,
    partition: Partition,
}

impl KmsKey {
    /// Parses `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(arn: impl Into<String>) -> Result<Self, FaultyName> {
        let arn = arn.into();
        match key_partition(&arn) {
            Ok(partition) => Ok(Self { arn, partition }),
            Err(why) => Err(FaultyName::KmsKey(arn, why)),
        }
    }

    /// The ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.arn
    }

    /// Where it is.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.partition
    }
}

fn key_partition(arn: &str) -> Result<Partition, &'static str> {
    const SHAPE: &str = "it looks like arn:aws:kms:REGION:ACCOUNT:key/ID";
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "kms", region, account, key] = parts[..] else {
        return Err(SHAPE);
    };
    if key.starts_with("alias/") {
        return Err("an alias in a policy stands for nothing; name the key that it points to");
    }
    let id = key.strip_prefix("key/").ok_or(SHAPE)?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !plain(id) || !plain(region) || account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        return Err(SHAPE);
    }
    Partition::ALL.into_iter().find(|known| known.as_str() == partition).ok_or("its partition is unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_the_name_of_an_iam_user() {
        for good in ["client1", "a", "example.com", "a+b=c,d.e@f_g-h", "...", &"x".repeat(64)] {
            assert!(ClientName::parse(good).is_ok(), "{good}");
        }
        for (bad, word) in [
            ("", "1 to 64"),
            (&*"x".repeat(65), "1 to 64"),
            ("a*", "wildcard"),
            ("client?", "wildcard"),
            ("${aws:username}", "variable"),
            ("a/b", "inside another"),
            ("a b", "only letters"),
            ("é", "only letters"),
            ("a'b", "only letters"),
            ("..", "folder"),
        ] {
            let error = ClientName::parse(bad).expect_err(bad).to_string();
            assert!(error.contains(word), "{bad}: {error}");
        }
    }

    #[test]
    fn a_prefix_takes_the_name_as_one_level() {
        for (good, root) in [
            ("home/${aws:username}/", "home/"),
            ("${aws:username}/", ""),
            ("a/b/${aws:username}/wordpress/", "a/b/"),
            ("home/client1/", "home/client1/"),
            ("", ""),
        ] {
            assert_eq!(ClientPrefix::parse(good).expect(good).root(), root);
        }
        for (bad, word) in [
            ("home/client1", "client10"),
            ("home/${aws:username}", "client10"),
            ("home/${aws:username}-x/", "one whole level"),
            ("${aws:username}/${aws:username}/", "once"),
            ("home//", "single quotes"),
            ("/home/", "single quotes"),
            ("/", "single quotes"),
            ("home/*/", "wildcard"),
            ("home/${aws:userid}/", "variable"),
            ("a\nb/", "control"),
        ] {
            let error = ClientPrefix::parse(bad).expect_err(bad).to_string();
            assert!(error.contains(word), "{bad}: {error}");
        }
    }

    #[test]
    fn a_kms_key_is_named_by_its_arn() {
        let arn = |text: &str| KmsKey::parse(text);
        assert!(arn("arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab").is_ok());
        assert!(arn("arn:aws-cn:kms:cn-north-1:111122223333:key/mrk-1").is_ok());
        for bad in [
            "1234abcd",
            "arn:aws:kms:us-west-2:111122223333:alias/backups",
            "arn:aws:kms:us-west-2:1:key/x",
            "arn:aws:kms:us-west-2:111122223333:key/*",
            "arn:aws:kms:*:111122223333:key/x",
            "arn:moon:kms:us-west-2:111122223333:key/x",
        ] {
            assert!(arn(bad).is_err(), "{bad}");
        }
    }
}
