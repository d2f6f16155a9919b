//! The export: the plain tree by HTTP and WebDAV (RFC 4918), for programs that do not speak VOSpace.
//!
//! It runs in a process of its own, as `vospaced` does, behind the same shaping code and with the same request log.
//! What it offers is what such programs need to read a tree: GET with ranges, HEAD, PROPFIND, OPTIONS; and to write in one
//! directory of it. All else is refused.

mod listing;
mod writing;

use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::net::TcpListener;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use axum_server::accept::NoDelayAcceptor;
use percent_encoding::percent_decode_str;
use vospace_server::oplog::{Entry, OperationLog};
use vospace_server::routes::facts::send;
use vospace_server::shaping::{Distant, Shape, Shaper};

/// What the process says when it answers.
pub(crate) const READY: &str = "export ready: ";

/// The path of the request log, as at `vospaced`.
const LOG: &str = "/_bench/log";

struct Export {
    root: PathBuf,
    shaper: Shaper,
    log: OperationLog,
}

/// Serves a tree until the process is ended.
pub(crate) fn serve(root: &Path, shape: Shape) -> Result<()> {
    let root = root.canonicalize().with_context(|| root.display().to_string())?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let export = Arc::new(Export { root, shaper: Shaper::new(shape), log: OperationLog::default() });
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let acceptor = Distant::new(NoDelayAcceptor::new(), shape.latency, 1);
        let server = axum_server::from_tcp(listener)?.acceptor(acceptor);
        println!("{READY}http://{address}");
        server.serve(Router::new().fallback(answer).with_state(export).into_make_service()).await?;
        Ok(())
    })
}

async fn answer(State(export): State<Arc<Export>>, request: Request<Body>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if path == LOG {
        return log(&export, request.method());
    }
    export.shaper.arrive().await;
    let range = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let method = request.method().to_string();
    let response = match within(&export.root, &path) {
        Some(place) if writing::is_change(request.method()) => {
            let (parts, body) = request.into_parts();
            let body = export.shaper.shape(body, None);
            writing::change(&export.root, &place, &parts.method, &parts.headers, body).await
        }
        Some(place) => of_file(&request, &place),
        None => plain(StatusCode::FORBIDDEN),
    };
    let entry = Entry {
        seq: 0,
        method,
        path,
        query: String::new(),
        status: response.status().as_u16(),
        user: None,
        credentials: Vec::new(),
        range,
        bytes_out: 0,
    };
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, export.log.add(entry, export.shaper.shape(body, None)))
}

fn log(export: &Export, method: &Method) -> Response<Body> {
    if method == Method::DELETE {
        export.log.clear();
        return plain(StatusCode::NO_CONTENT);
    }
    Response::new(Body::from(serde_json::to_string(&export.log.entries()).unwrap_or_default()))
}

/// The file of a path, which must not lead out of the tree.
fn within(root: &Path, path: &str) -> Option<PathBuf> {
    let text = percent_decode_str(path).decode_utf8().ok()?;
    let relative = Path::new(text.trim_start_matches('/'));
    relative.components().all(|part| matches!(part, Component::Normal(_))).then(|| root.join(relative))
}

