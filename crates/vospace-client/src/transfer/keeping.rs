//! The properties of a file that is overwritten.
//!
//! By the standard an upload to a node takes them away (VOSpace 2.1 §3.6; pyvospace does, Vault and Cavern do not,
//! observed). A user who overwrites a file means its bytes: what it had is read before and given back after, until the
//! service was seen to keep it. A service may take it away as soon as an upload is announced: so it is given back after one
//! that failed, or that nobody wants any more, too.

use std::sync::Arc;

use crate::dialect::Learned;
use crate::inner::Inner;
use crate::node::{NodeKind, Properties, property};
use crate::ops::{nodes, stat};
use crate::service::Service;
use crate::uri::VosUri;
use crate::{ErrorKind, Result};

/// What a file had before an upload.
pub(super) struct Kept {
    properties: Properties,
    /// It was asked for, and there was none.
    absent: bool,
}

impl Kept {
    /// Reads it, where the service may take it away.
    pub(super) async fn before(inner: &Arc<Inner>, service: &Service, uri: &VosUri) -> Result<Kept> {
        if service.dialect().push_clears_properties == Learned::No {
            return Ok(Kept { properties: Properties::new(), absent: false });
        }
        match stat::stat(inner, uri).await {
            Ok(node) => Ok(Kept { properties: settable(&node.properties), absent: false }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Ok(Kept { properties: Properties::new(), absent: true })
            }
            Err(error) => Err(error),
        }
    }

    /// Whether there was no file.
    pub(super) fn is_absent(&self) -> bool {
        self.absent
    }

    /// Whether there is nothing that could be lost.
    pub(super) fn is_empty(&self) -> bool {
        self.properties.is_empty()
    }

    /// Gives back what is missing after the new bytes were `stored`, or were not.
    pub(super) async fn give_back(
        self,
        inner: &Arc<Inner>,
        service: &Service,
        uri: &VosUri,
        stored: bool,
    ) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let now = stat::stat(inner, uri).await?.properties;
        let mut missing = Properties::new();
        for (uri, property) in self.properties.iter().filter(|(uri, _)| now.get(uri).is_none()) {
            missing.set(uri.to_owned(), property.value.clone().unwrap_or_default());
        }
        // Media type and encoding are those of the new bytes: that these are gone tells nothing.
        let text = |properties: &Properties| properties.iter().any(|(uri, _)| !OF_BYTES.contains(&uri));
        // One that failed may have ended before anything could be taken away.
        if text(&self.properties) && (stored || text(&missing)) {
            service.learn(|dialect| dialect.push_clears_properties = text(&missing).into());
        }
        if stored {
            OF_BYTES.iter().for_each(|uri| drop(missing.remove(uri)));
        }
        if missing.is_empty() {
            return Ok(());
        }
        tracing::debug!("{uri} gets back the properties that the upload took away");
        // The bytes are stored: sending them again would bring nothing back.
        if let Err(error) = nodes::set_properties(inner, uri, &NodeKind::Data { busy: false }, &missing).await {
            let names: Vec<&str> = missing.iter().map(|(uri, _)| uri).collect();
            tracing::warn!("{uri} lost {} by its upload, and could not be given them back: {error}", names.join(", "));
        }
        Ok(())
    }
}

/// Properties that belong to the bytes and change with them.
const OF_BYTES: [&str; 4] = [property::TYPE, property::ENCODING, property::MTIME, property::READABLE];

