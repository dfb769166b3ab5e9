//! What people paste, and what they are told. The forms are those of the programs named; ids, names
//! and addresses are made up.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::{
    error::Evidence,
    explanation::Finding,
    job::Recorded,
    name::{Bucket, Key, Prefix},
};

const SENTENCE: &str = "User: arn:aws:iam::111122223333:user/client1 is not authorized to perform: s3:PutObject on resource: \
                        \"arn:aws:s3:::rainworks-hosting-backups/home/client1/site.zip\" because no identity-based policy \
                        allows the s3:PutObject action";

fn explained(text: &str) -> Explanation {
    explain(&Explain { text: text.to_owned(), ..Explain::default() }).expect("short enough")
}

fn one(text: &str) -> Finding {
    let mut explanation = explained(text);
    assert_eq!(explanation.findings.len(), 1, "{text}\n{}", shown(&explanation));
    explanation.findings.remove(0)
}

/// All of it, for eyes.
fn shown(explanation: &Explanation) -> String {
    let mut text = String::new();
    for finding in &explanation.findings {
        let Finding { entry, code, source, line, times, what, means, cause, fix, .. } = finding;
        let _ = writeln!(text, "{entry} [{code}, {source:?}, line {line}, {times}x]\n  what: {what}");
        let _ = writeln!(text, "  means: {means}\n  cause: {cause}\n  fix: {fix}");
        if let Some(need) = &finding.needs {
            let _ = writeln!(text, "  needs: {} on {}", need.action, need.resource);
        }
        for note in &finding.notes {
            let _ = writeln!(text, "  note: {note}");
        }
        if let Some(advice) = &finding.statement {
            let json = serde_json::to_string(&advice.json).expect("it serialises");
            let _ = writeln!(text, "  statement{}: {json}", if advice.leaks { " (leaks)" } else { "" });
        }
        if let Some(holdfast) = &finding.holdfast {
            let _ = writeln!(text, "  Holdfast {}", holdfast.words);
        }
    }
    if explanation.omitted > 0 || explanation.successes > 0 {
        let _ = writeln!(text, "omitted: {}, successes: {}", explanation.omitted, explanation.successes);
    }
    text
}

/// A record as AWS writes it.
fn record(requester: &str, operation: &str, key: &str, request: &str, status: u16, code: &str) -> String {
    format!(
        "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be rainworks-hosting-backups \
         [27/May/2015:20:00:10 +0000] 192.0.2.3 {requester} 3E57427F3EXAMPLE {operation} {key} \"{request} HTTP/1.1\" \
         {status} {code} 243 - 7 - \"-\" \"aws-sdk-php2/2.8.3 Guzzle/3.9.3 curl/7.40.0 \"x\" PHP/5.6.9\" - \
         s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 \
         ECDHE-RSA-AES128-GCM-SHA256 AuthHeader rainworks-hosting-backups.s3-us-west-2.amazonaws.com TLSv1.2 - -\n"
    )
}

const CLIENT: &str = "arn:aws:iam::111122223333:user/rainworkswebdevelopment.com";

#[test]
fn the_lines_of_the_origin_story() {
    let mut log = record(CLIENT, "REST.HEAD.BUCKET", "-", "HEAD /", 403, "AccessDenied");
    let uploads = "GET /?uploads&prefix=rainworkswebdevelopment.com%2F";
    log += &record(CLIENT, "REST.GET.UPLOADS", "-", uploads, 403, "AccessDenied");
    let whole = explained(&log);
    insta::assert_snapshot!("origin_story", shown(&whole));

    // As she shows them, and less of them.
    for log in [
        "REST.HEAD.BUCKET … 403 AccessDenied\nREST.GET.UPLOADS \"GET /?uploads&prefix=rainworkswebdevelopment.com%2F\" 403 \
         AccessDenied",
        "`REST.HEAD.BUCKET` 403\nREST.GET.UPLOADS 403",
        "REST.HEAD.BUCKET - \"HEAD / HTTP/1.1\" 403 AccessDenied 243\n... REST.GET.UPLOADS - \"GET /?uploads HTTP/1.1\" 403 -",
    ] {
        let part = explained(log);
        let entries: Vec<_> = part.findings.iter().map(|finding| finding.entry.as_str()).collect();
        assert_eq!(entries, ["denied-head-bucket", "denied-listing-of-uploads"], "{log}");
        let need = part.findings[1].needs.as_ref().expect("a permission");
        assert_eq!(
            (need.action.as_str(), need.resource.as_str()),
            ("s3:ListBucketMultipartUploads", "arn:aws:s3:::BUCKET")
        );
    }
}

