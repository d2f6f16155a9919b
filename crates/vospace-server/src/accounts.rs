//! Accounts: the users of a data directory, with their tokens and passwords.
//!
//! `DIR/users` has one line for each, as `--user` takes it, and only its owner may read it. `vospaced init` writes it.
//! Users that are named on the command line are there instead of those of the file; with neither, there is `demo`.

use anyhow::{Context as _, bail};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use uuid::Uuid;
use vospace_server::identity::Users;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) password: Option<String>,
}

/// Where the users come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody was named.
    Demo,
    /// From the file of the data directory.
    File,
    /// From the command line.
    Named,
}

/// The users, and where they come from.
#[derive(Debug)]
pub(crate) struct Accounts {
    pub(crate) users: Vec<User>,
    pub(crate) origin: Origin,
}

impl User {
    /// Reads `NAME:TOKEN[:PASSWORD]`.
    pub(crate) fn parse(text: &str) -> Result<User, String> {
        let (name, token) = text.split_once(':').ok_or("expected NAME:TOKEN")?;
        let (token, password) = match token.split_once(':') {
            Some((token, password)) => (token, Some(password.to_owned())),
            None => (token, None),
        };
        check_name(name)?;
        if token.is_empty() || token.contains(char::is_whitespace) {
            return Err("a token is not empty and has no blanks".to_owned());
        }
        Ok(User { name: name.to_owned(), token: token.to_owned(), password })
    }

    /// Reads `NAME` as well, and gives it a token and a password that nobody can guess.
    pub(crate) fn parse_new(text: &str) -> Result<User, String> {
        if text.contains(':') {
            return User::parse(text);
        }
        check_name(text)?;
        let secret = || Uuid::new_v4().simple().to_string();
        Ok(User { name: text.to_owned(), token: secret(), password: Some(secret()) })
    }

    fn line(&self) -> String {
        let password = self.password.as_ref().map(|password| format!(":{password}")).unwrap_or_default();
        format!("{}:{}{password}\n", self.name, self.token)
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(legal) {
        return Err(format!("a user name has letters, digits, - and _ only: {name:?}"));
    }
    Ok(())
}

/// The file with the users of a data directory.
pub(crate) fn file(data: &Path) -> PathBuf {
    data.join("users")
}

/// The users in the file; none if it is not there.
pub(crate) fn read(data: &Path) -> anyhow::Result<Vec<User>> {
    let file = file(data);
    let text = match std::fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.with_context(|| format!("cannot read {}", file.display()))?,
    };
    let mut users = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let user = User::parse(line.trim());
        users.push(user.map_err(|error| anyhow::anyhow!("{}, line {}: {error}", file.display(), number + 1))?);
    }
    Ok(users)
}

/// Adds users to the file.
pub(crate) fn add(data: &Path, new: &[User]) -> anyhow::Result<()> {
    let known = read(data)?;
    let file = file(data);
    if let Some(user) = new.iter().find(|user| known.iter().any(|known| known.name == user.name)) {
        bail!("user {} is there already; edit {} to give another token", user.name, file.display());
    }
    let text: String = new.iter().map(User::line).collect();
    let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(&file);
    opened
        .and_then(|mut opened| opened.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", file.display()))
}

impl Accounts {
    /// The users of a data directory, unless others are named.
    pub(crate) fn of(data: &Path, named: &[User]) -> anyhow::Result<Accounts> {
        if !named.is_empty() {
            return Ok(Accounts { users: named.to_vec(), origin: Origin::Named });
        }
        let users = read(data)?;
        if !users.is_empty() {
            return Ok(Accounts { users, origin: Origin::File });
        }
        let text = |text: &str| text.to_owned();
        let demo = User { name: text("demo"), token: text("demo-token"), password: Some(text("demo-password")) };
        Ok(Accounts { users: vec![demo], origin: Origin::Demo })
    }

    /// The first user's name.
    pub(crate) fn first(&self) -> &str {
        self.users.first().map_or("NAME", |user| user.name.as_str())
    }

    /// As the service wants them.
    pub(crate) fn known(&self) -> Users {
        let mut users = Users::default();
        for user in &self.users {
            users.add(&user.name, &user.token);
            if let Some(password) = &user.password {
                users.set_password(&user.name, password);
            }
        }
        users
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_kept_in_a_file() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Accounts::of(dir.path(), &[]).unwrap().origin, Origin::Demo);
        let ada = User::parse_new("ada").unwrap();
        assert!(ada.token.len() >= 32 && ada.password.as_ref().is_some_and(|password| *password != ada.token));
        let eve = User::parse_new("eve:token:pass:word").unwrap();
        assert_eq!(eve.password.as_deref(), Some("pass:word"));
        add(dir.path(), std::slice::from_ref(&ada)).unwrap();
        add(dir.path(), std::slice::from_ref(&eve)).unwrap();
        assert!(add(dir.path(), std::slice::from_ref(&ada)).unwrap_err().to_string().contains("ada is there already"));
        assert_eq!(read(dir.path()).unwrap(), [ada, eve.clone()]);
        let accounts = Accounts::of(dir.path(), &[]).unwrap();
        assert_eq!((accounts.origin, accounts.first()), (Origin::File, "ada"));
        assert_eq!(Accounts::of(dir.path(), &[eve]).unwrap().origin, Origin::Named);
        std::fs::write(file(dir.path()), "ada:x\nnonsense\n").unwrap();
        assert!(Accounts::of(dir.path(), &[]).unwrap_err().to_string().ends_with("users, line 2: expected NAME:TOKEN"));
        for wrong in ["a/b:x", "ada:", "ada:a b", ""] {
            assert!(User::parse_new(wrong).is_err(), "{wrong:?}");
        }
    }
}