fn of_file(request: &Request<Body>, place: &Path) -> Response<Body> {
    let answered = match request.method().as_str() {
        "GET" | "HEAD" => bytes(place, request.method(), request.headers()),
        "PROPFIND" => {
            let deep = request.headers().get("depth").is_none_or(|depth| depth != "0");
            listing::answer(request.uri().path(), place, deep)
        }
        "OPTIONS" => Ok(options()),
        _ => Ok(plain(StatusCode::METHOD_NOT_ALLOWED)),
    };
    answered.unwrap_or_else(|error| match error.kind() {
        std::io::ErrorKind::NotFound => plain(StatusCode::NOT_FOUND),
        _ => plain(StatusCode::INTERNAL_SERVER_ERROR),
    })
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn options() -> Response<Body> {
    let mut response = plain(StatusCode::OK);
    response.headers_mut().insert("dav", HeaderValue::from_static("1"));
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, PROPFIND, OPTIONS, PUT, DELETE, MKCOL, MOVE"));
    response
}

/// A file or a part of it: one range, as `rclone` and `davfs2` ask for it.
fn bytes(place: &Path, method: &Method, headers: &HeaderMap) -> std::io::Result<Response<Body>> {
    let mut file = File::open(place)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Ok(plain(StatusCode::METHOD_NOT_ALLOWED));
    }
    let length = metadata.len();
    let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(|text| part(text, length));
    let (first, count) = range.unwrap_or((0, length));
    let mut response = if method == Method::HEAD {
        let mut response = plain(StatusCode::OK);
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(count));
        response
    } else {
        file.seek(SeekFrom::Start(first))?;
        send(file, count)
    };
    let facts = response.headers_mut();
    facts.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let described = [
        (header::LAST_MODIFIED, listing::http_date(&metadata)),
        (header::ETAG, listing::tag(&metadata)),
        (header::CONTENT_RANGE, format!("bytes {first}-{}/{length}", (first + count).saturating_sub(1))),
    ];
    for (name, value) in described {
        if let Ok(value) = HeaderValue::try_from(value).map_err(drop)
            && (range.is_some() || name != header::CONTENT_RANGE)
        {
            facts.insert(name, value);
        }
    }
    if range.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// First byte and number of bytes of `bytes=FIRST-[LAST]`; nothing for what is to be ignored.
fn part(text: &str, length: u64) -> Option<(u64, u64)> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let first: u64 = first.parse().ok()?;
    let last =
        if last.is_empty() { length.checked_sub(1)? } else { last.parse::<u64>().ok()?.min(length.checked_sub(1)?) };
    (first <= last).then(|| (first, last - first + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out_of_the_tree() {
        let root = Path::new("/data");
        assert_eq!(within(root, "/a%20b/c"), Some(PathBuf::from("/data/a b/c")));
        assert_eq!(within(root, "/"), Some(PathBuf::from("/data")));
        assert_eq!(within(root, "/a/../../etc/passwd"), None);
        assert_eq!(within(root, "/%2e%2e/x"), None);
    }

    #[test]
    fn ranges_are_cut_at_the_end() {
        assert_eq!(part("bytes=0-2879", 10_000), Some((0, 2880)));
        assert_eq!(part("bytes=9000-", 10_000), Some((9000, 1000)));
        assert_eq!(part("bytes=9000-20000", 10_000), Some((9000, 1000)));
        assert_eq!(part("bytes=5-1", 10_000), None);
        assert_eq!(part("bytes=0-", 0), None);
    }

    #[test]
    fn a_tree_is_listed_and_read() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("file & co"), b"0123456789").unwrap();
        let request = |method: &str, path: &str| {
            Request::builder().method(method).uri(path).header("range", "bytes=2-4").body(Body::empty()).unwrap()
        };
        let read = |response: Response<Body>| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let bytes = runtime.block_on(axum::body::to_bytes(response.into_body(), 1 << 20)).unwrap();
            String::from_utf8(bytes.to_vec()).unwrap()
        };
        let listed = of_file(&request("PROPFIND", "/"), place.path());
        assert_eq!(listed.status(), StatusCode::MULTI_STATUS);
        let text = read(listed);
        assert!(text.contains("<D:href>/file%20%26%20co</D:href>") && text.contains(">10<"), "{text}");
        let part = of_file(&request("GET", "/file"), &place.path().join("file & co"));
        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(part.headers()[header::CONTENT_RANGE], "bytes 2-4/10");
        assert_eq!(read(part), "234");
        assert_eq!(of_file(&request("GET", "/none"), &place.path().join("none")).status(), StatusCode::NOT_FOUND);
        assert_eq!(of_file(&request("PROPPATCH", "/new"), place.path()).status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}
