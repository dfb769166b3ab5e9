//! S3's XML as a small tree.
//!
//! The answers are data from a stranger, so reading is bounded in depth and number, knows no
//! document types and no entities but the five of XML itself, and never panics. Namespaces and
//! prefixes are dropped: providers disagree about them. Attributes are dropped too: S3's answers
//! say nothing in them that matters here.

use quick_xml::{
    Reader,
    events::{BytesText, Event},
};

/// Elements within elements, at the most. S3's deepest answer has five.
const MAX_DEPTH: usize = 16;

/// Elements in all, at the most. A page of 1,000 entries has some 15,000.
const MAX_ELEMENTS: usize = 100_000;

/// The namespace of every document of S3.
pub const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Why a text is not a document that we read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Nothing, or something else altogether: a web page, JSON, plain text.
    #[error("it is not XML")]
    NotXml,
    /// It ends too early.
    #[error("it ends in the middle")]
    Truncated,
    /// Deeper or larger than any answer of S3.
    #[error("it is deeper or larger than S3's answers are")]
    TooLarge,
    /// Not well-formed.
    #[error("it is not well-formed: {0}")]
    Malformed(String),
}

/// An element, by its local name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    /// Without a prefix.
    pub name: String,
    /// The text directly in it, to the letter.
    pub text: String,
    /// What is in it.
    pub children: Vec<Element>,
}

impl Element {
    /// The first child of this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of this name; `None` when it is empty or missing.
    #[must_use]
    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }
}

/// Reads a whole document; gives its root.
///
/// # Errors
/// When it is not XML, not complete, not well-formed or too large.
pub fn parse(text: &str) -> Result<Element, XmlError> {
    match read(text) {
        (Some(root), None) => Ok(root),
        (_, error) => Err(error.unwrap_or(XmlError::NotXml)),
    }
}

/// Reads as much of a document as there is: for error documents, where half of one is worth more
/// than none.
#[must_use]
pub fn parse_what_there_is(text: &str) -> Option<Element> {
    read(text).0
}

/// The name of a document's root, without reading further.
#[must_use]
pub fn root_name(text: &str) -> Option<String> {
    let mut reader = reader(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) | Event::Empty(tag) => return Some(tag.local_name().as_ref().to_owned()),
            Event::Text(text) if is_blank(&text) => {}
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            _ => return None,
        }
    }
}

/// A document in the namespace of S3: the root's name, and its children as pairs of name and
/// fields.
#[must_use]
pub fn write<'a, F>(root: &str, children: impl Iterator<Item = (&'a str, F)>) -> Vec<u8>
where
    F: IntoIterator<Item = (&'a str, String)>,
{
    let mut writer = quick_xml::Writer::new(Vec::new());
    let written = writer.create_element(root).with_attribute(("xmlns", NAMESPACE)).write_inner_content(|writer| {
        for (name, fields) in children {
            writer.create_element(name).write_inner_content(|writer| {
                for (field, value) in fields {
                    writer.create_element(field).write_text_content(BytesText::new(&value))?;
                }
                Ok(())
            })?;
        }
        Ok(())
    });
    debug_assert!(written.is_ok(), "writing to a Vec does not fail");
    writer.into_inner()
}

fn reader(text: &str) -> Reader<&[u8]> {
    Reader::from_str(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n'))
}

/// The root as far as it was read, and what stopped the reading before its end.
fn read(text: &str) -> (Option<Element>, Option<XmlError>) {
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let error = fill(text, &mut open, &mut root).err();
    while let Some(element) = open.pop() {
        close(element, &mut open, &mut root);
    }
    (root, error)
}

fn fill(text: &str, open: &mut Vec<Element>, root: &mut Option<Element>) -> Result<(), XmlError> {
    let mut reader = reader(text);
    let mut elements = 0;
    loop {
        let event = reader.read_event().map_err(|error| match error {
            quick_xml::Error::Syntax(_) => XmlError::Truncated,
            _ if root.is_none() && open.is_empty() => XmlError::NotXml,
            error => XmlError::Malformed(error.to_string()),
        })?;
        match event {
            Event::Start(ref tag) | Event::Empty(ref tag) => {
                if root.is_some() {
                    return Err(XmlError::Malformed("it has two roots".to_owned()));
                }
                elements += 1;
                if elements > MAX_ELEMENTS || open.len() >= MAX_DEPTH {
                    return Err(XmlError::TooLarge);
                }
                let name = tag.local_name().as_ref().to_owned();
                let element = Element { name, ..Element::default() };
                if matches!(event, Event::Empty(_)) {
                    close(element, open, root);
                } else {
                    open.push(element);
                }
            }
            Event::End(_) => {
                if let Some(element) = open.pop() {
                    close(element, open, root);
                }
            }
            Event::Text(text) => match open.last_mut() {
                Some(element) => element.text.push_str(&text.xml10_content()),
                None if is_blank(&text) => {}
                None if root.is_some() => {
                    return Err(XmlError::Malformed("text follows the root".to_owned()));
                }
                None => return Err(XmlError::NotXml),
            },
            Event::CData(data) => match open.last_mut() {
                Some(element) => element.text.push_str(&data.xml10_content()),
                None => return Err(XmlError::NotXml),
            },
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref() {
                    Ok(Some(character)) => Some(character),
                    Ok(None) => predefined(&reference),
                    Err(_) => None,
                };
                match (character, open.last_mut()) {
                    (Some(character), Some(element)) => element.text.push(character),
                    (_, None) => return Err(XmlError::NotXml),
                    (None, _) => {
                        return Err(XmlError::Malformed("it refers to an entity of its own".to_owned()));
                    }
                }
            }
            // Entities can only be declared here, and S3 declares nothing; web pages begin so.
            Event::DocType(_) => return Err(XmlError::NotXml),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
            Event::Eof if open.is_empty() && root.is_some() => return Ok(()),
            Event::Eof if open.is_empty() => return Err(XmlError::NotXml),
            Event::Eof => return Err(XmlError::Truncated),
        }
    }
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None => *root = Some(element),
    }
}