/// What she had in front of her, three times over: the plugin says what it was about to do.
#[test]
fn the_plugin_of_the_origin_story() {
    let attempt = "[27-May-2015 20:00:10] Connected to S3 Bucket \"rainworks-hosting-backups\" in us-west-2\n\
                   [27-May-2015 20:00:10] Checking for not aborted multipart Uploads …\n\
                   [27-May-2015 20:00:10] ERROR: S3 Service API: Access Denied\n";
    let finding = one(&attempt.repeat(3));
    assert_eq!((finding.entry.as_str(), finding.times), ("denied-listing-of-uploads", 3));
    let need = finding.needs.expect("a permission");
    assert_eq!(need.resource, "arn:aws:s3:::rainworks-hosting-backups");
    assert!(finding.statement.expect("a statement").leaks);
    assert!(!finding.holdfast.expect("a word about Holdfast").needed);
}

/// The one line that she searched for.
#[test]
fn the_message_of_the_origin_story_alone() {
    let finding = one("ERROR: S3 Service API: Access Denied");
    assert_eq!(finding.entry, "access-denied-of-what");
    assert!(finding.notes.iter().any(|note| note.contains("s3:ListBucketMultipartUploads")), "{:?}", finding.notes);
}

/// What a stranger may write into a log leads to no statement that opens more than one folder.
#[test]
fn no_words_make_a_statement_for_everything() {
    for (action, resource) in [("s3:*", "arn:aws:s3:::b/k"), ("s3:PutObject", "*"), ("s3:PutObject", "arn:aws:s3:::*")]
    {
        let said = format!(
            "User: arn:aws:iam::111122223333:user/c is not authorized to perform: {action} on resource: \"{resource}\" because \
             no identity-based policy allows it"
        );
        assert_eq!(one(&said).statement, None, "{said}");
    }
    let line = record(CLIENT, "REST.PUT.OBJECT", "home/*/a.zip", "PUT /home/*/a.zip", 403, "AccessDenied");
    let json = one(&line).statement.expect("a statement").json;
    assert_eq!(json.resource, "arn:aws:s3:::rainworks-hosting-backups/home/${*}/*");
}

