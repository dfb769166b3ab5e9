//! A request as AWS sees it when it decides: who, what, on what, and the context keys that such a
//! request carries, no others.

use std::collections::{BTreeMap, BTreeSet};

use super::action::{self, Action};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// An IAM user. A user's name is unique in its account, whatever its path.
    User {
        /// The account's id; `None` for whichever account it is about.
        account: Option<String>,
        /// `aws:username`.
        name: String,
    },
    /// A session of an IAM role. It has no `aws:username`.
    Role {
        /// The account's id.
        account: Option<String>,
        /// The role's name.
        name: String,
        /// The session's name.
        session: String,
    },
    /// The account itself.
    Root {
        /// The account's id.
        account: Option<String>,
    },
    /// A service of AWS: `logging.s3.amazonaws.com`.
    Service(String),
    /// Nobody in particular.
    Anonymous,
}

impl Principal {
    /// An IAM user of the account in question.
    #[must_use]
    pub fn user(name: impl Into<String>) -> Self {
        Self::User { account: None, name: name.into() }
    }
}

/// What is not known of a request, and so taken in favour of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Doubt {
    /// Nothing: a key without a value is not in the request.
    #[default]
    Nothing,
    /// Where and when it comes from: `aws:SourceIp`, `aws:CurrentTime`…
    Surroundings,
    /// That, and what its sender may choose: headers, `s3:delimiter`… What matters is whether any
    /// request can succeed.
    Choices,
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who asks.
    pub principal: Principal,
    /// `s3:GetObject`
    pub action: String,
    /// `arn:aws:s3:::BUCKET/KEY`
    pub resource: String,
    /// What is not known of it.
    pub doubt: Doubt,
    context: BTreeMap<String, Vec<String>>,
    absent: BTreeSet<String>,
}

/// What a request says of a context key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// Its values; a key of one value has one.
    Present(&'a [String]),
    /// It is not in the request.
    Absent,
    /// It may be, with any value.
    Unknown,
}

/// What a listing asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listing<'a> {
    /// `prefix=`, which may be there and empty.
    pub prefix: Option<&'a str>,
    /// `delimiter=`
    pub delimiter: Option<&'a str>,
    /// `max-keys=`
    pub max_keys: Option<u32>,
}

/// Not in what a user signs with a key of its own: they come with temporary credentials, with
/// services that act for others, or with one-time passwords.
const NEVER_WITH_A_KEY: [&str; 12] = [
    "aws:tokenissuetime",
    "aws:multifactorauthpresent",
    "aws:multifactorauthage",
    "aws:federatedprovider",
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceidentity",
    "aws:principalservicename",
    "aws:principalservicenameslist",
];

impl Request {
    /// Any request, with the keys that all of its kind carry.
    #[must_use]
    pub fn new(principal: &Principal, action: &str, resource: impl Into<String>) -> Self {
        let mut request = Self {
            principal: principal.clone(),
            action: action.to_owned(),
            resource: resource.into(),
            doubt: Doubt::Nothing,
            context: BTreeMap::new(),
            absent: BTreeSet::new(),
        };
        request.describe_principal();
        let known = action::find(action);
        for (key, value) in [
            ("aws:SecureTransport", "true"),
            ("aws:ViaAWSService", "false"),
            ("s3:authType", "REST-HEADER"),
            ("s3:signatureversion", "AWS4-HMAC-SHA256"),
            ("s3:TlsVersion", "1.3"),
        ] {
            if known.is_none_or(|action| action.has_key(key)) {
                request = request.with(key, value);
            }
        }
        request
    }

    /// A request on a bucket.
    #[must_use]
    pub fn on_bucket(principal: &Principal, action: &str, bucket: &str) -> Self {
        Self::new(principal, action, format!("arn:aws:s3:::{bucket}"))
    }

    /// A request on an object.
    #[must_use]
    pub fn on_object(principal: &Principal, action: &str, bucket: &str, key: &str) -> Self {
        Self::new(principal, action, format!("arn:aws:s3:::{bucket}/{key}"))
    }

    /// HeadBucket: to IAM, a listing that says nothing of what it lists.
    #[must_use]
    pub fn head_bucket(principal: &Principal, bucket: &str) -> Self {
        Self::list_objects(principal, bucket, Listing::default())
    }

    /// ListObjects and ListObjectsV2.
    #[must_use]
    pub fn list_objects(principal: &Principal, bucket: &str, listing: Listing<'_>) -> Self {
        Self::on_bucket(principal, "s3:ListBucket", bucket).listing(listing)
    }

    /// ListObjectVersions.
    #[must_use]
    pub fn list_object_versions(principal: &Principal, bucket: &str, listing: Listing<'_>) -> Self {
        Self::on_bucket(principal, "s3:ListBucketVersions", bucket).listing(listing)
    }

