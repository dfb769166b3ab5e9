//! What an AccessDenied says, where it says more than that.
//!
//! `User: ARN is not authorized to perform: ACTION on resource: "ARN" because …`, from AWS since
//! August 2024 and only within an account or organization; others say `Access Denied`.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html>

use crate::error::Evidence;

/// A denial in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denial {
    /// `s3:PutObject`, as the server spells it.
    pub(crate) action: String,
    /// The ARN it was refused on.
    pub(crate) resource: Option<String>,
    /// What refused it.
    pub(crate) by: By,
    /// A statement says Deny; otherwise nothing says Allow.
    pub(crate) explicit: bool,
    /// The policy's ARN.
    pub(crate) policy: Option<String>,
}

/// Which of the policies that all have to agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// It does not say.
    Unsaid,
    Identity,
    Resource,
    ServiceControl,
    ResourceControl,
    VpcEndpoint,
    /// Its policy says no because a service control policy does.
    VpcEndpointByOrganization,
    Boundary,
    Session,
    BlockPublicAccess,
}

impl Denial {
    /// Nothing says Deny, and a policy of the user's own is where Allow is missing.
    pub(super) fn is_a_gap(&self) -> bool {
        !self.explicit && matches!(self.by, By::Unsaid | By::Identity)
    }
}

/// Reads a message; `None` when it is not such a sentence.
pub(crate) fn parse(message: &str) -> Option<Denial> {
    // ASCII case only, so that places in one are places in the other.
    let lower = message.to_ascii_lowercase();
    let at = find_after(&lower, "not authorized to perform: ")?;
    let action = token(message.get(at..)?);
    if !action.contains(':') {
        return None;
    }
    let context = lower.get(at..)?;
    let by = [
        ("block public access", By::BlockPublicAccess),
        // Before the service control policy that it may name.
        ("vpc endpoint policy transitively", By::VpcEndpointByOrganization),
        ("vpc endpoint policy", By::VpcEndpoint),
        ("service control policy", By::ServiceControl),
        ("resource control policy", By::ResourceControl),
        ("permissions boundary", By::Boundary),
        ("session policy", By::Session),
        ("session(s) policy", By::Session),
        ("sessions policy", By::Session),
        ("resource-based polic", By::Resource),
        ("identity-based polic", By::Identity),
    ]
    .into_iter()
    .find(|(words, _)| context.contains(words))
    .map_or(By::Unsaid, |(_, by)| by);
    let resource = find_after(&lower, "on resource: ").and_then(|at| message.get(at..)).map(token);
    let policy = ["policy: ", "boundary: "]
        .into_iter()
        .filter_map(|words| find_after(context, words).map(|offset| at + offset))
        .filter_map(|at| message.get(at..).map(token))
        .find(|token| token.starts_with("arn:"));
    Some(Denial {
        action: action.to_owned(),
        resource: resource.filter(|resource| !resource.is_empty()).map(str::to_owned),
        by,
        explicit: context.contains("explicit deny") || context.contains("explicitly denies"),
        policy: policy.map(str::to_owned),
    })
}

/// Whether a refused read only means that there is nothing: who may not list the bucket is told
/// that listing is denied instead of 404.
pub(super) fn is_missing_key(evidence: &Evidence) -> bool {
    matches!(evidence.operation.as_str(), "GetObject" | "HeadObject")
        && evidence
            .message
            .as_deref()
            .and_then(parse)
            .is_some_and(|denial| denial.action.eq_ignore_ascii_case("s3:ListBucket"))
}

fn find_after(text: &str, words: &str) -> Option<usize> {
    text.find(words).map(|at| at + words.len())
}

