//! A modification time that a program set, as a property of the node (`--remote-mtime`).
//!
//! A VOSpace dates what it stores and lets nobody else do so. The property says of which version it is the time, because
//! other clients replace the bytes and leave the property behind.

use crate::clock::Millis;
use crate::version::Version;

/// The property's URI. No service gives it a meaning.
pub const KEY: &str = "vofs:mtime";

/// `mtime` of the bytes `version`.
pub fn to_text(mtime: Millis, version: &Version) -> String {
    let time = jiff::Timestamp::from_millisecond(mtime.0).unwrap_or_default();
    format!("{time:.3} {}", stamp(version))
}

/// The time that `text` gives, if it is that of `version`. Who wrote the bytes knew their digest; where the service does not
/// tell it (Astro Data Lab, pyvospace, observed), the length has to do.
pub fn of_text(text: &str, version: &Version) -> Option<Millis> {
    let (time, stamped) = text.split_once(' ')?;
    let time: jiff::Timestamp = time.parse().ok()?;
    stamped.starts_with(&stamp(version)).then(|| Millis(time.as_millisecond()))
}

fn stamp(version: &Version) -> String {
    let digest: String = version.md5.iter().flatten().map(|byte| format!("{byte:02x}")).collect();
    format!("{}:{digest}", version.length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_belongs_to_its_version() {
        let version = Version { length: 3, md5: Some([0xab; 16]), ..Version::default() };
        let text = to_text(Millis(1_000_000_000_123), &version);
        assert_eq!(text, format!("2001-09-09T01:46:40.123Z 3:{}", "ab".repeat(16)));
        assert_eq!(of_text(&text, &version), Some(Millis(1_000_000_000_123)));
        assert_eq!(of_text(&text, &Version { md5: Some([1; 16]), ..version.clone() }), None);
        let untold = Version { md5: None, ..version.clone() };
        assert_eq!(of_text(&text, &untold), Some(Millis(1_000_000_000_123)));
        assert_eq!(of_text(&text, &Version { length: 30, ..untold.clone() }), None);
        assert_eq!(of_text(&to_text(Millis(0), &untold), &version), None);
        for broken in ["", "yesterday 3:", "2001-09-09T01:46:40Z"] {
            assert_eq!(of_text(broken, &version), None);
        }
        assert_eq!(of_text(&to_text(Millis(-1_500), &version), &version), Some(Millis(-1_500)));
    }
}