/// Every operation of the log that a backup tool causes: its call, its action, its ARN.
#[test]
fn operations_of_the_log_lead_to_actions_and_arns() {
    let mut text = String::new();
    for (operation, key, request) in [
        ("REST.GET.UPLOADS", "-", "GET /?uploads&prefix=home%2Fclient1%2F"),
        ("REST.HEAD.BUCKET", "-", "HEAD /"),
        ("REST.PUT.OBJECT", "home/client1/site%2520a.zip", "PUT /home/client1/site%20a.zip"),
        ("REST.POST.UPLOADS", "home/client1/site.zip", "POST /home/client1/site.zip?uploads"),
        ("REST.PUT.PART", "home/client1/site.zip", "PUT /home/client1/site.zip?partNumber=1&uploadId=x"),
        ("REST.POST.UPLOAD", "home/client1/site.zip", "POST /home/client1/site.zip?uploadId=x"),
        ("REST.DELETE.UPLOAD", "home/client1/site.zip", "DELETE /home/client1/site.zip?uploadId=x"),
        ("REST.GET.UPLOAD", "home/client1/site.zip", "GET /home/client1/site.zip?uploadId=x"),
        ("REST.GET.BUCKET", "-", "GET /?list-type=2&prefix=home%2Fclient1%2F"),
        ("REST.GET.BUCKET", "-", "GET /?list-type=2&prefix=home%2Fclient1"),
        ("REST.GET.BUCKET", "-", "GET /rainworks-hosting-backups?list-type=2"),
        ("REST.GET.BUCKETVERSIONS", "-", "GET /?versions&prefix=home%2Fclient1%2F"),
        ("REST.GET.LOCATION", "-", "GET /?location"),
        ("REST.GET.OBJECT", "home/client1/site.zip", "GET /home/client1/site.zip"),
        ("REST.GET.OBJECT", "home/client1/site.zip", "GET /home/client1/site.zip?versionId=3HL4"),
        ("REST.HEAD.OBJECT", "home/client1/site.zip", "HEAD /home/client1/site.zip"),
        ("REST.COPY.OBJECT_GET", "home/client1/old.zip", "-"),
        ("REST.COPY.OBJECT", "home/client1/new.zip", "PUT /home/client1/new.zip"),
        ("REST.COPY.PART", "home/client1/new.zip", "PUT /home/client1/new.zip?partNumber=1&uploadId=x"),
        ("REST.DELETE.OBJECT", "home/client1/old.zip", "DELETE /home/client1/old.zip"),
        ("REST.DELETE.OBJECT", "home/client1/old.zip", "DELETE /home/client1/old.zip?versionId=3HL4"),
        ("BATCH.DELETE.OBJECT", "home/client1/old.zip", "-"),
        ("REST.GET.VERSIONING", "-", "GET /?versioning"),
        ("REST.GET.OBJECT_LOCK_CONFIGURATION", "-", "GET /?object-lock"),
        ("REST.PUT.ACL", "home/client1/old.zip", "PUT /home/client1/old.zip?acl"),
        ("REST.PUT.ACL", "-", "PUT /?acl"),
        ("REST.GET.SOMETHING_NEW", "-", "GET /?tagging"),
    ] {
        let finding = one(&record(CLIENT, operation, key, request, 403, "AccessDenied"));
        let need = finding.needs.expect("a permission");
        let holdfast = finding.holdfast.map(|holdfast| holdfast.words).unwrap_or_default();
        let _ = writeln!(
            text,
            "{operation} {request}\n  {} -> {} on {}",
            finding.evidence.operation, need.action, need.resource
        );
        let _ = writeln!(text, "  {}: {}; Holdfast {holdfast}", finding.entry, finding.fix);
        for note in finding.notes {
            let _ = writeln!(text, "  note: {note}");
        }
        if let Some(advice) = finding.statement {
            let _ = writeln!(text, "  {}", serde_json::to_string(&advice.json).expect("it serialises"));
        }
    }
    insta::assert_snapshot!("operations_of_the_log", text);
}

#[test]
fn what_succeeded_is_counted_and_no_error() {
    let log = record(CLIENT, "REST.GET.BUCKET", "-", "GET /?list-type=2", 200, "-")
        + &record(CLIENT, "BATCH.DELETE.OBJECT", "a", "-", 204, "-")
        + &record(CLIENT, "REST.PUT.PART", "a/b", "PUT /a/b?uploadId=x", 503, "SlowDown");
    let explanation = explained(&log);
    assert_eq!(explanation.successes, 2);
    assert_eq!(explanation.findings.len(), 1);
    assert_eq!(explanation.findings[0].entry, "slow-down");
}

