//! A program of the user's that prints a token.
//!
//! It is run as it stands in the configuration, without a shell, when a token is needed for the first time, when the one
//! that it printed ends (where that can be told), and when that one was refused. Who needs a token meanwhile waits for the
//! same run. A failure is believed for a moment, so that a thousand requests do not start a thousand programs.

use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::{BELIEVED, Secret, token};
use crate::node::Timestamp;
use crate::plain::Plain;
use crate::{Error, Result};

/// A token that ends sooner is not begun with.
const MARGIN: Duration = Duration::from_secs(30);

/// How long a failure is believed.
const PAUSE: Duration = Duration::from_secs(5);

/// Largest output that is read: tokens are shorter.
const MOST: u64 = 64 << 10;

/// See the module.
#[derive(Debug)]
pub(crate) struct Helper {
    words: Vec<String>,
    limit: Duration,
    state: tokio::sync::Mutex<State>,
    /// Until when the present token is good, for who only looks.
    until: parking_lot::Mutex<Option<Timestamp>>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Secret>,
    failure: Option<(Instant, Error)>,
    /// When a token was last dropped because it was refused.
    dropped: Option<Instant>,
}

impl Helper {
    pub(super) fn new(words: &[String], limit: Duration) -> Self {
        Helper {
            words: words.to_vec(),
            limit,
            state: tokio::sync::Mutex::default(),
            until: parking_lot::Mutex::default(),
        }
    }

    /// The program, for messages.
    pub(super) fn program(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    pub(super) fn until(&self) -> Option<Timestamp> {
        *self.until.lock()
    }

    /// A token that is good as far as can be told.
    pub(super) async fn token(&self) -> Result<Secret> {
        let mut state = self.state.lock().await;
        if let Some(token) = &state.token
            && token::lasts(token::expiry(token), MARGIN)
        {
            return Ok(token.clone());
        }
        if let Some((at, error)) = &state.failure
            && at.elapsed() < PAUSE
        {
            return Err(error.clone());
        }
        state.token = None;
        match self.run().await {
            Ok(token) => {
                *self.until.lock() = token::expiry(&token);
                *state = State { token: Some(token.clone()), failure: None, dropped: state.dropped };
                Ok(token)
            }
            Err(error) => {
                state.failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// This one was refused: the next call runs the program.
    pub(super) async fn forget(&self, refused: &Secret) {
        let mut state = self.state.lock().await;
        if state.token.as_ref() == Some(refused) && state.dropped.is_none_or(|at| at.elapsed() >= BELIEVED) {
            *state = State { token: None, failure: None, dropped: Some(Instant::now()) };
        }
    }

    async fn run(&self) -> Result<Secret> {
        let fail = |reason: String| Error::Credentials {
            what: format!("the command {}", self.program()),
            reason,
            remedy: "run it by hand: it has to print a token and nothing else (command in the configuration)"
                .to_owned(),
        };
        let mut child = Command::new(self.program())
            .args(self.words.iter().skip(1))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| fail(format!("it cannot be started: {error}")))?;
        let (out, errors) = (child.stdout.take(), child.stderr.take());
        let work = async {
            let (out, errors) = tokio::join!(read(out), read(errors));
            (child.wait().await, out, errors)
        };
        let Ok((status, out, errors)) = tokio::time::timeout(self.limit, work).await else {
            return Err(fail(format!("it printed no token within {} s", self.limit.as_secs())));
        };
        let status = status.map_err(|error| fail(error.to_string()))?;
        if !status.success() {
            let said = errors.lines().next().unwrap_or_default();
            let said = if said.is_empty() { String::new() } else { format!(": {}", Plain(said)) };
            return Err(fail(format!("it ended with {status}{said}")));
        }
        let token = Secret::new(out.trim());
        token::check(&token, "").map_err(|_| fail("what it printed is no token".to_owned()))?;
        Ok(token)
    }
}

/// What a program prints, as far as anybody wants it. To the end, so that it does not wait for a reader.
async fn read(from: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut from) = from else { return String::new() };
    let mut bytes = Vec::new();
    let _ = (&mut from).take(MOST).read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn helper(words: &[&str], limit: Duration) -> Helper {
        Helper::new(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), limit)
    }

    const LIMIT: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_program_is_run_once_and_again_when_its_token_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let count = directory.path().join("count").display().to_string();
        let script = format!("echo x >> {count}; echo token-$(wc -l < {count})");
        let helper = helper(&["sh", "-c", &script], LIMIT);
        let first = helper.token().await.unwrap();
        assert_eq!(first.expose(), "token-1");
        assert_eq!(helper.token().await.unwrap().expose(), "token-1");
        helper.forget(&Secret::new("another")).await;
        assert_eq!(helper.token().await.unwrap().expose(), "token-1");
        helper.forget(&first).await;
        let (one, other) = tokio::join!(helper.token(), helper.token());
        assert_eq!((one.unwrap().expose(), other.unwrap().expose()), ("token-2", "token-2"));
        // Not for every request to a service that refuses whatever it is shown.
        helper.forget(&Secret::new("token-2")).await;
        assert_eq!(helper.token().await.unwrap().expose(), "token-2");
    }

    #[tokio::test]
    async fn no_shell_reads_the_words_of_a_command() {
        let directory = tempfile::tempdir().unwrap();
        let made = directory.path().join("made");
        let word = format!("$(touch${{IFS}}{0});`touch`>{0}", made.display());
        let helper = helper(&["echo", &word], LIMIT);
        assert_eq!(helper.token().await.unwrap().expose(), word);
        assert!(!made.exists());
    }

    #[tokio::test]
    async fn a_program_that_does_not_do_is_named_and_not_run_for_every_request() {
        for (words, said) in [
            (&["/no/such/program"][..], "it cannot be started: "),
            (&["sh", "-c", "echo no agent >&2; exit 3"], "it ended with exit status: 3: no agent"),
            (&["sh", "-c", "echo two words"], "what it printed is no token"),
            (&["true"], "what it printed is no token"),
        ] {
            let error = helper(words, LIMIT).token().await.unwrap_err().to_string();
            assert!(error.contains(said) && error.contains(words[0]), "{error}");
        }
        let error = helper(&["sleep", "60"], Duration::from_millis(50)).token().await.unwrap_err().to_string();
        assert!(error.contains("it printed no token within 0 s"), "{error}");
        let directory = tempfile::tempdir().unwrap();
        let count = directory.path().join("count");
        let failing = helper(&["sh", "-c", &format!("echo x >> {}; exit 1", count.display())], LIMIT);
        assert!(failing.token().await.is_err() && failing.token().await.is_err());
        assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\n");
    }
}
