//! Names as a shell reads them: quoted where they need it, so that what was printed can be fed back.
//!
//! On a terminal this also keeps control characters and marks of direction in names from doing anything to it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::IsTerminal as _;

use clap::Args;
use vospace_client::plain::is_obeyed;

/// When names are quoted.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Quoting {
    /// Quote names for a shell where they need it (always so on a terminal)
    #[arg(short = 'Q', long, overrides_with = "literal")]
    quote_name: bool,
    /// Print names as they are (always so into files and pipes)
    #[arg(short = 'N', long, overrides_with = "quote_name")]
    literal: bool,
}

impl Quoting {
    /// How names are to be printed.
    pub(crate) fn style(self) -> Style {
        let quoted = self.quote_name || (!self.literal && std::io::stdout().is_terminal());
        if quoted { Style::Quoted } else { Style::Literal }
    }
}

/// How names are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As they are.
    Literal,
    /// For a shell.
    Quoted,
}

impl Style {
    /// A name in this style.
    pub(crate) fn show(self, name: &str) -> Cow<'_, str> {
        if self == Style::Literal || is_plain(name) { name.into() } else { quoted(name).into() }
    }
}

/// Whether no shell sees anything special in a name.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "_-./:+,=@%".contains(c);
    !name.is_empty() && name.chars().all(plain)
}

fn quoted(name: &str) -> String {
    if !name.chars().any(is_obeyed) {
        return format!("'{}'", name.replace('\'', r"'\''"));
    }
    let mut text = String::from("$'");
    for c in name.chars() {
        match c {
            '\'' | '\\' => text.extend(['\\', c]),
            c if is_obeyed(c) => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| {
                let _ = write!(text, "\\x{byte:02x}");
            }),
            c => text.push(c),
        }
    }
    text + "'"
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_back_what_was_printed() {
        let names = [
            "a.fits",
            "a b",
            "it's",
            "a;b",
            "a(1)",
            "$HOME",
            "été",
            "a\\b",
            "*",
            "",
            "~x",
            "\x1b[31m'\\",
            "a\u{85}b",
            "a\u{202e}b",
        ];
        for name in names {
            let line = format!("printf %s {}", Style::Quoted.show(name));
            let output = Command::new("bash").args(["-c", &line]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), name, "{line}");
        }
    }

    #[test]
    fn nothing_is_quoted_without_need_or_wish() {
        assert_eq!(Style::Quoted.show("vos:demo/a-1_b.fits"), "vos:demo/a-1_b.fits");
        assert_eq!(Style::Literal.show("a b"), "a b");
        assert!(!Style::Quoted.show("\x1b[31m\u{202e}").contains(is_obeyed));
    }
}
