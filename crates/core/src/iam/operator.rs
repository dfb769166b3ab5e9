//! The names of [condition operators](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html):
//! a quantifier, a test, and whether a missing key is good enough.

use std::{fmt, str::FromStr};

/// A condition operator, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Operator {
    /// `ForAllValues:` or `ForAnyValue:`.
    pub quantifier: Option<Quantifier>,
    /// How one value is compared.
    pub test: Test,
    /// `…IfExists`: a missing key is good enough.
    pub if_exists: bool,
}

impl Operator {
    /// The bare test, of a key with one value, which must be there.
    #[must_use]
    pub fn plain(test: Test) -> Self {
        Self { quantifier: None, test, if_exists: false }
    }
}

/// What has to hold of a key with several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantifier {
    /// Each of the request's values passes; none at all will do.
    ForAllValues,
    /// One of the request's values passes.
    ForAnyValue,
}

impl Quantifier {
    fn as_str(self) -> &'static str {
        match self {
            Self::ForAllValues => "ForAllValues",
            Self::ForAnyValue => "ForAnyValue",
        }
    }
}

macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        /// How a value of the request is compared with the policy's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[allow(missing_docs)] // as AWS calls them
        pub enum Test { $($name),* }

        impl Test {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As a policy spells it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }
        }
    };
}

tests! {
    StringEquals, StringNotEquals, StringEqualsIgnoreCase, StringNotEqualsIgnoreCase, StringLike, StringNotLike,
    NumericEquals, NumericNotEquals, NumericLessThan, NumericLessThanEquals, NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals, DateNotEquals, DateLessThan, DateLessThanEquals, DateGreaterThan, DateGreaterThanEquals,
    Bool, BinaryEquals, IpAddress, NotIpAddress,
    ArnEquals, ArnNotEquals, ArnLike, ArnNotLike,
    Null,
}

impl Test {
    /// Whether it holds when no value matches.
    #[must_use]
    pub fn is_negated(self) -> bool {
        matches!(
            self,
            Self::StringNotEquals
                | Self::StringNotEqualsIgnoreCase
                | Self::StringNotLike
                | Self::NumericNotEquals
                | Self::DateNotEquals
                | Self::NotIpAddress
                | Self::ArnNotEquals
                | Self::ArnNotLike
        )
    }
}

/// The name of an operator that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no condition operator {0:?}")]
pub struct UnknownOperator(pub String);

impl FromStr for Operator {
    type Err = UnknownOperator;

    /// Like AWS, takes any case.
    fn from_str(name: &str) -> Result<Self, UnknownOperator> {
        let unknown = || UnknownOperator(name.to_owned());
        let (quantifier, rest) = match name.split_once(':') {
            None => (None, name),
            Some((quantifier, rest)) => {
                let both = [Quantifier::ForAllValues, Quantifier::ForAnyValue];
                let known = both.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(quantifier));
                (Some(known.ok_or_else(unknown)?), rest)
            }
        };
        let find = |name: &str| Test::ALL.iter().copied().find(|test| test.as_str().eq_ignore_ascii_case(name));
        if let Some(test) = find(rest) {
            return Ok(Self { quantifier, test, if_exists: false });
        }
        let stem = rest.len().checked_sub("IfExists".len()).and_then(|at| rest.split_at_checked(at));
        match stem {
            // `Null` asks whether the key exists: an `IfExists` of it means nothing.
            Some((stem, tail)) if tail.eq_ignore_ascii_case("IfExists") => match find(stem) {
                Some(test) if test != Test::Null => Ok(Self { quantifier, test, if_exists: true }),
                _ => Err(unknown()),
            },
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(quantifier) = self.quantifier {
            write!(f, "{}:", quantifier.as_str())?;
        }
        f.write_str(self.test.as_str())?;
        if self.if_exists { f.write_str("IfExists") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_is_read_back_as_it_is_written() {
        for quantifier in [None, Some(Quantifier::ForAllValues), Some(Quantifier::ForAnyValue)] {
            for &test in Test::ALL {
                for if_exists in [false, true] {
                    let operator = Operator { quantifier, test, if_exists };
                    let read = operator.to_string().parse::<Operator>();
                    if test == Test::Null && if_exists {
                        assert!(read.is_err(), "{operator}");
                    } else {
                        assert_eq!(read, Ok(operator));
                    }
                }
            }
        }
    }

    #[test]
    fn case_does_not_matter_and_what_does_not_exist_is_refused() {
        assert_eq!(
            "stringlikeifexists".parse::<Operator>().map(|o| o.to_string()),
            Ok("StringLikeIfExists".to_owned())
        );
        for name in
            ["", "IfExists", "StringMatches", "ForSomeValues:StringLike", "ForAllValues:", "éIfExists", "StringLike "]
        {
            assert_eq!(name.parse::<Operator>(), Err(UnknownOperator(name.to_owned())));
        }
    }
}
