use std::collections::BTreeMap;

use parking_lot::Mutex;

use super::*;
use crate::body::upload::digest_of;
use crate::node::property;
use crate::testing::{Reply, Seen, Stub, refused, uri};
use crate::xml::{read, write};

/// What the service does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// It tells no digests.
    NoDigests,
    /// It tells neither digests nor lengths.
    NoLengths,
    /// It stores other bytes, and tells no digest.
    Damages,
    /// Somebody changes the original while it is copied.
    Changed,
    /// The same, to bytes of the same number, where it tells no digests.
    ChangedAlike,
    /// Somebody puts a file beside it.
    Added,
}

type Files = BTreeMap<String, (Option<Vec<u8>>, Properties)>;

/// A service with files at lasting addresses, of which `None` is a container.
fn serve(files: &mut Files, seen: &Seen, wrong: Wrong) -> Reply {
    let target = seen.target.split('?').next().unwrap();
    if let Some(path) = target.strip_prefix("/svc/files") {
        return match seen.method.as_str() {
            "PUT" if path == "/" => Reply::fault(400, "not a data node"),
            "PUT" => {
                let mut bytes = seen.body.clone();
                if wrong == Wrong::Damages {
                    bytes[0] ^= 1;
                }
                if wrong == Wrong::Changed {
                    files.get_mut("/d/f").unwrap().0 = Some(b"other".to_vec());
                }
                if wrong == Wrong::ChangedAlike {
                    files.get_mut("/d/f").unwrap().0 = Some(b"9876".to_vec());
                }
                if wrong == Wrong::Added {
                    files.insert("/d/g".to_owned(), (Some(b"new".to_vec()), Properties::new()));
                }
                files.get_mut(path).unwrap().0 = Some(bytes);
                Reply::status(201)
            }
            _ => Reply::ok(files[path].0.clone().unwrap()),
        };
    }
    let path = target.strip_prefix("/svc/nodes").unwrap().to_owned();
    let show = |path: &str, (bytes, properties): &(Option<Vec<u8>>, Properties)| {
        let mut node = Node::container(uri(path));
        node.properties = properties.clone();
        node.properties.set(property::CREATOR, "me");
        if let Some(bytes) = bytes {
            node.kind = NodeKind::Data { busy: false };
            if wrong != Wrong::NoLengths {
                node.properties.set(property::LENGTH, bytes.len().to_string());
            }
            let without = [Wrong::NoDigests, Wrong::NoLengths, Wrong::ChangedAlike, Wrong::Damages];
            let has_digest = !without.contains(&wrong);
            if has_digest && !bytes.is_empty() {
                node.properties.set(property::MD5, digest_of(bytes).to_string());
            }
        }
        node
    };
    match seen.method.as_str() {
        "GET" => match files.get(&path) {
            None => Reply::fault(404, "NodeNotFound"),
            Some(kept) => {
                let below = files.iter().filter(|(other, _)| {
                    other.strip_prefix(&path).is_some_and(|rest| rest.starts_with('/') && !rest[1..].contains('/'))
                });
                let children: Vec<Node> = below.map(|(path, kept)| show(path, kept)).collect();
                let children = if seen.target.contains("limit=0") { Vec::new() } else { children };
                Reply::ok(write::node(&show(&path, kept), children.iter()))
            }
        },
        "PUT" | "POST" => {
            let sent = read::read_node(&seen.body).unwrap();
            let bytes = (!sent.is_container()).then(Vec::new);
            let kept = files.entry(path.clone()).or_insert_with(|| (bytes, Properties::new()));
            for (uri, property) in sent.properties.iter() {
                kept.1.set(uri.to_owned(), property.value.clone().unwrap());
            }
            Reply::ok(write::node(&show(&path, kept), [].into_iter()))
        }
        "DELETE" => {
            files.remove(&path).unwrap();
            Reply::status(204)
        }
        other => panic!("{other}"),
    }
}

/// Renames `/d`, with a file and an empty one in it, to `/e`; what is there afterwards.
async fn renamed(wrong: Wrong) -> (Result<()>, Files) {
    let mut files = Files::new();
    let mut own = Properties::new();
    own.set("ivo://my.example/vospace#x", "precious");
    for (path, bytes) in [("/d", None), ("/d/f", Some(b"0123".to_vec())), ("/d/empty", Some(Vec::new()))] {
        files.insert(path.to_owned(), (bytes, own.clone()));
    }
    let files = Arc::new(Mutex::new(files));
    let held = Arc::clone(&files);
    let stub = Stub::service(move |seen, _| serve(&mut held.lock(), seen, wrong)).await;
    let client = stub.client();
    client.service(&uri("/")).await.unwrap().learn(|dialect| dialect.paging = crate::dialect::Learned::No);
    let result = client.rename_by_copy(&uri("/d"), &uri("/e")).await;
    let files = files.lock().clone();
    (result, files)
}

#[tokio::test]
async fn a_tree_is_copied_and_its_original_removed() {
    for wrong in [Wrong::Nothing, Wrong::NoDigests, Wrong::NoLengths] {
        let (result, files) = renamed(wrong).await;
        result.unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["/e", "/e/empty", "/e/f"]);
        assert_eq!(files["/e/f"].0.as_deref(), Some(&b"0123"[..]), "{wrong:?}");
        for (bytes, properties) in files.values() {
            assert_eq!(properties.get("ivo://my.example/vospace#x"), Some("precious"), "{bytes:?}");
        }
    }
}

#[tokio::test]
async fn nothing_of_the_original_is_removed_when_the_copy_is_another() {
    let (result, files) = renamed(Wrong::Damages).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::ChecksumMismatch);
    assert_eq!(files["/d/f"].0.as_deref(), Some(&b"0123"[..]));
    assert!(files.contains_key("/d/empty") && files.contains_key("/d"));
}

#[tokio::test]
async fn what_was_changed_or_added_meanwhile_is_kept() {
    let (result, files) = renamed(Wrong::Changed).await;
    refused(result, ErrorKind::VersionChanged, "; open the file again");
    assert_eq!(files["/d/f"].0.as_deref(), Some(&b"other"[..]));
    let (result, files) = renamed(Wrong::ChangedAlike).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::VersionChanged);
    assert_eq!(files["/d/f"].0.as_deref(), Some(&b"9876"[..]));
    let (result, files) = renamed(Wrong::Added).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::NotEmpty);
    assert_eq!(files["/d/g"].0.as_deref(), Some(&b"new"[..]));
    assert_eq!(files["/e/f"].0.as_deref(), Some(&b"0123"[..]));
}

#[tokio::test]
async fn nothing_is_replaced_and_nothing_goes_below_itself() {
    let stub = Stub::service(|seen, _| match seen.method.as_str() {
        "GET" => Reply::ok(write::node(&Node::container(uri("/x")), [].into_iter())),
        other => panic!("{other}"),
    })
    .await;
    let client = stub.client();
    assert_eq!(client.rename_by_copy(&uri("/d"), &uri("/e")).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(client.rename_by_copy(&uri("/d"), &uri("/d/e")).await.unwrap_err().kind(), ErrorKind::MovePrefix);
}