fn predefined(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_lose_their_prefix_and_text_keeps_every_character() {
        let root = parse(
            "\u{feff}\n<?xml version=\"1.0\"?>\n<!-- c --><s3:A xmlns:s3='x'><s3:K> a&amp;&#x41;&#66;<![CDATA[<c>]]> \
             </s3:K><E/></s3:A>\n",
        )
        .expect("reads");
        assert_eq!(root.name, "A");
        assert_eq!(root.text_of("K"), Some(" a&AB<c> "));
        assert_eq!(root.text_of("E"), None);
        assert!(root.child("E").is_some());
        assert_eq!(root.all("K").count(), 1);
    }

    #[test]
    fn whitespace_dripped_before_the_answer_is_nothing() {
        let drip = format!("<?xml version=\"1.0\"?>{}<R><Code>x</Code></R>", " \n".repeat(10_000));
        assert_eq!(parse(&drip).expect("reads").text_of("Code"), Some("x"));
        let early = format!("{}<?xml version=\"1.0\"?><R/>", " ".repeat(10_000));
        assert_eq!(parse(&early).expect("reads").name, "R");
        assert_eq!(root_name(&drip).as_deref(), Some("R"));
    }

    #[test]
    fn what_is_not_a_whole_document_says_why() {
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        let many = format!("<a>{}</a>", "<b/>".repeat(MAX_ELEMENTS));
        for (text, error) in [
            ("", XmlError::NotXml),
            ("   ", XmlError::NotXml),
            ("upstream connect error", XmlError::NotXml),
            ("{\"error\":1}", XmlError::NotXml),
            ("<!DOCTYPE html><html></html>", XmlError::NotXml),
            ("&amp;", XmlError::NotXml),
            ("<a><b>x</b>", XmlError::Truncated),
            ("<a><b", XmlError::Truncated),
            (deep.as_str(), XmlError::TooLarge),
            (many.as_str(), XmlError::TooLarge),
        ] {
            assert_eq!(parse(text), Err(error), "{}", text.get(..40).unwrap_or(text));
        }
        for text in ["<a>&nbsp;</a>", "<a></b>", "<a/><b/>", "<a/>x", "<a>&#0;</a>", "<a> & </a>"] {
            assert!(matches!(parse(text), Err(XmlError::Malformed(_))), "{text}");
        }
    }

    /// The billion laughs, and a file of this machine: both begin with a document type.
    #[test]
    fn no_entity_is_ever_expanded() {
        for text in [
            "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>",
            "<!DOCTYPE a [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><a>&f;</a>",
        ] {
            assert_eq!(parse(text), Err(XmlError::NotXml));
            assert_eq!(parse_what_there_is(text), None);
        }
    }

    #[test]
    fn half_a_document_is_read_as_far_as_it_goes() {
        let root = parse_what_there_is("<Error><Code>SlowDown</Code><Message>Please re").expect("has a root");
        assert_eq!(root.text_of("Code"), Some("SlowDown"));
        assert_eq!(root.text_of("Message"), Some("Please re"));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = write("R", [("P", [("E", "\"<&>'é\"".to_owned())])].into_iter());
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(text.starts_with("<R xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><P><E>"), "{text}");
        let root = parse(&text).expect("reads");
        assert_eq!(root.child("P").and_then(|p| p.text_of("E")), Some("\"<&>'é\""));
    }

    proptest! {
        #[test]
        fn nothing_panics(text in ".*") {
            let some = parse_what_there_is(&text);
            let _ = root_name(&text);
            if let Ok(whole) = parse(&text) {
                prop_assert_eq!(some, Some(whole));
            }
        }

        #[test]
        fn nothing_near_xml_panics(text in "(<|>|</|/>|&|;|#|x|!|\\[CDATA\\[|\\]\\]>|<!--|-->|\\?|\"|'|=| |a|b|\\n|é){0,40}") {
            let root = parse_what_there_is(&text);
            if let Ok(whole) = parse(&text) {
                prop_assert_eq!(root_name(&text), Some(whole.name.clone()));
                prop_assert_eq!(root, Some(whole));
            }
        }
    }
}
