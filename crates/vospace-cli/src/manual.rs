//! Manual pages, from the one definition of the commands.

use std::path::Path;

use anyhow::Context as _;
use clap::Command;
use clap_mangen::Man;

use crate::args::{self, COMMANDS};
use crate::ends;

/// Common to all pages.
const EXIT_STATUS: &str = r#".SH "EXIT STATUS"
0: all was done. 1: something failed, each thing named on standard error, and the rest was done. 2: wrong usage. 130:
interrupted by Ctrl\-C. 143: ended by SIGTERM. 255: vlock without an option, and a node is not locked.
.SH ENVIRONMENT
.TP
VOSPACE_TOKEN, VOSPACE_TOKEN_FILE
Bearer token, or the file with it; neither shows in the list of processes.
.TP
VOSPACE_CERTFILE
Client certificate with its key (default: ~/.ssl/cadcproxy.pem).
.TP
VOSPACE_REGISTRY_URL, VOSPACE_WEBSERVICE
Registry to look services up in, by its URL or its host.
.TP
VOSPACE_CA_BUNDLE
More certificate authorities to trust.
.TP
XDG_CACHE_HOME, XDG_STATE_HOME
Where services are remembered, and unfinished uploads.
.SH "SEE ALSO"
"#;

/// Writes one page for each command into `directory`.
pub(crate) fn write(directory: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
    page(directory, args::command(&[]))?;
    for (name, verb) in COMMANDS {
        page(directory, ends::shown(args::own_command(name, verb)))?;
    }
    Ok(())
}

fn page(directory: &Path, command: Command) -> anyhow::Result<()> {
    let name = command.get_name().to_owned();
    let man = Man::new(command).manual("VOSpace");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    man.render_subcommands_section(&mut text)?;
    text.extend_from_slice(EXIT_STATUS.as_bytes());
    let others: Vec<_> = args::names().filter(|other| *other != name).map(|other| format!(".BR {other} (1)")).collect();
    text.extend_from_slice(others.join(",\n").as_bytes());
    text.push(b'\n');
    let path = directory.join(format!("{name}.1"));
    std::fs::write(&path, text).with_context(|| path.display().to_string())
}
