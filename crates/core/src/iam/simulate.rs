//! What a set of policies lets one client do: its own prefix, another's, the whole bucket.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    document::Policy,
    evaluate::{Decision, Evaluator},
    isolation::PrefixTemplate,
    pattern::Dialect,
    request::{Doubt, Listing, Principal, Request},
};

/// Whom and what to simulate.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// Attached to the client, or to the bucket.
    pub policies: &'a [Policy],
    /// The bucket.
    pub bucket: &'a str,
    /// Where each client's objects are.
    pub prefix: &'a PrefixTemplate,
    /// Who asks: the name of an IAM user.
    pub client: &'a str,
    /// Whose prefix it should not reach.
    pub other: &'a str,
    /// Whose rules hold.
    pub dialect: Dialect,
}

/// One call, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What it is about.
    pub area: Area,
    /// The call, in words.
    pub call: &'static str,
    /// What it means when it is allowed.
    pub meaning: Meaning,
    /// The action.
    pub action: String,
    /// On what.
    pub resource: String,
    /// `s3:prefix`, where the call carries one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// The answer.
    #[serde(flatten)]
    pub decision: Decision,
}

impl Row {
    /// Whether it undoes the isolation of clients.
    #[must_use]
    pub fn is_breach(&self) -> bool {
        self.meaning == Meaning::Breach && self.decision.is_allow()
    }
}

/// What a call is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// The client's own prefix.
    Own,
    /// Another client's.
    Other,
    /// The bucket, and what is beside it.
    Bucket,
    /// What holds for the whole bucket.
    Settings,
}

/// What a call means when it is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// A backup, its pruning or its restoration wants it.
    Wanted,
    /// It does neither good nor harm.
    Harmless,
    /// A stolen key can destroy or publish the client's own backups with it.
    Danger,
    /// It shows names: of clients, of buckets.
    Leak,
    /// It reaches another client's objects.
    Breach,
}

/// The table of calls for one client.
#[must_use]
pub fn simulate(scene: &Scene<'_>) -> Vec<Row> {
    let evaluator = Evaluator::new(scene.policies).dialect(scene.dialect);
    let rows = [own(scene), other(scene), bucket(scene), settings(scene)];
    let areas = [Area::Own, Area::Other, Area::Bucket, Area::Settings];
    let row = |(area, (call, meaning, request)): (Area, Asked)| {
        let request = request.doubting(Doubt::Surroundings);
        Row {
            area,
            call,
            meaning,
            decision: evaluator.decide(&request),
            prefix: request.value("s3:prefix").map(str::to_owned),
            action: request.action,
            resource: request.resource,
        }
    };
    areas
        .into_iter()
        .zip(rows)
        .flat_map(|(area, rows)| rows.into_iter().map(move |asked| (area, asked)))
        .map(row)
        .collect()
}

/// The bucket that policies name most often; `None` when there is no such one.
#[must_use]
pub fn bucket_named(policies: &[Policy]) -> Option<String> {
    let mut named: BTreeMap<&str, usize> = BTreeMap::new();
    let statements = policies.iter().flat_map(|policy| &policy.statements);
    for pattern in statements.flat_map(|statement| &statement.resources).flat_map(|resources| &resources.patterns) {
        let bucket = pattern.value.splitn(6, ':').nth(5).and_then(|resource| resource.split('/').next());
        if let Some(bucket) = bucket.filter(|bucket| !bucket.is_empty() && !bucket.contains(['*', '?', '$'])) {
            *named.entry(bucket).or_default() += 1;
        }
    }
    let most = *named.values().max()?;
    let mut first = named.iter().filter(|(_, count)| **count == most);
    let (bucket, _) = first.next()?;
    first.next().is_none().then(|| (*bucket).to_owned())
}

