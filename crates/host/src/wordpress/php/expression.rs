//! Expressions, by precedence: https://www.php.net/manual/en/language.operators.precedence.php

use super::{
    run::{Mode, Run, base_name},
    token::{Piece, Token},
    value::Value,
};

const TERNARY: u8 = 5;

impl Run<'_, '_> {
    pub(super) fn expression(&mut self) -> Value {
        self.binary(0)
    }

    fn binary(&mut self, least: u8) -> Value {
        self.deeper(|run| run.binary_here(least), Value::unknown("it is nested too deeply"))
    }

    fn binary_here(&mut self, least: u8) -> Value {
        let mut left = self.unary();
        while let Some((operator, level)) = self.operator() {
            if level < least {
                break;
            }
            self.at += 1;
            left = match operator.as_str() {
                "?" => self.ternary(left),
                "??" => {
                    let mode = match &left {
                        Value::Null | Value::Missing(_) => Mode::Live,
                        Value::Unknown(why) => Mode::Doubt(why.clone()),
                        _ => Mode::Skip,
                    };
                    let absent = matches!(left, Value::Null | Value::Missing(_));
                    let right = self.in_mode(mode, |run| run.binary(level));
                    if absent { right } else { left }
                }
                "||" | "or" => self.logical(&left, level, true),
                "&&" | "and" => self.logical(&left, level, false),
                operator => {
                    let right = self.binary(level + 1);
                    apply(operator, left, &right)
                }
            };
        }
        left
    }

    fn operator(&self) -> Option<(String, u8)> {
        let operator = match self.peek()? {
            Token::Symbol(symbol) => (*symbol).to_owned(),
            Token::Name(_) => self.word()?,
            // `/`, `%`, `^`: what it computes is not known, and that is to be noticed.
            Token::Other => return Some((String::new(), 17)),
            _ => return None,
        };
        let level = match operator.as_str() {
            "or" => 1,
            "xor" => 2,
            "and" => 3,
            "?" => TERNARY,
            "??" => 6,
            "||" => 7,
            "&&" => 8,
            "|" => 9,
            "&" => 11,
            "==" | "!=" | "===" | "!==" | "<>" | "<=>" => 12,
            "<" | ">" | "<=" | ">=" => 13,
            "." => 14,
            "<<" | ">>" => 15,
            "+" | "-" => 16,
            "*" => 17,
            "instanceof" => 18,
            "**" => 19,
            _ => return None,
        };
        Some((operator, level))
    }

    fn ternary(&mut self, condition: Value) -> Value {
        let truth = condition.truth();
        let doubt = || Mode::Doubt(condition.why());
        let mode =
            |wanted: bool| truth.map_or_else(doubt, |truth| if truth == wanted { Mode::Live } else { Mode::Skip });
        let (if_true, if_false) = (mode(true), mode(false));
        let yes = if self.accept(":") {
            condition.clone()
        } else {
            let yes = self.in_mode(if_true, |run| run.binary(TERNARY));
            if !self.accept(":") {
                return Value::unknown("it has an expression that cannot be read");
            }
            yes
        };
        let no = self.in_mode(if_false, |run| run.binary(TERNARY + 1));
        match truth {
            Some(true) => yes,
            Some(false) => no,
            None => Value::Unknown(condition.why()),
        }
    }

    /// `||` ends at the first true, `&&` at the first false.
    fn logical(&mut self, left: &Value, level: u8, ends_at: bool) -> Value {
        let truth = left.truth();
        let mode = match truth {
            Some(truth) if truth == ends_at => Mode::Skip,
            Some(_) => Mode::Live,
            None => Mode::Doubt(format!("it is set under a condition: {}", left.why())),
        };
        let right = self.in_mode(mode, |run| run.binary(level + 1));
        match (truth, right.truth()) {
            (Some(truth), _) | (None, Some(truth)) if truth == ends_at => Value::Bool(ends_at),
            (Some(_), Some(_)) => Value::Bool(!ends_at),
            (None, _) => Value::Unknown(left.why()),
            (_, None) => Value::Unknown(right.why()),
        }
    }

    fn unary(&mut self) -> Value {
        self.deeper(Self::unary_here, Value::unknown("it is nested too deeply"))
    }

