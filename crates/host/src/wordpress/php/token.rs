//! PHP's tokens, as many as configuration files have. Never fails: what is not PHP becomes
//! [`Token::Other`], and what reads the tokens gives up there.

/// One token. Comments and white space are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// `$name`, without the `$`.
    Variable(Vec<u8>),
    /// A keyword, function, constant or class, with its namespace.
    Name(Vec<u8>),
    /// A string's value.
    Text(Vec<u8>),
    /// A string with variables in it.
    Template(Vec<Piece>),
    Int(i64),
    /// One of [`SYMBOLS`], or a single character.
    Symbol(&'static str),
    /// `?>`, text, `<?php`: ends a statement.
    Html,
    /// Anything else.
    Other,
}

/// What a string with variables is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(Vec<u8>),
    Variable(Vec<u8>),
    /// `{$a['b']}` and the like.
    Other,
}

/// The longest first.
const SYMBOLS: [&str; 48] = [
    "<=>", "===", "!==", "??=", "...", "?->", "**=", "==", "!=", "<>", "<=", ">=", "&&", "||", "??", "::", "->", "=>",
    ".=", "+=", "-=", "*=", "|=", "&=", "<<", ">>", "**", "(", ")", "[", "]", "{", "}", ";", ",", ".", "=", "!", "?",
    ":", "|", "&", "@", "+", "-", "<", ">", "*",
];

/// Reads a file's tokens, from its first `<?php` on.
pub(super) fn tokens(source: &[u8]) -> Vec<Token> {
    let mut lexer = Lexer { source, at: 0, tokens: Vec::new() };
    lexer.html();
    // What stands before the first tag is no statement.
    lexer.tokens.clear();
    while lexer.at < source.len() {
        lexer.token();
    }
    lexer.tokens
}

/// Reads code without tags, as `eval` takes it.
pub(super) fn code(source: &[u8]) -> Vec<Token> {
    let mut lexer = Lexer { source, at: 0, tokens: Vec::new() };
    while lexer.at < source.len() {
        lexer.token();
    }
    lexer.tokens
}