/// What programs print, one sample each.
fn samples() -> Vec<(&'static str, String)> {
    let plain = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message>\
                 <RequestId>656c76696e6727732072657175657374</RequestId><HostId>Uuag1LuByRx9e6j5Onimru9pO4ZVKnJ2Qz7/C1NPcfTWAtRPfTaOFg==</HostId></Error>";
    vec![
        ("an error document", plain.to_owned()),
        ("a document of MinIO", "<Error><Code>AccessDenied</Code><Message>Access Denied.</Message><Key>home/client1/a.zip</Key><BucketName>backups</BucketName><Resource>/backups/home/client1/a.zip</Resource><RequestId>17E1</RequestId></Error>".to_owned()),
        ("a document in a web page", "<pre>&lt;Error&gt;&lt;Code&gt;NoSuchBucket&lt;/Code&gt;&lt;Message&gt;The specified bucket does not exist&lt;/Message&gt;&lt;BucketName&gt;backups&lt;/BucketName&gt;&lt;/Error&gt;</pre>".to_owned()),
        ("a sentence", SENTENCE.to_owned()),
        ("AWS CLI", "upload failed: ./site.zip to s3://rainworks-hosting-backups/home/client1/site.zip An error occurred (AccessDenied) when calling the PutObject operation: Access Denied".to_owned()),
        ("AWS CLI, in words", format!("upload failed: ./site.zip to s3://rainworks-hosting-backups/home/client1/site.zip An error occurred (AccessDenied) when calling the PutObject operation: {SENTENCE}")),
        ("AWS CLI, HEAD", "fatal error: An error occurred (403) when calling the HeadObject operation: Forbidden".to_owned()),
        ("AWS CLI, old", "A client error (AccessDenied) occurred when calling the ListObjects operation: Access Denied".to_owned()),
        ("boto3", "botocore.exceptions.ClientError: An error occurred (SignatureDoesNotMatch) when calling the ListObjectsV2 operation (reached max retries: 4): The request signature we calculated does not match the signature you provided. Check your key and signing method.".to_owned()),
        ("PHP SDK 3", format!("PHP Fatal error:  Uncaught exception 'Aws\\S3\\Exception\\S3Exception' with message 'Error executing \"ListObjects\" on \"https://rainworks-hosting-backups.s3.us-west-2.amazonaws.com/?prefix=home%2Fclient1%2F&encoding-type=url\"; AWS HTTP error: Client error: `GET https://rainworks-hosting-backups.s3.us-west-2.amazonaws.com/?prefix=home%2Fclient1%2F&encoding-type=url` resulted in a `403 Forbidden` response:\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message><RequestId>656c7 (truncated...)\n AccessDenied (client): Access Denied - {plain}'\nGuzzleHttp\\Exception\\ClientException: Client error")),
        ("PHP SDK 2", "Aws\\S3\\Exception\\AccessDeniedException: AWS Error Code: AccessDenied, Status Code: 403, AWS Request ID: 0A1B2C3D4E5F6789, AWS Error Type: client, AWS Error Message: Access Denied, User-Agent: aws-sdk-php2/2.8.3".to_owned()),
        ("Go SDK 2", format!("operation error S3: PutObject, https response error StatusCode: 403, RequestID: 0A1B2C3D4E5F6789, HostID: abc=, api error AccessDenied: {SENTENCE}")),
        ("Go SDK 2, HEAD", "operation error S3: HeadObject, https response error StatusCode: 403, RequestID: 0A1B2C3D4E5F6789, HostID: abc=, api error Forbidden: Forbidden".to_owned()),
        ("Java SDK 1", "com.amazonaws.services.s3.model.AmazonS3Exception: Access Denied (Service: Amazon S3; Status Code: 403; Error Code: AccessDenied; Request ID: 0A1B2C3D4E5F6789; S3 Extended Request ID: abc=; Proxy: null)".to_owned()),
        ("Java SDK 2", format!("software.amazon.awssdk.services.s3.model.S3Exception: {SENTENCE} (Service: S3, Status Code: 403, Request ID: 0A1B2C3D4E5F6789, Extended Request ID: abc=)")),
        ("JavaScript SDK", "AccessDenied: Access Denied\n    at throwDefaultError (/app/node_modules/@smithy/smithy-client/dist-cjs/index.js:867:20)\n  '$metadata': {".to_owned()),
        ("rclone", "2026/11/23 02:00:01 ERROR : site.zip: Failed to copy: AccessDenied: Access Denied\n\tstatus code: 403, request id: 0A1B2C3D4E5F6789, host id: abc=".to_owned()),
        ("rclone, XML", format!("2026/11/23 02:00:01 ERROR : site.zip: Failed to copy: s3 upload: 403 Forbidden: {plain}")),
        ("s5cmd", "ERROR \"cp site.zip s3://backups/home/client1/site.zip\": AccessDenied: Access Denied status code: 403, request id: 0A1B2C3D4E5F6789, host id: abc=".to_owned()),
        ("s3cmd", "ERROR: S3 error: 403 (RequestTimeTooSkewed): The difference between the request time and the current time is too large.".to_owned()),
        ("mc", "mc: <ERROR> Failed to copy `site.zip`. Access Denied.".to_owned()),
        ("mc, key", "mc: <ERROR> Unable to initialize new alias from the provided credentials. The Access Key Id you provided does not exist in our records.".to_owned()),
        ("UpdraftPlus-like", "1123.456 (0) S3 error: S3::putObject(): [AccessDenied] Access Denied".to_owned()),
        ("restic", "Fatal: unable to open config file: Stat: 403 Access Denied.".to_owned()),
        ("a region", "An error occurred (PermanentRedirect) when calling the ListObjectsV2 operation: The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.".to_owned()),
        ("the other region", "An error occurred (AuthorizationHeaderMalformed) when calling the ListBuckets operation: The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'".to_owned()),
        ("CloudTrail", "{\n  \"Records\": [\n    {\"eventVersion\": \"1.11\", \"userIdentity\": {\"type\": \"IAMUser\", \"arn\": \"arn:aws:iam::111122223333:user/client1\"}, \"eventName\": \"HeadBucket\", \"errorCode\": \"AccessDenied\", \"errorMessage\": \"Access Denied\", \"requestParameters\": {\"bucketName\": \"rainworks-hosting-backups\"}, \"requestID\": \"0A1B2C3D4E5F6789\"},\n    {\"eventName\": \"PutObject\", \"requestParameters\": {\"bucketName\": \"rainworks-hosting-backups\"}}\n  ]\n}".to_owned()),
        ("a log record in CloudWatch", "{\"schema_version_id\":\"V_1_0\",\"bucket_name\":\"rainworks-hosting-backups\",\"requester\":\"arn:aws:iam::111122223333:user/client1\",\"request_id\":\"0A1B2C3D4E5F6789\",\"operation\":\"REST.GET.UPLOADS\",\"key\":null,\"request_uri\":\"GET /?uploads&prefix=a%2F HTTP/1.1\",\"http_status\":403,\"error_code\":\"AccessDenied\"}".to_owned()),
        ("our own", "error: cannot upload part 7 of s3://backups/home/client1/site.zip\n  caused by: S3 answered UploadPart with 403 AccessDenied: Access Denied (request id 4F0A1B2C)\nhint: allow `s3:PutObject` on `arn:aws:s3:::backups/home/client1/*`".to_owned()),
        ("our own, JSON", "{\"event\":\"failed\",\"exit_code\":12,\"code\":\"s3/access-denied\",\"error\":{\"kind\":\"access_denied\",\"what\":\"cannot upload to s3://backups/home/client1/site.zip\",\"evidence\":{\"operation\":\"CreateMultipartUpload\",\"status\":403,\"code\":\"AccessDenied\",\"message\":\"Access Denied\"},\"hint\":\"…\"}}".to_owned()),
        ("an answer to DeleteObjects", "<DeleteResult><Error><Key>home/client1/old.zip</Key><Code>AccessDenied</Code><Message>Access Denied</Message></Error></DeleteResult>".to_owned()),
    ]
}

