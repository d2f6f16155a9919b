//! What was promised: of each name, the versions that it may have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use crate::content::Content;

/// A version, or none: the name is free.
pub(crate) type Version = Option<Content>;

/// Of each name the versions that it may have: one when all is settled, more while something is not acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<BTreeMap<String, Vec<Version>>>);

impl Ledger {
    /// The one version that the name certainly has.
    pub(crate) fn certain(&self, name: &str) -> Option<Version> {
        match self.0.lock().unwrap().get(name).map(Vec::as_slice) {
            None => Some(None),
            Some([one]) => Some(one.clone()),
            Some(_) => None,
        }
    }

    /// From now on it may also be this one.
    pub(crate) fn may_become(&self, name: &str, version: Version) {
        let mut names = self.0.lock().unwrap();
        names.entry(name.to_owned()).or_insert_with(|| vec![None]).push(version);
    }

    /// It is this one, as was acknowledged.
    pub(crate) fn is(&self, name: &str, version: Version) {
        self.0.lock().unwrap().insert(name.to_owned(), vec![version]);
    }

    /// Reads every name through the mount. What is found is what it stays.
    pub(crate) fn check_mount(&self, point: &Path, defects: &mut Vec<String>) {
        let names: BTreeSet<String> =
            fs::read_dir(point).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        self.check_names(&names, defects);
        self.check("in the mount", defects, |name| match fs::read(point.join(name)) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => panic!("{name} in the mount: {error}"),
        });
    }

    /// Every name that is there must be known.
    pub(crate) fn check_names(&self, there: &BTreeSet<String>, defects: &mut Vec<String>) {
        let names = self.0.lock().unwrap();
        for name in there.iter().filter(|name| !names.contains_key(*name)) {
            defects.push(format!("{name}: nobody made it"));
        }
    }

    /// Every name must have one of its possible versions.
    pub(crate) fn check(&self, place: &str, defects: &mut Vec<String>, read: impl Fn(&str) -> Option<Vec<u8>>) {
        for (name, possible) in self.0.lock().unwrap().iter_mut() {
            let bytes = read(name);
            let found = possible.iter().find(|version| match (version, &bytes) {
                (None, None) => true,
                (Some(content), Some(bytes)) => content.is(bytes),
                _ => false,
            });
            match found.cloned() {
                Some(version) => *possible = vec![version],
                None => {
                    let length = bytes.map_or("absent".to_owned(), |bytes| format!("{} bytes", bytes.len()));
                    let lengths: Vec<_> =
                        possible.iter().map(|version| version.as_ref().map(Content::length)).collect();
                    defects.push(format!("{name} {place}: {length}, none of {lengths:?}"));
                }
            }
        }
    }
}