struct Lexer<'a> {
    source: &'a [u8],
    at: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn rest(&self) -> &[u8] {
        &self.source[self.at..]
    }

    fn starts(&self, text: &str) -> bool {
        self.rest().len() >= text.len() && self.rest()[..text.len()].eq_ignore_ascii_case(text.as_bytes())
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> Vec<u8> {
        let len = self.rest().iter().position(|&byte| !wanted(byte)).unwrap_or(self.rest().len());
        let taken = self.rest()[..len].to_vec();
        self.at += len;
        taken
    }

    /// Text outside of tags, up to the next one.
    fn html(&mut self) {
        self.tokens.push(Token::Html);
        while self.at < self.source.len() {
            if self.starts("<?php") {
                self.at += 5;
                return;
            }
            if self.starts("<?=") {
                self.at += 3;
                return;
            }
            self.at += 1;
        }
    }

    fn token(&mut self) {
        let byte = self.source[self.at];
        if byte.is_ascii_whitespace() || byte == 0x0b {
            self.at += 1;
        } else if self.starts("?>") {
            self.at += 2;
            self.html();
        } else if (byte == b'#' && !self.starts("#[")) || self.starts("//") {
            self.line_comment();
        } else if self.starts("/*") {
            let end = find(&self.rest()[2..], b"*/").map_or(self.rest().len(), |end| end + 4);
            self.at += end;
        } else if byte == b'$' && self.rest().get(1).is_some_and(|&byte| begins_name(byte)) {
            self.at += 1;
            let name = self.take_while(continues_name);
            self.tokens.push(Token::Variable(name));
        } else if begins_name(byte) || (byte == b'\\' && self.rest().get(1).is_some_and(|&byte| begins_name(byte))) {
            let name = self.take_while(|byte| continues_name(byte) || byte == b'\\');
            self.tokens.push(Token::Name(name));
        } else if byte.is_ascii_digit() {
            self.number();
        } else if byte == b'\'' {
            self.single_quoted();
        } else if byte == b'"' {
            self.double_quoted();
        } else if self.starts("<<<") && self.heredoc() {
        } else if let Some(&symbol) = SYMBOLS.iter().find(|symbol| self.starts(symbol)) {
            self.at += symbol.len();
            self.tokens.push(Token::Symbol(symbol));
        } else {
            self.at += 1;
            self.tokens.push(Token::Other);
        }
    }

    /// A `?>` ends such a comment too.
    fn line_comment(&mut self) {
        while self.at < self.source.len() && !matches!(self.source[self.at], b'\n' | b'\r') && !self.starts("?>") {
            self.at += 1;
        }
    }

    fn number(&mut self) {
        let digits = self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let text: String = digits.iter().filter(|&&byte| byte != b'_').map(|&byte| char::from(byte)).collect();
        let text = text.to_ascii_lowercase();
        let value = if let Some(hex) = text.strip_prefix("0x") {
            i64::from_str_radix(hex, 16)
        } else if let Some(binary) = text.strip_prefix("0b") {
            i64::from_str_radix(binary, 2)
        } else if text.len() > 1 && text.starts_with('0') {
            i64::from_str_radix(text[1..].trim_start_matches('o'), 8)
        } else {
            text.parse()
        };
        self.tokens.push(value.map_or(Token::Other, Token::Int));
    }

    fn single_quoted(&mut self) {
        self.at += 1;
        let mut text = Vec::new();
        while let Some(&byte) = self.source.get(self.at) {
            self.at += 1;
            match (byte, self.source.get(self.at)) {
                (b'\'', _) => return self.tokens.push(Token::Text(text)),
                (b'\\', Some(&escaped @ (b'\\' | b'\''))) => {
                    self.at += 1;
                    text.push(escaped);
                }
                _ => text.push(byte),
            }
        }
        self.tokens.push(Token::Other);
    }

    fn double_quoted(&mut self) {
        let begin = self.at + 1;
        let mut end = begin;
        while let Some(&byte) = self.source.get(end) {
            match byte {
                b'"' => {
                    let token = template(&self.source[begin..end], Some(b'"'));
                    self.tokens.push(token);
                    self.at = end + 1;
                    return;
                }
                b'\\' => end += 2,
                _ => end += 1,
            }
        }
        self.at = self.source.len();
        self.tokens.push(Token::Other);
    }

    /// `<<<LABEL`, `<<<"LABEL"` and `<<<'LABEL'`, with the closing label's indentation removed.
    fn heredoc(&mut self) -> bool {
        let rest = &self.rest()[3..];
        let Some(line_end) = rest.iter().position(|&byte| byte == b'\n') else { return false };
        let label = rest[..line_end].trim_ascii();
        let (label, raw) = match label {
            [b'\'', label @ .., b'\''] => (label, true),
            [b'"', label @ .., b'"'] => (label, false),
            label => (label, false),
        };
        if !label.first().is_some_and(|&byte| begins_name(byte)) || !label.iter().all(|&byte| continues_name(byte)) {
            return false;
        }
        let body = &rest[line_end + 1..];
        let mut lines: Vec<&[u8]> = Vec::new();
        let mut used = 3 + line_end + 1;
        let mut closed = None;
        for line in body.split_inclusive(|&byte| byte == b'\n') {
            let indent = line.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
            let after = line[indent..].strip_prefix(label);
            if let Some(after) = after
                && !after.first().is_some_and(|&byte| continues_name(byte))
            {
                used += indent + label.len();
                closed = Some(indent);
                break;
            }
            lines.push(line);
            used += line.len();
        }
        let Some(indent) = closed else { return false };
        let mut text: Vec<u8> = Vec::new();
        for line in lines {
            let own = line.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
            text.extend_from_slice(&line[own.min(indent)..]);
        }
        // The last line end belongs to the closing label.
        if text.last() == Some(&b'\n') {
            text.pop();
            if text.last() == Some(&b'\r') {
                text.pop();
            }
        }
        self.tokens.push(if raw { Token::Text(text) } else { template(&text, None) });
        self.at += used;
        true
    }
}

/// What stands between double quotes, or in a heredoc.
fn template(source: &[u8], quote: Option<u8>) -> Token {
    let mut pieces = Vec::new();
    let mut text = Vec::new();
    let mut at = 0;
    while at < source.len() {
        let rest = &source[at..];
        match rest {
            [b'\\', ..] => at += escape(rest, quote, &mut text),
            [b'$', next, ..] if begins_name(*next) => {
                let len = rest[1..].iter().position(|&byte| !continues_name(byte)).unwrap_or(rest.len() - 1);
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                // `$a[0]` and `$a->b` are looked up too.
                let plain = !matches!(rest.get(len + 1), Some(b'[')) && !rest[len + 1..].starts_with(b"->");
                pieces.push(if plain { Piece::Variable(rest[1..=len].to_vec()) } else { Piece::Other });
                at += len + 1;
            }
            [b'{', b'$', ..] => {
                let len = rest.iter().position(|&byte| byte == b'}').unwrap_or(rest.len() - 1);
                let name = &rest[2..len.max(2)];
                let plain =
                    name.first().is_some_and(|&byte| begins_name(byte)) && name.iter().all(|&b| continues_name(b));
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(if plain { Piece::Variable(name.to_vec()) } else { Piece::Other });
                at += len + 1;
            }
            [b'$', b'{', ..] => {
                pieces.push(Piece::Other);
                at += 2;
            }
            _ => {
                text.push(rest[0]);
                at += 1;
            }
        }
    }
    if pieces.is_empty() {
        return Token::Text(text);
    }
    pieces.push(Piece::Text(text));
    Token::Template(pieces)
}