    /// ListMultipartUploads: whatever prefix is asked for, IAM is not told.
    #[must_use]
    pub fn list_multipart_uploads(principal: &Principal, bucket: &str) -> Self {
        Self::on_bucket(principal, "s3:ListBucketMultipartUploads", bucket)
    }

    /// ListBuckets. Its resource is `*`, and policies name it `arn:aws:s3:::*` too.
    #[must_use]
    pub fn list_buckets(principal: &Principal) -> Self {
        Self::on_bucket(principal, "s3:ListAllMyBuckets", "*")
    }

    /// PutObject and CompleteMultipartUpload, without conditions: the object comes to be.
    #[must_use]
    pub fn put_object(principal: &Principal, bucket: &str, key: &str) -> Self {
        Self::on_object(principal, "s3:PutObject", bucket, key).with("s3:ObjectCreationOperation", "true")
    }

    /// CreateMultipartUpload and UploadPart: no object comes to be yet.
    #[must_use]
    pub fn upload_part(principal: &Principal, bucket: &str, key: &str) -> Self {
        Self::on_object(principal, "s3:PutObject", bucket, key).with("s3:ObjectCreationOperation", "false")
    }

    /// UploadPartCopy and CopyObject need both: reading the source, writing the target.
    #[must_use]
    pub fn copy(principal: &Principal, bucket: &str, source: &str, target: &str) -> [Self; 2] {
        let put =
            Self::upload_part(principal, bucket, target).with("s3:x-amz-copy-source", format!("{bucket}/{source}"));
        [Self::get_object(principal, bucket, source), put]
    }

    /// GetObject and HeadObject.
    #[must_use]
    pub fn get_object(principal: &Principal, bucket: &str, key: &str) -> Self {
        Self::on_object(principal, "s3:GetObject", bucket, key)
    }

    /// GetObject and HeadObject of one version.
    #[must_use]
    pub fn get_object_version(principal: &Principal, bucket: &str, key: &str, version_id: &str) -> Self {
        Self::on_object(principal, "s3:GetObjectVersion", bucket, key).with("s3:versionid", version_id)
    }

    /// DeleteObject, and DeleteObjects for each of its keys.
    #[must_use]
    pub fn delete_object(principal: &Principal, bucket: &str, key: &str) -> Self {
        Self::on_object(principal, "s3:DeleteObject", bucket, key)
    }

    /// DeleteObject of one version: nothing is left of it.
    #[must_use]
    pub fn delete_object_version(principal: &Principal, bucket: &str, key: &str, version_id: &str) -> Self {
        Self::on_object(principal, "s3:DeleteObjectVersion", bucket, key).with("s3:versionid", version_id)
    }

    /// ListParts.
    #[must_use]
    pub fn list_parts(principal: &Principal, bucket: &str, key: &str) -> Self {
        Self::on_object(principal, "s3:ListMultipartUploadParts", bucket, key)
    }

    /// AbortMultipartUpload.
    #[must_use]
    pub fn abort_multipart_upload(principal: &Principal, bucket: &str, key: &str) -> Self {
        Self::on_object(principal, "s3:AbortMultipartUpload", bucket, key)
    }