#[test]
fn what_programs_print_is_read() {
    let mut text = String::new();
    for (name, sample) in samples() {
        let explanation = explained(&sample);
        assert_eq!(explanation.findings.len(), 1, "{name}: {}", shown(&explanation));
        let _ = writeln!(text, "## {name}\n{}", shown(&explanation));
    }
    insta::assert_snapshot!("what_programs_print", text);
}

/// Each of the same, in one text with noise between them: none is lost, none is taken for another.
#[test]
fn a_mixture_with_noise_is_taken_apart() {
    let noise = "2026-11-23T02:00:00Z cron[77]: run-parts: executing /etc/cron.daily/backup\n\
                 PHP Warning:  mysqli_real_connect(): Access denied for user 'wp'@'localhost' (using password: YES)\n\
                 \u{1b}[31mUpdating\u{1b}[0m plugin 3 of 12 … 403 bytes\n\n{\"level\":\"info\",\"msg\":\"hello\"}\n";
    let mut all = noise.to_owned();
    let mut alone = 0;
    for (_, sample) in samples() {
        alone += explained(&sample).findings.iter().map(|finding| finding.times).sum::<u32>();
        all += &sample;
        all += "\n\n";
        all += noise;
    }
    let together: u32 = explained(&all).findings.iter().map(|finding| finding.times).sum();
    assert_eq!(together, alone);
    assert_eq!(explained(noise), Explanation::default());
}

