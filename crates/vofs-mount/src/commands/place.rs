//! Which mount a path that was typed is in, and where in it. The table of mounts tells; the mount itself is not asked, for it
//! may hang.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::args::Which;
use crate::failure::{Failure, Status};
use crate::{options, system};

/// The cache directory of the mount that all of `paths` are in, and their paths below its root. A path that is in no mount
/// is meant to be one below the root of `which`.
pub(super) fn find(which: &Which, paths: &[PathBuf]) -> Result<(PathBuf, Vec<String>)> {
    let mounts = system::own_mounts();
    let mut found: Option<PathBuf> = None;
    let mut below = Vec::new();
    for path in paths {
        let (cache_dir, inside) = locate(which, path, &mounts)?;
        if found.as_ref().is_some_and(|other| *other != cache_dir) {
            let message = format!("{}: is in another mount than the paths before it", path.display());
            return Err(Failure::new(Status::Usage, message));
        }
        found = Some(cache_dir);
        below.push(inside);
    }
    match found {
        Some(cache_dir) => Ok((cache_dir, below)),
        None => Ok((options::cache_dir(which)?, below)),
    }
}

fn locate(which: &Which, path: &Path, mounts: &[(PathBuf, String)]) -> Result<(PathBuf, String)> {
    let fail = |why: &str| Failure::new(Status::Usage, format!("{}: {why}", path.display()));
    let absolute = std::path::absolute(path).map_err(|error| fail(&error.to_string()))?;
    let inside = mounts.iter().filter(|(point, _)| absolute.starts_with(point));
    let (below, which) = match inside.max_by_key(|(point, _)| point.as_os_str().len()) {
        Some((point, space)) => {
            let is_named = which.vospace.is_some() || which.cache_dir.is_some();
            let which = if is_named { which.clone() } else { Which { vospace: Some(space.clone()), cache_dir: None } };
            (absolute.strip_prefix(point).unwrap_or(&absolute).to_owned(), which)
        }
        None => (path.to_owned(), which.clone()),
    };
    let below = below.to_str().ok_or_else(|| fail("names in a VOSpace are UTF-8"))?;
    if Path::new(below).components().any(|part| part == std::path::Component::ParentDir) {
        return Err(fail("give it without `..`"));
    }
    Ok((options::cache_dir(&which)?, below.trim_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_in_the_innermost_mount_or_below_the_root() {
        let mounts = [("/m", "vos:a"), ("/m/inner", "vos:b")].map(|(point, space)| (point.into(), space.to_owned()));
        let none = Which { vospace: None, cache_dir: None };
        let (cache_dir, below) = locate(&none, Path::new("/m/inner/d/f"), &mounts).expect("found");
        assert!(cache_dir.ends_with("vos:b") && below == "d/f");
        let (cache_dir, below) = locate(&none, Path::new("/m/other/"), &mounts).expect("found");
        assert!(cache_dir.ends_with("vos:a") && below == "other");
        let named = Which { vospace: None, cache_dir: Some("/c".into()) };
        assert_eq!(locate(&named, Path::new("d/f"), &mounts).expect("below"), ("/c".into(), "d/f".to_owned()));
        assert_eq!(locate(&named, Path::new("/m"), &mounts).expect("the root"), ("/c".into(), String::new()));
        assert!(locate(&named, Path::new("../f"), &mounts).is_err());
    }
}
