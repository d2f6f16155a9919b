//! What is behind the last `;` of a message, by what a service answers.

use crate::ErrorKind;
use crate::testing::{Reply, Stub, refused, uri};

#[tokio::test]
async fn what_a_service_refuses_ends_with_what_to_do() {
    for (status, text, kind, advice) in [
        (404, "NodeNotFound", ErrorKind::NotFound, "; check the path"),
        (403, "no", ErrorKind::PermissionDenied, "; ask the owner for access, or check with which credentials you are"),
        (401, "no", ErrorKind::Unauthorized, "; renew your credentials (cadc-get-cert -u <user>, or a new token)"),
        (409, "DuplicateNode", ErrorKind::AlreadyExists, "; choose another name or remove what is there first"),
        (400, "'c' is not empty", ErrorKind::NotEmpty, "; remove its contents first"),
        (400, "x is not a container", ErrorKind::NotAContainer, "; name a container"),
        (400, "not a data node", ErrorKind::NotData, "; name a file"),
        (403, "NodeLocked", ErrorKind::Locked, "; unlock the node or try again later"),
        (409, "NodeBusy", ErrorKind::Locked, "; unlock the node or try again later"),
        (413, "quota", ErrorKind::QuotaExceeded, "; free some space or ask for a larger quota"),
        (507, "", ErrorKind::QuotaExceeded, "; free some space or ask for a larger quota"),
        (503, "read-only", ErrorKind::ReadOnlyService, "; the service is in read-only mode: try again later"),
        (400, "URISyntaxException", ErrorKind::InvalidName, "; rename it"),
        (405, "", ErrorKind::Unsupported, "; this service does not offer it"),
        (413, "huge", ErrorKind::TooLarge, "; split it, or use a service with a larger limit"),
        (404, "UnreadableLinkTarget", ErrorKind::LinkLoop, "; repair or remove the link"),
        (412, "", ErrorKind::ChecksumMismatch, "; try again; if it persists, report it to the service's operators"),
        (416, "", ErrorKind::RangeNotSatisfiable, "; the file has become shorter: open it again"),
        (504, "", ErrorKind::Timeout, "; try again later"),
        (500, "", ErrorKind::Service, "; try again later"),
        (400, "so not", ErrorKind::BadRequest, "; the service refuses the request"),
        (400, "args must both be", ErrorKind::MoveIntoRoot, "; services cannot move nodes into the top level: choose"),
        (
            400,
            "Cannot move container node into its descendants",
            ErrorKind::MovePrefix,
            "; services refuse to move a container to a path that contains its own path as text: move it elsewhere first",
        ),
    ] {
        let stub = Stub::service(move |_, _| Reply::fault(status, text)).await;
        let said = if text.is_empty() { format!("{status}{advice}") } else { format!("{status}: {text}{advice}") };
        refused(stub.client().delete(&uri("/a")).await, kind, &said);
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_to_be_looked_for() {
    // A port that nobody listens at: the listener is gone with its runtime.
    let config = std::thread::spawn(|| {
        tokio::runtime::Runtime::new().unwrap().block_on(Stub::start(|_, _| Reply::status(500))).config()
    });
    let client = crate::Client::new(config.join().unwrap()).unwrap();
    let text = "; check the network and the service's address";
    refused(client.stat(&uri("/a")).await, ErrorKind::Unreachable, text);
}
