//! Text of others, as it may be shown.
//!
//! What a service says (the text of a fault, a name, the target of a link) ends on terminals and in logs. A terminal obeys control
//! characters: an escape sequence can rewrite what is on the screen, or answer as if the user had typed it. In a log a newline
//! begins a line that nobody wrote, and marks of direction make a name look like another one. So whatever does something instead
//! of being seen is written as an escape (`\u{1b}`) here, and what only ends lines as a blank.
//!
//! What programs read (files, JSON, names in pipes) never goes through this module.

use std::fmt::{self, Write as _};
use std::io;

/// A text on one line, without a character that a terminal would obey.
///
/// ```
/// use vospace_client::Plain;
///
/// assert_eq!(Plain("a name\nwith an \u{1b}[2J").to_string(), r"a name with an \u{1b}[2J");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '\n' | '\t' | '\u{2028}' | '\u{2029}' => f.write_char(' ')?,
                '\r' => {}
                c if is_obeyed(c) => write!(f, "{}", c.escape_unicode())?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Whether a terminal does something instead of showing this: controls (C0, DEL and C1, among which is the one-character form of
/// the escape sequence), ends of lines, and marks that turn the direction of what follows.
#[must_use]
pub fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Where lines of a log go, each written by one call: each stays one line.
#[derive(Debug)]
pub struct PlainLines<W>(pub W);

impl<W: io::Write> io::Write for PlainLines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let shown = text.strip_suffix('\n').unwrap_or(&text);
        if shown.chars().any(is_obeyed) {
            writeln!(self.0, "{}", Plain(shown))?;
        } else {
            self.0.write_all(line)?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use io::Write as _;

    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        for (text, shown) in [
            ("a fault: été, 日本", "a fault: été, 日本"),
            ("\u{1b}]0;title\u{7}", r"\u{1b}]0;title\u{7}"),
            ("\u{9b}31m\u{7f}", r"\u{9b}31m\u{7f}"),
            ("first\r\nsecond\tthird\u{2028}fourth", "first second third fourth"),
            ("gpj.\u{202e}exe", r"gpj.\u{202e}exe"),
        ] {
            assert_eq!(Plain(text).to_string(), shown);
        }
    }

    #[test]
    fn a_line_of_a_log_stays_one() {
        let mut lines = PlainLines(Vec::new());
        lines.write_all(b"WARN failed path=/a\n").unwrap();
        lines.write_all(b"WARN failed path=/a\nERROR made up\x1b[2J\n").unwrap();
        let written = String::from_utf8(lines.0).unwrap();
        assert_eq!(written, "WARN failed path=/a\nWARN failed path=/a ERROR made up\\u{1b}[2J\n");
    }
}