/// The first table of the facts: who said no, in each spelling.
#[test]
fn every_form_of_a_denial_is_explained() {
    let object = "on resource: \"arn:aws:s3:::backups/home/client1/a.zip\"";
    let unquoted = "on resource: arn:aws:s3:::backups/home/client1/a.zip";
    let kms = "on resource: arn:aws:kms:eu-west-1:111122223333:key/1234";
    let rows: Vec<(&str, &str, &str)> = vec![
        ("s3:PutObject", object, "because no identity-based policy allows the s3:PutObject action"),
        ("s3:PutObject", unquoted, "because no identity-based policy allows the s3:PutObject action"),
        ("s3:PutObjectACL", object, "because no identity-based policy allows the s3:PutObjectACL action"),
        (
            "s3:ListBucket",
            "on resource: \"arn:aws:s3:::backups\"",
            "because no identity-based policy allows the s3:ListBucket action",
        ),
        (
            "s3:ListBucketMultipartUploads",
            "on resource: \"arn:aws:s3:::backups\"",
            "because no identity-based policy allows it",
        ),
        ("s3:PutObject", object, "with an explicit deny in an identity-based policy"),
        (
            "s3:PutObject",
            object,
            "with an explicit deny in an identity-based policy: arn:aws:iam::111122223333:policy/NoPut",
        ),
        (
            "s3:GetObject",
            object,
            "with an explicit deny in an identity-based policy: arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV2",
        ),
        (
            "s3:GetObject",
            object,
            "with an explicit deny in an identity-based policy: arn:aws:iam::aws:policy/AWSCompromisedKeyQuarantineV3",
        ),
        ("s3:PutObject", object, "because no resource-based policy allows the s3:PutObject action"),
        ("s3:PutObject", object, "with an explicit deny in a resource-based policy"),
        ("s3:PutObject", object, "because no service control policy allows the s3:PutObject action"),
        (
            "s3:PutObject",
            object,
            "with an explicit deny in a service control policy: arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1",
        ),
        ("s3:PutObject", object, "because no resource control policy allows the s3:PutObject action"),
        (
            "s3:PutObject",
            object,
            "with an explicit deny in a resource control policy: arn:aws:organizations::111122223333:policy/o-1/resource_control_policy/p-1",
        ),
        ("s3:PutObject", object, "because no VPC endpoint policy allows the s3:PutObject action"),
        ("s3:PutObject", object, "with an explicit deny in a VPC endpoint policy"),
        (
            "s3:PutObject",
            object,
            "with an explicit deny in a VPC endpoint policy transitively through a service control policy",
        ),
        ("s3:PutObject", object, "because no permissions boundary allows the s3:PutObject action"),
        (
            "s3:PutObject",
            object,
            "with an explicit deny in a permissions boundary: arn:aws:iam::111122223333:policy/Boundary",
        ),
        ("s3:PutObject", object, "because no session policy allows the s3:PutObject action"),
        ("s3:PutObject", object, "with an explicit deny in a session policy"),
        ("s3:PutObject", object, "with an explicit deny in a session(s) policy"),
        (
            "s3:PutBucketPolicy",
            "on resource: \"arn:aws:s3:::backups\"",
            "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access",
        ),
        (
            "s3:PutObjectAcl",
            object,
            "because public ACLs are prevented by the BlockPublicAcls setting in S3 Block Public Access",
        ),
        ("kms:GenerateDataKey", kms, "because no identity-based policy allows the kms:GenerateDataKey action"),
        ("kms:Decrypt", kms, "because no resource-based policy allows the kms:Decrypt action"),
        (
            "kms:GenerateDataKey",
            "on this resource because the resource does not exist in this Region,",
            "no resource-based policies allow access, or a resource-based policy explicitly denies access",
        ),
        ("s3:ListAllMyBuckets", "", "because no identity-based policy allows the s3:ListAllMyBuckets action"),
    ];
    let mut text = String::new();
    for (action, resource, context) in rows {
        let said = format!(
            "User: arn:aws:iam::111122223333:user/client1 is not authorized to perform: {action} {resource} {context}"
        );
        let _ = writeln!(
            text,
            "# {action} {context}\n{}",
            shown(&Explanation { findings: vec![one(&said)], ..Explanation::default() })
        );
        // The same in a document, and told by an SDK.
        let document =
            format!("<Error><Code>AccessDenied</Code><Message>{}</Message></Error>", said.replace('"', "&quot;"));
        assert_eq!(one(&document).entry, one(&said).entry, "{said}");
        let told = format!("An error occurred (AccessDenied) when calling the PutObject operation: {said}");
        assert_eq!(one(&told).entry, one(&said).entry, "{said}");
        let logged = format!("{{\"message\": \"{}\"", told.replace('"', "\\\""));
        assert_eq!(one(&logged).entry, one(&said).entry, "{said}");
    }
    insta::assert_snapshot!("denials", text);
}

