//! Requests that would succeed if any of their kind does: made up from a prefix and from what the
//! patterns leave open.

use super::{Question, reach::ClientReach};
use crate::iam::request::{Doubt, Listing, Principal, Request};

/// Requests for keys in a prefix.
pub(super) fn objects(reach: &ClientReach<'_>, action: &str, prefix: &str) -> Vec<Request> {
    let mut keys = vec![format!("{prefix}x"), prefix.to_owned()];
    keys.extend(reach.key_patterns(action).into_iter().filter_map(|glob| glob.example_below(prefix)));
    keys.dedup();
    let request =
        |key: &String| Request::on_object(reach.principal, action, reach.bucket, key).doubting(Doubt::Choices);
    keys.iter().map(request).collect()
}

/// Listings that show keys in a prefix.
pub(super) fn listings(reach: &ClientReach<'_>, action: &str, prefix: &str) -> Vec<Request> {
    let any = Request::on_bucket(reach.principal, action, reach.bucket).doubting(Doubt::Choices);
    let patterns = reach.prefix_patterns(action);
    let mut within = vec![prefix.to_owned(), format!("{prefix}x")];
    within.extend(patterns.iter().filter_map(|glob| glob.example_below(prefix)));
    // A listing of any beginning of the prefix shows what is in it. Those that no pattern names can
    // be passed over, unless a deny has gaps.
    let heads = prefix.char_indices().rev().map(|(at, _)| &prefix[..at]);
    let may_pass =
        |head: &str| head.is_empty() || head.ends_with('/') || patterns.iter().any(|glob| glob.matches(head));
    let denies = reach.denies_prefixes(action);
    let whole = heads.filter(|head| denies || may_pass(head)).map(|head| any.clone().with("s3:prefix", head));
    let uncut = within.iter().map(|within| any.clone().with("s3:prefix", within.as_str()));
    let cut = uncut.clone();
    let uncut = uncut.chain(whole).chain([any.clone().without("s3:prefix")]);
    uncut.map(|listing| listing.without("s3:delimiter")).chain(cut).collect()
}

/// Listings that show which prefixes there are, and nothing in them.
pub(super) fn names(principal: &Principal, question: &Question<'_>, own: &str) -> Vec<Request> {
    let shared = &question.prefix.as_str()[..question.prefix.as_str().find("${").unwrap_or(0)];
    let folders = own.match_indices('/').map(|(at, _)| &own[..=at]).chain([""]);
    let folders = folders.filter(|folder| shared.starts_with(folder));
    let listing = |prefix| Listing { prefix: Some(prefix), delimiter: Some("/"), max_keys: None };
    folders
        .map(|folder| Request::list_objects(principal, question.bucket, listing(folder)).doubting(Doubt::Choices))
        .collect()
}
