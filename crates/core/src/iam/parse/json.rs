//! The JSON under a policy: strictness, places, and the list of what is wrong.

use std::{cell::Cell, collections::BTreeMap};

use jsonc_parser::{
    CollectOptions, ParseOptions,
    ast::{Object, ObjectProp, Value},
    common::Ranged,
    errors::ParseErrorKind,
    parse_to_ast,
};
use serde::de::IgnoredAny;

use super::{Fault, MAX_LEN, Malformed};
use crate::iam::document::{Placed, Position};

/// The text of a file, without a byte order mark.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    let start = Position { line: 1, column: 1 };
    if bytes.len() > MAX_LEN {
        let what = format!("this is longer than {MAX_LEN} bytes: no policy is");
        return Err(one(start, what, Some("IAM's own limits are between 2,048 and 20,480 characters")));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            let position = Places::new(valid).position(valid.len());
            Err(one(position, "this is not UTF-8 text".into(), Some("save the file as UTF-8")))
        }
    }
}

/// The whole document, by the letter of RFC 8259.
pub(super) fn parse(text: &str) -> Result<Value<'_>, Malformed> {
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &strict).map_err(|error| {
        let (what, hint) = words(error.kind());
        one(Places::new(text).position(error.range().start), what, hint)
    })?;
    // That parser lets raw control characters in strings pass; this one keeps no places.
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text)
        && parsed.value.is_some()
    {
        let to_u32 = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let position = Position { line: to_u32(error.line()), column: to_u32(error.column().max(1)) };
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        return Err(one(position, format!("this is not JSON: {what}"), None));
    }
    let start = Position { line: 1, column: 1 };
    parsed.value.ok_or_else(|| one(start, "there is nothing in it".into(), None))
}

fn words(kind: &ParseErrorKind) -> (String, Option<&'static str>) {
    match kind {
        ParseErrorKind::CommentsNotAllowed | ParseErrorKind::UnterminatedCommentBlock => (
            "a comment is not JSON, and IAM refuses it".into(),
            Some("take it out; say what a statement is for in its `Sid`"),
        ),
        ParseErrorKind::NestingDepthExceeded => ("this is nested too deeply for a policy".into(), None),
        other => {
            let text = other.to_string();
            let mut chars = text.chars();
            let first = chars.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
            (format!("this is not JSON: {first}{}", chars.as_str()), None)
        }
    }
}

fn one(position: Position, what: String, hint: Option<&str>) -> Malformed {
    Malformed { faults: vec![Fault { position, what, hint: hint.map(str::to_owned) }] }
}

/// What a value is, in a word.
pub(super) fn kind(value: &Value<'_>) -> &'static str {
    match value {
        Value::StringLit(_) => "text",
        Value::NumberLit(_) => "a number",
        Value::BooleanLit(_) => "a truth value",
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::NullKeyword(_) => "null",
    }
}

/// Where a value begins.
pub(super) fn start(value: &Value<'_>) -> usize {
    value.range().start
}

/// Lines and columns of a text's offsets. Looked up mostly in rising order, so it goes on from
/// the last: a policy of one long line would otherwise be counted again for each element.
struct Places<'a> {
    text: &'a str,
    last: Cell<(usize, Position)>,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, last: Cell::new((0, Position { line: 1, column: 1 })) }
    }

    fn position(&self, offset: usize) -> Position {
        let (from, mut position) = match self.last.get() {
            (from, position) if from <= offset => (from, position),
            _ => (0, Position { line: 1, column: 1 }),
        };
        for c in self.text.get(from..offset).unwrap_or_default().chars() {
            if c == '\n' {
                position = Position { line: position.line + 1, column: 1 };
            } else {
                position.column += 1;
            }
        }
        self.last.set((offset, position));
        position
    }
}

/// What was found to be wrong so far.
pub(super) struct Faults<'a> {
    places: Places<'a>,
    faults: Vec<Fault>,
}