/// A word, or what stands in quotes.
fn token(text: &str) -> &str {
    match text.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or(quoted),
        None => text.split_whitespace().next().unwrap_or_default().trim_end_matches(['.', ',', ';', ')']),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WHO: &str = "User: arn:aws:iam::111122223333:user/client1 is not authorized to perform: ";

    /// Every row of the context table, as AWS words it.
    #[test]
    fn each_context_is_told_from_the_others() {
        for (context, by, explicit) in [
            ("because no identity-based policy allows the s3:PutObject action", By::Identity, false),
            ("with an explicit deny in an identity-based policy", By::Identity, true),
            ("because no resource-based policy allows the s3:PutObject action", By::Resource, false),
            ("with an explicit deny in a resource-based policy", By::Resource, true),
            ("because no service control policy allows the s3:PutObject action", By::ServiceControl, false),
            ("with an explicit deny in a service control policy", By::ServiceControl, true),
            ("because no resource control policy allows the s3:PutObject action", By::ResourceControl, false),
            ("with an explicit deny in a resource control policy", By::ResourceControl, true),
            ("because no VPC endpoint policy allows the s3:PutObject action", By::VpcEndpoint, false),
            ("with an explicit deny in a VPC endpoint policy", By::VpcEndpoint, true),
            (
                "with an explicit deny in a VPC endpoint policy transitively through a service control policy",
                By::VpcEndpointByOrganization,
                true,
            ),
            ("because no permissions boundary allows the s3:PutObject action", By::Boundary, false),
            ("with an explicit deny in a permissions boundary", By::Boundary, true),
            ("because no session policy allows the s3:PutObject action", By::Session, false),
            ("with an explicit deny in a session(s) policy", By::Session, true),
            ("with an explicit deny in a sessions policy", By::Session, true),
            (
                "because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access",
                By::BlockPublicAccess,
                false,
            ),
            ("", By::Unsaid, false),
        ] {
            let message = format!("{WHO}s3:PutObject on resource: \"arn:aws:s3:::b/k k.zip\" {context}");
            let expected = Denial {
                action: "s3:PutObject".to_owned(),
                resource: Some("arn:aws:s3:::b/k k.zip".to_owned()),
                by,
                explicit,
                policy: None,
            };
            assert_eq!(parse(&message), Some(expected), "{context}");
        }
    }

    #[test]
    fn the_policy_is_named_where_it_is_named() {
        for (context, policy) in [
            ("with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/P", "arn:aws:iam::1:policy/P"),
            ("with an explicit deny in a permissions boundary: arn:aws:iam::1:policy/B.", "arn:aws:iam::1:policy/B"),
        ] {
            let denial = parse(&format!("{WHO}s3:PutObject on resource: \"arn:aws:s3:::b/k\" {context}"));
            assert_eq!(denial.and_then(|denial| denial.policy).as_deref(), Some(policy));
        }
    }

    #[test]
    fn spelling_varies() {
        let denial = parse(
            "USER: x IS NOT AUTHORIZED TO PERFORM: kms:GenerateDataKey on resource: arn:aws:kms:eu-west-1:1:key/2 \
             because no identity-based policy allows the kms:GenerateDataKey action",
        );
        let denial = denial.expect("a denial");
        assert_eq!(denial.action, "kms:GenerateDataKey");
        assert_eq!(denial.resource.as_deref(), Some("arn:aws:kms:eu-west-1:1:key/2"));
        let denial = parse(
            "User: x is not authorized to perform: kms:GenerateDataKey on this resource because the resource does \
             not exist in this Region, no resource-based policies allow access, or a resource-based policy \
             explicitly denies access",
        );
        let denial = denial.expect("a denial");
        assert_eq!((denial.resource, denial.by), (None, By::Resource));
        let denial = parse("x is not authorized to perform: s3:ListAllMyBuckets because no identity-based policy");
        assert_eq!(denial.expect("a denial").resource, None);
    }

    #[test]
    fn other_sentences_are_none() {
        for message in ["Access Denied", "", "not authorized to perform: ", "is not authorized to perform: anything"] {
            assert_eq!(parse(message), None, "{message}");
        }
    }

    proptest! {
        #[test]
        fn no_message_panics(before in ".{0,20}", after in ".{0,60}") {
            parse(&format!("{before}not authorized to perform: {after}"));
            parse(&format!("{before}Not Authorized to perform: s3:Xé on resource: \"{after}"));
        }
    }
}