/// The row of the table that is no permission at all: reading what is not there.
#[test]
fn a_listing_denied_to_a_reader_is_a_missing_key() {
    let said = "An error occurred (AccessDenied) when calling the GetObject operation: User: arn:aws:iam::111122223333:user/c \
                is not authorized to perform: s3:ListBucket on resource: \"arn:aws:s3:::backups\" because no identity-based \
                policy allows the s3:ListBucket action";
    let finding = one(said);
    assert_eq!((finding.entry.as_str(), finding.code.as_str()), ("missing-key-in-disguise", "s3/no-such-key"));
    assert_eq!(finding.statement, None);
}

#[test]
fn the_person_knows_bucket_and_prefix() {
    let work = Explain {
        text: "An error occurred (AccessDenied) when calling the ListObjectsV2 operation: Access Denied\n\
               An error occurred (AccessDenied) when calling the PutObject operation: Access Denied"
            .to_owned(),
        bucket: Some(Bucket::parse("backups").expect("a bucket")),
        prefix: Some(Prefix::parse("home/client1/").expect("a prefix")),
        ..Explain::default()
    };
    let findings = explain(&work).expect("short enough").findings;
    let statements: Vec<_> =
        findings.iter().filter_map(|finding| finding.statement.as_ref()).map(|advice| &advice.json).collect();
    assert_eq!(
        serde_json::to_value(statements).expect("it serialises"),
        serde_json::json!([
            {"Sid": "AllowS3ListBucket", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::backups",
             "Condition": {"StringLike": {"s3:prefix": ["home/client1/*"]}}},
            {"Sid": "AllowS3PutObject", "Effect": "Allow", "Action": "s3:PutObject",
             "Resource": "arn:aws:s3:::backups/home/client1/*"},
        ])
    );
}

#[test]
fn a_job_of_ours_is_explained_from_what_it_wrote_down() {
    let evidence = Evidence {
        operation: "CreateMultipartUpload".to_owned(),
        status: 403,
        code: Some("AccessDenied".to_owned()),
        message: Some("Access Denied".to_owned()),
        ..Evidence::default()
    };
    let recorded = |evidence, hint: &str| {
        let error =
            Error::new(Kind::Bug, "cannot upload to s3://backups/home/client1/a.zip").evidence(evidence).hint(hint);
        Recorded { error, key: Key::parse("home/client1/a.zip").expect("a key") }
    };
    let silent = Evidence { operation: "UploadPart".to_owned(), message: Some("no".to_owned()), ..Evidence::default() };
    let hint = "check the endpoint's host name, and this machine's DNS";
    let work = Explain { recorded: Some(recorded(silent, hint)), ..Explain::default() };
    let finding = explain(&work).expect("nothing to read").findings.remove(0);
    assert_eq!((finding.entry.as_str(), finding.code.as_str()), ("dns", "s3/unreachable"));
    assert_eq!(
        finding.what,
        "cannot upload to s3://backups/home/client1/a.zip: UploadPart on the key home/client1/a.zip: no answer"
    );

    let recorded = recorded(evidence, "…");
    let bucket = Bucket::parse("backups").ok();
    let explanation =
        explain(&Explain { recorded: Some(recorded), bucket, ..Explain::default() }).expect("nothing to read");
    assert_eq!(explanation.findings.len(), 1);
    let need = explanation.findings[0].needs.as_ref().expect("a permission");
    assert_eq!(need.resource, "arn:aws:s3:::backups/home/client1/*");
}

/// China and the US government have ARNs of their own.
#[test]
fn the_partition_is_that_of_the_words() {
    let said = SENTENCE.replace("arn:aws:", "arn:aws-us-gov:");
    assert!(one(&said).fix.contains("`arn:aws-us-gov:s3:::rainworks-hosting-backups/home/client1/*`"));
    let line = record("arn:aws-cn:iam::1:user/c", "REST.PUT.OBJECT", "a/b", "PUT /a/b", 403, "AccessDenied");
    assert_eq!(one(&line).needs.expect("a permission").resource, "arn:aws-cn:s3:::rainworks-hosting-backups/a/*");
}

