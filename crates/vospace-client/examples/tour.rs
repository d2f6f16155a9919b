//! A tour of the client: makes a container, stores a file, lists, reads a part, renames, tags and cleans up.
//!
//! ```text
//! VOSPACE_REGISTRY_URL=http://127.0.0.1:8080/reg/resource-caps VOSPACE_TOKEN=demo-token \
//!     cargo run -p vospace-client --example tour -- vos:demo
//! ```
//!
//! It works below the container that it is given and removes what it made. Without `VOSPACE_REGISTRY_URL` it talks to
//! CADC, with the usual certificate.

use std::process::ExitCode;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use vospace_client::auth::{self, AuthOptions};
use vospace_client::transfer::{PutOptions, UploadSource};
use vospace_client::{Client, ClientConfig, Prefixes, Properties, Result, property, services};

#[tokio::main]
async fn main() -> ExitCode {
    match tour().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn tour() -> Result<()> {
    let services = services::load()?;
    let prefixes = Prefixes::load(&services)?;
    let place = prefixes.parse(&std::env::args().nth(1).unwrap_or_else(|| "vos:demo".to_owned()))?;
    let credentials = auth::choose(AuthOptions::default(), &services)?;
    let config = ClientConfig { credentials, services, ..ClientConfig::from_env() };
    let client = Client::new(config)?;

    let container = place.join(&format!("tour-{}", std::process::id()));
    client.mkdir(&container, &Properties::new()).await?;
    println!("made {}", prefixes.short(&container));

    let file = container.join("hello.txt");
    let source = UploadSource::Bytes(Bytes::from_static(b"Hello, VOSpace!"));
    let options = PutOptions { content_type: Some("text/plain".to_owned()), ..PutOptions::default() };
    let stored = client.put(&file, source, options).await?;
    println!("stored {} bytes, MD5 {}, artifact {:?}", stored.length, stored.md5, stored.artifact_id);

    let download = client.open(&file, Some(7..14)).await?;
    let (start, total) = (download.start, download.total);
    let chunks: Vec<Bytes> = download.body.try_collect().await?;
    let bytes = chunks.concat();
    println!("asked for bytes 7-13, got {:?} from {start} of {total:?}", String::from_utf8_lossy(&bytes));

    let mut changes = Properties::new();
    changes.set(property::TITLE, "A greeting");
    let node = client.stat(&file).await?;
    client.set_properties(&file, &node.kind, &changes).await?;

    let renamed = container.join("greeting.txt");
    client.rename(&file, &renamed).await?;
    let mut children = client.list(&container);
    while let Some(child) = children.try_next().await? {
        println!("{} {:?} {:?}", child.uri.name(), child.properties.length(), child.properties.get(property::TITLE));
    }

    client.put(&renamed, UploadSource::Bytes(Bytes::new()), PutOptions::default()).await?;
    let emptied = client.stat(&renamed).await?;
    println!(
        "emptied: {:?} bytes, still called {:?}",
        emptied.properties.length(),
        emptied.properties.get(property::TITLE)
    );

    let counts = client.delete_tree(&container).await?;
    println!("removed {} nodes, {} failures", counts.succeeded, counts.failed);
    println!("learned: {:?}", client.service(&place).await?.dialect());
    Ok(())
}
