//! What changes the tree: PUT, DELETE, MKCOL and MOVE (RFC 4918 §9), only below the directory of works that write.
//! The data of the other works are shared by all runs and stay as they are.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{HeaderMap, Method, Response, StatusCode};
use futures_util::StreamExt as _;

use super::{plain, within};
use crate::data::SCRATCH;

/// Whether requests of this method change something.
pub(super) fn is_change(method: &Method) -> bool {
    ["PUT", "DELETE", "MKCOL", "MOVE"].contains(&method.as_str())
}

/// Changes what is at a place of the tree; the body is that of a PUT.
pub(super) async fn change(
    root: &Path,
    place: &Path,
    method: &Method,
    headers: &HeaderMap,
    body: Body,
) -> Response<Body> {
    let answered = if !is_writable(root, place) {
        Ok(StatusCode::FORBIDDEN)
    } else {
        match method.as_str() {
            "PUT" => put(root, place, body).await,
            "DELETE" => remove(place),
            "MKCOL" => make(place),
            _ => relocate(root, place, headers),
        }
    };
    plain(answered.unwrap_or_else(|error| match error.kind() {
        // The directory that it should be in is missing.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => StatusCode::CONFLICT,
        io::ErrorKind::AlreadyExists => StatusCode::METHOD_NOT_ALLOWED,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }))
}

fn is_writable(root: &Path, place: &Path) -> bool {
    let scratch = root.join(SCRATCH);
    place.starts_with(&scratch) && place != scratch
}

/// The bytes come whole or not at all: they have a place of their own until the last of them is there.
async fn put(root: &Path, place: &Path, body: Body) -> io::Result<StatusCode> {
    let existed = place.exists();
    let mut file = tempfile::NamedTempFile::new_in(root)?;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        file.write_all(&piece.map_err(io::Error::other)?)?;
    }
    file.persist(place).map_err(|error| error.error)?;
    Ok(if existed { StatusCode::NO_CONTENT } else { StatusCode::CREATED })
}

fn remove(place: &Path) -> io::Result<StatusCode> {
    match fs::symlink_metadata(place) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(place)?,
        Ok(_) => fs::remove_file(place)?,
        Err(_) => return Ok(StatusCode::NOT_FOUND),
    }
    Ok(StatusCode::NO_CONTENT)
}

fn make(place: &Path) -> io::Result<StatusCode> {
    fs::create_dir(place)?;
    Ok(StatusCode::CREATED)
}

fn relocate(root: &Path, place: &Path, headers: &HeaderMap) -> io::Result<StatusCode> {
    let Some(to) = destination(root, headers).filter(|to| is_writable(root, to)) else {
        return Ok(StatusCode::FORBIDDEN);
    };
    let existed = to.exists();
    if existed && headers.get("overwrite").is_some_and(|value| value == "F") {
        return Ok(StatusCode::PRECONDITION_FAILED);
    }
    fs::rename(place, to)?;
    Ok(if existed { StatusCode::NO_CONTENT } else { StatusCode::CREATED })
}

/// Where the header of MOVE points to: a URL of this server, or the path of one.
fn destination(root: &Path, headers: &HeaderMap) -> Option<PathBuf> {
    let text = headers.get("destination")?.to_str().ok()?;
    let path = match text.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/')?..],
        None => text,
    };
    within(root, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(root: &Path, method: &str, path: &str, destination: Option<&str>, body: &'static str) -> u16 {
        let mut headers = HeaderMap::new();
        if let Some(destination) = destination {
            headers.insert("destination", destination.parse().unwrap());
        }
        let method: Method = method.parse().unwrap();
        assert!(is_change(&method));
        let place = within(root, path).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(change(root, &place, &method, &headers, Body::from(body))).status().as_u16()
    }

    #[test]
    fn files_are_written_moved_and_removed() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        fs::create_dir(root.join(SCRATCH)).unwrap();
        assert_eq!(changed(root, "MKCOL", "/scratch/d/", None, ""), 201);
        assert_eq!(changed(root, "MKCOL", "/scratch/d", None, ""), 405);
        assert_eq!(changed(root, "PUT", "/scratch/d/a%20b", None, "first"), 201);
        assert_eq!(changed(root, "PUT", "/scratch/d/a%20b", None, "second"), 204);
        assert_eq!(changed(root, "PUT", "/scratch/none/a", None, "x"), 409);
        let to = Some("http://127.0.0.1:1/scratch/e%20f");
        assert_eq!(changed(root, "MOVE", "/scratch/d", to, ""), 201);
        assert_eq!(fs::read_to_string(root.join("scratch/e f/a b")).unwrap(), "second");
        assert_eq!(changed(root, "DELETE", "/scratch/e%20f", None, ""), 204);
        assert_eq!(changed(root, "DELETE", "/scratch/e%20f", None, ""), 404);
        assert_eq!(fs::read_dir(root).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn shared_data_stay_as_they_are() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path();
        fs::create_dir(root.join(SCRATCH)).unwrap();
        fs::write(root.join("shared"), "data").unwrap();
        assert_eq!(changed(root, "PUT", "/shared", None, "other"), 403);
        assert_eq!(changed(root, "DELETE", "/scratch", None, ""), 403);
        fs::write(root.join("scratch/mine"), "").unwrap();
        assert_eq!(changed(root, "MOVE", "/scratch/mine", Some("/shared"), ""), 403);
        assert_eq!(fs::read_to_string(root.join("shared")).unwrap(), "data");
    }
}
