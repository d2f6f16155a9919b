//! What the user of a service writes into the configuration file: for a service that no registry knows how to reach, and for
//! one that wants credentials of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::profile::Profile;
use crate::server::{Server, TOKEN};

/// Writes `~/.config/vofs/config.toml` and the files that it names, where the service needs one.
pub fn write(server: &Server, home: &Path) {
    let profile = server.profile;
    if !profile.is_configured() {
        return;
    }
    let secret = |name: &str, text: &str| {
        let path = home.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    };
    let base = format!("base-url = \"{}/{}\"\n", server.base(), profile.service());
    let rest = match profile {
        Profile::Pyvospace => {
            let file = secret(".pyvo-password", "demo-password");
            format!(
                "{base}endpoints = {{ nodes = \"nodes\", sync = \"synctrans\", transfers = \"transfers\" }}\n\
                 auth = {{ scheme = \"cookie\", login-url = \"login\", user = \"demo\", password-file = \"{file}\" }}\n"
            )
        }
        Profile::Datalab => {
            let file = secret(".datalab-token", TOKEN);
            format!(
                "{base}endpoints = {{ nodes = \"nodes\", sync = \"sync\", transfers = \"transfers\" }}\n\
                 auth = {{ scheme = \"token\", token-file = \"{file}\", header = \"X-DL-AuthToken\" }}\n"
            )
        }
        // It has capabilities, stands in the registry, and takes the token that all others take.
        _ => String::new(),
    };
    let directory = home.join(".config/vofs");
    fs::create_dir_all(&directory).unwrap();
    let resource_id = profile.authority().replace('~', "/");
    let prefix = profile.prefix();
    let groups = profile.groups();
    let table = format!("[service.{prefix}]\nresource-id = \"ivo://{resource_id}\"\ngroups = \"{groups}\"\n{rest}");
    fs::write(directory.join("config.toml"), table).unwrap();
}

/// Takes the credentials out of the section, so that those of options and variables count.
pub fn forget_credentials(home: &Path) {
    let place = home.join(".config/vofs/config.toml");
    if let Ok(table) = fs::read_to_string(&place) {
        let kept: Vec<&str> = table.lines().filter(|line| !line.starts_with("auth = ")).collect();
        fs::write(&place, kept.join("\n")).unwrap();
    }
}
