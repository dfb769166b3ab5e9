//! Statements.

use std::path::{Path, PathBuf};

use super::{
    Interpreter, Known,
    token::{self, Token},
    value::Value,
};

/// Whether what is read now takes effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    Live,
    /// Nobody knows, and why.
    Doubt(String),
    /// It does not.
    Skip,
}

const MAX_DEPTH: usize = 64;

/// One source, in the middle of being followed.
pub(super) struct Run<'i, 'a> {
    pub(super) php: &'i mut Interpreter<'a>,
    pub(super) tokens: Vec<Token>,
    pub(super) at: usize,
    pub(super) file: PathBuf,
    pub(super) mode: Mode,
    /// Environment variables that are not set, and that this statement asked for.
    pub(super) missed: Vec<String>,
    /// The same, of the conditions around it.
    under: Vec<String>,
    /// `return` at the top of the file.
    returned: bool,
}

impl<'i, 'a> Run<'i, 'a> {
    pub(super) fn new(php: &'i mut Interpreter<'a>, tokens: Vec<Token>, file: &Path, mode: Mode) -> Self {
        let file = file.to_owned();
        Self { php, tokens, at: 0, file, mode, missed: Vec::new(), under: Vec::new(), returned: false }
    }

    /// Follows it to its end.
    pub(super) fn all(&mut self) {
        while !self.ended() {
            self.statement();
        }
    }

