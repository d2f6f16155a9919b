//! What to type next: told to whoever starts the service or prepares a data directory.

use crate::accounts::{Accounts, Origin};
use crate::args::Common;
use std::path::Path;
use vospace_server::profile::Profile;

/// How to point clients at a service that is ready.
pub(crate) fn ready(registry: &str, common: &Common, accounts: &Accounts, tls: bool) -> String {
    let data = std::path::absolute(&common.data).unwrap_or_else(|_| common.data.clone());
    let user = accounts.first();
    let (token, note) = match accounts.origin {
        Origin::Demo => ("demo-token", String::new()),
        Origin::File => ("TOKEN", format!(" (TOKEN is in {})", data.join("users").display())),
        Origin::Named => ("TOKEN", " (TOKEN as given with --user)".to_owned()),
    };
    let trust =
        if tls { format!("  export VOSPACE_CA_BUNDLE={}\n", data.join("tls/ca.pem").display()) } else { String::new() };
    let profiles = common.profiles();
    let prefixes: Vec<&str> = profiles.iter().map(|profile| profile.prefix).collect();
    let first = prefixes.first().copied().unwrap_or("vos");
    let others: String = prefixes.iter().skip(1).map(|prefix| format!(", and {prefix}:{user}")).collect();
    format!(
        "The space of {user} is {first}:{user}{others}. In another terminal{note}:\n\n  \
         export VOSPACE_REGISTRY_URL={registry} VOSPACE_TOKEN={token}\n{trust}  \
         vls -l {first}:{user}\n  vcp FILE {first}:{user}/\n  \
         mountvofs --vospace {first}:{user} --mountpoint DIRECTORY\n\n{}{}\
         Ctrl-C stops the service; what is stored stays.\n",
        undescribed(registry, &profiles, user),
        python(registry, &data, first, user, tls)
    )
}

/// What clients have to be told of services that no registry describes.
fn undescribed(registry: &str, profiles: &[Profile], user: &str) -> String {
    let base = registry.trim_end_matches("/reg/resource-caps");
    let one = |profile: &Profile| {
        let Profile { prefix, service, resource_id, ref access, ref resources, .. } = *profile;
        let auth = match (&access.header, resources.login) {
            (Some(header), _) => {
                format!("{{ scheme = \"token\", header = \"{header}\", token-file = \"FILE\" }}")
            }
            (None, true) => {
                format!("{{ scheme = \"cookie\", login-url = \"login\", user = \"{user}\", password-file = \"FILE\" }}")
            }
            (None, false) => "{ scheme = \"anonymous\" }".to_owned(),
        };
        let sync = resources.sync.resource();
        format!(
            "{prefix}: is in no registry. For ~/.config/vofs/config.toml:\n\n  [service.{prefix}]\n  \
             resource-id = \"{resource_id}\"\n  base-url = \"{base}/{service}\"\n  \
             endpoints = {{ nodes = \"nodes\", sync = \"{sync}\", transfers = \"transfers\" }}\n  auth = {auth}\n\n"
        )
    };
    profiles.iter().filter(|profile| !profile.resources.described).map(one).collect()
}

/// The same for the Python client.
fn python(registry: &str, data: &Path, prefix: &str, user: &str, tls: bool) -> String {
    if !tls {
        return "The Python client (pip install vos) speaks https only: start with --tls for that.\n".to_owned();
    }
    let host = registry.trim_start_matches("https://").split('/').next().unwrap_or_default();
    let certificate = data.join(format!("tls/users/{user}.pem"));
    format!(
        "With the Python client, in a virtual environment of its own (pip install vos):\n\n  \
         cat {} >> \"$(python3 -c 'import certifi; print(certifi.where())')\"\n  \
         export VOSPACE_WEBSERVICE={host}\n  \
         vls --certfile {} -l {prefix}:{user}\n\n",
        data.join("tls/ca.pem").display(),
        certificate.display()
    )
}

/// What was made, and how to start the service with it.
pub(crate) fn prepared(data: &Path, names: &[&str]) -> String {
    let data = std::path::absolute(data).unwrap_or_else(|_| data.to_owned());
    let certificates: String = names
        .iter()
        .map(|name| format!("  tls/users/{name}.pem   certificate and key of {name}, for --certfile\n"))
        .collect();
    let data = data.display();
    format!(
        "In {data}:\n  users   {}, with token and password; keep it to yourself\n  \
         tls/ca.pem   the private authority that clients have to trust\n{certificates}\n\
         Next, start the service; it says how to point clients at it:\n\n  \
         vospaced serve --data {data} --tls\n",
        names.join(", ")
    )
}
