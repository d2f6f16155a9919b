//! Where the tokens of a log-in are kept between programs.
//!
//! A JSON document that only its owner can read, replaced whole. An issuer may change the token for renewing at each use
//! and take a second use of the old one for theft, so who renews holds the lock beside the file, from reading to writing.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::auth::{Secret, private};
use crate::node::Timestamp;
use crate::{Error, Result};

/// How long another program may take to renew.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the lock is tried meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// What the file holds. Written by us; others may write such files too.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Tokens {
    /// Goes along with requests.
    pub(crate) access_token: String,
    /// Renews it; some issuers give none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) refresh_token: Option<String>,
    /// When the access token ends, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<i64>,
    /// When it was given, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) obtained_at: Option<i64>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Tokens {
    /// The access token.
    pub(crate) fn access(&self) -> Secret {
        Secret::new(self.access_token.clone())
    }

    /// When the access token ends, where that can be told.
    pub(crate) fn until(&self) -> Option<Timestamp> {
        let said = self.expires_at.and_then(|seconds| Timestamp::from_second(seconds).ok());
        said.or_else(|| crate::auth::token::expiry(&self.access()))
    }

    /// How long before its end it is renewed: some time for the requests that it is to go along with, and little of a short
    /// life.
    pub(crate) fn margin(&self) -> Duration {
        const USUAL: Duration = Duration::from_secs(30);
        let life = self.until().zip(self.obtained_at).map(|(until, from)| until.as_second().saturating_sub(from));
        life.map_or(USUAL, |life| USUAL.min(Duration::from_secs(life.max(0).unsigned_abs()) / 4))
    }
}

/// Reads the file; none when there is none.
///
/// # Errors
/// One that cannot be read or holds something else.
pub(crate) fn read(path: &Path) -> Result<Option<Tokens>> {
    let fail = |reason: String| broken(path, reason);
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fail(error.to_string())),
    };
    private::warn_if_not(path);
    let tokens: Tokens = serde_json::from_slice(&text)
        .map_err(|error| fail(format!("it is no document with an access_token (at line {})", error.line())))?;
    Ok(Some(tokens))
}

/// Replaces the file.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(path: &Path, tokens: &Tokens) -> Result<()> {
    let fail = |error: std::io::Error| broken(path, format!("it cannot be written: {error}"));
    let text = serde_json::to_vec_pretty(tokens).map_err(|error| broken(path, error.to_string()))?;
    // A temporary file is private from the start.
    let mut file = tempfile::NamedTempFile::new_in(directory(path)?).map_err(fail)?;
    file.write_all(&text).and_then(|()| file.as_file().sync_all()).map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error))?;
    Ok(())
}

/// Removes the file; says whether there was one.
///
/// # Errors
/// When it stays.
pub(crate) fn remove(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::local(path, &error)),
    }
}

/// Waits until no other program renews. The lock ends with what is given.
///
/// # Errors
/// When it cannot be had in time, or its file not be made.
pub(crate) async fn lock(path: &Path) -> Result<File> {
    let place = beside(path);
    let fail = |error: std::io::Error| broken(&place, format!("it cannot be locked: {error}"));
    directory(path)?;
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&place).map_err(fail)?;
    let wait = async {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK).await,
                Err(TryLockError::Error(error)) => return Err(fail(error)),
            }
        }
    };
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(result) => result.map(|()| file),
        Err(_) => Err(broken(&place, format!("another program has held it for {} s", PATIENCE.as_secs()))),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    path.with_file_name(name)
}

/// The directory of the file, made if need be.
fn directory(path: &Path) -> Result<&Path> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| broken(directory, format!("it cannot be made: {error}")))?;
    Ok(directory)
}

fn broken(path: &Path, reason: String) -> Error {
    crate::auth::unusable(path, reason, "choose another place (token-file in the configuration), or log in again")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn tokens_are_private_from_the_start_and_never_shown() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/er/x.json");
        assert_eq!(read(&path).unwrap(), None);
        let tokens =
            Tokens { access_token: "ACCESS".into(), refresh_token: Some("REFRESH".into()), ..Tokens::default() };
        for _ in 0..2 {
            write(&path, &tokens).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(read(&path).unwrap(), Some(tokens.clone()));
        assert!(!format!("{tokens:?}").contains("ACCESS") && !format!("{tokens:?}").contains("REFRESH"));
        assert!(remove(&path).unwrap() && !remove(&path).unwrap());
        fs::write(&path, "SECRET but no JSON").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(
            error.contains("x.json: it is no document with an access_token") && !error.contains("SECRET"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_place_where_nothing_can_be_kept_is_named_with_another_way() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let remedy = "; choose another place (token-file in the configuration), or log in again";
        let occupied = directory.path().join("taken");
        fs::create_dir_all(occupied.join("within")).unwrap();
        fs::create_dir(directory.path().join("locked.lock")).unwrap();
        for (error, said) in [
            (write(&file.join("x.json"), &Tokens::default()).unwrap_err(), "/file: it cannot be made: "),
            (write(&occupied, &Tokens::default()).unwrap_err(), "/taken: it cannot be written: "),
            (lock(&directory.path().join("locked")).await.unwrap_err(), "/locked.lock: it cannot be locked: "),
        ] {
            let shown = error.to_string();
            assert!(shown.contains(said) && shown.ends_with(remedy), "{shown}");
        }
    }

    #[test]
    fn a_short_life_is_used_for_the_most_part() {
        let tokens = |life: i64| Tokens { expires_at: Some(1000 + life), obtained_at: Some(1000), ..Tokens::default() };
        for (life, margin) in [(3600, 30), (120, 30), (8, 2), (0, 0), (-5, 0)] {
            assert_eq!(tokens(life).margin(), Duration::from_secs(margin), "{life}");
        }
        assert_eq!(Tokens::default().margin(), Duration::from_secs(30));
    }

    #[tokio::test(start_paused = true)]
    async fn one_renews_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.json");
        let held = lock(&path).await.unwrap();
        let error = lock(&path).await.unwrap_err().to_string();
        assert!(error.contains("x.json.lock: another program has held it for 60 s"), "{error}");
        drop(held);
        lock(&path).await.unwrap();
    }
}