type Asked = (&'static str, Meaning, Request);

fn own(scene: &Scene<'_>) -> Vec<Asked> {
    let (me, bucket) = (&Principal::user(scene.client), scene.bucket);
    let prefix = scene.prefix.of(scene.client);
    let key = format!("{prefix}x");
    let object = |action| Request::on_object(me, action, bucket, &key);
    let listing = |prefix| Listing { prefix: Some(prefix), ..Listing::default() };
    vec![
        ("list", Meaning::Wanted, Request::list_objects(me, bucket, listing(&prefix))),
        (
            "list, without the last slash",
            Meaning::Harmless,
            Request::list_objects(me, bucket, listing(prefix.trim_end_matches('/'))),
        ),
        ("write an object", Meaning::Wanted, Request::put_object(me, bucket, &key)),
        ("upload a part", Meaning::Wanted, Request::upload_part(me, bucket, &key)),
        ("list the parts of an upload", Meaning::Wanted, Request::list_parts(me, bucket, &key)),
        ("abort an upload", Meaning::Wanted, Request::abort_multipart_upload(me, bucket, &key)),
        ("read an object", Meaning::Wanted, Request::get_object(me, bucket, &key)),
        ("delete an object", Meaning::Wanted, Request::delete_object(me, bucket, &key)),
        ("delete a version for good", Meaning::Danger, Request::delete_object_version(me, bucket, &key, "v1")),
        ("change who may read an object", Meaning::Danger, object("s3:PutObjectAcl")),
        ("change an object's retention", Meaning::Danger, object("s3:PutObjectRetention")),
        ("pass over governance retention", Meaning::Danger, object("s3:BypassGovernanceRetention")),
    ]
}

fn other(scene: &Scene<'_>) -> Vec<Asked> {
    let (me, bucket) = (&Principal::user(scene.client), scene.bucket);
    let prefix = scene.prefix.of(scene.other);
    let key = format!("{prefix}x");
    let listing = Listing { prefix: Some(&prefix), ..Listing::default() };
    let rows = [
        ("list", Request::list_objects(me, bucket, listing)),
        ("list old versions", Request::list_object_versions(me, bucket, listing)),
        ("write an object", Request::put_object(me, bucket, &key)),
        ("upload a part", Request::upload_part(me, bucket, &key)),
        ("abort an upload", Request::abort_multipart_upload(me, bucket, &key)),
        ("read an object", Request::get_object(me, bucket, &key)),
        ("read an old version", Request::get_object_version(me, bucket, &key, "v1")),
        ("delete an object", Request::delete_object(me, bucket, &key)),
        ("delete a version for good", Request::delete_object_version(me, bucket, &key, "v1")),
        ("change who may read an object", Request::on_object(me, "s3:PutObjectAcl", bucket, &key)),
    ];
    rows.into_iter().map(|(call, request)| (call, Meaning::Breach, request)).collect()
}

fn bucket(scene: &Scene<'_>) -> Vec<Asked> {
    let (me, bucket) = (&Principal::user(scene.client), scene.bucket);
    let level = Listing { prefix: Some(""), delimiter: Some("/"), max_keys: None };
    // Clients at the root of the bucket are seen by it, those below a prefix hardly.
    vec![
        ("HEAD of the bucket", Meaning::Breach, Request::head_bucket(me, bucket)),
        ("list everything", Meaning::Breach, Request::list_objects(me, bucket, Listing::default())),
        ("list the top level", Meaning::Leak, Request::list_objects(me, bucket, level)),
        ("list all old versions", Meaning::Breach, Request::list_object_versions(me, bucket, Listing::default())),
        ("list uploads, whatever the prefix", Meaning::Breach, Request::list_multipart_uploads(me, bucket)),
        ("list uploads in another bucket", Meaning::Leak, Request::list_multipart_uploads(me, "another-bucket")),
        ("list the account's buckets", Meaning::Leak, Request::list_buckets(me)),
        ("ask for the bucket's region", Meaning::Harmless, Request::on_bucket(me, "s3:GetBucketLocation", bucket)),
    ]
}

fn settings(scene: &Scene<'_>) -> Vec<Asked> {
    let me = &Principal::user(scene.client);
    let breach = [
        ("change the bucket's policy", "s3:PutBucketPolicy"),
        ("delete the bucket's policy", "s3:DeleteBucketPolicy"),
        ("change the bucket's ACL", "s3:PutBucketAcl"),
        ("change the lifecycle rules", "s3:PutLifecycleConfiguration"),
        ("change replication", "s3:PutReplicationConfiguration"),
        ("suspend versioning", "s3:PutBucketVersioning"),
        ("change Object Lock", "s3:PutBucketObjectLockConfiguration"),
    ];
    let request = |action| Request::on_bucket(me, action, scene.bucket);
    let mut rows: Vec<_> = breach.map(|(call, action)| (call, Meaning::Breach, request(action))).into();
    // S3 deletes only empty ones.
    rows.push(("delete the bucket", Meaning::Harmless, request("s3:DeleteBucket")));
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::parse::parse;

    fn rows(policy: &str, prefix: &str) -> Vec<Row> {
        let policies = [parse(policy).expect("a policy")];
        let prefix = PrefixTemplate::parse(prefix).expect("a template");
        let bucket = bucket_named(&policies).expect("one bucket");
        simulate(&Scene {
            policies: &policies,
            bucket: &bucket,
            prefix: &prefix,
            client: "client1",
            other: "client2",
            dialect: Dialect::Aws,
        })
    }

    fn table(rows: &[Row]) -> String {
        let line = |row: &Row| {
            let letter = match row.decision {
                Decision::Allow(_) => 'Y',
                Decision::ImplicitDeny => '-',
                Decision::ExplicitDeny(_) => 'X',
            };
            let sid = row.decision.by().and_then(|by| by.sid.as_deref()).unwrap_or_default();
            let breach = if row.is_breach() { "  BREACH" } else { "" };
            format!("{letter} {:?}: {} ({}) {sid}{breach}", row.area, row.call, row.action)
        };
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_groups_policy_lets_nobody_out_of_its_prefix() {
        let rows = rows(include_str!("../../tests/data/policies/group.json"), "home/${aws:username}/");
        assert!(rows.iter().all(|row| !row.is_breach()));
        for row in rows.iter().filter(|row| row.meaning == Meaning::Wanted) {
            assert!(row.decision.is_allow(), "{}", row.call);
        }
        insta::assert_snapshot!(table(&rows));
    }

    #[test]
    fn the_storys_final_policy_opens_the_bucket() {
        let rows = rows(include_str!("../../tests/data/policies/origin-final.json"), "${aws:username}/");
        insta::assert_snapshot!(table(&rows));
    }

    #[test]
    fn the_bucket_is_the_one_named_most_often() {
        let named = |policy: &str| bucket_named(&[parse(policy).expect("a policy")]);
        let final_policy = include_str!("../../tests/data/policies/origin-final.json");
        assert_eq!(named(final_policy), Some("rainworks-hosting-backups".into()));
        let of = |resources: &str| {
            named(&format!(r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":{resources}}}}}"#))
        };
        assert_eq!(of(r#"["arn:aws:s3:::a","arn:aws:s3:::b/*"]"#), None);
        assert_eq!(of(r#"["arn:aws:s3:::*","*","arn:aws:s3:::b*/x"]"#), None);
    }
}
