//! Values as SQL, byte for byte: what a client sends back is what the column held.

/// How a column's values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As the server prints it: integers, decimals, doubles.
    Number,
    /// In quotes where it is UTF-8, else in hex. Columns of UTF-8 and of bytes.
    Utf8,
    /// In quotes where it is ASCII, which every such charset shares; else in hex.
    Ascii,
    /// In hex: bits, geometry, charsets of wide characters.
    Hex,
    /// An `ENUM` without an empty member: its empty value is the error value, number 0.
    Enum {
        /// Whether quotes may hold more than ASCII.
        utf8: bool,
    },
}

/// Appends a value.
pub(super) fn push(form: Form, value: &[u8], to: &mut Vec<u8>) {
    match form {
        // `-0` would be an integer, and lose its sign.
        Form::Number if value == b"-0" => to.extend_from_slice(b"-0e0"),
        Form::Number => to.extend_from_slice(value),
        Form::Enum { .. } if value.is_empty() => to.push(b'0'),
        Form::Utf8 | Form::Enum { utf8: true } if is_plain_utf8(value) => push_quoted(value, to),
        Form::Ascii | Form::Enum { utf8: false } if value.is_ascii() => push_quoted(value, to),
        _ => push_hex(value, to),
    }
}

/// UTF-8 worth reading. A NUL is a sign of bytes, in which hex is the shorter form of most.
fn is_plain_utf8(value: &[u8]) -> bool {
    (value.is_ascii() || std::str::from_utf8(value).is_ok()) && memchr::memchr(0, value).is_none()
}

/// Which bytes need a backslash, and what stands behind it. A client reads `\r\n` in a file as
/// `\n`, and ends at a NUL: no such byte is ever in the text.
const ESCAPE: [u8; 256] = {
    let mut table = [0; 256];
    table[0] = b'0';
    table[b'\n' as usize] = b'n';
    table[b'\r' as usize] = b'r';
    table[0x1a] = b'Z';
    table[b'\'' as usize] = b'\'';
    table[b'"' as usize] = b'"';
    table[b'\\' as usize] = b'\\';
    table
};

/// Appends a string in quotes.
pub(super) fn push_quoted(value: &[u8], to: &mut Vec<u8>) {
    to.reserve(value.len() + 2);
    to.push(b'\'');
    let mut rest = value;
    // Text between escapes is copied as a whole.
    while let Some(at) = rest.iter().position(|&byte| ESCAPE[usize::from(byte)] != 0) {
        to.extend_from_slice(&rest[..at]);
        to.extend_from_slice(&[b'\\', ESCAPE[usize::from(rest[at])]]);
        rest = &rest[at + 1..];
    }
    to.extend_from_slice(rest);
    to.push(b'\'');
}

/// Appends `0x…`; an empty string has no hex form.
fn push_hex(value: &[u8], to: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    if value.is_empty() {
        to.extend_from_slice(b"''");
        return;
    }
    to.reserve(value.len() * 2 + 2);
    to.extend_from_slice(b"0x");
    to.extend(value.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]));
}

/// A string literal.
pub(super) fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    push_quoted(text.as_bytes(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// An identifier in backticks.
pub(super) fn name(text: &str) -> String {
    format!("`{}`", text.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(form: Form, value: &[u8]) -> String {
        let mut out = Vec::new();
        push(form, value, &mut out);
        String::from_utf8(out).expect("readable")
    }

    #[test]
    fn bytes_take_the_form_in_which_they_survive() {
        for (form, value, expected) in [
            (Form::Number, &b"-12.50"[..], "-12.50"),
            (Form::Number, b"-0", "-0e0"),
            (Form::Utf8, "a'b\"c\\d\r\n\x1aé".as_bytes(), r#"'a\'b\"c\\d\r\n\Zé'"#),
            (Form::Utf8, b"a\0b", "0x610062"),
            (Form::Utf8, b"\xff\xfe", "0xFFFE"),
            (Form::Utf8, b"", "''"),
            (Form::Ascii, b"caf\xe9", "0x636166E9"),
            (Form::Ascii, b"cafe\0", r"'cafe\0'"),
            (Form::Hex, b"\x05", "0x05"),
            (Form::Hex, b"", "''"),
            (Form::Enum { utf8: true }, b"", "0"),
            (Form::Enum { utf8: true }, "é".as_bytes(), "'é'"),
            (Form::Enum { utf8: false }, b"\xe9", "0xE9"),
        ] {
            assert_eq!(pushed(form, value), expected, "{form:?} {value:?}");
        }
    }

    #[test]
    fn names_keep_their_backticks() {
        assert_eq!(name("a`b"), "`a``b`");
    }
}
