//! Just enough XML for S3's answers: the text, or the inside, of elements by name.

use quick_xml::Reader;
use quick_xml::events::Event;

/// The unescaped text of the first element of this name.
pub fn element(xml: &str, name: &str) -> Option<String> {
    let inside = elements(xml, name).into_iter().next()?;
    Some(unescape(&inside))
}

/// The raw inside of each element of this name, outermost ones only.
pub fn elements(xml: &str, name: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) if start.local_name().as_ref() == name => {
                let end = start.to_end().into_owned();
                match reader.read_text(end.name()) {
                    Ok(text) => found.push(text.to_string()),
                    Err(_) => return found,
                }
            }
            Ok(Event::Empty(start)) if start.local_name().as_ref() == name => {
                found.push(String::new());
            }
            Ok(Event::Eof) | Err(_) => return found,
            Ok(_) => {}
        }
    }
}

fn unescape(text: &str) -> String {
    match quick_xml::escape::unescape(text) {
        Ok(plain) => plain.into_owned(),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_texts_and_repeated_elements() {
        let xml = r#"<?xml version="1.0"?><R xmlns="x"><C><Key>a &amp; b</Key></C><C><Key/></C></R>"#;
        assert_eq!(element(xml, "Key").as_deref(), Some("a & b"));
        assert_eq!(elements(xml, "C"), ["<Key>a &amp; b</Key>", "<Key/>"]);
        assert_eq!(element(xml, "Nope"), None);
    }

    #[test]
    fn an_escaped_quote_is_a_quote() {
        assert_eq!(element("<E>&#34;ab&#34;</E>", "E").as_deref(), Some("\"ab\""));
        assert_eq!(element("<E>&quot;ab&quot;</E>", "E").as_deref(), Some("\"ab\""));
    }
}