    /// Puts a context key into it.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<String>) -> Self {
        self.with_values(key, vec![value.into()])
    }

    /// Puts a context key of several values into it.
    #[must_use]
    pub fn with_values(mut self, key: &str, values: Vec<String>) -> Self {
        self.context.insert(key.to_lowercase(), values);
        self
    }

    /// Says that it does not carry a key, for sure.
    #[must_use]
    pub fn without(mut self, key: &str) -> Self {
        let key = key.to_lowercase();
        self.context.remove(&key);
        self.absent.insert(key);
        self
    }

    /// Says what is not known of it.
    #[must_use]
    pub fn doubting(mut self, doubt: Doubt) -> Self {
        self.doubt = doubt;
        self
    }

    /// What it says of a context key. Keys know no case.
    #[must_use]
    pub fn lookup(&self, key: &str) -> Lookup<'_> {
        let key = key.to_lowercase();
        match self.context.get(&key) {
            Some(values) if values.is_empty() => Lookup::Absent,
            Some(values) => Lookup::Present(values),
            None if self.absent.contains(&key) => Lookup::Absent,
            None if self.may_carry(&key) => Lookup::Unknown,
            None => Lookup::Absent,
        }
    }

    /// The value of a context key that has one: what a policy variable stands for.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        match self.context.get(&key.to_lowercase()).map(Vec::as_slice) {
            Some([value]) => Some(value),
            _ => None,
        }
    }

    fn may_carry(&self, key: &str) -> bool {
        if matches!(self.principal, Principal::User { .. }) && NEVER_WITH_A_KEY.contains(&key) {
            return false;
        }
        let has = |action: Option<&Action>| action.is_none_or(|action| action.has_key(key));
        match self.doubt {
            Doubt::Nothing => false,
            Doubt::Surroundings => key.starts_with("aws:") && has(action::find(&self.action)),
            Doubt::Choices => has(action::find(&self.action)),
        }
    }

    fn listing(mut self, listing: Listing<'_>) -> Self {
        let max_keys = listing.max_keys.map(|count| count.to_string());
        for (key, value) in
            [("s3:prefix", listing.prefix), ("s3:delimiter", listing.delimiter), ("s3:max-keys", max_keys.as_deref())]
        {
            if let Some(value) = value {
                self = self.with(key, value);
            }
        }
        self
    }

    fn describe_principal(&mut self) {
        let (kind, account, path) = match &self.principal {
            Principal::User { account, name } => ("User", account.clone(), format!("user/{name}")),
            Principal::Role { account, name, .. } => ("AssumedRole", account.clone(), format!("role/{name}")),
            Principal::Root { account } => ("Account", account.clone(), "root".to_owned()),
            Principal::Service(_) => ("Service", None, String::new()),
            Principal::Anonymous => ("Anonymous", None, String::new()),
        };
        let mut put = |key: &str, value: String| {
            self.context.insert(key.to_owned(), vec![value]);
        };
        put("aws:principaltype", kind.to_owned());
        if let Some(account) = account {
            put("aws:principalarn", format!("arn:aws:iam::{account}:{path}"));
            put("aws:principalaccount", account);
        }
        match &self.principal {
            Principal::User { name, .. } => put("aws:username", name.clone()),
            _ => drop(self.absent.insert("aws:username".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_carry_only_keys_that_their_action_has() {
        let client = Principal::user("client1");
        let listing = Listing { prefix: Some(""), delimiter: Some("/"), max_keys: Some(1) };
        let requests = [
            Request::head_bucket(&client, "b"),
            Request::list_objects(&client, "b", listing),
            Request::list_object_versions(&client, "b", listing),
            Request::list_multipart_uploads(&client, "b"),
            Request::list_buckets(&client),
            Request::put_object(&client, "b", "k"),
            Request::upload_part(&client, "b", "k"),
            Request::get_object(&client, "b", "k"),
            Request::get_object_version(&client, "b", "k", "v"),
            Request::delete_object(&client, "b", "k"),
            Request::delete_object_version(&client, "b", "k", "v"),
            Request::list_parts(&client, "b", "k"),
            Request::abort_multipart_upload(&client, "b", "k"),
        ];
        let copies = Request::copy(&client, "b", "k", "l");
        for request in requests.iter().chain(&copies) {
            let action = action::find(&request.action).unwrap_or_else(|| panic!("{}", request.action));
            assert_eq!(action.name, request.action);
            for key in request.context.keys() {
                assert!(action.has_key(key), "{} has no {key}", request.action);
            }
        }
    }

    #[test]
    fn a_missing_prefix_is_not_an_empty_one() {
        let client = Principal::user("client1");
        assert_eq!(Request::head_bucket(&client, "b").lookup("s3:prefix"), Lookup::Absent);
        let listing = Listing { prefix: Some(""), ..Listing::default() };
        let listing = Request::list_objects(&client, "b", listing);
        assert_eq!(listing.lookup("S3:Prefix"), Lookup::Present(&[String::new()]));
    }

    #[test]
    fn doubt_reaches_as_far_as_it_says() {
        let of = |doubt| Request::head_bucket(&Principal::user("client1"), "b").without("s3:prefix").doubting(doubt);
        for (doubt, ip, delimiter) in [
            (Doubt::Nothing, Lookup::Absent, Lookup::Absent),
            (Doubt::Surroundings, Lookup::Unknown, Lookup::Absent),
            (Doubt::Choices, Lookup::Unknown, Lookup::Unknown),
        ] {
            let request = of(doubt);
            assert_eq!(request.lookup("aws:SourceIp"), ip);
            assert_eq!(request.lookup("s3:delimiter"), delimiter);
            assert_eq!(request.lookup("s3:prefix"), Lookup::Absent);
            assert_eq!(request.lookup("s3:x-amz-acl"), Lookup::Absent);
            assert_eq!(request.lookup("aws:MultiFactorAuthPresent"), Lookup::Absent);
            assert_eq!(request.value("AWS:username"), Some("client1"));
        }
    }

    #[test]
    fn only_users_have_a_user_name() {
        let role = Principal::Role { account: None, name: "backup".into(), session: "s".into() };
        for principal in [role, Principal::Root { account: None }, Principal::Anonymous] {
            let request = Request::head_bucket(&principal, "b").doubting(Doubt::Choices);
            assert_eq!(request.lookup("aws:username"), Lookup::Absent);
        }
    }
}
