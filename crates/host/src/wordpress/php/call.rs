//! Names: constants of the language, the functions that configuration files call, `include`.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{
    MAX_INCLUDES,
    expression::unreadable,
    read,
    run::{Mode, Run, base_name},
    token::{self, Token},
    value::{MAX_TEXT, Value},
};

/// mysqli's flags, for MYSQL_CLIENT_FLAGS.
const FLAGS: [(&str, i64); 8] = [
    ("FOUND_ROWS", 2),
    ("COMPRESS", 32),
    ("IGNORE_SPACE", 256),
    ("INTERACTIVE", 1024),
    ("SSL", 2048),
    ("SSL_DONT_VERIFY_SERVER_CERT", 64),
    ("SSL_VERIFY_SERVER_CERT", 1 << 30),
    ("NO_SCHEMA", 16),
];

impl Run<'_, '_> {
    /// What a name comes to; the name itself is behind us.
    pub(super) fn named(&mut self, name: &[u8]) -> Value {
        let name = base_name(name);
        let word = name.to_ascii_lowercase();
        match word.as_str() {
            "include" | "include_once" | "require" | "require_once" => {
                let path = self.expression();
                self.include(&path, word.ends_with("_once"));
                return Value::unknown("it is what an included file returns");
            }
            "function" | "fn" => {
                self.skip_group("(", ")");
                if word == "function" {
                    self.skip_braces();
                } else if self.accept("=>") {
                    self.in_mode(Mode::Skip, Self::expression);
                }
                return Value::unknown("it is a function");
            }
            "new" | "clone" | "print" | "yield" | "throw" | "match" => {
                self.in_mode(Mode::Doubt("it is set in code that is not followed".to_owned()), Self::expression);
                if self.next_is("{") {
                    self.skip_group("{", "}");
                }
                return Value::unknown("it is made by code that is not followed");
            }
            "exit" | "die" => {
                if self.accept("(") {
                    self.arguments(")");
                }
                self.php.finished |= self.mode == Mode::Live;
                return Value::Null;
            }
            _ => {}
        }
        if self.next_is("::") {
            let value = self.postfix(Value::unknown(format!("it comes from the class `{name}`")));
            return value;
        }
        if self.accept("(") {
            return match word.as_str() {
                "isset" => self.isset(),
                _ => {
                    let arguments = self.arguments(")");
                    self.call(&word, &name, &arguments)
                }
            };
        }
        self.constant(&name, &word)
    }

    fn constant(&mut self, name: &str, word: &str) -> Value {
        match word {
            "true" => return Value::Bool(true),
            "false" => return Value::Bool(false),
            "null" => return Value::Null,
            "__dir__" => return path_value(self.file.parent()),
            "__file__" => return path_value(Some(&self.file)),
            _ => {}
        }
        if let Some(known) = self.php.constants.get(name) {
            self.missed.extend_from_slice(&known.fallbacks);
            return known.value.clone();
        }
        let flag = name.strip_prefix("MYSQLI_CLIENT_").or_else(|| name.strip_prefix("MYSQL_CLIENT_"));
        if let Some((_, value)) = flag.and_then(|flag| FLAGS.iter().find(|(name, _)| *name == flag)) {
            return Value::Int(*value);
        }
        match name {
            "DIRECTORY_SEPARATOR" => Value::Text(b"/".to_vec()),
            "PHP_EOL" => Value::Text(b"\n".to_vec()),
            _ => Value::unknown(format!("the constant `{name}` is not set in this file")),
        }
    }