    fn ended(&self) -> bool {
        self.at >= self.tokens.len() || self.returned || self.php.finished
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn next_is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Some(Token::Symbol(found)) if *found == symbol)
    }

    pub(super) fn accept(&mut self, symbol: &str) -> bool {
        let found = self.next_is(symbol);
        self.at += usize::from(found);
        found
    }

    /// The keyword, function or constant here, in small letters and without its namespace.
    pub(super) fn word(&self) -> Option<String> {
        match self.peek() {
            Some(Token::Name(name)) => Some(base_name(name).to_ascii_lowercase()),
            _ => None,
        }
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = self.word().as_deref() == Some(word);
        self.at += usize::from(found);
        found
    }

    /// One level deeper; gives up on all that is left when it is too deep.
    pub(super) fn deeper<T>(&mut self, follow: impl FnOnce(&mut Self) -> T, otherwise: T) -> T {
        if self.php.depth >= MAX_DEPTH {
            self.at = self.tokens.len();
            self.php.unread.push("code that is nested too deeply".to_owned());
            return otherwise;
        }
        self.php.depth += 1;
        let value = follow(self);
        self.php.depth -= 1;
        value
    }

    /// Follows something in another mode; where nothing takes effect, nothing does.
    pub(super) fn in_mode<T>(&mut self, mode: Mode, follow: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.mode.clone();
        match (&before, &mode) {
            (Mode::Skip, _) | (Mode::Doubt(_), Mode::Live | Mode::Doubt(_)) => {}
            _ => self.mode = mode,
        }
        let value = follow(self);
        self.mode = before;
        value
    }

    pub(super) fn statement(&mut self) {
        let begun = self.at;
        self.deeper(Self::statement_here, ());
        // Whatever it was, it is behind us.
        self.at = self.at.max(begun + 1);
    }

    fn statement_here(&mut self) {
        if matches!(self.peek(), Some(Token::Html)) || self.next_is(";") {
            self.at += 1;
            return;
        }
        if self.next_is("{") {
            return self.block();
        }
        let declares = |next: Option<&Token>| matches!(next, Some(Token::Name(_) | Token::Symbol("&")));
        match self.word().as_deref() {
            Some("if") => self.condition(),
            Some("function") if declares(self.tokens.get(self.at + 1)) => self.skip_braces(),
            Some("class" | "interface" | "trait" | "abstract" | "final" | "enum") => self.skip_braces(),
            Some("for" | "foreach" | "while" | "switch") => self.repeated(),
            Some("do") => {
                self.at += 1;
                self.in_mode(Mode::Doubt("it is set in a loop".to_owned()), Self::statement);
            }
            Some("try") => self.attempt(),
            Some("case") => {
                self.at += 1;
                self.expression();
                let _ = self.accept(":") || self.accept(";");
            }
            Some("default") => {
                self.at += 1;
                self.accept(":");
            }
            Some("const") => self.constants(),
            Some("namespace" | "use" | "declare" | "global" | "goto" | "static") => self.skip_statement(),
            Some("return") => {
                self.simple(1);
                self.returned |= self.mode == Mode::Live;
            }
            Some("exit" | "die") => {
                self.simple(1);
                self.php.finished |= self.mode == Mode::Live;
            }
            Some("echo" | "throw") => self.simple(1),
            Some("else" | "elseif" | "endif" | "endwhile" | "endfor" | "endforeach" | "endswitch") => self.at += 1,
            _ => self.simple(0),
        }
    }

    /// An expression, after a keyword or none.
    fn simple(&mut self, keywords: usize) {
        self.at += keywords;
        self.missed.clear();
        if !self.next_is(";") {
            self.expression();
            while self.accept(",") {
                self.expression();
            }
        }
        if !self.accept(";") && !matches!(self.peek(), None | Some(Token::Html)) && !self.next_is("}") {
            self.skip_statement();
        }
    }

    fn constants(&mut self) {
        self.at += 1;
        while let Some(Token::Name(name)) = self.peek() {
            let name = String::from_utf8_lossy(name).into_owned();
            self.at += 1;
            self.missed.clear();
            if !self.accept("=") {
                break;
            }
            let value = self.expression();
            self.define(&name, value);
            if !self.accept(",") {
                break;
            }
        }
        self.skip_statement();
    }

    fn block(&mut self) {
        self.at += 1;
        while !self.ended() && !self.accept("}") {
            self.statement();
        }
    }

    fn condition(&mut self) {
        let outer_under = self.under.len();
        // Whether a branch before this one has run.
        let mut taken = Some(false);
        loop {
            self.at += 1;
            self.missed.clear();
            let asked = if taken == Some(true) { Mode::Skip } else { Mode::Live };
            let value = self.in_mode(asked, Self::parenthesised);
            self.under.append(&mut self.missed);
            let branch = branch_mode(taken, value.truth(), &value);
            taken = match (taken, value.truth()) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (taken, Some(false)) => taken,
                (_, None) => None,
            };
            if self.in_mode(branch, Self::body) {
                break;
            }
            if self.word().as_deref() == Some("elseif") {
                continue;
            }
            if self.accept_word("else") {
                let branch = branch_mode(taken, Some(true), &value);
                self.in_mode(branch, Self::body);
            }
            break;
        }
        self.under.truncate(outer_under);
    }

    /// What a condition governs; true when that was the end of it all (`endif`).
    fn body(&mut self) -> bool {
        if !self.accept(":") {
            self.statement();
            return false;
        }
        while !self.ended() {
            match self.word().as_deref() {
                Some("endif") => {
                    self.at += 1;
                    self.accept(";");
                    return true;
                }
                Some("elseif" | "else") => return false,
                _ => self.statement(),
            }
        }
        true
    }

    fn repeated(&mut self) {
        self.at += 1;
        self.skip_group("(", ")");
        // With a `:`, its statements follow as any others, up to an `endwhile` that nobody minds;
        // they are in doubt all the same.
        let mode = Mode::Doubt("it is set in a loop or a `switch`".to_owned());
        if self.accept(":") {
            self.in_mode(mode, |run| {
                while !run.ended() && !run.word().is_some_and(|word| word.starts_with("end")) {
                    run.statement();
                }
            });
        } else {
            self.in_mode(mode, Self::statement);
        }
    }

    fn attempt(&mut self) {
        self.at += 1;
        self.statement();
        while self.accept_word("catch") {
            self.skip_group("(", ")");
            self.in_mode(Mode::Skip, Self::statement);
        }
        if self.accept_word("finally") {
            self.statement();
        }
    }

    pub(super) fn parenthesised(&mut self) -> Value {
        if !self.accept("(") {
            return Value::unknown("it has a condition that cannot be read");
        }
        let value = self.expression();
        if !self.accept(")") {
            self.close(")");
            return Value::unknown("it has an expression that cannot be read");
        }
        value
    }

    /// Goes on behind the bracket that closes the group we are in.
    pub(super) fn close(&mut self, bracket: &str) {
        let mut open = 0_usize;
        while let Some(token) = self.peek() {
            let Token::Symbol(symbol) = *token else {
                self.at += 1;
                continue;
            };
            self.at += 1;
            match symbol {
                "(" | "[" | "{" => open += 1,
                _ if open == 0 && symbol == bracket => return,
                ")" | "]" | "}" => open = open.saturating_sub(1),
                _ => {}
            }
        }
    }

    pub(super) fn skip_group(&mut self, open: &str, close: &str) {
        if self.accept(open) {
            self.close(close);
        }
    }

    /// A declaration: up to its braces, or its `;`.
    pub(super) fn skip_braces(&mut self) {
        while self.peek().is_some() && !self.next_is("{") && !self.next_is(";") {
            self.at += 1;
        }
        if !self.accept(";") {
            self.skip_group("{", "}");
        }
    }

    fn skip_statement(&mut self) {
        while self.peek().is_some() && !self.next_is(";") && !self.next_is("}") {
            match self.peek() {
                Some(Token::Symbol("(")) => self.skip_group("(", ")"),
                Some(Token::Symbol("[")) => self.skip_group("[", "]"),
                // `namespace X { … }` holds statements of ours.
                Some(Token::Symbol("{")) | Some(Token::Html) => return,
                _ => self.at += 1,
            }
        }
        self.accept(";");
    }

    /// The first definition of a constant stays.
    pub(super) fn define(&mut self, name: &str, value: Value) {
        if self.mode == Mode::Skip || self.php.constants.contains_key(name) {
            return;
        }
        let known = self.known(value);
        self.php.constants.insert(name.to_owned(), known);
    }

    pub(super) fn assign(&mut self, name: &[u8], value: Value) {
        if self.mode != Mode::Skip {
            let known = self.known(value);
            self.php.variables.insert(name.to_vec(), known);
        }
    }

    fn known(&self, value: Value) -> Known {
        let value = match &self.mode {
            Mode::Doubt(why) => Value::Unknown(why.clone()),
            _ => value,
        };
        let mut fallbacks = [&self.under[..], &self.missed[..]].concat();
        fallbacks.dedup();
        Known { value, fallbacks }
    }

    /// Follows code that a string holds, as `eval` does.
    pub(super) fn follow(&mut self, source: &[u8]) {
        let (file, mode) = (self.file.clone(), self.mode.clone());
        Run::new(self.php, token::code(source), &file, mode).all();
    }
}

/// In which mode a branch is followed.
fn branch_mode(taken: Option<bool>, truth: Option<bool>, value: &Value) -> Mode {
    match (taken, truth) {
        (Some(true), _) | (_, Some(false)) => Mode::Skip,
        (Some(false), Some(true)) => Mode::Live,
        _ => {
            let why = match value {
                Value::Unknown(why) => why.clone(),
                _ => "a condition before it is not known".to_owned(),
            };
            Mode::Doubt(format!("it is set under a condition: {why}"))
        }
    }
}

/// A name without its namespace.
pub(super) fn base_name(name: &[u8]) -> String {
    let begin = name.iter().rposition(|&byte| byte == b'\\').map_or(0, |at| at + 1);
    String::from_utf8_lossy(&name[begin..]).into_owned()
}