impl<'a> Faults<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { places: Places::new(text), faults: Vec::new() }
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        self.places.position(offset)
    }

    pub(super) fn add(&mut self, offset: usize, what: impl Into<String>, hint: impl Into<String>) {
        self.add_at(self.position(offset), what, hint);
    }

    pub(super) fn add_at(&mut self, position: Position, what: impl Into<String>, hint: impl Into<String>) {
        self.faults.push(Fault { position, what: what.into(), hint: Some(hint.into()) });
    }

    /// Says this, and takes back what was said before.
    pub(super) fn instead(&mut self, offset: usize, what: impl Into<String>, hint: impl Into<String>) {
        self.faults.clear();
        self.add(offset, what, hint);
    }

    pub(super) fn none_or<T>(mut self, read: T) -> Result<T, Malformed> {
        if self.faults.is_empty() {
            return Ok(read);
        }
        self.faults.sort_by_key(|fault| fault.position);
        Err(Malformed { faults: self.faults })
    }

    /// A text; anything else is wrong.
    pub(super) fn string(&mut self, value: &Value<'_>, what: &str) -> Option<Placed<String>> {
        match value {
            Value::StringLit(text) => {
                Some(Placed::new(text.value.clone().into_owned(), self.position(text.range.start)))
            }
            other => {
                self.add(
                    start(other),
                    format!("{what} has to be text, and this is {}", kind(other)),
                    "put it in quotes",
                );
                None
            }
        }
    }

    /// One value or a list of them, each read by `read`.
    pub(super) fn list<T>(
        &mut self,
        value: &Value<'_>,
        mut read: impl FnMut(&mut Self, &Value<'_>) -> Option<T>,
    ) -> Vec<T> {
        match value {
            Value::Array(array) => array.elements.iter().filter_map(|element| read(self, element)).collect(),
            one => read(self, one).into_iter().collect(),
        }
    }
}

/// An object's members: known ones, each once.
pub(super) struct Elements<'v, 'a>(BTreeMap<&'v str, &'v ObjectProp<'a>>);

impl<'v, 'a> Elements<'v, 'a> {
    pub(super) fn new(object: &'v Object<'a>, known: &[&str], of: &str, faults: &mut Faults<'_>) -> Self {
        let mut elements = BTreeMap::new();
        for property in once_each(object, faults) {
            let name = property.name.as_str();
            if known.contains(&name) {
                elements.insert(name, property);
                continue;
            }
            let near = known.iter().find(|known| is_near(known, name));
            let hint = match near {
                Some(near) => format!("write `{near}`"),
                None => format!("{of} has {}", known.join(", ")),
            };
            faults.add(property.range.start, format!("{of} has no element {name:?}"), hint);
        }
        Self(elements)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'v ObjectProp<'a>> {
        self.0.get(name).copied()
    }

    /// The members as they stand in the text.
    pub(super) fn in_order(&self) -> Vec<&'v ObjectProp<'a>> {
        let mut elements: Vec<_> = self.0.values().copied().collect();
        elements.sort_by_key(|property| property.range.start);
        elements
    }
}

/// An object's members; a name's second appearance is said to be wrong, and left out.
pub(super) fn once_each<'v, 'a>(object: &'v Object<'a>, faults: &mut Faults<'_>) -> Vec<&'v ObjectProp<'a>> {
    let mut first = BTreeMap::new();
    let mut members = Vec::new();
    for property in &object.properties {
        let name = property.name.as_str();
        match first.get(name) {
            None => {
                first.insert(name, faults.position(property.range.start));
                members.push(property);
            }
            Some(earlier) => {
                let what = format!("{name:?} stands here for the second time, first on {earlier}");
                faults.add(property.range.start, what, "join the two: only one of them would count");
            }
        }
    }
    members
}

/// Case, a plural or one letter apart.
fn is_near(known: &str, written: &str) -> bool {
    let (known, written) = (known.to_lowercase(), written.to_lowercase());
    let (known, written) = (known.trim_end_matches('s'), written.trim_end_matches('s'));
    let common = known.bytes().zip(written.bytes()).take_while(|(a, b)| a == b).count();
    let (known_rest, written_rest) = (&known.as_bytes()[common..], &written.as_bytes()[common..]);
    let tail = |bytes: &[u8]| bytes.get(1..).unwrap_or_default().to_vec();
    known_rest == written_rest
        || tail(known_rest) == written_rest
        || known_rest == tail(written_rest)
        || tail(known_rest) == tail(written_rest)
}