    fn isset(&mut self) -> Value {
        let mut all = Some(true);
        loop {
            let alone = matches!(self.tokens.get(self.at + 1), Some(Token::Symbol(")" | ",")));
            let set = match self.peek().cloned() {
                Some(Token::Variable(name)) if alone => {
                    self.at += 1;
                    match self.php.variables.get(&name).map(|known| &known.value) {
                        Some(Value::Unknown(_)) => None,
                        Some(value) => Some(!matches!(value, Value::Null)),
                        None => self.php.unread.is_empty().then_some(false),
                    }
                }
                _ => match self.expression() {
                    Value::Unknown(_) => None,
                    Value::Null | Value::Missing(_) => Some(false),
                    _ => Some(true),
                },
            };
            all = match (all, set) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            };
            if !self.accept(",") {
                break;
            }
        }
        if !self.accept(")") {
            self.close(")");
        }
        Value::from(all)
    }

    fn call(&mut self, word: &str, name: &str, arguments: &[Value]) -> Value {
        let first = arguments.first().cloned().unwrap_or_else(unreadable);
        let text = || first.text().map(|text| String::from_utf8_lossy(&text).into_owned());
        match word {
            "define" => {
                if let Ok(name) = text() {
                    let value = arguments.get(1).cloned().unwrap_or_else(unreadable);
                    self.define(&name, value);
                }
                Value::Bool(true)
            }
            "defined" => match text() {
                Ok(name) => self.defined(&name),
                Err(why) => Value::Unknown(why),
            },
            "constant" => text().map_or_else(Value::Unknown, |name| self.constant(&name, "")),
            "getenv" => text().map_or_else(Value::Unknown, |name| self.environment(&name)),
            // Bedrock's, and the official Docker image's.
            "env" | "getenv_docker" => {
                let Ok(name) = text() else { return first };
                let from_file = (word == "getenv_docker").then(|| (self.php.env)(&format!("{name}_FILE"))).flatten();
                if let Some(file) = from_file {
                    return file_text(file.as_bytes()).map_trimmed(|byte| matches!(byte, b'\r' | b'\n'));
                }
                match (self.environment(&name), arguments.get(1)) {
                    (Value::Missing(_), Some(fallback)) => fallback.clone(),
                    (value, _) => value,
                }
            }
            "dirname" => {
                let levels = arguments.get(1).map_or(Some(1), Value::int);
                match (first.text(), levels) {
                    (Ok(path), Some(levels)) => Value::Text(dirname(path, levels)),
                    (Err(why), _) => Value::Unknown(why),
                    _ => unreadable(),
                }
            }
            "realpath" => match first.text() {
                Ok(path) => fs::canonicalize(Path::new(OsStr::from_bytes(&path)))
                    .map_or(Value::Bool(false), |path| path_value(Some(&path))),
                Err(why) => Value::Unknown(why),
            },
            "file_exists" | "is_file" | "is_readable" | "is_dir" => self.exists(word, &first),
            "file_get_contents" => first.text().map_or_else(Value::Unknown, |path| file_text(&path)),
            "trim" | "rtrim" | "ltrim" | "chop" if arguments.len() == 1 => match first.text() {
                Ok(text) => {
                    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0 | 0x0b);
                    let begin =
                        if matches!(word, "trim" | "ltrim") { text.iter().take_while(|b| blank(b)).count() } else { 0 };
                    let text = &text[begin..];
                    let cut = if word == "ltrim" { 0 } else { text.iter().rev().take_while(|b| blank(b)).count() };
                    Value::Text(text[..text.len() - cut].to_vec())
                }
                Err(why) => Value::Unknown(why),
            },
            "empty" => first.truth().map_or_else(|| Value::Unknown(first.why()), |truth| Value::Bool(!truth)),
            "eval" => {
                match first {
                    Value::Text(code) if self.mode != Mode::Skip => self.follow(&code),
                    Value::Text(_) => {}
                    _ => self.unread("code in a string".to_owned()),
                }
                Value::Null
            }
            "array" => Value::unknown("it is an array"),
            _ => Value::unknown(format!("it calls `{name}()`, which is not run")),
        }
    }

    fn defined(&self, name: &str) -> Value {
        match self.php.constants.get(name).map(|known| &known.value) {
            Some(Value::Unknown(why)) => Value::Unknown(why.clone()),
            Some(_) => Value::Bool(true),
            None if self.php.unread.is_empty() => Value::Bool(false),
            None => Value::unknown(format!("`{name}` may be set in a file that was not read")),
        }
    }

    pub(super) fn environment(&mut self, name: &str) -> Value {
        match (self.php.env)(name) {
            Some(value) => Value::Text(value.into_bytes()),
            None => {
                let name = shown(name);
                if self.mode != Mode::Skip {
                    self.missed.push(name.clone());
                }
                Value::Missing(name)
            }
        }
    }

    /// `$_SERVER` holds the environment, and the request that there is none of here.
    pub(super) fn server(&mut self, name: &str) -> Value {
        const REQUEST: [&str; 11] = [
            "HTTP_",
            "HTTPS",
            "REMOTE_",
            "REQUEST_",
            "SERVER_",
            "SCRIPT_",
            "QUERY_",
            "DOCUMENT_ROOT",
            "PATH_",
            "PHP_SELF",
            "GATEWAY_",
        ];
        if REQUEST.iter().any(|begin| name.starts_with(begin)) {
            return Value::unknown(format!("it depends on the request (`$_SERVER['{}']`)", shown(name)));
        }
        self.environment(name)
    }

    fn exists(&self, word: &str, path: &Value) -> Value {
        let path = match path.text() {
            Ok(path) => PathBuf::from(OsStr::from_bytes(&path)),
            Err(why) => return Value::Unknown(why),
        };
        if !path.is_absolute() {
            return Value::unknown("it depends on the directory that PHP runs in");
        }
        let Ok(metadata) = fs::metadata(&path) else { return Value::Bool(false) };
        Value::Bool(match word {
            "is_file" => metadata.is_file(),
            "is_dir" => metadata.is_dir(),
            _ => true,
        })
    }

    fn unread(&mut self, what: String) {
        if self.mode != Mode::Skip && !self.php.unread.contains(&what) {
            self.php.unread.push(what);
        }
    }

    fn include(&mut self, path: &Value, once: bool) {
        if self.mode == Mode::Skip {
            return;
        }
        let path = match path.text() {
            Ok(path) => PathBuf::from(OsStr::from_bytes(&path)),
            Err(why) => return self.unread(format!("a file whose name is not known ({why})")),
        };
        if path.file_name() == Some(OsStr::new("wp-settings.php")) {
            // WordPress itself: by now it has its settings.
            self.php.finished |= self.mode == Mode::Live;
            return;
        }
        let path = self.file.parent().unwrap_or(Path::new("/")).join(path);
        let Ok(real) = fs::canonicalize(&path) else {
            return self.unread(format!("{}, which is not there", path.display()));
        };
        if !self.php.inside.iter().any(|inside| real.starts_with(inside)) {
            return self.unread(format!("{}, which is outside of the site", path.display()));
        }
        if once && self.php.included.contains(&real) {
            return;
        }
        if self.php.included.len() >= MAX_INCLUDES {
            return self.unread(format!("{}, one file too many", path.display()));
        }
        match read(&real) {
            Ok(source) => {
                self.php.included.push(real.clone());
                let mode = self.mode.clone();
                Run::new(self.php, token::tokens(&source), &real, mode).all();
            }
            Err(error) => self.unread(format!("{}: {}", path.display(), crate::state::plain(&error))),
        }
    }
}

