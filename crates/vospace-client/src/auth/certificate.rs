//! Client certificates: one PEM file with certificate (often a proxy of ten days) and key.

use std::path::Path;

use jiff::SignedDuration;
use jiff::Timestamp;
use x509_parser::pem::Pem;

use super::unusable;
use crate::Result;

const REMEDY: &str = "run: cadc-get-cert -u <user>";

/// A certificate with its key, ready for TLS.
#[derive(Clone)]
pub(crate) struct Certificate {
    pem: Vec<u8>,
    not_after: Timestamp,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

impl Certificate {
    /// For the TLS configuration.
    pub(crate) fn identity(&self, path_hint: &str) -> Result<reqwest::Identity> {
        reqwest::Identity::from_pem(&self.pem).map_err(|error| {
            unusable(Path::new(path_hint), format!("not a usable certificate and key: {error}"), REMEDY)
        })
    }

    /// When it ends.
    pub(crate) fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Whether it is still valid.
    ///
    /// # Errors
    /// When it has expired, saying how long ago.
    pub(crate) fn check(&self, path: &Path) -> Result<()> {
        let age = Timestamp::now().duration_since(self.not_after);
        if age.is_positive() {
            return Err(unusable(path, format!("the certificate expired {} ago", in_words(age)), REMEDY));
        }
        Ok(())
    }
}

/// Reads a certificate file. One that has expired is no error before it is used: what is public can be read without it, and it
/// may be renewed at any moment.
///
/// # Errors
/// When it is missing, unreadable, or has no certificate or no key.
pub(crate) fn load(path: &Path) -> Result<Certificate> {
    let pem = std::fs::read(path).map_err(|error| unusable(path, error, REMEDY))?;
    let certificate = parse(&pem).map_err(|reason| unusable(path, reason, REMEDY))?;
    certificate.identity(&path.display().to_string())?;
    Ok(certificate)
}

/// Certificate and key from PEM text; an `Err` says what is wrong with it.
pub(crate) fn parse(pem: &[u8]) -> Result<Certificate, String> {
    let mut not_after = None;
    let mut has_key = false;
    for block in Pem::iter_from_buffer(pem) {
        let block = block.map_err(|error| format!("not a PEM file: {error}"))?;
        match block.label.as_str() {
            // The first one is the caller's own; those after it are the chain that signed it.
            "CERTIFICATE" if not_after.is_none() => {
                let certificate = block.parse_x509().map_err(|error| format!("not a certificate: {error}"))?;
                let seconds = certificate.validity().not_after.timestamp();
                not_after = Some(Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX));
            }
            label if label.ends_with("PRIVATE KEY") => has_key = true,
            _ => {}
        }
    }
    let not_after = not_after.ok_or("it contains no certificate")?;
    if !has_key {
        return Err("it contains no private key".to_owned());
    }
    Ok(Certificate { pem: pem.to_owned(), not_after })
}

fn in_words(age: SignedDuration) -> String {
    match (age.as_hours() / 24, age.as_hours(), age.as_mins()) {
        (days, _, _) if days > 1 => format!("{days} days"),
        (_, hours, _) if hours > 0 => format!("{hours} h"),
        (_, _, minutes) => format!("{minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn pem(days: i64) -> String {
        let mut parameters = rcgen::CertificateParams::new(vec!["user".to_owned()]).unwrap();
        let from = time(days - 10);
        parameters.not_before = rcgen::date_time_ymd(from.0, from.1, from.2);
        let to = time(days);
        parameters.not_after = rcgen::date_time_ymd(to.0, to.1, to.2);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        format!("{}{}", certificate.pem(), key.serialize_pem())
    }

    fn time(days: i64) -> (i32, u8, u8) {
        let date = (Timestamp::now() + SignedDuration::from_hours(24 * days)).to_zoned(jiff::tz::TimeZone::UTC).date();
        (i32::from(date.year()), date.month() as u8, date.day() as u8)
    }

    #[test]
    fn a_good_certificate_is_taken_and_every_bad_one_named_with_the_remedy() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("proxy.pem");
        let good = pem(5);
        std::fs::write(&path, &good).unwrap();
        assert!(load(&path).is_ok());
        let key_at = good.find("-----BEGIN PRIVATE KEY").unwrap();
        for (text, reason) in [
            (good[..key_at].to_owned(), "no private key"),
            (good[key_at..].to_owned(), "it contains no certificate"),
            ("hello".to_owned(), "it contains no certificate"),
            (
                good[..key_at].to_owned()
                    + "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
                "not a usable certificate and key: ",
            ),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = load(&path).unwrap_err();
            let shown = error.to_string();
            assert!(
                shown.contains(reason) && shown.contains("proxy.pem") && shown.contains("cadc-get-cert"),
                "{shown}"
            );
            assert_eq!(error.kind(), ErrorKind::Certificate);
        }
        assert!(load(&directory.path().join("none.pem")).unwrap_err().to_string().contains("none.pem"));
    }

    #[test]
    fn one_that_has_expired_is_read_and_says_so_when_it_is_to_be_used() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("proxy.pem");
        std::fs::write(&path, pem(-3)).unwrap();
        let error = load(&path).unwrap().check(&path).unwrap_err();
        let shown = error.to_string();
        assert!(
            shown.contains("proxy.pem: the certificate expired 3 days ago; ") && shown.contains("cadc-get-cert"),
            "{shown}"
        );
        assert_eq!(error.kind(), ErrorKind::Certificate);
    }

    #[test]
    fn ages_are_said_in_the_unit_that_fits() {
        assert_eq!(in_words(SignedDuration::from_mins(50)), "50 min");
        assert_eq!(in_words(SignedDuration::from_hours(3)), "3 h");
        assert_eq!(in_words(SignedDuration::from_hours(80)), "3 days");
    }
}
