//! The table within a document that people write: only what stands between the two markers is replaced.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

const BEGIN: &str = "<!-- results: written by make bench -->";
const END: &str = "<!-- end of results -->";

/// Puts the text between the markers of the document.
pub(crate) fn update(document: &Path, text: &str) -> Result<()> {
    let before = fs::read_to_string(document).with_context(|| document.display().to_string())?;
    let after =
        replaced(&before, text).with_context(|| format!("{} lacks the lines {BEGIN} and {END}", document.display()))?;
    fs::write(document, after).with_context(|| document.display().to_string())
}

fn replaced(document: &str, text: &str) -> Option<String> {
    let begin = document.find(BEGIN)? + BEGIN.len();
    let end = begin + document[begin..].find(END)?;
    Some(format!("{}\n\n{}\n\n{}", &document[..begin], text.trim_end(), &document[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_stays_and_figures_change() {
        let document = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        let new = replaced(&document, "new\n").unwrap();
        assert_eq!(new, format!("before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"));
        assert_eq!(replaced(&new, "new").unwrap(), new);
        assert_eq!(replaced("no markers", "new"), None);
    }
}
