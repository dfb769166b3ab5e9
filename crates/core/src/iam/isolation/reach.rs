//! Which prefixes a client reaches for sure, and which it may reach, by its statements alone.
//!
//! | | sure | possible |
//! | --- | --- | --- |
//! | `Resource` allows | what a pattern covers whole | what it touches |
//! | `NotResource` allows | all but what the patterns touch | all but what they cover |
//! | a deny | takes from *possible* what it covers | takes from *sure* what it touches |

use std::cell::OnceCell;

use super::{Prefixes, Ranges};
use crate::iam::{
    condition::{Check, Outcome, Texts},
    document::Effect,
    evaluate::{Evaluator, Rule},
    glob::{Glob, Token},
    request::{Doubt, Principal, Request},
};

/// The statements, to be asked about each client.
pub(super) struct Reach<'a> {
    evaluator: &'a Evaluator,
    bucket: &'a str,
}

/// The same for one client.
pub(super) struct ClientReach<'a> {
    evaluator: &'a Evaluator,
    pub(super) bucket: &'a str,
    pub(super) principal: &'a Principal,
    /// The keys that each statement's resources name, worked out when first wanted.
    keys: Vec<OnceCell<Option<Vec<Glob>>>>,
}

/// Which prefixes are reached.
#[derive(Debug, Clone, Default)]
pub(super) struct Span {
    pub(super) sure: Ranges,
    pub(super) possible: Ranges,
}

/// The key in an object's ARN.
pub(super) fn key_of<'a>(resource: &'a str, bucket: &str) -> Option<&'a str> {
    resource.strip_prefix("arn:aws:s3:::")?.strip_prefix(bucket)?.strip_prefix('/')
}

impl<'a> Reach<'a> {
    pub(super) fn new(evaluator: &'a Evaluator, bucket: &'a str) -> Self {
        Self { evaluator, bucket }
    }

    pub(super) fn of(&self, principal: &'a Principal) -> ClientReach<'a> {
        let keys = self.evaluator.rules().iter().map(|_| OnceCell::new()).collect();
        ClientReach { evaluator: self.evaluator, bucket: self.bucket, principal, keys }
    }
}

impl ClientReach<'_> {
    /// Where an action on objects is allowed.
    pub(super) fn objects(&self, action: &str, prefixes: &Prefixes) -> Span {
        // Nothing of the context depends on the key, so any will do to test the conditions.
        let request = Request::on_object(self.principal, action, self.bucket, "").doubting(Doubt::Choices);
        self.combine(action, &request, prefixes, |at, rule| {
            if rule.conditions.iter().any(|condition| fails(condition, rule, &request, self.evaluator)) {
                return None;
            }
            let globs = self.keys(at)?;
            let touched = join(globs, |glob| prefixes.touched(glob));
            let covered = join(globs, |glob| prefixes.covered(glob));
            let all = prefixes.all();
            Some(if rule.not_resources {
                Span { sure: all.minus(&touched), possible: all.minus(&covered) }
            } else {
                Span { sure: covered, possible: touched }
            })
        })
    }

    /// Where a listing shows keys: one without a delimiter from the prefix or above it, or one with
    /// any from the prefix down.
    pub(super) fn listing(&self, action: &str, prefixes: &Prefixes) -> Span {
        let request = Request::on_bucket(self.principal, action, self.bucket).doubting(Doubt::Choices);
        let open = self.listing_with(action, &request.clone().without("s3:delimiter"), prefixes, Delimiter::None);
        let cut = self.listing_with(action, &request, prefixes, Delimiter::Any);
        Span { sure: open.sure.union(&cut.sure), possible: open.possible.union(&cut.possible) }
    }

    fn listing_with(&self, action: &str, request: &Request, prefixes: &Prefixes, delimiter: Delimiter) -> Span {
        let dialect = self.evaluator.dialect_in_force();
        self.combine(action, request, prefixes, |_, rule| {
            let (asked, others): (Vec<_>, Vec<_>) =
                rule.conditions.iter().partition(|check| check.key() == "s3:prefix");
            let fails = others.iter().any(|condition| fails(condition, rule, request, self.evaluator));
            if fails || !rule.covers_resource(request, dialect) {
                return None;
            }
            let all = prefixes.all();
            let texts = match asked[..] {
                [] => return Some(Span { sure: all.clone(), possible: all }),
                [one] => one.texts(request, dialect),
                _ => None,
            };
            Some(match (rule.effect, texts) {
                (Effect::Allow, Some(Texts::AnyOf(globs))) => Span {
                    sure: join(&globs, |glob| shown_for_sure(glob, prefixes, delimiter)),
                    possible: join(&globs, |glob| perhaps_shown(glob, prefixes, delimiter)),
                },
                // Denied whatever does not begin so: a listing without a prefix too.
                (Effect::Deny, Some(Texts::NoneOf(globs))) => {
                    let spared = join(&globs, |glob| prefixes.related(glob));
                    Span { sure: all.minus(&spared), possible: all }
                }
                _ => Span { sure: Ranges::default(), possible: all },
            })
        })
    }

