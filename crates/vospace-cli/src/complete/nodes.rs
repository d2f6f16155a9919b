//! Names of nodes that begin as what was typed.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::hash::{Hash as _, Hasher as _};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap_complete::engine::CompletionCandidate;
use futures_util::StreamExt as _;
use vospace_client::auth::{self, AuthOptions};
use vospace_client::client::{Client, ClientConfig};
use vospace_client::services::{self, ServiceSettings};
use vospace_client::uri::{Prefixes, VosUri};

/// How long somebody who pressed a key waits, unless [`TIMEOUT`] says otherwise.
const PATIENCE: Duration = Duration::from_secs(3);

/// Seconds to wait instead, for slow lines and busy machines: what comes later is never offered, however often one asks.
const TIMEOUT: &str = "VOSPACE_COMPLETE_TIMEOUT";

/// How long a listing is good: some more keys.
const FRESH: Duration = Duration::from_secs(30);

/// More than anybody reads through, and little to keep.
const MOST: usize = 20_000;

/// What could be meant by `current`; nothing where that cannot be found out.
pub(super) fn candidates(current: &OsStr) -> Vec<CompletionCandidate> {
    let Some((text, services)) = current.to_str().zip(services::load().ok()) else { return Vec::new() };
    let Ok(prefixes) = Prefixes::load(&services) else { return Vec::new() };
    let Some(colon) = text.find(':') else {
        let matching = prefixes.names().filter(|name| name.starts_with(text) && !text.starts_with(['/', '.']));
        return matching.map(|name| CompletionCandidate::new(format!("{name}:"))).collect();
    };
    let split = text.rfind('/').map_or(colon, |slash| slash.max(colon)) + 1;
    let (base, begin) = text.split_at(split);
    let Ok(container) = prefixes.parse(base) else { return Vec::new() };
    // Hidden files are offered to who asks for them.
    let wanted = |name: &String| name.starts_with(begin) && (begin.starts_with('.') || !name.starts_with('.'));
    children(&container, services)
        .into_iter()
        .filter(wanted)
        .map(|name| CompletionCandidate::new(format!("{base}{name}")))
        .collect()
}

/// The names of what a container holds, those of containers with a slash behind.
fn children(container: &VosUri, services: Vec<ServiceSettings>) -> Vec<String> {
    let cache = cache(container);
    if let Some(names) = cache.as_ref().and_then(read) {
        return names;
    }
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let mut names = Vec::new();
    let whole =
        runtime.block_on(async { tokio::time::timeout(patience(), list(container, services, &mut names)).await });
    if whole == Ok(Some(()))
        && let Some(cache) = cache
    {
        // Without a cache the next key asks again.
        let _ = write(&cache, &names);
    }
    names
}

fn patience() -> Duration {
    let seconds = std::env::var(TIMEOUT).ok().and_then(|text| text.trim().parse().ok());
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(PATIENCE)
}

/// None when the listing ended early.
async fn list(container: &VosUri, services: Vec<ServiceSettings>, names: &mut Vec<String>) -> Option<()> {
    let credentials = auth::choose(AuthOptions::default(), &services).ok()?;
    let mut config = ClientConfig { credentials, services, ..ClientConfig::from_env() };
    // One that does not answer at once is asked by the next key.
    config.retry.attempts = 1;
    let client = Client::new(config).ok()?;
    let mut listing = client.list(container);
    while let Some(child) = listing.next().await {
        let child = child.ok()?;
        let slash = if child.is_container() { "/" } else { "" };
        names.push(format!("{}{slash}", child.uri.name()));
        if names.len() == MOST {
            return None;
        }
    }
    Some(())
}

/// Where the names are kept; by who asks, too, because others may see less.
fn cache(container: &VosUri) -> Option<PathBuf> {
    let mut hasher = DefaultHasher::new();
    container.to_wire().hash(&mut hasher);
    for variable in ["VOSPACE_REGISTRY_URL", "VOSPACE_TOKEN", "VOSPACE_TOKEN_FILE", "VOSPACE_CERTFILE"] {
        std::env::var_os(variable).hash(&mut hasher);
    }
    Some(ClientConfig::default().cache_dir?.join("completion").join(format!("{:016x}", hasher.finish())))
}

fn read(path: &PathBuf) -> Option<Vec<String>> {
    let modified = std::fs::metadata(path).ok()?.modified().ok()?;
    let age = SystemTime::now().duration_since(modified).ok()?;
    let names = std::fs::read_to_string(path).ok().filter(|_| age < FRESH)?;
    Some(names.lines().map(str::to_owned).collect())
}

fn write(path: &PathBuf, names: &[String]) -> std::io::Result<()> {
    let directory = path.parent().ok_or(std::io::ErrorKind::InvalidInput)?;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    // What was kept for a container that nobody looks at any more goes by the way.
    for entry in std::fs::read_dir(directory)?.flatten() {
        let old = entry.metadata().and_then(|data| data.modified());
        if old.is_ok_and(|time| SystemTime::now().duration_since(time).is_ok_and(|age| age > FRESH)) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    for name in names {
        writeln!(file, "{name}")?;
    }
    file.persist(path)?;
    Ok(())
}
