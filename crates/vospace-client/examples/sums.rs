//! Prints the checksums of the files in a container as `md5sum` does: `sums vos:demo/data | md5sum -c` in a copy of it.

use futures_util::TryStreamExt as _;
use vospace_client::{AuthOptions, Client, ClientConfig, Prefixes, Result, auth, services};

#[tokio::main]
async fn main() -> std::process::ExitCode {
    match sums(&std::env::args().nth(1).unwrap_or_default()).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sums: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn sums(container: &str) -> Result<()> {
    let services = services::load()?;
    let place = Prefixes::load(&services)?.parse(container)?;
    let credentials = auth::choose(AuthOptions::default(), &services)?;
    let client = Client::new(ClientConfig { credentials, services, ..ClientConfig::from_env() })?;
    let mut children = client.list_readable(&place);
    while let Some(node) = children.try_next().await? {
        match node.properties.md5() {
            Some(md5) => println!("{md5}  {}", node.uri.name()),
            None if node.is_container() => {}
            None => eprintln!("{}: the service tells no checksum", node.uri),
        }
    }
    Ok(())
}