/// All that a user may have set.
pub(crate) fn settable(properties: &Properties) -> Properties {
    let mut kept = Properties::new();
    for (uri, property) in properties.iter() {
        let computed = property.read_only || property::COMPUTED.contains(&uri);
        if let (false, Some(value)) = (computed, &property.value) {
            kept.set(uri.to_owned(), value.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::upload::digest_of;
    use crate::node::Node;
    use crate::testing::{Reply, Stub, uri};
    use crate::transfer::{PutOptions, UploadSource, Uploaded};
    use crate::xml::{read, write};

    const OWN: &str = "ivo://my.example/vospace#x";

    #[test]
    fn what_a_user_set_is_kept_and_what_the_service_computed_is_not() {
        let mut properties = Properties::new();
        properties.set(property::GROUP_READ, "ivo://x/gms?a");
        properties.set("custom:k", "v");
        properties.set(property::MD5, "x");
        properties.set_read_only("custom:r", "v");
        let kept = settable(&properties);
        assert_eq!(kept.iter().map(|(uri, _)| uri).collect::<Vec<_>>(), ["custom:k", property::GROUP_READ]);
    }

    /// A service with one file, whose properties an upload clears or not; the lines of what it was asked.
    async fn uploaded(clears: bool, new: bool, times: usize) -> (Vec<String>, Properties, Learned) {
        let stored = || Reply::status(200).header("Digest", digest_of(b"0123").to_digest_header());
        let (lines, properties, learned, results) = sent(clears, new, times, stored).await;
        results.into_iter().for_each(|result| drop(result.unwrap()));
        (lines, properties, learned)
    }

    /// The same, where a PUT is answered so; and what became of the uploads.
    async fn sent(
        clears: bool,
        new: bool,
        times: usize,
        put: impl Fn() -> Reply + Send + Sync + 'static,
    ) -> (Vec<String>, Properties, Learned, Vec<Result<Uploaded>>) {
        let kept = Arc::new(parking_lot::Mutex::new(Properties::new()));
        let held = Arc::clone(&kept);
        held.lock().set(OWN, "precious");
        held.lock().set_read_only(property::CREATOR, "me");
        let stub = Stub::service(move |seen, _| {
            let mut held = held.lock();
            match seen.line().as_str() {
                "PUT /svc/files/" => return Reply::fault(405, "no"),
                "POST /svc/sync" => {
                    if clears {
                        held.remove(OWN);
                    }
                    return Reply::redirect("/svc/byte");
                }
                "PUT /svc/byte" => return put(),
                "POST /svc/nodes/a" => {
                    for (uri, property) in read::read_node(&seen.body).unwrap().properties.iter() {
                        held.set(uri.to_owned(), property.value.clone().unwrap());
                    }
                }
                _ => {}
            }
            let node = Node { properties: held.clone(), ..Node::data(uri("/a")) };
            Reply::ok(write::node(&node, [].into_iter()))
        })
        .await;
        let client = stub.client();
        let mut results = Vec::new();
        for _ in 0..times {
            let options = PutOptions { new, ..PutOptions::default() };
            results.push(client.put(&uri("/a"), UploadSource::Bytes("0123".into()), options).await);
        }
        let learned = client.service(&uri("/")).await.unwrap().dialect().push_clears_properties;
        let properties = kept.lock().clone();
        (stub.lines(), properties, learned, results)
    }

    #[tokio::test]
    async fn properties_that_an_upload_took_away_are_given_back() {
        let (_, properties, learned) = uploaded(true, false, 1).await;
        assert_eq!((properties.get(OWN), learned), (Some("precious"), Learned::Yes));
    }

    #[tokio::test]
    async fn they_are_given_back_after_an_upload_that_failed() {
        let (_, properties, learned, results) = sent(true, false, 1, || Reply::fault(413, "quota")).await;
        assert!(results[0].is_err(), "{results:?}");
        assert_eq!((properties.get(OWN), learned), (Some("precious"), Learned::Yes));
        let (_, _, learned, _) = sent(false, false, 1, || Reply::fault(413, "quota")).await;
        assert_eq!(learned, Learned::Unknown, "it may have failed before anything was taken away");
    }

    #[tokio::test]
    async fn a_service_that_keeps_them_is_asked_once() {
        let (lines, properties, learned) = uploaded(false, false, 2).await;
        assert_eq!((properties.get(OWN), learned), (Some("precious"), Learned::No));
        assert_eq!(lines.iter().filter(|line| line.starts_with("GET")).count(), 2, "{lines:?}");
        assert!(!lines.contains(&"POST /nodes/a".to_owned()));
    }

    #[tokio::test]
    async fn a_file_that_was_not_there_has_none() {
        let (lines, _, learned) = uploaded(true, true, 1).await;
        assert!(lines.iter().all(|line| !line.starts_with("GET")), "{lines:?}");
        assert_eq!(learned, Learned::Unknown);
    }
}