    /// Adds up what the statements about an action say.
    fn combine(
        &self,
        action: &str,
        request: &Request,
        prefixes: &Prefixes,
        span: impl Fn(usize, &Rule) -> Option<Span>,
    ) -> Span {
        let (mut allowed, mut denied) = (Span::default(), Span::default());
        for (at, rule) in self.evaluator.rules().iter().enumerate() {
            if !rule.covers_action(action) || !rule.is_for(&request.principal) {
                continue;
            }
            let Some(span) = span(at, rule) else { continue };
            let sum = if rule.effect == Effect::Allow { &mut allowed } else { &mut denied };
            sum.sure = sum.sure.union(&span.sure);
            sum.possible = sum.possible.union(&span.possible);
        }
        debug_assert!(allowed.possible.minus(&prefixes.all()).is_empty());
        Span { sure: allowed.sure.minus(&denied.possible), possible: allowed.possible.minus(&denied.sure) }
    }

    /// The keys of the bucket that a statement's resources name; `None` when it cannot apply.
    fn keys(&self, at: usize) -> Option<&[Glob]> {
        let keys = self.keys.get(at)?.get_or_init(|| {
            let rule = &self.evaluator.rules()[at];
            let whole = Request::on_object(self.principal, "s3:GetObject", self.bucket, "");
            let mut keys = Vec::new();
            for glob in rule.resources(&whole, self.evaluator.dialect_in_force()) {
                match glob {
                    Some(glob) => keys.extend(glob.after(&whole.resource)),
                    None if rule.not_resources => return None,
                    None => {}
                }
            }
            Some(keys)
        });
        keys.as_deref()
    }

    /// Patterns of keys from which requests can be made up: what allows, and what a deny spares.
    pub(super) fn key_patterns(&self, action: &str) -> Vec<&Glob> {
        let rules = self.evaluator.rules().iter().enumerate();
        let telling =
            rules.filter(|(_, rule)| rule.covers_action(action) && (rule.effect == Effect::Deny) == rule.not_resources);
        telling.filter_map(|(at, _)| self.keys(at)).flatten().collect()
    }

    /// Whether some listings are denied for their prefix.
    pub(super) fn denies_prefixes(&self, action: &str) -> bool {
        let mut denies = self.evaluator.rules().iter().filter(|rule| rule.effect == Effect::Deny);
        denies.any(|rule| rule.covers_action(action) && rule.conditions.iter().any(|check| check.key() == "s3:prefix"))
    }

    /// Patterns of prefixes from which listings can be made up.
    pub(super) fn prefix_patterns(&self, action: &str) -> Vec<Glob> {
        let request = Request::on_bucket(self.principal, action, self.bucket);
        let rules = self.evaluator.rules().iter().filter(|rule| rule.covers_action(action));
        let asked = rules.flat_map(|rule| &rule.conditions).filter(|check| check.key() == "s3:prefix");
        asked.flat_map(|check| check.globs(&request, self.evaluator.dialect_in_force())).collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Delimiter {
    None,
    Any,
}

/// Where a listing of some text that matches shows keys for sure.
fn shown_for_sure(glob: &Glob, prefixes: &Prefixes, delimiter: Delimiter) -> Ranges {
    match (glob.tokens(), delimiter) {
        ([] | [Token::Text(_)], Delimiter::None) => prefixes.below(glob.head()),
        _ => prefixes.covered(glob),
    }
}

fn perhaps_shown(glob: &Glob, prefixes: &Prefixes, delimiter: Delimiter) -> Ranges {
    match (glob.tokens(), delimiter) {
        (_, Delimiter::None) => prefixes.related(glob),
        // From the prefix down: it has to be one that a key in it could be.
        (_, Delimiter::Any) => prefixes.touched(glob),
    }
}

fn join(globs: &[Glob], of: impl Fn(&Glob) -> Ranges) -> Ranges {
    globs.iter().fold(Ranges::default(), |all, glob| all.union(&of(glob)))
}

/// Whether a condition keeps a statement from applying: a deny has to be certain.
fn fails(condition: &Check, rule: &Rule, request: &Request, evaluator: &Evaluator) -> bool {
    match condition.test(request, evaluator.dialect_in_force()) {
        Outcome::Holds => false,
        Outcome::Fails => true,
        Outcome::Unknown => rule.effect == Effect::Deny,
    }
}