trait Trimmed {
    fn map_trimmed(self, blank: fn(u8) -> bool) -> Self;
}

impl Trimmed for Value {
    fn map_trimmed(self, blank: fn(u8) -> bool) -> Self {
        match self {
            Self::Text(mut text) => {
                while text.last().is_some_and(|&byte| blank(byte)) {
                    text.pop();
                }
                Self::Text(text)
            }
            other => other,
        }
    }
}

/// A secret in a file of its own, as container platforms mount them.
fn file_text(path: &[u8]) -> Value {
    let path = Path::new(OsStr::from_bytes(path));
    if !path.is_absolute() {
        return Value::unknown("it is in a file whose place depends on the directory that PHP runs in");
    }
    match read(path) {
        Ok(text) if text.len() <= MAX_TEXT => Value::Text(text),
        Ok(_) => Value::unknown("it is too long"),
        Err(error) => Value::unknown(format!("it is in {}: {}", path.display(), crate::state::plain(&error))),
    }
}

fn path_value(path: Option<&Path>) -> Value {
    path.map_or_else(unreadable, |path| Value::Text(path.as_os_str().as_bytes().to_vec()))
}

/// PHP's `dirname`.
fn dirname(mut path: Vec<u8>, levels: i64) -> Vec<u8> {
    for _ in 0..levels.clamp(0, 4096) {
        while path.len() > 1 && path.last() == Some(&b'/') {
            path.pop();
        }
        match path.iter().rposition(|&byte| byte == b'/') {
            None => return b".".to_vec(),
            Some(0) => return b"/".to_vec(),
            Some(slash) => path.truncate(slash),
        }
        while path.len() > 1 && path.last() == Some(&b'/') {
            path.pop();
        }
    }
    path
}

/// A name that is shown: what is no name could be anything.
fn shown(name: &str) -> String {
    let plain = name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if plain { name.to_owned() } else { "…".to_owned() }
}
