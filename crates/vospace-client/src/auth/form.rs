//! A cookie that a form for logging in gives.
//!
//! The cookie stays in memory. It is asked for when the first request needs it, and again when it is refused. Such services
//! answer 403 both to a session that has ended and to who may not; so a 403 that does not tell is met with one new log-in, and
//! the next ones are believed for a minute.

use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};
use reqwest::{StatusCode, Url};

use super::{BELIEVED, password, unusable};
use crate::services::FormSettings;
use crate::{Error, Result};

/// How long a log-in may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Characters that are shown of what it answers: a sentence.
const WORDS: usize = 200;

/// See the module.
#[derive(Debug)]
pub(crate) struct Form {
    settings: FormSettings,
    client: reqwest::Client,
    state: tokio::sync::Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    cookie: Option<HeaderValue>,
    /// When a log-in was made because of a 403.
    renewed: Option<Instant>,
}

impl Form {
    pub(super) fn new(settings: &FormSettings, client: reqwest::Client) -> Self {
        Form { settings: settings.clone(), client, state: tokio::sync::Mutex::default() }
    }

    pub(super) fn settings(&self) -> &FormSettings {
        &self.settings
    }

    /// `Cookie` of a session.
    pub(super) async fn cookie(&self) -> Result<HeaderValue> {
        let mut state = self.state.lock().await;
        if let Some(cookie) = &state.cookie {
            return Ok(cookie.clone());
        }
        let cookie = self.log_in().await?;
        state.cookie = Some(cookie.clone());
        Ok(cookie)
    }

    /// This one was refused with such a status: the next call logs in, if that may help.
    pub(super) async fn forget(&self, refused: &HeaderValue, status: StatusCode) {
        let mut state = self.state.lock().await;
        if state.cookie.as_ref() != Some(refused) {
            return;
        }
        if status == StatusCode::FORBIDDEN {
            if state.renewed.is_some_and(|at| at.elapsed() < BELIEVED) {
                return;
            }
            state.renewed = Some(Instant::now());
        }
        state.cookie = None;
    }

    async fn log_in(&self) -> Result<HeaderValue> {
        let FormSettings { login_url, user, password_file, user_field, password_field } = &self.settings;
        let password = password::load(password_file)?;
        let fields = [(user_field.as_str(), user.as_str()), (password_field.as_str(), password.expose())];
        let request = self.client.post(login_url.clone()).form(&fields).timeout(LIMIT);
        let answer = request.send().await.map_err(|error| unreachable(login_url, error))?;
        let (status, cookie) = (answer.status(), cookies(answer.headers(), login_url));
        match cookie {
            Some(cookie) if status.is_success() || status.is_redirection() => Ok(cookie),
            _ if status.is_server_error() => Err(Error::node(
                crate::ErrorKind::Service,
                login_url,
                format!("the log-in of {user} was answered with {status}{}", said(answer).await),
            )),
            _ => Err(unusable(
                password_file,
                format!("{login_url} does not let {user} in ({status})"),
                "correct the name or the password",
            )),
        }
    }
}

/// What an answer says in its first line, if that is no page for a browser.
async fn said(mut answer: reqwest::Response) -> String {
    let first = answer.chunk().await.ok().flatten().unwrap_or_default();
    let text = String::from_utf8_lossy(&first);
    match text.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) if !line.starts_with('<') => format!(": {}", line.chars().take(WORDS).collect::<String>()),
        _ => String::new(),
    }
}

/// No answer to a log-in.
fn unreachable(url: &Url, error: reqwest::Error) -> Error {
    let timed_out = error.is_timeout();
    let cause = crate::error::causes(&error.without_url());
    let kind = match timed_out {
        _ if cause.contains("certificate") => crate::ErrorKind::Tls,
        true => crate::ErrorKind::Timeout,
        false => crate::ErrorKind::Unreachable,
    };
    Error::node(kind, url, format!("the form does not answer: {cause}"))
}

/// What an answer sets, as it is sent back (RFC 6265 §4.2). A cookie that is taken away is none.
fn cookies(headers: &HeaderMap, from: &Url) -> Option<HeaderValue> {
    let pairs: Vec<String> = headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|value| pair(value.to_str().ok()?, from.scheme() == "https"))
        .collect();
    let mut header = HeaderValue::from_str(&pairs.join("; ")).ok().filter(|_| !pairs.is_empty())?;
    header.set_sensitive(true);
    Some(header)
}

/// `name=value` of one `Set-Cookie` (RFC 6265 §5.2). Of what is said about it only counts what keeps it from being sent: that
/// it is over, or for secure connections alone. Where it may go is decided in `http`, more strictly.
fn pair(set: &str, secure: bool) -> Option<String> {
    let mut parts = set.split(';').map(str::trim);
    let (name, value) = parts.next()?.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let kept = parts.all(|attribute| match attribute.split_once('=') {
        Some((key, age)) if key.eq_ignore_ascii_case("max-age") => age.trim().parse::<i64>().is_ok_and(|age| age > 0),
        None if attribute.eq_ignore_ascii_case("secure") => secure,
        _ => true,
    });
    (kept && !name.is_empty() && !value.is_empty()).then(|| format!("{name}={value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(set: &[&'static str], from: &str) -> Option<String> {
        let headers = set.iter().map(|value| (SET_COOKIE, HeaderValue::from_static(value))).fold(
            HeaderMap::new(),
            |mut headers, (name, value)| {
                headers.append(name, value);
                headers
            },
        );
        cookies(&headers, &from.parse().unwrap()).map(|header| header.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_is_set_is_sent_back_without_what_was_said_about_it() {
        let both = ["SESSION=\"a b\"; Path=/; HttpOnly", "b=c; Max-Age=60"];
        assert_eq!(sent(&both, "http://h/"), Some("SESSION=\"a b\"; b=c".to_owned()));
        assert_eq!(sent(&["gone=; Max-Age=0", "gone=x; Max-Age=0"], "https://h/"), None);
        assert_eq!(sent(&["a=b; Secure"], "http://h/"), None);
        assert_eq!(sent(&["a=b; Secure"], "https://h/"), Some("a=b".to_owned()));
        assert_eq!(sent(&[], "http://h/"), None);
    }
}
