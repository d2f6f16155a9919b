//! `cadc-get-cert`: a proxy certificate for some days, kept where every program looks for it.
//!
//! The file holds a private key: it is written with mode 0600 beside the old one and then takes its place.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use vospace_client::Client;
use vospace_client::auth::{Credentials, Secret};
use vospace_client::error::ErrorKind;

use crate::common::Common;
use crate::output::{self, Status};
use crate::session;

/// Options of `cadc-get-cert`. `--token` is among the common ones.
#[derive(Debug, Args)]
pub(crate) struct GetCertArgs {
    /// Take name and password from ~/.netrc
    #[arg(short = 'n', conflicts_with_all = ["netrc_file", "user"])]
    netrc: bool,
    /// Take name and password from this netrc file
    #[arg(long, value_name = "FILE", conflicts_with = "user")]
    netrc_file: Option<PathBuf>,
    /// Name at CADC; the password is asked for (default: CADC_USERNAME and CADC_PASSWORD of the environment)
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,
    /// Where the certificate goes (default: ~/.ssl/cadcproxy.pem)
    #[arg(long, alias = "cert", value_name = "FILE")]
    cert_filename: Option<PathBuf>,
    /// Days that it is good for
    #[arg(long, alias = "daysValid", value_name = "DAYS", num_args = 0..=1, default_value_t = DAYS, default_missing_value = "10",
          value_parser = clap::value_parser!(u32).range(1..))]
    days_valid: u32,
    /// The credential service
    #[arg(long, value_name = "ID", default_value = "ivo://cadc.nrc.ca/cred")]
    resource_id: String,
    /// No message when all went well
    #[arg(short, long)]
    quiet: bool,
    /// Host with the registry
    #[arg(long, value_name = "HOST", hide = true)]
    host: Option<String>,
    /// Has no effect: the registry tells where the credential service is
    #[arg(long, value_name = "HOST", hide = true)]
    cert_server: Option<String>,
    /// Called by its former name: without an option ~/.netrc tells who the caller is
    #[arg(skip)]
    pub(crate) former: bool,
}

/// What the credential service has always been asked for.
const DAYS: u32 = 10;

/// Gets a certificate.
pub(crate) async fn run(common: &Common, args: &GetCertArgs) -> anyhow::Result<Status> {
    let path = match &args.cert_filename {
        Some(path) => path.clone(),
        None => home()?.join(".ssl/cadcproxy.pem"),
    };
    let Some(credentials) = credentials(common, args)? else {
        output::error("say who you are: -u USER, -n (~/.netrc), --netrc-file FILE, --token TOKEN, or CADC_USERNAME");
        return Ok(Status::Usage);
    };
    let registry = args.host.as_ref().map(|host| format!("https://{host}/reg"));
    let common = Common { registry: registry.or_else(|| common.registry.clone()), ..common.clone() };
    let client = Client::new(session::config(&common, credentials, Vec::new(), None))?;
    let days = args.days_valid;
    let pem = match client.certificate(&args.resource_id, Some(days)).await {
        Ok(pem) => pem,
        Err(error) if matches!(error.kind(), ErrorKind::Unauthorized | ErrorKind::PermissionDenied) => {
            tracing::info!("{error}");
            bail!("FAILED: invalid username/password combination; {} stays as it was", path.display());
        }
        Err(error) => return Err(error).with_context(|| format!("FAILED to retrieve {days} day certificate")),
    };
    store(&path, &pem).with_context(|| format!("the certificate cannot be saved in {}", path.display()))?;
    if !args.quiet {
        writeln!(io::stdout(), "DONE. {days} day certificate saved in {}", path.display())?;
    }
    Ok(Status::Done)
}

/// Who the caller is, of what the command line says, else the environment.
fn credentials(common: &Common, args: &GetCertArgs) -> anyhow::Result<Option<Credentials>> {
    if let Some(path) = &args.netrc_file {
        return Ok(Some(Credentials::Netrc(path.clone())));
    }
    if args.netrc {
        return Ok(Some(Credentials::Netrc(home()?.join(".netrc"))));
    }
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(user) = args.user.clone().or_else(|| set("CADC_USERNAME").filter(|_| common.token.is_none())) {
        let password = match set("CADC_PASSWORD") {
            Some(password) => password,
            None => ask(&user)?,
        };
        return Ok(Some(Credentials::Login { user, password: Secret::new(password) }));
    }
    let token =
        common.token.clone().or_else(|| set("VOSPACE_TOKEN")).map(|token| Credentials::Token(Secret::new(token)));
    let token = token.or_else(|| set("VOSPACE_TOKEN_FILE").map(|path| Credentials::TokenFile(path.into())));
    match token {
        None if args.former => Ok(Some(Credentials::Netrc(home()?.join(".netrc")))),
        token => Ok(token),
    }
}

/// Asks on the terminal without showing the answer; without a terminal a line of standard input is the password.
fn ask(user: &str) -> anyhow::Result<String> {
    if io::stdin().is_terminal() {
        return rpassword::prompt_password(format!("{user}\nPassword: ")).context("the password cannot be read");
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line).context("the password cannot be read from standard input")?;
    let password = line.trim_end_matches(['\n', '\r']).to_owned();
    if password.is_empty() {
        bail!("there is no terminal to ask for a password; give it on standard input or in CADC_PASSWORD");
    }
    Ok(password)
}

fn home() -> anyhow::Result<PathBuf> {
    std::env::home_dir().context("there is no home directory (HOME is not set); name the files")
}

fn store(path: &Path, pem: &Secret) -> anyhow::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    // A temporary file is private from the start.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(pem.expose().as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_is_private_and_the_directory_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ssl/proxy.pem");
        for text in ["first", "second"] {
            store(&path, &Secret::new(text)).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}
