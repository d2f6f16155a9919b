//! Taking secrets out of a text: those that are known here, by what they are; all others, by what they look like.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::{Map, Value};
use vospace_client::services::{self, AuthSettings};

/// What stands in place of a secret.
const HIDDEN: &str = "***";

/// A known secret that is shorter would be found in innocent words.
const SHORTEST: usize = 6;

/// What secrets look like, and what is left of them.
const PATTERNS: &[(&str, &str)] = &[
    (r"(?s)-----BEGIN [A-Z0-9 ]+-----.*?(-----END [A-Z0-9 ]+-----|\z)", "*** PEM ***"),
    // A JSON Web Token, wherever it stands.
    (r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?", HIDDEN),
    (r"(?i-u:\b(bearer|basic|negotiate))\s+[A-Za-z0-9._~+/=-]{6,}", "$1 ***"),
    (r"(?i-u:((?:set-)?cookie))(\\?\W{1,4})[^\r\n]+", "$1$2***"),
    (
        r#"(?i-u:\b([a-z0-9_-]*(?:authorization|token|password|passwd|secret|signature|credential|apikey|api-key|x-amz-[a-z-]+)))(\\?["']?\s*[:=]\s*\\?["']?)[^\s"',;&\\]+"#,
        "$1$2***",
    ),
    // Names and passwords in URLs, and all that stands behind a question mark: pre-authorised addresses carry it there.
    (r"(://)[^/@\s]+@", "$1***@"),
    (r#"(https?://[^\s?"']+)\?[^\s"']+"#, "$1?***"),
    // Or as a part of the path that no name of a person's is as long as, and without a dot as no file's is.
    (r"(/)[A-Za-z0-9_~+=-]{80,}(/|\b)", "$1***$2"),
];

/// See the module.
pub(super) struct Redactor {
    known: Vec<String>,
    patterns: Vec<(Regex, &'static str)>,
}

impl Redactor {
    /// Knows the credentials of this user: those of the environment, and those in the files that programs look at.
    pub(super) fn of_this_user() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let home = std::env::home_dir();
        let mut known: Vec<String> = ["VOSPACE_TOKEN", "CADC_PASSWORD"].into_iter().filter_map(variable).collect();
        let file = |name: &str| variable(name).map(PathBuf::from);
        known.extend(file("VOSPACE_TOKEN_FILE").iter().flat_map(|path| words(path, |_| true)));
        let certificates = [file("VOSPACE_CERTFILE"), home.as_ref().map(|home| home.join(".ssl/cadcproxy.pem"))];
        known.extend(certificates.iter().flatten().flat_map(|path| words(path, |word| !word.contains("-----"))));
        known.extend(home.iter().flat_map(|home| passwords(&home.join(".netrc"))));
        // A configuration that is wrong names no service that was talked to.
        let services = services::load().unwrap_or_default();
        let held = services.iter().filter_map(|service| service.auth.as_ref()).flat_map(AuthSettings::secret_files);
        known.extend(held.flat_map(|file| secrets(file)));
        Self::knowing(known)
    }

    fn knowing(mut known: Vec<String>) -> Self {
        known.iter_mut().for_each(|secret| *secret = secret.trim().to_owned());
        known.retain(|secret| secret.len() >= SHORTEST);
        // One that is part of another must not leave its rest.
        known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let patterns = PATTERNS
            .iter()
            .map(|(pattern, left)| (Regex::new(pattern).expect("invariant: a test compiles all of them"), *left));
        Redactor { known, patterns: patterns.collect() }
    }

    /// The text without them.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.known {
            clean = clean.replace(secret.as_str(), HIDDEN);
        }
        for (pattern, left) in &self.patterns {
            clean = pattern.replace_all(&clean, *left).into_owned();
        }
        clean
    }
}

/// What is secret in a file of nothing else: tokens as they are kept after a log-in, a certificate with its key, or one token or
/// password.
fn secrets(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    if let Ok(tokens) = serde_json::from_str::<Map<String, Value>>(&text) {
        let named = tokens.into_iter().filter(|(name, _)| name.ends_with("token"));
        return named.filter_map(|(_, token)| token.as_str().map(str::to_owned)).collect();
    }
    let words = text.split_whitespace().filter(|word| !word.contains("-----"));
    std::iter::once(text.trim()).chain(words).map(str::to_owned).collect()
}

fn words(path: &Path, is_secret: impl Fn(&str) -> bool) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().filter(|word| is_secret(word)).map(str::to_owned).collect()
}

fn passwords(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(2).filter(|pair| pair[0] == "password").map(|pair| pair[1].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_goes_and_the_rest_stays() {
        let redactor = Redactor::knowing(vec!["hunter22".into(), "hunter22-long".into(), "abc".into()]);
        for (text, gone, left) in [
            ("Authorization: Bearer abcdef.ghi-jkl rest", "abcdef", "rest"),
            ("authorization=\"Basic dXNlcjpwYXNz\"", "dXNlcjpwYXNz", "authorization"),
            ("Cookie: JSESSIONID=0123456789; other=secretvalue\nnext", "secretvalue", "next"),
            ("\"set-cookie\": \"CADC_SSO=tokenvalue; Path=/\"", "tokenvalue", "cookie"),
            ("VOSPACE_TOKEN=opaque123", "opaque123", "VOSPACE_TOKEN="),
            ("{\"token\": \"opaque456\", \"path\": \"/a\"}", "opaque456", "/a"),
            ("password = p4ssw0rd", "p4ssw0rd", "password"),
            ("got eyJhbGciOi.eyJzdWIi.c2ln now", "eyJzdWIi", "now"),
            ("GET https://user:pw123456@host/p/f.fits?X-Sig=abcdef&a=b done", "abcdef", "host/p/f.fits?*** done"),
            ("GET https://user:pw123456@host/p", "pw123456", "host/p"),
            ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADAN\n-----END PRIVATE KEY-----\nafter", "MIIEvQIBADAN", "after"),
            ("-----BEGIN PRIVATE KEY-----\nMIIEcut", "MIIEcut", "PEM"),
            ("said hunter22-long and hunter22", "hunter22", "said *** and ***"),
            (
                "PUT http://h/minoc/files/AAAAAAAAAAAAAAAAAAAABBBBBBBBBBBBBBBBBBBBCCCCCCCCCCCCCCCCCCCCDDDDDDDDDDDDDDDDDDDD/cadc:x",
                "CCCC",
                "minoc/files/***/cadc:x",
            ),
        ] {
            let clean = redactor.clean(text);
            assert!(!clean.contains(gone) && clean.contains(left), "{text}: {clean}");
        }
        let innocent = "abc lookup /run7/frame_0001.fits took 12 ms: no such file or directory (errno 2), pid 77";
        assert_eq!(redactor.clean(innocent), innocent);
    }
}