    fn unary_here(&mut self) -> Value {
        if self.accept("!") {
            let value = self.unary();
            return value.truth().map_or_else(|| Value::Unknown(value.why()), |truth| Value::Bool(!truth));
        }
        if self.accept("-") {
            return self.unary().int().map_or_else(unreadable, |value| Value::Int(value.saturating_neg()));
        }
        if self.accept("@") || self.accept("+") || self.accept("&") {
            return self.unary();
        }
        if self.next_is("(") {
            if let (Some(Token::Name(kind)), Some(Token::Symbol(")"))) =
                (self.tokens.get(self.at + 1), self.tokens.get(self.at + 2))
            {
                let kind = base_name(kind).to_ascii_lowercase();
                if matches!(kind.as_str(), "string" | "int" | "integer" | "bool" | "boolean" | "float" | "array") {
                    self.at += 3;
                    let value = self.unary();
                    return cast(&kind, value);
                }
            }
            let value = self.parenthesised();
            return self.postfix(value);
        }
        if self.accept("[") {
            self.arguments("]");
            return self.postfix(Value::unknown("it is an array"));
        }
        let Some(token) = self.peek().cloned() else { return unreadable() };
        // What cannot begin an expression is left to whoever reads the statement.
        if matches!(token, Token::Symbol(_) | Token::Html) {
            return unreadable();
        }
        self.at += 1;
        match token {
            Token::Text(text) => Value::Text(text),
            Token::Int(value) => Value::Int(value),
            Token::Template(pieces) => self.template(&pieces),
            Token::Variable(name) => self.variable(&name),
            Token::Name(name) => {
                let value = self.named(&name);
                self.postfix(value)
            }
            _ => unreadable(),
        }
    }

    fn template(&mut self, pieces: &[Piece]) -> Value {
        let mut whole = Value::Text(Vec::new());
        for piece in pieces {
            let part = match piece {
                Piece::Text(text) => Value::Text(text.clone()),
                Piece::Variable(name) => match self.php.variables.get(name) {
                    Some(known) => {
                        self.missed.extend_from_slice(&known.fallbacks);
                        known.value.clone()
                    }
                    // Not named: more likely than a variable it is part of a password.
                    None => Value::unknown(
                        "it stands in double quotes and has a `$` in it, which PHP takes for a variable; \
                         if it is none, single quotes are meant",
                    ),
                },
                Piece::Other => Value::unknown("it is a string with an expression in it"),
            };
            whole = whole.concat(&part);
        }
        whole
    }

    fn variable(&mut self, name: &[u8]) -> Value {
        let shown = String::from_utf8_lossy(name).into_owned();
        // `$_ENV['X']` and its like.
        if self.next_is("[") && matches!(shown.as_str(), "_ENV" | "_SERVER" | "GLOBALS") {
            self.at += 1;
            let index = self.expression();
            self.accept("]");
            let index = match index {
                Value::Text(text) => String::from_utf8_lossy(&text).into_owned(),
                _ => return Value::unknown(format!("it uses `${shown}`")),
            };
            if shown == "GLOBALS" {
                return self.plain_variable(index.as_bytes());
            }
            if self.assigned(&[]).is_some() {
                return Value::unknown("it is an assignment");
            }
            let value = if shown == "_ENV" { self.environment(&index) } else { self.server(&index) };
            return self.postfix(value);
        }
        self.plain_variable(name)
    }

    fn plain_variable(&mut self, name: &[u8]) -> Value {
        if self.next_is("[") || self.next_is("->") || self.next_is("?->") || self.next_is("(") || self.next_is("::") {
            let value = self.postfix(Value::unknown("it is part of an array or an object"));
            // What an array holds is not followed, so neither is what is put there.
            let _ = self.assigned(&[]);
            return value;
        }
        if let Some(value) = self.assigned(name) {
            return value;
        }
        match self.php.variables.get(name) {
            Some(known) => {
                self.missed.extend_from_slice(&known.fallbacks);
                known.value.clone()
            }
            None if self.next_is("??") && self.php.unread.is_empty() => Value::Null,
            None => Value::unknown(format!("`${}` is not set in this file", String::from_utf8_lossy(name))),
        }
    }