#[test]
fn what_is_too_long_is_refused_and_what_is_nothing_is_nothing() {
    let long = "x".repeat(MAX_EXPLAIN_LEN + 1);
    let error = explain(&Explain { text: long, ..Explain::default() }).expect_err("too long");
    assert_eq!(error.kind, Kind::Config);
    for nothing in ["", "\n\n", "hello", "{}", "[]", "<Error>", "<Error></Error>", "User: ", "404", "REST.", "\u{feff}"]
    {
        assert_eq!(explained(nothing), Explanation::default(), "{nothing:?}");
    }
}

/// A whole log: what differs is shown up to a limit, and the rest is counted.
#[test]
fn a_flood_is_counted() {
    let mut log = String::new();
    for n in 0..200 {
        let key = format!("home/client{n}/a.zip");
        log += &record(CLIENT, "REST.PUT.OBJECT", &key, &format!("PUT /{key}"), 403, "AccessDenied");
    }
    let explanation = explained(&log);
    assert_eq!((explanation.findings.len(), explanation.omitted), (MAX_FINDINGS, 200 - MAX_FINDINGS as u32));
}

/// Texts made to take long: a mebibyte each, and none may take more than a moment.
#[test]
fn a_hostile_text_takes_no_time() {
    let fill = |piece: &str| piece.repeat(MAX_EXPLAIN_LEN / piece.len());
    for text in [
        fill("{\n"),
        fill("[{\"a\":\n"),
        fill("<Error>"),
        fill("<Error><Code>x\n"),
        fill("&lt;Error&gt;"),
        fill("User: not authorized to perform: s3:x "),
        fill("User: x is not authorized to perform: s3:x\n"),
        fill("\""),
        fill("REST.GET.X \""),
        fill("[ "),
        fill("a\n"),
        fill("AccessDenied\n"),
        fill("s3://"),
        fill("https://s3"),
        fill("403 Forbidden "),
    ] {
        let explanation = explained(&text);
        assert!(explanation.findings.len() <= MAX_FINDINGS);
    }
}

fn assert_printable(explanation: &Explanation) {
    for finding in &explanation.findings {
        let mut texts = vec![&finding.what, &finding.means, &finding.cause, &finding.fix];
        texts.extend(&finding.notes);
        texts.extend(finding.needs.iter().flat_map(|need| [&need.action, &need.resource]));
        let json = finding.statement.as_ref().map(|advice| &advice.json);
        texts.extend(json.iter().flat_map(|json| [&json.sid, &json.action, &json.resource]));
        texts.extend(json.iter().flat_map(|json| json.condition.values()).flat_map(|keys| keys.values().flatten()));
        let evidence = finding.evidence.to_string();
        texts.push(&evidence);
        for text in texts {
            let hidden = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            assert!(!text.chars().any(hidden), "{text:?}");
            assert!(text.chars().count() < 5_000, "{}", text.chars().count());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Anything at all.
    #[test]
    fn no_text_panics(text in ".{0,400}") {
        assert_printable(&explained(&text));
    }

    /// Pieces of errors, in any order, with what moves a cursor between them.
    #[test]
    fn no_text_near_an_error_panics(pieces in proptest::collection::vec(
        prop_oneof![
            Just(SENTENCE.to_owned()),
            proptest::sample::select(samples()).prop_map(|(_, sample)| sample),
            proptest::sample::select(vec![
                "\n", " ", "\"", "\\\"", "é", "\u{1b}[2J", "\u{202e}", "\r", "{", "[", "<Error>", "</Error>", "<Code>", "</Code>",
                "AccessDenied", "Access Denied", "403", "REST.GET.UPLOADS", "REST.PUT.OBJECT", "a/b\u{7}c", "arn:aws:s3:::", "s3://",
                "https://b.s3.amazonaws.com/\u{9b}k", "GET ", "User: ", "not authorized to perform: ", "s3:ListBucket",
                "on resource: ", "when calling the ", "status code: ", "&lt;Error&gt;", "(client): ", "S3 Bucket \"\u{1b}]0;x\u{7}\"",
            ]).prop_map(str::to_owned),
            "\\PC{0,20}",
        ],
        0..14,
    ), cut in any::<prop::sample::Index>()) {
        let mut text = pieces.concat();
        let mut at = cut.index(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        assert_printable(&explained(&text));
        text.truncate(at);
        assert_printable(&explained(&text));
    }
}
