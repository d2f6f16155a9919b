//! The mode argument of `vchmod`, as a whole or not at all: `o+rxyz` is no mode.

use std::str::FromStr;

/// What is to be changed for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mode {
    /// Everybody's right to read.
    pub(super) others: bool,
    /// The lists of groups.
    pub(super) groups: bool,
    /// `+` and `=`; not `-`.
    pub(super) gives: bool,
    /// `r` and `w`, in the order in which they were written.
    pub(super) letters: Vec<char>,
    /// What stands behind a colon.
    pub(super) group: Option<String>,
    /// As the user wrote it.
    pub(super) text: String,
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("Invalid mode: {text}; it is (og|go|o|g)(+|-|=)(rw|wr|r|w), like o+r or g-w");
        let (mode, group) = match text.split_once(':') {
            Some((mode, group)) => (mode, Some(group.to_owned()).filter(|group| !group.is_empty())),
            None => (text, None),
        };
        let at = mode.find(['+', '-', '=']).ok_or_else(invalid)?;
        let (who, what) = (&mode[..at], &mode[at + 1..]);
        let gives = !mode[at..].starts_with('-');
        let (others, groups) = match who {
            "o" => (true, false),
            "g" => (false, true),
            "og" | "go" => (true, true),
            _ => return Err(invalid()),
        };
        if !matches!(what, "r" | "w" | "rw" | "wr") || (text.contains(':') && group.is_none()) {
            return Err(invalid());
        }
        if others && gives && what.contains('w') {
            // The flag that would be set lets everybody read, which is not what was asked for.
            return Err(format!(
                "{text}: others cannot be given write; o+r lets them read, g+w GROUP lets a group write"
            ));
        }
        if others && what == "w" {
            return Err(format!("{text}: others never have write, so there is nothing to take away"));
        }
        Ok(Mode { others, groups, gives, letters: what.chars().collect(), group, text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_mode_is_read() {
        for text in ["o+r", "o-r", "o=r", "o-rw", "g+r", "g=w", "g-wr", "g+rw", "og+r", "go-r", "og-rw", "g+r:GROUP"] {
            assert!(text.parse::<Mode>().is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_mode_is_refused() {
        for text in ["", "r", "u+r", "o+", "o+x", "o+rxyz", "o+rr", "a+r", "644", "+r", "g+r:", "o r"] {
            assert!(text.parse::<Mode>().unwrap_err().contains("Invalid mode"), "{text}");
        }
    }

    #[test]
    fn nobody_is_made_public_by_asking_for_write() {
        for text in ["o+w", "o=w", "o+rw", "og+w", "o-w"] {
            assert!(text.parse::<Mode>().unwrap_err().contains("others"), "{text}");
        }
    }
}
