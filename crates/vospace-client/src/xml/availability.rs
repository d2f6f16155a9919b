//! The availability document of VOSI 1.0.

use super::XmlError;
use super::tree::Element;
use super::write::{escape, push};

const VOSI: &str = "http://www.ivoa.net/xml/VOSIAvailability/v1.0";

/// Whether a service says that it is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Availability {
    /// Up and accepting requests.
    pub available: bool,
    /// What the operators have to say.
    pub notes: Vec<String>,
}

/// Reads an availability document.
///
/// # Errors
/// [`XmlError`] when it is broken or does not say.
pub fn read(bytes: &[u8]) -> Result<Availability, XmlError> {
    let root = Element::document(bytes, "availability")?;
    let available = match root.child_text("available") {
        Some("true" | "1") => true,
        Some("false" | "0") => false,
        Some(other) => return Err(XmlError::Value { what: "availability", value: other.to_owned() }),
        None => return Err(XmlError::Missing("availability")),
    };
    Ok(Availability { available, notes: root.children("note").map(|note| note.text.trim().to_owned()).collect() })
}

/// Writes an availability document.
#[must_use]
pub fn write(availability: &Availability) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<vosi:availability xmlns:vosi=\"{VOSI}\">\n\
         <vosi:available>{}</vosi:available>\n",
        availability.available
    );
    for note in &availability.notes {
        push(&mut text, format_args!("<vosi:note>{}</vosi:note>\n", escape(note)));
    }
    text.push_str("</vosi:availability>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_back() {
        for available in [true, false] {
            let document = Availability { available, notes: vec!["read-only <mode>".to_owned()] };
            assert_eq!(read(write(&document).as_bytes()).unwrap(), document);
        }
        assert!(read(b"<availability/>").is_err());
    }
}