/// One escape; what PHP does not know keeps its backslash. Gives how long it was.
fn escape(source: &[u8], quote: Option<u8>, text: &mut Vec<u8>) -> usize {
    let Some(&next) = source.get(1) else {
        text.push(b'\\');
        return 1;
    };
    let simple = match next {
        b'n' => Some(b'\n'),
        b't' => Some(b'\t'),
        b'r' => Some(b'\r'),
        b'v' => Some(0x0b),
        b'e' => Some(0x1b),
        b'f' => Some(0x0c),
        b'\\' | b'$' => Some(next),
        _ if quote == Some(next) => Some(next),
        _ => None,
    };
    if let Some(byte) = simple {
        text.push(byte);
        return 2;
    }
    let digits = |from: usize, most: usize, radix: u32| {
        let digits = source[from.min(source.len())..].iter().take(most);
        digits.take_while(|byte| char::from(**byte).is_digit(radix)).count()
    };
    let number = |from: usize, len: usize, radix: u32| {
        std::str::from_utf8(&source[from..from + len]).ok().and_then(|text| u32::from_str_radix(text, radix).ok())
    };
    match next {
        b'0'..=b'7' => {
            let len = digits(1, 3, 8);
            // `\400` overflows to `\000`, in PHP's own words.
            text.extend(number(1, len, 8).map(|value| (value & 0xff) as u8));
            1 + len
        }
        b'x' if digits(2, 2, 16) > 0 => {
            let len = digits(2, 2, 16);
            text.extend(number(2, len, 16).map(|value| (value & 0xff) as u8));
            2 + len
        }
        b'u' if source.get(2) == Some(&b'{') => {
            let len = digits(3, 8, 16);
            match number(3, len, 16).and_then(char::from_u32) {
                Some(c) if source.get(3 + len) == Some(&b'}') => {
                    text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                    4 + len
                }
                _ => {
                    text.extend_from_slice(b"\\u");
                    2
                }
            }
        }
        _ => {
            text.extend_from_slice(&[b'\\', next]);
            2
        }
    }
}

fn begins_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn continues_name(byte: u8) -> bool {
    begins_name(byte) || byte.is_ascii_digit()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(source: &str) -> Vec<u8> {
        match &code(source.as_bytes())[..] {
            [Token::Text(text)] => text.clone(),
            other => panic!("{source}: {other:?}"),
        }
    }

    /// Each expectation is what PHP 8.2 prints.
    #[test]
    fn strings_are_phps() {
        let table: &[(&str, &[u8])] = &[
            (r"'a\'b\\c\n'", br"a'b\c\n"),
            (r#""a\"b\\c\n\t\$x\q'""#, b"a\"b\\c\n\t$x\\q'"),
            (r#""\101\x41\u{41}\u{20ac}\8\x""#, "AAA€\\8\\x".as_bytes()),
            (r#""a$ b$1 c{ d}""#, b"a$ b$1 c{ d}"),
            ("<<<X\na\\\"b\n  c\nX", b"a\\\"b\n  c"),
            ("<<<'X'\n$a\\n\nX", b"$a\\n"),
            ("<<<\"X\"\n    a\n      b\n    X", b"a\n  b"),
            ("<<<X\r\na\r\nb\r\nX", b"a\r\nb"),
            ("<<<X\nX1\nX", b"X1"),
            ("''", b""),
        ];
        for (source, want) in table {
            assert_eq!(text(source), *want, "{source}");
        }
    }

    #[test]
    fn a_string_with_variables_is_one() {
        let [Token::Template(pieces)] = &code(br#""a$b{$c}$d[0]""#)[..] else { panic!() };
        let variable = |name: &[u8]| Piece::Variable(name.to_vec());
        assert_eq!(pieces[1], variable(b"b"));
        assert_eq!(pieces[3], variable(b"c"));
        assert_eq!(pieces[5], Piece::Other);
    }

    #[test]
    fn comments_and_tags_are_no_code() {
        let source = b"\xef\xbb\xbf<html><?php // x ?> text <?php # y\n1 /* 'z */ 2 ?>\n";
        assert_eq!(tokens(source), [Token::Html, Token::Int(1), Token::Int(2), Token::Html]);
        assert_eq!(tokens(b"no code at all"), []);
        assert_eq!(code(b"'no end"), [Token::Other]);
        assert_eq!(code(b"\"no end\\"), [Token::Other]);
    }

    #[test]
    fn numbers_are_phps() {
        let want = [255, 8, 5, 1_000, 0].map(Token::Int);
        assert_eq!(code(b"0xFF 010 0b101 1_000 0"), want);
    }
}