    /// An assignment, to a variable or, without a name, to something that is not followed.
    fn assigned(&mut self, name: &[u8]) -> Option<Value> {
        let Some(Token::Symbol(operator)) = self.peek() else { return None };
        let operator = *operator;
        if !matches!(operator, "=" | "??=" | ".=" | "+=" | "-=" | "*=" | "**=" | "|=" | "&=") {
            return None;
        }
        self.at += 1;
        let right = self.binary(TERNARY);
        let before = self.php.variables.get(name).map(|known| known.value.clone());
        let value = match (operator, before) {
            ("=", _) => right,
            ("??=", None | Some(Value::Null | Value::Missing(_))) => right,
            ("??=", Some(before)) => before,
            (".=", Some(before)) => before.concat(&right),
            ("|=", Some(before)) => apply("|", before, &right),
            _ => Value::unknown("it is computed"),
        };
        if !name.is_empty() {
            self.assign(name, value.clone());
        }
        Some(value)
    }

    /// What may follow a value: an index, a property, a call.
    pub(super) fn postfix(&mut self, mut value: Value) -> Value {
        loop {
            if self.accept("[") {
                self.arguments("]");
            } else if self.accept("(") {
                self.arguments(")");
            } else if self.accept("->") || self.accept("?->") || self.accept("::") {
                match self.peek() {
                    Some(Token::Symbol("{")) => self.skip_group("{", "}"),
                    Some(Token::Name(_) | Token::Variable(_)) => self.at += 1,
                    _ => {}
                }
            } else {
                return value;
            }
            if !matches!(value, Value::Unknown(_)) {
                value = Value::unknown("it is part of an array or an object");
            }
        }
    }

    /// Expressions up to a closing bracket.
    pub(super) fn arguments(&mut self, close: &str) -> Vec<Value> {
        let mut values = Vec::new();
        loop {
            if self.accept(close) || self.peek().is_none() {
                return values;
            }
            self.accept("...");
            // A named argument; its order is not ours to know.
            if matches!(self.peek(), Some(Token::Name(_))) && self.tokens.get(self.at + 1) == Some(&Token::Symbol(":"))
            {
                self.at += 2;
                values.push(Value::unknown("it has a named argument"));
            }
            values.push(self.expression());
            if self.accept("=>") {
                self.expression();
            }
            if !self.accept(",") && !self.next_is(close) {
                self.close(close);
                values.pop();
                values.push(unreadable());
                return values;
            }
        }
    }
}

pub(super) fn unreadable() -> Value {
    Value::unknown("it is an expression that is not followed")
}

fn apply(operator: &str, left: Value, right: &Value) -> Value {
    let not = |truth: Option<bool>| truth.map(|truth| !truth);
    let why = match (&left, right) {
        (Value::Unknown(_) | Value::Missing(_), _) => left.why(),
        (_, Value::Unknown(_) | Value::Missing(_)) => right.why(),
        _ => "it is computed".to_owned(),
    };
    let compared = match operator {
        "." => return left.concat(right),
        "===" => left.equals(right, true),
        "!==" => not(left.equals(right, true)),
        "==" => left.equals(right, false),
        "!=" | "<>" => not(left.equals(right, false)),
        "<" | ">" | "<=" | ">=" => match (&left, right) {
            (Value::Int(left), Value::Int(right)) => Some(match operator {
                "<" => left < right,
                ">" => left > right,
                "<=" => left <= right,
                _ => left >= right,
            }),
            _ => None,
        },
        _ => {
            let (Value::Int(left), Value::Int(right)) = (&left, right) else { return Value::Unknown(why) };
            let value = match operator {
                "|" => Some(left | right),
                "&" => Some(left & right),
                "+" => left.checked_add(*right),
                "-" => left.checked_sub(*right),
                "*" => left.checked_mul(*right),
                _ => None,
            };
            return value.map_or(Value::Unknown(why), Value::Int);
        }
    };
    compared.map_or(Value::Unknown(why), Value::Bool)
}

fn cast(kind: &str, value: Value) -> Value {
    match kind {
        "string" => value.text().map_or_else(Value::Unknown, Value::Text),
        "bool" | "boolean" => value.truth().map_or_else(|| Value::Unknown(value.why()), Value::Bool),
        "int" | "integer" => value.int().map_or_else(unreadable, Value::Int),
        _ => unreadable(),
    }
}
